"""Fake profiles are what their names say, and attributes tell the crude ones from users."""

from dataclasses import replace

import numpy as np
import pytest

from doppelcart.errors import InputError
from doppelcart.metrics.classification import auc
from doppelcart.pipelines.shilling.attacks import (
    AOP,
    AVERAGE,
    BANDWAGON,
    MAKERS,
    MIMICRY,
    RANDOM,
    TWINS,
    Scene,
    attack,
    candidates,
    targets,
)
from doppelcart.pipelines.shilling.fake_detectors import profiles_of
from doppelcart.pipelines.shilling.params import AttackParams
from doppelcart.pipelines.shilling.profile_attributes import (
    OF_ALL,
    OF_RATINGS,
    attributes,
    coherence,
    oddest_items,
)


def scene_of(shop, sources=None):
    sources = shop.given[:20] if sources is None else sources
    return Scene(shop, sources, fillers=0.1, dropped=0.3)


@pytest.mark.parametrize("kind", [RANDOM, AVERAGE, BANDWAGON, AOP, MIMICRY, TWINS])
def test_every_profile_pushes_the_target(ratings, kind):
    shop = ratings()
    made = attack(MAKERS[kind], scene_of(shop), 7, 9, np.random.default_rng(0))
    assert made.shape == (9, shop.n_items)
    assert (made[:, 7] == 5).all()
    assert set(np.unique(made)) <= {0, 1, 2, 3, 4, 5}


def test_fillers_are_as_many_as_asked_for(ratings):
    made = MAKERS[RANDOM](scene_of(ratings()), 6, np.random.default_rng(0))
    assert ((made > 0).sum(axis=1) == 12).all()


def test_average_over_popular_takes_popular_items_only(ratings):
    shop = ratings()
    made = MAKERS[AOP](scene_of(shop), 30, np.random.default_rng(0))
    raters = (shop.given > 0).sum(axis=0)
    used = (made > 0).any(axis=0)
    assert raters[used].min() >= np.sort(raters)[::-1][48 - 1]


def test_a_bandwagon_rates_the_best_seller_highest(ratings):
    shop = ratings()
    made = MAKERS[BANDWAGON](scene_of(shop), 5, np.random.default_rng(0))
    assert (made[:, (shop.given > 0).sum(axis=0).argmax()] == 5).all()


def test_a_mimic_has_only_what_its_source_has(ratings):
    shop, source = ratings(), ratings(seed=3).given[:1]
    made = MAKERS[MIMICRY](scene_of(shop, source), 4, np.random.default_rng(0))
    assert ((made == 0) | (made == source)).all()
    assert 0 < (made > 0).sum() < 4 * (source > 0).sum()


def test_an_attack_on_purchases_has_ones(ratings):
    shop = ratings(scale=None)
    for kind in (RANDOM, AVERAGE, BANDWAGON, AOP, MIMICRY):
        made = attack(MAKERS[kind], scene_of(shop), 0, 5, np.random.default_rng(0))
        assert set(np.unique(made)) == {0, 1}


def test_a_target_that_nobody_rated_is_refused(ratings):
    shop = ratings()
    given = shop.given.copy()
    given[:, 4] = 0
    bare = replace(shop, given=given)
    with pytest.raises(InputError, match=r"2 of 3 items .* have no rater .* 'i4' first"):
        targets(bare, AttackParams(target_items=("i4", "i5", "nothing")), np.random.default_rng(0))
    named = targets(bare, AttackParams(target_items=("i5",)), np.random.default_rng(0))
    assert bare.items[named].tolist() == ["i5"]


def test_nothing_worth_pushing_is_said(ratings):
    shop = ratings()
    with pytest.raises(InputError, match="there is nothing to push"):
        targets(replace(shop, given=shop.given[:3]), AttackParams(), np.random.default_rng(0))


def test_items_worth_pushing_are_rated_badly_and_by_few(ratings):
    shop = ratings()
    rated = shop.given > 0
    found = candidates(shop)
    means = shop.given.sum(axis=0)[found] / rated.sum(axis=0)[found]
    assert len(found)
    assert means.max() < shop.given[rated].mean()
    assert rated.sum(axis=0)[found].min() >= 5


def test_attributes_have_their_names_and_are_finite(ratings):
    assert attributes(ratings()).shape == (160, len(OF_ALL) + len(OF_RATINGS))
    bought = attributes(ratings(scale=None))
    assert bought.shape == (160, len(OF_ALL))
    assert np.isfinite(bought).all()


def test_attributes_by_hand(ratings):
    shop = replace(
        ratings(),
        given=np.array([[5, 0, 1], [3, 4, 0], [0, 2, 5]], np.float32),
        users=np.arange(3).astype(str),
        items=np.arange(3).astype(str),
    )
    found = dict(zip((*OF_ALL, *OF_RATINGS), attributes(shop)[0], strict=True))
    # Means of the items are 4, 3 and 3; the first user is off by 1 and by 2, among two raters each.
    assert found["WDA"] == pytest.approx(1.5)
    assert found["RDMA"] == pytest.approx(0.75)
    assert found["WDMA"] == pytest.approx(0.375)
    assert found["mean rating"] == pytest.approx(3)
    assert found["spread of ratings"] == pytest.approx(2)
    assert found["share of highest ratings"] == pytest.approx(0.5)
    # His highest rating is the 5; what is left is the 1, which is 2 off.
    assert found["FMTD"] == pytest.approx(4)
    assert found["MeanVar"] == pytest.approx(4)
    assert found["length"] == pytest.approx(np.log(3))


def test_components_find_random_profiles_without_labels(ratings):
    shop = ratings()
    made = attack(MAKERS[RANDOM], scene_of(shop), 3, 10, np.random.default_rng(0))
    seen = profiles_of(shop, made, RANDOM)
    assert auc(seen.fake, seen.eccentric) > 0.95
    assert seen.fake.sum() == 10


def test_raters_with_nothing_in_common_are_seen(ratings):
    shop = ratings(n_users=300)
    rng = np.random.default_rng(0)
    given = shop.given.copy()
    given[:, 0] = 0
    given[rng.choice(300, 60, replace=False), 0] = 5
    odd = replace(shop, given=given)
    company = coherence(given > 0)
    assert company[0] == np.nanmin(company)
    pushers = given[:, 0] == 5
    assert (oddest_items(odd)[pushers] == 0).all()
    assert not (oddest_items(odd)[~pushers] == 0).any()
