"""What the terminal says of verdicts that are none."""

import pandas as pd
from rich.console import Console

from doppelcart import verdict_table
from doppelcart.arms.comparing import COLUMNS
from doppelcart.arms.verdict import decide


def printed(verdict: pd.DataFrame, uplift: pd.DataFrame) -> str:
    console = Console(width=120, record=True, file=None, quiet=False)
    with console.capture() as captured:
        console.print(verdict_table.render(verdict, uplift))
    return " ".join(captured.get().split())


def test_where_nothing_was_compared_the_terminal_says_what_it_would_take() -> None:
    uplift = pd.DataFrame(columns=COLUMNS)
    chosen = pd.DataFrame(columns=["slice", "recommender", "arm", "knob", "config"])
    said = printed(decide(uplift, chosen, 0.05), uplift)
    assert "No verdict: evaluation.arms names no arm of the generator" in said
    assert "a win" not in said
