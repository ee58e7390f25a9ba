"""The section on fake profiles: who finds them, what they do, whom to look at."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from doppelcart.experiment.design import Design
from doppelcart.pipelines.shilling import attack_design as plan
from doppelcart.pipelines.shilling.attacks import AOP, COPIES, MIMICRY, TWINS
from doppelcart.pipelines.shilling.fake_detectors import PCA
from doppelcart.pipelines.shilling.params import (
    AttackParams,
    GeneratorParams,
    ListParams,
    RatingSource,
)
from doppelcart.reporting.blocks import Block, details, heading, paragraph, skipped, table
from doppelcart.reporting.experiments import answer_of, blocks_of, evidence_of
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Capability, Claim, Section
from doppelcart.reporting.tables import (
    Column,
    Table,
    count,
    counts_table,
    number,
    score,
    share,
    tabulate,
    text,
)

HARD_EXAMPLES: Final = "hard_examples"
CAPABILITY: Final = Capability(
    name="shilling",
    rank=66,
    title="Fake profiles",
    question="Can profiles that were made up to push an item be found, and do generated ones teach "
    "a detector to find kinds that it has never seen?",
    claims=(
        Claim(
            name=HARD_EXAMPLES,
            text="Profiles made by a GAN teach a detector to find fake profiles of kinds that it "
            "has never seen.",
            source="Wang, Gao, Yu, Guo, Liang and Xu 2022 (Applied Soft Computing 117): generated "
            "malicious users where few are labelled",
        ),
    ),
    command="kedro run --pipelines shilling",
    fakes="shilling.generator.generate_fakes",
)
WARNED: Final = {
    TWINS: "copies of users who are in the data: not to be trusted",
    plan.GAN: "profiles of the GAN that taught the detector: not to be trusted",
}


@CAPABILITY.written_by
def write_section(
    verdict: pd.DataFrame,
    differences: pd.DataFrame,
    declared: dict[str, Any],
    counts: pd.DataFrame,
    means: pd.DataFrame,
    sizes: pd.DataFrame,
    harm: pd.DataFrame,
    lost: pd.DataFrame,
    suspects: pd.DataFrame,
    unlike: pd.DataFrame,
    source: RatingSource,
    attacks: AttackParams,
    listing: ListParams,
    making: GeneratorParams,
    parameters: ReportingParams,
) -> Section:
    """Lay out what is known of fake profiles.

    Args:
        verdict: One row per kind of attack.
        differences: One row per comparison.
        declared: The design.
        counts: What was counted while reading.
        means: One row per kind and arm.
        sizes: One row per kind, arm and size of the attack.
        harm: One row per harmed attack, recommender and state.
        lost: One row per draw and recommender.
        suspects: Users, the most suspicious first.
        unlike: One row per draw and generator.
        source: Where the data are from.
        attacks: What was tried.
        listing: Length of the list.
        making: Whether profiles were generated.
        parameters: Longest table.
    """
    design, limit = Design.model_validate(declared), parameters.table_rows
    evidence = evidence_of(verdict, design)
    implicit = source.scale is None
    return CAPABILITY.section(
        f"{_found(means, attacks)} Do generated profiles help? "
        f"{answer_of(verdict) if making.generate_fakes else 'Not tried in this run.'}",
        [
            heading("What is found"),
            table(means_table(means, attacks, limit)),
            table(sizes_table(sizes, limit)),
            *_bursts(means, attacks),
            heading("Do generated profiles help?"),
            *_generated(making.generate_fakes, unlike, limit),
            *blocks_of(verdict, differences, design, limit),
            heading("What an attack does"),
            *_harm(harm, limit),
            paragraph(_lost_in_words(lost, attacks)),
            details("What was read", [table(counts_table(counts, "Rows, users and items", limit))]),
        ],
        shown=[
            paragraph(
                "The users that look most like profiles that were made up. For a person to look "
                "at: a place in this list proves nothing, nobody is deleted, and where there was "
                f"no attack somebody still comes first. {ranked_in_words(suspects, counts)} "
                f"{_precision(means, attacks)}"
            ),
            table(suspects_table(suspects, listing, limit), inside=True),
        ],
        caveats=_caveats(source, implicit=implicit),
        evidence={HARD_EXAMPLES: evidence} if evidence else {},
        metrics=_metrics(means),
        glossary=GLOSSARY,
        data=source.name,
    )


GLOSSARY: Final = {
    "AUC of fake profiles": "the chance that a fake profile is ranked above a genuine user: 0.5 is "
    "guessing, 1 is certainty",
    "F1@k": "of as many top suspects as there are fakes, the share that are fakes",
    "mimicry": "a fake profile that is a real user's of elsewhere, but for some of the items and "
    "the one that is pushed",
}


def ranked_in_words(suspects: pd.DataFrame, counts: pd.DataFrame) -> str:
    """How many of the users have a place in the list, and what to do about the others.

    Args:
        suspects: All users that were ranked.
        counts: What was counted while reading.
    """
    users = counts[counts["what"].str.startswith("users of fewer than")].iloc[0]
    left = users["of"] - len(suspects)
    if left <= 0:
        return f"All {users['of']:,} users were ranked."
    return (
        f"{len(suspects):,} of {users['of']:,} users were ranked. Of the others "
        f"{users['number']:,} have too few items, and {left - users['number']:,} were learnt from "
        "or imitated in every draw, or have none of the drawn items: raise shilling.attacks.draws "
        "or shilling.reading.max_items to rank more."
    )


def _row(means: pd.DataFrame, kind: str, arm: str) -> pd.Series | None:
    rows = means[(means[plan.KIND] == kind) & (means["arm"] == arm)]
    return rows.iloc[0] if len(rows) else None


def _found(means: pd.DataFrame, attacks: AttackParams) -> str:
    told = []
    for kind in (AOP, MIMICRY):
        without, copies = (_row(means, kind, arm) for arm in (plan.NONE, COPIES))
        components = _row(means, kind, PCA)
        if without is None or copies is None or components is None:
            continue
        told.append(
            f"{plan.KINDS[kind]}: AUC {without['auc']:.2f} for a detector that learnt from the "
            f"known kinds, {copies['auc']:.2f} with thinned copies besides, "
            f"{components['auc']:.2f} by principal components"
        )
    return (
        f"Of kinds that no detector had seen, at {_sizes(attacks)} of genuine users: "
        f"{'; '.join(told)}."
    )


def _sizes(attacks: AttackParams) -> str:
    return " and ".join(f"{100 * size:g} %" for size in attacks.sizes)


def _precision(means: pd.DataFrame, attacks: AttackParams) -> str:
    rows = means[(means["arm"] == plan.ALL_PLAIN) & means[plan.KIND].isin(plan.JUDGED)]
    if rows.empty:
        return ""
    low, high = (100 * rows["f1"].agg(end) for end in ("min", "max"))
    least, most = (100 * rows["found"].agg(end) for end in ("min", "max"))
    return (
        "In attacks that were made up, the detector that the list is made by had, by kind, "
        f"{low:.0f} to {high:.0f} fakes in 100 of as many top places as there were fakes. A list "
        f"with {1000 * attacks.false_alarms:.0f} false alarms per 1,000 genuine users held "
        f"{least:.0f} to {most:.0f} of 100 fakes; of 1,000 genuine users with few items, "
        f"{1000 * rows['false_new'].mean():.0f} stood in it."
    )


def _metrics(means: pd.DataFrame) -> dict[str, float]:
    found = {}
    for kind in (AOP, MIMICRY):
        for arm in (plan.NONE, COPIES, plan.GAN):
            row = _row(means, kind, arm)
            if row is not None:
                found[f"{kind}_{arm}_auc"] = float(row["auc"])
    return found


def _generated(generate_fakes: bool, unlike: pd.DataFrame, limit: int) -> list[Block]:
    if not generate_fakes:
        return [
            skipped(
                "Profiles of the GAN, and of the same network without a critic",
                "nobody asked for them; kedro run --pipelines shilling --params "
                "shilling.generator.generate_fakes=true trains the generators",
            )
        ]
    return [
        paragraph(
            "Generators of profiles were trained, since shilling.generator.generate_fakes says so. "
            "Every profile that they made has an id that begins with gen-, stayed in the run and "
            "was saved nowhere."
        ),
        table(unlike_table(unlike, limit)),
    ]


def unlike_table(unlike: pd.DataFrame, limit: int) -> Table:
    """How far generated histories lie from real ones."""
    means = unlike.groupby("arm", sort=False)["unlike"].mean().reset_index()
    names = {
        **plan.PHRASES,
        plan.OTHER_FAMILY: "profiles of the VAE, for judging only",
        plan.GANMF: "profiles of GANMF, for judging only",
    }
    columns = [
        Column("arm", "made by", lambda arm: names[arm], False),
        Column("unlike", "distance from real users", score),
    ]
    note = "Of lengths and of the popularity of items, in spreads of the real ones; less is better."
    return tabulate(means, "How like real users generated ones are", columns, limit, note)


def means_table(means: pd.DataFrame, attacks: AttackParams, limit: int) -> Table:
    """Every arm on every kind of attack."""
    rows = means.assign(
        place=[WARNED.get(kind, plan.KINDS.get(kind, "")) for kind in means[plan.KIND]]
    )
    columns = [
        Column("place", "judged on", text, False),
        Column("arm", "learnt from", plan.learnt_from, False),
        Column("auc", "AUC", score),
        Column("f1", "F1@k", score),
        Column("found", "found", share),
        Column("false_new", "false alarms among new users", share),
        Column("detectors", "chosen", text, False),
        Column("attacks", "attacks", count),
    ]
    note = (
        "The judged kind is left out of what is learnt from, but for the bound and the rows that "
        f"are not to be trusted. Found: at {1000 * attacks.false_alarms:.0f} false alarms per "
        "1,000 genuine users. New users: the quarter of fewest items. The detector was chosen on "
        "attacks to learn from, one kind left out at a time."
    )
    return tabulate(rows, "Fake profiles found", columns, limit, note, grouped=True)


def sizes_table(sizes: pd.DataFrame, limit: int) -> Table:
    """Every arm on the two kinds that are hard to find, by size of the attack."""
    rows = sizes[sizes[plan.KIND].isin([AOP, MIMICRY])].assign(
        place=lambda found: found[plan.KIND].map(plan.KINDS)
    )
    given = sorted(rows[plan.SIZE].unique())
    wide = rows.pivot_table(
        index=["place", "arm"], columns=plan.SIZE, values=["auc", "f1"], sort=False
    )
    named: list[Any] = wide.columns.to_list()
    wide.columns = pd.Index([f"{value} {size:g}" for value, size in named])
    columns = [
        Column("place", "judged on", text, False),
        Column("arm", "learnt from", plan.learnt_from, False),
        *(
            Column(f"{value} {size:g}", f"{label} at {100 * size:g} %", score)
            for size in given
            for value, label in (("auc", "AUC"), ("f1", "F1@k"))
        ),
    ]
    note = "Fake profiles per 100 genuine users. Smaller attacks are of fewer than 5, and left out."
    return tabulate(
        wide.reset_index(), "The same by size of the attack", columns, limit, note, grouped=True
    )


def _bursts(means: pd.DataFrame, attacks: AttackParams) -> list[Block]:
    """What the detector of bursts rests on, or why there is none."""
    rows = means[means["arm"].str.startswith(plan.BURSTS)]
    what = "Bursts of an item's ratings"
    if rows["auc"].isna().all():
        return [
            skipped(
                what,
                "the table has no times, so that when attackers act can be neither said nor seen; "
                "declare `timestamp` under `ratings: table` in conf/<environment>/globals.yml",
            )
        ]
    return [
        paragraph(
            f"{what} are seen by what the users of an item do together, not by profiles: how many "
            "give it their highest rating within "
            f"{', '.join(f'{days:g}' for days in attacks.burst_days)} days of each other, against "
            "how many are to be expected. Attackers have the times of real users of elsewhere, "
            "moved by whole days until they rate the target within the days that they take. That "
            "they hurry is an assumption: spread over the whole span, nothing is seen."
        )
    ]


def _harm(harm: pd.DataFrame, limit: int) -> list[Block]:
    if harm.empty:
        return [skipped("Rank and hit rate of the pushed item", "no attack was looked at")]
    rows = harm.groupby([plan.KIND, "recommender", "state"], sort=False)[["hit_rate", "rank"]]
    found = rows.mean().reset_index()
    columns = [
        Column(plan.KIND, "attack", lambda kind: plan.KINDS[kind], False),
        Column("recommender", "recommender", text, False),
        Column("state", "when", text, False),
        Column("hit_rate", "users who are shown the item", share),
        Column("rank", "its rank", number),
    ]
    note = (
        "Users without the item who have it in their list of ten, and its median rank, mean over "
        "attacks. Removed is who stands in the list, with its false alarms."
    )
    return [table(tabulate(found, "The pushed item", columns, limit, note, grouped=True))]


def _lost_in_words(lost: pd.DataFrame, attacks: AttackParams) -> str:
    means = lost.groupby("recommender", sort=False)[["ndcg_before", "ndcg_after"]].mean()
    told = "; ".join(
        f"{name} {row['ndcg_before']:.4f} before, {row['ndcg_after']:.4f} after"
        for name, row in means.iterrows()
    )
    return (
        "What false alarms would cost if the list were obeyed without a look "
        f"({1000 * attacks.false_alarms:.0f} of 1,000 genuine users left out of training, and "
        f"shown best sellers): NDCG@10 of all genuine users, {told}."
    )


def suspects_table(suspects: pd.DataFrame, listing: ListParams, limit: int) -> Table:
    """Whom to look at."""
    columns = [
        Column("place", "place", count),
        Column("user_id", "user", text, False),
        Column("suspicion", "rank among users", share),
        Column("items", "items", count),
        Column("odd_item", "item to look at", text, False),
    ]
    if listing.flag_fakes:
        columns.append(Column("flag", "flag", text, False))
    note = (
        "The item to look at is the one whose buyers or raters have least in common: what such a "
        "profile would push. The whole list is saved as shilling_suspects.csv."
    )
    top = suspects.head(listing.listed)
    return tabulate(top, "To be looked at by a person", columns, limit, note)


def _caveats(source: RatingSource, *, implicit: bool) -> list[str]:
    return [
        (
            f"Measured on {source.name} ({source.licence or 'licence not stated'}) with attacks "
            "that were made up and put in: what real spammers do is another matter, and detectors "
            "that learnt from made-up attacks have hardly found real ones where that was tried."
        ),
        (
            "There are purchases and no ratings: the eight attributes of ratings are undefined, "
            "and detectors go by popularity, overlap, length and company alone."
            if implicit
            else ""
        ),
        "Intervals are over the items that are pushed; one training per draw: indicative.",
        (
            "The attribute of company, and the mean rank of PCA and a random forest, were added "
            "after a look at mimicry on MovieLens: there, what they bring is a find, not a test."
        ),
    ]
