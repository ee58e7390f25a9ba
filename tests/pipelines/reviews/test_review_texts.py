"""Reviews are read, and what nothing can be learnt from is refused in words."""

import re

import ibis
import numpy as np
import pandas as pd
import pytest

from doppelcart.errors import InputError
from doppelcart.pipelines.reviews.nodes import read_labelled
from doppelcart.pipelines.reviews.params import ReviewListParams, ReviewParams
from doppelcart.pipelines.reviews.review_labels import fault_of_labels, labels_of
from doppelcart.pipelines.reviews.review_texts import (
    GENERATED,
    format_of,
    is_marked,
    parts_of,
    plain_text,
    read_reviews,
)
from doppelcart.pipelines.reviews.text_detectors import suspects_table
from doppelcart.reading.declared_table import DeclaredTable

FILE = "labelled_reviews: files: reviews: mine.csv"


def read(frame):
    return read_reviews(ibis.memtable(frame), ReviewParams(), FILE)


def number_of(counts, what):
    return int(counts.set_index("what").loc[what, "number"])


def test_tags_and_links_are_no_words():
    assert plain_text("<p>Fine  room</p> see https://x.org/a www.y.org") == "Fine room see"


def test_empty_and_html_only_reviews_are_left_out_and_counted(reviews):
    frame = reviews()
    frame.loc[:2, "text"] = ["", "<br><img src='x'>", "https://nothing.here"]
    kept, counts = read(frame)
    assert number_of(counts, "reviews without words") == 3
    assert len(kept) == len(frame) - 3


def test_a_label_of_one_place_is_refused(reviews):
    frame = reviews(n_places=6, each=30)
    words = r"are to be judged by what others teach, and all \d+ others are genuine: a label of one"
    with pytest.raises(InputError, match=words):
        read(frame.assign(deceptive=frame["place"] == "p0"))


def test_each_part_of_the_places_is_judged_by_both_labels_of_others(reviews):
    frame = reviews(n_places=6, each=10)
    parts = parts_of(frame, 3)
    assert sorted(np.concatenate([judged for _, judged in parts])) == list(range(60))
    for others, judged in parts:
        assert not set(frame["place"].iloc[others]) & set(frame["place"].iloc[judged])
    with pytest.raises(InputError, match="is all of p0, and it takes another place"):
        parts_of(frame.head(10), 3)
    with pytest.raises(InputError, match=r"10 reviews of p0 .* all 10 others are deceptive"):
        parts_of(frame.head(20).assign(deceptive=np.arange(20) > 0), 2)


def test_foreign_reviews_are_left_out_and_counted(reviews):
    frame = reviews()
    frame.loc[0, "text"] = "das Zimmer war laut und die Heizung kalt"
    _, counts = read(frame)
    assert number_of(counts, "reviews in another language") == 1


def test_many_bad_reviews_are_refused(reviews):
    frame = reviews()
    frame.loc[:99, "text"] = "<br>"
    with pytest.raises(InputError, match="reviews without words: 100 of 400"):
        read(frame)


def test_a_text_is_never_learnt_from_and_judged(reviews):
    frame = reviews()
    frame.loc[300, "text"] = frame.loc[4, "text"]
    kept, counts = read(frame)
    assert number_of(counts, "texts that stand there more than once") == 1
    assert not kept["text"].duplicated().any()


def test_a_review_is_told_by_its_row_whatever_is_left_out_before_it(reviews):
    frame = reviews().drop(columns="review")
    frame.loc[5, "text"] = "<br>"
    frame.loc[9, "text"] = "das Zimmer war laut und die Heizung kalt"
    frame.loc[12, "text"] = frame.loc[2, "text"]
    frame.loc[20, "place"] = None
    kept, _ = read(frame)
    assert sorted(set(range(1, 401)) - set(kept["review"])) == [6, 10, 13, 21]
    for name, text in zip(kept["review"], kept["text"], strict=True):
        assert frame.loc[name - 1, "text"] == text
    listed = suspects_table(kept, np.arange(len(kept))[::-1], ReviewListParams()).set_index(
        "review"
    )
    assert set(listed.index) == set(kept["review"])
    assert (listed["about"] == frame["place"].iloc[listed.index - 1].to_numpy()).all()


def test_a_review_is_told_by_its_name_where_it_has_one(reviews):
    frame = reviews().drop(columns="review")
    frame["review_id"] = [f"r{n:03}" for n in range(len(frame))]
    frame.loc[5, "text"] = ""
    kept, _ = read(frame)
    assert kept["review"].tolist() == [f"r{n:03}" for n in range(400) if n != 5]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("r000", "1 of 400 have the review_id of another, such as r000"),
        (None, "1 of 400 have no review_id"),
    ],
)
def test_names_that_name_no_single_review_are_refused(reviews, name, told):
    frame = reviews()
    frame["review_id"] = [f"r{n:03}" for n in range(len(frame))]
    frame.loc[7, "review_id"] = name
    with pytest.raises(InputError, match=told):
        read(frame)


@pytest.mark.parametrize(
    ("true", "false"),
    [
        (True, False),
        (1, 0),
        (1.0, 0.0),
        ("true", "false"),
        ("Yes", "NO"),
        (" 1", "0"),
        ("1.0", "0.0"),
    ],
)
def test_labels_are_read_as_what_they_say(reviews, true, false):
    frame = reviews()
    kept, counts = read(frame.assign(deceptive=frame["deceptive"].map({True: true, False: false})))
    assert kept["deceptive"].dtype == bool
    assert kept["deceptive"].tolist() == frame["deceptive"].tolist()
    assert number_of(counts, "reviews without label or place") == 0


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (
            "truthful",
            r"column deceptive: 200 of 400 values are neither .* such as 'truthful'\. Give",
        ),
        ("2", r"column deceptive: 200 of 400 values are neither .* such as '2'\. Give"),
    ],
)
def test_labels_that_say_neither_are_refused(reviews, other, told):
    frame = reviews()
    said = frame["deceptive"].map({True: "yes", False: other})
    with pytest.raises(InputError, match=told) as caught:
        read(frame.assign(deceptive=said))
    assert "from labelled_reviews: files: reviews: mine.csv." in str(caught.value)
    assert "reviews without label" not in str(caught.value)


def test_many_values_are_shown_in_part():
    labels = pd.Series([f"kind {n}" for n in range(9)], name="deceptive")
    said, unknown = labels_of(labels)
    assert said.isna().all()
    told = fault_of_labels(labels, unknown)
    assert "9 of 9 values" in told
    assert "'kind 4' and 4 more" in told
    assert "'kind 5'" not in told


def test_empty_labels_are_no_labels(reviews):
    frame = reviews()
    said = frame["deceptive"].map({True: "yes", False: "no"})
    said[3], said[4] = "", None
    kept, counts = read(frame.assign(deceptive=said))
    assert number_of(counts, "reviews without label or place") == 2
    assert len(kept) == 398


def test_a_text_with_both_labels_is_left_out_and_counted(reviews):
    frame = reviews()
    frame.loc[[301, 302], "text"] = frame.loc[4, "text"]
    frame.loc[7, "text"] = frame.loc[9, "text"]
    assert frame.loc[[4, 301, 302], "deceptive"].tolist() == [True, False, True]
    kept, counts = read(frame)
    assert number_of(counts, "contradicting labels") == 3
    assert number_of(counts, "texts that stand there more than once") == 1
    assert sorted(set(range(1, 401)) - set(kept["review"])) == [5, 10, 302, 303]


def test_many_contradictions_are_refused(reviews):
    frame = reviews()
    frame.loc[1:59:2, "text"] = frame.loc[0:58:2, "text"].to_numpy()
    with pytest.raises(InputError, match="contradicting labels: 60 of 400"):
        read(frame)


def test_one_class_is_refused(reviews):
    with pytest.raises(InputError, match="400 are deceptive and 0 are not"):
        read(reviews().assign(deceptive=True))


def test_one_place_is_refused(reviews):
    with pytest.raises(InputError, match="they are of 1 places, and it takes 5"):
        read(reviews().assign(place="here"))


def test_labels_that_format_tells_are_refused(reviews):
    frame = reviews()
    loud = np.where(frame["deceptive"], frame["text"].str.upper(), frame["text"])
    with pytest.raises(InputError, match=r"digits alone tell the labels \(AUC 1.00\)"):
        read(frame.assign(text=loud))


@pytest.mark.parametrize(
    "before",
    [
        "",
        "  ",
        "\n",
        "\t\r\n",
        "<p>",
        "<br/>\n<b> ",
        "\ufeff",
        "&nbsp;",
        "&lt;p&gt; ",
        '"',
        "http://x.org ",
    ],
)
@pytest.mark.parametrize("mark", [GENERATED, "[Generated]", "[GENERATED]", "[ generated ]"])
def test_a_mark_is_seen_behind_what_is_not_shown(before, mark):
    assert is_marked(f"{before}{mark} A room.")


@pytest.mark.parametrize("text", ["The [generated] key.", "generated", "", "[generate] a", "<p>"])
def test_what_begins_with_no_mark_is_not_marked(text):
    assert not is_marked(text)


@pytest.mark.parametrize("before", ["", " ", "\n", "<p>"])
def test_marked_texts_are_refused(reviews, before):
    frame = reviews()
    frame.loc[0, "text"] = f"{before}{GENERATED.upper()} {frame.loc[0, 'text']}"
    with pytest.raises(InputError, match=r"1 of 400 begin with \[generated\]"):
        read(frame)


def test_missing_columns_are_named(reviews):
    with pytest.raises(InputError, match="they have no column deceptive"):
        read(reviews().drop(columns="deceptive"))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda frame: frame.drop(columns="place"),
        lambda frame: frame.assign(text=""),
        lambda frame: frame.assign(text="[generated] " + frame["text"]),
        lambda frame: frame.assign(deceptive="truthful"),
        lambda frame: frame.assign(review_id="the same"),
        lambda frame: frame.assign(place="here"),
        lambda frame: frame.head(0),
    ],
)
def test_every_refusal_names_the_file(reviews, wrong):
    with pytest.raises(InputError, match=f"cannot be learnt from {FILE}\\. Correct the file"):
        read(wrong(reviews()))


def test_the_file_of_the_declaration_is_named(tmp_path):
    path = tmp_path / "said.csv"
    path.write_text("text,place\na,b\n")
    raw = ibis.duckdb.connect().read_csv(path, table_name="said")
    source = DeclaredTable(
        name="mine",
        files={"said": {"path": str(path)}},
        table={"from": "said", "columns": {"text": "text", "place": "place"}},
    )
    with pytest.raises(InputError, match=re.escape(f"files: said: {path}")):
        read_labelled({"said": raw}, source, ReviewParams())


def test_format_by_hand():
    found = format_of(["Ab 1!"])[0]
    np.testing.assert_allclose(found, [np.log(6), 0.2, 0.2, 0.2, 2.5])


def test_known_figures_are_met(shared_data):
    from doppelcart.pipelines.reviews.text_detectors import detectors_table

    frame = pd.read_csv(shared_data("opspam") / "deceptive-opinion.csv")
    told = frame.assign(place=frame["hotel"], deceptive=frame["deceptive"] == "deceptive")
    kept, counts = read(told[["text", "deceptive", "place"]])
    assert number_of(counts, "texts that stand there more than once") == 4
    table = detectors_table(kept, 5, 0).set_index("by")
    assert table.loc["words", "low"] < 0.8925 < table.loc["words", "high"]
    assert table.loc["format alone", "accuracy"] == pytest.approx(0.699, abs=0.01)
