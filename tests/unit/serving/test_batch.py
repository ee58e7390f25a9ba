"""Lists of all customers are those that the server gives each, however often one starts."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from doppelcart.errors import RequestError, StorageError
from doppelcart.serving import batch
from doppelcart.serving.answers import answer
from doppelcart.serving.commands import recommend
from doppelcart.serving.model import Customers, Model
from doppelcart.serving.questions import Question

DIGEST = "a" * 64


@pytest.fixture
def many(model: Model, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A thousand customers of up to four items, scored seven at once, a hundred per file."""
    monkeypatch.setattr(batch, "BATCH_USERS", 7)
    monkeypatch.setattr(batch, "USERS_PER_FILE", 100)
    bought = np.random.default_rng(0).random((1000, 4)) < 0.4
    ids = np.array([f"{user:04d}" for user in range(1000)])
    indptr = np.concatenate([[0], np.cumsum(bought.sum(axis=1))])
    customers = Customers(ids, indptr, np.nonzero(bought)[1].astype(np.int32))
    return Model(model.catalogue, customers, model.strategies, {})


def test_every_customer_gets_what_the_server_answers(many: Model, tmp_path: Path) -> None:
    assert batch.recommend_all(many, DIGEST, tmp_path, 3) == 10
    table = pd.read_parquet(sorted(tmp_path.glob("*.parquet")))
    assert list(table) == ["user_id", "rank", "item_id", "score", "title"]
    lists = {name: rows.sort_values("rank") for name, rows in table.groupby("user_id")}
    for name in many.customers.ids:
        expected = answer(many, Question(user_id=str(name), k=3), "1").items
        if not expected:
            assert name not in lists
            continue
        rows = lists[name]
        assert rows["rank"].tolist() == list(range(1, len(expected) + 1))
        assert rows["item_id"].tolist() == [item.item_id for item in expected]
        assert rows["title"].tolist() == [item.title for item in expected]
        assert rows["score"].tolist() == [item.score for item in expected]


def test_a_second_start_goes_on_where_the_first_one_stopped(
    many: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, write = [], batch._write

    def fails_at_the_fourth(path: Path, *args: object) -> None:
        if len(made) == 3:
            raise OSError(28, "No space left on device")
        made.append(path.name)
        write(path, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(batch, "_write", fails_at_the_fourth)
    with pytest.raises(OSError, match="No space left"):
        batch.recommend_all(many, DIGEST, tmp_path, 3)
    monkeypatch.setattr(batch, "_write", write)
    assert batch.recommend_all(many, DIGEST, tmp_path, 3) == 7
    assert batch.recommend_all(many, DIGEST, tmp_path, 3) == 0
    assert len(list(tmp_path.glob("part-*.parquet"))) == 10


def test_a_full_disk_leaves_no_half_file(
    many: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(batch.os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        batch.recommend_all(many, DIGEST, tmp_path, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["_made_by.txt"]


def test_lists_of_another_model_are_not_mixed(many: Model, tmp_path: Path) -> None:
    batch.recommend_all(many, DIGEST, tmp_path, 3)
    for digest, k in (("b" * 64, 3), (DIGEST, 2)):
        with pytest.raises(RequestError, match="another model, or of another length"):
            batch.recommend_all(many, digest, tmp_path, k)


def test_the_command_writes_the_lists_of_what_is_released(
    model: Model, publish: Callable[[Model], Path], tmp_path: Path
) -> None:
    arguments = ["--release", str(publish(model)), "--out", str(tmp_path / "lists"), "-k", "2"]
    done = CliRunner().invoke(recommend, arguments)
    assert done.exit_code == 0, done.output
    assert "3 customers, 1 files written" in done.output
    table = pd.read_parquet(tmp_path / "lists/part-00000.parquet")
    assert table[table["user_id"] == "ann"]["item_id"].tolist() == ["butter", "jam"]
    absent = CliRunner().invoke(recommend, ["--release", "nowhere.json", "--out", "lists"])
    assert (absent.exit_code, "does not exist" in absent.output) == (1, True)
