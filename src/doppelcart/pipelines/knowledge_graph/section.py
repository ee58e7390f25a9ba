"""The section on the knowledge graph."""

from typing import Any, Final

import pandas as pd

from doppelcart.catalogue.triples import RELATION
from doppelcart.experiment.design import Design
from doppelcart.pipelines.knowledge_graph.design import TASK
from doppelcart.pipelines.knowledge_graph.links import ALL, LOOKUP
from doppelcart.pipelines.knowledge_graph.neighbourhood import draw_neighbourhood
from doppelcart.reporting.blocks import details, figure, heading, paragraph, table
from doppelcart.reporting.experiments import blocks_of, evidence_of
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Capability, Claim, Section
from doppelcart.reporting.tables import (
    Column,
    Table,
    count,
    number,
    score,
    share,
    tabulate,
    tabulate_all,
    text,
)

CAPABILITY: Final = Capability(
    name="knowledge_graph",
    rank=47,
    title="A knowledge graph",
    question="What does a graph of items, attributes, coupons and baskets know, and does it help "
    "to recommend?",
    claims=(
        Claim(
            name="knowledge",
            text="A knowledge graph makes recommendations better, of new items above all.",
            source="Wang, He, Cao, Liu and Chua 2019, KGAT: knowledge graph attention network for "
            "recommendation (arXiv 1905.07854)",
        ),
    ),
    command="kedro run --pipelines items,knowledge_graph",
)

FLATTERING: Final = (
    "The mean over all relations is flattering: where a manufacturer has one brand, a lookup is "
    "right each time, and vectors that are right as well know nothing more."
)


@CAPABILITY.written_by
def write_section(
    verdict: pd.DataFrame,
    differences: pd.DataFrame,
    declared: dict[str, Any],
    links: pd.DataFrame,
    sizes: pd.DataFrame,
    edges: pd.DataFrame,
    tried: pd.DataFrame,
    training_log: pd.DataFrame,
    parameters: ReportingParams,
) -> Section:
    """Lay out what the graph knows, and what it is good for.

    Args:
        verdict: One row per task.
        differences: One row per comparison.
        declared: The design.
        links: One row per relation and model.
        sizes: One row per relation.
        edges: The edge list.
        tried: All configurations that were tried.
        training_log: Of the vectors.
        parameters: Longest table.
    """
    design = Design.model_validate(declared)
    limit = parameters.table_rows
    evidence = evidence_of(verdict, design)
    return CAPABILITY.section(
        f"{verdicts_in_short(verdict)} {links_in_short(links)}",
        [
            paragraph(
                "What the source says of items, coupons and campaigns, and which items lie in one "
                "basket more often than by chance, make a graph. Vectors of it are added to what "
                "recommenders know, beside those of a graph whose tails are shuffled and of none."
            ),
            *blocks_of(verdict, differences, design, limit),
            heading("What the graph knows"),
            paragraph(
                "Held-out facts are asked from either end, and all entities are ranked. Baskets "
                "after the cut are asked of baskets before it. The lookup ranks by what others "
                "have that share one thing with the subject; vectors are worth something where "
                "they beat it."
            ),
            table(links_table(links, limit)),
            figure(
                "knowledge-graph-neighbourhood",
                draw_neighbourhood(edges),
                "One item, and some of what the graph says of it.",
            ),
            details(
                "How large the graph is, what was chosen, and how vectors were learnt",
                [
                    table(sizes_table(sizes, limit)),
                    table(tried_table(tried, limit)),
                    table(tabulate_all(training_log, "Trainings", limit)),
                ],
            ),
        ],
        evidence={"knowledge": evidence} if evidence else {},
        caveats=[
            FLATTERING,
            "Vectors are learnt with one seed, so that verdicts are indicative.",
        ],
    )


def verdicts_in_short(verdict: pd.DataFrame) -> str:
    """What was found of each task, in one sentence."""
    told = [f"of {row[TASK]} {row['verdict']}" for row in verdict.to_dict("records")]
    return f"Whether the graph helps to recommend: {', '.join(told)}."


def links_in_short(links: pd.DataFrame) -> str:
    """On how many relations vectors beat the lookup for certain, in one sentence."""
    single = links[(links["relation"] != ALL) & links["low"].notna()]
    won = single[single["low"] > 0]["relation"].tolist()
    lost = int((single["high"] < 0).sum())
    listed = f": {', '.join(won)}" if won else ""
    return (
        f"Of {len(single)} relations its vectors beat a lookup in {len(won)}{listed}; the lookup "
        f"beats them in {lost}."
    )


def links_table(links: pd.DataFrame, limit: int) -> Table:
    """How well held-out facts are ranked."""
    columns = [
        Column("relation", "relation", text, False),
        Column("model", "by", text, False),
        Column("triples", "facts asked", count),
        Column("mrr", "MRR", score),
        Column("mrr_of_tails", "asked for the tail", score),
        Column("mrr_of_heads", "asked for the head", score),
        Column("hits@1", "first", share),
        Column("hits@3", "among 3", share),
        Column("hits@10", "among 10", share),
        Column("difference", "MRR against the lookup", number),
        Column("low", "from", number),
        Column("high", "to", number),
        Column("looks_up", "what the lookup shares, from head and tail", text, False),
    ]
    rows = links.assign(looks_up=links["looks_up"].where(links["model"] == LOOKUP).fillna(""))
    note = "MRR: mean of one over the rank, what is known to be true left out. 95 % intervals."
    return tabulate(rows, "Held-out facts", columns, limit, note)


def sizes_table(sizes: pd.DataFrame, limit: int) -> Table:
    """The relations."""
    columns = [
        Column(RELATION, "relation", text, False),
        Column("train", "facts to learn from", count),
        Column("validation", "to choose by", count),
        Column("test", "tested", count),
    ]
    return tabulate(sizes, "The graph", columns, limit)


def tried_table(tried: pd.DataFrame, limit: int) -> Table:
    """All that was tried before the cut."""
    columns = [
        Column(TASK, "task", text, False),
        Column("arm", "arm", text, False),
        Column("config", "configuration", text, False),
        Column("ndcg", "NDCG on validation", score),
    ]
    return tabulate(tried, "Configurations", columns, limit)
