"""What is looked at before the first node: parameters, secrets, room to write."""

import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Node, Pipeline
from kedro_datasets.pandas import ParquetDataset
from pydantic import Field, Secret

from doppelcart.config import checks, secrecy
from doppelcart.config.base import Parameters
from doppelcart.config.checks import (
    check_parameters,
    check_secrets,
    check_sources,
    check_storage,
    memory_there,
    seal_secrets,
    unread,
)
from doppelcart.datasets.source import SourceTables
from doppelcart.errors import InputError, ParameterError, StorageError


class Inner(Parameters):
    key: Secret[int] | None = None
    steps: int = Field(3, ge=1)


class Outer(Parameters):
    inner: Inner = Inner()
    name: str = "x"


def first(params: Outer) -> str:
    return params.name


def second(params: Outer) -> str:
    return params.name


PIPELINES = {
    "first": Pipeline([Node(first, "params:shop.train", "made", name="first")]),
    "second": Pipeline([Node(second, "params:shop.test", "tested", name="second")]),
}
GOOD = {"shop": {"train": {"inner": {"steps": 1}}, "test": {"name": "y"}}}


def problems(raw: dict[str, Any]) -> list[str]:
    with pytest.raises(ParameterError) as refused:
        check_parameters(raw, PIPELINES)
    return [line for line in str(refused.value).splitlines() if line.startswith("  - ")]


class TestParameters:
    def test_good_ones_pass(self):
        assert check_parameters(GOOD, PIPELINES) is None

    def test_all_problems_of_all_pipelines_are_listed(self):
        raw = {
            "shop": {
                "train": {"inner": {"steps": 0}, "nmae": "z"},
                "test": {"name": 5},
                "tset": {},
            },
            "other": 1,
        }
        assert problems(raw) == [
            "  - shop.tset: unknown; did you mean shop.test? known are shop.test, shop.train",
            "  - other: unknown; known are shop",
            "  - shop.test.name: Input should be a valid string (given: 5)",
            "  - shop.train.inner.steps: Input should be greater than or equal to 1 (given: 0)",
            "  - shop.train.nmae: unknown; did you mean name? (given: 'z')",
        ]

    def test_a_long_value_is_cut(self):
        (line,) = problems({"shop": {"train": {"inner": {"steps": "9" * 50 + "x" * 500}}}})
        assert len(line) < 200

    @pytest.mark.parametrize(
        "inner",
        [
            {"key": "k4711"},
            {"kye": 4711},
            {"key": {"value": 4711}},
            4711,
            [4711],
            {"key": [4711], "kee": 4711},
        ],
    )
    def test_what_could_be_a_secret_is_not_repeated(self, inner):
        assert not any("4711" in line for line in problems({"shop": {"train": {"inner": inner}}}))


class TestSecrets:
    def test_they_are_found_within_models(self):
        names = secrecy.secret_names({"shop.train": Outer, "plain": int})
        assert names == {"shop.train.inner.key"}

    def test_only_they_are_sealed_and_a_model_still_takes_them(self):
        raw = {"shop": {"train": {"inner": {"key": 4711, "steps": 2}}}, "key": 1}
        sealed = seal_secrets(raw, PIPELINES)
        assert "4711" not in repr(sealed)
        assert sealed["key"] == 1
        assert sealed["shop"]["train"]["inner"]["steps"] == 2
        model = Outer(**sealed["shop"]["train"])
        assert model.inner.key.get_secret_value() == 4711
        assert seal_secrets(sealed, PIPELINES) == sealed
        assert raw["shop"]["train"]["inner"]["key"] == 4711

    def test_none_given_stays_none(self):
        assert seal_secrets({"shop": {"train": {"inner": {"key": None}}}}, PIPELINES) == {
            "shop": {"train": {"inner": {"key": None}}}
        }

    def test_one_that_is_missing_is_asked_for_by_its_variable(self):
        with pytest.raises(ParameterError, match=r"DOPPELCART_SHOP_TRAIN_INNER_KEY=\$\(python"):
            check_secrets({"shop.train": Outer()})

    def test_one_that_is_there_passes(self):
        given = Outer(inner=Inner(key=4711))
        assert check_secrets({"shop.train": given, "plain": 3}) is None


class TestStorage:
    def test_a_folder_is_made_and_nothing_left_in_it(self, tmp_path: Path):
        check_storage(tmp_path / "a" / "b", 0)
        assert list((tmp_path / "a" / "b").iterdir()) == []

    def test_a_file_in_the_way_is_named(self, tmp_path: Path):
        (tmp_path / "file").touch()
        with pytest.raises(StorageError, match=r"file/data cannot be written.*Nothing has run"):
            check_storage(tmp_path / "file" / "data", 0)

    def test_room_is_measured_in_gigabytes(self, tmp_path: Path, monkeypatch):
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10e9, 8e9, 2e9))
        assert check_storage(tmp_path, 2.0) is None
        with pytest.raises(StorageError, match=r"has 2\.00 GB left and a run needs 2\.5 GB"):
            check_storage(tmp_path, 2.5)


def test_every_secret_of_the_project_can_be_given_by_its_variable():
    from parameter_names import PROJECT, models

    configured = "".join(
        path.read_text() for path in (PROJECT / "conf/base").glob("*/parameters.yml")
    )
    names = secrecy.secret_names(models())
    assert "private.training.seed" in names
    for name in names:
        assert f"${{env:{secrecy.variable_of(name)}}}" in configured, name


class TestMemory:
    def test_what_is_given_counts_whatever_the_machine_has(self):
        assert memory_there(0.5) == 0.5e9

    @pytest.mark.parametrize("text", ["max\n", "999999999999999999\n", None])
    def test_without_a_limit_it_is_most_of_the_machines(self, tmp_path, monkeypatch, text):
        file = tmp_path / "memory.max"
        if text is not None:
            file.write_text(text)
        monkeypatch.setattr(checks, "CONTAINER", file)
        monkeypatch.setattr(checks.os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 10}.get)
        assert memory_there() == pytest.approx(0.9 * 40_960)

    def test_a_container_has_less(self, tmp_path, monkeypatch):
        (tmp_path / "memory.max").write_text("1000000\n")
        monkeypatch.setattr(checks, "CONTAINER", tmp_path / "memory.max")
        assert memory_there() == pytest.approx(900_000)


def test_files_of_a_source_that_another_run_makes_are_told_with_that_run(tmp_path):
    made, given = tmp_path / "lines.parquet", tmp_path / "ratings.csv"
    catalog = DataCatalog(
        {
            "prm_lines": ParquetDataset(filepath=str(made)),
            "raw_lines": SourceTables(
                files={"lines": {"path": str(made)}, "ratings": {"path": str(given)}},
                declared="ratings",
            ),
        }
    )
    pipelines = {
        "cleaning": Pipeline([Node(lambda: 1, None, "prm_lines", name="clean")]),
        "fakes": Pipeline([Node(lambda lines: lines, "raw_lines", "suspects", name="look")]),
    }
    with pytest.raises(InputError) as refused:
        check_sources(["raw_lines", "params:x"], catalog, pipelines)
    told = str(refused.value)
    assert f"lines: {made} is not there" in told
    assert f"ratings: {given} is not there" in told
    assert told.endswith("`kedro run --pipelines cleaning` makes them. Nothing has run.")
    made.write_bytes(b"")
    with pytest.raises(InputError) as refused:
        check_sources(["raw_lines"], catalog, pipelines)
    assert "kedro run" not in str(refused.value)
    given.write_text("a")
    check_sources(["raw_lines"], catalog, pipelines)


@pytest.mark.parametrize(
    ("given", "idle"),
    [
        ("gan.training.epochs", False),  # within what is read
        ("gan.training", False),
        ("gan", False),  # holds what is read
        ("gan.train", True),  # begins alike, and is another
        ("gan.network.width", True),
    ],
)
def test_a_parameter_is_read_by_itself_within_a_model_or_as_the_whole_of_one(given, idle):
    assert unread([given], ["gan.training"]) == [given] * idle
