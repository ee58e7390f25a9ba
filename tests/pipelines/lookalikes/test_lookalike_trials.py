"""The experiment on drawings: what is planted is found, and what is not there is not."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from drawn_packages import packages

from doppelcart.errors import InputError
from doppelcart.experiment.comparison import compare
from doppelcart.experiment.verdict import judge
from doppelcart.imaging.colour import colour_histograms
from doppelcart.pipelines.lookalikes import lookalike_results as results
from doppelcart.pipelines.lookalikes import lookalike_trials as trials
from doppelcart.pipelines.lookalikes.params import DetectorParams
from doppelcart.pipelines.lookalikes.photo_detectors import Choice
from doppelcart.pipelines.lookalikes.product_tasks import tasks_of
from doppelcart.pipelines.lookalikes.product_views import Seen, fit_lens, through

PARAMS = DetectorParams(
    least_judged=4, added=6, judged_fakes=4, memory=40, others=20, reference=12, n_bootstrap=2000
)


def seen(pixels: np.ndarray) -> Seen:
    """Colours for what a network would see, so that no network is needed."""
    colours = colour_histograms(pixels)
    n, side = len(pixels), pixels.shape[1] // 4
    blocks = pixels.reshape(n, 4, side, 4, side, 3).mean(axis=(2, 4)) / 255
    return Seen(colours, colours[:, :128], blocks.reshape(n, 16, 3).astype(np.float16))


@cache
def measured(planted: bool) -> dict[str, Any]:
    drawn = packages(categories=4, products=3, pictures=(8, 4, 8), side=32, planted=planted)
    is_learnt = (drawn.table["split"] == "train").to_numpy()
    all_seen = seen(drawn.pixels)
    lens = fit_lens(Seen(*(part[is_learnt] for part in all_seen)), 16)
    views = through(lens, all_seen)
    tasks = tasks_of(drawn.table, PARAMS)
    pool, prepared = trials.prepare(
        drawn, views, tasks.judged, PARAMS, lambda p: through(lens, seen(p)), makers(), {}
    )
    tried, said = trials.try_all(prepared, pool.views, PARAMS)
    chosen = results.chosen_of(tried)
    return {"tried": tried, "chosen": chosen, "tasks": tasks, "pool": pool, "said": said}


class Painter:
    """A generator of one grey, whose critic takes dark pictures for real."""

    def __init__(self, shade: int) -> None:
        self.shade = shade

    def fakes(self, product: str, n: int, seed: int) -> np.ndarray:
        return np.full((n, 32, 32, 3), self.shade, np.uint8)

    def realness(self, pixels: np.ndarray, product: str) -> np.ndarray:
        return -pixels.mean(axis=(1, 2, 3))


def makers() -> dict[str, Painter]:
    return {arm: Painter(90) for arm in (trials.WITHOUT_CRITIC, trials.GAN)} | {
        trials.OTHER: Painter(200)
    }


def auroc(found: dict[str, Any], arm: str, kind: str = trials.SIBLINGS) -> float:
    means = results.summary(found["tried"], found["chosen"]).set_index([trials.KIND, "arm"])
    return float(means.loc[(kind, arm), trials.AUROC])


def test_labels_that_tell_products_are_found_and_labels_that_do_not_are_not() -> None:
    assert auroc(measured(planted=True), trials.NONE) > 0.85
    assert abs(auroc(measured(planted=False), trials.NONE) - 0.5) < 0.12


def test_the_same_code_finds_what_siblings_bring_and_that_grey_pictures_bring_nothing() -> None:
    found = measured(planted=True)
    rows = found["tried"]
    rows = rows[(rows["family"] == "linear") & (rows["sight"] == "colours")]
    means = rows[rows[trials.KIND] == trials.SIBLINGS].groupby(["arm", "share"])[trials.AUROC]
    by_arm = means.mean()
    oracle = by_arm[(trials.ORACLE, 0.5)] - by_arm[(trials.NONE, 0.0)]
    gan = by_arm[(trials.GAN, 0.5)] - by_arm[(trials.NONE, 0.0)]
    assert oracle > 0.05
    assert gan < oracle / 2


def test_scores_fit_their_design_and_become_verdicts() -> None:
    found = measured(planted=True)
    design = trials.declare(2000, generated=True, counterfeits=False)
    scores = results.scores_of(found["tried"], found["chosen"])
    verdict = judge(compare(scores, design), design)
    assert set(scores["judged"]) == {trials.SIBLINGS, trials.FAKES, trials.OTHER}
    assert set(verdict["arm"]) == {trials.GAN, trials.CRITIC}
    # Twelve products are too few to say anything of.
    used = verdict[verdict["arm"] == trials.CRITIC]
    assert set(used["verdict"]) == {"undefined"}


def test_tampering_is_on_trial_where_nothing_is_generated() -> None:
    design = trials.declare(2000, generated=False, counterfeits=True)
    roles = {arm.name: arm.role.value for arm in design.arms}
    assert roles[trials.PASTED] == "trial"
    assert design.rivals_of(trials.PASTED) == (trials.CHANGED, trials.ALIKE, trials.BLENDED)
    assert {best.group[0] for best in design.best} == {
        trials.SIBLINGS,
        trials.FAKES,
        trials.COUNTERFEITS,
    }


def test_the_generator_that_taught_is_a_warning_and_no_score() -> None:
    found = measured(planted=True)
    means = results.summary(found["tried"], found["chosen"])
    warned = means[means[trials.KIND] == trials.OWN]
    assert set(warned["arm"]) == {trials.GAN, trials.CRITIC}
    assert trials.OWN not in set(results.scores_of(found["tried"], found["chosen"])["judged"])
    assert means[trials.KIND].iloc[-1] == trials.OWN


def test_every_arm_chooses_on_validation_and_may_choose_nothing() -> None:
    rows = [
        ("none", "linear", 0.0, "choosing", 0.7),
        ("none", "linear", 0.0, "siblings", 0.9),
        ("none", "nearest photograph", 0.0, "choosing", 0.6),
        ("gan", "linear", 0.5, "choosing", 0.7),
        ("gan", "linear", 0.5, "siblings", 0.99),
        ("oracle", "linear", 0.5, "choosing", 0.8),
        ("oracle", "linear", 0.5, "siblings", 0.95),
    ]
    tried = pd.DataFrame(rows, columns=["arm", "family", "share", "judged", "auroc"])
    tried = tried.assign(product="a", sight="colours", strength=1.0, found=0.5)
    chosen = results.chosen_of(tried)
    assert chosen["none"] == Choice("linear", "colours", 1.0, 0.0)
    assert chosen["gan"] == chosen["none"]  # no better in validation, whatever test says
    assert chosen["oracle"].share == 0.5
    scores = results.scores_of(tried, chosen).set_index("arm")["value"].to_dict()
    assert scores == {"none": 0.9, "gan": 0.9, "oracle": 0.95}
    means = results.summary(tried, chosen).set_index("arm")
    assert means.loc["gan", "used"] == 0.99


def test_found_counts_impostors_below_all_but_one_in_twenty_genuine() -> None:
    genuine = np.arange(20.0)
    assert trials.found_at(genuine, np.array([-1.0, 0.5, 3.0, 9.0]), 0.05) == 0.25
    assert trials.found_at(genuine, np.array([-1.0, 0.5, 3.0, 9.0]), 0.2) == 0.5


def test_siblings_are_never_learnt_from_but_by_the_oracle() -> None:
    tasks = measured(planted=True)["tasks"]
    drawn = packages(categories=4, products=3, pictures=(8, 4, 8), side=32)
    table = drawn.table
    for task in tasks.judged:
        assert set(table["product"].iloc[task.genuine]) == {task.product}
        assert task.group not in set(table["group"].iloc[task.others])
        assert task.group not in set(table["group"].iloc[task.reference])
        assert set(table["split"].iloc[np.concatenate(task.judged)]) == {"test"}
        assert set(table["split"].iloc[np.concatenate(task.choosing)]) == {"validation"}
        assert set(table["group"].iloc[task.judged[1]]) == {task.group}


def table_of(rows: list[tuple[str, str, str, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["product", "group", "split", "n"])
    return frame.loc[frame.index.repeat(frame["n"])].drop(columns="n").reset_index(drop=True)


FINE = [
    (product, group, split, 12)
    for product, group in (("a", "x"), ("b", "x"), ("c", "y"))
    for split in ("train", "validation", "test")
]


def test_a_product_without_genuine_photographs_cannot_be_judged() -> None:
    tasks = tasks_of(table_of([*FINE, ("d", "x", "test", 30)]), DetectorParams())
    assert tasks.unable.to_dict("records") == [
        {"product": "d", "photographs": 0, "reason": "it takes 4 to learn from"}
    ]
    assert [task.product for task in tasks.judged] == ["a", "b"]


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([(p, p, s, n) for p, _, s, n in FINE], "no product has 10 photographs in test"),
        ([row for row in FINE if row[2] != "validation"], "a split named validation"),
        ([(p, "x", s, n) for p, _, s, n in FINE], "all products are of one category"),
    ],
)
def test_what_cannot_be_judged_at_all_is_refused(
    rows: list[tuple[str, str, str, int]], fault: str
) -> None:
    with pytest.raises(InputError, match=fault):
        tasks_of(table_of(rows), DetectorParams())
