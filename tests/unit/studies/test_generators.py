"""Which generator is to be the default: the arithmetic; nothing here is trained."""

import pandas as pd
import pytest

from studies import generators, runs


def means(best: str) -> dict[str, pd.DataFrame]:
    """Figures of two sources: all contenders alike, but for one that is better in everything."""
    table = pd.DataFrame(
        {
            generators.SELECTION: 2.0,
            generators.LEARNED: 0.9,
            generators.DETECTION: 0.6,
            generators.MEMBERSHIP: 0.7,
        },
        index=list(generators.CONTENDERS),
    )
    table.loc[best] = [2.1, 0.95, 0.55, 0.6]
    return {"one": table, "other": table}


def judged(best: str) -> generators.Figure:
    """The figure of what a run trains."""
    [figure] = [figure for figure in generators.decision(means(best)) if figure.target is not None]
    return figure


def the_default() -> str:
    parameters = runs.all_parameters(None)["gan"]
    [name] = [name for name in generators.CONTENDERS if generators.is_default(name, parameters)]
    return name


def test_the_best_in_everything_has_rank_1():
    figures = {figure.figure: figure for figure in generators.decision(means("vanilla"))}
    assert figures["mean rank, vanilla"].value == 1
    # the nine others share ranks 2 to 10
    assert figures["mean rank, relativistic"].value == 6
    assert "here that is vanilla" in figures["mean rank, vanilla"].how


def test_the_default_meets_its_target_only_where_it_is_the_best():
    assert judged(the_default()).met is True
    assert judged("vanilla").met is False


def test_controls_cannot_become_the_default():
    assert "here that is without a critic" not in judged("without a critic").how


def test_less_is_better_where_it_is(monkeypatch):
    table = means("vanilla")["one"]
    table.loc["relativistic", generators.DETECTION] = 0.5
    figures = {f.figure: f.value for f in generators.decision({"one": table})}
    # first of ten in detection; among nine alike, 6 on average, in the other three
    assert figures["mean rank, relativistic"] == pytest.approx((6 + 6 + 1 + 6) / 4)
