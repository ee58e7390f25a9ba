"""The whole pipeline on drawings with stand-ins for generators, and what never leaves a run."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from drawn_packages import as_files, packages
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from picture_standins import blind, copying
from PIL import Image

from doppelcart.datasets.source import SourceTables
from doppelcart.errors import InputError
from doppelcart.imaging.lite0 import random_weights
from doppelcart.imaging.marks import marked_png, with_corner
from doppelcart.imaging.opening import is_generated
from doppelcart.imaging.photographs import Photographs, PhotographSource, PictureParams
from doppelcart.models.images.classifier_config import ClassifierConfig
from doppelcart.models.images.image_config import ImageTrainingConfig
from doppelcart.pipelines.pictures import create_pipeline, nodes
from doppelcart.pipelines.pictures import picture_drawing as drawing
from doppelcart.pipelines.pictures.contact_sheet import THUMBNAIL, sheet_of
from doppelcart.pipelines.pictures.params import (
    PictureTrialParams,
    PictureViewParams,
    SampleParams,
)
from doppelcart.reporting.model_card import FIELDS
from doppelcart.reporting.params import ReportingParams

PROJECT = Path(__file__).parents[3]
TABLE = {
    "from": "pictures",
    "columns": {
        "picture_id": "name",
        "product": "product",
        "group": "category",
        "split": "part",
        "content": "picture",
    },
}
TRAINING = ImageTrainingConfig(
    width=4, batch_size=4, steps_per_epoch=1, epochs=1, evaluate_every=1, noise_units=4, sight=32
)
TRIALS = PictureTrialParams(
    sizes=(2, None),
    added=2,
    penalties=(3.0,),
    weights=(0.0, 1.0),
    components=8,
    few_epochs=1,
    n_bootstrap=2_000,
)


def run(folder: Path, **changed: Any) -> Any:
    drawn = packages(categories=2, products=2, pictures=(6, 3, 10), side=32)
    files = {"pictures": {"path": str(folder / "drawn.parquet")}}
    if not (folder / "drawn.parquet").exists():
        as_files(drawn).to_parquet(folder / "drawn.parquet")
    given = {
        "raw_photographs": SourceTables(files).load(),
        "params:photographs": PhotographSource(name="drawings", files=files, table=TABLE),
        "params:pictures.reading": PictureParams(size=32, refuse_share=0.6),
        "params:pictures.training": TRAINING,
        "params:pictures.looking": PictureViewParams(weights="random", size=32, small_size=32),
        "params:pictures.small_network": ClassifierConfig(width=4, blocks=1, epochs=1),
        "params:pictures.trials": TRIALS,
        "params:pictures.samples": SampleParams(
            judged=40, neighbours=2, sheet_rows=2, sheet_columns=3
        ),
        "params:reporting": ReportingParams(),
    } | changed
    catalog = DataCatalog({n: MemoryDataset(v, copy_mode="assign") for n, v in given.items()})
    return SequentialRunner().run(create_pipeline(), catalog)


def with_standin(monkeypatch: pytest.MonkeyPatch, trainer: drawing.Train) -> None:
    makers = dict.fromkeys(drawing.GENERATORS, trainer)
    monkeypatch.setattr(nodes, "trainers_of", lambda training, params, weights: makers)


@pytest.mark.slow
def test_a_file_becomes_a_section_sheets_and_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_standin(monkeypatch, blind)
    done = run(tmp_path)
    section = done["pictures.section"].load()
    assert section.failure == ""
    assert set(section.evidence) == {"pictures_teach"}
    assert set(done["pictures.card"].load()) == {"model", *FIELDS}
    shown = [block for block in section.shown if block.kind == "picture"]
    assert len(shown) == 2
    for block in shown:
        content = base64.b64decode(block.png)
        assert is_generated(content)
        columns, rows = 3, 2
        assert max(Image.open(io.BytesIO(content)).size) < max(columns, rows) * (THUMBNAIL + 4)
        assert block.caption.startswith("Generated, not photographed")
    assert "2 photographs per product" in section.model_dump_json()


@pytest.mark.slow
def test_pictures_learnt_by_heart_are_refused_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_standin(monkeypatch, copying)
    done = run(tmp_path)
    section = done["pictures.section"].load()
    assert "refused as copies" in section.answer
    assert "data:image" not in section.model_dump_json()
    assert not [block for block in section.shown if block.kind == "picture"]


def test_a_generated_picture_offered_as_a_photograph_stops_the_run(tmp_path: Path) -> None:
    table = as_files(packages(categories=2, products=2, pictures=(4, 2, 2), side=32))
    table.at[0, "picture"] = marked_png(np.full((32, 32, 3), 90, np.uint8), "a run")
    table.to_parquet(tmp_path / "drawn.parquet")
    with pytest.raises(InputError, match=r"(?s)1 of 32 pictures: this was generated"):
        run(tmp_path)


@pytest.mark.parametrize(
    ("name", "synthetic", "fault"),
    [
        ("gen-000000", "false", "begins with gen-"),
        ("a", "name LIKE 'test/package 0a/%'", "by the column synthetic"),
    ],
)
def test_photographs_that_are_said_to_be_generated_stop_the_run(
    tmp_path: Path, name: str, synthetic: str, fault: str
) -> None:
    table = as_files(packages(categories=2, products=2, pictures=(4, 2, 2), side=32))
    table.at[0, "name"] = name
    table.to_parquet(tmp_path / "drawn.parquet")
    files = {"pictures": {"path": str(tmp_path / "drawn.parquet")}}
    columns = TABLE["columns"] | {"synthetic": synthetic}
    marked = PhotographSource(name="drawings", files=files, table=TABLE | {"columns": columns})
    expected = rf"(?s)drawings \(.*drawn\.parquet\).*[12] of 32 pictures, such as .*{fault}"
    with pytest.raises(InputError, match=expected):
        run(tmp_path, **{"params:photographs": marked})


def test_every_thumbnail_of_a_sheet_has_a_corner_and_the_file_says_what_made_it() -> None:
    grey = np.full((6, 32, 32, 3), 120, np.uint8)
    table = pd.DataFrame({"purpose": [drawing.TO_SHOW] * 6, "product": [0, 0, 0, 1, 1, 1]})
    drawn = drawing.Drawn(table, grey)
    read = Image.open(io.BytesIO(sheet_of(drawn, drawing.TO_SHOW, 3, "pictures, commit abc")))
    assert read.info["doppelcart"] == "run=pictures, commit abc"
    sheet = np.asarray(read.convert("RGB"))
    plain = with_corner(np.full((THUMBNAIL, THUMBNAIL, 3), 120, np.uint8))
    cell = THUMBNAIL + 2
    for row, column in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1)):  # the sheet's own corner is last
        top, left = 2 + cell * row, 2 + cell * column
        tile = sheet[top : top + THUMBNAIL, left : left + THUMBNAIL]
        assert (tile == plain).all()
        assert (tile != 120).any(axis=2).sum() == 10
    assert (sheet[-1, -1] != 235).any()


def test_sheets_name_the_commit_that_made_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "stamp", lambda: {"commit": "abc123"})
    table = packages(categories=2, products=2, pictures=(1, 1, 1), side=32).table
    purposes = [drawing.TO_SHOW] * 2 + [drawing.BETWEEN] * 2
    told = pd.DataFrame({"purpose": purposes, "product": [0, 0, 1, 1]})
    measured = pd.DataFrame({"learnt": ["all"], "pictures": [drawing.GAN], "copies": [False]})
    drawn = drawing.Drawn(told, np.zeros((4, 32, 32, 3), np.uint8))
    sheets = nodes.lay_out_pictures(
        Photographs(table, np.empty((0,))), drawn, measured, SampleParams(sheet_columns=2)
    )
    for sheet in sheets.values():
        read = Image.open(io.BytesIO(base64.b64decode(sheet["png"])))
        assert read.info["doppelcart"] == "run=pictures, commit abc123"


def test_generated_pictures_are_written_nowhere() -> None:
    catalog = yaml.safe_load((PROJECT / "conf/base/pictures/catalog.yml").read_text())
    saved = {name for name in catalog if not name.startswith("_")}
    made = {"pictures.drawn", "pictures.sheets", "pictures.photographs"}
    assert not saved & made
    assert made <= create_pipeline().datasets()


@pytest.mark.slow
def test_trainers_draw_pictures_of_the_configured_size() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(8) % 2
    makers = nodes.trainers_of(TRAINING, TRIALS, random_weights(0))
    assert set(makers) == set(drawing.GENERATORS)
    made = makers[drawing.WITHOUT_CRITIC](pixels, labels, np.zeros(2, int), True, 0)
    assert made.sample(np.array([0, 1, 1]), seed=0).shape == (3, 32, 32, 3)


@pytest.mark.slow
def test_the_small_network_learns_from_training_alone() -> None:
    drawn = packages(categories=2, products=2, pictures=(6, 3, 10), side=32)
    learnt = nodes.train_small_network(drawn, TRAINING, ClassifierConfig(width=4, epochs=1))
    assert learnt.side == 32
    other = drawn.pixels.copy()
    other[(drawn.table["split"] == "test").to_numpy()] = 0
    again = nodes.train_small_network(
        drawn._replace(pixels=other), TRAINING, ClassifierConfig(width=4, epochs=1)
    )
    found = again.features(drawn.pixels)
    np.testing.assert_allclose(learnt.features(drawn.pixels), found, atol=1e-3)
