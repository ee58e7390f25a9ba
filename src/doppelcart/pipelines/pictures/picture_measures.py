"""How real, how varied and how new generated pictures are."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.imaging.photographs import SPLIT, TEST, TRAIN
from doppelcart.metrics.fidelity.neighbourhoods import prdc
from doppelcart.metrics.pictures import (
    frechet_distance,
    kernel_distance,
    memorised_share,
    nearest_bits,
    nearest_distances,
)
from doppelcart.pipelines.pictures import picture_drawing as drawing
from doppelcart.pipelines.pictures.params import PictureTrialParams, SampleParams
from doppelcart.pipelines.pictures.picture_views import Eye

OTHER_HALF, LEARNT_ONES = "other_half", "learnt"
SETS: Final = {
    OTHER_HALF: "other test photographs: the floor",
    LEARNT_ONES: "photographs in training: copies",
    **drawing.GENERATORS,
}
FRECHET, KERNEL, DENSITY, COVERAGE = "fd_el0", "kd_el0", "density", "coverage"
MEMORISED, MEMORISED_PRINT = "memorised_el0", "memorised_dhash"
COPIES: Final = "copies"
OWN: Final = "_own"
"""Ends the name of a measure in the eyes of the small network."""


class Looks(NamedTuple):
    """What the measures need of some pictures.

    Attributes:
        small: (n, 1280) features at the generator's size.
        own: (n, n_features) features of a small network that learnt from photographs alone.
        prints: (n,) difference hashes.
    """

    small: np.ndarray
    own: np.ndarray
    prints: np.ndarray

    def of(self, rows: np.ndarray) -> Looks:
        """Those of some rows."""
        return Looks(*(part[rows] for part in self))


def looks_of(pixels: np.ndarray, eye: Eye) -> Looks:
    """Look at pictures at the generator's size.

    Args:
        pixels: (n, side, side, 3).
        eye: How.
    """
    return Looks(eye.small(pixels), eye.by_own(pixels), eye.prints(pixels))


def measure_all(
    table: pd.DataFrame,
    real: Looks,
    drawn: drawing.Drawn,
    eye: Eye,
    trials: PictureTrialParams,
    samples: SampleParams,
) -> pd.DataFrame:
    """Measure every generator, and real photographs by the same code.

    Args:
        table: One row per photograph.
        real: What is seen of all photographs.
        drawn: Generated pictures.
        eye: How these are looked at.
        trials: Pictures per product that were learnt from.
        samples: Neighbours, and the memorised share that is tolerated.

    Returns:
        One row per set of pictures: ``learnt``, ``pictures`` (the set), distances, density and
        coverage in both networks, memorised shares, ``n``, and whether it counts as ``copies``.
    """
    labels = drawing.products_of(table).labels
    halves = drawing.halves_of(table, samples.judged, trials.seed)
    reference = real.of(halves.reference)
    unseen = real.of(np.flatnonzero((table[SPLIT] == TEST).to_numpy()))
    rows = []

    def keep(learnt: str, name: str, seen: Looks, of: Looks) -> None:
        found = _measures(seen, reference, of, unseen, samples.neighbours)
        is_copied = max(found[MEMORISED], found[MEMORISED_PRINT]) > samples.copies
        rows.append(
            {drawing.LEARNT: learnt, "pictures": name, **found, "n": len(seen.small)}
            | {COPIES: bool(is_copied) if name in drawing.GENERATORS else None}
        )

    everything = real.of(np.flatnonzero((table[SPLIT] == TRAIN).to_numpy()))
    keep(drawing.ALL, OTHER_HALF, real.of(halves.other), everything)
    keep(drawing.ALL, LEARNT_ONES, real.of(halves.learnt), everything)
    told = drawn.table
    for size, name in drawing.plan_of(trials.sizes):
        own = (told[drawing.PURPOSE] == drawing.TO_JUDGE) & (told[drawing.GENERATOR] == name)
        own &= told[drawing.LEARNT] == drawing.name_of(size)
        seen = looks_of(drawn.pixels[own.to_numpy()], eye)
        learnt = real.of(drawing.few_rows(table, labels, size, trials.seed))
        keep(drawing.name_of(size), name, seen, learnt)
    return pd.DataFrame(rows)


def _measures(
    seen: Looks, reference: Looks, learnt: Looks, unseen: Looks, neighbours: int
) -> dict[str, Any]:
    found = _distances(seen.small, reference.small, neighbours, "")
    found |= _distances(seen.own, reference.own, neighbours, OWN)
    found[MEMORISED] = memorised_share(
        nearest_distances(seen.small, learnt.small), nearest_distances(unseen.small, learnt.small)
    )
    found[MEMORISED_PRINT] = memorised_share(
        nearest_bits(seen.prints, learnt.prints), nearest_bits(unseen.prints, learnt.prints)
    )
    return found


def _distances(
    seen: np.ndarray, reference: np.ndarray, neighbours: int, suffix: str
) -> dict[str, float]:
    around = prdc(reference, seen, neighbours)
    return {
        FRECHET + suffix: frechet_distance(reference, seen),
        KERNEL + suffix: kernel_distance(reference, seen),
        DENSITY + suffix: around["density"],
        COVERAGE + suffix: around["coverage"],
    }


def refused(measures: pd.DataFrame, size: int | None, generator: str) -> bool:
    """Whether a generator's pictures count as copies of what it learnt from.

    Args:
        measures: As from ``measure_all``.
        size: Pictures per product.
        generator: Which.
    """
    own = (measures[drawing.LEARNT].astype(str) == drawing.name_of(size)) & (
        measures["pictures"] == generator
    )
    return bool((measures.loc[own, COPIES] == True).any())  # noqa: E712
