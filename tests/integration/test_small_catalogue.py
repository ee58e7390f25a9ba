"""A catalogue of 20 items: pipelines on items run, leave a part out, or refuse in words."""

import json
from pathlib import Path

import pytest
from fabricate import make_shop
from running import kedro

pytestmark = pytest.mark.slow

N_ITEMS = 20
REFUSED = {
    "ideas": (
        "ideas.windows.min_launches=30",
        "has 30 launches of a combination of type and manufacturer that was not sold before",
        "Lower ideas.windows.min_launches, or choose other ideas.windows.cuts.",
    ),
    "cross_domain": (
        "cross_domain.departments.min_items=30",
        "None of 2 departments can be recommended from: it takes 30 items",
        "Lower cross_domain.departments.min_items",
    ),
}
"""By pipeline: a parameter as its default has it, what is too few, and what to do."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    (folder / "shop").mkdir()
    shop = make_shop(n_users=200, n_items=24)
    kept = shop["items"]["item_id"].head(N_ITEMS)
    for name, table in shop.items():
        some = table[table["item_id"].isin(kept)] if "item_id" in table else table
        some.to_parquet(folder / "shop" / f"{name}.parquet", index=False)
    done = kedro(folder, "--pipelines", "ingestion,cleaning,split,items", DOPPELCART_TRACKING="off")
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"{N_ITEMS} unchanged" in done.stdout
    return folder


@pytest.mark.parametrize("name", REFUSED)
def test_too_few_items_are_refused_in_words(home: Path, name: str) -> None:
    parameter, few, advice = REFUSED[name]
    done = kedro(home, "--pipelines", name, "--params", parameter, DOPPELCART_TRACKING="off")
    assert done.returncode != 0
    told = " ".join(done.stdout.split())
    assert few in told
    assert advice in told
    assert "Traceback" not in told


def test_a_small_graph_is_drawn_and_what_it_cannot_tell_is_said(home: Path) -> None:
    done = kedro(home, "--pipelines", "knowledge_graph", DOPPELCART_TRACKING="off")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "New items are not recommended: 0 households bought one in a window" in done.stdout
    section = home / "data/08_reporting/sections/knowledge_graph.json"
    assert json.loads(section.read_text())["failure"] == ""
