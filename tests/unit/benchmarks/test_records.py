"""What pytest-benchmark wrote, read as figures."""

import json

import pytest

from benchmarks.records import LARGE, SMALL, about, figures_in, training_at
from studies.figures import Target


@pytest.fixture
def written(tmp_path):
    """Writes what ``--benchmark-json`` would of some benchmarks."""

    def write(*benchmarks):
        path = tmp_path / "measured.json"
        entries = [
            {"name": "test_it", "extra_info": said, "stats": {"data": seconds}}
            for said, seconds in benchmarks
        ]
        path.write_text(json.dumps({"benchmarks": entries}))
        return path

    return write


def test_seconds_stay_seconds(written):
    said = about("a command", "By the clock.", Target("<=", 4))
    (figure,) = figures_in(written((said, [3.0, 5.0, 2.0])))
    assert (figure.figure, figure.unit) == ("a command", "s")
    assert (figure.value, figure.low, figure.high) == (3.0, 2.0, 5.0)
    assert figure.how == "By the clock. Median of 3, with the smallest and the largest."
    assert str(figure.target) == "<= 4"
    assert figure.met


def test_a_rate_is_what_was_done_by_the_time_it_took(written):
    said = about("ranking", "So.", Target(">=", 2000), amount=4000, unit="users/s")
    (figure,) = figures_in(written((said, [1.0, 4.0, 2.5])))
    assert (figure.value, figure.low, figure.high) == (1600, 1000, 4000)
    assert figure.unit == "users/s"
    assert figure.met is False


def test_a_step_on_a_large_catalogue_is_told_in_steps_on_a_small_one(written):
    small, large = (about(training_at(n), "So.", amount=16, unit="steps/s") for n in (SMALL, LARGE))
    figures = figures_in(written((small, [1.0]), (large, [8.0])))
    assert [figure.value for figure in figures] == [16, 2, 8]
    assert figures[-1].figure == "cost of a training step, 17,000 items against 1,300"
    assert figures[-1].met
    assert len(figures_in(written((small, [1.0])))) == 1
