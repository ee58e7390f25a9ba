"""An interrupted run goes on where it was."""

import numpy as np
import pytest

from benchmarks.memory import remembered


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
    assert not list(tmp_path.iterdir())
