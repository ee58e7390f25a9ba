"""A made-up run: tables as the other pipelines lay them out."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from judging import decide
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner
from page_reader import Page

from doppelcart import pipelines as packages
from doppelcart.data.histories import Histories
from doppelcart.data.lineage import Origin
from doppelcart.datasets.section import SectionDataset
from doppelcart.experiment.design import BEST_BASELINE
from doppelcart.experiment.outcome import HELPS
from doppelcart.pipeline_registry import register_pipelines
from doppelcart.recommendation.arms import ARMS, NONE, Kind, controls_of
from doppelcart.recommendation.design import MOST_POPULAR
from doppelcart.recommendation.rankings import COLUMNS, REAL_HALVES
from doppelcart.reporting.blocks import Entry, NamedList, People, Person
from doppelcart.reporting.capabilities import find_capabilities
from doppelcart.reporting.params import ReportingParams

SLICES = {
    "warm": 950,
    "cold_0": 480,
    "cold_1": 478,
    "cold_5": 470,
    "cold_20": 440,
    "cold_80pct": 455,
}
RECOMMENDERS = {"popularity": 0.19, "itemknn": 0.23, "ials": 0.235, "puresvd": 0.222, "ease": 0.245}
JUDGED = [arm for arm, facts in ARMS.items() if facts.kind in (Kind.TRAINING, Kind.COMPLETION)]


def made_up_change(slice_name: str, recommender: str, arm: str) -> float:
    """Relative change of an arm against ``none``: completion helps new customers of EASE."""
    if arm == "gan_completion" and recommender == "ease":
        return {"cold_5": 0.05, "cold_20": 0.03, "warm": -0.04}.get(slice_name, 0.0)
    if arm in ("gan_completion", "denoiser_completion") and slice_name == "cold_1":
        return 0.03
    if arm == "gan_new_users" and slice_name == "warm":
        return -0.03 if recommender == "puresvd" else 0.002
    return {"copies": 0.0, "popularity": -0.01, "mixup": -0.006}.get(arm, 0.004)


@pytest.fixture(scope="session")
def metrics() -> pd.DataFrame:
    """slice, arm, recommender, metric, value, n_users, n_undefined."""
    rows = []
    for place, (slice_name, n_users) in enumerate(SLICES.items()):
        for recommender, score in RECOMMENDERS.items():
            for arm in [NONE, *JUDGED]:
                change = 0.0 if arm == NONE else made_up_change(slice_name, recommender, arm)
                value = score * (1 + 0.1 * place) * (1 + change)
                rows += [
                    [slice_name, arm, recommender, "ndcg@20", value, n_users, 0],
                    [slice_name, arm, recommender, "coverage@20", 0.4 + change, n_users, 0],
                ]
    columns = ["slice", "arm", "recommender", "metric", "value", "n_users", "n_undefined"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture(scope="session")
def chosen() -> pd.DataFrame:
    """slice, recommender, arm, config, level, value, n_users."""
    rows = [
        [
            slice_name,
            recommender,
            arm,
            '{"regularisation": 500.0}',
            0.0 if arm == NONE or slice_name == "cold_80pct" else 0.5,
            score,
            300,
        ]
        for slice_name in SLICES
        for recommender, score in RECOMMENDERS.items()
        for arm in [NONE, *JUDGED]
    ]
    columns = ["slice", "recommender", "arm", "config", "level", "value", "n_users"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture(scope="session")
def uplift(metrics: pd.DataFrame) -> pd.DataFrame:
    """As ``experiment.comparison.compare`` lays it out, intervals of two percent of the base."""
    scores = metrics[metrics["metric"] == "ndcg@20"].set_index(["slice", "recommender", "arm"])
    rows = []
    for slice_name, n_users in SLICES.items():
        for recommender in RECOMMENDERS:
            for arm in JUDGED:
                references = {NONE: (recommender, NONE)}
                if ARMS[arm].generator:
                    references |= {control: (recommender, control) for control in controls_of(arm)}
                    references[BEST_BASELINE] = ("ease", NONE)
                for against, reference in references.items():
                    base = float(scores.loc[(slice_name, *reference), "value"])
                    value = float(scores.loc[(slice_name, recommender, arm), "value"])
                    half, difference = 0.02 * base, value - base
                    p_value = 0.001 if abs(difference) > half else 0.4
                    rows.append(
                        [slice_name, recommender, arm, against, "ndcg@20", base, value, difference,
                         difference / base, difference - half, difference + half,
                         difference / base - 0.02, difference / base + 0.02, p_value, p_value,
                         n_users, 30, True]
                    )  # fmt: skip
    columns = ["slice", "recommender", "arm", "against", "metric", "base", "value", "difference",
               "relative", "low", "high", "relative_low", "relative_high", "p_value", "p_holm",
               "n_units", "least_units", "tested"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture(scope="session")
def uplift_against_best(uplift: pd.DataFrame) -> pd.DataFrame:
    """EASE, the best of all, against itself without synthetic data and against popularity."""
    ease = uplift[(uplift["recommender"] == "ease") & (uplift["against"] == NONE)]
    ease = ease.assign(outcome=HELPS)
    popular = ease.assign(against=MOST_POPULAR, baseline="popularity", base=0.2, relative=0.1)
    return pd.concat([ease.assign(against=BEST_BASELINE, baseline="ease"), popular])


@pytest.fixture(scope="session")
def ranking_agreement() -> pd.DataFrame:
    """slice, candidates, arm, metric, tau, low, high, ranked, n_users."""
    rows = [
        ["cold_5", candidates, arm, "ndcg@20", tau, tau - 0.1, tau + 0.1, ranked, 400]
        for candidates, ranked in (("recommenders", 5), ("configurations", 25))
        for arm, tau in (("gan_only", 0.8), (REAL_HALVES, 0.7))
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture(scope="session")
def verdict(uplift: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    """The verdict that the evaluation's own rule gives on the made-up uplift."""
    return decide(uplift, chosen, alpha=0.05)


@pytest.fixture(scope="session")
def tstr() -> pd.DataFrame:
    """recommender, slice, arm, metric, value, real, share, low, high, n_users."""
    shares = {"gan_only": 0.985, "denoiser_only": 0.91, "popularity_only": 0.86}
    rows = [
        [recommender, slice_name, arm, "ndcg@20", score * share, score, share, share - 0.02,
         share + 0.02, 450]
        for slice_name in ("cold_5", "cold_80pct")
        for recommender, score in RECOMMENDERS.items()
        for arm, share in shares.items()
    ]  # fmt: skip
    columns = ["recommender", "slice", "arm", "metric", "value", "real", "share", "low", "high",
               "n_users"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture(scope="session")
def cleaning_report() -> pd.DataFrame:
    """rule, table, rows, share, description."""
    rows = [
        ["missing_user", "interactions", 120, 0.012, "no user_id"],
        ["return", "interactions", 0, 0.0, "negative quantity"],
        ["item_k_core", "interactions", 2_380, 0.238, "item bought by fewer than 20 users"],
        ["kept", "interactions", 7_500, 0.75, "stays"],
        ["duplicate", "items", 3, 0.003, "item listed twice"],
        ["kept", "items", 997, 0.997, "stays"],
    ]
    return pd.DataFrame(rows, columns=["rule", "table", "rows", "share", "description"])


@pytest.fixture(scope="session")
def source_summary() -> dict[str, Any]:
    """What ingestion writes of a source."""
    return {
        "source": "complete_journey",
        "description": "One year of a grocer, simulated on real shopping patterns.",
        "licence": "For education.",
        "currency": "US dollars",
        "files": [
            {"name": "transactions", "path": "/x/t.parquet", "bytes": 123456, "sha256": "ab" * 32,
             "rows": 10_000}
        ],
        "tables": {"interactions": 10_000, "items": 900},
        "interactions": {"users": 469, "items": 900, "first": "2017-01-01", "last": "2017-12-31"},
        "skipped": [{"table": "reviews", "disables": "review sentiment in profiles"}],
    }  # fmt: skip


@pytest.fixture(scope="session")
def split_summary() -> dict[str, Any]:
    """What the split writes."""
    return {
        "validation_from": "2017-10-01",
        "users": {"train": 281, "validation": 94, "test": 94},
        "case_users": {"test": {"warm": 950}},
        "cases_without_users": {"validation": [], "test": ["cold_40"]},
    }


def made_up_training_log(seed: int, adversarial: bool) -> pd.DataFrame:
    """Per-epoch figures of one training."""
    rng = np.random.default_rng(seed)
    epoch = np.arange(1, 31)
    table = {
        "epoch": epoch,
        "generator_loss": 0.5 + np.exp(-epoch / 8) + rng.normal(0, 0.01, 30),
        "reconstruction_loss": 0.4 + 0.6 * np.exp(-epoch / 6),
        "generator_gradient_norm": 1 + rng.random(30),
        "validation_ndcg": np.where(epoch % 5 == 0, 0.25 - 0.1 * np.exp(-epoch / 5), np.nan),
    }
    if adversarial:
        table |= {
            "critic_loss": -1 + np.exp(-epoch / 5),
            "critic_gradient_norm": 0.8 + 0.1 * rng.random(30),
        }
    return pd.DataFrame(table)


@pytest.fixture(scope="session")
def training() -> dict[str, pd.DataFrame]:
    """Histories of the generator and of its control."""
    return {
        "gan": made_up_training_log(1, True),
        "vae": made_up_training_log(3, False),
        "denoiser": made_up_training_log(2, False),
    }


def made_up_histories(n_users: int, steepness: float, seed: int, n_items: int = 300) -> Histories:
    """Users with log-normal history lengths, items by a power law."""
    rng = np.random.default_rng(seed)
    weights = np.arange(1, n_items + 1) ** -steepness
    lengths = np.clip(rng.lognormal(3, 0.7, n_users).astype(int), 1, n_items // 2)
    rows = [rng.choice(n_items, size, replace=False, p=weights / weights.sum()) for size in lengths]
    users = np.array([f"u{number}" for number in range(n_users)])
    return Histories.from_lists(rows, users, np.array([f"i{n}" for n in range(n_items)]))


@pytest.fixture(scope="session")
def shops() -> dict[str, Histories]:
    """Real and synthetic histories by source."""
    return {
        "real": made_up_histories(400, 0.8, 1),
        "gan": made_up_histories(500, 0.85, 2),
        "vae": made_up_histories(400, 0.9, 5),
        "denoiser": made_up_histories(400, 1.1, 3),
        "popularity": made_up_histories(400, 0.8, 4),
    }


@pytest.fixture(scope="session")
def targeting_results() -> pd.DataFrame:
    """The arm on trial helps its segment and beats one control of two; the others are harmed."""
    rows = [
        ["segment", "targeted_gan", NONE, 0.3, 0.05, "helps"],
        ["segment", "targeted_copies", NONE, 0.1, 0.01, "no evidence"],
        ["segment", "uniform_gan", NONE, 0.0, 0.0, "not used"],
        ["segment", "targeted_gan", "targeted_copies", 0.3, 0.04, "helps"],
        ["segment", "targeted_gan", "uniform_gan", 0.3, 0.01, "no evidence"],
        ["others", "targeted_gan", NONE, 0.3, -0.03, "harms"],
    ]
    columns = ["customers", "arm", "against", "ratio", "relative", "outcome"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(
        slice="cold_5",
        segment="age: rare",
        recommender="ease",
        metric="ndcg@20",
        base=0.2,
        relative_low=table["relative"] - 0.02,
        relative_high=table["relative"] + 0.02,
        p_holm=0.01,
        n_units=44,
        least_units=30,
    )


def made_up_gains(verdict: pd.DataFrame) -> pd.DataFrame:
    """A hit more of ten for everybody, and three currency units."""
    keys = verdict[["slice", "recommender", "arm"]]
    figures = {"hits@20": (1.2, 0.1), "sales@20": (12.0, 3.0)}
    parts = [
        keys.assign(
            metric=metric,
            base=base,
            value=base + gain,
            difference=gain,
            low=0.5 * gain,
            high=1.5 * gain,
        )
        for metric, (base, gain) in figures.items()
    ]
    return pd.concat(parts, ignore_index=True)


def people(synthetic: bool) -> People:
    """One customer, a real or a synthetic one."""
    name = "synthetic pears" if synthetic else "real apples"
    bought = Entry(text=name, found=True, fresh=True)
    lists = (NamedList(title="Recommended with", entries=(bought,), more=3),)
    return People(
        caption="Those who bought.",
        synthetic=synthetic,
        people=(Person(name="Customer 1", note="In the middle.", lists=lists),),
    )


@pytest.fixture(scope="session")
def run(
    verdict: pd.DataFrame,
    uplift: pd.DataFrame,
    metrics: pd.DataFrame,
    chosen: pd.DataFrame,
    tstr: pd.DataFrame,
    uplift_against_best: pd.DataFrame,
    ranking_agreement: pd.DataFrame,
    cleaning_report: pd.DataFrame,
    split_summary: dict[str, Any],
    source_summary: dict[str, Any],
    training: dict[str, pd.DataFrame],
    shops: dict[str, Histories],
    targeting_results: pd.DataFrame,
) -> dict[str, Any]:
    """All datasets that the reporting pipeline reads, by name."""
    fidelity = pd.DataFrame({"statistic": ["length_ks"], "real_vs_real": [0.01], "gan": [0.03]})
    columns = ["monitor", "status", "value", "limit", "advice"]
    calm = pd.DataFrame([["duplicates", "ok", 0.02, "at most 0.05", ""]], columns=columns)
    loud = calm.assign(status="warning", value=0.4, advice="Lower the learning rate.")
    return {
        "verdict": verdict,
        "uplift": uplift,
        "uplift_against_best": uplift_against_best,
        "metrics": metrics,
        "chosen_configs": chosen,
        "tstr": tstr,
        "ranking_agreement": ranking_agreement,
        "gains": made_up_gains(verdict),
        "promotion": {
            "promoted": verdict.loc[verdict["promoted"], ["slice"]].to_dict("records"),
            "admitted": [],
        },
        "evaluation.customers": [
            people(synthetic).model_dump(mode="json") for synthetic in (False, True)
        ],
        "fidelity_report": fidelity,
        "privacy_report": pd.DataFrame({"statistic": ["exact_copy_rate"], "gan": [0.0]}),
        "gan.monitors": loud,
        "vae.monitors": calm,
        "denoiser.monitors": calm,
        "gan.training_log": training["gan"],
        "vae.training_log": training["vae"],
        "denoiser.training_log": training["denoiser"],
        "targeting.results": targeting_results,
        "targeting.segment_sizes": pd.DataFrame(
            [["age: rare", "rare values", "cold_5", 60, 40, 44, "3 values are rare: 65+"]],
            columns=[
                "segment",
                "kind",
                "slice",
                "train_users",
                "validation_users",
                "test_users",
                "reason",
            ],
        ),
        "train_histories": shops["real"],
        "synthetic_users": {name: users for name, users in shops.items() if name != "real"},
        "cleaning_report": cleaning_report,
        "split_summary": split_summary,
        "source_summary": source_summary,
        "params:reporting": ReportingParams(caveats={"complete_journey": "Simulated, not real."}),
        "lineage_records": {
            "synthetic_gan": Origin("synthetic_gan", "1", "gan", 1, {"gan.training.epochs": 5}),
            "evaluation.section": Origin(
                "evaluation.section",
                "2",
                "evaluation",
                1,
                {"evaluation.seed": 17},
                ancestors={"synthetic_gan": "1"},
            ),
        },
    }


def telling(names: Iterable[str]) -> Pipeline:
    """Nodes that draw figures and write sections, of some pipelines."""
    known = register_pipelines()
    nodes = [node for name in names for node in known[name].nodes]
    wanted = re.compile(r".*\.(plot_|draw_targeting|write_.*_section)")
    return Pipeline([node for node in nodes if wanted.match(node.name)])


CORE = ("ingestion", "cleaning", "split", "gan", "augmentation", "evaluation", "targeting")


@pytest.fixture(scope="session")
def write(run: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Page]:
    """Tell of the made-up run and write the report, some datasets replaced, some left out."""

    def written(without: tuple[str, ...] | None = (), **changed: Any) -> Page:
        """None leaves all out."""
        there = [] if without is None else [name for name in CORE if name not in without]
        pipeline = telling(there) + register_pipelines()["reporting"].filter(
            node_names=["reporting.write_report"]
        )
        data = {**run, **{name.replace("__", "."): value for name, value in changed.items()}}
        folder = tmp_path_factory.mktemp("sections")
        sections = {
            f"{capability.name}.section": SectionDataset(
                filepath=str(folder / f"{capability.name}.json")
            )
            for capability in find_capabilities(packages)
        }
        given = {
            name: MemoryDataset(data[name]) for name in pipeline.inputs() if name not in sections
        }
        outputs = SequentialRunner().run(pipeline, DataCatalog(given | sections))
        page = Page(outputs["report_html"].load())
        page.failures = outputs["report_failures"].load()
        page.to_share = outputs["report_to_share"].load()
        return page

    return written
