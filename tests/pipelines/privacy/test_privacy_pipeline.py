"""The pipeline from what a run saved to the audit, the trade-off and the private curve."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from kedro_datasets.pandas import CSVDataset
from kept import KeptDataset

from doppelcart.data.histories import Histories
from doppelcart.models.histories.controls import copy_users, draw_by_popularity
from doppelcart.pipeline_registry import register_pipelines
from doppelcart.pipelines.privacy import audit, create_pipeline
from doppelcart.pipelines.privacy.params import NetworkConfig, PrivacyConfig, PrivateGridParams
from doppelcart.reporting.params import ReportingParams

NETWORK = NetworkConfig(noise_units=4, hidden_units=8, critic_units=8)
SEED = 907_030_507_011
MODELS = ("gan.generator", "privacy.generator")


def lines(users: Histories) -> Any:
    """The interactions of held-out users, in the order of their histories."""
    rows = np.repeat(np.arange(users.n_users), users.lengths)
    table = pd.DataFrame(
        {
            "user_id": users.user_ids[rows],
            "item_id": users.item_ids[users.items],
            "timestamp": pd.Timestamp("2020-01-01"),
            "protocol": "cold",
        }
    )
    return ibis.memtable(table)


def test_from_what_is_saved_to_every_table(
    shop, members, non_members, params, trade_off, tmp_path: Path
) -> None:
    from doppelcart.models.histories.networks import build_generator, layer_seeds

    rng = np.random.default_rng(0)
    generator = build_generator(
        NETWORK, np.full(members.n_items, 0.2), 300, np.zeros((members.n_items, 1)), 1, 1, 0
    )
    inputs: dict[str, Any] = {
        **shop,
        "validation_interactions": lines(non_members),
        "split_bounds": {"validation_from": "2020-02-01"},
        "synthetic_users": {
            "gan": draw_by_popularity(members, 300, rng),
            "copies": copy_users(members, 300, rng),
        },
        "params:privacy.audit": params,
        "params:privacy.trade_off": trade_off,
        "params:gan.network": NETWORK,
        "params:private.training": PrivacyConfig(delta=1e-3, steps=4, batch_size=30, seed=SEED),
        "params:private.grid": PrivateGridParams(epsilons=(8.0,), epsilon=8.0),
    }
    inputs["params:reporting"] = ReportingParams()
    pipeline = create_pipeline()
    data = {name: MemoryDataset(value, copy_mode="assign") for name, value in inputs.items()}
    data["gan.generator"] = MemoryDataset(generator, copy_mode="assign")
    saved = [name for name in pipeline.all_outputs() if name not in data]
    data |= {name: KeptDataset(copy_mode="assign") for name in saved}
    # kept, though a later node reads them
    for name in ("privacy.monitors", "privacy.curve"):
        path = str(tmp_path / f"{name}.csv")
        data[name] = CSVDataset(filepath=path, save_args={"index": False})
    catalog = DataCatalog(data)
    SequentialRunner().run(pipeline, catalog)

    summary = catalog.load("privacy.summary")
    assert summary["sound"]
    assert list(summary["sets"]) == ["gan", "copies", "non_members", "gan_completion"]
    assert summary["sets"]["copies"]["status"] == audit.FAILED
    assert audit.AUC not in summary["sets"]["gan"]["failed"]
    monitors = catalog.load("privacy.monitors")
    assert monitors["monitor"].is_unique
    trade_off_table = catalog.load("privacy.trade_off")
    assert trade_off_table["release"].tolist() == ["jitter 0.25", "unknown profile"]
    curve = catalog.load("privacy.curve")
    assert curve["budget"].tolist() == ["epsilon 8", "no noise"] * 2
    assert curve["learned"].tolist() == ["generator"] * 2 + ["popularity"] * 2
    assert curve["epsilon"].tolist()[1::2] == [np.inf] * 2
    assert (curve["epsilon"][::2] <= 8).all()
    kept = catalog.load("privacy.generator")
    assert kept.output.shape == (None, members.n_items)
    # a saved model names the seeds of its layers: none may lead back to the secret
    known = [str(seed) for seed in layer_seeds(SEED)]
    assert not any(text in kept.to_json() for text in [str(SEED), *known])
    for name in ("privacy.attacks", "privacy.curve_figure"):
        assert catalog.load(name).layout.meta["alt"]
    section = catalog.load("privacy.section")
    assert section.failure == ""
    assert section.evidence["release"].measure.startswith("AUC")
    # utility by two measures and the attack, of what was trained and of its control
    assert len(catalog.load("privacy.curve_figure").data) == 6


def test_it_is_no_part_of_the_default() -> None:
    registered = register_pipelines()
    assert not {*registered["__default__"].nodes} & {*registered["privacy"].nodes}


def test_the_audit_and_private_training_run_apart() -> None:
    for tag, other in (("audit", "train_private"), ("private", "audit_users")):
        names = {node.name for node in create_pipeline().only_nodes_with_tags(tag).nodes}
        assert "find_non_members" in names
        assert other not in names


def test_it_loads_without_tensorflow() -> None:
    code = (
        "import sys; from doppelcart.pipelines.privacy import create_pipeline; create_pipeline(); "
        "assert not {'tensorflow', 'keras', 'dp_accounting'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
