"""Vectors beside PyKEEN's: graphs as read, figures worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from studies import links


def test_a_graph_is_read_with_the_same_places_in_every_part(tmp_path):
    for part, lines in {
        "train": "b\tlikes\ta\nc\thates\tb\n",
        "valid": "a\tlikes\tc\n",
        "test": "a\thates\td\n",
    }.items():
        (tmp_path / f"{part}.txt").write_text(lines, encoding="utf-8")
    parts, sizes = links.read_graph(tmp_path)
    assert sizes == (4, 2)
    assert parts["train"].tolist() == [[1, 1, 0], [2, 0, 1]]
    assert parts["valid"].tolist() == [[0, 1, 2]]
    assert parts["test"].tolist() == [[0, 0, 3]]


def test_published_parts_have_their_published_sizes():
    parts, sizes = links.read_graph(links.FOLDER / "umls")
    assert sizes == (135, 46)
    assert {part: len(rows) for part, rows in parts.items()} == {
        "train": 5216,
        "valid": 652,
        "test": 661,
    }


def test_what_is_told_is_the_mean_its_ends_and_the_difference():
    units = {
        "ours": [{"mrr": 0.90, "seconds": 3.0}, {"mrr": 0.70, "seconds": 5.0}],
        "theirs": [{"mrr": 0.85, "seconds": 30.0}, {"mrr": 0.77, "seconds": 50.0}],
    }
    told = {figure.figure: figure for figure in links.figures_of("UMLS", "complex", units)}
    ours = told["UMLS: ComplEx, ours, MRR"]
    assert (ours.value, ours.low, ours.high) == pytest.approx((0.8, 0.7, 0.9))
    assert ours.met
    assert told["UMLS: ComplEx, ours above PyKEEN's, MRR"].value == pytest.approx(-0.01)
    assert told["UMLS: ComplEx, ours above PyKEEN's, MRR"].met
    assert told["UMLS: ComplEx, theirs, processor time"].value == 40
    below = units | {"ours": [{"mrr": 0.70, "seconds": 1.0}]}
    missed = {figure.figure: figure for figure in links.figures_of("UMLS", "complex", below)}
    assert not missed["UMLS: ComplEx, ours, MRR"].met
    assert not missed["UMLS: ComplEx, ours above PyKEEN's, MRR"].met


def test_ours_is_kept_and_reproducible(monkeypatch, tmp_path):
    monkeypatch.setattr(links, "CACHE", tmp_path)
    monkeypatch.setattr(links, "EPOCHS", 2)
    parts, sizes = links.read_graph(links.FOLDER / "umls")
    few = {part: rows[:200] for part, rows in parts.items()}
    first = links.ours("complex", few, sizes, 0)
    assert 0 < first["mrr"] < 1
    assert links.ours("complex", few, sizes, 0) == first
    assert links.ours("complex", few, sizes, 1)["mrr"] != first["mrr"]
    assert np.isfinite(first["seconds"])
