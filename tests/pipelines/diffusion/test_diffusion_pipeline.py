"""The arms of the diffusion model in the place of the GAN's, over what an evaluation left."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner
from kept import KeptDataset

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.datasets.section import SectionDataset
from doppelcart.experiment.design import Design
from doppelcart.models.histories.augmentation import AugmentationParams
from doppelcart.pipelines import evaluation
from doppelcart.pipelines.diffusion import create_pipeline, nodes
from doppelcart.recommendation import completers
from doppelcart.recommendation.protocol import EvaluationParams
from doppelcart.reporting.params import ReportingParams

Completer = Callable[[Histories], Iterator[np.ndarray]]
N_ITEMS = 30
PARAMS = EvaluationParams(
    k=5,
    cutoffs=(5,),
    ratios=(0, 1),
    strengths=(0, 0.5, 1.0),
    n_bootstrap=3000,
    n_seeds=1,
    synthetic_only_slices=("cold_1",),
    max_tuning_users=40,
    grids={"popularity": {}, "ease": {"l2": [5.0, 50.0]}},
)
JUDGED = (
    "tune_diffusion", "score_diffusion", "declare_diffusion", "diffusion.compare_arms",
    "diffusion.judge_trials", "compare_diffusion_with_best", "measure_diffusion_shares",
    "measure_diffusion_likeness", "write_diffusion_section",
)  # fmt: skip


def users_of(n_users: int, seed: int) -> Histories:
    """Six items per user, most of them of the user's third of the catalogue."""
    rng = np.random.default_rng(seed)
    weights = [np.where(np.arange(N_ITEMS) % 3 == third, 9.0, 1.0) for third in range(3)]
    rows = [
        rng.choice(N_ITEMS, 6, replace=False, p=weights[u % 3] / weights[u % 3].sum())
        for u in range(n_users)
    ]
    users = np.array([f"{seed}-{u}" for u in range(n_users)])
    return Histories.from_lists(rows, users, np.array([f"i{j}" for j in range(N_ITEMS)]))


def cases(seed: int) -> dict[str, Case]:
    users = users_of(60, seed)
    return {
        "warm": Case("warm", users.first(3), users.rest(3)),
        "cold_1": Case("cold_1", users.first(1), users.rest(1)),
    }


def at_random(seed: int) -> Completer:
    """Completes everybody by chances that say nothing of anybody."""
    chances = np.random.default_rng(seed).random(N_ITEMS).astype(np.float32) / 5
    return lambda seen: iter([np.tile(chances, (seen.n_users, 1))])


def by_third(seen: Histories) -> Iterator[np.ndarray]:
    """Completes by the third of the catalogue that a user buys in, which one item hardly tells."""
    thirds = np.array([int(user.partition("-")[2]) % 3 for user in seen.user_ids])
    yield np.where(np.arange(N_ITEMS) % 3 == thirds[:, None], 0.9, 0.0).astype(np.float32)


def run(pipeline: Pipeline, inputs: dict[str, Any], **others: Any) -> dict[str, Any]:
    kept = {name: KeptDataset() for name in pipeline.all_outputs()} | others
    given = {name: MemoryDataset(inputs[name], copy_mode="assign") for name in pipeline.inputs()}
    SequentialRunner().run(pipeline, DataCatalog(given | kept))
    return {name: dataset.load() for name, dataset in kept.items()}


@pytest.fixture(scope="module")
def evaluated() -> dict[str, Any]:
    """What the evaluation of a shop left, its generators all completing at random."""
    names = ("copies", "popularity", "mixup", "denoiser", "gan", "vae")
    inputs: dict[str, Any] = {
        "train_histories": users_of(60, 0),
        "synthetic_users": {name: users_of(60, seed) for seed, name in enumerate(names, start=1)},
        "demographics_matrix": pd.DataFrame({"user_id": ["0-0"], "demographic__age": [1.0]}),
        "item_matrix": pd.DataFrame(
            {"item_id": [f"i{j}" for j in range(N_ITEMS)], "item__price": np.arange(N_ITEMS) + 1.0}
        ),
        "feat_items": pd.DataFrame({"price": np.full(N_ITEMS, 2.0)}),
        "validation_cases": cases(7),
        "test_cases": cases(8),
        "params:evaluation": PARAMS,
        **{f"{name}.generator": number for number, name in enumerate(("gan", "vae", "denoiser"))},
    }
    wanted = ("tune_arms", "evaluate_arms", "declare_experiment", "measure_synthetic_only")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            completers, "make_completer", lambda generator, *args, **kwargs: at_random(generator)
        )
        left = run(evaluation.create_pipeline().only_nodes(*wanted), inputs)
    statistics = {"statistic": ["detection_auc"], "real_vs_real": [0.5], "gan": [0.6]}
    return {
        **inputs,
        **left,
        "fidelity_report": pd.DataFrame(statistics),
        "privacy_report": pd.DataFrame({"statistic": ["near_copy_rate"], "gan": [0.0]}),
        "diffusion.generator": "the diffusion model",
        "diffusion.users": inputs["synthetic_users"]["gan"],
        "diffusion.monitors": pd.DataFrame(
            [("divergence", "ok", 0.0, "0", "")],
            columns=["monitor", "status", "value", "limit", "advice"],
        ),
        "params:augmentation": AugmentationParams(),
        "params:reporting": ReportingParams(),
    }


def judged(
    inputs: dict[str, Any], folder: Path, completer: Completer, names: tuple[str, ...] = JUDGED
) -> dict[str, Any]:
    """What the pipeline makes of a model that is trained already."""
    pipeline = create_pipeline().only_nodes(*names)
    section = {"diffusion.section": SectionDataset(filepath=str(folder / "diffusion.json"))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nodes, "make_network_completer", lambda *args: completer)
        return run(pipeline, inputs, **(section if "write_diffusion_section" in names else {}))


def test_a_model_that_does_as_the_gan_does_is_judged_to_do_as_the_gan_does(
    evaluated: dict[str, Any], tmp_path: Path
) -> None:
    made = judged(evaluated, tmp_path, at_random(0))
    keys = ["slice", "recommender"]
    for ours, its in (
        ("diffusion_completion", "gan_completion"),
        ("diffusion_new_users", "gan_new_users"),
    ):
        for table in ("diffusion.scores", "diffusion.chosen_configs"):
            both = [made[table][made[table]["arm"] == arm] for arm in (ours, its)]
            named = [name for name in (*keys, "user_id") if name in both[0]]
            one, other = (
                rows.drop(columns="arm").sort_values(named).reset_index(drop=True) for rows in both
            )
            assert len(one)
            pd.testing.assert_frame_equal(one, other)
        compared = made["diffusion.differences"].query(f"arm == '{ours}' and against == '{its}'")
        assert (compared["difference"] == 0).all()
        assert set(compared["outcome"]) <= {"no evidence", "not used"}
        wins = made["diffusion.verdict"].query(f"arm == '{ours}'")["win"]
        assert len(wins)
        assert not wins.any()
    # Recommenders come in the order of evaluation, by which ties are broken.
    orders = made["diffusion.chosen_configs"].groupby("arm", sort=False)["recommender"].agg(list)
    assert orders["diffusion_new_users"] == orders["gan_new_users"] == ["popularity", "ease"] * 2
    shares = made["diffusion.shares"].set_index([*keys, "arm"])["share"].unstack("arm")
    assert shares["diffusion_only"].to_numpy() == pytest.approx(shares["gan_only"].to_numpy())


def test_what_is_held_against_what(evaluated: dict[str, Any], tmp_path: Path) -> None:
    made = judged(evaluated, tmp_path, at_random(9))
    design = Design.model_validate(made["diffusion.design"])
    assert design.of_role("trial") == ("diffusion_completion", "diffusion_new_users")
    assert "gan_completion" in design.rivals_of("diffusion_completion")
    assert "gan_new_users" in design.rivals_of("diffusion_new_users")
    assert set(design.rivals_of("diffusion_new_users")) == {
        "copies", "popularity", "mixup", "denoiser_new_users", "vae_new_users", "gan_new_users",
    }  # fmt: skip
    assert set(made["diffusion.verdict"]["arm"]) == {"diffusion_completion", "diffusion_new_users"}
    compared = made["diffusion.differences"]
    assert compared["p_holm"].notna().sum() <= arms_compared(compared)
    likeness = made["diffusion.likeness"].set_index("statistic")
    assert likeness.columns.tolist() == ["diffusion", "real_vs_real", "gan"]
    assert likeness.loc["detection_auc", "gan"] == 0.6
    assert likeness.loc["near_copy_rate", "gan"] == 0.0
    assert np.isfinite(likeness.loc["detection_auc", "diffusion"])
    section = made["diffusion.section"]
    assert section.failure == ""
    assert set(section.evidence) == {"diffusion_completion", "diffusion_new_users"}
    assert "groups of customers" in section.answer
    assert len(section.shown) == 2


def arms_compared(compared: pd.DataFrame) -> int:
    """Comparisons that the parameters were checked for, over both slices."""
    from doppelcart.pipelines.diffusion.arms import largest_family

    assert compared.groupby("slice").size().max() <= largest_family(PARAMS, 1)
    return 2 * largest_family(PARAMS, 1)


def test_a_planted_effect_is_found_for_completion_alone(
    evaluated: dict[str, Any], tmp_path: Path
) -> None:
    made = judged(evaluated, tmp_path, by_third)
    verdict = made["diffusion.verdict"]
    found = verdict[verdict["arm"] == "diffusion_completion"]
    assert set(found["verdict"]) == {"helps"}
    assert found["promoted"].all()
    assert not verdict.loc[verdict["arm"] == "diffusion_new_users", "win"].any()
    best = made["diffusion.against_best"].query(
        "arm == 'diffusion_completion' and against == 'best_baseline'"
    )
    assert set(best["outcome"]) == {"helps"}
    section = made["diffusion.section"]
    assert "in 2 of 2 groups of customers" in section.answer
    completed, added = (block.table for block in section.shown)
    assert [name for name, _ in completed.headings[3:]] == [
        "diffusion", "GAN", "Generator without its critic", "VAE",
    ]  # fmt: skip
    ((_, rows),) = completed.groups
    assert all(row[3].endswith(" *") for row in rows)
    assert not any("*" in row[3] for _, part in added.groups for row in part)


def test_what_test_users_bought_chooses_nothing(evaluated: dict[str, Any], tmp_path: Path) -> None:
    names = ("tune_diffusion", "score_diffusion")
    before = judged(evaluated, tmp_path, at_random(9), names)
    turned = {
        name: Case(name, case.seen, turn(case.relevant))
        for name, case in evaluated["test_cases"].items()
    }
    after = judged(evaluated | {"test_cases": turned}, tmp_path, at_random(9), names)
    for name in ("diffusion.tried", "diffusion.chosen_configs"):
        pd.testing.assert_frame_equal(before[name], after[name])
    ours, its = (made["diffusion.user_metrics"]["ndcg@5"] for made in (before, after))
    assert not ours.equals(its)


def turn(bought: Histories) -> Histories:
    """The same users with what somebody else bought."""
    lists = [bought.of(user) for user in range(bought.n_users)]
    return Histories.from_lists(lists[1:] + lists[:1], bought.user_ids, bought.item_ids)


def test_an_arm_that_evaluation_leaves_out_is_left_out_here(
    evaluated: dict[str, Any], tmp_path: Path
) -> None:
    arms = tuple(arm for arm in PARAMS.arms if arm not in ("gan_new_users", "gan_only"))
    fewer = evaluated | {"params:evaluation": PARAMS.model_copy(update={"arms": arms})}
    known = evaluated["chosen_configs"]
    fewer["chosen_configs"] = known[known["arm"].isin(("none", *arms))]
    fewer["evaluation.scores"] = evaluated["evaluation.scores"].query("arm != 'gan_new_users'")
    made = judged(fewer, tmp_path, at_random(9))
    assert set(made["diffusion.verdict"]["arm"]) == {"diffusion_completion"}
    assert "diffusion_only" not in set(made["diffusion.shares"]["arm"])
    assert set(made["diffusion.section"].evidence) == {"diffusion_completion"}


def test_as_many_users_are_invented_as_the_gan_is_asked_for(
    shop: dict[str, Any], generator: Any
) -> None:
    tables = [shop[name] for name in ("train_histories", "profile_matrix", "demographics_matrix")]
    made = nodes.invent_users(generator, *tables, AugmentationParams(ratio=1.5, profile_jitter=0))
    assert made.n_users == 60
    assert made.user_ids[0] == "synthetic-0"
    again = nodes.invent_users(generator, *tables, AugmentationParams(ratio=1.5, profile_jitter=0))
    np.testing.assert_array_equal(made.items, again.items)
