"""Which generator is to be the default: the arithmetic; nothing here is trained."""

import pandas as pd
import pytest

from benchmarks import core, generators


def values(best: str, by: float) -> dict[str, pd.DataFrame]:
    """Selection values of two sources and seeds: 2 everywhere, more for one contender."""
    table = pd.DataFrame({name: [1.9, 2.1] for name in generators.CONTENDERS})
    return {"one": table, "other": table.assign(**{best: table[best] + by})}


def test_the_contenders_hold_what_a_run_trains():
    default = core.all_parameters(None)["gan"]
    named = [name for name in generators.CONTENDERS if generators.is_default(name, default)]
    assert len(named) == 1


def test_the_mean_over_sources_decides():
    figures = generators.decision(values("vanilla", by=0.5))
    by_name = {figure.figure: figure for figure in figures}
    assert by_name["selection value over all sources, vanilla"].value == pytest.approx(2.25)
    assert "here that is vanilla" in figures[0].how
    [judged] = [figure for figure in figures if figure.target is not None]
    assert judged.met is False


def test_the_default_meets_its_target_where_it_is_the_best():
    default = core.all_parameters(None)["gan"]
    [name] = [name for name in generators.CONTENDERS if generators.is_default(name, default)]
    [judged] = [f for f in generators.decision(values(name, by=0.1)) if f.target is not None]
    assert judged.met is True


def test_controls_cannot_become_the_default():
    figures = generators.decision(values("without a critic", by=0.5))
    assert "here that is without a critic" not in figures[0].how
