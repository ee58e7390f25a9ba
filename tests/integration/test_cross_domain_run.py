"""The pipeline cross_domain over a whole shop, from log to section."""

import json
from pathlib import Path

import pandas as pd
import pytest
from fabricate import write_shop
from running import kedro

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("departments")
    write_shop(folder / "shop", "groups")
    done = kedro(
        folder, "--pipelines", "ingestion,cleaning,cross_domain", DOPPELCART_TRACKING="off"
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return folder


def test_a_shop_with_departments_gets_an_answer(home: Path) -> None:
    data = home / "data" / "08_reporting"
    sizes = pd.read_csv(data / "cross_domain_sizes.csv").set_index(["protocol", "department"])
    assert {("masked", "FOOD"), ("masked", "HOME")} <= set(sizes.index)
    section = json.loads((data / "sections/cross_domain.json").read_text())
    assert section["failure"] == ""
    assert "completion" in section["evidence"]
    differences = pd.read_csv(data / "cross_domain_differences.csv")
    place = ["protocol", "department", "arm", "against"]
    at_random = differences.set_index(place).loc["masked", "all departments", "random", "linear"]
    assert at_random["difference"] < 0


def test_a_shop_of_small_departments_is_refused_in_words(home: Path) -> None:
    params = "cross_domain.departments.min_items=1000"
    done = kedro(home, "--pipelines", "cross_domain", "--params", params, DOPPELCART_TRACKING="off")
    assert done.returncode != 0
    told = " ".join(done.stdout.split())
    assert "None of 2 departments can be recommended from" in told
    assert "Lower cross_domain.departments.min_items" in told
    assert "Traceback" not in done.stdout
