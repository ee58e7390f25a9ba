"""The whole pipeline on a small made-up table, from rows to the section."""

import numpy as np
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from doppelcart.errors import InputError
from doppelcart.models.series.window_config import WindowConfig
from doppelcart.pipelines.stockouts import create_pipeline, sample_trials
from doppelcart.pipelines.stockouts.nodes import makers_of, read_stock
from doppelcart.pipelines.stockouts.panel import GENERATED
from doppelcart.pipelines.stockouts.params import (
    ExperimentParams,
    ForecastParams,
    ReadingParams,
    SamplesParams,
    StockSource,
)
from doppelcart.reporting.blocks import Details, TableBlock
from doppelcart.reporting.model_card import FIELDS
from doppelcart.reporting.params import ReportingParams

SOURCE = StockSource(
    name="made up",
    files={"hours": {"path": "hours.parquet"}},
    table={
        "from": "hours",
        "columns": {
            **{name: name for name in ("item_id", "store_id", "timestamp", "sales", "in_stock")},
            "discount": "discount",
        },
    },
)


@pytest.fixture
def tables(rows):
    """The rows of forty series as the file of a source, registered in an engine."""
    import ibis

    connection = ibis.duckdb.connect()
    frame = rows(n_series=80, n_days=80)
    rng = np.random.default_rng(0)
    flipped = rng.random(len(frame)) < 0.1
    frame.loc[flipped, "in_stock"] = False
    frame.loc[~frame["in_stock"], "sales"] = 0.0
    connection.con.register("hours", frame)
    return {"hours": connection.table("hours")}


def test_expressions_that_do_not_fit_are_refused_in_words(tables):
    columns = SOURCE.table["columns"] | {"sales": "pieces"}
    wrong = SOURCE.model_copy(update={"table": {"from": "hours", "columns": columns}})
    with pytest.raises(
        InputError, match=r"the table of made up cannot be made of its files: .*pieces"
    ):
        read_stock(tables, wrong, ReadingParams(open_hour=8, close_hour=12), ForecastParams())


def test_a_source_is_declared_in_one_way():
    with pytest.raises(ValueError, match="either `from` with `columns`, or `sql`"):
        StockSource(name="x", files={"a": {"path": "a"}}, table={"columns": {}})


def test_a_refusal_names_the_files(tables):
    with pytest.raises(InputError, match=r"hours that count.*\n  stock: files: \S+"):
        read_stock(tables, SOURCE, ReadingParams(open_hour=1, close_hour=2), ForecastParams())


@pytest.mark.slow
def test_a_table_becomes_a_section(tables):
    given = {
        "raw_stock": tables,
        "params:stock": SOURCE,
        "params:stockouts.reading": ReadingParams(open_hour=8, close_hour=12),
        "params:stockouts.forecast": ForecastParams(penalties=(0.01,), leaves=(4,), listed=3),
        "params:stockouts.experiment": ExperimentParams(
            series=(5, 1000), draws=1, ratios=(0, 1), n_bootstrap=1000
        ),
        "params:stockouts.samples": SamplesParams(judged_series=30, draws=20, n_bootstrap=1000),
        "params:stockouts.generator": WindowConfig(epochs=1, steps_per_epoch=3),
        "params:reporting": ReportingParams(),
    }
    catalog = DataCatalog({n: MemoryDataset(v, copy_mode="assign") for n, v in given.items()})
    done = SequentialRunner().run(create_pipeline(), catalog)
    section = done["stockouts.section"].load()
    assert section.failure == ""
    assert section.data == "made up"
    assert "Do generated series help?" in section.answer
    assert set(section.evidence) == {"series", "samples"}
    assert "fidelity floor for" in section.answer
    assert section.evidence["series"].where.startswith("a shop of 5 series; fidelity floor ")
    assert section.evidence["samples"].controls == 2
    assert 0 < section.metrics["auc"] <= 1
    listed = section.shown[1].table
    assert len(listed.rows) == 3
    said = done["stockouts.card"].load()
    assert set(said) == {"model", *FIELDS}
    assert said["data"] == "made up"
    assert any(line.startswith("a stock-out of ") for line in said["result"])
    assert not any("(trial)" in line for line in said["controls"])
    assert "ordering without" in done["stockouts.card_page"].load()
    assert listed.caption == "Likeliest to run out on 2024-03-21"
    assert any(isinstance(block, Details) for block in section.blocks)
    tables = [block.table for block in section.blocks if isinstance(block, TableBlock)]
    shops = next(found for found in tables if found.caption == "The shops that were drawn")
    # A size beyond half of the series is no shop that can be drawn.
    assert {heading for heading, _ in shops.groups} == {"a shop of 5 series"}
    ranges = next(found for found in tables if found.caption == "Samples as a range of demand")
    phrases = {*sample_trials.PLAIN.values(), *sample_trials.MADE.values()}
    assert {row[0] for row in ranges.rows} == phrases


@pytest.mark.slow
def test_what_a_network_makes_is_marked(daily):
    config = WindowConfig(epochs=1, steps_per_epoch=2)
    real = daily(4, n_days=50)
    real.values[0, 10] = np.nan
    for name in ("gan", "without_critic", "time_vae"):
        made = makers_of(config)[name](real, 10, np.random.default_rng(0))
        assert all(identity.startswith(GENERATED) for identity in made.ids)
        assert made.values.shape == (10, 28, 4)
        assert np.isfinite(made.values).all()
