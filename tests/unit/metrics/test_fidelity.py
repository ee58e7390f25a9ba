"""Fidelity figures against values worked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import sparse

from doppelcart.metrics import fidelity as f


def histories(*users: set[int], n_items: int = 6) -> sparse.csr_matrix:
    dense = np.zeros((len(users), n_items), dtype=np.float32)
    for row, items in enumerate(users):
        dense[row, list(items)] = 1
    return sparse.csr_matrix(dense)


def two_tastes(rng: np.random.Generator, n_users: int, mixed: bool = False) -> sparse.csr_matrix:
    """Users who take half of the first or of the last twenty items; or, mixed, of all forty."""
    taste = np.zeros((n_users, 40))
    taste[: n_users // 2, :20] = taste[n_users // 2 :, 20:] = 0.5
    chances = np.full((n_users, 40), 0.25) if mixed else taste
    return sparse.csr_matrix((rng.random((n_users, 40)) < chances).astype(np.float32))


small = npst.arrays(np.bool_, st.tuples(st.integers(1, 8), st.just(5))).map(
    lambda cells: sparse.csr_matrix(cells.astype(np.float32))
)


def test_lengths_by_hand() -> None:
    real = histories({0}, {1}, {0, 1}, {0, 1, 2, 3})
    figures = f.length_fidelity(real, histories({0, 1}, {2, 3}))
    # at length 1 half of the real users and none of the synthetic are reached
    assert figures == {"length_ks": 0.5, "length_mean_ratio": 1.0, "length_sd_ratio": 0.0}


def test_popularity_by_hand() -> None:
    real = histories({0}, {0, 1}, {0, 1, 2}, n_items=3)
    turned = histories({2}, {2, 1}, {2, 1, 0}, n_items=3)
    figures = f.popularity_fidelity(real, turned)
    assert figures["popularity_pearson"] == pytest.approx(-1)
    assert figures["popularity_spearman"] == pytest.approx(-1)
    # the same long tail, of other items
    assert figures["popularity_curve_ks"] == pytest.approx(0)
    # curves 3/6, 5/6, 1 and 1/3, 2/3, 1
    even = histories({0}, {1}, {2}, n_items=3)
    assert f.popularity_fidelity(real, even)["popularity_curve_ks"] == pytest.approx(1 / 6)


def test_cooccurrence_by_hand() -> None:
    real = histories({0, 1}, {0, 1}, {2}, {2}, n_items=3)
    other = histories({0, 2}, {0, 2}, {1}, {1}, n_items=3)
    # pairs 01, 02, 12: shares .5 0 0 and 0 .5 0; lifts 2 0 0 and 0 2 0
    for measure in ("share", "lift"):
        assert f.cooccurrence_correlation(real, real, 3, measure) == pytest.approx(1)
        assert f.cooccurrence_correlation(real, other, 3, measure) == pytest.approx(-0.5)
    assert np.isnan(f.cooccurrence_correlation(real, histories({2}, {2}, n_items=3), 3, "lift"))


def test_lift_sees_what_popularity_alone_cannot_imitate() -> None:
    rng = np.random.default_rng(0)
    real = two_tastes(rng, 400)
    assert f.cooccurrence_correlation(real, two_tastes(rng, 400), measure="lift") > 0.9
    assert abs(f.cooccurrence_correlation(real, two_tastes(rng, 400, True), measure="lift")) < 0.2


def test_sparsity_by_hand() -> None:
    figures = f.sparsity_fidelity(histories({0, 1, 2}, n_items=6), histories({0}, {1}, n_items=6))
    assert figures["sparsity_real"] == 0.5
    assert figures["sparsity_synthetic"] == pytest.approx(10 / 12)
    assert figures["density_ratio"] == pytest.approx(1 / 3)


def test_category_mix_by_hand() -> None:
    categories = np.array(["milk", "milk", "beef", None], dtype=object)
    real = histories({0, 1}, {2, 3}, n_items=4)
    synthetic = histories({0}, {0}, {2}, n_items=4)
    # real: milk 2, beef 1; synthetic: milk 2, beef 1; by segment: heavy all milk, half beef
    distances = f.category_mix_distance(
        real,
        synthetic,
        categories,
        np.array(["heavy", "light"]),
        np.array(["heavy", "light", "heavy"]),
    )
    assert distances == {"all": 0.0, "heavy": 0.5, "light": 1.0}
    assert f.category_mix_distance(real, synthetic, categories) == {"all": 0.0}


def test_a_segment_without_synthetic_users_is_undefined() -> None:
    categories = np.array(["milk"] * 4)
    real, synthetic = histories({0}, {1}, n_items=4), histories({0}, n_items=4)
    distances = f.category_mix_distance(
        real, synthetic, categories, np.array(["heavy", "light"]), np.array(["heavy"])
    )
    assert distances["heavy"] == 0
    assert np.isnan(distances["light"])


def test_duplicates_by_hand() -> None:
    assert f.duplicate_rate(histories({0}, {0}, {1}, set(), set())) == pytest.approx(2 / 5)
    assert np.isnan(f.duplicate_rate(histories()[:0]))


@pytest.mark.parametrize("model", ["boosting", "logistic"])
def test_detection_cannot_tell_like_from_like(model: str) -> None:
    rng = np.random.default_rng(1)
    real, alike = two_tastes(rng, 120), two_tastes(rng, 120)
    assert f.detection_auc(real, alike, 0, 8, model=model) == pytest.approx(0.5, abs=0.12)


def test_detection_finds_users_without_a_taste() -> None:
    rng = np.random.default_rng(1)
    real, blurred = two_tastes(rng, 120), two_tastes(rng, 120, mixed=True)
    assert f.detection_auc(real, blurred, 0, 8, model="boosting") > 0.9
    # the blurred lie between the two tastes, where a linear boundary cannot enclose them
    assert f.detection_auc(real, blurred, 0, 8, model="logistic") < 0.7


def test_a_linear_detector_finds_users_of_another_length() -> None:
    rng = np.random.default_rng(1)
    real = two_tastes(rng, 120)
    shorter = real.multiply(rng.random(real.shape) < 0.4).tocsr()
    assert f.detection_auc(real, shorter, 0, 8, model="logistic") > 0.95


def test_detection_repeats_with_its_seed_and_needs_users_enough() -> None:
    rng = np.random.default_rng(2)
    real, synthetic = two_tastes(rng, 60), two_tastes(rng, 40)
    first = f.detection_auc(real, synthetic, 7, 4)
    assert first == f.detection_auc(real, synthetic, 7, 4)
    assert np.isnan(f.detection_auc(real, synthetic[:4], 7, 4))


def test_prdc_by_hand() -> None:
    real = np.array([[0.0], [1.0], [3.0]])  # radii with k = 1: 1, 1, 2
    synthetic = np.array([[0.5], [10.0], [10.5]])  # radii 9.5, 0.5, 0.5
    assert f.prdc(real, synthetic, k=1) == pytest.approx(
        {
            "precision": 1 / 3,  # 0.5 alone lies in a real neighbourhood
            "recall": 1.0,  # all three lie within 9.5 of 0.5
            "density": 2 / 3,  # 0.5 lies in two of them
            "coverage": 2 / 3,  # that of 3 reaches from 1 to 5 and holds none
        }
    )


def test_a_copy_covers_all_though_histories_repeat() -> None:
    """A neighbourhood among equals has no width, and a copy may differ from it by rounding."""
    rng = np.random.default_rng(0)
    kinds = two_tastes(rng, 40)
    shop = sparse.vstack([kinds] * 8, format="csr")
    found = f.prdc(*f.embed(shop, shop, 0, 8), k=5)
    assert found["precision"] == found["recall"] == found["coverage"] == 1


def test_prdc_is_undefined_with_too_few_points() -> None:
    assert np.isnan(list(f.prdc(np.zeros((3, 1)), np.ones((9, 1)), k=3).values())).all()


def test_prdc_of_like_users_is_near_its_expectation_and_falls_with_a_collapse() -> None:
    rng = np.random.default_rng(3)
    real = two_tastes(rng, 300)
    alike = f.prdc(*f.embed(real, two_tastes(rng, 300), 0, 8), k=5)
    assert alike["coverage"] == pytest.approx(1 - 2**-5, abs=0.05)
    assert alike["density"] == pytest.approx(1, abs=0.15)
    one_taste = two_tastes(rng, 600)[:300]
    collapsed = f.prdc(*f.embed(real, one_taste, 0, 8), k=5)
    assert collapsed["coverage"] < 0.65
    assert collapsed["recall"] < 0.65
    assert collapsed["precision"] > 0.8


def test_embedding_compares_as_many_on_either_side() -> None:
    rng = np.random.default_rng(4)
    ours, theirs = f.embed(two_tastes(rng, 50), two_tastes(rng, 30), 0, 4)
    assert ours.shape == theirs.shape == (30, 4)
    nobody = f.embed(two_tastes(rng, 50), two_tastes(rng, 30)[:0], 0, 4)
    assert np.isnan(f.prdc(*nobody)["recall"])


@settings(max_examples=30, deadline=None)
@given(small)
def test_a_set_of_users_is_like_itself(data: sparse.csr_matrix) -> None:
    figures = {
        **f.length_fidelity(data, data),
        **f.popularity_fidelity(data, data),
        **f.category_mix_distance(data, data, np.array(list("aabbc"))),
    }
    for name in ("length_ks", "popularity_curve_ks", "all"):
        assert np.isnan(figures[name]) or figures[name] == pytest.approx(0)
    for name in ("length_mean_ratio", "popularity_pearson", "popularity_spearman"):
        assert np.isnan(figures[name]) or figures[name] == pytest.approx(1)
    assert np.isnan(figures["length_mean_ratio"]) == (data.nnz == 0)
    assert 0 <= f.duplicate_rate(data) < 1


@settings(max_examples=30, deadline=None)
@given(small, small)
def test_distances_lie_between_nought_and_one(
    real: sparse.csr_matrix, synthetic: sparse.csr_matrix
) -> None:
    figures = [
        f.length_fidelity(real, synthetic)["length_ks"],
        f.popularity_fidelity(real, synthetic)["popularity_curve_ks"],
        f.category_mix_distance(real, synthetic, np.array(list("aabbc")))["all"],
    ]
    assert all(np.isnan(value) or 0 <= value <= 1 for value in figures)


def test_all_figures_are_floats() -> None:
    rng = np.random.default_rng(5)
    figures = f.fidelity(two_tastes(rng, 40), two_tastes(rng, 40), seed=0, n_components=4)
    assert all(type(value) is float for value in figures.values())
    assert {"detection_auc", "coverage", "recall", "cooccurrence_lift"} <= set(figures)
