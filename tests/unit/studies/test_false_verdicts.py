"""A quick form of the study on false verdicts, and what its kept table promises."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from studies import false_verdicts as study

FAMILIES = 300
BOUND = study.ALPHA + 3 * math.sqrt(study.ALPHA * (1 - study.ALPHA) / FAMILIES)
EVERY = (*study.DIFFERENCES, *study.CLUSTERED)


@pytest.mark.parametrize("differences", EVERY)
def test_noise_seldom_gets_a_verdict_from_thirty_units_on(differences: str) -> None:
    cells = study.false_verdicts(differences, 30, FAMILIES)
    assert {cell.comparisons for cell in cells} == {1, 20, 80, 300}
    assert {cell.undefined for cell in cells} == {0}
    assert max(cell.share for cell in cells) <= BOUND


@pytest.mark.parametrize("units", [1, 2, 3, 5, 8, 12])
def test_noise_gets_none_from_fewer_and_p_values_of_even_differences_hold(units: int) -> None:
    cells = study.false_verdicts("normal", units, FAMILIES)
    asked = [cell for cell in cells if cell.method == "new"]
    assert {(cell.share, cell.undefined) for cell in asked} == {(0, 1)}
    assert max(cell.share for cell in cells) <= BOUND


def test_the_study_would_find_a_way_that_is_wrong() -> None:
    one, twenty = study.old_false_verdicts("normal", 5, 100)
    assert (one.comparisons, twenty.comparisons) == (1, 20)
    assert one.share > BOUND
    assert twenty.share > 0.5


@pytest.mark.parametrize("differences", EVERY)
def test_noise_has_a_mean_of_0_and_comparisons_go_together(differences: str) -> None:
    block, clusters = next(study.drawn(differences, 1500, 2, 100, seed=0))
    users = 1500 * (study.CLUSTER_SIZE if clusters is not None else 1)
    assert block.shape == (users, 100, 2)
    # The users' noise is half of one source; a cluster of four counts for less than four.
    error = block.std() / math.sqrt(1500 * 100)
    assert abs(block.mean()) < 5 * error
    together = stats.spearmanr(block[:, :, 0].ravel(), block[:, :, 1].ravel()).statistic
    assert 0.1 < together < 0.6


def test_a_gain_is_planted_among_those_who_changed() -> None:
    noise = np.array([0.0, 0.5, -0.5, 0.0])
    gain = study.planted(noise)
    assert gain[[0, 3]].tolist() == [0, 0]
    assert gain.mean() == pytest.approx(study.GAIN * study.BASE)


def test_a_study_that_was_stopped_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "UNITS", (3, 5))
    monkeypatch.setattr(study, "POWER_UNITS", ())
    path = tmp_path / "table.csv"
    real, done = study.false_verdicts, []

    def stops(differences: str, units: int, families: int) -> list[study.Cell]:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append((differences, units))
        return real(differences, units, families)

    monkeypatch.setattr(study, "false_verdicts", stops)
    with pytest.raises(KeyboardInterrupt):
        study.run(10, path)
    half = study.read(path)
    monkeypatch.setattr(study, "false_verdicts", real)
    whole = study.run(10, path)
    assert whole[: len(half)] == half
    assert len(whole) == len({tuple(vars(cell).values())[:5] for cell in whole})
    assert study.read(path) == whole == study.run(10, path)


@pytest.fixture(scope="module")
def kept() -> list[study.Cell]:
    return study.read()


def test_the_kept_table_is_whole(kept: list[study.Cell]) -> None:
    done = {(cell.question, cell.method, cell.differences, cell.units) for cell in kept}
    assert {key for key, _ in study.jobs(study.FAMILIES)} <= done
    assert min(cell.families for cell in kept) >= 2000


def test_false_verdicts_are_in_one_of_twenty_families_at_most(kept: list[study.Cell]) -> None:
    asked = [c for c in kept if c.question == study.NOISE and c.method == "new"]
    for cell in asked:
        assert cell.undefined == (cell.units < 30)
        assert cell.share <= study.ALPHA + 3 * cell.error, cell


def test_a_gain_is_found_as_often_as_before_where_noise_is_even(kept: list[study.Cell]) -> None:
    """Where it is skewed, more was found by a way that was wrong more often."""
    share = {
        (cell.differences, cell.method): cell.share
        for cell in kept
        if cell.question == study.GAIN_SEEN and cell.units == 480
    }
    for name in ("normal", "zero-inflated"):
        assert share[name, "new"] >= share[name, "old"] - 0.02, name


def test_the_page_shows_the_kept_table(kept: list[study.Cell]) -> None:
    assert study.PAGE.read_text(encoding="utf-8") == study.refresh(kept)
