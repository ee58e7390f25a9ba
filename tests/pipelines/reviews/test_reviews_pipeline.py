"""The whole pipeline on the example, from rows to section and card."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from doppelcart.models.text.coordinate_config import CoordinateConfig
from doppelcart.models.text.writing_config import WritingConfig
from doppelcart.pipelines.reviews import create_pipeline, lies_or_generated, review_trials
from doppelcart.pipelines.reviews.list_quality import list_quality
from doppelcart.pipelines.reviews.nodes import drawers_of, list_reviews, reader_of
from doppelcart.pipelines.reviews.params import (
    FakeReviewParams,
    LabelParams,
    ReviewListParams,
    ReviewParams,
)
from doppelcart.pipelines.reviews.review_card import describe_detector
from doppelcart.pipelines.reviews.review_design import (
    COPIES,
    GAN,
    GAN_TEXT,
    GRU_TEXT,
    MARKOV,
    MIXUP,
    NONE,
    ORACLE,
    PHRASES,
    SELF_TRAINING,
    WITHOUT_CRITIC,
    WORD_CHANGES,
    declare,
)
from doppelcart.pipelines.reviews.review_texts import CONTRADICTING, GENERATED
from doppelcart.pipelines.reviews.section import _contradictions, accuracy_in_words
from doppelcart.pipelines.reviews.text_makers import unmarked
from doppelcart.reading.declared_table import DeclaredTable
from doppelcart.reporting.blocks import Skipped
from doppelcart.reporting.params import ReportingParams

EXAMPLE = Path(__file__).resolve().parents[3] / "docs/examples/reviews/reviews.csv"
COUNTED = ["what", "number", "of", "done"]
SOURCE = DeclaredTable(
    name="example",
    files={"reviews": {"path": str(EXAMPLE)}},
    table={
        "from": "reviews",
        "columns": {"text": "text", "deceptive": "deceptive = 'yes'", "place": "place"},
    },
)


class Kept(MemoryDataset):
    """What a node made, to be looked at after others have used it."""

    def _release(self) -> None:
        pass


def run_on(path, **changed):
    """What a run of the pipeline leaves, on the reviews of a file."""
    import ibis

    connection = ibis.duckdb.connect()
    table = connection.read_csv(path, table_name="reviews", all_varchar=True)
    given = {
        "raw_labelled_reviews": {"reviews": table},
        "params:labelled_reviews": SOURCE,
        "params:reviews.reading": ReviewParams(),
        "params:reviews.labels": LabelParams(sizes=(20,), folds=3, components=20),
        "params:reviews.generator": FakeReviewParams(),
        "params:reviews.training": CoordinateConfig(),
        "params:reviews.writing": WritingConfig(),
        "params:reviews.listing": ReviewListParams(listed=3),
        "params:reporting": ReportingParams(),
    } | changed
    catalog = DataCatalog({n: MemoryDataset(v, copy_mode="assign") for n, v in given.items()})
    for name in create_pipeline().all_outputs():
        catalog[name] = Kept()
    SequentialRunner().run(create_pipeline(), catalog)
    return catalog


def test_the_example_becomes_a_section_and_a_card():
    done = run_on(EXAMPLE)
    section = done["reviews.section"].load()
    assert section.failure == ""
    assert "Not tried in this run" in section.answer
    told = [block.text for block in section.blocks if isinstance(block, Skipped)]
    assert any("reviews.generator.generate_fakes=true" in text for text in told)
    assert section.metrics["accuracy"] > section.metrics["format_alone"]
    listed = section.shown[2].table
    assert listed.caption == "To be looked at by a person"
    assert len(listed.rows) == 3
    # No text of a review leaves the run.
    assert "loved everything" not in section.model_dump_json()
    page = done["reviews.card_page"].load()
    assert "no generated text leaves a run" in page
    controls = done["reviews.card"].load()["controls"]
    tried = [NONE, COPIES, WORD_CHANGES, MIXUP, SELF_TRAINING, ORACLE]
    assert [told.rsplit(" (", 1)[0] for told in controls] == [PHRASES[arm] for arm in tried]
    assert "Generated reviews: not tried in this run." in page
    assert "off in this run, and nothing is flagged" in page


@pytest.mark.parametrize(
    ("generated", "written", "named"),
    [
        (False, [], set()),
        (True, [], {MARKOV, WITHOUT_CRITIC}),
        (True, [20], {MARKOV, WITHOUT_CRITIC, GRU_TEXT}),
    ],
)
def test_the_card_names_the_controls_that_were_tried(reviews, generated, written, named):
    design = declare(10_000, [20], generated, written)
    listing = ReviewListParams(flag_fakes=True, validated=60, listed=7)
    frame = reviews()
    quality = list_quality(frame, np.arange(400.0), listing, 0)
    detectors = pd.DataFrame(columns=["by", "accuracy", "low", "high", "auc"])
    said = describe_detector(
        detectors, quality, pd.DataFrame(), design, SOURCE, FakeReviewParams(), listing
    )
    told = " ".join(said["controls"])
    dear = {MARKOV, WITHOUT_CRITIC, GRU_TEXT}
    assert {arm for arm in dear if PHRASES[arm] in told} == named
    assert PHRASES[GAN] not in told
    rule = said["purpose"][1]
    assert rule.startswith("Nothing is deleted.")
    assert "The first 7 are flagged 'fake, to be confirmed' if reviews.listing.flag_fakes" in rule
    assert "refused unless 50 deceptive reviews or more that persons have confirmed" in rule
    assert rule.endswith("on in this run, with 60 confirmed.")


def test_contradictions_are_told_in_the_section():
    counts = pd.DataFrame([(CONTRADICTING, 4, 1600, "left out")], columns=COUNTED)
    (told,) = _contradictions(counts)
    assert "4 of 1,600 reviews have the text of another and the opposite label" in told.text
    assert _contradictions(counts.assign(number=0)) == []


def test_accuracy_is_told_with_the_share_of_deceptive_reviews(reviews):
    frame = reviews().assign(deceptive=np.arange(400) % 8 == 0)
    quality = list_quality(frame, np.arange(400.0), ReviewListParams(listed=7), 0)
    assert "right, of which 12.5 % are deceptive" in accuracy_in_words(quality)


def as_text(made):
    """All that a dataset holds, in letters."""
    if isinstance(made, pd.DataFrame):
        return made.to_csv()
    return made.model_dump_json() if hasattr(made, "model_dump_json") else json.dumps(made)


@pytest.mark.slow
def test_no_generated_text_leaves_a_run_that_makes_some(reviews, monkeypatch, tmp_path):
    frame = reviews(n_places=12)
    said = frame["deceptive"].map({True: "yes", False: "no"})
    frame.assign(deceptive=said).to_csv(tmp_path / "short.csv", index=False)
    made = []

    def noted(texts):
        made.extend(texts)
        return unmarked(texts)

    # All that is generated has to lose its mark before a detector learns from it.
    monkeypatch.setattr(review_trials, "unmarked", noted)
    monkeypatch.setattr(lies_or_generated, "unmarked", noted)
    small = {"epochs": 1, "steps_per_epoch": 2}
    catalog = run_on(
        tmp_path / "short.csv",
        **{
            "params:reviews.labels": LabelParams(sizes=(20,), folds=2, components=10),
            "params:reviews.generator": FakeReviewParams(generate_fakes=True, text_sizes=(20,)),
            "params:reviews.training": CoordinateConfig(**small),
            "params:reviews.writing": WritingConfig(
                **small, pretraining_epochs=1, vocabulary=100, word_units=4, memory_units=4,
                critic_units=4, context=4, window=4,
            ),
        },
    )  # fmt: skip
    tried = set(catalog["reviews.means"].load()["arm"])
    assert {MARKOV, WITHOUT_CRITIC, GAN, GRU_TEXT, GAN_TEXT} <= tried
    assert catalog["reviews.two_columns"].load()["unseen"].notna().all()
    assert len(made) > 100
    assert all(text.startswith(GENERATED) for text in made)
    real = " ".join(catalog["reviews.texts"].load()["text"])
    invented = {text for text in unmarked(made) if text and text not in real}
    assert len(invented) > 50
    for name in create_pipeline().all_outputs():
        told = as_text(catalog[name].load())
        assert GENERATED not in told.lower(), name
        assert not [text for text in invented if text in told], name


@pytest.mark.slow
def test_a_generator_learns_where_each_label_lies():
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2 == 0
    values = rng.normal(0, 0.3, (200, 3)) + np.where(labels, 2, -2)[:, None]
    config = CoordinateConfig(epochs=4, steps_per_epoch=60)
    for arm in (WITHOUT_CRITIC, GAN):
        made, unlike = drawers_of(config)[arm](values, labels, labels, 0)
        assert made.shape == values.shape
        assert made[labels].mean() > made[~labels].mean() + 1
        assert 0 <= unlike < 1


def test_reviews_are_listed_by_what_other_places_teach(reviews):
    frame = reviews(signal=1.0)
    labels = LabelParams(folds=4)
    found, _ = list_reviews(frame, labels, ReviewListParams())
    assert sorted(found["review"]) == list(range(1, len(frame) + 1))
    assert "text" not in found
    assert (found["flag"] == "").all()
    # Words tell the label for certain, so that the head of the list is deceptive and its end not.
    lies = frame["deceptive"].to_numpy()[found["review"].to_numpy() - 1]
    assert lies[:150].all()
    assert not lies[-150:].any()
    asked = ReviewListParams(flag_fakes=True, validated=50, listed=2)
    flagged, _ = list_reviews(frame, labels, asked)
    assert flagged["flag"].tolist()[:3] == ["fake, to be confirmed"] * 2 + [""]


@pytest.mark.slow
def test_texts_are_written_on_their_label_and_marked(reviews):
    frame = reviews(signal=1.0)
    config = WritingConfig(
        vocabulary=100, word_units=16, memory_units=16, critic_units=8, context=4, window=4,
        pretraining_epochs=4, epochs=4, steps_per_epoch=40, learning_rate=1e-2,
    )  # fmt: skip
    write = reader_of(config)(frame["text"].tolist(), 0)
    own, labels = frame["text"].tolist()[:60], frame["deceptive"].to_numpy()[:60]
    asked = np.arange(80) % 2 == 0
    told = {True: {"luxurious", "loved", "truly", "dreams"}, False: {"carpet", "lift", "worn"}}
    for arm in (GRU_TEXT, GAN_TEXT):
        made = write(arm, own, labels, asked, 1)
        assert len(made) == 80
        assert all(text.startswith(f"{GENERATED} ") and len(text.split()) > 1 for text in made)
        rightly = [
            sum(word in told[bool(label)] for word in text.split())
            - sum(word in told[not label] for word in text.split())
            for text, label in zip(made, asked, strict=True)
        ]
        assert np.mean(rightly) > 0.1
        assert write(arm, own, labels, asked, 1) == made
