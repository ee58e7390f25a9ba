"""An interrupted run goes on where it was."""

from pathlib import Path

import grimp
import numpy as np
import pytest

from studies import launches, stockouts
from studies.machine import PROJECT
from studies.memory import code_of, remembered


def test_what_was_made_is_not_made_again(tmp_path):
    first = remembered(tmp_path, [b"data", b"seed 0"], lambda: {"scores": np.arange(3)})
    again = remembered(tmp_path, [b"data", b"seed 0"], lambda: pytest.fail("made again"))
    np.testing.assert_array_equal(first["scores"], again["scores"])


def test_what_depends_on_something_else_is_made(tmp_path):
    for seed in range(2):
        made = remembered(tmp_path, [b"data", bytes([seed])], lambda s=seed: {"seed": np.array(s)})
        assert made["seed"] == seed


def test_a_failure_leaves_nothing_behind(tmp_path):
    with pytest.raises(ZeroDivisionError):
        remembered(tmp_path, [b"data"], lambda: {"scores": np.array(1 // 0)})
    assert not list(tmp_path.rglob("output.pkl"))
    assert remembered(tmp_path, [b"data"], lambda: "made after all") == "made after all"


class TestCodeOf:
    def of(self, folder, source):
        (folder / "module.py").write_text(source)
        return code_of(str(folder))

    @pytest.mark.parametrize(
        "same",
        [
            '"""Another word."""\n\ndef f(x):\n    """Adds."""\n    return x + 1\n',
            "def f(x):\n    return x + 1  # one more\n",
            "def f(\n    x,\n):\n    return (x + 1)\n",
        ],
    )
    def test_words_and_line_breaks_do_not_count(self, tmp_path, same):
        first = self.of(tmp_path, '"""A word."""\n\ndef f(x):\n    return x + 1\n')
        assert self.of(tmp_path, same) == first

    def test_what_is_done_counts(self, tmp_path):
        assert self.of(tmp_path, "def f(x):\n    return x + 1\n") != self.of(
            tmp_path, "def f(x):\n    return x + 2\n"
        )

    def test_code_that_is_not_there_is_an_error(self):
        with pytest.raises(FileNotFoundError):
            code_of("src/doppelcart/no_such_module.py")


WITHOUT_A_FIGURE = ("columns", "config", "data.engine", "data.schemas", "data.storage", "errors",
                    "experiment", "progress", "reading",
                    "pipelines.stockouts.params")  # fmt: skip
"""Modules that no remembered figure depends on: words, checks, intervals that are made afterwards,
how data are read that are themselves in the key, and parameters whose values are."""


@pytest.mark.parametrize(
    ("code", "done_by"),
    [
        (launches.CODE, ["new_items.nodes"]),
        (stockouts.CODE, ["stockouts.trials", "stockouts.trained_makers"]),
    ],
    ids=["launches", "stockouts"],
)
def test_all_code_behind_what_is_remembered_is_in_its_key(code, done_by):
    graph = grimp.build_graph("doppelcart", cache_dir=None)
    own = {f"doppelcart.pipelines.{module}" for module in done_by}
    behind = own.union(*map(graph.find_upstream_modules, own))
    without = tuple(f"doppelcart.{name}" for name in WITHOUT_A_FIGURE)
    paths = [Path("src", *name.split(".")) for name in behind if not name.startswith(without)]
    kept = [PROJECT / place for place in code]
    missing = [
        path
        for path in (PROJECT / f"{path}.py" for path in paths)
        if path.is_file() and not any(path == one or one in path.parents for one in kept)
    ]
    assert missing == []
