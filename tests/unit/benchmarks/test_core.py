"""What the benchmark of the core measures on, made and cut as it says."""

import sys

import numpy as np
import pytest

from benchmarks import core, processes
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories

ITEMS = np.array(["a", "b", "c", "d", "e"])


def histories(*rows):
    names = np.array([f"u{number}" for number in range(len(rows))])
    return Histories.from_lists([np.array(row, dtype=int) for row in rows], names, ITEMS)


def test_made_users_have_their_length_and_like_what_is_popular():
    made = core.made_histories(400, 50, 10, np.random.default_rng(0))
    assert (made.lengths == 10).all()
    assert all(len(set(made.of(user))) == 10 for user in range(400))
    counts = np.bincount(made.items, minlength=50)
    assert counts[:10].mean() > 2 * counts[-10:].mean()


def test_a_case_is_cut_to_the_kept_items_and_revealed_again_in_time_order():
    case = Case("cold_80pct", histories([0, 1, 2], [3, 1]), histories([4, 3], [0]))
    cut = core._mostly_known(case, np.array([0, 2, 3, 4]))
    assert cut.seen.item_ids.tolist() == ["a", "c", "d", "e"]
    # a c e d, of which 80 % are 3; d a, of which 1.
    assert [cut.seen.of(user).tolist() for user in range(2)] == [[0, 1, 3], [2]]
    assert [cut.relevant.of(user).tolist() for user in range(2)] == [[2], [0]]


def test_a_user_of_whom_nothing_could_be_found_leaves_the_case():
    case = Case("cold_80pct", histories([0, 1], [3, 1]), histories([2], [0]))
    assert core._mostly_known(case, np.array([0, 3])).user_ids.tolist() == ["u1"]


def test_a_commands_time_memory_and_output_are_seen(tmp_path):
    code = "import time; block = bytearray(300_000_000); time.sleep(2); print('done')"
    usage = processes.run([sys.executable, "-c", code], tmp_path / "log")
    assert usage.output == "done\n"
    assert usage.seconds > 2
    assert 0.3 < usage.peak_gb < 0.6


def test_the_memory_of_children_counts(tmp_path):
    child = "import time; block = bytearray(200_000_000); time.sleep(3)"
    code = (
        "import subprocess, sys; block = bytearray(200_000_000);"
        f"subprocess.run([sys.executable, '-c', {child!r}])"
    )
    usage = processes.run([sys.executable, "-c", code], tmp_path / "log")
    assert 0.4 < usage.peak_gb < 0.8


def test_a_command_that_fails_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="no such thing"):
        processes.run([sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path / "log")
