"""The whole pipeline on drawings, from a file to section, list and card."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from drawn_packages import as_files, packages
from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from kedro_datasets.pandas import CSVDataset
from PIL import Image

from doppelcart.datasets.source import SourceTables
from doppelcart.errors import InputError
from doppelcart.imaging.marks import marked_png
from doppelcart.imaging.photographs import PhotographSource, PictureParams
from doppelcart.pipelines.lookalikes import create_pipeline, nodes
from doppelcart.pipelines.lookalikes.generated_pictures import Painter, beyond
from doppelcart.pipelines.lookalikes.nodes import read_counterfeits
from doppelcart.pipelines.lookalikes.params import (
    CounterfeitParams,
    DetectorParams,
    LookalikeListParams,
    LookingParams,
    PainterParams,
)
from doppelcart.pipelines.lookalikes.section import CAPABILITY, GAN_TEACHES
from doppelcart.reporting.model_card import FIELDS
from doppelcart.reporting.params import ReportingParams
from doppelcart.settings import CONFIG_LOADER_ARGS

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
READING = PictureParams(size=32, refuse_share=0.6)


def as_shipped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> DataCatalog:
    """The catalog of the project, whose files lie in a folder."""
    monkeypatch.setenv("DOPPELCART_DATA", str(folder))
    config = OmegaConfigLoader(str(PROJECT / "conf"), env="base", **CONFIG_LOADER_ARGS)
    entries = {
        name: entry for name, entry in config["catalog"].items() if name != "raw_photographs"
    }
    return DataCatalog.from_config(entries)


def run(folder: Path, catalog: DataCatalog | None = None, **changed: Any) -> Any:
    drawn = packages(categories=3, products=2, pictures=(6, 3, 5), side=32)
    if not (folder / "drawn.parquet").exists():
        as_files(drawn).to_parquet(folder / "drawn.parquet")
    files = {"pictures": {"path": str(folder / "drawn.parquet")}}
    given = {
        "raw_photographs": SourceTables(files).load(),
        "params:photographs": PhotographSource(name="drawings", files=files, table=TABLE),
        "params:lookalikes.reading": READING,
        "params:lookalikes.counterfeits": CounterfeitParams(),
        "params:lookalikes.looking": LookingParams(weights="random", size=32, components=8),
        "params:lookalikes.detectors": DetectorParams(
            least_judged=2,
            added=2,
            judged_fakes=2,
            memory=10,
            others=10,
            reference=6,
            penalties=(1.0,),
            shares=(0.0, 0.5),
            precision_at=3,
        ),
        "params:lookalikes.generator": PainterParams(),
        "params:lookalikes.listing": LookalikeListParams(listed=3),
        "params:reporting": ReportingParams(),
    } | changed
    catalog = DataCatalog() if catalog is None else catalog
    for name, value in given.items():
        is_file = isinstance(value, CSVDataset)
        catalog[name] = value if is_file else MemoryDataset(value, copy_mode="assign")
    return SequentialRunner().run(create_pipeline(), catalog)


def noise(seed: int) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def png(seed: int) -> bytes:
    file = io.BytesIO()
    noise(seed).save(file, "PNG")
    return file.getvalue()


@pytest.mark.slow
def test_a_file_becomes_a_section_a_list_and_a_card(tmp_path: Path) -> None:
    folder = tmp_path / "known/package 0a"
    folder.mkdir(parents=True)
    for picture in (1, 2):
        noise(picture).save(folder / f"{picture}.png")
    (tmp_path / "known/no such").mkdir()
    noise(9).save(tmp_path / "known/no such/1.png")
    known = CounterfeitParams(folder=str(tmp_path / "known"))
    frame = as_files(packages(categories=3, products=2, pictures=(6, 3, 5), side=32))
    cheese = frame.head(2).assign(
        name=["test/cheese/0", "test/cheese/1"], product="cheese", category="dairy", part="test"
    )
    cheese["picture"] = [png(7), png(8)]
    pd.concat([frame, cheese]).to_parquet(tmp_path / "drawn.parquet")
    listed = CSVDataset(filepath=str(tmp_path / "suspects.csv"), save_args={"index": False})
    done = run(tmp_path, **{"params:lookalikes.counterfeits": known, "lookalikes.suspects": listed})
    section = done["lookalikes.section"].load()
    assert section.failure == ""
    assert section.answer.startswith("Counterfeits are those of the folder")
    assert set(section.evidence) == {"fakes_teach"}
    assert "pictures known to be counterfeits" in section.model_dump_json()
    assert section.shown[1].table.caption == "To be looked at by a person"
    assert len(section.shown[1].table.rows) == 3
    # A product with two photographs, and a counterfeit of one that nobody knows: no word on either.
    assert section.shown[2].table.caption == "Cannot judge"
    assert [row[:2] for row in section.shown[2].table.rows] == [
        ("cheese", "photographs"),
        ("no such", "counterfeits"),
    ]
    suspects = listed.load()
    unjudged = suspects[suspects["said"] == "cannot judge"].set_index("picture_id")
    assert unjudged.index.tolist() == ["test/cheese/0", "test/cheese/1", "no such/1.png"]
    assert unjudged["why"].str.contains("cheese: 2, and it takes 4|no genuine photograph").all()
    assert unjudged["place"].min() == len(suspects) - 2
    assert suspects.loc[suspects["said"] != "cannot judge", "why"].isna().all()
    assert "nothing is deleted" in section.shown[0].text
    assert set(done["lookalikes.card"].load()) == {"model", *FIELDS}
    page = done["lookalikes.card_page"].load()
    assert "there is no genuine photograph" in page


def refusing_to_train(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever trains a generator of pictures fails."""

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a generator of pictures was trained")

    stub = SimpleNamespace(train_image_generator=fail)
    monkeypatch.setitem(sys.modules, "doppelcart.models.images.image_training", stub)


@pytest.mark.slow
def test_by_default_none_is_trained_and_the_first_line_says_that_none_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing_to_train(monkeypatch)
    section = run(tmp_path)["lookalikes.section"].load()
    assert section.answer.startswith("No counterfeit was measured")
    told = section.model_dump_json()
    assert "data:image" not in told
    assert "not tried: generators run only if you say so; kedro run --pipelines lookalikes" in told
    assert "--params lookalikes.generator.generate_fakes=true trains them" in told
    # The claims page shows the claim's text beside its verdict, which is none without evidence.
    assert GAN_TEACHES not in section.evidence
    (claim,) = (claim for claim in CAPABILITY.claims if claim.name == GAN_TEACHES)
    assert "only where lookalikes.generator.generate_fakes=true asks for it" in claim.text


def test_the_node_trains_where_somebody_asked_and_only_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusing_to_train(monkeypatch)
    drawn = packages(categories=3, products=2, pictures=(6, 3, 5), side=32)
    assert PainterParams().generate_fakes is False
    reached: list[dict[str, Any]] = []

    def prepare(*given: Any) -> Any:
        reached.append(given[5])
        raise InterruptedError

    monkeypatch.setattr(nodes.trials, "prepare", prepare)
    quarantine = pd.DataFrame(
        columns=["picture_id", "product", "group", "split", "reason", "number"]
    )
    counterfeits = read_counterfeits(CounterfeitParams(), READING)

    def measure(making: PainterParams) -> Any:
        return nodes.measure_lookalikes(
            drawn, quarantine, None, None, counterfeits, DetectorParams(least_judged=2),
            LookingParams(weights="random", size=32), making,
        )  # fmt: skip

    with pytest.raises(InterruptedError):
        measure(PainterParams())
    assert reached == [{}]
    with pytest.raises(AssertionError, match="a generator of pictures was trained"):
        measure(PainterParams(generate_fakes=True))


def traces(folder: Path, fakes: list[np.ndarray], known: set[str]) -> list[str]:
    """What of fakes lies in the files of a folder: pictures, their colours, their names."""
    shown = [fake[0].tobytes() for made in fakes for fake in made]
    pictures = [b"\x89PNG", b"\xff\xd8\xff", b"data:image", b"iVBORw0KGgo", b"gen-"]
    found = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        if file.suffix == ".parquet":
            content = pd.read_parquet(file).to_csv().encode()
        found += [f"{file.name}: {needle!r}" for needle in pictures if needle in content]
        found += [f"{file.name}: colours" for row in shown if row in content]
        if file.suffix == ".csv" and "picture_id" in (table := pd.read_csv(file)):
            strange = set(table["picture_id"].astype(str)) - known
            found += [f"{file.name}: {name}" for name in sorted(strange)]
    return found


@pytest.mark.slow
def test_generators_are_on_trial_where_somebody_asked_for_them_and_no_fake_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[np.ndarray] = []
    fakes = Painter.fakes

    def keeping(self: Painter, product: str, n: int, seed: int) -> np.ndarray:
        made.append(fakes(self, product, n, seed))
        return made[-1]

    monkeypatch.setattr(Painter, "fakes", keeping)
    making = PainterParams(
        generate_fakes=True,
        width=4,
        noise_units=2,
        epochs=1,
        steps_per_epoch=2,
        batch_size=4,
        sight=32,
    )
    saved = tmp_path / "saved"
    done = run(tmp_path, as_shipped(saved, monkeypatch), **{"params:lookalikes.generator": making})
    section = done["lookalikes.section"].load()
    known = set(packages(categories=3, products=2, pictures=(6, 3, 5)).table["picture_id"])
    assert sum(map(len, made)) > 20
    assert {file.suffix for file in saved.rglob("*") if file.is_file()} == {
        ".csv",
        ".json",
        ".md",
        ".parquet",
    }
    assert not traces(saved, made, known)
    # Who looks would find one.
    np.save(saved / "fakes.npy", made[0])
    pd.DataFrame({"picture_id": ["fake 1"]}).to_csv(saved / "fakes.csv")
    (saved / "fake.json").write_bytes(marked_png(made[0][0], "a run"))
    found = traces(saved, made, known)
    assert {line.split(":")[0] for line in found} == {"fakes.npy", "fakes.csv", "fake.json"}
    assert section.failure == ""
    assert set(section.evidence) == {"gan_teaches_lookalikes"}
    told = section.model_dump_json()
    for words in ("pictures of the GAN, as fakes", "the critic's own opinion, alone"):
        assert words in told
    assert "pictures of another generator" in told
    assert "stayed in the run and were saved nowhere" in told
    assert "not to be trusted" in told
    assert "data:image" not in told


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


def test_fakes_lie_between_a_product_and_one_of_another_category() -> None:
    class Trained:
        def sample(self, labels: np.ndarray, *, seed: int) -> np.ndarray:
            return np.full((len(labels), 4, 4, 3), 10 * labels[0], np.uint8)

        def interpolate(self, a: np.ndarray, b: np.ndarray, share: float, *, seed: int) -> Any:
            return np.full((len(a), 4, 4, 3), 100 + 10 * b[0], np.uint8)

    groups = np.array([0, 0, 1])
    assert beyond(groups).tolist() == [2, 2, 0]
    painter = Painter(Trained(), ("gala", "fuji", "milk"), beyond(groups), 8)
    made = painter.fakes("fuji", 5, seed=0)
    assert made.shape == (5, 8, 8, 3)
    assert made[:, 0, 0, 0].tolist() == [10, 10, 10, 120, 120]


def test_counterfeits_come_from_their_folder_by_what_they_were_sold_as(tmp_path: Path) -> None:
    assert len(read_counterfeits(CounterfeitParams(), READING).photographs.table) == 0
    with pytest.raises(InputError, match="no folder of pictures"):
        read_counterfeits(CounterfeitParams(folder=str(tmp_path / "none")), READING)
    (tmp_path / "in/milk").mkdir(parents=True)
    file = io.BytesIO()
    Image.new("RGB", (40, 40), (9, 9, 9)).save(file, "PNG")
    (tmp_path / "in/milk/1.png").write_bytes(file.getvalue())
    found = read_counterfeits(CounterfeitParams(folder=str(tmp_path / "in")), READING)
    assert found.photographs.table["product"].tolist() == ["milk"]
    (tmp_path / "in/milk/cut.png").write_bytes(file.getvalue()[:60])
    found = read_counterfeits(CounterfeitParams(folder=str(tmp_path / "in")), READING)
    assert found.quarantine["picture_id"].tolist() == ["milk/cut.png"]
    (tmp_path / "in/milk/gen-2.png").write_bytes(file.getvalue())
    with pytest.raises(InputError, match="begins with gen-"):
        read_counterfeits(CounterfeitParams(folder=str(tmp_path / "in")), READING)
    (tmp_path / "in/milk/gen-2.png").unlink()
    (tmp_path / "in/milk/2.png").write_bytes(file.getvalue() + b"trainedAlgorithmicMedia")
    with pytest.raises(InputError, match="this was generated"):
        read_counterfeits(CounterfeitParams(folder=str(tmp_path / "in")), READING)
