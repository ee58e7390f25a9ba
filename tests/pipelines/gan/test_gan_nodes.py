"""What stops a training before it begins, and which saved state belongs to it."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.histories import Histories
from doppelcart.errors import InputError, ParameterError
from doppelcart.models.histories.preparation import check_trainable, fingerprint, selection_slice
from doppelcart.pipelines.gan import nodes
from doppelcart.pipelines.gan.nodes import train_generator
from doppelcart.pipelines.gan.params import NetworkConfig, TrainerParams, TrainingConfig

NETWORK = NetworkConfig(noise_units=2, hidden_units=4, critic_units=4)
TRAINING = TrainingConfig(epochs=1, batch_size=20, evaluate_every=1)


@pytest.fixture
def trainer(tmp_path: Path) -> TrainerParams:
    return TrainerParams(
        name="gan", adversarial_weight=1, selection_slice="cold_2", state_folder=tmp_path
    )


def histories(rows: list[list[int]], n_items: int) -> Histories:
    names = np.array([f"u{user}" for user in range(len(rows))])
    items = np.array([f"i{item}" for item in range(n_items)])
    return Histories.from_lists([np.array(row) for row in rows], names, items)


class TestCheckTrainable:
    def test_a_shop_is_fine(self, shop, trainer):
        assert check_trainable(shop["train_histories"], shop["validation_cases"], trainer) is None

    @pytest.mark.parametrize(
        ("rows", "n_items", "message"),
        [
            ([[0, 1]], 2, r"at least 2 training users and 2 items.*are 1 and 2\..*cleaning"),
            ([[0], [0], [0]], 1, r"are 3 and 1\."),
            ([[0, 1], [0, 1], [0, 1]], 3, r"All 3 training users have the same history.*user col"),
            ([[0, 1], [1, 0]], 3, r"All 2 training users have the same history"),
        ],
        ids=["one user", "one item", "all alike", "all alike in another order"],
    )
    def test_nothing_to_learn_from(self, rows, n_items, message, shop, trainer):
        with pytest.raises(InputError, match=message):
            check_trainable(histories(rows, n_items), shop["validation_cases"], trainer)

    def test_two_users_who_differ_are_enough(self, shop, trainer):
        enough = histories([[0, 1], [1]], 2)
        assert check_trainable(enough, shop["validation_cases"], trainer) is None

    def test_an_unknown_slice_is_answered_with_those_there_are(self, shop, trainer):
        wrong = trainer.model_copy(update={"selection_slice": "cold_1"})
        with pytest.raises(ParameterError, match=r"gan\.trainer\.selection_slice.*: warm, cold_2"):
            check_trainable(shop["train_histories"], shop["validation_cases"], wrong)
        with pytest.raises(ParameterError, match="none"):
            check_trainable(shop["train_histories"], {}, wrong)

    def test_a_slice_without_users_gives_way_to_the_nearest_of_fewer_items(
        self, shop, trainer, caplog
    ):
        wanted = trainer.model_copy(update={"selection_slice": "cold_20"})
        cases = dict.fromkeys(
            ("warm", "cold_0", "cold_2", "cold_10", "cold_50", "cold_80pct"),
            shop["validation_cases"]["cold_2"],
        )
        assert selection_slice(cases, wanted) == "cold_10"
        assert selection_slice({"cold_20": cases["cold_2"]} | cases, wanted) == "cold_20"
        check_trainable(shop["train_histories"], cases, wanted)
        assert "'cold_20'; the checkpoint is chosen by 'cold_10' instead" in caplog.text

    def test_the_node_checks_before_it_builds_anything(self, shop, trainer, monkeypatch):
        from doppelcart.models.histories import fitting

        monkeypatch.setattr(
            fitting, "fit", lambda *args, **kwargs: pytest.fail("networks were built")
        )
        inputs = shop | {"train_histories": histories([[0]], 1)}
        with pytest.raises(InputError):
            train_generator(**inputs, network=NETWORK, training=TRAINING, trainer=trainer)


class TestFingerprint:
    @pytest.fixture
    def seen(self, shop, trainer, monkeypatch):
        """Fingerprint that the node gives to training, for some changed inputs."""
        from doppelcart.models.histories import fitting

        def run(**changes: Any) -> str:
            given: list[Any] = []

            def fit(*args: Any, **kwargs: Any) -> Any:
                given.extend(args)
                raise InterruptedError

            monkeypatch.setattr(fitting, "fit", fit)
            arguments = (
                {"network": NETWORK, "training": TRAINING, "trainer": trainer} | shop | changes
            )
            with pytest.raises(InterruptedError):
                train_generator(**arguments)
            return str(given[-1])

        return run

    def test_nothing_changed_nothing_changes(self, seen):
        assert seen() == seen()

    @pytest.mark.parametrize("name", ["profile_matrix", "demographics_matrix", "item_matrix"])
    def test_it_changes_with_every_matrix(self, seen, shop, name):
        changed = shop[name].copy()
        # the last row of each is one that training reads
        changed.iloc[-1, -1] += 1
        assert seen(**{name: changed}) != seen()

    def test_it_changes_with_the_histories_and_the_validation_users(self, seen, shop):
        train = shop["train_histories"]
        swapped = train.items.copy()
        swapped[:2] = swapped[1::-1]
        other = Histories(train.user_ids, train.item_ids, train.indptr, swapped)
        assert seen(train_histories=other) != seen()
        cases = shop["validation_cases"]
        fewer = cases | {"cold_2": cases["cold_2"].select(np.arange(10))}
        assert seen(validation_cases=fewer) != seen()

    def test_it_changes_with_every_parameter(self, seen, trainer):
        assert seen(network=NETWORK.model_copy(update={"dropout": 0.3})) != seen()
        assert seen(training=TRAINING.model_copy(update={"epochs": 2})) != seen()
        assert seen(trainer=trainer.model_copy(update={"adversarial_weight": 0.5})) != seen()

    def test_users_of_other_lengths_with_the_same_items_differ(self):
        one, other = histories([[0, 1], [2]], 3), histories([[0], [1, 2]], 3)
        assert one.items.tolist() == other.items.tolist()
        assert fingerprint(one) != fingerprint(other)


def test_profiles_go_to_the_users_they_belong_to(shop, trainer, monkeypatch):
    from doppelcart.models.histories import fitting

    given: list[Any] = []

    def fit(*args: Any, **kwargs: Any) -> Any:
        given.extend(args)
        raise InterruptedError

    monkeypatch.setattr(fitting, "fit", fit)
    shuffled = {
        name: shop[name].sample(frac=1, random_state=0)
        for name in ("profile_matrix", "demographics_matrix")
    }
    with pytest.raises(InterruptedError):
        train_generator(**shop | shuffled, network=NETWORK, training=TRAINING, trainer=trainer)
    train, demographics, behaviour, features = given[:4]
    assert behaviour[:, 0].tolist() == shop["profile_matrix"]["behaviour__half"].tolist()
    assert demographics[:, 0].tolist() == list(range(train.n_users))
    assert features.dtype == np.float32
    np.testing.assert_allclose(features[:, 0], shop["item_matrix"]["item__price"], rtol=1e-6)


def test_warnings_of_the_monitors_are_said_with_their_advice(shop, trainer, monkeypatch, caplog):
    from types import SimpleNamespace

    from doppelcart.models.histories import fitting

    monitors = pd.DataFrame(
        [
            ("divergence", "ok", 1.0, "a finite loss", ""),
            ("mode collapse", "warning", 0.9, "at most 0.05", "Raise gan.network.noise_units."),
        ],
        columns=["monitor", "status", "value", "limit", "advice"],
    )
    trained = SimpleNamespace(
        generator="G", critic="D", training_log="H", best_epoch=3, steps_per_second=1.0
    )
    monkeypatch.setattr(fitting, "fit", lambda *args, **kwargs: (trained, monitors))
    with caplog.at_level(logging.INFO, logger=nodes.__name__):
        found = train_generator(**shop, network=NETWORK, training=TRAINING, trainer=trainer)
    assert found[:3] == ("G", "D", "H")
    assert found[3] is monitors
    (warning,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    expected = "gan, mode collapse: 0.9 (limit: at most 0.05). Raise gan.network.noise_units."
    assert warning == expected
