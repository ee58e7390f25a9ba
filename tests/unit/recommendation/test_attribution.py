"""Which items of a history carry a score: exact for sums, by slopes for networks."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from doppelcart.recommendation.attribution import (
    Completing,
    Linear,
    MultVAE,
    by_slopes,
    directions_of,
    points_of,
)
from doppelcart.recommenders import RECOMMENDERS
from doppelcart.recommenders.multvae_network import gradients, logits
from doppelcart.serving.scorer import ItemWeights, histories_of

N_ITEMS = 30
NOTHING = np.empty(0, dtype=np.int64)
# Scores are sums over the known items, so that one that is deleted takes its own part alone.
SUMS = [
    ("ease", '{"l2": 20.0}'),
    ("itemknn", '{"shrink": 0.0, "alpha": 0.7}'),
    ("itemknn", '{"shrink": 5.0, "neighbours": 6}'),
    ("puresvd", '{"rank": 5}'),
]


def shop(n_users: int = 60, seed: int = 0) -> sparse.csr_matrix:
    rng = np.random.default_rng(seed)
    chances = np.linspace(0.1, 0.5, N_ITEMS)
    return sparse.csr_matrix((rng.random((n_users, N_ITEMS)) < chances).astype(np.float32))


def network(seed: int = 0) -> list[np.ndarray]:
    """Weights of a Mult-VAE of random numbers."""
    rng = np.random.default_rng(seed)
    shapes: tuple[Any, ...] = ((N_ITEMS, 7), 7, (7, 6), 6, (3, 7), 7, (7, N_ITEMS), N_ITEMS)
    return [rng.normal(0, 0.7, shape) for shape in shapes]


def without(known: np.ndarray, item: int) -> sparse.csr_matrix:
    return histories_of([known[known != item]], N_ITEMS)


@pytest.mark.parametrize(("name", "config"), SUMS)
def test_what_a_deleted_item_takes_with_it_is_its_contribution(name: str, config: str) -> None:
    recommender = RECOMMENDERS[name](seed=0).fit(shop())
    scorer = recommender.scorer(recommender.Config.model_validate_json(config))
    assert scorer is not None
    known, targets = np.array([21, 3, 17, 8]), np.array([0, 29, 12])
    directions = directions_of(targets, NOTHING, N_ITEMS)
    found = Linear(scorer, recommender.popularity).attribute(known, directions, None)
    whole = scorer.score(histories_of([known], N_ITEMS))[0, targets]
    taken = [whole - scorer.score(without(known, item))[0, targets] for item in known]
    np.testing.assert_allclose(found, taken, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=0), whole, atol=1e-5)


def test_contributions_by_hand() -> None:
    weights = np.array([[0, 3, 1], [2, 0, 5], [0, 0, 0]], dtype=np.float32)
    directions = directions_of(np.array([2]), np.array([0]), 3)
    found = Linear(ItemWeights(weights), np.ones(3)).attribute(np.array([1, 0]), directions, None)
    # item 1 brings 5 to item 2 and 2 to item 0; item 0 brings 1, and nothing to itself
    assert found.ravel().tolist() == [3, 1]


def test_deleting_by_contribution_leaves_a_sum_the_least() -> None:
    """Of any order: so a curve of deletions cannot tell anything of a sum, and none is claimed."""
    rng = np.random.default_rng(0)
    brought = rng.normal(size=12)
    ours = brought.sum() - np.cumsum(np.sort(brought)[::-1])
    for _ in range(50):
        others = brought.sum() - np.cumsum(rng.permutation(brought))
        assert (ours <= others + 1e-12).all()


def test_slopes_of_mult_vae_are_those_of_its_logits() -> None:
    weights = network()
    known, directions = np.array([4, 9, 20]), directions_of(np.array([2, 7]), np.array([1]), 30)
    point = np.array([[1.0, 0.5, 0.25]])
    found = gradients(known, point, directions, weights)[0]
    for place, item in enumerate(known):
        ends = np.zeros((2, N_ITEMS))
        ends[:, known] = point
        ends[:, item] += [1e-5, -1e-5]
        upper, lower = logits(ends, weights) @ directions
        np.testing.assert_allclose(found[place], (upper - lower) / 2e-5, rtol=1e-3, atol=1e-5)


def test_along_the_line_contributions_add_up_to_what_the_history_changes() -> None:
    weights = network()
    known, directions = np.array([4, 9, 20]), directions_of(np.array([2, 7]), NOTHING, N_ITEMS)
    fine = np.repeat((np.arange(400)[:, None] + 0.5) / 400, 3, axis=1)
    found = by_slopes(lambda points: gradients(known, points, directions, weights), fine)
    ends = np.zeros((2, N_ITEMS))
    ends[0, known] = 1
    whole, nothing = logits(ends, weights) @ directions
    np.testing.assert_allclose(found.sum(axis=0), whole - nothing, atol=1e-3)


def test_where_slopes_are_taken() -> None:
    assert points_of("gradient", 3, 0).tolist() == [[1, 1, 1]]
    line = points_of("line", 2, 0)
    assert line[:, 0].tolist() == line[:, 1].tolist() == [(n + 0.5) / 8 for n in range(8)]
    parts = points_of("subsets", 4_000, 0)
    assert set(np.unique(parts)) == {0, 1}
    np.testing.assert_allclose(parts.mean(axis=1), line[:, 0], atol=0.03)
    np.testing.assert_array_equal(parts, points_of("subsets", 4_000, 0))


def test_an_item_counts_at_the_points_where_it_is_there() -> None:
    points = np.array([[1, 0], [1, 1]], dtype=np.float32)
    slopes = np.array([[[2.0], [0.0]], [[4.0], [6.0]]])
    assert by_slopes(lambda _: slopes, points).ravel().tolist() == [3, 6]


def test_mult_vae_scores_are_probabilities() -> None:
    scores = MultVAE(network()).score(shop(5), None)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.slow
class TestOfAGenerator:
    @pytest.fixture(scope="class")
    def completion(self) -> Any:
        from doppelcart.models.histories.hyperparameters import NetworkConfig
        from doppelcart.models.histories.networks import build_generator
        from doppelcart.models.histories.slopes import Completion

        config = NetworkConfig(hidden_units=8, noise_units=3)
        features = np.random.default_rng(0).normal(size=(N_ITEMS, 2)).astype(np.float32)
        build = partial(build_generator, config, np.full(N_ITEMS, 0.3), 50, features)
        generator = build(n_demographics=2, n_behaviours=1, seed=0)
        rng = np.random.default_rng(1)
        generator.set_weights([rng.normal(0, 0.5, w.shape) for w in generator.get_weights()])
        return Completion(generator, n_draws=3)

    def test_slopes_are_those_of_its_probabilities(self, completion: Any) -> None:
        known, directions = np.array([4, 9, 20]), directions_of(np.array([2, 7]), NOTHING, 30)
        profile = np.array([1.0, 0.0], dtype=np.float32)
        point = np.array([[1.0, 0.5, 1.0]], dtype=np.float32)
        found = completion.gradients(known, point, directions, profile)[0]
        for place, item in enumerate(known):
            ends = np.zeros((2, N_ITEMS), dtype=np.float32)
            ends[:, known] = point
            ends[:, item] += [1e-2, -1e-2]
            upper, lower = completion.probabilities(sparse.csr_matrix(ends), profile) @ directions
            np.testing.assert_allclose(found[place], (upper - lower) / 2e-2, rtol=0.1, atol=2e-4)
        assert np.abs(found).max() > 0.01

    def test_the_same_history_is_completed_alike_whatever_stands_beside_it(
        self, completion: Any
    ) -> None:
        seen = shop(300)
        alone = completion.probabilities(seen[[280]])
        np.testing.assert_allclose(completion.probabilities(seen)[[280]], alone, atol=1e-6)

    def test_every_item_of_a_history_gets_its_part(self, completion: Any) -> None:
        directions = directions_of(np.array([2]), np.array([5, 6]), N_ITEMS)
        found = Completing(completion, "subsets").attribute(np.array([3, 8, 11]), directions, None)
        assert found.shape == (3, 1)
        assert (found != 0).all()
