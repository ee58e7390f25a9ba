"""What can be asked and what is answered, and JSON that is read without indulgence."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Final, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from doppelcart.serving.model import Evidence

MOST_ITEMS: Final = 2000
MOST_LISTED: Final = 1000
MOST_ATTRIBUTES: Final = 100

Identifier = Annotated[str, Field(min_length=1, max_length=200)]
Profile = dict[Identifier, str | int | float | bool | None]
Texts = Annotated[list[Identifier], Field(min_length=1, max_length=MOST_ITEMS)]
Attributes = Annotated[dict[Identifier, Texts], Field(max_length=MOST_ATTRIBUTES)]


class UnreadableError(Exception):
    """A body is no JSON that means one thing."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def _as_text(value: Any) -> Any:
    """A number is no time, nor is one in quotes, though it could be read as seconds of an era."""
    if isinstance(value, int | float) or (isinstance(value, str) and ":" not in value):
        raise ValueError("give a time as text, such as 2031-05-04T10:00:00Z")
    return value


Time = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_as_text)]


class Purchase(_Strict):
    """An item that somebody bought.

    Attributes:
        item_id: The item.
        time: When, with its zone; only the order of purchases could matter.
    """

    item_id: Identifier
    time: Time | None = None


class Filters(_Strict):
    """Which items may be listed.

    Attributes:
        only: By attribute of the items, such as ``department``: the values that they may have.
        without: By attribute: values that they may not have.
        exclude_items: Items that are not to be listed.
    """

    only: Attributes = {}
    without: Attributes = {}
    exclude_items: list[Identifier] = Field(default=[], max_length=MOST_ITEMS)


class Question(_Strict):
    """Somebody for whom items are asked: a known customer, a history, or only a profile.

    Attributes:
        user_id: A customer of the log.
        items: What somebody bought, who need not be known.
        profile: What else is known of them, by attribute; strategies that complete histories use
            it. Of a known customer what the log says is used instead.
        k: Items wanted.
        filters: Which items may be listed.
        explain: Whether to say what each known item brought to a score.
        deletions: Whether to say besides without which purchases an item would not be listed; the
            list is made anew for each, which takes longer.
        complete: Whether to say what the generator would complete the history with.
    """

    user_id: Identifier | None = None
    items: list[Purchase] | None = Field(default=None, max_length=MOST_ITEMS)
    profile: Profile | None = Field(default=None, max_length=MOST_ATTRIBUTES)
    k: int = Field(default=20, ge=1, le=MOST_LISTED)
    filters: Filters = Filters()
    explain: bool = False
    deletions: bool = False
    complete: bool = False

    @model_validator(mode="after")
    def _says_of_whom(self) -> Self:
        if self.user_id is not None and self.items is not None:
            raise ValueError("give user_id or items, not both")
        if self.user_id is None and self.items is None and self.profile is None:
            raise ValueError("give user_id, items or profile")
        return self


class Named(BaseModel):
    """An item or a customer, to choose from.

    Attributes:
        id: Its identifier.
        title: What it is called; for a customer, what is known of them.
    """

    id: str
    title: str


class Reason(BaseModel):
    """What a known item brought to a score.

    Attributes:
        item_id: The known item.
        title: What it is called.
        share: Its part of the score.
        weight: That as a share of all that speaks for the recommended item, 0 to 1.
    """

    item_id: str
    title: str
    share: float
    weight: float


class Reasons(BaseModel):
    """What a score is made of: the shares of the items, the others, and the base add up to it.

    Attributes:
        items: Known items that brought most, the largest share first.
        others: What all other known items brought together.
        base: What no known item brought, such as an item's popularity, and all that a generator
            completed the history with.
        relation: What the known item that is named and the recommended one have in common, such as
            ``type``; None where no item that carries a tenth is related.
        words: Why the item is recommended, in a sentence.
        without: Known items without all of which it would not be in the list; None unless it was
            asked for, beyond the first 20 items, and where no ten deletions are enough.
    """

    items: list[Reason]
    others: float
    base: float
    relation: str | None = None
    words: str
    without: list[Named] | None = None


class Listed(BaseModel):
    """A recommended item.

    Attributes:
        item_id: Its identifier.
        title: What it is called.
        score: Higher is better; of no unit, and not to be compared between strategies.
        reasons: What the score is made of; None unless it was asked for.
    """

    item_id: str
    title: str
    score: float
    reasons: Reasons | None = None


class Completed(BaseModel):
    """An item that the generator would complete a history with.

    Attributes:
        item_id: Its identifier.
        title: What it is called.
        probability: That somebody of this history has it as well, as the generator has it.
    """

    item_id: str
    title: str
    probability: float


class Used(BaseModel):
    """What made a list.

    Attributes:
        slice: Customers that it is for, by name.
        customers: These customers in words.
        recommender: Its name.
        label: The recommender as the field writes it.
        synthetic_data: What it was given of synthetic data; ``none`` for a plain recommender.
        promoted: Whether the verdict promoted it.
        admitted: Whether it uses what a plainer way generates, and is shown to help. What is
            neither is the best without synthetic data.
        completed_by: The generator that completes histories first; empty where none does.
        note: What else is to be known; empty where there is nothing.
    """

    slice: str
    customers: str
    recommender: str
    label: str
    synthetic_data: str
    promoted: bool
    admitted: bool
    completed_by: str
    note: str


class Answer(BaseModel):
    """A list, with what made it and what that is worth.

    Attributes:
        items: Best first; fewer than were asked for where no more may be listed.
        strategy: What made the list.
        evidence: What the strategy did for held-out customers of its slice.
        version: Of the model.
        known_items: Items of the catalogue that are known of the customer.
        unknown_user: Whether the customer asked for is not known, and got the list of a new one.
        unknown_items: Items of the question that are not in the catalogue, and were ignored.
        unused: Parts of the profile that the strategy does not use.
        completion: What the generator would complete the history with, most probable first; None
            unless it was asked for, or where the model holds no generator. The list is not made
            of it unless the strategy says so.
        stale_since: Since when a newer model could not be loaded; None where this is the newest.
    """

    items: list[Listed]
    strategy: Used
    evidence: Evidence | None
    version: str
    known_items: int
    unknown_user: bool
    unknown_items: list[str]
    unused: list[str]
    completion: list[Completed] | None = None
    stale_since: str | None = None


EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "a known customer": {"value": {"user_id": "1", "k": 5}},
    "somebody never seen": {
        "value": {
            "items": [
                {"item_id": "1082185", "time": "2031-05-04T10:00:00Z"},
                {"item_id": "995242"},
            ],
            "k": 5,
            "explain": True,
        }
    },
    "only a profile": {"value": {"profile": {"age": "35-44"}, "k": 5}},
}
"""A question of each kind, for the description of the interface."""


def read_json(body: bytes) -> Any:
    """The value of a JSON text, read strictly.

    Args:
        body: UTF-8.

    Raises:
        UnreadableError: It is no JSON, nests too deeply, names a key twice, holds a number that no
            double can, or a half of a character.
    """
    try:
        text = body.decode("utf-8")
        value = json.loads(
            text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnreadableError:
        raise
    except UnicodeError as error:
        raise UnreadableError("the body holds what is no UTF-8, or half a character") from error
    except RecursionError as error:
        raise UnreadableError("the body nests too deeply") from error
    except ValueError as error:
        raise UnreadableError(f"the body is no JSON: {error}") from error
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise UnreadableError("the body names a key twice")
    return found


def _no_number(name: str) -> Any:
    raise UnreadableError(f"the body holds {name}, which JSON has not")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise UnreadableError("the body holds a number that is too large")
    return value
