"""The pipelines items and knowledge_graph over a whole shop, from log to section."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fabricate import write_shop
from running import PROJECT, kedro

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graph")
    write_shop(folder / "shop", "groups")
    pipelines = "ingestion,cleaning,split,items,knowledge_graph"
    done = kedro(folder, "--pipelines", pipelines, DOPPELCART_TRACKING="off")
    assert done.returncode == 0, done.stdout[-3000:]
    return folder


def test_a_shop_gets_a_graph_and_an_answer(home: Path) -> None:
    edges = pd.read_parquet(home / "data/07_model_output/knowledge_graph_edges.parquet")
    assert edges.columns.tolist() == ["src", "dst", "relationship"]
    assert {"has_type", "is_coupon_for", "bought_with"} <= set(edges["relationship"])
    section = json.loads((home / "data/08_reporting/sections/knowledge_graph.json").read_text())
    assert section["failure"] == ""
    assert "knowledge" in section["evidence"]


def test_networkx_reads_the_edge_list_as_the_readme_says(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = PROJECT / "src/doppelcart/pipelines/knowledge_graph/README.md"
    (example,) = re.findall(r"```py\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(home)
    found: dict[str, Any] = {}
    exec(example, found)
    edges, graph = found["edges"], found["graph"]
    assert graph.number_of_edges() == len(edges)
    assert set(graph) == {*edges["src"], *edges["dst"]}
    first = edges.iloc[0]
    told = graph.get_edge_data(first["src"], first["dst"]).values()
    assert first["relationship"] in {edge["relationship"] for edge in told}


def test_a_relation_that_is_not_there_is_refused_in_words(home: Path) -> None:
    params = "knowledge_graph.graph.relations=[made_of]"
    done = kedro(
        home, "--pipelines", "knowledge_graph", "--params", params, DOPPELCART_TRACKING="off"
    )
    assert done.returncode != 0
    told = " ".join(done.stdout.split())
    assert "The graph has no relation made_of; it has bought_with" in told
    assert "Traceback" not in done.stdout
