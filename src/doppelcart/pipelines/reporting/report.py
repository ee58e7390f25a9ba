"""The report: sections of text, tables and figures, laid out as one HTML file."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly import graph_objects as go

from doppelcart import __version__
from doppelcart.arms.definition import NONE
from doppelcart.columns import Columns
from doppelcart.pipelines.reporting.figures import in_percent
from doppelcart.pipelines.reporting.labels import (
    against_label,
    arm_label,
    arm_order,
    metric_label,
    recommender_label,
    recommender_order,
    slice_label,
    slice_order,
)
from doppelcart.pipelines.reporting.tables import (
    Column,
    Table,
    change,
    count,
    flatten,
    number,
    probability,
    score,
    share,
    spelled,
    tabulate,
    tabulate_all,
    tabulate_mapping,
    text,
)
from doppelcart.pipelines.reporting.words import MEANINGS, Story, signal_of

Block = dict[str, Any]

PRIVACY_CAVEAT: Final = (
    "This is a smoke test, not an audit. Being far from every real record does not show that "
    "nobody can be recognised: leaks are known that such distances miss. Before generated data "
    "leaves the company, run a membership inference audit."
)
HOW_TO_READ: Final = {
    "What was compared": (
        "Each recommender was run as it is, and again with generated data, on customers whose "
        "later purchases were kept out of training. Both were tuned on the same settings, on "
        "other customers than those the scores come from."
    ),
    "Controls": (
        "Cheap stand-ins for generated data: copies, mixtures, random draws by popularity, and "
        "the same generator without its adversary. If one of them does as well, the gain does "
        "not come from the GAN."
    ),
    "NDCG@20": (
        "How well the first 20 recommended items match what the customer really bought next, "
        "hits near the top counting more: 1 is perfect, 0 is no hit."
    ),
    "95 % interval": (
        "Were other customers of the same kind tested, the change would be expected in this "
        "range. A range that includes 0 is compatible with no change at all."
    ),
    "Corrected p": (
        "The probability of so large a difference by chance, corrected (Holm) for the number of "
        "comparisons made. Verdicts are by this figure: an interval alone, which is not "
        "corrected, may exclude 0 without being evidence."
    ),
    "Customers with known items": (
        "New customers were kept out of training altogether. Their first items are shown to the "
        "recommender in the order bought, and it must find the rest."
    ),
}


@dataclass(frozen=True)
class Section:
    """One heading of the report and what stands under it."""

    name: str
    title: str
    blocks: tuple[Block, ...]


def paragraph(words: str, quiet: bool = False) -> Block:
    """A paragraph."""
    return {"kind": "text", "text": words, "quiet": quiet}


def skipped(what: str, reason: str) -> Block:
    """A part that this run does not have, and why."""
    return {"kind": "skipped", "text": f"{what}: skipped because {reason}."}


def figure(name: str, drawn: go.Figure, caption: str) -> Block:
    """A figure, its alternative text taken from what it carries.

    Args:
        name: Identifier in the page.
        drawn: The figure, ``layout.meta["alt"]`` set.
        caption: Said below it.
    """
    return {
        "kind": "figure",
        "name": name,
        "alt": (drawn.layout.meta or {}).get("alt", caption),
        "height": int(drawn.layout.height or 450),
        "caption": caption,
        "json": script_json(drawn.to_json()),
    }


def table(laid_out: Table) -> Block:
    """A table, as wide as the page if it has many columns."""
    return {"kind": "table", "table": laid_out, "wide": len(laid_out.headings) > 5}


def details(summary: str, blocks: Iterable[Block]) -> Block:
    """Blocks that open on demand."""
    return {"kind": "details", "summary": summary, "blocks": list(blocks)}


def script_json(written: str) -> Markup:
    """JSON that may stand inside a script element: nothing in it can close the element."""
    escapes: dict[str, str | int | None] = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
    return Markup(written.translate(str.maketrans(escapes)))  # noqa: S704


def verdict_section(
    verdict: pd.DataFrame, uplift: pd.DataFrame, forests: Mapping[str, go.Figure], limit: int
) -> Section:
    """How much the generated data changed, by group of customers and recommender.

    Args:
        verdict: As evaluation writes it.
        uplift: As evaluation writes it.
        forests: Uplift figure by recommender, the headline one first.
        limit: Longest table (rows).
    """
    if uplift.empty or verdict.empty:
        return Section(
            "uplift",
            "How much it changes",
            (skipped("Uplift", "no arm was compared with the plain recommender"),),
        )
    first, *others = forests
    blocks = [
        figure(
            "uplift-forest",
            forests[first],
            f"{recommender_label(first)}: change against the plain recommender, with 95 % "
            "intervals. Right of the line is better. Hollow marks compare with the best "
            "recommender of all without generated data.",
        ),
        verdict_grid(verdict),
        details(
            "The same figure for the other recommenders",
            [figure(f"uplift-{name}", forests[name], recommender_label(name)) for name in others],
        ),
        details("All comparisons in numbers", [table(uplift_table(uplift, limit))]),
    ]
    return Section("uplift", "How much it changes", tuple(blocks))


def verdict_grid(verdict: pd.DataFrame) -> Block:
    """Signals by slice and arm (rows) and recommender (columns)."""
    names = recommender_order(verdict[Columns.RECOMMENDER])
    by_key = {
        (row[Columns.SLICE], row[Columns.ARM], row[Columns.RECOMMENDER]): signal_of(row)
        for row in verdict.to_dict("records")
    }
    arms = arm_order(verdict[Columns.ARM])
    return {
        "kind": "grid",
        "caption": "The verdict for every recommender",
        "headings": ["Generated data", *[recommender_label(name) for name in names]],
        "groups": [
            {
                "label": slice_label(slice_name),
                "rows": [
                    {
                        "label": arm_label(arm),
                        "cells": [by_key.get((slice_name, arm, name)) for name in names],
                    }
                    for arm in arms
                ],
            }
            for slice_name in slice_order(verdict[Columns.SLICE])
        ],
    }


def uplift_table(uplift: pd.DataFrame, limit: int) -> Table:
    """Every comparison in numbers."""
    return tabulate(
        in_percent(_ordered(uplift)),
        f"Change of {metric_label(str(uplift['metric'].iloc[0]))}",
        [
            Column(Columns.SLICE, "customers", slice_label, False),
            Column(Columns.RECOMMENDER, "recommender", recommender_label, False),
            Column(Columns.ARM, "generated data", arm_label, False),
            Column("against", "against", against_label, False),
            Column("base", "score without", score),
            Column("value", "score with", score),
            Column("percent", "change", change),
            Column("percent_low", "from", change),
            Column("percent_high", "to", change),
            Column("p_holm", "corrected p", probability),
            Column("n_users", "customers tested", count),
        ],
        limit,
        "From and to: 95 % interval of the change by paired bootstrap over customers, not "
        "corrected for the number of comparisons; the p-values are, by Holm's method. Where "
        "validation chose to use no generated data, both scores are the same and p is 1.",
        grouped=True,
    )


def scores_section(
    metrics: pd.DataFrame, chosen: pd.DataFrame, drawn: go.Figure, metric: str, limit: int
) -> Section:
    """Absolute scores by recommender and arm, and the settings that validation chose."""
    rows = metrics[metrics["metric"] == metric] if len(metrics) else metrics
    if rows.empty:
        return Section("scores", "Scores", (skipped("Scores", "no recommender was evaluated"),))
    blocks = [
        figure(
            "scores-by-slice",
            drawn,
            f"{metric_label(metric)} on test customers. A group of customers has one panel; the "
            "scales of the panels differ.",
        ),
        table(score_table(rows, metric, limit)),
        details("Other metrics", [table(tables) for tables in _other(metrics, metric)]),
    ]
    if len(chosen):
        blocks.append(
            details(
                "Settings chosen on validation customers",
                [table(tabulate_all(_ordered(chosen), "Chosen settings", limit))],
            )
        )
    return Section("scores", "Scores of every recommender", tuple(blocks))


def score_table(rows: pd.DataFrame, metric: str, limit: int) -> Table:
    """One row a slice and recommender, one column an arm."""
    arms = arm_order(rows[Columns.ARM])
    arms = [NONE, *[arm for arm in arms if arm != NONE]] if NONE in arms else arms
    wide = rows.pivot_table(
        index=[Columns.SLICE, Columns.RECOMMENDER], columns=Columns.ARM, values="value"
    ).reset_index()
    sizes = rows.groupby(Columns.SLICE)["n_users"].max()
    wide = _ordered(wide.assign(n_users=wide[Columns.SLICE].map(sizes)))
    return tabulate(
        wide,
        metric_label(metric),
        [
            Column(Columns.SLICE, "customers", slice_label, False),
            Column(Columns.RECOMMENDER, "recommender", recommender_label, False),
            *[Column(arm, arm_label(arm), score) for arm in arms if arm in wide],
            Column("n_users", "customers tested", count),
        ],
        limit,
        grouped=True,
    )


def fidelity_section(
    fidelity: pd.DataFrame,
    tstr: pd.DataFrame,
    drawn: Mapping[str, go.Figure],
    limit: int,
) -> Section:
    """How well generated customers resemble real ones.

    Args:
        fidelity: As augmentation writes it.
        tstr: recommender, slice, arm, value, real, share, low, high.
        drawn: ``history_length``, ``popularity_curve`` and ``tstr_shares``.
        limit: Longest table (rows).
    """
    blocks = [
        paragraph(
            "Do the customers that the generator invents shop like real ones? How long their "
            "histories are, which items they choose, and whether a recommender can learn from "
            "them alone."
        ),
        figure("history-length", drawn["history_length"], "Items a customer, as a running share."),
        figure(
            "popularity-curve",
            drawn["popularity_curve"],
            "Every line keeps the items in the order of their real popularity.",
        ),
    ]
    if tstr.empty:
        blocks.append(
            skipped(
                "Training on generated customers only",
                "no arm of generated customers alone was evaluated",
            )
        )
    else:
        blocks += [
            figure(
                "tstr-shares",
                drawn["tstr_shares"],
                "A recommender trained on generated customers only, tested on real ones: 100 % "
                "means that nothing was lost.",
            ),
            table(tstr_table(tstr, limit)),
        ]
    if fidelity.empty:
        blocks.append(skipped("Fidelity measures", "no customer was generated"))
    else:
        blocks.append(
            table(tabulate_all(fidelity, "Fidelity measures", limit, {"statistic": spelled}))
        )
    return Section("fidelity", "Do generated customers look real?", tuple(blocks))


def tstr_table(tstr: pd.DataFrame, limit: int) -> Table:
    """Training on generated customers only, in numbers."""
    return tabulate(
        _ordered(tstr),
        "Trained on generated customers only, tested on real ones",
        [
            Column(Columns.SLICE, "customers", slice_label, False),
            Column(Columns.RECOMMENDER, "recommender", recommender_label, False),
            Column(Columns.ARM, "trained on", arm_label, False),
            Column("value", "score", score),
            Column("real", "trained on real ones", score),
            Column("share", "share", share),
            Column("low", "from", share),
            Column("high", "to", share),
        ],
        limit,
        grouped=True,
    )


def privacy_section(privacy: pd.DataFrame, limit: int) -> Section:
    """The privacy smoke test and what it cannot show."""
    blocks: list[Block] = [{"kind": "caveat", "text": PRIVACY_CAVEAT}]
    if privacy.empty:
        blocks.append(skipped("Privacy smoke test", "no customer was generated"))
    else:
        blocks.append(
            table(tabulate_all(privacy, "Privacy smoke test", limit, {"statistic": spelled}))
        )
    return Section("privacy", "Privacy smoke test", tuple(blocks))


def training_section(monitors: Mapping[str, pd.DataFrame], drawn: go.Figure, limit: int) -> Section:
    """Training curves of the generator and its control, and the monitors."""
    blocks = [
        figure(
            "training-curves",
            drawn,
            "The generator with its critic (solid) and without (dashed, the control). The kept "
            "model is that of the best validation figure, not of the lowest loss.",
        )
    ]
    for name, found in monitors.items():
        blocks += [{"kind": "caveat", "text": words} for words in alarms(name, found)]
        blocks.append(
            table(tabulate_all(found, f"Monitors: {name}", limit))
            if len(found)
            else skipped(f"Monitors: {name}", "training recorded none")
        )
    return Section("training", "Training", tuple(blocks))


def alarms(name: str, monitors: pd.DataFrame) -> list[str]:
    """What the monitors of a training warn of, one sentence each.

    Args:
        name: Whose training.
        monitors: monitor, status (``ok`` or another word), value, limit, advice.
    """
    raised = monitors[monitors["status"] == "warning"] if len(monitors) else monitors
    return [
        f"{name}, {row['monitor']}: {number(row['value'])} (limit: {number(row['limit'])}). "
        f"{row['advice']}"
        for row in raised.to_dict("records")
    ]


def data_section(
    source: Mapping[str, Any],
    split: Mapping[str, Any],
    cleaning: pd.DataFrame,
    drawn: go.Figure,
    limit: int,
) -> Section:
    """Where the data come from, what cleaning took out, and how they were split."""
    about = [str(source["description"])] if source.get("description") else []
    about += [f"Licence: {source['licence']}."] if source.get("licence") else []
    read = pd.DataFrame(source.get("files", [])).drop(columns="path", errors="ignore")
    blocks = [paragraph(words) for words in about]
    blocks.append(
        table(
            tabulate_mapping(
                {**source.get("tables", {}), **_prefixed(source.get("interactions", {}))},
                "Rows read",
                limit,
                "table",
            )
        )
    )
    if len(read):
        blocks.append(details("Files", [table(tabulate_all(read, "Files", limit))]))
    blocks += [
        {"kind": "heading", "text": "Cleaning"},
        figure("cleaning-waterfall", drawn, "Every row taken out is kept in the quarantine."),
        table(
            tabulate_all(
                cleaning, "Rules of cleaning", limit, {"share": share, "description": text}
            )
        ),
        {"kind": "heading", "text": "Split"},
        table(tabulate_mapping(_spelled(split), "Training, validation and test", limit)),
    ]
    return Section("data", "Data, cleaning and split", tuple(blocks))


def skipped_section(
    source: Mapping[str, Any], split: Mapping[str, Any], sections: Sequence[Section]
) -> Section:
    """Everything this run went without, in one place.

    Args:
        source: As ingestion writes it; ``skipped`` lists absent tables.
        split: As the split writes it; ``cases_without_users`` lists absent groups of customers.
        sections: The other sections, for what they say was skipped.
    """
    entries = [
        f"No {entry['table']} in the source: without {entry['disables']}."
        for entry in source.get("skipped", [])
    ]
    entries += [
        f"{slice_label(name)}: skipped in {part} because no customer has enough purchases."
        for part, names in split.get("cases_without_users", {}).items()
        for name in names
    ]
    entries += [
        block["text"]
        for section in sections
        for block in section.blocks
        if block["kind"] == "skipped"
    ]
    blocks: tuple[Block, ...] = (
        ({"kind": "list", "entries": entries},)
        if entries
        else (paragraph("Nothing: every part of the run was carried out."),)
    )
    return Section("skipped", "What was skipped, and why", blocks)


def reading_section() -> Section:
    """How to read the report."""
    signals = [(f"{signal.shape} {signal.word}", words) for signal, words in MEANINGS.items()]
    return Section(
        "reading",
        "How to read this report",
        ({"kind": "terms", "terms": [*signals, *HOW_TO_READ.items()]},),
    )


def run_section(run: Mapping[str, Any], parameters: Mapping[str, Any], limit: int) -> Section:
    """What is needed to make the same run again: commit, versions, parameters, seeds."""
    return Section(
        "run",
        "This run",
        (
            table(tabulate_mapping(run, "Code and machine", limit)),
            details(
                "All parameters and seeds",
                [table(tabulate_mapping(parameters, "Parameters", max(limit, 2_000), "parameter"))],
            ),
        ),
    )


def render(story: Story, meta: str, caveat: str, source: str, sections: Sequence[Section]) -> str:
    """Lay the report out as one file that loads nothing.

    Args:
        story: The verdict in words.
        meta: One line on the data and the run.
        caveat: What a reader must know before quoting a figure; may be empty.
        source: Name of the source.
        sections: The rest, in order.

    Returns:
        A whole HTML document. Its content security policy lets no script run but the two it
        carries, by their digests, and lets nothing be loaded.
    """
    environment = _environment()
    plotly = Markup(_plotly())  # noqa: S704
    loader = environment.loader
    draw = Markup(loader.get_source(environment, "draw.js")[0]) if loader else ""  # noqa: S704
    return environment.get_template("report.html.j2").render(
        story=story,
        meta=meta,
        caveat=caveat,
        source=source,
        sections=sections,
        version=__version__,
        plotly=plotly,
        draw=draw,
        policy=security_policy([plotly, draw]),
    )


def security_policy(scripts: Iterable[str]) -> str:
    """A content security policy that allows only the given inline scripts, and no loading."""
    digests = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts
    ]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


@lru_cache(maxsize=1)
def _plotly() -> str:
    return (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("doppelcart.pipelines.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _prefixed(interactions: Mapping[str, Any]) -> dict[str, Any]:
    return {f"interactions: {name}": value for name, value in interactions.items()}


def _spelled(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested names as words: ``case_users.test.warm`` becomes ``case users, test, warm``."""
    return {
        name.replace("_", " ").replace(".", ", "): value
        for name, value in flatten(values).items()
        if value != []
    }


def _other(metrics: pd.DataFrame, metric: str) -> list[Table]:
    names = [name for name in metrics["metric"].unique() if name != metric]
    return [score_table(metrics[metrics["metric"] == name], name, 1_000) for name in names]


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    orders = {
        Columns.SLICE: slice_order,
        Columns.RECOMMENDER: recommender_order,
        Columns.ARM: arm_order,
    }
    keys = [name for name in orders if name in frame]
    ranks = pd.DataFrame(
        {
            name: frame[name].map({value: n for n, value in enumerate(orders[name](frame[name]))})
            for name in keys
        },
        index=frame.index,
    )
    return frame.loc[ranks.sort_values(keys, kind="stable").index]
