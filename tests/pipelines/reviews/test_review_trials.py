"""The experiment finds an effect that is planted, and none where there is none."""

import numpy as np
import pytest

from doppelcart.errors import InputError
from doppelcart.experiment.comparison import compare
from doppelcart.experiment.verdict import judge
from doppelcart.pipelines.reviews import review_design as plan
from doppelcart.pipelines.reviews import review_trials as trials
from doppelcart.pipelines.reviews.lies_or_generated import (
    SAME_GENERATOR,
    lies_or_generated,
)
from doppelcart.pipelines.reviews.params import FakeReviewParams, LabelParams
from doppelcart.pipelines.reviews.review_texts import GENERATED
from doppelcart.pipelines.reviews.section import _warned
from doppelcart.pipelines.reviews.text_makers import (
    Rows,
    changed_words,
    markov_texts,
    mixed,
    unmarked,
)

PARAMS = LabelParams(
    sizes=(20,), folds=3, draws=4, ratios=(0.0, 20.0), components=40, n_bootstrap=10_000
)


def verdict_with(reviews, drawer):
    drawers = {plan.WITHOUT_CRITIC: _noise, plan.GAN: drawer}
    scores, tried = trials.measure(reviews, PARAMS, drawers)
    design = plan.declare(PARAMS.n_bootstrap, [20], generated=True)
    return judge(compare(scores, design), design).iloc[0], scores, tried


def _noise(values, labels, asked, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(values.mean(0), values.std(0), (len(asked), values.shape[1])), 0.0


def test_a_planted_effect_is_found(reviews):
    frame = reviews(n_places=60)
    pools = [fold.rows for fold in trials.folds_of(frame, PARAMS)]

    def real(values, labels, asked, seed):
        # What such a detector lacks: real reviews of the same places, rightly labelled.
        far = [np.abs(pool.coordinates - values[0]).sum(axis=1).min() for pool in pools]
        pool, rng = pools[int(np.argmin(far))], np.random.default_rng(seed)
        rows = [rng.choice(np.flatnonzero(pool.labels == label)) for label in asked]
        return pool.coordinates[rows], 0.0

    verdict, scores, _ = verdict_with(frame, real)
    assert verdict["outcome"] == "helps"
    assert 0.3 < verdict["gap_closed"] < 1.2
    assert scores["value"].between(0, 1).all()
    assert set(scores["review_id"]) == set(range(len(frame)))


def test_noise_is_not_found_to_help(reviews):
    verdict, _, tried = verdict_with(reviews(n_places=60), _noise)
    assert verdict["outcome"] != "helps"
    assert not verdict["promoted"]
    assert set(tried["arm"]) == set(plan.PHRASES) - set(plan.IN_WORDS)


def test_no_place_is_learnt_from_and_judged(reviews):
    frame = reviews()
    for fold in trials.folds_of(frame, PARAMS):
        assert not set(frame["place"].iloc[fold.pool]) & set(frame["place"].iloc[fold.judged])


def test_labels_are_drawn_of_both_kinds():
    labels = np.arange(40) < 30
    order = trials._alternating(labels, np.random.default_rng(0))
    assert labels[order[:20]].sum() == 10
    assert sorted(order) == list(range(40))


def test_too_few_reviews_are_refused(reviews):
    with pytest.raises(InputError, match="400 labelled reviews are too few: 800 labels take"):
        trials.sizes_of(reviews(), LabelParams(sizes=(800,)))
    assert trials.sizes_of(reviews(), LabelParams(sizes=(50, 800))) == [50]


def test_labels_are_no_more_than_the_smallest_part_of_the_others_holds(reviews):
    # One place has 160 of 240 reviews: who judges it learns from 80 at most, and labels 64.
    frame = reviews(n_places=24).assign(place=[f"p{max(0, n // 10 - 15)}" for n in range(240)])
    assert trials.sizes_of(frame, LabelParams(sizes=(50, 70))) == [50]


def test_of_the_rarer_label_some_are_left_to_learn_from(reviews):
    # Of 320 reviews of other places 32 are deceptive: of 200 labels 60 choose, 30 of them of each.
    rare = reviews().assign(deceptive=np.arange(400) % 10 == 0)
    params = PARAMS.model_copy(update={"folds": 5, "sizes": (200, 210)})
    assert trials.sizes_of(rare, params) == [200]
    fold = next(trials.folds_of(rare, params))
    assert list(trials.arms_of(fold, 200, params, {}, np.random.default_rng(0)))
    dear = params.model_copy(update={"sizes": (210,)})
    with pytest.raises(InputError, match=r"least 320 reviews, of which 32 or more have the rarer"):
        trials.sizes_of(rare, dear)


def test_copies_are_the_labelled_reviews_as_often_as_others_add(reviews, monkeypatch):
    seen = []

    def chosen(learnt, validation, added, params):
        seen.append((learnt, added))
        return trials.ON_GRAMS, 1.0, 0.0

    monkeypatch.setattr(trials, "choose", chosen)
    params = LabelParams(sizes=(20,), folds=3, components=20, ratios=(0.0, 2.5))
    fold = next(trials.folds_of(reviews(), params))
    arms = [arm for arm, *_ in trials.arms_of(fold, 20, params, {}, np.random.default_rng(0))]
    learnt, added = seen[arms.index(plan.COPIES)]
    # Fourteen of twenty are learnt from: two and a half of each, and none a fourth time.
    own, of, times = (learnt.coordinates, added.coordinates, np.zeros(14, int))
    for row, label in zip(of, added.labels, strict=True):
        (place,) = np.flatnonzero((own == row).all(axis=1))
        assert learnt.labels[place] == label
        times[place] += 1
    assert sorted(times) == [2] * 7 + [3] * 7
    changed = seen[arms.index(plan.WORD_CHANGES)][1]
    assert len(changed.labels) == len(added.labels) == 35
    assert added.grams.shape[0] == 35


def test_copies_are_a_control_of_every_trial():
    design = plan.declare(10_000, [50], generated=True, written=[50])
    trial_arms = [arm for arm in design.arms if arm.role.value == "trial"]
    assert [arm.name for arm in trial_arms] == [plan.GAN, plan.GAN_TEXT]
    assert all(plan.COPIES in arm.rivals for arm in trial_arms)


def test_changed_words_are_words_of_the_text():
    text = " ".join(f"w{n}" for n in range(50))
    made = changed_words([text], np.random.default_rng(0))[0].split()
    assert set(made) < set(text.split())
    assert 30 < len(made) < 42


def test_a_chain_follows_real_words_and_is_marked():
    made = markov_texts(["a b c", "a b d"], 20, np.random.default_rng(0))
    assert all(text.startswith(GENERATED) for text in made)
    assert set(unmarked(made)) == {"a b c", "a b d"}


def test_mixtures_carry_both_labels():
    rows = Rows(None, np.eye(2), np.array([True, False]), np.ones(2))
    made = mixed(rows, 5, np.random.default_rng(0))
    np.testing.assert_allclose(made.weights[:5] + made.weights[5:], 1)
    np.testing.assert_allclose(made.coordinates.sum(axis=1), 1)
    assert len(made.labels) == 10


def test_generated_text_and_lies_are_two_matters(reviews):
    found = lies_or_generated(reviews(), PARAMS).set_index("learnt")
    assert found.loc["human lies", "lies"] > 0.8
    assert found.loc["generated text", "lies"] < 0.7
    assert found["unseen"].isna().all()
    # What is judged on its own teacher says so, in the table and on the page.
    assert found["warning"].to_dict() == {"generated text": SAME_GENERATOR, "human lies": ""}
    own, other = _warned(found.reset_index())["told"]
    assert own.endswith("(judged on the generator that taught it)")
    assert "judged" not in other


def test_a_generator_that_taught_nobody_is_found_or_not(reviews):
    frame, asked_of = reviews(), []

    def read(texts, seed):
        def write(arm, own, labels, asked, seed):
            assert own == texts
            asked_of.append((arm, len(asked), bool(asked.any())))
            # Its own words, which no chain of real texts has: as unlike as lies that were planted.
            return [f"{GENERATED} luxurious loved truly dreams" for _ in asked]

        return write

    found = lies_or_generated(frame, PARAMS, read).set_index("learnt")
    judged = [int((~fold.judged_rows.labels).sum()) for fold in trials.folds_of(frame, PARAMS)]
    assert asked_of == [(plan.GAN_TEXT, number, False) for number in judged]
    assert found.loc["human lies", "unseen"] > 0.9
    assert found.loc["generated text", "unseen"] != found.loc["generated text", "generated"]
    without = lies_or_generated(frame, PARAMS).set_index("learnt")
    assert without["generated"].equals(found["generated"])


def test_written_texts_are_compared_on_the_draws_that_they_were_written_for(reviews):
    frame = reviews(n_places=40)
    params = LabelParams(sizes=(20, 40), folds=3, draws=2, components=20, n_bootstrap=10_000)
    asked_of = []

    def read(texts, seed):
        def write(arm, own, labels, asked, seed):
            assert set(own) <= set(texts)
            asked_of.append((arm, len(own)))
            # What the critic is to bring: words that tell the labels. Without it they say nothing.
            words = {True: "luxurious loved truly", False: "carpet radiator lift"}
            told = [words[bool(label)] if arm == plan.GAN_TEXT else "wordaa" for label in asked]
            return [f"{GENERATED} {text}" for text in told]

        return write

    making = FakeReviewParams(generate_fakes=True, text_sizes=(20,), text_draws=1)
    drawers = {plan.WITHOUT_CRITIC: _noise, plan.GAN: _noise}
    scores, tried = trials.measure(frame, params, drawers, read, making)
    # Three folds, one draw, two arms, fourteen of the twenty labelled reviews to learn from.
    assert asked_of == [(arm, 14) for arm in plan.IN_WORDS] * 3
    written = tried[tried["labels"] == plan.written_group(20)]
    assert set(written["draw"]) == {0}
    assert set(written["arm"]) == set(plan.PHRASES) - set(plan.IN_COORDINATES)
    assert not set(plan.IN_WORDS) & set(tried[tried["labels"] == "20"]["arm"])
    same = tried[(tried["labels"] == "20") & (tried["draw"] == 0) & (tried["arm"] == plan.NONE)]
    baseline = written[written["arm"] == plan.NONE]
    assert baseline["accuracy"].tolist() == same["accuracy"].tolist()
    design = plan.declare(params.n_bootstrap, [20, 40], generated=True, written=[20])
    verdict = judge(compare(scores, design), design).set_index(["labels", "arm"])
    assert set(verdict.index) == {
        ("20", plan.GAN), ("40", plan.GAN), (plan.written_group(20), plan.GAN_TEXT),
    }  # fmt: skip


def test_the_mark_is_taken_off_before_a_detector_learns(reviews):
    seen = []

    def read(texts, seed):
        return lambda arm, own, labels, asked, seed: [f"{GENERATED} wordaa" for _ in asked]

    def looked(texts, *rest):
        seen.extend(texts)
        return rows_of(texts, *rest)

    rows_of, trials.rows_of = trials.rows_of, looked
    try:
        fold = next(trials.folds_of(reviews(), PARAMS))
        write = read([], 0)
        rng = np.random.default_rng(0)
        arms = {arm for arm, *_ in trials.arms_of(fold, 20, PARAMS, {}, rng, write)}
    finally:
        trials.rows_of = rows_of
    assert set(plan.IN_WORDS) <= arms
    assert not any(str(text).startswith(GENERATED) for text in seen)
    assert "wordaa" in seen
