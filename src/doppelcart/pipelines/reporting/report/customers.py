"""Sections on the generated customers: fidelity, privacy, and the training behind them."""

from collections.abc import Mapping
from typing import Final

import pandas as pd
from plotly import graph_objects as go

from doppelcart.columns import Columns
from doppelcart.pipelines.reporting.labels import (
    arm_label,
    recommender_label,
    slice_label,
)
from doppelcart.pipelines.reporting.report.blocks import (
    Block,
    Section,
    figure,
    ordered,
    paragraph,
    skipped,
    table,
)
from doppelcart.pipelines.reporting.tables import (
    Column,
    Table,
    alike,
    count,
    number,
    score,
    share,
    spelled,
    tabulate,
    tabulate_all,
)

PRIVACY_CAVEAT: Final = (
    "This is a smoke test, not an audit. Being far from every real record does not show that "
    "nobody can be recognised: leaks are known that such distances miss. Before generated data "
    "leaves the company, run a membership inference audit."
)


def fidelity_section(
    fidelity: pd.DataFrame,
    tstr: pd.DataFrame,
    agreement: pd.DataFrame,
    drawn: Mapping[str, go.Figure],
    limit: int,
) -> Section:
    """How well generated customers resemble real ones.

    Args:
        fidelity: As augmentation writes it.
        tstr: recommender, slice, arm, value, real, share, low, high.
        agreement: slice, level, arm, tau, low, high, ranked, n_users.
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
    if len(agreement):
        blocks.append(table(agreement_table(agreement, limit)))
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
        ordered(tstr),
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


def agreement_table(agreement: pd.DataFrame, limit: int) -> Table:
    """Agreement of rankings by training on generated and on real customers, in numbers."""
    return tabulate(
        ordered(agreement),
        "Would generated customers choose the same recommender?",
        [
            Column(Columns.SLICE, "customers", slice_label, False),
            Column(Columns.ARM, "trained on", arm_label, False),
            Column("level", "ranked", spelled, False),
            Column("ranked", "number", count),
            Column("tau", "tau", alike(agreement["tau"])),
            Column("low", "from", alike(agreement["low"])),
            Column("high", "to", alike(agreement["high"])),
        ],
        limit,
        "Kendall's tau-b between the rankings by training on real customers and on these: 1 is the "
        "same order, 0 no relation. Recommenders are ranked on test customers, all their "
        "configurations on validation customers. From and to: 95 % interval by bootstrap over "
        "customers. Two halves of the real customers show what chance leaves of a ranking. They "
        "are half as many, so that to reach them is no proof.",
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
