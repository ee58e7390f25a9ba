"""What cannot be judged is said to be that, with the reason, and is never fine."""

import numpy as np
import pandas as pd

from doppelcart.imaging.photographs import Photographs, ReadPictures
from doppelcart.pipelines.lookalikes.params import DetectorParams
from doppelcart.pipelines.lookalikes.picture_sorting import FINE, SUSPECT
from doppelcart.pipelines.lookalikes.product_tasks import tasks_of
from doppelcart.pipelines.lookalikes.section import unable_blocks
from doppelcart.pipelines.lookalikes.unjudged import CANNOT, unjudged, with_unjudged

PARAMS = DetectorParams(least_judged=3, least_genuine=4)


def photographs() -> pd.DataFrame:
    """Gala and fuji can be judged; of brie too few are in test, of leek too few to learn from."""
    rows = [
        (product, group, split)
        for product, group, counts in (
            ("gala", "apple", (5, 3, 4)),
            ("fuji", "apple", (5, 3, 4)),
            ("brie", "cheese", (5, 3, 2)),
            ("leek", "roots", (1, 3, 2)),
        )
        for split, n in zip(("train", "validation", "test"), counts, strict=True)
        for _ in range(n)
    ]
    table = pd.DataFrame(rows, columns=["product", "group", "split"])
    return table.assign(picture_id=[f"p{row}" for row in range(len(table))])


FEW = "of a product with too few pictures"
QUARANTINE = pd.DataFrame(
    [
        ("q1", "edam", "cheese", "test", FEW, "edam: 2, it takes 4"),
        ("q2", "edam", "cheese", "train", FEW, "edam: 2, it takes 4"),
        ("q3", "edam", "cheese", "test", "no picture", np.nan),
        ("q4", "gala", "apple", "test", "no picture", "0 bytes"),
        ("q5", "leek", np.nan, "test", "no picture", "0 bytes"),
    ],
    columns=["picture_id", "product", "group", "split", "reason", "number"],
)  # fmt: skip
FALSE = pd.DataFrame(
    {
        "picture_id": ["gala/1.png", "brie/1.png", "brie/2.png", "edam/1.png", "prada/1.png"],
        "product": ["gala", "brie", "brie", "edam", "prada"],
    }
)
CUT = pd.DataFrame(
    [
        ("gala/2.png", "gala", "damaged, such as cut off", ""),
        ("prada/2.png", "prada", "no picture", "0 bytes"),
    ],
    columns=["picture_id", "product", "reason", "number"],
)


def counterfeits(table: pd.DataFrame, quarantine: pd.DataFrame) -> ReadPictures:
    return ReadPictures(Photographs(table, np.empty(0)), quarantine, pd.DataFrame())


def found() -> pd.DataFrame:
    table = photographs()
    known = counterfeits(FALSE, CUT)
    return unjudged(table, QUARANTINE, tasks_of(table, PARAMS), known, PARAMS)


def test_products_and_counterfeits_that_nobody_can_judge_are_listed_with_the_reason() -> None:
    told = found()
    assert set(told["said"]) == {CANNOT}
    edam = (
        "no picture of it could be used: 2 of a product with too few pictures (edam: 2, it takes "
        "4); 1 no picture"
    )
    assert told[["product", "what", "pictures", "photographs", "why"]].to_numpy().tolist() == [
        ["leek", "photographs", 2, 1, "it takes 4 to learn from"],
        ["edam", "photographs", 2, 1, edam],
        [
            "brie",
            "counterfeits",
            2,
            5,
            "it takes 3 genuine photographs in test, and as many of other products of its category",
        ],
        ["edam", "counterfeits", 1, 0, edam],
        [
            "prada",
            "counterfeits",
            1,
            0,
            "there is no genuine photograph of a product of this name",
        ],
        ["gala", "counterfeits that cannot be used", 1, 5, "1 damaged, such as cut off"],
        ["prada", "counterfeits that cannot be used", 1, 0, "1 no picture (0 bytes)"],
    ]


def test_each_of_their_pictures_stands_in_the_list_and_none_is_genuine() -> None:
    ranks = pd.DataFrame(
        [
            ("p8", "gala", "apple", 3.0, FINE),
            ("p9", "gala", "apple", 0.1, SUSPECT),
            ("p38", "leek", "roots", np.nan, CANNOT),
        ],
        columns=["picture_id", "sold_as", "group", "score", "said"],
    )
    known = counterfeits(FALSE, CUT)
    told = with_unjudged(ranks, found(), QUARANTINE, known).set_index("picture_id")
    assert told["said"].to_dict() == {
        "p8": FINE,
        "p9": SUSPECT,
        **dict.fromkeys(
            ["p38", "q1", "q3", "q5", "brie/1.png", "brie/2.png", "edam/1.png", "prada/1.png"],
            CANNOT,
        ),
        **dict.fromkeys(["gala/2.png", "prada/2.png"], CANNOT),
    }
    cut = told.loc[["gala/2.png", "prada/2.png"]]
    assert cut["sold_as"].tolist() == ["gala", "prada"]
    assert cut["why"].tolist() == ["damaged, such as cut off", "no picture (0 bytes)"]
    assert (told.loc[told["said"] == CANNOT, "why"].str.len() > 10).all()
    assert told.loc[told["said"] == CANNOT, "score"].isna().all()
    assert told.loc[["p8", "p9"], "why"].tolist() == ["", ""]
    assert told.loc["p38", "why"] == "it takes 4 to learn from"
    assert told.loc[["q1", "q5", "prada/1.png"], "group"].tolist() == ["cheese", "", ""]
    assert told.loc["prada/1.png", "sold_as"] == "prada"


def test_the_section_tells_them_in_a_table_of_their_own() -> None:
    (shown,) = unable_blocks(found(), 10)
    assert shown.table.caption == "Cannot judge"
    assert {row[0] for row in shown.table.rows} == {"leek", "edam", "brie", "prada", "gala"}
    assert all(CANNOT in row for row in shown.table.rows)
    assert "no sign that a picture is genuine" in shown.table.note
    (nothing,) = unable_blocks(found().head(0), 10)
    assert nothing.text == "Every product has genuine photographs to learn from."


def test_where_all_can_be_judged_ranks_are_as_they_were() -> None:
    table = photographs()
    table = table[table["product"].isin(["gala", "fuji", "brie"])].reset_index(drop=True)
    known = counterfeits(FALSE.head(1), CUT.head(0))
    nothing = unjudged(table, QUARANTINE.head(0), tasks_of(table, PARAMS), known, PARAMS)
    assert nothing.empty
    ranks = pd.DataFrame(
        [("p8", "gala", "apple", 3.0, FINE)],
        columns=["picture_id", "sold_as", "group", "score", "said"],
    )
    told = with_unjudged(ranks, nothing, QUARANTINE, known)
    pd.testing.assert_frame_equal(told.drop(columns="why"), ranks)
