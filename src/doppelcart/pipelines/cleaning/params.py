"""Parameters of cleaning: one entry per rule."""

from typing import Literal

import duckdb
from pydantic import Field, field_validator

from doppelcart.columns import Columns
from doppelcart.config.base import Parameters


class Rule(Parameters):
    """A rule that has nothing to set but whether it applies."""

    enabled: bool = Field(default=True, description="Whether the rule applies.")


def _valid_pattern(pattern: str | None) -> str | None:
    """Refuse what is no regular expression to the engine: RE2 knows no look-ahead, for one."""
    try:
        duckdb.execute("SELECT regexp_matches('', $1)", [pattern or ""])
    except duckdb.Error as error:
        raise ValueError(f"not a regular expression of RE2: {error}") from error
    return pattern


class NonProduct(Rule):
    """Lines that are no goods: postage, fees, vouchers, samples, fuel."""

    item_pattern: str | None = Field(
        default=None, description="Regular expression that the whole item_id matches."
    )
    departments: tuple[str, ...] = Field(
        default=(), description="Departments that hold no goods, in any case of letters."
    )
    categories: tuple[str, ...] = Field(
        default=(), description="Categories that hold no goods, in any case of letters."
    )

    @field_validator("item_pattern")
    @classmethod
    def _pattern(cls, value: str | None) -> str | None:
        return _valid_pattern(value)


class Cancellation(Rule):
    """Cancelling lines, marked as such by their basket, and the lines they cancel."""

    basket_pattern: str | None = Field(
        default=None,
        description="Regular expression found in the basket_id of a cancellation, such as `^C`; "
        "without it the rule matches nothing.",
    )

    @field_validator("basket_pattern")
    @classmethod
    def _pattern(cls, value: str | None) -> str | None:
        return _valid_pattern(value)


class Outlier(Rule):
    """Values beyond exp(median + n_mads x 1.4826 x MAD) of their logarithms.

    The bound is taken over the whole log before any split; being made of two medians, it depends
    on no single row. Hampel (1974) for the median absolute deviation.
    """

    columns: tuple[Literal["quantity", "amount"], ...] = Field(
        default=(Columns.QUANTITY, Columns.AMOUNT), description="Columns that are bounded."
    )
    n_mads: float = Field(
        default=8, gt=0, description="How many scaled deviations above the median are allowed."
    )
    min_mad: float = Field(
        default=0.35,
        ge=0,
        description="Least deviation of the logarithm, natural units: more than half of a "
        "grocer's lines have quantity 1, and so no deviation at all. 0.35 is the half of log 2.",
    )


class Support(Rule):
    """The k-core: items bought by few users and users of few items teach nothing.

    Taken over the whole log, held-out users and later months included, as is usual; it decides
    which items and users take part, never what they did.
    """

    min_users_per_item: int = Field(
        default=20, ge=1, description="Least number of distinct users an item must have."
    )
    min_items_per_user: int = Field(
        default=5, ge=1, description="Least number of distinct items a user must have."
    )
    max_rounds: int = Field(
        default=50, ge=1, description="Rounds after which to stop short of the fixed point."
    )


class TextCase(Parameters):
    """How the names of departments, categories, types and brands are written."""

    case: Literal["upper", "lower", "keep"] = Field(
        default="upper", description="Case of letters, so that `Bread` and `BREAD` are one."
    )


class CleaningParams(Parameters):
    """Every rule, in the order in which they are applied; a row is taken by the first it matches.

    Lines without user, item or time are always taken (rules `missing_id`, `missing_timestamp`),
    and so are lines of an impossible moment (`implausible_time`; `ingestion` says when) and of
    infinite numbers (`not_finite`), since no later step could hold them.
    """

    non_product: NonProduct = Field(default=NonProduct(), description="Lines that are no goods.")
    cancellation: Cancellation = Field(
        default=Cancellation(), description="Cancellations and what they cancel."
    )
    returns: Rule = Field(default=Rule(), description="Lines of negative quantity.")
    non_positive_quantity: Rule = Field(
        default=Rule(), description="Lines without a positive quantity."
    )
    non_positive_amount: Rule = Field(
        default=Rule(), description="Lines without a positive amount, where the source has amounts."
    )
    duplicate: Rule = Field(
        default=Rule(), description="Lines equal to another in every column, but one of them."
    )
    outlier: Outlier = Field(default=Outlier(), description="Quantities and amounts out of bounds.")
    support: Support = Field(default=Support(), description="The k-core of items and users.")
    text: TextCase = Field(default=TextCase(), description="How category names are written.")
