"""The notebooks run from top to bottom on what a finished run saved, and carry no outputs."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


LOAD = "%load_ext kedro.ipython"


def is_noise(output: nbformat.NotebookNode) -> bool:
    """Whether an output is a line of a log, plain or as Rich draws it."""
    text = output.get("text") or output.get("data", {}).get("text/plain", "")
    if output.output_type == "stream" and output.name == "stderr":
        return True
    return bool(re.search(r"\b(INFO|WARNING|DEBUG)\b", text))


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def test_there_are_three():
    assert [path.stem for path in NOTEBOOKS] == ["1_data_and_profiles", "2_generator", "3_verdict"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_is_committed(path):
    code = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert code
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_thin(path):
    """Logic belongs into the package, where it is tested."""
    for cell in read(path).cells:
        assert len(cell.source.splitlines()) <= 18
        assert "def " not in cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_any_kernel_finds_the_project(path):
    notebook = read(path)
    assert notebook.metadata.kernelspec.name == "python3"
    assert next(c for c in notebook.cells if c.cell_type == "code").source == LOAD


@pytest.mark.slow
@pytest.mark.parametrize("extension", [[], ["--ext", "kedro.ipython"]], ids=["plain", "kedro"])
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_is_quiet(path, extension, finished_run, monkeypatch):
    """By any Jupyter, and by the kernel of ``kedro jupyter lab``, which has loaded Kedro."""
    monkeypatch.setenv("KEDRO_ENV", "test")
    monkeypatch.setenv("DOPPELCART_TEST", str(finished_run))
    monkeypatch.setenv("DOPPELCART_TRACKING", "off")
    notebook = read(path)
    NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        extra_arguments=extension,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output for output in outputs if output.output_type == "execute_result"]
    assert shown
    assert not [output for output in outputs if is_noise(output)]
    loaded = [cell for cell in notebook.cells if "catalog.load(" in cell.source]
    assert len(shown) >= len(loaded) / 2
