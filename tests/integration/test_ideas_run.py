"""The pipeline ideas over a shop that launches new combinations, from log to section."""

import json
from pathlib import Path

import pandas as pd
import pytest
from fabricate import DAYS, N_ITEMS, START, write_shop
from running import kedro

pytestmark = pytest.mark.slow

N_TYPES, N_MAKERS = 20, 17


def inventive_shop(folder: Path) -> None:
    """A fabricated shop whose every item is a combination; half of them are launched later."""
    write_shop(folder, "groups")
    items = pd.read_parquet(folder / "items.parquet")
    number = items["item_id"].str[1:].astype(int)
    items["type"] = [f"Type {n % N_TYPES}" for n in number]
    items["manufacturer"] = [f"M{n % N_MAKERS}" for n in number]
    items.to_parquet(folder / "items.parquet", index=False)
    lines = pd.read_parquet(folder / "interactions.parquet")
    sold = pd.to_numeric(lines["item_id"].str[1:], errors="coerce").fillna(0)
    launch = START + pd.to_timedelta((sold / N_ITEMS * 2 - 1).clip(0) * 0.9 * DAYS, "D")
    lines[lines["timestamp"] >= launch].to_parquet(folder / "interactions.parquet", index=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ideas")
    inventive_shop(folder / "shop")
    pipelines = "ingestion,cleaning,items,ideas"
    done = kedro(folder, "--pipelines", pipelines, DOPPELCART_TRACKING="off")
    assert done.returncode == 0, done.stdout[-3000:]
    return folder


def test_a_shop_that_launches_combinations_gets_ideas(home: Path) -> None:
    data = home / "data" / "08_reporting"
    sizes = pd.read_csv(data / "ideas_sizes.csv")
    assert sizes["cut"].tolist() == [0.7]
    assert (sizes[["types", "manufacturers", "ideas", "launched_combinations"]] > 3).all(axis=None)
    ideas = pd.read_csv(data / "ideas.csv")
    assert ideas[["type", "manufacturer", "nearest_item"]].notna().all(axis=None)
    section = json.loads((data / "sections/ideas.json").read_text())
    assert section["failure"] == ""
    assert "imagined" in section["evidence"]


def test_a_shop_without_launches_is_refused_in_words(home: Path) -> None:
    params = "ideas.windows.min_launches=1000"
    done = kedro(home, "--pipelines", "ideas", "--params", params, DOPPELCART_TRACKING="off")
    assert done.returncode != 0
    told = " ".join(done.stdout.split())
    assert "None of the windows at 70% of the lines" in told
    assert "Lower ideas.windows.min_launches" in told
    assert "Traceback" not in done.stdout
