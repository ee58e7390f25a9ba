"""An artefact comes back as it was written, or not at all."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from serving_model import make_completer

from doppelcart.errors import InputError, StorageError
from doppelcart.serving import artefact
from doppelcart.serving.model import Customers, Model, slice_for
from doppelcart.serving.scorer import histories_of


@pytest.fixture
def written(model: Model, tmp_path: Path) -> tuple[Path, str]:
    folder = tmp_path / "model"
    return folder, artefact.write(model, folder)


def test_a_model_comes_back_as_it_was_written(model: Model, written: tuple[Path, str]) -> None:
    again = artefact.read(*written)
    assert again.catalogue == model.catalogue
    assert again.lineage == model.lineage
    assert again.customers.ids.tolist() == ["ann", "bob", "eve"]
    assert again.customers.of(1).tolist() == [0, 1]
    assert list(again.strategies) == list(model.strategies)
    seen = histories_of([np.array([0, 2]), np.array([1])], 4)
    for name, strategy in model.strategies.items():
        assert again.strategies[name].facts == strategy.facts
        np.testing.assert_array_equal(
            again.strategies[name].system.scorer.score(seen), strategy.system.scorer.score(seen)
        )


def test_a_generator_comes_back_and_an_artefact_may_lack_it(
    model: Model, written: tuple[Path, str], tmp_path: Path
) -> None:
    assert artefact.read(*written).completers == {}
    completer = make_completer()
    folder = tmp_path / "with"
    again = artefact.read(
        folder, artefact.write(replace(model, completers={"gan": completer}), folder)
    )
    assert list(again.completers) == ["gan"]
    seen = histories_of([np.array([0, 2])], 4)
    found = again.completers["gan"].probabilities(seen)
    np.testing.assert_array_equal(found, completer.probabilities(seen))


def test_a_generator_of_another_catalogue_is_refused(model: Model) -> None:
    completer = make_completer()
    other = replace(completer, encoder=np.ones((5, 2), np.float32))
    with pytest.raises(InputError, match="histories of 5 items, and the catalogue has 4"):
        replace(model, completers={"gan": other})


def test_nothing_in_it_is_pickled_and_nothing_is_left_beside_it(written: tuple[Path, str]) -> None:
    folder, _ = written
    assert {path.suffix for path in folder.iterdir()} == {".npy", ".json"}
    for path in folder.glob("*.npy"):
        np.load(path, allow_pickle=False)
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_the_same_model_has_the_same_digest(
    model: Model, written: tuple[Path, str], tmp_path: Path
) -> None:
    assert artefact.write(model, tmp_path / "other") == written[1]


@pytest.mark.parametrize("name", ["system0.weights.npy", "items.json", "customers.npy"])
def test_one_flipped_byte_is_refused(written: tuple[Path, str], name: str) -> None:
    path = written[0] / name
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    with pytest.raises(StorageError, match=f"1 of .* {name} has another content"):
        artefact.read(*written)


def test_a_truncated_file_is_refused(written: tuple[Path, str]) -> None:
    path = written[0] / "histories.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StorageError, match=r"histories.npy has \d+ bytes, not \d+"):
        artefact.read(*written)


def test_two_files_swapped_are_refused(written: tuple[Path, str]) -> None:
    first, second = written[0] / "system0.prior.npy", written[0] / "system0.weights.npy"
    first.rename(written[0] / "aside")
    second.rename(first)
    (written[0] / "aside").rename(second)
    with pytest.raises(StorageError, match="2 of"):
        artefact.read(*written)


def test_a_missing_and_an_extra_file_are_refused(written: tuple[Path, str]) -> None:
    (written[0] / "indptr.npy").rename(written[0] / "more.npy")
    with pytest.raises(StorageError, match=r"more\.npy should not.* indptr\.npy is missing"):
        artefact.read(*written)


def test_a_manifest_that_was_changed_with_its_file_is_refused(written: tuple[Path, str]) -> None:
    folder, digest = written
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "items.json").write_text("{}")
    manifest["files"]["items.json"] = artefact._file(folder / "items.json").model_dump()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StorageError, match="is not the one that was asked for"):
        artefact.read(folder, digest)


def test_no_manifest_and_another_format_are_refused(written: tuple[Path, str]) -> None:
    folder, digest = written
    text = (folder / "manifest.json").read_bytes()
    newer = text.replace(b'"format": 2', b'"format": 9')
    (folder / "manifest.json").write_bytes(newer)
    with pytest.raises(StorageError, match="format 9; this version reads 2"):
        artefact.check(folder, artefact._file(folder / "manifest.json").sha256)
    (folder / "manifest.json").write_bytes(b"{}")
    with pytest.raises(StorageError, match="cannot read"):
        artefact.check(folder, artefact._file(folder / "manifest.json").sha256)
    (folder / "manifest.json").unlink()
    with pytest.raises(StorageError, match=r"no manifest\.json"):
        artefact.check(folder, digest)


def test_an_artefact_is_never_written_over(model: Model, written: tuple[Path, str]) -> None:
    with pytest.raises(StorageError, match="never written over"):
        artefact.write(model, written[0])


def test_a_full_disk_leaves_nothing(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(artefact, "_flush", full)
    with pytest.raises(StorageError, match="No space left on device"):
        artefact.write(model, tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []


def test_customers_are_found_by_the_whole_of_their_name(model: Model) -> None:
    assert model.customers.find("bob") == 1
    for name in ("bo", "bobby", "bob\0", "zoe", "", "\0", "x" * 10_000):
        assert model.customers.find(name) is None, name
    nobody = Customers(np.array([], dtype=str), np.array([0]), np.array([], dtype=np.int32))
    assert nobody.find("bob") is None


@pytest.mark.parametrize(
    ("n_known", "returning", "expected"),
    [(0, False, "cold_0"), (0, True, "cold_0"), (1, False, "cold_1"), (4, False, "cold_1"),
     (5, False, "cold_5"), (900, False, "cold_5"), (1, True, "warm"), (900, True, "warm")],
)  # fmt: skip
def test_how_much_is_known_decides_what_serves(
    model: Model, n_known: int, returning: bool, expected: str
) -> None:
    assert model.strategy(n_known, returning=returning).facts.slice == expected


def test_where_slices_are_few_somebody_serves_all() -> None:
    assert slice_for(0, ("warm",), returning=False) == "warm"
    assert slice_for(3, ("cold_5", "cold_80pct"), returning=True) == "cold_5"
    assert slice_for(3, ("cold_80pct",), returning=False) == "cold_80pct"


def test_a_model_that_could_not_answer_is_refused(model: Model) -> None:
    with pytest.raises(InputError, match="at least one strategy"):
        Model(model.catalogue, model.customers, {}, {})
    short = type(model.catalogue)(["bread"], ["Rye bread"], {})
    with pytest.raises(InputError, match="4 of 4 strategies"):
        Model(short, model.customers, model.strategies, {})
