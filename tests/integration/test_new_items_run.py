"""The pipelines items and new_items over a shop that launches items, from log to section."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fabricate import DAYS, N_ITEMS, START, write_shop
from running import kedro

pytestmark = pytest.mark.slow


def launching_shop(folder: Path) -> None:
    """A fabricated shop, half of whose items are launched one after the other."""
    write_shop(folder, "groups")
    lines = pd.read_parquet(folder / "interactions.parquet")
    number = pd.to_numeric(lines["item_id"].str[1:], errors="coerce").fillna(0)
    launch = START + pd.to_timedelta((number / N_ITEMS * 2 - 1).clip(0) * 0.9 * DAYS, "D")
    lines[lines["timestamp"] >= launch].to_parquet(folder / "interactions.parquet", index=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("launches")
    launching_shop(folder / "shop")
    pipelines = "ingestion,cleaning,items,new_items"
    done = kedro(folder, "--pipelines", pipelines, DOPPELCART_TRACKING="off")
    assert done.returncode == 0, done.stdout[-3000:]
    return folder


def test_a_shop_that_launches_items_gets_an_answer(home: Path) -> None:
    data = home / "data" / "08_reporting"
    sizes = pd.read_csv(data / "new_items_sizes.csv")
    assert sizes["cut"].tolist() == [0.7]
    assert (sizes[["old_items", "new_items", "households"]] > 3).all(axis=None)
    coverage = pd.read_csv(data / "items_coverage.csv").set_index("block")
    assert coverage.loc[["department", "words"], "share"].tolist() == [1, 1]
    section = json.loads((data / "sections/new_items.json").read_text())
    assert section["failure"] == ""
    assert "imagined" in section["evidence"]
    outcomes = pd.read_csv(data / "new_items_differences.csv").set_index(["arm", "against"])
    assert outcomes.loc[("random", "ridge"), "difference"] < 0


def test_a_shop_without_launches_is_refused_in_words(home: Path) -> None:
    params = "new_items.windows.min_buyers_after=1000"
    done = kedro(home, "--pipelines", "new_items", "--params", params, DOPPELCART_TRACKING="off")
    assert done.returncode != 0
    told = " ".join(done.stdout.split())
    assert "None of the launch windows at 70% of the lines" in told
    assert "Lower new_items.windows.min_buyers_after" in told
    assert "Traceback" not in done.stdout


def test_a_later_catalogue_is_embedded_by_what_was_fitted(home: Path) -> None:
    vectors, shop = home / "data/07_model_output/item_vectors.npz", home / "shop/items.parquet"
    before = dict(np.load(vectors))
    items = pd.read_parquet(shop)
    own = items.columns[0]
    later = items.iloc[1:].copy()
    later.iloc[0, 1:] = later.iloc[-1, 1:]
    new = items.iloc[[0]].assign(**{own: "brandnew"})
    pd.concat([later, new]).to_parquet(shop, index=False)
    try:
        done = kedro(home, "--pipelines", "ingestion", DOPPELCART_TRACKING="off")
        assert done.returncode == 0, done.stdout[-3000:]
        done = kedro(home, "--pipelines", "items", "--tags", "update", DOPPELCART_TRACKING="off")
        assert done.returncode == 0, done.stdout[-3000:]
    finally:
        items.to_parquet(shop, index=False)
    after = dict(np.load(vectors))
    changes = pd.read_csv(home / "data/08_reporting/items_changes.csv", index_col="state")
    assert changes.loc["new", "items"] == 1
    moved = {str(items[own].iloc[0]), str(items[own].iloc[1]), "brandnew"}
    kept = [name for name in before["item_ids"] if name not in moved]
    was = before["vectors"][np.isin(before["item_ids"], kept)]
    now = after["vectors"][np.isin(after["item_ids"], kept)]
    assert len(kept) > 10
    assert was.tobytes() == now.tobytes()
