"""Figures are judged and written as measured; nothing here measures."""

import json
import math

import pytest

from studies.figures import Figure, Near, Target, number, repeated, table, write

FACTS = {
    "date": "2031-02-03T04:05:06+00:00",
    "commit": "0123456789abcdef",
    "machine": {"cpu": "A | B", "cores": 2, "memory_gb": 8.4, "system": "Linux"},
    "python": "3.12.1",
    "packages": {},
}


def figure(value, target=None, **ends):
    return Figure("speed", value, "s", "by hand", target, **ends)


@pytest.mark.parametrize(
    ("relation", "below", "equal", "above"),
    [("<=", True, True, False), (">=", False, True, True), (">", False, False, True)],
)
def test_a_target_is_met_by_the_figure_alone(relation, below, equal, above):
    target = Target(relation, 8)
    assert [figure(value, target).met for value in (7.9, 8, 8.1)] == [below, equal, above]


def test_a_target_may_ask_for_the_whole_interval():
    target = Target(">", 0, of="low")
    assert not figure(2.0, target, low=-0.1, high=4.0).met
    assert figure(2.0, target, low=0.1, high=4.0).met


def test_what_was_not_measured_is_not_met_and_null():
    entry = figure(math.nan, Target("<=", 8)).entry()
    assert entry["met"] is False
    assert entry["value"] is None is entry["low"]


def test_what_has_no_target_is_neither_met_nor_missed():
    assert figure(3.0).entry() | {"how": ""} == {
        "figure": "speed",
        "value": 3.0,
        "low": None,
        "high": None,
        "unit": "s",
        "target": None,
        "met": None,
        "how": "",
    }


def test_repetitions_give_their_median_and_ends():
    it = repeated("speed", [5.0, 1.0, 2.0], "s", "by hand.")
    assert (it.value, it.low, it.high) == (2.0, 1.0, 5.0)


def test_both_files_are_written(tmp_path):
    figures = [
        figure(1234.5, Target("<=", 480), low=1000.0, high=2000.0),
        figure(0.98765, Target(">=", 0.97)),
        figure(math.nan, Target("<=", 6)),
    ]
    path = write("core", figures, FACTS, tmp_path / "results")
    content = json.loads(path.read_text())
    assert content["benchmark"] == "core"
    assert content["commit"] == FACTS["commit"]
    assert [entry["met"] for entry in content["figures"]] == [False, True, False]
    text = path.with_suffix(".md").read_text()
    assert text == table(content)
    assert "2031-02-03 at commit `0123456789`" in text
    assert text.splitlines()[2:] == [
        "| figure | value | range | target | met |",
        "|---|---|---|---|---|",
        "| speed | 1,234 s | 1,000 to 2,000 | <= 480 s | **no** |",
        "| speed | 0.988 s |  | >= 0.97 s | yes |",
        "| speed | not measured |  | <= 6 s | **no** |",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (13.0769, "13.1"),
        (0.97, "0.97"),
        (-2.345, "-2.35"),
        (17_000, "17,000"),
        (0.000004, "4e-06"),
        (-0.00004, "-4e-05"),
        (0.00006, "0.0001"),
        (-1e-17, "0"),
        (math.nan, "?"),
    ],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "met"), [(0.441, True), (0.451, True), (0.452, False), (math.nan, False)]
)
def test_a_figure_to_reproduce_is_met_from_either_side(value, met):
    assert figure(value, Near(0.446, 0.005)).met is met
    assert str(Near(0.446, 0.005)) == "0.446 ± 0.005"
