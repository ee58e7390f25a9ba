"""Photographs become a table; what cannot be used is listed with its reason."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from doppelcart.datasets.source import SourceTables
from doppelcart.errors import InputError
from doppelcart.imaging.photographs import (
    PhotographSource,
    PictureParams,
    ReadPictures,
    listed_in,
    read_photographs,
)

PARAMS = PictureParams(size=32, refuse_share=0.5)


def drawn(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(small.repeat(5, axis=0).repeat(5, axis=1))


def content(seed: int) -> bytes:
    file = io.BytesIO()
    drawn(seed).save(file, "PNG")
    return file.getvalue()


def fill(folder: Path, splits: tuple[str, ...] = ("train", "test"), n: int = 4) -> None:
    """Photographs of two products, all different."""
    for number, split in enumerate(splits):
        for product in ("milk", "oat milk"):
            (folder / split / product).mkdir(parents=True)
            for picture in range(n):
                seed = 1000 * number + 100 * (product == "milk") + picture
                (folder / split / product / f"{picture}.png").write_bytes(content(seed))


def read(folder: Path, **params: Any) -> ReadPictures:
    source = PhotographSource(name="shelf", folder=str(folder))
    return read_photographs({}, source, PARAMS.model_copy(update=params))


def test_a_folder_is_read_as_it_lies(tmp_path: Path) -> None:
    fill(tmp_path, ("train", "val", "Test"))
    (tmp_path / "notes.txt").write_text("no picture")
    found = read(tmp_path)
    table = found.photographs.table
    assert len(table) == 24
    assert set(table["split"]) == {"train", "validation", "test"}
    assert set(table["product"]) == {"milk", "oat milk"}
    assert table["picture_id"].iloc[0] == "Test/milk/0.png"
    assert found.photographs.pixels.shape == (24, 32, 32, 3)
    assert found.quarantine.empty
    assert found.counts.to_dict("records") == [
        {"what": "pictures read", "number": 24, "of": 24, "done": ""}
    ]


def test_a_folder_between_split_and_product_is_the_group(tmp_path: Path) -> None:
    fill(tmp_path / "counted", ("train",))
    (tmp_path / "counted/train").rename(tmp_path / "drinks")
    (tmp_path / "shop/train").mkdir(parents=True)
    (tmp_path / "drinks").rename(tmp_path / "shop/train/drinks")
    assert set(read(tmp_path / "shop").photographs.table["group"]) == {"drinks"}


def test_bytes_in_a_table_are_read_by_its_expressions(tmp_path: Path) -> None:
    rows = [(f"p{n}", n % 2, "val" if n > 5 else "train", content(n)) for n in range(12)]
    frame = pd.DataFrame(rows, columns=["name", "class_id", "part", "jpeg"])
    frame.to_parquet(tmp_path / "pictures.parquet")
    pd.DataFrame({"id": [0, 1], "label": ["apple", "pear"]}).to_csv(
        tmp_path / "classes.csv", index=False
    )
    files = {
        "pictures": {"path": str(tmp_path / "pictures.parquet")},
        "classes": {"path": str(tmp_path / "classes.csv")},
    }
    query = (
        "SELECT name AS picture_id, label AS product, 'fruit' AS \"group\", part AS split, "
        "jpeg AS content FROM pictures JOIN classes ON class_id = id ORDER BY name"
    )
    source = PhotographSource(name="shelf", files=files, table={"sql": query})
    found = read_photographs(SourceTables(files).load(), source, PARAMS)
    assert found.photographs.table["product"].value_counts().to_dict() == {"apple": 6, "pear": 6}
    assert set(found.photographs.table["split"]) == {"train", "validation"}
    expected = np.asarray(Image.open(io.BytesIO(content(0))).resize((32, 32)))
    first = found.photographs.table["picture_id"].tolist().index("p0")
    assert np.abs(found.photographs.pixels[first].astype(int) - expected).mean() < 20


def table_of(tmp_path: Path, frame: pd.DataFrame, **source: Any) -> ReadPictures:
    frame.to_parquet(tmp_path / "t.parquet")
    files = {"t": {"path": str(tmp_path / "t.parquet")}}
    columns = {name: f'"{name}"' for name in frame}
    declared = PhotographSource(
        name="shelf", files=files, table={"from": "t", "columns": columns}, **source
    )
    return read_photographs(SourceTables(files).load(), declared, PARAMS)


def rows(n: int = 6) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "picture_id": [f"p{k}" for k in range(n)],
            "product": "milk",
            "group": "drinks",
            "split": "train",
            "path": [f"train/milk/{k % 4}.png" for k in range(n)],
        }
    )


def test_a_table_that_names_generated_pictures_is_refused(tmp_path: Path) -> None:
    fill(tmp_path / "in")
    folder = str(tmp_path / "in")
    named = rows(4).assign(picture_id=["gen-000001", "p1", "shop/GEN-2.png", "gentle"])
    expected = (
        r"(?s)shelf \(.*t\.parquet\) cannot be used.*2 of 4 pictures, such as gen-000001, "
        r"shop/GEN-2\.png, have an id or a file name that begins with gen-.*Leave them out"
    )
    with pytest.raises(InputError, match=expected):
        table_of(tmp_path, named, folder=folder)
    (tmp_path / "in/train/milk/gen-1.png").write_bytes(content(77))
    by_path = rows(4).assign(path=[f"train/milk/{n}.png" for n in (0, 1, 2, "gen-1")])
    with pytest.raises(InputError, match=r"1 of 4 pictures, such as p3, have an id or a file name"):
        table_of(tmp_path, by_path, folder=folder)


@pytest.mark.parametrize(
    "said",
    [
        [True, False, None, True],
        [1, 0, None, 1.0],
        [" Yes", "no", "", "TRUE"],
        ["1.0", "f", "0", "t"],
    ],
)
def test_a_column_that_says_generated_stops_the_run(tmp_path: Path, said: list[Any]) -> None:
    fill(tmp_path / "in")
    folder = str(tmp_path / "in")
    with pytest.raises(
        InputError, match=r"2 of 4 pictures, such as p0, p3, are said to be generated by the column"
    ):
        table_of(tmp_path, rows(4).assign(synthetic=said), folder=folder)
    fine = table_of(tmp_path, rows(4).assign(synthetic=[said[1]] * 4), folder=folder)
    assert len(fine.photographs.table) == 4


def test_a_column_that_says_neither_is_refused_with_all_other_faults(tmp_path: Path) -> None:
    fill(tmp_path / "in")
    odd = rows(4).assign(synthetic=["maybe", "false", "true", None], split="tray")
    with pytest.raises(InputError) as caught:
        table_of(tmp_path, odd, folder=str(tmp_path / "in"))
    told = str(caught.value)
    assert "1 of 4 pictures, such as p0, have in the column synthetic neither true nor" in told
    assert "maybe" in told
    assert "1 of 4 pictures, such as p2, are said to be generated" in told
    assert "their splits tray" in told


def test_a_folder_with_files_named_as_generated_ones_is_refused(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "train/milk/gen-000003.png").write_bytes(content(77))
    expected = r"(?s)1 of 17 pictures, such as train/milk/gen-000003\.png, .*begins with gen-"
    with pytest.raises(InputError, match=expected):
        read(tmp_path)
    with pytest.raises(InputError, match=r"1 of 9 pictures, such as milk/gen-000003\.png"):
        listed_in(tmp_path / "train", "counterfeit")


def test_paths_lead_into_the_folder_or_are_refused(tmp_path: Path) -> None:
    fill(tmp_path / "in")
    fine = table_of(tmp_path, rows(4), folder=str(tmp_path / "in"))
    assert len(fine.photographs.table) == 4
    outside = rows(4).assign(path=["../t.parquet", "/etc/passwd", "train/milk/0.png", "a/../b.png"])
    with pytest.raises(InputError, match=r"2 paths lead out of .*such as \.\./t\.parquet"):
        table_of(tmp_path, outside, folder=str(tmp_path / "in"))
    with pytest.raises(InputError, match="there is no `folder` that these are in"):
        table_of(tmp_path, rows(4))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"split": "tray"}, "their splits tray are none of train, training"),
        ({"picture_id": "same"}, "5 have the picture_id of another, such as same"),
        ({"product": None}, "6 have no picture_id, product or split"),
        ({"group": ["a", "b", "", "a", "a", None]}, "2 of 6 have no group, such as one of milk"),
        ({"group": ["a", "b"] * 3}, r"1 of 1 products .* milk in a and b\..*category \|\| ' '"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    tmp_path: Path, change: dict[str, Any], fault: str
) -> None:
    with pytest.raises(InputError, match=fault):
        table_of(tmp_path, rows().assign(**change), folder=str(tmp_path))
    with pytest.raises(InputError, match="they have no column split, content or path"):
        table_of(tmp_path, rows().drop(columns=["split", "path"]))


def test_bad_pictures_are_listed_with_reason_number_and_remedy(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "train/milk/cut.png").write_bytes(content(50)[:60])
    (tmp_path / "train/milk/empty.png").write_bytes(b"")
    found = read(tmp_path)
    told = found.quarantine.set_index("picture_id")
    assert len(found.photographs.table) == 16
    assert told.loc["train/milk/empty.png", "reason"] == "no picture"
    assert told.loc["train/milk/empty.png", "number"] == "0 bytes"
    assert told.loc["train/milk/cut.png", "reason"] == "damaged, such as cut off"
    assert told["remedy"].str.len().min() > 5
    assert found.counts["number"].tolist() == [18, 1, 1]


def test_too_many_bad_pictures_stop_the_run(tmp_path: Path) -> None:
    fill(tmp_path)
    for n in range(3):
        (tmp_path / f"train/milk/bad{n}.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"3 of 19 pictures: no picture .*train/milk/bad0.png"):
        read(tmp_path, refuse_share=0.1)


def test_one_generated_picture_stops_the_run(tmp_path: Path) -> None:
    fill(tmp_path)
    about = PngInfo()
    about.add_itxt("DigitalSourceType", "trainedAlgorithmicMedia")
    drawn(7).save(tmp_path / "train/milk/made.png", pnginfo=about)
    with pytest.raises(InputError, match=r"1 of 17 pictures: this was generated.*made\.png"):
        read(tmp_path)


def test_the_same_picture_in_two_splits_is_not_judged(tmp_path: Path) -> None:
    fill(tmp_path)
    smaller = drawn(500).resize((36, 36))
    drawn(500).save(tmp_path / "train/milk/seen.png")
    smaller.save(tmp_path / "test/milk/again.png")
    found = read(tmp_path)
    told = found.quarantine.iloc[0]
    assert (told["picture_id"], told["number"]) == ("test/milk/again.png", "train/milk/seen.png")
    assert len(found.quarantine) == 1


def test_the_same_picture_of_two_products_is_left_out_twice(tmp_path: Path) -> None:
    fill(tmp_path)
    drawn(500).save(tmp_path / "train/milk/one.png")
    drawn(500).save(tmp_path / "train/oat milk/one.png")
    told = read(tmp_path).quarantine
    assert sorted(told["picture_id"]) == ["train/milk/one.png", "train/oat milk/one.png"]


def test_a_product_with_too_few_pictures_is_left_out_by_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path)
    (tmp_path / "train/cheese").mkdir()
    for n in range(3):
        (tmp_path / f"train/cheese/{n}.png").write_bytes(content(900 + n))
    with caplog.at_level("WARNING"):
        found = read(tmp_path)
    assert "1 products have fewer than 4 pictures, and are left out: cheese." in caplog.text
    assert found.quarantine["number"].tolist() == ["cheese: 3, and it takes 4"] * 3
    assert set(found.photographs.table["product"]) == {"milk", "oat milk"}


def test_no_folder_and_no_picture_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder of pictures"):
        listed_in(tmp_path / "none")
    with pytest.raises(InputError, match="Lay them out as product/picture"):
        listed_in(tmp_path, "counterfeit")
    with pytest.raises(ValueError, match="give `files` with `table`, or a `folder`"):
        PhotographSource(name="nothing")
