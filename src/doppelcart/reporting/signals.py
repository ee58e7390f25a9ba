"""A verdict as a colour, a shape and a word, so that none of the three is needed alone."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

Light = Literal["green", "amber", "red"]


class Signal(BaseModel):
    """How a verdict is shown.

    Attributes:
        light: Colour of a traffic light.
        shape: One character, another for every colour.
        word: The verdict where there is room.
        short: The verdict in a cell of a table.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    light: Light
    shape: str
    word: str
    short: str


def signal(light: Light, shape: str, word: str, short: str = "") -> Signal:
    """A signal; in a table it says the same as elsewhere unless told otherwise."""
    return Signal(light=light, shape=shape, word=word, short=short or word)


HELPS: Final = "helps"
NO_EVIDENCE: Final = "no evidence"
HARMS: Final = "harms"
UNDEFINED_VERDICT: Final = "undefined"

PROVEN: Final = signal("green", "\N{BLACK UP-POINTING TRIANGLE}", HELPS)
BEST_NOT_BEATEN: Final = signal(
    "amber", "\N{BLACK DIAMOND}", "helps, best not beaten", "best not beaten"
)
NOT_PROVEN: Final = signal("amber", "\N{BLACK DIAMOND}", "helps, not proven", "not proven")
NOT_USED: Final = signal("amber", "\N{BLACK SQUARE}", "no evidence, not used", "not used")
LEVEL: Final = signal("amber", "\N{BLACK SQUARE}", NO_EVIDENCE)
UNDEFINED: Final = signal("amber", "\N{WHITE SQUARE}", UNDEFINED_VERDICT)
WORSE: Final = signal("red", "\N{BLACK DOWN-POINTING TRIANGLE}", HARMS)
SAFE: Final = signal("green", "\N{BLACK UP-POINTING TRIANGLE}", "holds")
UNSAFE: Final = signal("red", "\N{BLACK DOWN-POINTING TRIANGLE}", "does not hold")

_ALL: Final = (
    PROVEN, BEST_NOT_BEATEN, NOT_PROVEN, NOT_USED, LEVEL, UNDEFINED, WORSE, SAFE, UNSAFE,
)  # fmt: skip


def of_word(word: str) -> Signal | None:
    """The signal that says a verdict by a word; None for words that are no verdict."""
    return next((signal for signal in _ALL if signal.word == word), None)
