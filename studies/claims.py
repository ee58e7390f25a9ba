"""What studies found of the product's claims: one row per claim, for the page of claims.

A row is read off a study's results. Which case stands for a claim is a rule and not the best of
the results: the default source, and EASE, which does best there, with 5 known items.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import stats

from doppelcart import pipelines
from doppelcart.experiment.families import holm
from doppelcart.experiment.outcome import HELPS, outcome
from doppelcart.experiment.verdict import BEST_NOT_BEATEN, NOT_PROVEN
from doppelcart.reporting.capabilities import find_capabilities
from studies.machine import PROJECT

TABLE: Final = PROJECT / "studies" / "claims.csv"
ALPHA: Final = 0.05
DATA: Final = "Complete Journey"
KNOWN: Final = "change of NDCG@20 by completion, 5 known"
RECOMMENDER: Final = "ease"
ENDS: Final = {"effect": "value", "low": "low", "high": "high"}
WITHOUT_CRITIC: Final = "the same network without a critic"
IMAGINED: Final = "items imagined by the GAN"
ALONE, BESIDE = "alone", "beside the ridge"
STOCK_DATA: Final = "FreshRetailNet-50K"
STOCK_CASE: Final = "20 series: verdict on the GAN"


@dataclass(frozen=True)
class Row:
    """What a study has to say of a claim.

    Args:
        capability: The pipeline that makes the claim.
        claim: Its name there.
        source: Who makes it, as declared there.
        data: What it was tried on.
        seeds: Trainings, or random splits, that the verdict rests on.
        verdict: In the words of the product's pages.
        measure: What the effect is a change of.
        unit: ``%`` for a relative change in percent.
        effect: The change.
        low: Lower end of its 95 % interval.
        high: Upper end.
        controls_beaten: Plainer ways to the same end that it is shown to beat, joined by "; ".
        not_beaten: Those that it was compared with and is not shown to beat.
        date: When it was measured (UTC, ISO 8601).
        commit: At which commit.
        study: Which study measured it.
    """

    capability: str
    claim: str
    source: str
    data: str
    seeds: int
    verdict: str
    measure: str
    unit: str
    effect: float
    low: float
    high: float
    controls_beaten: str
    not_beaten: str
    date: str
    commit: str
    study: str


def refresh(results: Path, table: Path = TABLE) -> None:
    """Write the table anew from the results of the studies.

    Args:
        results: Folder of the results.
        table: The table.
    """
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows_of(results))


def rows_of(results: Path) -> Iterator[Row]:
    """What the studies that are there say, in the order of the claims."""
    readers = {
        "augmentation": new_users,
        "critic": completion,
        "launches": imagined,
        "stockouts": few_series,
    }
    for study, read in readers.items():
        path = results / f"{study}.json"
        if path.exists():
            yield read(json.loads(path.read_text(encoding="utf-8")))


def completion(content: Mapping[str, Any]) -> Row:
    """Of completed histories, over seeds of the training: against none, and without a critic.

    Args:
        content: Results of the study ``critic``.
    """
    by_name = _by_name(content)
    source = f"{DATA}: "
    compared = [
        name.removesuffix(", GAN")
        for name in by_name
        if name.startswith(f"{source}change of NDCG@20 by completion") and name.endswith(", GAN")
    ]
    case = f"{source}{KNOWN}"
    found, less = by_name[f"{case}, GAN"], by_name[f"{case}, difference"]
    seeds = _number(found["how"], "seeds")
    p_values = np.array([p_of(by_name[f"{name}, GAN"], seeds) for name in compared])
    p_holm = dict(zip(compared, holm(p_values), strict=True))[case]
    beaten = outcome(less["value"], by_name[f"{case}, p after Holm"]["value"], ALPHA) == HELPS
    return _row(
        content,
        ("evaluation", "completion"),
        found,
        seeds,
        verdict_of(outcome(found["value"], p_holm, ALPHA), beats_all=beaten),
        "NDCG@20 of EASE against EASE without, 5 items known; interval over trainings",
        beaten=[WITHOUT_CRITIC] * beaten,
        not_beaten=[WITHOUT_CRITIC] * (not beaten),
    )


def new_users(content: Mapping[str, Any]) -> Row:
    """Of added users, for users who were in training, over random splits.

    The study compares with adding nobody, and with no control.

    Args:
        content: Results of the study ``augmentation``.
    """
    by_name = _by_name(content)
    found = by_name[f"{DATA}: GAN's users, {RECOMMENDER}"]
    p_holm = by_name[f"{DATA}: GAN's users, p of {RECOMMENDER}"]["value"]
    return _row(
        content,
        ("evaluation", "new_users"),
        found,
        _number(found["how"], "splits"),
        verdict_of(outcome(found["value"], p_holm, ALPHA), beats_all=False),
        "NDCG@10 of EASE against EASE without, users in training; interval over users",
    )


def imagined(content: Mapping[str, Any]) -> Row:
    """Of imagined items beside the ridge, over seeds of the training.

    Corrected over both ways, alone and beside; and over the controls, each of which has to be
    beaten.

    Args:
        content: Results of the study ``launches``.
    """
    by_name = _by_name(content)
    ways = {way: by_name[f"{way}: {IMAGINED}"] for way in (ALONE, BESIDE)}
    found = ways[BESIDE]
    seeds = _number(found["how"], "trainings")
    p_holm = holm(np.array([p_of(figure, seeds) for figure in ways.values()]))[-1]
    prefix = f"{BESIDE}: {IMAGINED} more than "
    against = {
        name.removeprefix(prefix): figure
        for name, figure in by_name.items()
        if name.startswith(prefix)
    }
    p_values = holm(np.array([p_of(figure, seeds) for figure in against.values()]))
    beaten = [
        name
        for (name, figure), p in zip(against.items(), p_values, strict=True)
        if outcome(figure["value"], p, ALPHA) == HELPS
    ]
    return _row(
        content,
        ("new_items", "imagined"),
        found,
        seeds,
        verdict_of(outcome(found["value"], p_holm, ALPHA), beats_all=len(beaten) == len(against)),
        "NDCG@20 over new items against the ridge alone; interval over trainings",
        beaten=beaten,
        not_beaten=[name for name in against if name not in beaten],
    )


def few_series(content: Mapping[str, Any]) -> Row:
    """Of generated series, for a shop of 20, over seeds of shop and training.

    The verdict is that of the experiment: the study's results say it.

    Args:
        content: Results of the study ``stockouts``.
    """
    by_name = _by_name(content)
    found = by_name[f"{STOCK_CASE}, change of AUC"]
    verdict, beaten, not_beaten = _told(found["how"])
    return _row(
        content,
        ("stockouts", "series"),
        found,
        _number(found["how"], "seeds"),
        verdict,
        "AUC of next-day stock-outs against the best detector without added series, shops of 20 "
        "series; interval over stores",
        beaten=beaten,
        not_beaten=not_beaten,
        data=STOCK_DATA,
    )


def _told(how: str) -> tuple[str, list[str], list[str]]:
    """Verdict, controls beaten and those not beaten, as results say them."""
    found = re.search(
        r"verdict: ([^.]+)\. Controls beaten: ([^.]+)\. Controls not beaten: ([^.]+)\.", how
    )
    if found is None:
        raise ValueError(f"The results do not say their verdict: {how}")
    verdict, *controls = found.groups()
    beaten, not_beaten = ([] if named == "none" else named.split("; ") for named in controls)
    return verdict, beaten, not_beaten


def p_of(figure: Mapping[str, Any], seeds: int) -> float:
    """The two-sided p-value of a mean, from its 95 % interval by Student's t.

    Args:
        figure: Its value and the ends of its interval.
        seeds: Over how many seeds the mean is.
    """
    half = stats.t.ppf(0.975, seeds - 1)
    error = (figure["high"] - figure["low"]) / (2 * half)
    return float(2 * stats.t.sf(abs(figure["value"]) / error, seeds - 1))


def verdict_of(word: str, *, beats_all: bool) -> str:
    """An outcome in the words of the product's pages.

    Args:
        word: The outcome of the comparison with nothing.
        beats_all: Whether every control was compared with, and is beaten.
    """
    if word != HELPS:
        return word
    return BEST_NOT_BEATEN if beats_all else NOT_PROVEN


def _row(
    content: Mapping[str, Any],
    claim: tuple[str, str],
    figure: Mapping[str, Any],
    seeds: int,
    verdict: str,
    measure: str,
    beaten: Sequence[str] = (),
    not_beaten: Sequence[str] = (),
    data: str = DATA,
) -> Row:
    return Row(
        *claim,
        source=_source(*claim),
        data=data,
        seeds=seeds,
        verdict=verdict,
        measure=measure,
        unit=figure["unit"],
        **{name: round(figure[end], 4) for name, end in ENDS.items()},
        controls_beaten="; ".join(beaten),
        not_beaten="; ".join(not_beaten),
        date=content["date"],
        commit=content["commit"],
        study=content["benchmark"],
    )


def _by_name(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {entry["figure"]: entry for entry in content["figures"]}


def _number(how: str, of: str) -> int:
    """How many seeds or splits it was, as the results themselves say."""
    found = re.search(rf"(\d+) {of}\b", how)
    if found is None:
        raise ValueError(f"The results do not say of how many {of} they are: {how}")
    return int(found[1])


def _source(capability: str, claim: str) -> str:
    """Who makes a claim, as its capability declares it."""
    (its,) = (c for c in find_capabilities(pipelines) if c.name == capability)
    return next(made.source for made in its.claims if made.name == claim)
