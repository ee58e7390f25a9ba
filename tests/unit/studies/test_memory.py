"""An interrupted run goes on where it was."""

import numpy as np
import pytest

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
