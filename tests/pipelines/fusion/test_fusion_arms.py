"""The experiment on made-up lists: a planted effect is found, and a null is not."""

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.experiment.comparison import compare
from doppelcart.experiment.verdict import judge
from doppelcart.pipelines.fusion import arms, measuring
from doppelcart.pipelines.fusion.params import FusionParams, disagreements
from doppelcart.recommendation.fusing import Ranked
from doppelcart.recommendation.listing_rules import RulesParams, rules_of
from doppelcart.recommendation.protocol import EvaluationParams
from doppelcart.recommendation.sources import Source

N_USERS, N_ITEMS, DEPTH = 150, 60, 30
EVALUATION = EvaluationParams(
    k=10, cutoffs=(10,), grids={"ease": {"l2": [1.0]}}, n_bootstrap=2000, n_seeds=1
)
PARAMS = FusionParams(depth=DEPTH, folds=3, balances=(1.0, 0.0))
RULES = rules_of(
    RulesParams(), pd.DataFrame(index=pd.Index([f"i{n}" for n in range(N_ITEMS)], name="item_id"))
)
FEATURES = np.eye(N_ITEMS)[:, :6] + np.eye(N_ITEMS)[:, 6:12]


def source(recommender: str, arm: str, value: float) -> Source:
    return Source("cold_5", recommender, arm, float(arm != "none"), "{}", value)


SOURCES = [
    source("ease", "none", 0.5),
    source("ials", "none", 0.4),
    source("ease", "popularity_completion", 0.5),
    source("ease", "denoiser_completion", 0.5),
    source("ease", "gan_completion", 0.5),
]


def users(seed: int, knows: dict[str, float]) -> tuple[Case, dict[str, Ranked]]:
    """Users of a taste, and sources that see so much of it, through noise of their own."""
    rng = np.random.default_rng(seed)
    taste = rng.normal(size=(N_USERS, N_ITEMS))
    bought = np.argsort(-taste, axis=1)[:, :6]
    ids = np.array([f"{seed}-{n}" for n in range(N_USERS)])
    items = np.array([f"i{n}" for n in range(N_ITEMS)])
    nothing = Histories.from_lists([np.array([], int)] * N_USERS, ids, items)
    case = Case("cold_5", nothing, Histories.from_lists(list(bought), ids, items))
    first = taste + rng.normal(size=taste.shape)
    lists = {}
    for one in SOURCES:
        seen = knows.get(one.name)
        # Who knows nothing of its own says what the first says.
        scores = first if seen is None else seen * taste + rng.normal(size=taste.shape)
        order = np.argsort(-scores, axis=1)[:, :DEPTH]
        lists[one.name] = Ranked(order, np.take_along_axis(scores, order, axis=1))
    return case, lists


def experiment(knows: dict[str, float], seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Differences and verdict where sources know so much."""
    case, lists = users(2 * seed, knows)
    blends, _ = measuring.choose(
        case, SOURCES, lists, rules=RULES, evaluation=EVALUATION, params=PARAMS
    )
    case, lists = users(2 * seed + 1, knows)
    scores, _ = measuring.score(
        case, SOURCES, lists, blends, FEATURES, rules=RULES, evaluation=EVALUATION, params=PARAMS
    )
    design = arms.declare("ndcg@10", ["cold_5"], n_bootstrap=2000, family=("slice",))
    differences = compare(scores, design)
    return differences, judge(differences, design)


def outcome(differences: pd.DataFrame, arm: str, against: str) -> str:
    rows = differences.set_index(["arm", "against"])["outcome"]
    return str(rows[arm, against])


def test_recommenders_that_err_otherwise_are_better_fused():
    differences, _ = experiment({"ials": 1.0})
    for arm in ("reciprocal_rank", "weighted_sum", "learned", "plain_fusion"):
        assert outcome(differences, arm, "best_single") == "helps"
    assert outcome(differences, "gan_fusion", "plain_fusion") != "helps"
    assert outcome(differences, "random_fusion", "best_single") != "helps"


def test_what_is_generated_wins_where_it_alone_knows_more():
    differences, verdict = experiment({"ials": 0.0, "ease+gan_completion": 1.0})
    assert verdict["verdict"].tolist() == ["helps"]
    assert verdict["level"].tolist() == [1.0]
    for rival in ("best_single", "plain_fusion", "popularity_fusion", "denoiser_fusion"):
        assert outcome(differences, "gan_fusion", rival) == "helps"


def test_a_gain_that_a_control_has_too_is_not_the_generators():
    same = {"ease+gan_completion": 1.0, "ease+denoiser_completion": 1.0}
    _, verdict = experiment({"ials": 0.0} | same)
    assert verdict["verdict"].tolist() == ["not proven"]
    assert "denoiser_fusion" in verdict["not_beaten"].item()


def test_where_nobody_knows_more_nothing_is_found():
    verdicts = [experiment({"ials": 0.0}, seed)[1]["verdict"].item() for seed in range(2)]
    assert set(verdicts) <= {"no evidence", "not used"}


def test_the_bound_is_never_below_the_best_recommender():
    differences, _ = experiment({"ials": 0.6})
    bound = differences.query("arm == 'best_per_customer'")
    assert bound["relative"].item() > 0
    assert differences["gap_closed"].notna().any()


def test_variety_is_bought_with_what_is_right():
    case, lists = users(1, {})
    blends = arms.without_choice("ease")
    _, curve = measuring.score(
        case, SOURCES, lists, blends, FEATURES, rules=RULES, evaluation=EVALUATION, params=PARAMS
    )
    ranking, variety = curve.to_dict("records")
    assert (ranking["balance"], variety["balance"]) == (1.0, 0.0)
    assert variety["diversity"] > ranking["diversity"]
    assert variety["value"] < ranking["value"]


def test_a_random_order_has_the_same_items():
    _, lists = users(0, {})
    made = arms.with_random(lists, "ease", 0)
    assert (np.sort(lists["ease"].items, axis=1) == made.items[:, :DEPTH]).all()
    assert not np.allclose(made.votes[1], made.votes[3])


def test_blends_survive_a_table():
    blends = {
        "warm": [arms.alone("ease"), arms.Blend("gan_fusion", "learned", {("a", "place"): 0.1}, 2)]
    }
    assert arms.from_table(arms.to_table(blends)) == blends


def test_the_best_recommender_is_a_plain_one_and_the_first_of_equals():
    values = [source("ease", "gan_completion", 0.9), source("ials", "none", float("nan"))]
    values += [source("ease", "none", 0.4), source("puresvd", "none", 0.4)]
    assert arms.best_of(values) == "ease"
    with_gan = arms.best_generated(values)
    assert list(with_gan.weights) == [("ease+gan_completion", "score")]
    assert (with_gan.arm, with_gan.level) == ("best_gan_single", 1)
    # Where it brings nothing, it is the plain one and is not used.
    assert arms.best_generated(values[1:])._replace(arm="best_single", level=1) == arms.alone(
        "ease"
    )
    assert arms.best_generated(values[1:]).level == 0


def test_a_source_is_named_in_words():
    assert arms.source_label("ease+gan_completion") == "EASE; histories completed by the GAN"
    assert arms.source_label("ials") == "iALS"


class Split:
    slices = ("cold_5", "warm")


@pytest.mark.parametrize(
    ("fusion", "evaluation", "told"),
    [
        ({"slices": ("cold_9",)}, {}, "fusion.slices: 'cold_9' is none of the slices"),
        ({"networks": {"ease": {"l2": [1.0]}}}, {}, "fusion.networks: ease is tuned in"),
        ({}, {"n_bootstrap": 100}, "evaluation.n_bootstrap: 100 resamples of all seeds cannot"),
    ],
)
def test_parameters_that_do_not_agree_are_told(fusion, evaluation, told):
    models = {
        "fusion": FusionParams(**fusion),
        "evaluation": EVALUATION.model_copy(update=evaluation),
        "split": Split(),
    }
    assert [line[: len(told)] for line in disagreements(models)] == [told]


def test_parameters_that_agree_are_let_pass():
    models = {"fusion": FusionParams(), "evaluation": EVALUATION, "split": Split()}
    assert list(disagreements(models)) == []


def test_a_network_of_no_grid_is_left_out():
    assert FusionParams(networks={"multvae": None, "gsasrec": {}}).networks == {"gsasrec": {}}


def test_a_grid_that_is_none_is_refused():
    with pytest.raises(ValueError, match="recommender 'gru4rec' is unknown"):
        FusionParams(networks={"gru4rec": {"units": [8]}})
