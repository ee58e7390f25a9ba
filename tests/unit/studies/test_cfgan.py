"""CFGAN learns a planted structure by either view, and its two tricks do what they say."""

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError
from scipy import sparse

from doppelcart.data.histories import Histories
from doppelcart.errors import InputError, TrainingDivergedError
from studies.models.cfgan import (
    CfganGame,
    batches,
    build_network,
    draw_zeros,
    make_cfgan_completer,
    scores,
    shown,
    train_cfgan,
    zero_error,
)
from studies.models.hyperparameters import CfganConfig

pytestmark = pytest.mark.slow

N_USERS, N_ITEMS = 60, 20
VECTORS = tf.constant([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
SEED = tf.constant([3, 4])


def two_groups() -> sparse.csr_matrix:
    """Users of either group have most items of its half of the catalogue, and no others."""
    rng = np.random.default_rng(0)
    group = np.arange(N_USERS)[:, None] % 2
    half = np.arange(N_ITEMS)[None, :] // (N_ITEMS // 2)
    return sparse.csr_matrix((group == half) & (rng.random((N_USERS, N_ITEMS)) < 0.7), dtype=float)


def small(**changes: object) -> CfganConfig:
    settings = {
        "hidden_units": 16,
        "critic_units": 8,
        "learning_rate": 0.01,
        "critic_learning_rate": 0.005,
        "batch_size": 10,
        "critic_batch_size": 10,
        "rounds": 12,
    }
    return CfganConfig(**settings | changes)


@pytest.fixture(scope="module", params=["item", "user"])
def trained(request):
    config = small(view=request.param)
    return config, train_cfgan(two_groups(), config)


def test_unbought_items_of_ones_own_group_score_above_all_others(trained):
    config, result = trained
    real = two_groups()
    made = scores(result.generator, real, config.view)
    own = (np.arange(N_USERS)[:, None] % 2) == (np.arange(N_ITEMS)[None, :] // (N_ITEMS // 2))
    unbought = real.toarray() == 0
    assert made.shape == real.shape
    assert made[own & unbought].mean() > made[~own].mean() + 0.2


def test_training_is_a_table_and_repeats_itself(trained):
    config, result = trained
    again = train_cfgan(two_groups(), config)
    np.testing.assert_array_equal(
        result.training_log["generator_loss"], again.training_log["generator_loss"]
    )
    for left, right in zip(
        result.generator.get_weights(), again.generator.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(left, right)
    assert result.training_log["round"].tolist() == list(range(1, 13))
    assert result.best_round == 12


def test_another_seed_is_another_generator():
    first, second = (CfganGame(VECTORS.numpy(), small(seed=seed)) for seed in (0, 1))
    assert first.train_round(1) != second.train_round(1)


def test_only_zeros_are_drawn():
    assert draw_zeros(VECTORS, 1.0, SEED).numpy().tolist() == [[0, 1, 1], [1, 0, 0]]
    assert not draw_zeros(VECTORS, 0.0, SEED).numpy().any()


def test_zeros_are_drawn_at_their_share():
    drawn = draw_zeros(tf.zeros((200, 500)), 0.7, SEED).numpy()
    assert drawn.mean() == pytest.approx(0.7, abs=0.01)
    assert set(np.unique(drawn)) == {0.0, 1.0}


def test_the_critic_sees_purchases_and_what_partial_masking_adds():
    output = tf.constant([[0.9, 0.4, -0.3], [0.2, 0.8, 0.5]])
    zeros = tf.constant([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(shown(output, VECTORS, zeros), [[0.9, 0, -0.3], [0, 0.8, 0.5]])


def test_zero_reconstruction_is_the_squared_output_at_drawn_zeros():
    output = tf.constant([[0.9, 0.4, -0.3], [0.2, 0.8, 0.5]])
    zeros = tf.constant([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    # (0.16 + 0.09) and 0.04, their mean.
    assert float(zero_error(output, zeros)) == pytest.approx(0.145)


def test_zero_reconstruction_keeps_unbought_items_low():
    def unbought(weight: float) -> float:
        config = small(partial_masking=0.0, zero_weight=weight, view="user")
        made = scores(train_cfgan(two_groups(), config).generator, two_groups(), "user")
        return float(np.square(made[two_groups().toarray() == 0]).mean())

    # Without either trick G may say 1 to everything: nobody looks at what was not bought.
    assert unbought(1.0) < 0.5 * unbought(0.0)


def test_a_round_follows_the_two_losses_step_by_step():
    """One critic and one generator step, each in one batch, against gradients taken apart."""
    config = small(
        view="user",
        batch_size=2,
        critic_batch_size=2,
        epochs_per_round=1,
        critic_epochs_per_round=1,
        zero_reconstruction=1.0,
        partial_masking=1.0,
        zero_weight=0.5,
        l2=0.1,
    )
    game, still = CfganGame(VECTORS.numpy(), config), CfganGame(VECTORS.numpy(), config)
    game.train_round(1)
    fake, real = still.generator(VECTORS), VECTORS
    critic = still.critic.trainable_variables
    with tf.GradientTape() as tape:
        logits = [still.critic(tf.concat([real, x], axis=1)) for x in (real, fake)]
        loss = tf.reduce_mean(-tf.math.log_sigmoid(logits[0]))
        loss += tf.reduce_mean(-tf.math.log_sigmoid(-logits[1]))
    moved = tape.gradient(loss, critic)
    for weight, gradient, after in zip(critic, moved, game.critic.get_weights(), strict=True):
        # The first step of Adam is the sign of the gradient.
        weight.assign_sub(config.critic_learning_rate * gradient / (tf.abs(gradient) + 1e-8))
        np.testing.assert_allclose(weight, after, atol=1e-4)
    generator = still.generator.trainable_variables
    with tf.GradientTape() as tape:
        output = still.generator(real)
        logits = still.critic(tf.concat([real, output], axis=1))
        loss = tf.reduce_mean(-tf.math.log_sigmoid(logits))
        loss += 0.5 * zero_error(output, 1.0 - real)
        loss += 0.1 * tf.add_n([tf.reduce_sum(tf.square(w.value)) / 2 for w in generator])
    moved = tape.gradient(loss, generator)
    for weight, gradient, after in zip(generator, moved, game.generator.get_weights(), strict=True):
        expected = weight - config.learning_rate * gradient / (tf.abs(gradient) + 1e-8)
        np.testing.assert_allclose(expected, after, atol=1e-4)


def test_an_epoch_has_every_row_at_most_once():
    rows = batches(10, 4, 2, np.random.default_rng(0)).numpy()
    assert rows.shape == (4, 4)
    assert all(len(set(epoch.ravel())) == 8 for epoch in (rows[:2], rows[2:]))
    assert batches(3, 64, 1, np.random.default_rng(0)).shape == (1, 3)


def test_the_best_look_is_kept():
    values = iter([0.1, 0.5, 0.3])
    seen = []

    def look(made):
        seen.append(made)
        return {"selection": next(values)}

    real, config = two_groups(), small(rounds=3)
    result = train_cfgan(real, config, look, every=1)
    assert result.best_round == 2
    np.testing.assert_allclose(scores(result.generator, real, "item"), seen[1], atol=1e-6)


def test_unseen_users_are_completed():
    generator = train_cfgan(two_groups(), small(view="user", rounds=30)).generator
    items = np.array([f"i{item:02d}" for item in range(N_ITEMS)])
    rows = [np.array([0, 1, 2]), np.array([12, 13]), np.array([], dtype=int)]
    seen = Histories.from_lists(rows, np.array(["a", "b", "c"]), items)
    made = make_cfgan_completer(generator)(seen)
    assert made.shape == (3, N_ITEMS)
    assert ((made >= 0) & (made <= 1)).all()
    assert made[0, 3:10].mean() > made[0, 10:].mean()
    assert made[1, 14:].mean() > made[1, :10].mean()


def test_the_generator_can_be_saved(tmp_path):
    generator = build_network("cfgan", 5, 5, 4, 2, seed=0)
    generator.save(tmp_path / "g.keras")
    loaded = tf.keras.models.load_model(tmp_path / "g.keras", compile=False)
    row = np.ones((1, 5), np.float32)
    np.testing.assert_array_equal(generator(row), loaded(row))


@pytest.mark.parametrize(("view", "what"), [("item", "users"), ("user", "items")])
def test_other_users_or_items_than_in_training_are_refused(view, what):
    generator = build_network("cfgan", 5, 5, 4, 1, seed=0)
    with pytest.raises(InputError, match=f"trained on 5 {what}, but these histories have 3"):
        scores(generator, np.ones((3, 3), np.float32), view)


def test_an_empty_matrix_is_refused():
    with pytest.raises(InputError, match="0 users and 4 items"):
        train_cfgan(sparse.csr_matrix((0, 4)), small())


def test_a_loss_that_is_not_a_number_ends_training(monkeypatch):
    nan = {"critic_loss": 1.0, "generator_loss": float("nan")}
    monkeypatch.setattr(CfganGame, "train_round", lambda game, number: nan)
    with pytest.raises(TrainingDivergedError, match="diverged in round 1"):
        train_cfgan(two_groups(), small())


@pytest.mark.parametrize("wrong", [{"partial_masking": 1.1}, {"view": "basket"}, {"rounds": 0}])
def test_settings_out_of_bounds_are_refused(wrong):
    with pytest.raises(ValidationError):
        small(**wrong)
