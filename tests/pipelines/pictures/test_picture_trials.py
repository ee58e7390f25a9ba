"""The experiment on colours: a generator that knows more is found, a blind one is not."""

import numpy as np
import pandas as pd
import pytest
from picture_standins import Standin

from doppelcart.errors import InputError
from doppelcart.experiment.comparison import compare
from doppelcart.experiment.design import Role
from doppelcart.experiment.verdict import judge
from doppelcart.models.images.classifier_config import ClassifierConfig
from doppelcart.pipelines.pictures import picture_drawing as drawing
from doppelcart.pipelines.pictures import picture_trials as trials
from doppelcart.pipelines.pictures.params import PictureTrialParams, SampleParams
from doppelcart.pipelines.pictures.photographs_alone import SMALL_NETWORK, plain_learners
from doppelcart.pipelines.pictures.scratch_learner import NAME
from doppelcart.pipelines.pictures.section import gaps_in_words, halved_in_words

PRODUCTS, SIDE, SPREAD = 32, 8, 90.0
PARAMS = PictureTrialParams(
    sizes=(2, None), added=12, penalties=(3.0, 30.0), weights=(0.0, 1.0), components=24
)
SAMPLES = SampleParams(judged=200, sheet_rows=3, sheet_columns=4)
COLOURS = np.random.default_rng(7).uniform(60, 195, (PRODUCTS, SIDE, 3))


def coloured(labels: np.ndarray, rng: np.random.Generator, spread: float = SPREAD) -> np.ndarray:
    """Pictures of striped products: each row has its colour, but for chance."""
    rows = COLOURS[labels] + rng.normal(0, spread, (len(labels), SIDE, 3))
    return np.repeat(np.clip(rows, 0, 255)[:, :, None], SIDE, axis=2).astype(np.uint8)


def photographs() -> tuple[pd.DataFrame, np.ndarray]:
    counts = {"train": 4, "validation": 4, "test": 12}
    rows = [
        (f"{split}/{product}/{n}", f"p{product:02d}", f"g{product % 4}", split)
        for product in range(PRODUCTS)
        for split, number in counts.items()
        for n in range(number)
    ]
    table = pd.DataFrame(rows, columns=["picture_id", "product", "group", "split"])
    labels = drawing.products_of(table).labels
    return table, coloured(labels, np.random.default_rng(0))


def look(pixels: np.ndarray) -> np.ndarray:
    return pixels.mean(axis=2).reshape(len(pixels), -1) / 255


def trained(draw):
    return lambda pixels, labels, groups, few, seed: Standin(draw)


def centre(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return coloured(labels, rng, spread=5.0)


def anything(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return coloured(rng.integers(0, PRODUCTS, len(labels)), rng)


def tried(gan, copies: bool = False) -> tuple[pd.DataFrame, pd.DataFrame, drawing.Drawn]:
    table, pixels = photographs()
    makers = dict.fromkeys(drawing.GENERATORS, trained(anything)) | {drawing.GAN: trained(gan)}
    drawn = drawing.draw_all(table, pixels, makers, PARAMS, SAMPLES)
    scores, means = trials.measure(
        table,
        pixels,
        {trials.WHOLE: look(pixels)},
        {trials.WHOLE: look},
        drawn,
        lambda size, name: copies,
        PARAMS,
    )
    return scores, means, drawn


def verdicts(scores: pd.DataFrame) -> pd.Series:
    design = trials.declare(2_000, PARAMS.sizes)
    found = judge(compare(scores, design), design)
    return found.set_index([trials.PICTURES, "arm"])["verdict"]


def test_a_generator_that_knows_more_than_the_photographs_helps() -> None:
    scores, means, _ = tried(centre)
    assert verdicts(scores)["2", drawing.GAN] == "helps"
    fine = means.set_index([trials.PICTURES, "arm"])["fine"]
    assert fine["2", drawing.GAN] > fine["2", trials.REAL] + 0.05


def test_a_generator_that_knows_nothing_does_not() -> None:
    scores, means, _ = tried(anything)
    assert "helps" not in verdicts(scores)["2", drawing.GAN]
    fine = means.set_index([trials.PICTURES, "arm"])["fine"]
    assert fine["all", trials.ALONE] < 0.1


def test_an_arm_that_is_refused_as_copies_is_the_baseline() -> None:
    scores, means, _ = tried(centre, copies=True)
    wide = scores.pivot(index=[trials.PICTURES, "picture_id"], columns="arm", values="value")
    assert wide[drawing.GAN].equals(wide[trials.REAL].rename(drawing.GAN))
    assert (scores.loc[scores["arm"] == drawing.GAN, "level"] == 0).all()
    refused = means.set_index("arm")["refused"]
    assert refused[drawing.GAN].all()
    assert not refused[trials.CHANGES].any()


def test_all_real_photographs_are_the_bound_of_few_and_the_share_of_the_gap_is_told() -> None:
    scores, means, _ = tried(centre)
    wide = scores.pivot(index="picture_id", columns=[trials.PICTURES, "arm"], values="value")
    # It is what is told by all photographs alone, photograph by photograph.
    assert (wide["2", trials.ORACLE] == wide["all", trials.REAL]).all()
    assert ("all", trials.ORACLE) not in wide
    row = means.set_index([trials.PICTURES, "arm"]).loc[("2", trials.ORACLE)]
    assert row["added"] == 2 * PRODUCTS
    design = trials.declare(2_000, PARAMS.sizes)
    assert design.by_name[trials.ORACLE].role is Role.ORACLE
    verdict = judge(compare(scores, design), design)
    told = verdict.set_index([trials.PICTURES, "arm"])["gap_closed"]
    few, gan, bound = (wide["2", name].mean() for name in (trials.REAL, drawing.GAN, trials.ORACLE))
    assert told["2", drawing.GAN] == pytest.approx((gan - few) / (bound - few))
    assert pd.isna(told["all", drawing.GAN])
    (said,) = gaps_in_words(verdict, means)
    assert f"{few:.3f} of the test photographs are told right, with all real ones" in said
    assert f"pictures of the GAN closed {100 * told['2', drawing.GAN]:.0f} % (" in said


def test_without_a_trial_on_all_the_bound_is_learnt_from_all_the_same() -> None:
    table, pixels = photographs()
    makers = dict.fromkeys(drawing.GENERATORS, trained(anything))
    found = {}
    for sizes in ((2, None), (2,)):
        params = PARAMS.model_copy(update={"sizes": sizes})
        drawn = drawing.draw_all(table, pixels, makers, params, SAMPLES)
        means = trials.measure(
            table,
            pixels,
            {trials.WHOLE: look(pixels)},
            {trials.WHOLE: look},
            drawn,
            lambda size, name: False,
            params,
        )[1]
        found[sizes] = means.set_index([trials.PICTURES, "arm"])["fine"]["2", trials.ORACLE]
    assert found[(2,)] == found[(2, None)]
    assert trials.declare(2_000, (None,)).of_role(Role.ORACLE) == ()


def test_the_words_on_the_gap_say_why_nothing_was_closed() -> None:
    rows = [("5", "real", 0.4), ("5", "gan", 0.9), ("5", "gan_and_changes", 0.4)]
    rows += [("5", "oracle", 0.6), ("all", "real", 0.6)]
    means = pd.DataFrame(rows, columns=["pictures", "arm", "fine"])
    means = means.assign(sight=trials.WHOLE, refused=means["arm"] == "gan")
    verdict = pd.DataFrame({"arm": ["gan", "gan_and_changes"], "level": [0.0, 0.3]})
    verdict = verdict.assign(
        pictures="5", sight=trials.WHOLE, gap_closed=0.25, gap_closed_low=-0.1, gap_closed_high=0.6
    )
    (said,) = gaps_in_words(verdict, means)
    assert said == (
        "With 5 photographs per product 0.400 of the test photographs are told right, with all "
        "real ones in training 0.600: a gap of 0.200. Of it, pictures of the GAN closed nothing: "
        "refused as copies; pictures of the GAN, and flipped, cropped, recoloured photographs "
        "closed 25 % (-10 to 60)."
    )
    (open_ended,) = gaps_in_words(verdict.assign(gap_closed_low=np.nan), means)
    assert "closed 25 % (interval undefined)." in open_ended
    (unused,) = gaps_in_words(verdict.assign(level=0.0), means.assign(refused=False))
    assert "pictures of the GAN closed nothing: validation left them out" in unused
    (none,) = gaps_in_words(verdict, means.assign(fine=0.4))
    assert none.endswith("0.400: there is no gap to close.")


def test_every_arm_adds_as_many_and_few_are_drawn_from_training_alone() -> None:
    _, means, _ = tried(anything)
    added = means[means[trials.PICTURES] == "2"].set_index("arm")["added"]
    assert added[trials.COPIES] == added[drawing.GAN] == added[trials.CHANGES] == 12 * PRODUCTS
    table, _ = photographs()
    labels = drawing.products_of(table).labels
    rows = drawing.few_rows(table, labels, 2, 0)
    assert (table["split"].iloc[rows] == "train").all()
    assert np.bincount(labels[rows]).tolist() == [2] * PRODUCTS


def test_generated_pictures_are_told_by_name_and_column() -> None:
    _, _, drawn = tried(anything)
    assert drawn.table["picture_id"].str.startswith("gen-").all()
    assert drawn.table["synthetic"].all()
    assert drawn.table["picture_id"].is_unique
    assert len(drawn.table) == len(drawn.pixels)


def test_halves_do_not_overlap() -> None:
    table, _ = photographs()
    halves = drawing.halves_of(table, 200, 0)
    assert len(halves.reference) == len(halves.other) == 100
    assert not set(halves.reference) & set(halves.other)
    assert (table["split"].iloc[halves.learnt] == "train").all()


def test_a_split_without_photographs_is_refused() -> None:
    table, _ = photographs()
    with pytest.raises(InputError, match="no photograph is for validation"):
        drawing.products_of(table[table["split"] != "validation"])
    with pytest.raises(InputError, match="nothing to tell"):
        drawing.products_of(table[table["product"] == "p00"])


@pytest.mark.slow
def test_a_network_from_scratch_stands_beside_colours_where_it_is_asked_for():
    table, pixels = photographs()
    config = ClassifierConfig(side=16, width=4, blocks=1, epochs=2, learning_rate=0.02)
    params = PARAMS.model_copy(update={"sizes": (None,), "from_scratch": config})
    right = drawing.products_of(table).labels
    found = plain_learners(table, pixels, look(pixels), right, params).set_index("by")
    assert found.index.tolist() == ["colours", "EfficientNet-Lite0", NAME, SMALL_NETWORK]
    assert found.loc[SMALL_NETWORK, "fine"] == found.loc[SMALL_NETWORK, "coarse"] == 1
    assert (found["photographs"] == PRODUCTS * 12).all()
    assert found.loc[NAME, "coarse"] >= found.loc[NAME, "fine"]
    without = plain_learners(table, pixels, look(pixels), right, PARAMS)
    assert set(without["by"]) == {"colours", "EfficientNet-Lite0", SMALL_NETWORK}


@pytest.mark.parametrize(
    ("gan", "plain", "told"),
    [
        (0.02, 0.05, "DiffAugment at least halves the"),
        (0.025, 0.05, "DiffAugment at least halves the"),
        (-0.0004, 0.05, "DiffAugment at least halves the"),
        (0.03, 0.05, "DiffAugment does not halve the"),
        (-0.01, -0.05, "whether DiffAugment halves the kernel distance is undefined"),
        (0.01, 0.0, "whether DiffAugment halves the kernel distance is undefined"),
    ],
)
def test_a_distance_is_halved_only_where_there_is_one(gan: float, plain: float, told: str) -> None:
    assert halved_in_words(gan, plain).startswith(told)
    assert f"({gan:.3g} against {plain:.3g} without)" in halved_in_words(gan, plain)
