"""Detectors, worked by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from doppelcart.imaging.colour import colour_histograms
from doppelcart.imaging.opening import open_picture
from doppelcart.metrics.classification import auc
from doppelcart.pipelines.lookalikes.photo_detectors import (
    AGAINST,
    JOINT,
    LINEAR,
    MEMORY,
    NEAREST,
    Lesson,
    PatchDistances,
    against,
    all_said,
    coreset,
    distances,
    grid,
    linear,
    nearest,
    standardised,
    with_added,
)
from doppelcart.pipelines.lookalikes.product_views import Views

NONE = np.empty(0, np.int64)


def test_the_nearest_genuine_photograph_counts() -> None:
    values = np.array([[0, 0], [3, 0], [0, 1], [3, 2]], np.float32)
    said = nearest(values, np.array([0, 1]), np.array([2, 3]))
    assert said.tolist() == [-1, -4]


def line(*places: float) -> np.ndarray:
    return np.array(places, np.float32)[:, None]


def test_the_linear_discriminant_parts_the_sides_in_the_middle() -> None:
    values = line(1, 1, -1, -1, 0, 2)
    lesson = Lesson(np.array([0, 1]), np.array([2, 3]), NONE, NONE)
    said = linear(values, lesson, 1e6, 0.0, np.array([4, 5]))
    assert np.allclose(said, [0, 2], atol=1e-4)


def test_what_is_added_weighs_as_its_share_says() -> None:
    # Genuine at 1, others at -1, a fake at 0: with weight s among the others, least squares on two
    # points of the other side has its mean at -(1 - s).
    values = line(1, -1, 0)
    lesson = Lesson(np.array([0]), np.array([1]), NONE, np.array([2]))
    asked = np.array([0, 1, 2])
    without = linear(values, lesson, 1e6, 0.0, asked)
    half = linear(values, lesson, 1e6, 0.5, asked)
    assert np.allclose(without, [1, -1, 0], atol=1e-3)
    x, y = np.array([1, -1, 0]), np.array([1, -1, -1])
    weight = np.array([0.5, 0.25, 0.25])
    mean, means = weight @ x, weight @ y
    slope = weight @ ((x - mean) * (y - means)) / (weight @ (x - mean) ** 2)
    assert np.allclose(half, means + slope * (x - mean), atol=1e-3)
    assert half[2] < without[2]


def test_a_coreset_takes_the_farthest_first() -> None:
    kept = coreset(line(0, 1, 2, 9, 10), 3)
    assert kept.ravel().tolist() == [10, 0, 2]
    assert len(coreset(line(1, 2), 5)) == 2


def test_distances_are_to_the_nearest_that_is_remembered() -> None:
    asked = np.array([[[0], [5]], [[9], [2]]], np.float32)
    assert distances(asked, line(1, 6)).tolist() == [[1, 1], [3, 1]]
    assert np.isinf(distances(asked, line())).all()


def test_patches_that_are_nearer_to_others_say_nothing() -> None:
    near = np.array([[1.0, 4.0], [2.0, 2.0]])
    away = np.array([[3.0, 1.0], [2.0, 2.0]])
    assert against(near, away).tolist() == [1, 0]


def test_more_that_is_remembered_only_draws_nearer() -> None:
    before = PatchDistances(np.array([[2.0]]), np.array([[2.0]]))
    asked = np.array([[[0]]], np.float32)
    after = with_added(before, asked, line(5), line(1))
    assert after.near.tolist() == [[2]]
    assert after.away.tolist() == [[1]]


def test_scores_are_in_deviations_of_the_reference() -> None:
    assert standardised(np.array([3.0, 1.0]), np.array([0.0, 2.0])).tolist() == [2, 0]
    assert standardised(np.array([3.0]), np.array([1.0, 1.0])).tolist() == [2]


def test_only_what_learns_of_others_is_tried_with_additions() -> None:
    families = {choice.family for choice in grid((1.0,), 0.5)}
    assert families == {LINEAR, AGAINST, JOINT}
    assert {choice.family for choice in grid((1.0,), 0.0)} == families | {NEAREST, MEMORY}


def test_the_joint_detector_adds_what_the_two_say() -> None:
    rng = np.random.default_rng(0)
    views = Views(
        rng.normal(size=(12, 3)).astype(np.float32),
        rng.normal(size=(12, 3)).astype(np.float32),
        np.zeros((12, 1, 1), np.float16),
    )
    lesson = Lesson(np.arange(3), np.arange(3, 6), NONE, NONE)
    patches = PatchDistances(rng.random((6, 4)), rng.random((6, 4)))
    said = all_said(
        views, lesson, patches, grid((1.0,), 0.0), np.arange(6, 12), np.array([0, 1, 2])
    )
    by_name = {choice.said: scores for choice, scores in said.items()}
    total = by_name["linear on both"] + by_name["patches against others"]
    assert by_name["linear and patches"] == pytest.approx(total)
    assert by_name["patch memory"].std() > 0


@pytest.mark.slow
def test_siblings_are_told_by_colour_as_well_as_was_measured_before(
    shared_data: Callable[[str], Path],
) -> None:
    """Mean AUROC of the nearest genuine photograph over 50 products: .730 (.670 to .783)."""
    frame = pd.read_parquet(shared_data("grocery_store") / "images_128.parquet")
    kinds = frame.groupby("coarse_id")["class_id"].transform("nunique")
    frame = frame[(frame["split"] != "val") & (kinds > 1)]
    pixels = np.stack(
        [
            open_picture(content, name, 128)
            for name, content in zip(frame["path"], frame["jpeg128"], strict=True)
        ]
    )
    colours = colour_histograms(pixels)
    product, group = frame["class_id"].to_numpy(), frame["coarse_id"].to_numpy()
    test, learnt = (frame["split"] == "test").to_numpy(), (frame["split"] == "train").to_numpy()
    found = []
    for own in np.unique(product):
        genuine = np.flatnonzero(test & (product == own))
        siblings = np.flatnonzero(test & (group == group[product == own][0]) & (product != own))
        if min(len(genuine), len(siblings)) < 10:
            continue
        asked = np.concatenate([genuine, siblings])
        said = nearest(colours, np.flatnonzero(learnt & (product == own)), asked)
        found.append(auc(np.arange(len(asked)) < len(genuine), said))
    assert len(found) == 50
    assert abs(np.mean(found) - 0.730) < 0.01
