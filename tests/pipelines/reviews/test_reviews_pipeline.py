"""The whole pipeline on the example, from rows to section and card."""

from pathlib import Path

import numpy as np
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from doppelcart.models.text.coordinate_config import CoordinateConfig
from doppelcart.pipelines.reviews import create_pipeline
from doppelcart.pipelines.reviews.nodes import drawers_of
from doppelcart.pipelines.reviews.params import FakeReviewParams, LabelParams, ReviewParams
from doppelcart.pipelines.reviews.review_trials import GAN, WITHOUT_CRITIC
from doppelcart.reading.declared_table import DeclaredTable
from doppelcart.reporting.blocks import Skipped
from doppelcart.reporting.params import ReportingParams

EXAMPLE = Path(__file__).resolve().parents[3] / "docs/examples/reviews/reviews.csv"
SOURCE = DeclaredTable(
    name="example",
    files={"reviews": {"path": str(EXAMPLE)}},
    table={
        "from": "reviews",
        "columns": {"text": "text", "deceptive": "deceptive = 'yes'", "place": "place"},
    },
)


def test_the_example_becomes_a_section_and_a_card():
    import ibis

    connection = ibis.duckdb.connect()
    table = connection.read_csv(EXAMPLE, table_name="reviews", all_varchar=True)
    given = {
        "raw_labelled_reviews": {"reviews": table},
        "params:labelled_reviews": SOURCE,
        "params:reviews.reading": ReviewParams(),
        "params:reviews.labels": LabelParams(sizes=(20,), folds=3, components=20),
        "params:reviews.generator": FakeReviewParams(),
        "params:reviews.training": CoordinateConfig(),
        "params:reporting": ReportingParams(),
    }
    catalog = DataCatalog({n: MemoryDataset(v, copy_mode="assign") for n, v in given.items()})
    done = SequentialRunner().run(create_pipeline(), catalog)
    section = done["reviews.section"].load()
    assert section.failure == ""
    assert "Not tried in this run" in section.answer
    told = [block.text for block in section.blocks if isinstance(block, Skipped)]
    assert any("reviews.generator.generate_fakes=true" in text for text in told)
    assert section.metrics["accuracy"] > section.metrics["format_alone"]
    # No text of a review leaves the run.
    assert "loved everything" not in section.model_dump_json()
    assert "no generated text leaves a run" in done["reviews.card_page"].load()


@pytest.mark.slow
def test_a_generator_learns_where_each_label_lies():
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2 == 0
    values = rng.normal(0, 0.3, (200, 3)) + np.where(labels, 2, -2)[:, None]
    config = CoordinateConfig(epochs=4, steps_per_epoch=60)
    for arm in (WITHOUT_CRITIC, GAN):
        made, unlike = drawers_of(config)[arm](values, labels, labels, 0)
        assert made.shape == values.shape
        assert made[labels].mean() > made[~labels].mean() + 1
        assert 0 <= unlike < 1
