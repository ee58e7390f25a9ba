"""Pictures of items: what they show, one row per item; bad ones are put aside by name."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from doppelcart.errors import InputError
from doppelcart.imaging import item_pictures
from doppelcart.imaging.colour import colour_histograms
from doppelcart.imaging.item_pictures import COLOURS, NETWORK, see_pictures


def painted(path: Path, colour: tuple[int, ...], mode: str = "RGB", side: int = 32) -> None:
    Image.new(mode, (side, side), colour).save(path)


def listed(*pairs: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["item_id", "path"])


@pytest.fixture
def folder(tmp_path):
    painted(tmp_path / "red.png", (255, 0, 0))
    painted(tmp_path / "blue.png", (0, 0, 255))
    return tmp_path


def test_a_row_is_what_the_picture_shows_of_length_one(folder):
    seen, bad = see_pictures(listed(("b", "blue.png"), ("a", "red.png")), folder, 32, COLOURS)
    assert seen.item_ids.tolist() == ["a", "b"]
    pixels = np.zeros((1, 32, 32, 3), np.uint8)
    pixels[..., 0] = 255
    expected = colour_histograms(pixels)[0]
    assert seen.rows[0] == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)
    assert seen.columns[[0, -1]].tolist() == ["colour 0", "colour 639"]
    assert bad.empty


def test_several_pictures_of_an_item_are_averaged_and_one_counts_once(folder):
    twice = listed(("a", "red.png"), ("a", "red.png"), ("a", "blue.png"), ("b", "red.png"))
    seen, _ = see_pictures(twice, folder, 32, COLOURS)
    single, _ = see_pictures(listed(("r", "red.png"), ("s", "blue.png")), folder, 32, COLOURS)
    mean = single.rows.sum(axis=0)
    assert seen.rows[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
    assert seen.rows[1] == pytest.approx(single.rows[0], abs=1e-6)


def test_what_cannot_be_used_is_put_aside_with_a_line(folder, caplog, monkeypatch):
    outside = folder.parent / "outside.png"
    painted(outside, (0, 255, 0))
    (folder / "cut.png").write_bytes((folder / "red.png").read_bytes()[:60])
    (folder / "text.png").write_text("no picture")
    painted(folder / "tiny.png", (1, 2, 3), side=8)
    painted(folder / "print.jpg", (1, 2, 3, 4), "CMYK")
    frames = [Image.new("RGB", (32, 32), (n, n, n)) for n in (0, 255)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    painted(folder / "huge.png", (9, 9, 9), side=101)
    reasons = {
        "cut.png": "damaged, such as cut off",
        "text.png": "no picture",
        "tiny.png": "too small",
        "print.jpg": "in colours of print (CMYK)",
        "moving.gif": "animated",
        "huge.png": "too large to unpack",
        "../outside.png": "outside of the folder",
        str(outside): "outside of the folder",
        "absent.png": "no such file",
    }
    table = listed(("good", "red.png"), *((f"i{n}", name) for n, name in enumerate(reasons)))
    seen, bad = see_pictures(table, folder, 32, COLOURS)
    assert seen.item_ids.tolist() == ["good"]
    assert dict(zip(bad["path"], bad["reason"], strict=True)) == reasons
    assert (bad["remedy"] != "").all()
    for reason in set(reasons.values()):
        assert reason in caplog.text
    assert "2 of 10 pictures of items are left out: outside of the folder" in caplog.text


def test_what_says_that_it_was_generated_stops_the_run(folder):
    content = io.BytesIO()
    Image.new("RGB", (32, 32)).save(content, "PNG")
    marked = content.getvalue() + b"trainedAlgorithmicMedia"
    (folder / "made.png").write_bytes(marked)
    with pytest.raises(InputError, match="this was generated"):
        see_pictures(listed(("a", "made.png")), folder, 32, COLOURS)


def test_pictures_without_a_folder_are_refused_and_none_are_not(folder):
    with pytest.raises(InputError, match=r"items\.pictures\.folder"):
        see_pictures(listed(("a", "red.png")), None, 32, COLOURS)
    seen, bad = see_pictures(listed(), None, 32, COLOURS)
    assert seen.rows.shape == (0, 640)
    assert bad.empty


def test_colours_stand_in_for_a_network_that_is_not_installed(monkeypatch, caplog):
    assert item_pictures.kind_of_look(False) == COLOURS
    monkeypatch.setattr(item_pictures, "find_spec", lambda name: None)
    assert item_pictures.kind_of_look(True) == COLOURS
    assert 'pip install "doppelcart[images]"' in caplog.text
    monkeypatch.setattr(item_pictures, "find_spec", lambda name: object())
    assert item_pictures.kind_of_look(True) == NETWORK
