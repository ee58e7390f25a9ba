"""From two models to a decision and the section that tells it."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.experiment.comparison import compare
from doppelcart.experiment.design import Design
from doppelcart.experiment.verdict import judge
from doppelcart.pipelines.champion import nodes
from doppelcart.pipelines.champion.params import ChampionParams
from doppelcart.pipelines.champion.section import write_section
from doppelcart.recommendation.exporting import export
from doppelcart.recommendation.listing import System
from doppelcart.recommendation.protocol import EvaluationParams
from doppelcart.reporting.params import ReportingParams
from doppelcart.serving.contest import Entrant
from doppelcart.serving.model import Catalogue
from doppelcart.serving.release import Version

ITEMS = np.array([f"i{number:02d}" for number in range(20)])
NOBODY = pd.DataFrame({"user_id": []})
PARAMS = ChampionParams(k=5, n_bootstrap=2000)


def shop(n: int, seed: int) -> tuple[Histories, dict[str, Case]]:
    """Customers of one of two tastes; one of their three items is known, two are bought next."""
    rng = np.random.default_rng(seed)
    bought = [rng.choice(10, 3, replace=False) + 10 * rng.integers(0, 2) for _ in range(n)]
    names = np.array([f"u{number:04d}" for number in range(n)])
    known, bought_next = (
        Histories.from_lists([items[part] for items in bought], names, ITEMS)
        for part in (slice(0, 1), slice(1, 3))
    )
    return Histories.from_lists(bought, names, ITEMS), {
        "cold_1": Case("cold_1", known, bought_next)
    }


def entrant(version: str, recommender: str, train: Histories) -> Entrant:
    system = System(
        recommender=recommender, arm="none", level=0.0, config="{}", group="cold_1", promoted=False
    )
    catalogue = Catalogue(ITEMS.tolist(), ITEMS.tolist(), {})
    model = export({"cold_1": (system, "")}, train, {}, catalogue, {}, n_judged=train.n_users)
    since = datetime(2031, 1, 1, tzinfo=UTC)
    named = Version(version=version, path=version, digest=version * 64, since=since)
    return Entrant(named, model, 1000)


@pytest.mark.parametrize(
    ("champion", "candidate", "outcome", "light"),
    [
        ("popularity", "itemknn", "better", "green"),
        ("itemknn", "popularity", "harms", "red"),
        ("itemknn", "itemknn", "not better", "amber"),
    ],
)
def test_the_better_one_serves_and_the_section_says_so(
    champion: str, candidate: str, outcome: str, light: str
) -> None:
    train, _ = shop(300, 0)
    _, cases = shop(150, 1)
    entrants = entrant("b", candidate, train), entrant("a", champion, train)
    scores, declared = nodes.score_entrants(
        *entrants, train, {}, NOBODY, cases, EvaluationParams(grids={"popularity": {}}), PARAMS
    )
    design = Design.model_validate(declared)
    differences = compare(scores, design)
    costs = nodes.measure_costs(*entrants, cases)
    assert set(costs) == {"champion", "candidate"}
    decision = nodes.decide(
        *entrants, differences, declared, costs, {"promoted": [], "refused": []}, PARAMS
    )
    assert decision.outcome == outcome
    assert decision.metric == "ndcg@5"
    section = write_section(
        decision, judge(differences, design), differences, declared, ReportingParams()
    )
    assert section.failure == ""
    serves = "serves" if outcome == "better" else "does not replace it"
    assert section.answer.startswith(f"Version b {serves}: ")
    assert section.story is not None
    assert section.story.signal.light == light
    assert [finding.who for finding in section.story.findings] == [
        "all customers", "new customers with 1 known item"
    ]  # fmt: skip
    advised = "rollback" if outcome == "better" else "why b"
    assert advised in section.story.advice
    assert "u0001" not in section.model_dump_json()
