import pandas as pd
import pytest
from rich.console import Console

from doppelcart.reporting.terminal import render

VERDICT = pd.DataFrame(
    [
        ("warm", "ease", "gan", "helps", True),
        ("warm", "ease", "vae", "no evidence", False),
        ("cold_5", "ease", "gan", "harms", False),
        ("warm", "itemknn", "vae", "helps", False),
    ],
    columns=["slice", "recommender", "arm", "verdict", "win"],
)
UPLIFT = pd.DataFrame(
    [
        ("warm", "ease", "gan", "none", 0.0512),
        ("warm", "ease", "gan", "copies", 0.9),
        ("cold_5", "ease", "gan", "none", -0.2),
        ("warm", "ease", "vae", "none", None),
    ],
    columns=["slice", "recommender", "arm", "against", "relative"],
)


def cells(verdict: pd.DataFrame, uplift: pd.DataFrame | None = None) -> dict[str, list[str]]:
    """What stands in each column, without its colours."""
    table = render(verdict, uplift)
    console = Console(width=200)
    return {
        str(column.header): [console.render_str(str(cell)).plain for cell in column.cells]
        for column in table.columns
    }


def test_a_row_is_a_slice_and_recommender_and_a_column_an_arm() -> None:
    assert cells(VERDICT) == {
        "slice": ["warm", "cold_5", "warm"],
        "recommender": ["ease", "ease", "itemknn"],
        "gan": ["helps *", "harms", ""],
        "vae": ["no evidence", "", "helps"],
    }


def test_the_change_against_no_augmentation_stands_beside_the_verdict() -> None:
    found = cells(VERDICT, UPLIFT)
    # neither the change against a control nor an undefined one
    assert found["gan"] == ["helps +5.1% *", "harms -20.0%", ""]
    assert found["vae"] == ["no evidence", "", "helps"]


@pytest.mark.parametrize("lacking", ["relative", "against", "arm"])
def test_a_table_of_uplift_without_its_columns_adds_nothing(lacking) -> None:
    assert cells(VERDICT, UPLIFT.drop(columns=lacking)) == cells(VERDICT)


def test_nothing_judged_is_a_table_without_rows() -> None:
    assert cells(VERDICT.iloc[:0]) == {"slice": [], "recommender": []}


def test_verdicts_are_coloured_apart() -> None:
    console = Console(width=200, force_terminal=True, color_system="standard")
    with console.capture() as shown:
        console.print(render(VERDICT))
    text = shown.get()
    assert "\x1b[32mhelps" in text
    assert "\x1b[31mharms" in text
