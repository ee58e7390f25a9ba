"""How often pure noise gets a verdict, and how often a real gain does.

    python -m studies.false_verdicts            # what is not in the table yet; then the page
    python -m studies.false_verdicts --families 100 --table /tmp/quick.csv --page ""

Families of comparisons are drawn under which nothing differs (their mean difference is 0) and
judged by the product's own functions. Families of 1, 20 and 80 comparisons are the first columns
of those of 300, so that all share their noise. A cell is kept when it is done: a study that was
stopped goes on where it was. The old way, a percentile bootstrap that this study did away with, is
measured on the same noise.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import special, stats

from doppelcart.experiment.families import LEAST_UNITS, holm, least_units
from doppelcart.experiment.p_values import skewness_corrected
from doppelcart.experiment.resampling import paired_bootstraps

TABLE: Final = Path(__file__).with_suffix(".csv")
PAGE: Final = Path(__file__).parents[1] / "docs" / "significance.md"
BEGIN, END = "<!-- study:begin -->", "<!-- study:end -->"
NOISE, GAIN_SEEN = "noise", "gain"
ALPHA: Final = 0.05
UNITS: Final = (1, 2, 3, 5, 8, 12, 20, 30, 100, 480, 5000)
COMPARISONS: Final = (1, 20, 80, 300)
FAMILIES: Final = 2000
RESAMPLES: Final = 10_000
CORRELATION: Final = 0.5
"""Of two comparisons' normal scores: arms of one recommender change the same users' lists."""
CLUSTER_SIZE: Final = 4
BASE: Final = 0.45
"""Mean NDCG@20 of new customers with a few known items on Complete Journey."""
SPREAD: Final = 0.065
"""Standard deviation of a user's change there: 480 users know a mean to 0.7 % of the base."""
GAIN: Final = 0.02
POWER_UNITS: Final = (30, 100, 480)
POWER_COMPARISONS: Final = 20
OLD_UNITS: Final = (1, 2, 3, 5, 8, 12, 20, 30, 100, 480)
OLD_COMPARISONS: Final = (1, 20)

MANY: Final = 1000

_CELLS: Final = 3_000_000

Draw = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Cell:
    """One row of the table.

    Args:
        question: What verdicts are counted: those on ``noise``, all false, or those on a ``gain``
            of 2 %.
        method: ``new``, ``new, any size`` (no least number of units asked for), or ``old``.
        differences: What the differences are drawn from.
        units: Users, or clusters of them.
        comparisons: In a family.
        families: Drawn.
        share: Of families with a false verdict; or of those in which the gain is seen.
        error: Standard error of the share.
        undefined: Share of families without a verdict for want of units.
    """

    question: str
    method: str
    differences: str
    units: int
    comparisons: int
    families: int
    share: float
    error: float
    undefined: float


def normal(scores: np.ndarray) -> np.ndarray:
    """Normal differences."""
    return scores


def skewed(scores: np.ndarray) -> np.ndarray:
    """Lognormal differences around their mean, of skewness 6.2."""
    return np.exp(scores) - np.float32(math.exp(0.5))


def exponential(scores: np.ndarray) -> np.ndarray:
    """Exponential differences around their mean, of skewness 2."""
    return -np.log(np.maximum(special.ndtr(-scores), 1e-30)) - 1


_BINS: Final = 1 << 15


def _ndcg_steps() -> np.ndarray:
    """(_BINS,) differences of 1 / log2(rank + 1), by normal scores from -4 to 4 in equal steps.

    Seven users in ten have the same list. Of the others one item moved by up to five places, up as
    likely as down.
    """
    gains = 1 / np.log2(np.arange(1, 21) + 1)
    moves = [gains[i] - gains[j] for i in range(20) for j in range(20) if 0 < abs(i - j) <= 5]
    values = np.sort([*moves, *[0.0] * round(len(moves) * 7 / 3)])
    middles = (np.arange(_BINS) + 0.5) / _BINS * 8 - 4
    return values[(special.ndtr(middles) * len(values)).astype(int)].astype(np.float32)


_STEPS: Final = _ndcg_steps()


def zero_inflated(scores: np.ndarray) -> np.ndarray:
    """Differences of NDCG: 70 % are exactly 0, the others those of one item's moves."""
    places = ((scores + 4) * (_BINS / 8)).astype(np.int32)
    return _STEPS[np.clip(places, 0, _BINS - 1)]


def lopsided(scores: np.ndarray) -> np.ndarray:
    """Zero-inflated and skewed: 70 % no change, 20 % lose one, 10 % gain two."""
    gain, loss = np.float32(special.ndtri(0.9)), np.float32(special.ndtri(0.2))
    return np.where(scores > gain, 2.0, np.where(scores < loss, -1.0, 0.0)).astype(np.float32)


DIFFERENCES: Final[dict[str, Draw]] = {
    "normal": normal,
    "skewed": skewed,
    "exponential": exponential,
    "zero-inflated": zero_inflated,
    "zero-inflated, skewed": lopsided,
}
CLUSTERED: Final = ("normal, clustered", "skewed, clustered", "zero-inflated, clustered")


def drawn(
    differences: str, units: int, comparisons: int, families: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Families of differences of mean 0, in blocks.

    Args:
        differences: Key of ``DIFFERENCES``, or one of ``CLUSTERED``.
        units: Users, or clusters of four users each.
        comparisons: In a family.
        families: In all.
        seed: Fixes them.

    Yields:
        (n_users, n_families, comparisons) float32; and (n_users,) clusters, where there are some.
    """
    name = differences.removesuffix(", clustered")
    size = CLUSTER_SIZE if differences in CLUSTERED else 1
    clusters = np.repeat(np.arange(units), size) if size > 1 else None
    rng = np.random.default_rng([seed, units, zlib.crc32(differences.encode())])
    block = max(1, _CELLS // (units * size * comparisons))
    own = np.float32(math.sqrt(1 - CORRELATION))
    for start in range(0, families, block):
        now = min(block, families - start)
        shape = (units * size, now, comparisons)
        scores = rng.standard_normal(shape, dtype=np.float32)
        scores *= own
        common = rng.standard_normal((units * size, now, 1), dtype=np.float32)
        scores += np.float32(math.sqrt(CORRELATION)) * common
        if clusters is not None:
            together = rng.standard_normal((units, now, comparisons), dtype=np.float32)
            scores = (scores + together[clusters]) / np.float32(math.sqrt(2))
        yield DIFFERENCES[name](scores), clusters


def of_clusters(differences: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    """Sums of clusters of equal size, which follow one another."""
    if clusters is None:
        return differences
    return differences.reshape(-1, CLUSTER_SIZE, *differences.shape[1:]).sum(axis=1)


def p_values(
    differences: np.ndarray, clusters: np.ndarray | None, rng: np.random.Generator
) -> np.ndarray:
    """The product's p-values of (n_users, n) differences."""
    bases = np.full(differences.shape, BASE)
    results = paired_bootstraps(
        bases + differences, bases, rng=rng, n_resamples=RESAMPLES, clusters=clusters
    )
    return np.array([result.p_value for result in results])


def smallest(
    blocks: Iterable[tuple[np.ndarray, np.ndarray | None]], rng: np.random.Generator
) -> np.ndarray:
    """(families, len(COMPARISONS)) the smallest p-value of each family, where it can be a verdict.

    Only where a bound below the product's p-value is small enough for a verdict is it asked for.
    """
    found, small, asked = [], [], []
    clusters = None
    for differences, clusters in blocks:
        users, families, comparisons = differences.shape
        flat = differences.reshape(users, -1)
        part = _bounds(of_clusters(flat, clusters)).reshape(families, comparisons)
        candidates = np.zeros_like(part, dtype=bool)
        for number in COMPARISONS:
            candidates[:, :number] |= part[:, :number] <= ALPHA / number
        found.append(part)
        small.append(candidates)
        asked.append(flat[:, candidates.ravel()])
    p_value, whole = np.concatenate(found), np.concatenate(small)
    if whole.any():
        p_value[whole] = p_values(np.hstack(asked).astype(np.float64), clusters, rng)
    return np.stack([p_value[:, :number].min(axis=1) for number in COMPARISONS], axis=1)


def _bounds(differences: np.ndarray) -> np.ndarray:
    """Below the product's p-values, and quicker.

    That is the larger of two. One takes no resamples, and the least that the other can be is known
    from how many units changed; over thousands of units it is no third of Student's.
    """
    units = len(differences)
    if units < MANY:
        exact = skewness_corrected(differences.astype(np.float64))
        return np.maximum(exact, 0.5 ** ((differences != 0).sum(axis=0) - 1.0))
    mean = differences.mean(axis=0, dtype=np.float64)
    square = np.einsum("ij,ij->j", differences, differences).astype(np.float64) / units
    error = np.sqrt((square - mean**2) / (units - 1))
    return 2 * special.stdtr(units - 1, -np.abs(mean) / error) / 3


def false_verdicts(differences: str, units: int, families: int, seed: int = 0) -> list[Cell]:
    """Rows of the new method for all sizes of family, with and without a least number of units."""
    blocks = drawn(differences, units, max(COMPARISONS), families, seed)
    least = smallest(blocks, np.random.default_rng(seed))
    cells = []
    for place, number in enumerate(COMPARISONS):
        share = float((least[:, place] <= ALPHA / number).mean())
        needed = max(LEAST_UNITS, least_units(number, ALPHA))
        undefined = float(units < needed)
        about = (differences, units, number, families)
        cells.append(_cell(NOISE, "new", *about, 0.0 if undefined else share, undefined))
        cells.append(_cell(NOISE, "new, any size", *about, share, 0.0))
    return cells


def old_false_verdicts(differences: str, units: int, families: int, seed: int = 0) -> list[Cell]:
    """Rows of the percentile bootstrap."""
    rng = np.random.default_rng(seed)
    blocks = drawn(differences, units, max(OLD_COMPARISONS), families, seed)
    found = [old_p_values(block.reshape(len(block), -1), rng) for block, _ in blocks]
    p_value = np.concatenate(found).reshape(families, -1)
    return [
        _cell(
            NOISE,
            "old",
            differences,
            units,
            number,
            families,
            float((p_value[:, :number].min(axis=1) <= ALPHA / number).mean()),
            0.0,
        )
        for number in OLD_COMPARISONS
    ]


def old_p_values(differences: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two-sided p-values of (n_users, n) differences by a percentile bootstrap of users."""
    users = len(differences)
    smaller = np.zeros((2, differences.shape[1]))
    slack = 1e-6 * np.abs(differences).max(axis=0)
    for start in range(0, RESAMPLES, 1000):
        size = min(1000, RESAMPLES - start)
        times = rng.multinomial(users, np.full(users, 1 / users), size=size)
        means = times.astype(np.float32) @ differences / users
        smaller += (means <= slack).sum(axis=0), (means >= -slack).sum(axis=0)
    return np.minimum(1, 2 * (smaller.min(axis=0) + 1) / (RESAMPLES + 1))


def power(differences: str, units: int, families: int, seed: int = 1) -> list[Cell]:
    """How often a gain of 2 % of the base is seen in one of 20 comparisons, by both methods."""
    rng = np.random.default_rng(seed)
    seen = {"new": 0, "old": 0}
    scale = _scale(differences)
    blocks = drawn(differences, units, POWER_COMPARISONS, families, seed)
    for block, clusters in blocks:
        noise = block * np.float32(scale)
        noise[:, :, 0] += planted(noise[:, :, 0])
        flat = noise.reshape(units, -1)
        # What no test could call significant alone plays no part in Holm's correction.
        new = skewness_corrected(flat.astype(np.float64))
        old = stats.ttest_1samp(flat, 0).pvalue
        few, some = new <= ALPHA, old <= 4 * ALPHA
        new[few] = p_values(flat[:, few].astype(np.float64), clusters, rng)
        old[some] = old_p_values(flat[:, some], rng)
        up = noise[:, :, 0].mean(axis=0) > 0
        for method, found in (("new", new), ("old", old)):
            families_of = found.reshape(-1, POWER_COMPARISONS)
            corrected = np.array([holm(family)[0] for family in families_of])
            seen[method] += int(((corrected <= ALPHA) & up).sum())
    about = (differences, units, POWER_COMPARISONS, families)
    return [_cell(GAIN_SEEN, method, *about, n / families, 0.0) for method, n in seen.items()]


def planted(noise: np.ndarray) -> np.ndarray:
    """The gain, spread over those whose list changed at all."""
    changed = noise != 0
    return np.where(changed, GAIN * BASE / changed.mean(), 0).astype(np.float32)


def _scale(differences: str) -> float:
    """What brings the differences to the spread that was seen of real ones."""
    block, _ = next(drawn(differences, 1000, 1, 50, seed=2))
    return SPREAD / float(block.std())


def _cell(
    question: str,
    method: str,
    differences: str,
    units: int,
    comparisons: int,
    families: int,
    share: float,
    undefined: float,
) -> Cell:
    error = math.sqrt(max(share * (1 - share), 1 / families**2) / families)
    return Cell(
        question,
        method,
        differences,
        units,
        comparisons,
        families,
        round(share, 5),
        round(error, 5),
        undefined,
    )


def jobs(families: int) -> Iterator[tuple[tuple[str, str, str, int], Callable[[], list[Cell]]]]:
    """Every part of the study, the quick ones first: what it is of, and how it is done."""
    for units in UNITS:
        for name in (*DIFFERENCES, *CLUSTERED):
            yield (
                (NOISE, "new", name, units),
                partial(false_verdicts, name, units, families),
            )
            if units in OLD_UNITS and name not in CLUSTERED:
                yield (
                    (NOISE, "old", name, units),
                    partial(old_false_verdicts, name, units, families),
                )
    for units in POWER_UNITS:
        for name in DIFFERENCES:
            yield (
                (GAIN_SEEN, "new", name, units),
                partial(power, name, units, families),
            )


def read(path: Path = TABLE) -> list[Cell]:
    """The rows of a table; none where there is no file."""
    if not path.exists():
        return []
    kinds: dict[str, Any] = {"int": int, "float": float, "str": str}
    kind_of = {field.name: kinds[str(field.type)] for field in fields(Cell)}
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Cell(**{name: kind_of[name](value) for name, value in row.items()})
            for row in csv.DictReader(file)
        ]


def write(cells: Sequence[Cell], path: Path = TABLE) -> None:
    """Put rows into a table, in its place whole or not at all."""
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Cell)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(cell) for cell in cells)
    part.replace(path)


def tables(cells: Sequence[Cell]) -> str:
    """The study's tables, in percent."""
    noise = [cell for cell in cells if cell.question == NOISE]
    least = [cell for cell in noise if cell.method == "new"]
    alone = [cell for cell in noise if cell.method == "new, any size"]
    old = [cell for cell in noise if cell.method == "old"]
    gain = [cell for cell in cells if cell.question == GAIN_SEEN]
    return "\n\n".join(
        [
            (
                f"Families of noise with a false verdict, % of {FAMILIES:,}. A dash is "
                "*undefined*: all families have too few units."
            ),
            _table(least, lambda cell: (cell.differences, f"{cell.comparisons}"), UNITS),
            f"The same if verdicts were given on fewer than {LEAST_UNITS} units.",
            _table(
                [cell for cell in alone if cell.units < LEAST_UNITS],
                lambda cell: (cell.differences, f"{cell.comparisons}"),
                [units for units in UNITS if units < LEAST_UNITS],
            ),
            "The same by the percentile bootstrap that was used before.",
            _table(old, lambda cell: (cell.differences, f"{cell.comparisons}"), OLD_UNITS),
            (
                f"A gain of {GAIN:.0%} of the base, in one of {POWER_COMPARISONS} comparisons, "
                "that is found, %."
            ),
            _table(gain, lambda cell: (cell.differences, cell.method), POWER_UNITS, "method"),
        ]
    )


def _table(
    cells: Sequence[Cell],
    row_of: Callable[[Cell], tuple[str, str]],
    columns: Sequence[int],
    heading: str = "comparisons",
) -> str:
    found = {(*row_of(cell), cell.units): cell for cell in cells}
    rows = dict.fromkeys((name, second) for name, second, _ in found)
    order = [*DIFFERENCES, *CLUSTERED]
    head = ["differences", heading, *(f"{units:,}" for units in columns)]
    lines = [head, ["---", "---", *["---:"] * len(columns)]]
    for name, second in sorted(rows, key=lambda row: order.index(row[0])):
        shown = [found.get((name, second, units)) for units in columns]
        lines.append([name, second, *map(_percent, shown)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _percent(cell: Cell | None) -> str:
    if cell is None:
        return ""
    return "-" if cell.undefined == 1 else f"{100 * cell.share:.1f}"


def refresh(cells: Sequence[Cell], page: Path = PAGE) -> str:
    """The page with its tables anew."""
    head, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    return f"{head}{BEGIN}\n\n{tables(cells)}\n\n{END}{rest.partition(END)[2]}"


def run(families: int = FAMILIES, path: Path = TABLE) -> list[Cell]:
    """Do what is not in the table yet, and keep each part as it is done."""
    cells = read(path)
    done = {(c.question, c.method, c.differences, c.units) for c in cells if c.families >= families}
    for key, work in jobs(families):
        if key in done:
            continue
        began = time.monotonic()
        cells += work()
        write(cells, path)
        print(*key, f"{time.monotonic() - began:.0f} s", flush=True)
    return cells


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", type=int, default=FAMILIES)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--page", type=Path, default=PAGE, help="no page where it is empty")
    asked = parser.parse_args()
    found = run(asked.families, asked.table)
    if asked.page.is_file():
        asked.page.write_text(refresh(found, asked.page), encoding="utf-8")
