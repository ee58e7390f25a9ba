"""Parameters of the new_items pipeline."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, field_validator

from doppelcart.config.base import Parameters
from doppelcart.models.text.title_config import TitleTrainingConfig

Positive = Annotated[float, Field(gt=0, le=1e6)]
Weight = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=10_000)]


class WindowsParams(Parameters):
    """Which moments of the log part what is known from what is launched after it."""

    cuts: tuple[float, ...] = Field(
        (0.5, 0.6, 0.7, 0.8, 0.9),
        min_length=1,
        description="shares of the lines before the tested windows, each of which goes on to the "
        "end of the log",
    )
    tuning_share: float = Field(
        0.2, gt=0, lt=1, description="share of the lines that each of the two windows before takes"
    )
    min_buyers_before: int = Field(
        10, ge=1, description="buyers before a window that make an item old"
    )
    min_buyers_after: int = Field(
        5, ge=1, description="buyers in a window that a new item must have to be ranked"
    )
    recent_weeks: int = Field(8, ge=1, le=520, description="weeks that count as recent")
    min_users: int = Field(
        30, ge=1, description="users who bought a new item below which a window is left out"
    )

    @field_validator("cuts")
    @classmethod
    def _are_shares(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < value < 1 for value in values):
            raise ValueError("must lie between 0 and 1")
        return tuple(sorted(set(values)))


class SystemsParams(Parameters):
    """What the plain systems choose from in the window before the tested one."""

    block_weights: dict[str, Weight] = Field(
        {}, description="weight of an attribute, or of `words`, in an item's features; else 1"
    )
    min_items: int = Field(
        2, ge=1, description="old items that must have a value for it to count as a feature"
    )
    max_runs: int = Field(
        2_000, ge=0, le=20_000, description="runs of characters that count, the commonest first"
    )
    priors: tuple[Positive, ...] = Field(
        (10.0, 50.0, 200.0), min_length=1, description="lines that a group above is worth in shares"
    )
    spreads: tuple[float, ...] = Field(
        (0.0, 0.5, 1.0),
        min_length=1,
        description="power of the number of items by which the share of a group is divided",
    )
    neighbours: tuple[Count, ...] = Field(
        (3, 5, 10, 20), min_length=1, description="old items that speak for a new one"
    )
    penalties: tuple[Positive, ...] = Field(
        (0.1, 0.3, 1.0, 3.0), min_length=1, description="penalties of the ridge regression"
    )
    l2: tuple[Positive, ...] = Field(
        (100.0, 300.0), min_length=1, description="penalties of EASE, whose scores are its target"
    )
    cease_l2: tuple[Positive, ...] = Field(
        (300.0, 1_000.0), min_length=1, description="penalties of CEASE"
    )
    feature_weights: tuple[Positive, ...] = Field(
        (100.0, 300.0, 1_000.0),
        min_length=1,
        description="what a feature counts in CEASE, where a purchase counts 1",
    )
    weights: tuple[Weight, ...] = Field(
        (0.0, 0.25, 0.5, 1.0), description="weights of what is added to the ridge; must hold 0"
    )

    @field_validator("weights")
    @classmethod
    def _holds_zero(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        return with_zero(values)

    def grid(self) -> dict[str, list[dict[str, float]]]:
        """Configurations to try, by system."""
        return {
            "popularity": [{"prior": 5.0}],
            "shares": [
                {"prior": prior, "spread": spread}
                for prior in self.priors
                for spread in self.spreads
            ],
            "neighbours": [{"neighbours": float(n)} for n in self.neighbours],
            "clicks": [{"penalty": penalty} for penalty in self.penalties],
            "ridge": [
                {"l2": l2, "penalty": penalty} for l2 in self.l2 for penalty in self.penalties
            ],
            "vectors": [
                {"l2": l2, "penalty": penalty} for l2 in self.l2 for penalty in self.penalties
            ],
            "cease": [
                {"l2": l2, "weight": weight}
                for l2 in self.cease_l2
                for weight in self.feature_weights
            ],
        }


class ImaginedParams(Parameters):
    """In which windows a generator imagines items, and how real ones are compared with them."""

    cuts: tuple[float, ...] = Field(
        (0.8,), description="cuts of new_items.windows at which generators are trained; may be none"
    )
    household_units: int = Field(
        32, ge=1, le=1_024, description="singular vectors by which a household is known"
    )
    largest_head: int = Field(
        400, ge=1, le=100_000, description="most values of an attribute that are told apart"
    )
    share_prior: Positive = Field(
        50.0, description="lines that a group above is worth in a household's share of a category"
    )
    draws: int = Field(8, ge=1, le=1_000, description="draws of the noise")
    floors: tuple[Share, ...] = Field(
        (0.02, 0.1, 0.3),
        min_length=1,
        description="what an attribute that differs counts, from which every arm chooses",
    )
    weights: tuple[Weight, ...] = Field(
        (0.0, 0.1, 0.25, 0.5, 1.0),
        description="weights beside the ridge, from which every arm chooses; must hold 0",
    )

    @field_validator("weights")
    @classmethod
    def _holds_zero(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        return with_zero(values)


class TitlesParams(Parameters):
    """In which windows a network reads titles, and how its readings are used."""

    cuts: tuple[float, ...] = Field(
        (0.8,), description="cuts of new_items.windows at which networks are trained; may be none"
    )
    units: int = Field(
        64, ge=1, le=1_024, description="singular vectors of who bought what that a title tells"
    )
    l2: tuple[Positive, ...] = Field(
        (100.0, 300.0), min_length=1, description="penalties of EASE, whose scores are passed on"
    )
    powers: tuple[Positive, ...] = Field(
        (4.0, 8.0, 16.0, 32.0),
        min_length=1,
        description="powers of the cosine by which an old item speaks for a new one; the higher, "
        "the nearer it has to be",
    )
    training: TitleTrainingConfig = Field(
        TitleTrainingConfig(), description="how the network is trained"
    )

    def grid(self) -> list[dict[str, float]]:
        """Configurations to try."""
        return [{"l2": l2, "power": power} for l2 in self.l2 for power in self.powers]


class SentencesParams(Parameters):
    """In which windows a pretrained reader of sentences reads titles; the extra `sentences`."""

    cuts: tuple[float, ...] = Field(
        (), description="cuts of new_items.windows at which titles are read so; none by default"
    )
    l2: tuple[Positive, ...] = Field(
        (100.0, 300.0), min_length=1, description="penalties of EASE, whose scores are passed on"
    )
    penalties: tuple[Positive, ...] = Field(
        (0.1, 0.3, 1.0, 3.0), min_length=1, description="penalties of the ridge"
    )

    def grid(self) -> list[dict[str, float]]:
        """Configurations to try."""
        return [{"l2": l2, "penalty": penalty} for l2 in self.l2 for penalty in self.penalties]


class ExperimentParams(Parameters):
    """How lists are judged."""

    list_length: int = Field(20, ge=1, le=1_000, description="new items per list")
    launches_listed: int = Field(
        100, ge=1, le=100_000, description="launches in the list of those that will sell"
    )
    alpha: float = Field(0.05, gt=0, lt=0.5, description="error rate over all comparisons")
    n_bootstrap: int = Field(10_000, ge=100, le=1_000_000, description="resamples of households")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of resampling and of random lists")


def with_zero(values: tuple[float, ...]) -> tuple[float, ...]:
    """Weights in order, each once.

    Raises:
        ValueError: 0 is not among them, so that nobody could do without what is weighted.
    """
    if 0 not in values:
        raise ValueError("must hold 0: what is added may be of no use")
    return tuple(sorted(set(values)))


def disagreements(models: Mapping[str, Any]) -> Iterator[str]:
    """Generators and networks for cuts at which no window opens; see ``config.agreement``."""
    windows = models.get("new_items.windows")
    for name in ("new_items.imagined", "new_items.titles", "new_items.sentences"):
        own = models.get(name)
        if not (own and windows):
            continue
        if unknown := [f"{cut:g}" for cut in own.cuts if cut not in windows.cuts]:
            yield (
                f"new_items.windows.cuts has no {', '.join(unknown)}, which cuts of {name} name; "
                f"it has {', '.join(f'{cut:g}' for cut in windows.cuts)}"
            )
