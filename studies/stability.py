"""How stable are the trainings? Every generator of the product, over five seeds.

A generator is trained by its pipeline's own functions, on the data and with the parameters of a run
of that pipeline; nothing differs from seed to seed but the seed. What went wrong is what the
product's own monitors name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Final

import numpy as np

from studies.figures import NAN, Figure
from studies.machine import PROJECT
from studies.memory import code_of, remembered
from studies.study import Study
from studies.trained import catalogue, images, profiles, reviews, series, users
from studies.trained.family import Family, Inputs
from studies.trained.outcome import Outcome, unit

SEEDS: Final = 5
CACHE: Final = PROJECT / "build" / "studies" / "stability"
KINDS: Final = {
    "mode collapse": ("mode collapse",),
    "posterior collapse": ("posterior collapse",),
    "vanishing gradients": ("vanishing gradients",),
    "exploding gradients": ("exploding gradients",),
    "near copies": ("memorisation",),
}
"""Findings of the monitors by how their names begin."""
BESIDE: Final = ("critic", "encoder")
"""What a generator is trained by, as columns of the log name it."""


def families() -> list[Family]:
    """All but those of pictures, the cheap ones first."""
    parts = (reviews, series, profiles, catalogue, users)
    return [family for part in parts for family in part.families()]


def measure(study: Study) -> Iterator[list[Figure]]:
    """Train every generator with every seed.

    Yields:
        The figures of the generators that are trained together.
    """
    yield from _measure(study, families)


def measure_pictures(study: Study) -> Iterator[list[Figure]]:
    """The same of the generator of pictures, which takes an hour.

    Yields:
        Its figures.
    """
    yield from _measure(study, images.pictures)


def measure_lookalikes(study: Study) -> Iterator[list[Figure]]:
    """The same of the three generators of look-alikes, which take longer still.

    Yields:
        Their figures.
    """
    yield from _measure(study, images.lookalikes)


def _measure(study: Study, listed: Callable[[], list[Family]]) -> Iterator[list[Figure]]:
    # What several in a row learn from is read once, and let go before the next is read.
    for read, alike in groupby(listed(), lambda family: family.read):
        inputs = read()
        for family in alike:
            yield _figures(study, family, inputs)


def _figures(study: Study, family: Family, inputs: Inputs) -> list[Figure]:
    found: list[Outcome] = []
    for seed in range(SEEDS):
        outcomes = remembered(
            CACHE, made_from(family, inputs, seed), partial(trained, family, inputs, seed)
        )
        for outcome in outcomes:
            study.note(noted(outcome), generator=outcome.generator, seed=seed)
        found += outcomes
    return figures_of(family, found)


def made_from(family: Family, inputs: Inputs, seed: int) -> list[bytes]:
    """All that a unit depends on."""
    return [*inputs.made_from, repr((family.name, seed)).encode(), code_of(*family.code)]


def trained(family: Family, inputs: Inputs, seed: int) -> list[Outcome]:
    """What becomes of all generators of a family, trained with one seed."""
    if isinstance(family, users.PrivateFamily):
        return family.unit(inputs.data, seed)
    return unit(family, inputs, seed)


def noted(outcome: Outcome) -> dict[str, float]:
    """A training's figures, to be tracked."""
    return {
        "seconds": outcome.seconds,
        "epochs": outcome.epochs,
        "best_epoch": outcome.best_epoch,
        "recoveries": outcome.recoveries,
        "fidelity": outcome.fidelity,
        "coverage": outcome.coverage,
        **{f"{name}_gradient": value for name, value in outcome.gradients.items()},
        **{kind: warned(outcome, kind) for kind in KINDS},
    }


def warned(outcome: Outcome, kind: str) -> float:
    """1 if a monitor of a kind warned, 0 if none did, NaN if none could judge."""
    judged = [name for name in outcome.judged if name.startswith(KINDS[kind])]
    failed = [name for name in outcome.findings if name.startswith(KINDS[kind])]
    return 1.0 if failed else 0.0 if judged else NAN


def figures_of(family: Family, outcomes: Sequence[Outcome]) -> list[Figure]:
    """The table's rows of generators that are trained together.

    Args:
        family: The generators.
        outcomes: Of all seeds.
    """
    return [
        figure
        for name, title in family.generators.items()
        for figure in _row(family, title, [one for one in outcomes if one.generator == name])
    ]


def _row(family: Family, title: str, own: Sequence[Outcome]) -> list[Figure]:
    how = (
        f"{family.data}; {len(own)} trainings that differ by their seed, with the parameters of a "
        "run."
    )
    ends = f"{how} Mean over seeds, with the smallest and the largest."
    middle = f"{how} Median over seeds, with the smallest and the largest."
    sound = [float(one.recoveries == 0 and one.best_epoch > 0) for one in own]
    told = "the largest mean of an epoch, before any weight is changed; nothing clips it."
    beside = [_beside(one.gradients) for one in own]
    return [
        Figure(f"{title}, trainings", len(own), "", how),
        Figure(f"{title}, without a recovery", 100 * _mean(sound), "%", how),
        Figure(f"{title}, recoveries", _total([float(one.recoveries) for one in own]), "", how),
        _spread(f"{title}, epochs", [float(one.epochs) for one in own], np.median, middle),
        *(
            Figure(
                f"{title}, {kind}",
                _total([warned(one, kind) for one in own]),
                "",
                f"{how} Trainings of which a monitor of the product says so.",
            )
            for kind in KINDS
        ),
        _spread(
            f"{title}, gradient of the generator",
            [one.gradients.get("generator", NAN) for one in own],
            np.median,
            f"{middle} Norm, {told}",
        ),
        _spread(
            f"{title}, gradient of critic or encoder",
            beside,
            np.median,
            f"{middle} Norm, {told}",
        ),
        _spread(
            f"{title}, coverage",
            [one.coverage for one in own],
            np.mean,
            f"{ends} Share of real examples in whose neighbourhood one is made.",
        ),
        _spread(
            f"{title}, fidelity",
            [one.fidelity for one in own],
            np.mean,
            f"{ends} Here: {family.fidelity}.",
        ),
        _spread(
            f"{title}, seconds",
            [one.seconds for one in own],
            np.median,
            f"{middle} Processor time of a training, its evaluations included.",
        ),
    ]


def _beside(gradients: Mapping[str, float]) -> float:
    """Largest gradient of what the generator is trained by; NaN where there is nothing."""
    return next((gradients[name] for name in BESIDE if name in gradients), NAN)


def _mean(values: Sequence[float]) -> float:
    """Their mean; NaN where there are none."""
    return float(np.mean(values)) if values else NAN


def _total(values: Sequence[float]) -> float:
    """Sum of what is known; NaN where nothing is."""
    known = [value for value in values if np.isfinite(value)]
    return float(sum(known)) if known else NAN


def _spread(
    name: str, values: Sequence[float], of: Callable[[Sequence[float]], float], how: str
) -> Figure:
    """A figure over seeds with its smallest and its largest; seeds without one are left out."""
    known = [value for value in values if np.isfinite(value)]
    if not known:
        return Figure(name, NAN, "", how)
    lacking = len(values) - len(known)
    how = f"{how} {lacking} without one." if lacking else how
    return Figure(name, float(of(known)), "", how, None, min(known), max(known))
