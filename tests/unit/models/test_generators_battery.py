"""What every generator of users must do: the controls and the trained ones alike."""

from collections.abc import Callable

import numpy as np
import pytest

from doppelcart.data.histories import Histories
from doppelcart.models.histories.batches import ProfileBlocks
from doppelcart.models.histories.controls import copy_users, draw_by_popularity, mix_users
from doppelcart.models.histories.hyperparameters import NetworkConfig

Invent = Callable[[Histories, int, np.random.Generator], Histories]
CONTROLS: dict[str, Invent] = {
    "copies": copy_users,
    "popularity": draw_by_popularity,
    "mixup": mix_users,
}
TRAINED = ("gan", "gan, of profiles", "denoiser, of profiles", "vae", "vae, of profiles")


@pytest.fixture(params=[*CONTROLS, *TRAINED])
def invent(request: pytest.FixtureRequest) -> Invent:
    """Each generator behind one signature."""
    if request.param in CONTROLS:
        return CONTROLS[request.param]
    name, _, of_profiles = request.param.partition(", ")
    model = request.getfixturevalue(f"trained_{name}")[0].generator
    profiles: Callable[[Histories], ProfileBlocks] = request.getfixturevalue("profiles")

    def run(real: Histories, n_users: int, rng: np.random.Generator) -> Histories:
        from doppelcart.models.histories.generation import generate

        if not of_profiles:
            return generate(model, n_users, real.item_ids, rng)
        order, blocks = rng.integers(real.n_users, size=n_users), profiles(real)
        wanted = (blocks.demographics[order], blocks.behaviour[order])
        return generate(model, n_users, real.item_ids, rng, *wanted)

    return run


@pytest.fixture
def real(block_shop: Callable[..., Histories]) -> Histories:
    return block_shop()


@pytest.mark.parametrize("n_users", [1, 7, 96, 250])
def test_as_many_users_as_asked_for_of_the_same_catalogue(invent, real, n_users):
    made = invent(real, n_users, np.random.default_rng(0))
    assert made.n_users == n_users == len(made.indptr) - 1
    np.testing.assert_array_equal(made.item_ids, real.item_ids)
    assert made.indptr[0] == 0
    assert made.indptr[-1] == len(made.items)
    assert made.indptr.dtype == np.int64
    assert made.items.dtype == np.int32
    assert made.matrix.shape == (n_users, real.n_items)


def test_users_are_new_and_named_once(invent, real):
    names = invent(real, 250, np.random.default_rng(0)).user_ids
    assert names.dtype.kind == "U"
    assert len(set(names)) == 250
    assert not set(names) & set(real.user_ids)


def test_a_user_has_distinct_items_of_the_catalogue(invent, real):
    made = invent(real, 250, np.random.default_rng(0))
    assert made.items.min() >= 0
    assert made.items.max() < real.n_items
    for user in range(made.n_users):
        assert len(set(made.of(user))) == len(made.of(user))


def test_lengths_are_those_of_a_shop(invent, real):
    made = invent(real, 250, np.random.default_rng(0))
    assert 0.5 < made.lengths.mean() / real.lengths.mean() < 2


def test_items_come_in_no_particular_order(invent, real):
    # Protocols reveal the first items of a history; sorted ones would reveal the catalogue's order.
    made = invent(real, 250, np.random.default_rng(0))
    longer = [made.of(user) for user in range(made.n_users) if len(made.of(user)) >= 3]
    assert np.mean([(np.diff(items) > 0).all() for items in longer]) < 0.3


def test_a_seed_gives_the_same_users_and_another_others(invent, real):
    first, again, other = (invent(real, 60, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.items, again.items)
    np.testing.assert_array_equal(first.indptr, again.indptr)
    assert first.items.tobytes() != other.items.tobytes()


def test_users_differ_from_one_another(invent, real):
    made = invent(real, 60, np.random.default_rng(0))
    assert len({np.sort(made.of(user)).tobytes() for user in range(60)}) > 40


def test_the_real_users_stay_as_they_were(invent, real):
    before = (real.items.copy(), real.indptr.copy())
    for array in (real.items, real.indptr):
        array.flags.writeable = False
    invent(real, 120, np.random.default_rng(0))
    np.testing.assert_array_equal(real.items, before[0])
    np.testing.assert_array_equal(real.indptr, before[1])


def tiny_shop(rows: list[list[int]], n_items: int) -> Histories:
    arrays = [np.array(row, dtype=int) for row in rows]
    names = np.array([f"u{user}" for user in range(len(rows))])
    return Histories.from_lists(arrays, names, np.array([f"i{item}" for item in range(n_items)]))


@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize(
    ("rows", "n_items"),
    [([[0]], 1), ([[0, 1]], 2), ([[0, 1, 2], [2]], 3), ([[4], [4, 1]], 9)],
)
def test_controls_manage_a_tiny_shop(name, rows, n_items):
    shop = tiny_shop(rows, n_items)
    made = CONTROLS[name](shop, 20, np.random.default_rng(0))
    assert made.n_users == 20
    assert set(made.items.tolist()) <= {item for row in rows for item in row}
    assert made.lengths.max() <= max(map(len, rows)) if name != "mixup" else True


@pytest.mark.parametrize("n_items", [1, 2])
def test_a_network_manages_a_tiny_catalogue(n_items):
    from doppelcart.models.histories.generation import generate
    from doppelcart.models.histories.networks import build_generator

    config = NetworkConfig(noise_units=2, hidden_units=4, critic_units=4)
    features = np.zeros((n_items, 1), np.float32)
    model = build_generator(config, np.full(n_items, 0.5), 4, features, 0, 1, seed=0)
    names = np.array([f"i{item}" for item in range(n_items)])
    made = generate(model, 50, names, np.random.default_rng(0))
    assert made.n_users == 50
    assert made.matrix.shape == (50, n_items)
