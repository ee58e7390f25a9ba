"""A card says all that it has to say, or is refused."""

import pytest

from doppelcart.reporting.model_card import FIELDS, as_page, card

TOLD = dict.fromkeys(FIELDS, "a sentence") | {"controls": ("one", "two")}


def test_a_card_has_every_field_in_order():
    said = card("a detector", TOLD)
    assert list(said) == ["model", *FIELDS]
    page = as_page(said)
    assert page.startswith("# Model card: a detector\n\n## Purpose\n\na sentence\n")
    assert "## Controls\n\n- one\n- two\n" in page


def test_a_card_that_lacks_something_is_refused():
    with pytest.raises(ValueError, match="the card of x lacks, or does not know, licence"):
        card("x", {field: told for field, told in TOLD.items() if field != "licence"})
