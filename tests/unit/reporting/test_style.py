"""What every figure has in common."""

import pytest

from doppelcart.reporting.style import as_text, panels


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ('7 12" PIZZA & "CO"', '7 12" PIZZA &amp; "CO"'),
        ("other's <b>", "other's &lt;b&gt;"),
    ],
)
def test_words_are_no_markup_to_plotly_and_keep_their_quotes(words, shown):
    assert as_text(words) == shown
    assert panels([words], 300).layout.annotations[0].text == shown
