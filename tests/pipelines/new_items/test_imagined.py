"""New items by imagined ones and by copies: the scores by hand, without training anything."""

import dataclasses
import logging

import numpy as np
import pytest
from scipy import sparse

from doppelcart.catalogue.item_features import encode
from doppelcart.catalogue.shares import groups_of
from doppelcart.models.items.hyperparameters import ItemTrainingConfig
from doppelcart.models.items.item_attributes import ItemAttributes
from doppelcart.pipelines.new_items import imagined, nodes
from doppelcart.pipelines.new_items.params import ExperimentParams, ImaginedParams

from .conftest import make_items

PARAMS = ImaginedParams(cuts=(0.7,), floors=(0.0, 0.5), draws=1, household_units=3)


@pytest.fixture
def setting(planted) -> imagined.Setting:
    """Three old items, two new ones; items 0, 1 and 3 are of a category, 2 and 4 of another."""
    (launch,), _ = planted
    window = dataclasses.replace(
        launch.test,
        old=np.array([0, 1, 2]),
        new=np.array([3, 4]),
        counts=sparse.csr_matrix(np.array([[1.0, 2, 0], [0, 0, 1]], dtype=np.float32)),
        bought=sparse.csr_matrix(np.array([[1.0, 0], [0, 1]], dtype=np.float32)),
    )
    codes = np.array([[1, 1], [1, 2], [2, 1], [1, 1], [2, 1]])
    attributes = ItemAttributes(("type", "brand"), codes, np.array([3, 3]))
    shares = np.array([[0.5, 0.25], [0.1, 0.9]])
    return imagined.Setting(window, attributes, np.array([0, 0, 1, 0, 1]), shares)


def test_copies_by_hand(setting):
    strict, lenient = imagined.copied_scores(setting, PARAMS)
    # The first household's items of the category: one the same, one of another brand.
    assert strict.tolist() == [pytest.approx([0.5 * 0.5, 0]), pytest.approx([0, 0.9])]
    # Where nothing of the category was bought, nothing is alike: half, for both attributes.
    assert lenient[0].tolist() == pytest.approx([0.5 * (1 + 0.5) / 2, 0.25 * 0.25])
    assert lenient[1].tolist() == pytest.approx([0.1 * 0.25, 0.9])


class Certain:
    """A generator that imagines one type and brand for all."""

    def __call__(self, fed: dict[str, np.ndarray], training: bool) -> np.ndarray:
        self.asked = fed
        logits = np.full((len(fed["noise"]), 6), -50.0, dtype=np.float32)
        logits[:, [1, 5]] = 50.0
        return logits


def test_imagined_items_by_hand(setting):
    purchases = imagined.purchases_of(setting, 1)
    generator = Certain()
    strict, lenient = imagined.imagined_scores(
        setting, purchases, generator, ItemTrainingConfig(noise_units=2), PARAMS
    )
    # Type 1 is that of the first new item, brand 2 is nobody's.
    assert strict == pytest.approx(0)
    assert lenient == pytest.approx(setting.shares * np.array([0.5, 0.25]))
    assert generator.asked["category"].tolist() == [[0, 1], [0, 1]]


def test_a_generator_learns_from_what_was_bought_before(setting):
    purchases = imagined.purchases_of(setting, 1)
    bought = sorted(zip(purchases.user.tolist(), purchases.item.tolist(), strict=True))
    assert bought == [(0, 0), (0, 1), (1, 2)]
    assert purchases.households.shape == (2, 1)


def test_the_control_without_a_critic_differs_in_nothing_else():
    kinds = ItemTrainingConfig(epochs=7).with_controls("imagined")
    assert kinds["without_critic"].adversarial_weight == 0
    assert kinds["energy_score"].adversarial_loss == "energy_score"
    same = {"adversarial_weight": 1.0, "adversarial_loss": "wgan_gp"}
    assert len({config.model_copy(update=same).model_dump_json() for config in kinds.values()}) == 1


def test_the_best_floor_before_the_cut_is_chosen(planted):
    (launch,), _ = planted
    window = launch.tuning
    right = window.bought[window.judged].toarray()
    scores = {"copies": [-right, right], "imagined": [right, -right]}
    chosen, tried = imagined.choose_floors(window, scores, (0.0, 0.5), 5)
    assert chosen == {"copies": 1, "imagined": 0}
    assert tried["ndcg"].max() == 1


def test_items_without_attributes_and_prices_are_not_imagined(planted, caplog):
    (launch,), _ = planted
    items = make_items().assign(title="a thing")[["item_id", "title"]]
    bare = encode(items, (), ("title",), (3, 3))
    unpriced = {
        part: dataclasses.replace(getattr(launch, part), prices=np.full(len(items), np.nan))
        for part in ("tuning", "test")
    }
    with caplog.at_level(logging.WARNING):
        lists, log, tried = nodes.imagine_items(
            [dataclasses.replace(launch, **unpriced)], bare, PARAMS, ItemTrainingConfig(),
            ExperimentParams(),
        )  # fmt: skip
    assert lists == {}
    assert log.empty
    assert tried.empty
    assert "No item is imagined" in caplog.text


def test_without_categories_all_items_are_asked_for_alike(planted):
    (launch,), _ = planted
    items = make_items()[["item_id", "brand"]]
    features = encode(items, ("brand",), ("title",), (3, 3))
    found = imagined.setting_of(launch.test, features, groups_of(features), PARAMS)
    assert found.n_categories == 1
    assert np.ptp(found.shares) < 1e-6
