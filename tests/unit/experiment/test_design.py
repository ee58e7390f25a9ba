"""Designs that are no experiment are refused, and the rest says what is compared with what."""

from typing import Any

import pytest
from pydantic import ValidationError

from doppelcart.experiment.design import (
    BEST_BASELINE,
    Arm,
    Baseline,
    Design,
    Role,
    Words,
    largest_family,
    pairs,
)

NOTHING, PLAIN, OTHER, GAN = (
    Arm(name=name, role=role, phrase=name)
    for name, role in (
        ("nothing", Role.BASELINE),
        ("plain", Role.CONTROL),
        ("other", Role.CONTROL),
        ("gan", Role.TRIAL),
    )
)
NAN = float("nan")


def design(*arms: Arm, **fields: Any) -> Design:
    known = {"name": "toy", "metric": "hits", "unit": "item_id", "arms": arms}
    return Design(**(known | fields))


def compared(found: Design, group: tuple[str, ...], present: dict) -> list[tuple[str, str, str]]:
    return [(pair.system, pair.arm, pair.against) for pair in pairs(found, group, present)]


def test_a_trial_meets_baseline_controls_and_the_best_and_others_the_baseline_only() -> None:
    oracle = Arm(name="truth", role=Role.ORACLE, phrase="the truth")
    best = Baseline(group=("new",), system="b", arm="nothing")
    found = design(
        NOTHING, PLAIN, OTHER, GAN, oracle, groups=("slice",), system="model", best=(best,)
    )
    present = {("a", name): NAN for name in ("nothing", "plain", "gan", "truth")}
    assert compared(found, ("new",), present) == [
        ("a", "plain", "nothing"),
        ("a", "gan", "nothing"),
        ("a", "gan", "plain"),
        ("a", "gan", BEST_BASELINE),
        ("a", "truth", "nothing"),
    ]
    # A group of which no best baseline is named holds nobody to one.
    assert ("a", "gan", BEST_BASELINE) not in compared(found, ("old",), present)


def test_rivals_of_its_own_are_all_that_a_trial_has_to_beat() -> None:
    trial = GAN.model_copy(update={"rivals": ("other",)})
    found = design(NOTHING, PLAIN, OTHER, trial)
    present = {("", name): NAN for name in ("nothing", "plain", "other", "gan")}
    against = [name for _, arm, name in compared(found, (), present) if arm == "gan"]
    assert against == ["nothing", "other"]


def test_bystanders_are_only_looked_at_for_harm() -> None:
    found = design(NOTHING, PLAIN, GAN, groups=("who",), bystanders={"who": "others"})
    present = {("", name): NAN for name in ("nothing", "plain", "gan")}
    assert compared(found, ("others",), present) == [
        ("", "plain", "nothing"),
        ("", "gan", "nothing"),
    ]
    assert ("", "gan", "plain") in compared(found, ("meant",), present)


def test_an_arm_at_level_0_is_not_tested() -> None:
    found = design(NOTHING, PLAIN, GAN, best=(Baseline(group=(), arm="nothing"),))
    present = {("", "nothing"): 0.0, ("", "plain"): 0.5, ("", "gan"): 0.0}
    tested = {(p.arm, p.against): p.tested for p in pairs(found, (), present)}
    assert tested == {
        ("plain", "nothing"): True,
        ("gan", "nothing"): False,
        ("gan", "plain"): False,
        ("gan", BEST_BASELINE): False,
    }


def test_the_largest_family_counts_within_the_columns_of_a_family() -> None:
    # Three comparisons per group and system: plain, gan, and gan with plain.
    found = design(NOTHING, PLAIN, GAN, groups=("slice", "who"), family=("slice",), system="model")
    groups = [("new", "x"), ("new", "y"), ("old", "x")]
    assert largest_family(found, groups, ["a", "b"]) == 2 * 2 * 3
    whole = found.model_copy(update={"family": ()})
    assert largest_family(whole, groups, ["a", "b"]) == 3 * 2 * 3


def test_a_group_is_told_in_words_where_it_has_any() -> None:
    words = Words(groups={"new / x": "new ones in x"})
    assert words.of(["new", "x"]) == "new ones in x"
    assert words.of(["old", "x"]) == "old / x"
    assert words.of([]) == ""


@pytest.mark.parametrize(
    ("arms", "fields", "says"),
    [
        ((PLAIN, GAN), {}, "no arm has the role baseline"),
        ((NOTHING, PLAIN), {}, "no arm has the role trial"),
        ((NOTHING, GAN, GAN), {}, "two arms are named gan"),
        (
            (NOTHING, GAN.model_copy(update={"rivals": ("nothing",)})),
            {},
            "rivals of gan that are no controls: nothing",
        ),
        (
            (NOTHING, GAN, PLAIN.model_copy(update={"rivals": ()})),
            {},
            "plain has rivals, but its role is control",
        ),
        (
            (NOTHING, GAN, Arm(name="truth", role=Role.ORACLE, phrase="truth")),
            {"best": (Baseline(group=(), arm="truth"),)},
            "the best baseline of .* is truth, whose role is not baseline",
        ),
        (
            (NOTHING, GAN),
            {"best": (Baseline(group=("new",), arm="nothing"),)},
            "has not one value per column of the groups",
        ),
        ((NOTHING, GAN), {"family": ("slice",)}, "family names slice"),
        ((NOTHING, GAN), {"bystanders": {"who": "x"}}, "bystanders names who"),
        ((NOTHING, GAN, PLAIN.model_copy(update={"name": BEST_BASELINE})), {}, "may not be named"),
        ((NOTHING, GAN), {"min_units": 1}, "greater than or equal to 2"),
        ((NOTHING, GAN), {"margin": float("inf")}, "finite number"),
        ((NOTHING, GAN), {"seeds": ()}, "at least 1 item"),
    ],
)
def test_what_is_no_experiment_is_refused(
    arms: tuple[Arm, ...], fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        design(*arms, **fields)


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(ValidationError, match="'baseline', 'control', 'trial', 'oracle'"):
        Arm(name="x", role="placebo", phrase="x")


def test_a_design_comes_back_from_json() -> None:
    found = design(
        NOTHING, PLAIN, GAN, groups=("slice",), best=(Baseline(group=("a",), arm="nothing"),)
    )
    assert Design.model_validate(found.model_dump(mode="json")) == found
