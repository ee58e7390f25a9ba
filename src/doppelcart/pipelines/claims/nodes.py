"""Nodes of the claims pipeline."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import pandas as pd

from doppelcart import pipelines as packages
from doppelcart.errors import InputError
from doppelcart.reporting.capabilities import find_capabilities
from doppelcart.reporting.page import render
from doppelcart.reporting.section import SOURCE, Capability, Section
from doppelcart.reporting.signals import Signal, of_word
from doppelcart.reporting.tables import UNDEFINED, change, score

NOT_RUN: Final = "not run"
NOT_JUDGED: Final = "not judged"
NOT_WRITTEN: Final = "section not written"
NOT_TRIED: Final = (NOT_RUN, NOT_JUDGED, NOT_WRITTEN)
"""What is said of a claim in place of a verdict."""
FOUND: Final = (
    "verdict",
    "measure",
    "unit",
    "effect",
    "low",
    "high",
    "seeds",
    "data",
    "date",
    "commit",
)
"""What is said of a claim, by a run as well as by a study."""
KEYS: Final = ("capability", "claim")
COLUMNS: Final = (
    *KEYS,
    "text",
    "source",
    *FOUND,
    "where",
    "cases",
    "alike",
    "controls",
    "beaten",
    "command",
    *(f"study_{name}" for name in FOUND),
)


def collect_claims(studies: pd.DataFrame, **sections: Section | None) -> pd.DataFrame:
    """One row per claim, whether it was tried or not.

    Args:
        studies: Verdicts of studies over several seeds: capability, claim, and what is found.
        **sections: By capability; None where it was not run on the present data.

    Returns:
        The columns of ``COLUMNS``; those of a study are empty where a claim has none.

    Raises:
        InputError: A study lacks a column, names a claim that nobody makes, or is there twice.
    """
    return tabulate_claims(find_capabilities(packages), sections, studies)


def tabulate_claims(
    capabilities: Sequence[Capability],
    sections: Mapping[str, Section | None],
    studies: pd.DataFrame,
) -> pd.DataFrame:
    """As ``collect_claims``, of any capabilities."""
    facts = {what: v for s in sections.values() if s is not None for what, v in s.facts.items()}
    rows = [
        {"capability": capability.name, "claim": claim.name, "text": claim.text}
        | {"source": claim.source, "command": capability.whole_command}
        | found(sections.get(capability.name), claim.name, facts.get(SOURCE, ""))
        for capability in capabilities
        for claim in capability.claims
    ]
    table = pd.DataFrame(rows, columns=[name for name in COLUMNS if not name.startswith("study_")])
    whole = ["seeds", "cases", "alike", "controls", "beaten"]
    table[whole] = table[whole].astype("Int64")
    check_studies(studies, table)
    if studies.empty:
        return table.reindex(columns=list(COLUMNS))
    beside = studies[[*KEYS, *FOUND]].rename(columns={name: f"study_{name}" for name in FOUND})
    return table.merge(beside, on=list(KEYS), how="left", validate="one_to_one")[list(COLUMNS)]


def found(section: Section | None, claim: str, shop: str) -> dict[str, Any]:
    """What a section says of a claim.

    Args:
        section: None where its capability was not run.
        claim: Name of the claim.
        shop: Name of the shop's log, for a section that names no other data.
    """
    if section is None:
        return {"verdict": NOT_RUN}
    made = {"date": section.written, "commit": section.commit, "data": section.data or shop}
    if section.failure or claim not in section.evidence:
        return {"verdict": NOT_WRITTEN if section.failure else NOT_JUDGED} | made
    evidence = section.evidence[claim]
    return evidence.model_dump(exclude={"signal"}) | {"verdict": evidence.signal.word} | made


def check_studies(studies: pd.DataFrame, claims: pd.DataFrame) -> None:
    """Refuse studies that cannot be set beside the claims.

    Args:
        studies: One row a study.
        claims: One row per claim.

    Raises:
        InputError: They lack columns, or there are claims that nobody makes, or twice.
    """
    if studies.empty:
        return
    lacking = [name for name in (*KEYS, *FOUND) if name not in studies]
    if lacking:
        raise InputError(
            f"studies/claims.csv lacks {len(lacking)} columns: {', '.join(lacking)}. Its columns "
            f"are {', '.join((*KEYS, *FOUND))}."
        )
    made = set(claims[list(KEYS)].itertuples(index=False, name=None))
    named = list(studies[list(KEYS)].itertuples(index=False, name=None))
    unknown = sorted({".".join(key) for key in named if key not in made})
    twice = sorted({".".join(key) for key in named if named.count(key) > 1})
    if unknown:
        raise InputError(
            f"studies/claims.csv has {len(unknown)} claims that no capability makes: "
            f"{', '.join(unknown)}. Correct the names, or take the rows out."
        )
    if twice:
        raise InputError(
            f"studies/claims.csv has {len(twice)} claims more than once: {', '.join(twice)}. Keep "
            "the row of the present study of each."
        )


class Row(NamedTuple):
    """One verdict, in words."""

    signal: Signal | None
    verdict: str
    effect: str
    measure: str
    controls: str
    data: str
    seeds: str
    made: str


def write_claims(table: pd.DataFrame) -> str:
    """Lay the claims out as one HTML page that loads nothing.

    Args:
        table: As from ``collect_claims``.
    """
    is_tried = ~table["verdict"].isin(NOT_TRIED)
    words = table.loc[is_tried, "verdict"].value_counts()
    others = table.loc[~is_tried, "verdict"].value_counts().reindex(NOT_TRIED, fill_value=0)
    claims = [
        {
            "text": row["text"],
            "source": row["source"],
            "where": case_in_words(row),
            "command": row["command"] if row["verdict"] in NOT_TRIED else "",
            "run": in_words(row),
            "study": None if pd.isna(row["study_verdict"]) else in_words(_study(row)),
        }
        for row in table.to_dict("records")
    ]
    return render(
        "claims.html.j2",
        claims=claims,
        tried=int(is_tried.sum()),
        counted=[f"{word}: {n}" for word, n in words.items()],
        not_run=int(others[NOT_RUN]),
        without=[f"{word}: {n}" for word, n in others.drop(NOT_RUN).items() if n],
    )


def case_in_words(row: Mapping[Any, Any]) -> str:
    """Which case a row shows, and how many there were of its verdict."""
    told = _text(row["where"])
    if not told or pd.isna(row["cases"]) or row["cases"] < 2:
        return told and f"case: {told}"
    # Beside claims of which nothing was counted a column of counts comes back as fractions.
    cases, alike = int(row["cases"]), int(row["alike"])
    return f"best of {cases} cases: {told}; {alike} of {cases} have this verdict"


def in_words(row: Mapping[Any, Any]) -> Row:
    """What a run or a study found, as it stands on the page."""
    write = change if row["unit"] == "%" else score
    effect = ""
    if not pd.isna(row["effect"]):
        effect = f"{write(row['effect'])} ({write(row['low'])} to {write(row['high'])})"
    seeds = 0 if pd.isna(row["seeds"]) else int(row["seeds"])
    controls = row.get("controls")
    there = controls is not None and not pd.isna(controls) and controls > 0
    stamp = (_text(row["date"])[:10], _text(row["commit"])[:12])
    return Row(
        signal=of_word(str(row["verdict"])),
        verdict=str(row["verdict"]),
        effect=effect,
        measure=_text(row["measure"]),
        controls=f"{row['beaten']:.0f} of {controls:.0f}" if there else UNDEFINED,
        data=_text(row["data"]),
        seeds="one seed: indicative" if seeds == 1 else f"{seeds} seeds" if seeds else "",
        made=" \N{MIDDLE DOT} ".join(filter(None, stamp)),
    )


def _study(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: row[f"study_{name}"] for name in FOUND}


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)
