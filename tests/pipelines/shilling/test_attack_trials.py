"""The experiment finds an effect that is planted, and none where there is none."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from doppelcart.errors import InputError
from doppelcart.experiment.comparison import compare
from doppelcart.experiment.verdict import judge
from doppelcart.pipelines.shilling import attack_design as plan
from doppelcart.pipelines.shilling import attack_results as results
from doppelcart.pipelines.shilling import attack_trials as trials
from doppelcart.pipelines.shilling.attacks import (
    AOP,
    MAKERS,
    MIMICRY,
    RANDOM,
    Scene,
    attack,
)
from doppelcart.pipelines.shilling.fake_detectors import PCA, Detector, Fitted, f1_at_k, parted
from doppelcart.pipelines.shilling.harm import AFTER, BEFORE, CLEANED, harm_of, lost_by
from doppelcart.pipelines.shilling.params import AttackParams, ListParams
from doppelcart.pipelines.shilling.rating_matrix import Others
from doppelcart.pipelines.shilling.suspects import listed_users, rank_others


def verdict_with(ratings, params, maker):
    def generate(draw, seed):
        return trials.Generated({plan.GAN: maker, plan.WITHOUT_CRITIC: MAKERS[RANDOM]})

    found = trials.measure(ratings, params, generate)
    design = plan.declare(params.n_bootstrap, generated=False)
    differences = compare(results.scores_of(found.attacks, design), design)
    return judge(differences, design).set_index("kind"), found


@pytest.fixture(scope="module")
def params():
    return AttackParams(
        targets=30,
        draws=2,
        sizes=(0.1,),
        training_size=0.1,
        training_targets=2,
        training_fillers=0.1,
        judged_fillers=0.15,
        penalties=(1.0,),
        trees=10,
        n_bootstrap=2000,
    )


@pytest.mark.slow
def test_a_planted_effect_is_found_and_a_null_is_not(ratings, params, monkeypatch):
    for module in (plan, trials):
        monkeypatch.setattr(module, "JUDGED", (MIMICRY,))
    shop = ratings(n_users=150, n_items=300)
    more = params.model_copy(update={"targets": 60})
    # What the detector lacks: examples like those that are judged, of a kind that it never saw.
    taught, found = verdict_with(shop, more, MAKERS[MIMICRY])
    assert taught.loc[MIMICRY, "outcome"] == "helps"
    assert 0.5 < taught.loc[MIMICRY, "gap_closed"] < 1.5
    # What it has seen enough of teaches it nothing.
    idle, _ = verdict_with(shop, more, MAKERS[RANDOM])
    assert idle.loc[MIMICRY, "outcome"] == "no evidence"
    means = results.summary(found.attacks).set_index(["kind", "arm"])
    assert means.loc[(MIMICRY, plan.GAN), "auc"] > means.loc[(MIMICRY, plan.NONE), "auc"]
    assert set(found.suspects["user_id"]) <= set(shop.users)
    assert (found.attacks["false"].dropna() <= 0.03).all()


@pytest.mark.parametrize("n_others", [40, 160, 230])
def test_who_is_in_no_draw_is_ranked_once_and_fakes_among_them_come_first(ratings, n_others):
    everybody = ratings(n_users=160 + n_others)
    shop = everybody.select(np.arange(160))
    left = everybody.select(np.arange(160, 160 + n_others))
    scene = Scene(shop, shop.given[:5], 0.3, 0.3)
    fakes = attack(MAKERS[RANDOM], scene, 7, 8, np.random.default_rng(0))
    names = np.array([*left.users, *(f"fake{n}" for n in range(8))])
    others = Others(names, sparse.csr_matrix(np.concatenate([left.given, fakes])))
    found = rank_others(others, shop, Fitted(Detector(PCA), None), 0)
    assert sorted(found["user_id"]) == sorted(names)
    assert found["suspicion"].between(0, 1).all()
    leading = found.sort_values("suspicion", ascending=False).head(8)["user_id"]
    assert leading.str.startswith("fake").sum() >= 6
    items = found.set_index("user_id")["items"]
    assert items[left.users[0]] == (left.given[0] > 0).sum()


def test_those_in_no_draw_are_ranked_in_the_first_alone(ratings, params):
    everybody = ratings(n_users=200)
    shop = replace(
        everybody.select(np.arange(150)),
        others=Others(everybody.users[150:], sparse.csr_matrix(everybody.given[150:])),
    )
    few = params.model_copy(update={"targets": 2})
    found = trials.measure(shop, few).suspects
    counted = found.groupby("user_id").size()
    assert (counted[everybody.users[150:]] == 1).all()
    assert set(found.loc[found["user_id"].isin(everybody.users[150:]), "draw"]) == {0}
    assert set(found["user_id"]) & set(everybody.users[:150])


def test_the_judged_kind_is_never_learnt_from(ratings, params):
    draw = next(iter(trials.draw_parts(ratings(), params)))
    detectors = trials.Detectors(trials.learn(draw, params, MAKERS), params)
    asked = []
    detectors.of = lambda kinds: asked.append(kinds)
    arms = [arm for arm, _ in detectors.on(AOP)]
    learnt = dict(zip(arms, asked, strict=False))
    assert AOP in learnt.pop(plan.ORACLE)
    assert all(AOP not in kinds for kinds in learnt.values())
    assert plan.COPIES in learnt[plan.ALL_PLAIN]


def test_no_genuine_user_chooses_among_detectors_that_learnt_from_him(ratings, params):
    # Lessons of an odd number of rows: 64 genuine users, 3 attacks of 13 fakes.
    odd = params.model_copy(update={"training_targets": 3})
    draw = next(iter(trials.draw_parts(ratings(n_users=161), odd)))
    lessons = trials.learn(draw, odd, MAKERS)
    assert {len(lesson.fake) for lesson in lessons.values()} == {103}
    rows = trials.stacked([lessons[kind] for kind in plan.KNOWN])
    for kind in plan.KNOWN:
        learnt, judges = parted(rows, kind)
        own, others = set(learnt.user[~learnt.fake]), set(judges.user[~judges.fake])
        assert (len(own), len(others), own & others) == (32, 32, set())
        assert kind not in learnt.kind[learnt.fake]
        assert set(judges.kind) == {kind}


def test_a_shop_whose_items_are_all_pushed_leaves_none_to_learn_from(ratings, params):
    given = np.zeros((130, 50), np.float32)
    for item in range(50):
        given[: 5 + item % 40, item] = 1
    shop = replace(ratings(n_users=130, n_items=50, scale=None), given=given)
    words = r"push 2 items .* there are 0: of 50 items 50 are .*shilling\.attacks\.targets or"
    with pytest.raises(InputError, match=words):
        trials.measure(shop, params.model_copy(update={"targets": 60}))


def test_draws_keep_users_apart(ratings, params):
    shop = ratings()
    for draw in trials.draw_parts(shop, params):
        inside = {row.tobytes() for row in draw.shop.given}
        for outside in (draw.to_learn, draw.to_judge):
            assert not inside & {row.tobytes() for row in outside}
        assert not {r.tobytes() for r in draw.to_learn} & {r.tobytes() for r in draw.to_judge}
        assert not set(draw.pushed) & set(draw.practised)
    pushed = [set(draw.pushed) for draw in trials.draw_parts(shop, params)]
    assert not pushed[0] & pushed[1]


def test_too_few_fakes_to_judge_are_refused():
    with pytest.raises(InputError, match="too few to judge: among 90 users an attack of 5 % has 4"):
        trials.sizes_of(90, AttackParams(sizes=(0.03, 0.05)))
    assert trials.sizes_of(120, AttackParams(sizes=(0.03, 0.05), training_size=0.1)) == {0.05: 6}


def test_f1_counts_the_top_only():
    fake = np.array([True, False, True, False, False])
    assert f1_at_k(fake, np.array([0.9, 0.8, 0.1, 0.2, 0.3])) == 0.5
    assert np.isnan(f1_at_k(np.zeros(3, bool), np.arange(3)))


def test_a_list_is_as_long_as_false_alarms_allow(params):
    said = np.arange(220, dtype=float)
    fake = np.arange(220) >= 200
    over = results.listed(said, fake, 100, params)
    # A hundred genuine users were not learnt from: one of them stands in the list.
    assert over[100:200].sum() == 1
    assert over[200:].all()


def test_an_attack_lifts_its_target_and_removal_undoes_it(ratings):
    shop = ratings()
    target = int(np.argsort((shop.given > 0).sum(axis=0))[5])
    fakes = np.tile(shop.given[:10], (8, 1))
    fakes[:, target] = 5
    flagged = np.arange(shop.n_users + len(fakes)) >= shop.n_users
    rows = pd.DataFrame(harm_of(shop, fakes, target, flagged))
    ease = rows[rows["recommender"] == "EASE"].set_index("state")
    assert ease.loc[AFTER, "rank"] < ease.loc[BEFORE, "rank"]
    assert ease.loc[AFTER, "hit_rate"] > ease.loc[BEFORE, "hit_rate"]
    assert ease.loc[CLEANED, "rank"] == ease.loc[BEFORE, "rank"]


def test_without_alarms_nothing_is_lost(ratings):
    shop = ratings()
    none = lost_by(shop, np.zeros(shop.n_users, bool), 80, seed=0)
    assert all(row["ndcg_before"] == row["ndcg_after"] for row in none)
    everybody = lost_by(shop, np.arange(shop.n_users) % 2 == 0, 80, seed=0)
    assert everybody[0]["alarmed"] == 40
    assert everybody[0]["ndcg_after"] < everybody[0]["ndcg_before"]


def test_nobody_is_flagged_on_few_confirmed_fakes():
    with pytest.raises(ValueError, match="takes 50 fake profiles that persons have confirmed"):
        ListParams(flag_fakes=True, validated=49)
    ranks = pd.DataFrame(
        {
            "user_id": ["a", "b", "a", "b"],
            "draw": [0, 0, 1, 1],
            "suspicion": [0.2, 0.9, 0.4, 0.8],
            "items": [5, 6, 5, 6],
            "odd_item": ["x", "y", "x", "y"],
        }
    )
    listed = listed_users(ranks, ListParams())
    assert listed["user_id"].tolist() == ["b", "a"]
    assert (listed["flag"] == "").all()
    flagged = listed_users(ranks, ListParams(flag_fakes=True, validated=50, listed=1))
    assert flagged["flag"].tolist() == ["fake, to be confirmed", ""]


def test_mimics_of_users_in_the_data_are_told_by_their_twin(ratings, params):
    draw = next(iter(trials.draw_parts(ratings(), params)))
    scene = trials.Scene(draw.shop, draw.to_judge, 0.1, 0.3)
    nearest = {}
    for kind in (plan.TWINS, MIMICRY):
        made = MAKERS[kind](scene, 20, np.random.default_rng(0))
        seen = trials.profiles_of(draw.shop, made, kind)
        nearest[kind] = np.median(seen.features[seen.fake, 3])
    assert nearest[plan.TWINS] > nearest[MIMICRY]


def test_purchases_are_judged_too(ratings, params):
    shop = ratings(scale=None)
    small = params.model_copy(update={"targets": 2, "draws": 1})
    found = trials.measure(shop, small)
    assert found.attacks["value"].dropna().between(0, 1).all()
    assert np.isfinite(found.harm["rank"]).all()


def test_no_generator_is_trained_unless_asked(ratings, params):
    draw = next(iter(trials.draw_parts(ratings(), params)))
    assert trials.generate_nothing(draw, 0).makers == {}
    kinds = set(trials.learn(draw, params, MAKERS))
    assert plan.GAN not in kinds


def tried_by_bursts(shop, params, kind, size=10):
    draw = next(iter(trials.draw_parts(shop, params)))
    scene = trials.Scene(draw.shop, draw.to_judge, 0.1, 0.3)
    target = int(draw.pushed[0])
    fakes = trials.attack(MAKERS[kind], scene, target, size, np.random.default_rng(0))
    seen = trials.profiles_of(draw.shop, fakes, kind)
    found = pd.DataFrame(trials.by_bursts(draw, fakes, target, seen, params))
    return found.set_index("arm")


def test_without_times_bursts_are_undefined(ratings, params):
    found = tried_by_bursts(ratings(), params, MIMICRY)
    assert found.index.tolist() == [plan.bursts_arm(days) for days in (3.0, 30.0, None)]
    assert found["value"].isna().all()
    assert set(found["detector"]) == {"no times"}


@pytest.mark.parametrize("kind", [MIMICRY, AOP])
def test_bursts_are_judged_by_how_long_attackers_take(ratings, params, kind):
    shop = ratings()
    rng = np.random.default_rng(0)
    start = rng.uniform(0, 200, (shop.n_users, 1))
    when = np.where(shop.given > 0, start + rng.random(shop.given.shape), np.nan)
    found = tried_by_bursts(replace(shop, times=when), params, kind)["value"]
    assert found[plan.bursts_arm(3.0)] > 0.95
    assert found[plan.bursts_arm(None)] < 0.8


def test_means_are_also_had_by_size():
    rows = [
        {"kind": AOP, "arm": arm, "size": size, "detector": "x", "value": value}
        | dict.fromkeys(("f1", "found", "false", "false_new"), 0.0)
        for arm, size, value in (
            (plan.NONE, 0.05, 0.7), (plan.NONE, 0.05, 0.9), (plan.NONE, 0.1, 0.4),
            (plan.bursts_arm(3.0), 0.05, 1.0),
        )
    ]  # fmt: skip
    found = results.summary(pd.DataFrame(rows), plan.SIZE).set_index(["arm", "size"])
    assert found["auc"].tolist() == pytest.approx([0.8, 0.4, 1.0])
    assert found["attacks"].tolist() == [2, 1, 1]
    assert results.summary(pd.DataFrame(rows))["auc"].tolist() == pytest.approx([2 / 3, 1.0])
    # What bursts say rests on when attackers act, and is no part of the claim.
    compared = results.scores_of(
        pd.DataFrame(rows).assign(attack="a", target="t"), plan.declare(1000, generated=False)
    )
    assert set(compared["arm"]) == {plan.NONE}


def test_arms_are_told_in_words():
    assert plan.learnt_from(plan.GAN) == "profiles of the GAN besides"
    assert plan.learnt_from(plan.bursts_arm(3.0)).endswith("attackers within 3 days")
    assert plan.learnt_from(plan.bursts_arm(None)).endswith("spread over the whole span")
