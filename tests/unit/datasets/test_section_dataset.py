"""Sections on disk."""

import plotly.graph_objects as go
import pytest
from kedro.io.core import DatasetError
from pydantic import ValidationError

from doppelcart.datasets.section import SectionDataset
from doppelcart.reporting.blocks import details, figure, paragraph, table
from doppelcart.reporting.section import Capability, Claim, Evidence
from doppelcart.reporting.signals import PROVEN
from doppelcart.reporting.tables import Table

CLAIM = Claim(name="open", text="Shops are open.", source="Nobody")
SHOP = Capability(name="shop", rank=1, title="T", question="Q?", claims=(CLAIM,))


@pytest.fixture
def dataset(tmp_path) -> SectionDataset:
    return SectionDataset(filepath=str(tmp_path / "sections/shop.json"))


def test_a_section_survives_the_way_through_json(dataset):
    laid_out = Table(caption="c", headings=(("a", True),), groups=(("", (("1",),)),))
    drawn = go.Figure(go.Scatter(x=[1, None], y=[0.1, 2]), layout={"height": 300})
    blocks = [paragraph("<b>"), details("d", [table(laid_out), figure("f", drawn, "caption")])]
    evidence = {"open": Evidence(signal=PROVEN, measure="m", effect=0.1)}
    section = SHOP.section("A.", blocks, evidence=evidence, glossary={"a": "b"})
    dataset.save(section)
    assert dataset.load() == section


def test_where_none_was_made_and_where_it_is_withheld_there_is_none(dataset):
    assert dataset.load() is None
    dataset.save(SHOP.section("A.", []))
    assert dataset.load() is not None
    dataset.withhold()
    assert dataset.load() is None


def test_a_file_that_is_no_section_is_refused(dataset):
    dataset.save(SHOP.section("A.", []))
    path = dataset._filepath
    path.write_text(path.read_text().replace('"rank": 1', '"rank": "first"'))
    with pytest.raises(DatasetError, match="rank") as refused:
        dataset.load()
    assert isinstance(refused.value.__cause__, ValidationError)
