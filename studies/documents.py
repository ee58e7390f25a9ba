"""Put what was measured into the documents: in short into README.md, whole into docs/results.md.

Everything comes from the folders ``results`` of the benchmarks and of the studies: what each
measured, and in ``runs/<source>`` the tables of finished runs, which ``take_in`` copies there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from doppelcart.experiment.outcome import UNDEFINED
from doppelcart.experiment.verdict import VERDICTS
from doppelcart.recommendation.arms import ARMS
from studies.figures import figure_cells, measured, table
from studies.machine import PROJECT

COSTS = PROJECT / "benchmarks" / "results"
RESULTS = PROJECT / "studies" / "results"
FOLDERS = (COSTS, RESULTS)
README = PROJECT / "README.md"
PAGE = PROJECT / "docs" / "results.md"
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
TABLES = ("verdict", "tstr", "metrics")
# The case that stands in the README for all of docs/results.md: recommender, group, title.
SHOWN = ("ease", "cold_5", "EASE, 5 items known")
# Since when runs are made otherwise, which a run does not say, and what is said of older ones.
FORMER_WAYS = {
    datetime(2026, 11, 29, 3, 17, 25, tzinfo=UTC): (
        "The grids were searched in two rounds for {new}, as they are today, and for {old} in the "
        "one round, on all customers who tune, that a run had before."
    ),
    datetime(2026, 11, 28, 18, 13, 43, tzinfo=UTC): (
        "What is told of {old} was judged by the percentile bootstrap of before, which takes luck "
        "for a difference more often (docs/significance.md)."
    ),
}


def take_in(data: Path, results: Path) -> Path:
    """Copy a finished run's tables into the results.

    Args:
        data: Data folder of the run.
        results: Folder of the results.

    Returns:
        Their new folder, named after the run's source.
    """
    summary = json.loads((data / "02_intermediate" / "source_summary.json").read_text())
    split = json.loads((data / "03_primary" / "split_summary.json").read_text())
    # The verdicts are the evaluation's: the page may be of a later day and commit.
    made = json.loads((data / "08_reporting" / "sections" / "evaluation.json").read_text())
    folder = results / "runs" / summary["source"]
    folder.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        shutil.copyfile(data / "08_reporting" / f"{name}.csv", folder / f"{name}.csv")
    described = {
        "source": summary["source"],
        "commit": made["commit"],
        "written": made["written"],
        "train_users": split["train_users_with_rows"],
        "items": split["catalogue"],
    }
    (folder / "run.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    return folder


def refresh(folders: Sequence[Path] = FOLDERS, readme: Path = README, page: Path = PAGE) -> None:
    """Write both documents anew."""
    page.write_text(results_page(*folders), encoding="utf-8")
    text = readme.read_text(encoding="utf-8")
    readme.write_text(between(text, readme_section(*folders)), encoding="utf-8")


def between(text: str, section: str) -> str:
    """The text with what stands between its markers replaced.

    Raises:
        ValueError: A marker is missing or there are two of it.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"README.md needs {BEGIN} and, after it, {END}, once each")
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n\n{section.strip()}\n\n{END}{rest.partition(END)[2]}"


def readme_section(*folders: Path) -> str:
    """A row for each run and use of the generator: how many verdicts went which way, one effect.

    Args:
        *folders: Where results are.
    """
    runs = _runs(folders)
    if not runs:
        return "No run has been measured yet: run `make study`."
    made = {word for run in runs for word in run["verdict"]["verdict"]}
    words = [word for word in VERDICTS if word in made]
    rows = [
        [
            f"{_title(run['facts'])}, {ARMS[str(arm)].phrase}",
            *(int((of_arm["verdict"] == word).sum()) for word in words),
            _shown(of_arm),
        ]
        for run in runs
        for arm, of_arm in run["verdict"].groupby("arm", sort=False)
    ]
    return "\n\n".join(
        [
            (
                "How many cases, each a group of customers and a recommender, went which way; and "
                "of one case the change of NDCG@20 with its 95 % interval. Only what *helps* may "
                "go into service; what is *not proven* beats the plain recommender, but a control "
                "may do as well."
            ),
            _markdown(["", *words, SHOWN[-1]], rows),
            (
                f"{_former_ways(runs)} All cases, controls and studies, targets that were missed "
                "among them: [docs/results.md](docs/results.md)."
            ).strip(),
        ]
    )


def _shown(of_arm: pd.DataFrame) -> str:
    recommender, group, _ = SHOWN
    case = of_arm[(of_arm["recommender"] == recommender) & (of_arm["slice"] == group)]
    return "" if case.empty else _cell(case.iloc[0])


def results_page(*folders: Path) -> str:
    """Everything that was measured.

    Args:
        *folders: Where results are.
    """
    parts = [
        "# Results",
        (
            "Written by `python -m studies results` from `benchmarks/results` and "
            "`studies/results`; do not edit it. What the words mean: [protocol.md](protocol.md)."
        ),
    ]
    found = _results(folders)
    parts += ["## Benchmarks and studies"] * bool(found)
    for path in found:
        parts += [f"### {path.stem}", _all_figures(path), _how(path)]
    runs = _runs(folders)
    parts += [former] if (former := _former_ways(runs)) else []
    for run in runs:
        facts, verdict = run["facts"], run["verdict"]
        parts += [
            f"## {_title(facts)}",
            f"{_size(facts)}; run of {facts['written'][:10]} at commit `{facts['commit'][:10]}`.",
            "### Verdict",
            _counts(verdict),
            _verdicts(verdict),
            "### Every arm",
            "NDCG@20 on test users, each arm tuned on validation users over the same grid.",
            _scores(run["metrics"]),
            "### Trained on synthetic users alone",
            (
                "NDCG@20 as a share of the same recommender's when trained on the real users "
                "(95 % interval)."
            ),
            _shares(run["tstr"]),
        ]
    if len(parts) == 2:
        parts.append("Nothing has been measured yet: run `make benchmark` and `make study`.")
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _all_figures(path: Path) -> str:
    """The tables of results: one row per model, one table for models of the same figures.

    If a model has a single figure, a single table of all figures.
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    by_row: dict[str, dict[str, str]] = {}
    for entry in content["figures"]:
        row, _, column = entry["figure"].rpartition(", ")
        by_row.setdefault(row, {})[column] = _figure(entry)
    alike: dict[tuple[str, ...], list[list[str]]] = {}
    for row, cells in by_row.items():
        alike.setdefault(tuple(cells), []).append([row, *cells.values()])
    if any(len(columns) < 2 for columns in alike):
        return table(content)
    tables = [_markdown(["", *columns], rows) for columns, rows in alike.items()]
    return "\n\n".join([measured(content), *tables])


def _figure(entry: dict[str, Any]) -> str:
    """A figure in one cell: its value, its range, and its target with whether it is met."""
    cells = figure_cells(entry)
    ends = f" ({cells['range']})" if cells["range"] else ""
    aim = f"; target {cells['target']}: {cells['met']}" if cells["target"] else ""
    return f"{cells['value']}{ends}{aim}"


def _how(path: Path) -> str:
    """How the figures were measured, one line for all that were measured alike."""
    alike: dict[str, list[str]] = {}
    for entry in json.loads(path.read_text(encoding="utf-8"))["figures"]:
        alike.setdefault(entry["how"], []).append(entry["figure"])
    every = [name for names in alike.values() for name in names]
    return "\n".join(f"- *{_in_short(names, every)}*: {how}" for how, names in alike.items())


def _in_short(names: list[str], every: list[str]) -> str:
    """Some figures, those of a whole source or model, or of a whole row of the table, as one.

    Args:
        names: Figures, as in ``source: row, column``; source and column may be missing.
        every: All figures of the same table.
    """
    for part in (_source, _row):
        if len({part(name) for name in names}) == 1 and len(names) > 1:
            whole = part(names[0])
            if whole and sum(part(name) == whole for name in every) == len(names):
                return f"{whole}, all figures"
    shown: dict[str, None] = {}
    for name in names:
        of_row = [other for other in every if _row(name) and _row(other) == _row(name)]
        shown[_row(name) if len(of_row) > 1 and set(of_row) <= set(names) else name] = None
    short, source = [], ""
    for name in shown:
        short.append(name.removeprefix(f"{source}: ") if source else name)
        source = _source(name)
    return "; ".join(short)


def _source(name: str) -> str:
    source, colon, _ = name.partition(": ")
    return source if colon else ""


def _row(name: str) -> str:
    return name.rpartition(", ")[0]


def _results(folders: Sequence[Path]) -> list[Path]:
    """What was measured, in the order of the folders."""
    return [path for folder in folders for path in sorted(folder.glob("*.json"))]


def _runs(results: Sequence[Path]) -> list[dict[str, Any]]:
    folders = [
        path.parent for folder in results for path in sorted((folder / "runs").glob("*/run.json"))
    ]
    return [
        {"facts": json.loads((folder / "run.json").read_text())}
        | {name: pd.read_csv(folder / f"{name}.csv") for name in TABLES}
        for folder in folders
    ]


def _former_ways(runs: Sequence[Mapping[str, Any]]) -> str:
    """Which runs were tuned or judged otherwise than today, if not all are alike.

    Args:
        runs: What each says of itself under ``facts``, with the time at which it was written.
    """
    told = []
    for since, words in FORMER_WAYS.items():
        parted: dict[bool, list[str]] = {True: [], False: []}
        for run in runs:
            written = datetime.fromisoformat(run["facts"]["written"])
            parted[written.replace(tzinfo=written.tzinfo or UTC) >= since].append(
                _title(run["facts"])
            )
        if parted[True] and parted[False]:
            told.append(words.format(new=_listed(parted[True]), old=_listed(parted[False])))
    return " ".join(told)


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _title(facts: dict[str, Any]) -> str:
    return str(facts["source"]).replace("_", " ").title()


def _size(facts: dict[str, Any]) -> str:
    return f"{facts['train_users']:,} training users, {facts['items']:,} items"


def _counts(verdict: pd.DataFrame) -> str:
    words = [word for word in VERDICTS if (verdict["verdict"] == word).any()]
    rows = [
        [ARMS[str(arm)].phrase, *(int((of_arm["verdict"] == word).sum()) for word in words)]
        for arm, of_arm in verdict.groupby("arm", sort=False)
    ]
    return _markdown(["", *words], rows)


def _verdicts(verdict: pd.DataFrame) -> str:
    arms = list(dict.fromkeys(verdict["arm"]))
    rows = []
    for (name, recommender), of_pair in verdict.groupby(["slice", "recommender"], sort=False):
        by_arm = of_pair.set_index("arm")
        cells = [_cell(by_arm.loc[arm]) if arm in by_arm.index else "" for arm in arms]
        rows.append([name, recommender, f"{by_arm['base'].iloc[0]:.4f}", *cells])
    return _markdown(["slice", "recommender", "NDCG@20", *arms], rows)


def _cell(row: pd.Series) -> str:
    if row["level"] == 0:
        return "not used: validation chose 0"
    if row["verdict"] == UNDEFINED:
        return f"{UNDEFINED}: {row['n_units']} of {row['least_units']} customers"
    ends = f"{row['relative_low']:+.1%} to {row['relative_high']:+.1%}"
    return f"{row['relative']:+.1%} ({ends}): {row['verdict']}"


def _scores(metrics: pd.DataFrame) -> str:
    rows = metrics[metrics["metric"] == "ndcg@20"]
    wide = rows.pivot_table("value", ["slice", "recommender"], "arm", sort=False)
    cells = [
        [*labels, *("" if pd.isna(value) else f"{value:.4f}" for value in values)]
        for labels, values in zip(wide.index, wide.to_numpy(), strict=True)
    ]
    return _markdown(["slice", "recommender", *wide.columns], cells)


def _shares(tstr: pd.DataFrame) -> str:
    arms = list(dict.fromkeys(tstr["arm"]))
    rows = []
    for (name, recommender), of_pair in tstr.groupby(["slice", "recommender"], sort=False):
        by_arm = of_pair.set_index("arm")
        cells = [
            f"{row['share']:.1%} ({row['low']:.1%} to {row['high']:.1%})"
            for row in (by_arm.loc[arm] for arm in arms)
        ]
        rows.append([name, recommender, f"{by_arm['real'].iloc[0]:.4f}", *cells])
    return _markdown(["slice", "recommender", "real users", *arms], rows)


def _markdown(header: list[str], rows: list[list[Any]]) -> str:
    lines = ["| " + " | ".join(map(str, cells)) + " |" for cells in (header, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(header), *lines[1:]])
