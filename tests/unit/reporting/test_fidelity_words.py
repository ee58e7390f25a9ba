"""A verdict says whether the generator was real enough for it to count."""

import numpy as np
import pandas as pd
import pytest

from doppelcart.metrics.fidelity.floor import with_coverage
from doppelcart.reporting.real_enough import (
    floor_in_words,
    floors_of,
    told_by_floor,
    with_floor,
)
from doppelcart.reporting.section import Evidence
from doppelcart.reporting.signals import of_verdict


def log_of(*trainings):
    """A log with two epochs of each training: arm, window, and both coverages."""
    parts = []
    for arm, window, made, real in trainings:
        own = pd.DataFrame({"arm": arm, "window": window, "epoch": [1, 2]})
        parts.append(with_coverage(own, (made, real)))
    return pd.concat(parts, ignore_index=True)


def test_each_training_is_held_to_half_of_what_real_ones_reach():
    log = log_of(
        ("gan", "a", 0.5, 0.9), ("gan", "b", 0.4, 0.9), ("vae", "a", 0.1, 0.9)
    )  # fmt: skip
    floors = floors_of(log, "gan", ["window"])
    assert floors["passed"].tolist() == [True, False]
    said = floor_in_words(floors, "items")
    assert said.startswith(
        "The GAN passed its fidelity floor in 1 of 2 trainings: 40.0 % to 50.0 %"
    )
    assert said.endswith("asked, so that a better generator is not ruled out.")


def test_those_that_missed_are_counted_where_none_passed():
    log = log_of(("gan", "a", 0.1, 0.9), ("gan", "b", 0.2, 0.9))
    said = floor_in_words(floors_of(log, "gan", ["window"]), "items")
    assert said.startswith("The GAN missed its fidelity floor in 2 of 2 trainings: ")
    assert said.endswith("so that a better generator is not ruled out.")


@pytest.mark.parametrize(("made", "verb"), [(0.8, "passed"), (0.1, "missed")])
def test_one_training(made, verb):
    floors = floors_of(log_of(("gan", "a", made, 0.9)), "gan", [])
    said = floor_in_words(floors, "baskets")
    assert f"The GAN {verb} its fidelity floor in its one training" in said
    assert ("not ruled out" in said) == (verb == "missed")


def test_what_is_unknown_has_not_passed():
    floors = floors_of(log_of(("gan", "a", np.nan, 0.9)), "gan", [])
    assert not floors["passed"].any()
    assert "is unknown" in floor_in_words(floors, "items")
    older = pd.DataFrame({"arm": ["gan"], "epoch": [1]})
    assert "is unknown" in floor_in_words(floors_of(older, "gan", []), "items")


def test_where_nothing_was_trained():
    floors = floors_of(pd.DataFrame(columns=["arm", "window"]), "gan", ["window"])
    assert floor_in_words(floors, "items") == "No GAN was trained."


def test_verdicts_on_something_else_say_nothing_of_it():
    verdict = pd.DataFrame({"arm": ["gan", "graph"], "reason": ["Level.", "Level."]})
    told = told_by_floor(verdict, "It passed.", ["gan"])
    assert told["reason"].tolist() == ["Level. It passed.", "Level."]


def test_evidence_says_it_beside_its_case():
    floors = floors_of(log_of(("gan", "a", 0.8, 0.9)), "gan", [])
    evidence = Evidence(signal=of_verdict("no evidence"), measure="AUC", where="20 series")
    assert with_floor(evidence, floors).where == "20 series; fidelity floor passed"
    assert with_floor(None, floors) is None
    failed = floors.assign(passed=False)
    nowhere = Evidence(signal=of_verdict("no evidence"), measure="AUC")
    assert with_floor(nowhere, failed).where == "fidelity floor not passed"
