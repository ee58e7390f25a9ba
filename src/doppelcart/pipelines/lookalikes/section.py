"""The section on look-alikes: is it the product that it is sold as, do fakes teach to tell?"""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from doppelcart.experiment.design import Design
from doppelcart.imaging.photographs import PhotographSource
from doppelcart.pipelines.lookalikes import lookalike_trials as trials
from doppelcart.pipelines.lookalikes.params import (
    DetectorParams,
    LookalikeListParams,
    PainterParams,
)
from doppelcart.pipelines.lookalikes.picture_sorting import KINDS, REJECTED, SUSPECT, WORDS
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
    yes_no,
)

FAKES_TEACH: Final = "fakes_teach"
GAN_TEACHES: Final = "gan_teaches_lookalikes"
CAPABILITY: Final = Capability(
    name="lookalikes",
    rank=68,
    title="Look-alikes",
    question="Is a photograph the product that it is sold as, and do fakes made of photographs "
    "teach a detector to tell?",
    claims=(
        Claim(
            name=FAKES_TEACH,
            text="Fakes made by cutting and pasting teach a detector to find products that only "
            "look like the one they are sold as.",
            source="Li, Sohn, Yoon and Pfister 2021, CutPaste (CVPR): for defects of one thing",
        ),
        Claim(
            name=GAN_TEACHES,
            text="Pictures that a GAN makes of products teach a detector to find what only looks "
            "like them (tried only where lookalikes.generator.generate_fakes=true asks for it).",
            source="Akcay, Atapour-Abarghouei and Breckon 2018, GANomaly (ACCV)",
        ),
    ),
    command="kedro run --pipelines lookalikes",
    fakes="lookalikes.generator.generate_fakes",
)
GLOSSARY: Final = {
    "AUROC": "the chance that a genuine photograph is ranked above one of a look-alike; .5 is "
    "guessing, 1 is certainty",
    "sibling": "another product of the same category, such as another kind of apple",
    "patch": "a part of a picture, as a middle layer of EfficientNet-Lite0 sees it",
}


@CAPABILITY.written_by
def write_section(
    verdict: pd.DataFrame,
    differences: pd.DataFrame,
    declared: dict[str, Any],
    counts: pd.DataFrame,
    quarantine: pd.DataFrame,
    means: pd.DataFrame,
    plain: pd.DataFrame,
    products: pd.DataFrame,
    rates: pd.DataFrame,
    alarms: pd.DataFrame,
    suspects: pd.DataFrame,
    unable: pd.DataFrame,
    source: PhotographSource,
    detectors: DetectorParams,
    listing: LookalikeListParams,
    making: PainterParams,
    parameters: ReportingParams,
) -> Section:
    """Lay out what is known of look-alikes.

    Args:
        verdict: One row per kind of judgement and arm on trial.
        differences: One row per comparison.
        declared: The design.
        counts: What was counted while reading.
        quarantine: Pictures that cannot be used.
        means: One row per kind of judgement and arm.
        plain: One row per detector without anything added.
        products: One row per product, the hardest first.
        rates: One row per kind of picture.
        alarms: One row per category.
        suspects: Photographs, the most suspicious first.
        unable: Products whose photographs, or counterfeits, cannot be judged.
        source: Where the photographs are from.
        detectors: How many genuine photographs may be suspected.
        listing: Length of the list.
        making: Whether pictures were generated.
        parameters: Longest table.
    """
    design, limit = Design.model_validate(declared), parameters.table_rows
    evidence = evidence_of(verdict, design)
    claim = GAN_TEACHES if making.generate_fakes else FAKES_TEACH
    return CAPABILITY.section(
        f"{_measured(means)} {_told(plain)} Do fakes help? {answer_of(verdict)}",
        [
            heading("Without anything added"),
            table(plain_table(plain, limit)),
            heading("With fakes"),
            *_generated(making),
            table(means_table(means, limit)),
            *blocks_of(verdict, differences, design, limit),
            heading("What is said of a photograph"),
            paragraph(words_explained(detectors)),
            table(rates_table(rates, limit)),
            details(
                "By category and product",
                [table(alarms_table(alarms, limit)), table(products_table(products, limit))],
            ),
            details(
                "What was read",
                [
                    table(counts_table(counts, "Pictures", limit)),
                    table(quarantine_table(quarantine, limit)),
                ],
            ),
        ],
        shown=[
            paragraph(
                "Photographs that look least like what they are sold as, for a person to look at. "
                "A place in this list proves nothing, and nothing is deleted. "
                f"{alarm_in_words(rates)}"
            ),
            table(suspects_table(suspects, listing, limit), inside=True),
            *unable_blocks(unable, limit),
        ],
        caveats=_caveats(source, making),
        evidence={claim: evidence} if evidence else {},
        metrics=_metrics(means, plain),
        glossary={"found": found_in_words(detectors), **GLOSSARY},
        data=source.name,
    )


def _measured(means: pd.DataFrame) -> str:
    if (means[trials.KIND] == trials.COUNTERFEITS).any():
        return "Counterfeits are those of the folder that was given."
    return (
        "No counterfeit was measured: look-alikes are real photographs of other products of the "
        "same category."
    )


def _told(plain: pd.DataFrame) -> str:
    rows = plain.to_dict("records")
    best = next(row for row in rows if row["chosen"])
    colours = next(row for row in rows if row["more"] == 0)
    return (
        f"Over {best['products']} products the detector that validation chose "
        f"({best['detector']}) has a mean AUROC of {best[trials.AUROC]:.2f}, the best by colours "
        f"{colours[trials.AUROC]:.2f} (difference {best['more']:.2f}, {best['more_low']:.2f} to "
        f"{best['more_high']:.2f})."
    )


def alarm_in_words(rates: pd.DataFrame) -> str:
    """How often genuine photographs are suspected, and how precise the list is.

    Args:
        rates: One row per kind of picture.
    """
    by_kind = {row["kind"]: row for row in rates.to_dict("records")}
    genuine = by_kind["genuine"]
    alarms, found = 1000 * genuine[SUSPECT], 100 * by_kind[trials.SIBLINGS][SUSPECT]
    places = int(genuine["places"])
    right, low, high = (
        f"{places * genuine[name]:.0f}" for name in ("precision", "precision_low", "precision_high")
    )
    return (
        f"Of 1,000 genuine photographs {alarms:.0f} were suspected, of 100 of siblings "
        f"{found:.0f}. In made-up markets where {100 * genuine['sold_falsely']:.0f} of 100 "
        f"photographs are of siblings, {right} of the first {places} in the list are "
        f"({low} to {high})."
    )


def found_in_words(detectors: DetectorParams) -> str:
    """What "found" means, at the share of genuine photographs that may be suspected.

    Args:
        detectors: That share.
    """
    return (
        f"share of look-alikes that are suspected where {100 * detectors.false_alarms:g} % of "
        "genuine photographs are"
    )


def words_explained(detectors: DetectorParams) -> str:
    """When which word is said of a photograph.

    Args:
        detectors: The share of genuine photographs that may be suspected.
    """
    alarms = f"{100 * detectors.false_alarms:g} %"
    return (
        f"A photograph that is nearer to other categories than all but {100 * REJECTED:g} % of "
        "genuine validation photographs, or that shows nothing, is none of its category, which is "
        f"no suspicion of fraud. Below the score of all but {alarms} of genuine validation "
        f"photographs it may be another product; from a score that {alarms} of siblings there "
        "reach it is taken for the product; between the two a person decides. A product without "
        "genuine photographs cannot be judged, nor can a counterfeit of one."
    )


def _generated(making: PainterParams) -> list[Block]:
    if not making.generate_fakes:
        return [
            skipped(
                "Pictures of the GAN, of its network without a critic, and the critic's opinion",
                "they were not tried: generators run only if you say so; kedro run --pipelines "
                "lookalikes --params lookalikes.generator.generate_fakes=true trains them",
            )
        ]
    return [
        paragraph(
            "Generators of pictures were trained, since lookalikes.generator.generate_fakes says "
            f"so: pictures of {making.image_size} pixels a side, enlarged. They stayed in the run "
            "and were saved nowhere."
        )
    ]


def _caveats(source: PhotographSource, making: PainterParams) -> list[str]:
    return [
        (
            f"Measured on {source.name} ({source.licence or 'licence not stated'}). Siblings are "
            "chosen by shops, counterfeits by who copies: one says little of the other."
        ),
        "Intervals are over products; products of one category share their look-alikes.",
        "One seed: indicative.",
        *(
            ["Generated pictures are small and enlarged: that they are blurred tells them apart."]
            if making.generate_fakes
            else []
        ),
        (
            "That detectors look at 192 pixels, that their coordinates are 128, and which families "
            "are tried, was settled on validation photographs; there, siblings choose."
        ),
    ]


def _metrics(means: pd.DataFrame, plain: pd.DataFrame) -> dict[str, float]:
    siblings = means[means[trials.KIND] == trials.SIBLINGS]
    found = {f"{row['arm']}_auroc": float(row[trials.AUROC]) for row in siblings.to_dict("records")}
    return found | {"more_than_colours": float(plain.loc[plain["chosen"], "more"].iloc[0])}


def plain_table(plain: pd.DataFrame, limit: int) -> Table:
    """Detectors without anything added."""
    columns = [
        Column("detector", "detector", text, False),
        Column(trials.AUROC, "mean AUROC", score),
        Column("low", "from", score),
        Column("high", "to", score),
        Column("more", "more than by colours", score),
        Column("more_low", "from", score),
        Column("more_high", "to", score),
        Column(trials.FOUND, "found", share),
        Column("validation", "in validation", score),
        Column("chosen", "chosen", yes_no, False),
    ]
    note = (
        "Siblings against genuine photographs, in test. From and to: 95 %, over products. Each "
        "with the penalty that validation chose."
    )
    return tabulate(plain, "Siblings told from the product", columns, limit, note)


def means_table(means: pd.DataFrame, limit: int) -> Table:
    """Every arm on every kind of judgement."""
    names = {**trials.JUDGED, trials.OWN: trials.WARNED}
    rows = means.assign(place=[names[kind] for kind in means[trials.KIND]])
    columns = [
        Column("place", "judged on", text, False),
        Column("arm", "learnt from", lambda arm: trials.PHRASES[arm], False),
        Column(trials.AUROC, "mean AUROC", score),
        Column(trials.FOUND, "found", share),
        Column("used", "AUROC if it had to be used", score),
        Column("detector", "chosen", text, False),
        Column("share", "weight of what is added", number),
        Column("validation", "in validation", score),
        Column("products", "products", count),
    ]
    note = (
        "Each arm chose its detector, and whether what it is given is used, by siblings in "
        "validation."
    )
    return tabulate(rows, "Look-alikes found", columns, limit, note, grouped=True)


def rates_table(rates: pd.DataFrame, limit: int) -> Table:
    """What is said of pictures, by kind."""
    columns = [
        Column("kind", "pictures", lambda kind: KINDS[kind], False),
        *(Column(word, word, share) for word in WORDS),
        Column("right", "right, of those decided", share),
        Column("pictures", "number", count),
    ]
    return tabulate(rates, "What is said of test photographs", columns, limit)


def alarms_table(alarms: pd.DataFrame, limit: int) -> Table:
    """False alarms by category."""
    columns = [
        Column("group", "category", text, False),
        Column("alarms", "false alarms per 1,000", number),
        Column("found", "siblings found of 100", number),
        Column("genuine", "genuine photographs", count),
    ]
    return tabulate(alarms, "False alarms by category", columns, limit)


def products_table(products: pd.DataFrame, limit: int) -> Table:
    """How well each product is told."""
    columns = [
        Column("product", "product", text, False),
        Column("group", "category", text, False),
        Column(trials.AUROC, "AUROC", score),
        Column(trials.FOUND, "found", share),
        Column("learnt", "learnt from", count),
        Column("genuine", "genuine", count),
        Column("siblings", "siblings", count),
    ]
    return tabulate(products, "Products, the hardest first", columns, limit)


def suspects_table(suspects: pd.DataFrame, listing: LookalikeListParams, limit: int) -> Table:
    """What to look at."""
    columns = [
        Column("place", "place", count),
        Column("picture_id", "photograph", text, False),
        Column("sold_as", "sold as", text, False),
        Column("group", "category", text, False),
        Column("score", "score", number),
        Column("said", "what is said", text, False),
    ]
    if listing.flag_fakes:
        columns.append(Column("flag", "flag", text, False))
    note = (
        "Scores are in deviations of photographs of other categories. The whole list is saved as "
        "lookalikes_suspects.csv."
    )
    top = suspects.head(listing.listed)
    return tabulate(top, "To be looked at by a person", columns, limit, note)


def quarantine_table(quarantine: pd.DataFrame, limit: int) -> Table:
    """Pictures that cannot be used."""
    columns = [
        Column("picture_id", "picture", text, False),
        Column("product", "product", text, False),
        Column("reason", "reason", text, False),
        Column("number", "number", text, False),
        Column("remedy", "what to do", text, False),
    ]
    return tabulate(quarantine, "Pictures left out", columns, limit)


def unable_blocks(unable: pd.DataFrame, limit: int) -> list[Block]:
    """What nobody can judge, and why.

    Args:
        unable: One row per product whose photographs, or counterfeits, cannot be judged.
        limit: Longest table (rows).
    """
    if unable.empty:
        return [paragraph("Every product has genuine photographs to learn from.")]
    columns = [
        Column("product", "product", text, False),
        Column("what", "of it", text, False),
        Column("said", "what is said", text, False),
        Column("pictures", "pictures asked about", count),
        Column("photographs", "photographs to learn from", count),
        Column("why", "why", text, False),
    ]
    note = (
        "That nothing can be said is no sign that a picture is genuine. Each picture stands at the "
        "end of lookalikes_suspects.csv, with the reason."
    )
    return [table(tabulate(unable, "Cannot judge", columns, limit, note))]
