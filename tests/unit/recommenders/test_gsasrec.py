"""gSASRec: its loss and scores by hand, what it may look at, and an order that it alone can see."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.recommenders import EASE, EASEConfig, GSASRec, GSASRecConfig
from doppelcart.recommenders import gsasrec_network as network
from doppelcart.recommenders.sequences import sequences_of

SMALL = GSASRecConfig(
    dimension=8,
    blocks=1,
    length=4,
    negatives=3,
    baskets=False,
    dropout=0.0,
    learning_rate=0.02,
    batch_size=20,
    epochs=6,
    patience=2,
)
N_ITEMS = 9


def histories(rows: list[list[int]], n_items: int = N_ITEMS) -> Histories:
    arrays = [np.array(row, dtype=np.int32) for row in rows]
    return Histories.from_lists(
        arrays, np.arange(len(rows)).astype(str), np.arange(n_items).astype(str)
    )


def drawn(n_users: int = 60, seed: int = 0) -> Histories:
    rng = np.random.default_rng(seed)
    return histories(
        [rng.permutation(N_ITEMS)[: rng.integers(1, 8)].tolist() for _ in range(n_users)]
    )


def random_weights(config: GSASRecConfig, seed: int = 0) -> dict[str, np.ndarray]:
    from doppelcart.recommenders.gsasrec_training import initial_weights

    rng = np.random.default_rng(seed)
    first = initial_weights(N_ITEMS, config, rng) | {"bias": np.zeros(N_ITEMS + 1)}
    moved = {name: values + rng.normal(0, 0.5, values.shape) for name, values in first.items()}
    return {name: values.astype(np.float32) for name, values in moved.items()}


@pytest.mark.parametrize(("calibration", "expected"), [(0.0, 1.0), (0.5, 0.75), (1.0, 0.5)])
def test_the_power_of_a_positive_by_hand(calibration: float, expected: float) -> None:
    """5 of the 10 other items are drawn: beta goes from 1 to that half."""
    config = GSASRecConfig(negatives=5, calibration=calibration)
    assert network.exponent(config, 11) == pytest.approx(expected)


@settings(deadline=None)
@given(n_items=st.integers(2, 500), negatives=st.integers(1, 600), calibration=st.floats(0, 1))
def test_the_power_is_that_of_the_paper(n_items: int, negatives: int, calibration: float) -> None:
    config = GSASRecConfig(negatives=negatives, calibration=calibration)
    alpha = min(negatives, n_items - 1) / (n_items - 1)
    expected = alpha * (calibration * (1 - 1 / alpha) + 1 / alpha)
    assert network.exponent(config, n_items) == pytest.approx(expected)


def test_loss_by_hand() -> None:
    """Probabilities 1/2 and 1/4 to the power 1/2, negatives of 1/2 and 3/4; padding."""
    from doppelcart.recommenders.gsasrec_training import generalised_cross_entropy

    right = np.array([[99.0, 0.0, -np.log(3)]], np.float32)
    wrong = np.array([[[99.0, 99.0], [0.0, np.log(3)], [0.0, np.log(3)]]], np.float32)
    counts = np.array([[0.0, 1.0, 1.0]], np.float32)
    negatives = np.log(2) + np.log(4)
    first, second = 0.5 * np.log(2) + negatives, 0.5 * np.log(4) + negatives
    found = generalised_cross_entropy(right, wrong, counts, 0.5)
    assert float(found) == pytest.approx((first + second) / 2 / 3, rel=1e-6)


def test_scores_by_hand() -> None:
    """One number per vector is normalised to 0, so that the last shift of the norm says it all."""
    config = SMALL.model_copy(update={"dimension": 1})
    weights = random_weights(config)
    weights["last/shift"][:] = 2.0
    expected = 2 * weights["items"][:-1, 0] + weights["bias"][:-1]
    found = network.logits(np.array([[N_ITEMS, 3, 1, 0]]), weights, config)
    np.testing.assert_allclose(found, expected[None], rtol=1e-5)


def test_attention_by_hand() -> None:
    """Nothing is asked for, so all that was known is attended to alike: a mean of the values."""
    config = SMALL.model_copy(update={"dimension": 2, "length": 2})
    weights = {name: np.zeros_like(values) for name, values in random_weights(config).items()}
    norms = [name for name in weights if name.endswith("scale")]
    weights |= {name: np.ones(2, np.float32) for name in norms}
    weights["block 0/value/kernel"] = np.eye(2, dtype=np.float32)
    weights["items"][:2] = np.array([[3, 1], [1, 7]]) / np.sqrt(2)
    found = network.hidden_states(np.array([[0, 1]]), weights, config)
    # first: (1, -1) + (3, 1) is (4, 0); then (-1, 1) + (2, 4) is (1, 5): both norms of them follow
    np.testing.assert_allclose(found, [[[1, -1], [-1, 1]]], atol=1e-3)
    unseen = network.hidden_states(np.array([[N_ITEMS, 1]]), weights, config)
    np.testing.assert_allclose(unseen[0, 1], [-1, 1], atol=1e-3)


@pytest.mark.parametrize("heads", [1, 2])
def test_training_and_scoring_say_the_same(heads: int) -> None:
    import tensorflow as tf

    from doppelcart.recommenders import gsasrec_training as training

    config = SMALL.model_copy(update={"blocks": 2, "heads": heads})
    weights = random_weights(config)
    items = np.array([[N_ITEMS, N_ITEMS, 1, 4], [0, 8, 2, 3], [N_ITEMS] * 4], np.int32)
    variables = {name: tf.Variable(values) for name, values in weights.items()}
    seed = tf.constant([0, 1])
    expected = training.hidden_states(tf.constant(items), variables, config, N_ITEMS, seed)
    found = network.hidden_states(items, weights, config)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-3, atol=1e-4)


@settings(deadline=None)
@given(seed=st.integers(0, 1000), place=st.integers(1, 3))
def test_a_later_item_does_not_move_what_was_known_before(seed: int, place: int) -> None:
    config = SMALL.model_copy(update={"blocks": 2, "heads": 2})
    weights = random_weights(config)
    rng = np.random.default_rng(seed)
    items = rng.integers(0, N_ITEMS, (1, 4))
    changed = items.copy()
    changed[0, place] = (items[0, place] + rng.integers(1, N_ITEMS)) % N_ITEMS
    before, after = (network.hidden_states(one, weights, config)[0] for one in (items, changed))
    np.testing.assert_array_equal(before[:place], after[:place])
    assert np.abs(before[place:] - after[place:]).max() > 1e-4


ORDERED = GSASRecConfig(
    dimension=16,
    blocks=1,
    length=3,
    negatives=4,
    baskets=False,
    dropout=0.0,
    learning_rate=0.02,
    batch_size=20,
    epochs=25,
    held_out_share=0.0,
)


def test_an_order_that_no_matrix_shows_is_learned() -> None:
    """After 0, 1 comes 2; after 1, 0 comes 3. Who bought 0 and 1 is the same to a matrix."""
    train = histories([[0, 1, 2], [1, 0, 3]] * 40, 5)
    seen = histories([[0, 1], [1, 0]], 5)
    ordered = GSASRec(seed=1).fit(train.places).score(seen.places, ORDERED)
    assert ordered[:, 2:].argmax(axis=1).tolist() == [0, 1]
    plain = EASE().fit(train.matrix).score(seen.matrix, EASEConfig(l2=1.0))
    np.testing.assert_array_equal(plain[0], plain[1])


def test_an_order_within_a_basket_is_not_learned() -> None:
    """0 before 1 is how a basket of both is recorded, as 0, 2 and 1, 2 are; nothing follows."""
    from doppelcart.recommenders.gsasrec_training import epochs

    train = sequences_of(histories([[0, 1, 2]] * 40, 5).places)
    shown: dict[bool, list[int]] = {}
    for baskets in (False, True):
        config = ORDERED.model_copy(update={"baskets": baskets})
        weights = [next(made) for made in [epochs(train, 5, config, 0)] for _ in range(25)][-1]
        items = np.array([[5, 5, one] for one in (0, 1, 2)])
        shown[baskets] = network.logits(items, weights, config).argsort(axis=1)[:, ::-1]
    assert shown[False][0, 0] == 1
    assert shown[False][1, 0] == 2
    assert {*shown[True][2, :2].tolist()} == {0, 1}


@pytest.mark.parametrize("baskets", [False, True])
def test_same_seed_same_weights(baskets: bool) -> None:
    from doppelcart.recommenders.gsasrec_training import train

    changes = {"baskets": baskets, "dropout": 0.3, "epochs": 2, "held_out_share": 0.0}
    config = SMALL.model_copy(update=changes)
    shop = sequences_of(drawn().places)
    first, again, other = (train(shop, N_ITEMS, config, seed) for seed in (4, 4, 5))
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    assert np.abs(first["items"] - other["items"]).max() > 0


def test_the_epoch_at_which_lists_of_held_out_users_are_best_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from doppelcart.recommenders import gsasrec_training as training

    values = iter([0.1, 0.3, 0.2, 0.3, 0.9])
    monkeypatch.setattr(training, "make_judge", lambda *_: lambda _: next(values))
    shop = sequences_of(drawn().places)
    # Two epochs without a better one end the search, before the fifth is seen.
    assert training.best_number_of_epochs(shop, shop, N_ITEMS, SMALL, 0) == 2
    assert next(values) == 0.9


def test_a_judge_sees_the_first_part_of_a_history_and_asks_for_the_rest() -> None:
    from doppelcart.recommenders import gsasrec_training as training

    config = SMALL.model_copy(update={"blocks": 1})
    weights = {name: np.zeros_like(one) for name, one in random_weights(config).items()}
    cut = sequences_of(histories([[3, 5], [4]]).places)
    judge = training.make_judge(cut, N_ITEMS, config, np.random.default_rng(0))
    assert judge is not None
    weights["bias"][[3, 5]] = [2.0, 1.0]
    assert judge(weights) == pytest.approx(1.0)
    weights["bias"][[7]] = [1.5]
    assert judge(weights) == pytest.approx(1 / np.log2(3))
    assert training.make_judge(cut.select(np.array([1])), N_ITEMS, config, None) is None


def test_all_epochs_are_gone_through_where_nobody_can_be_held_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from doppelcart.recommenders import gsasrec_training as training

    monkeypatch.setattr(training, "epochs", lambda *_: iter(range(1, 100)))
    few, many = sequences_of(drawn(8).places), sequences_of(drawn().places)
    alone = SMALL.model_copy(update={"held_out_share": 0.0})
    assert training.train(few, N_ITEMS, SMALL, 0) == SMALL.epochs
    assert training.train(many, N_ITEMS, alone, 0) == SMALL.epochs


def test_the_first_scores_are_those_of_popularity() -> None:
    """By hand: 3.5 and 1.5 of 7 (half a purchase is added to each), odds of 3/4 a share."""
    from doppelcart.recommenders.gsasrec_training import first_bias

    shop = sequences_of(histories([[0, 1], [0], [0]], 6).places)
    config = GSASRecConfig(negatives=4, calibration=0.0)
    expected = np.log(6 / 4 * np.array([3.5, 1.5, 0.5, 0.5, 0.5, 0.5]) / 7)
    np.testing.assert_allclose(first_bias(shop, 6, config)[:-1], expected, rtol=1e-6)


def test_a_config_is_trained_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from doppelcart.recommenders import gsasrec_training as training

    trained: list[Any] = []
    weights = random_weights(SMALL)
    monkeypatch.setattr(training, "train", lambda *args: trained.append(args) or weights)
    recommender = GSASRec().fit(drawn().places)
    for config in (SMALL, SMALL.model_copy(), SMALL.model_copy(update={"epochs": 1})):
        recommender.score(drawn(3).places, config)
    assert len(trained) == 2


def test_histories_without_order_are_refused() -> None:
    shop = drawn(20)
    lengths = int((shop.lengths > 1).sum())
    with pytest.raises(InputError, match=rf"{lengths} of 20 histories do not say in which order"):
        GSASRec().fit(shop.matrix)
    added = sparse.vstack([shop.places, drawn(3).matrix], format="csr")
    with pytest.raises(InputError, match="of 23 histories"):
        GSASRec().fit(added)


def test_it_is_not_served() -> None:
    assert GSASRec().scorer(GSASRecConfig()) is None
