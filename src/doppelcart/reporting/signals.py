"""A verdict as a colour, a shape and a word, so that none of the three is needed alone."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from doppelcart.experiment import outcome, verdict

Light = Literal["green", "amber", "red"]


class Signal(BaseModel):
    """How a verdict is shown.

    Attributes:
        light: Colour of a traffic light.
        shape: One character, another for every colour.
        word: The verdict.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    light: Light
    shape: str
    word: str


_UP: Final = "\N{BLACK UP-POINTING TRIANGLE}"
_DOWN: Final = "\N{BLACK DOWN-POINTING TRIANGLE}"

PROVEN: Final = Signal(light="green", shape=_UP, word=outcome.HELPS)
BEST_NOT_BEATEN: Final = Signal(
    light="amber", shape="\N{BLACK DIAMOND}", word=verdict.BEST_NOT_BEATEN
)
NOT_PROVEN: Final = Signal(light="amber", shape="\N{BLACK DIAMOND}", word=verdict.NOT_PROVEN)
WORSE: Final = Signal(light="red", shape=_DOWN, word=outcome.HARMS)
LEVEL: Final = Signal(light="amber", shape="\N{BLACK SQUARE}", word=outcome.NO_EVIDENCE)
UNDEFINED: Final = Signal(light="amber", shape="\N{WHITE SQUARE}", word=outcome.UNDEFINED)
NOT_USED: Final = Signal(light="amber", shape="\N{BLACK SQUARE}", word=outcome.NOT_USED)
SAFE: Final = Signal(light="green", shape=_UP, word="holds")
UNSAFE: Final = Signal(light="red", shape=_DOWN, word="does not hold")

TOLD_FIRST: Final = (PROVEN, BEST_NOT_BEATEN, NOT_PROVEN, WORSE, LEVEL, UNDEFINED, NOT_USED)
"""Signals of verdicts, the strongest case first."""

_BY_WORD: Final = {signal.word: signal for signal in (*TOLD_FIRST, SAFE, UNSAFE)}


def of_word(word: str) -> Signal | None:
    """The signal that says a verdict by a word; None for words that are no verdict."""
    return _BY_WORD.get(word)


def of_verdict(word: str) -> Signal:
    """The signal of a verdict.

    Args:
        word: One of ``experiment.verdict.VERDICTS``.

    Raises:
        KeyError: It is none of them.
    """
    return _BY_WORD[word]
