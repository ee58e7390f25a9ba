"""What is near an unknown name, wherever in a model it stands."""

import pytest
from pydantic import Field, ValidationError

from doppelcart.config.base import Parameters
from doppelcart.config.hints import did_you_mean, fault_message, fields_at, unknown


class Leaf(Parameters):
    epochs: int = Field(1, description="how often")
    from_: str | None = Field(None, alias="from", description="whence")


class Tree(Parameters):
    leaf: Leaf | None = Field(None, description="one")
    leaves: dict[str, Leaf] = Field(default_factory=dict, description="several by name")
    row: list[Leaf] = Field(default_factory=list, description="several in a row")


@pytest.mark.parametrize("path", [("leaf",), ("leaves", "oak"), ("row", 0)])
def test_fields_are_found_within_unions_mappings_and_lists(path) -> None:
    assert fields_at(Tree, path) == {"epochs", "from"}
    assert fields_at(Tree, ()) == {"leaf", "leaves", "row"}
    assert fields_at(dict[str, int], ("x",)) == set()


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"leaf": {"epoch": 1}}, "unknown; did you mean epochs?"),
        ({"leaves": {"oak": {"form": "x"}}}, "unknown; did you mean from?"),
        ({"row": [{"colour": 1}]}, "unknown; known are epochs, from"),
        ({"leaf": {"epochs": "many"}}, "Input should be a valid integer, unable to parse"),
    ],
)
def test_a_fault_is_told_in_words_of_the_model(raw, told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Tree.model_validate(raw)
    (fault,) = refused.value.errors()
    assert fault_message(fault, Tree).startswith(told)


def test_nothing_is_guessed_where_nothing_is_near() -> None:
    assert did_you_mean("gna", ["gan", "split"]) == "Did you mean gan? "
    assert did_you_mean("nothing_like_it", ["gan"]) == ""
    assert unknown("nothing_like_it", {"b", "a"}) == "unknown; known are a, b"
