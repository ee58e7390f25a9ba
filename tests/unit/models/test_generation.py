"""Inventing and completing with a generator whose answer is known."""

from types import SimpleNamespace
from typing import ClassVar

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from doppelcart.data.histories import Histories
from doppelcart.datasets.keras_model import KerasModelDataset
from doppelcart.errors import InputError
from doppelcart.models.histories import serving_arrays
from doppelcart.models.histories.generation import (
    ROWS_PER_CHUNK,
    complete,
    generate,
    generator_logits,
    make_completer,
    make_network_completer,
    profile_rows,
)
from doppelcart.models.histories.hyperparameters import NetworkConfig
from doppelcart.models.histories.networks import build_generator, note_catalogue
from doppelcart.models.histories.slopes import Completion


class Tensor:
    def __init__(self, width: int):
        self.shape = (None, width)


class Stub:
    """Says logit 0 of what is known, plus 10 for the item after each seen one, plus the noise."""

    input: ClassVar = {
        name: Tensor(width)
        for name, width in {
            "history": 4,
            "noise": 1,
            "demographics": 2,
            "demographics_known": 1,
            "behaviour": 1,
            "behaviour_known": 1,
        }.items()
    }

    def __init__(self):
        self.asked = []
        self.noted = SimpleNamespace(catalogue="", users="")

    def get_layer(self, name):
        assert name == "mean_item_features"
        return self.noted

    def __call__(self, fed, training):
        assert training is False
        self.asked.append(fed)
        return 10 * np.roll(fed["history"], 1, axis=1) + fed["noise"]


ITEMS = np.array(["a", "b", "c", "d"])


def test_a_block_left_out_is_unknown_and_a_block_given_is_known():
    stub = Stub()
    generator_logits(stub, np.zeros((3, 4), np.float32), np.zeros((3, 1)), np.ones((3, 2)))
    fed = stub.asked[0]
    np.testing.assert_array_equal(fed["demographics"], np.ones((3, 2)))
    assert fed["demographics_known"].tolist() == [[1.0]] * 3
    assert fed["behaviour"].tolist() == [[0.0]] * 3
    assert fed["behaviour_known"].tolist() == [[0.0]] * 3


def test_completion_is_the_probability_averaged_over_noise():
    seen = sparse.csr_matrix(np.eye(4, dtype=np.float32)[:2])
    found = complete(Stub(), seen, 500, np.random.default_rng(0))
    assert found.shape == (2, 4)
    assert found.dtype == np.float32
    noise = np.random.default_rng(1).standard_normal(100_000)
    after, other = (float(np.mean(1 / (1 + np.exp(-(said + noise))))) for said in (10, 0))
    np.testing.assert_allclose(found[0], [other, after, other, other], atol=0.04)
    np.testing.assert_allclose(found[1], [other, other, after, other], atol=0.04)


def test_chunks_change_nothing_but_the_order_of_draws():
    n = ROWS_PER_CHUNK + 3
    stub = Stub()
    demographics = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    seen = sparse.csr_matrix(np.eye(4, dtype=np.float32)[np.arange(n) % 4])
    found = complete(stub, seen, 1, np.random.default_rng(0), demographics)
    given = np.concatenate([fed["demographics"] for fed in stub.asked])
    np.testing.assert_array_equal(given, demographics)
    np.testing.assert_array_equal(found.argmax(axis=1), (np.arange(n) + 1) % 4)


def test_no_user_at_all():
    assert complete(Stub(), sparse.csr_matrix((0, 4)), 2, np.random.default_rng(0)).shape == (0, 4)


def test_extreme_logits_neither_warn_nor_leave_the_unit_interval(recwarn):
    class Sure(Stub):
        def __call__(self, fed, training):
            return np.tile(np.array([-500, 500, 0, 0], np.float32), (len(fed["history"]), 1))

    found = complete(Sure(), sparse.csr_matrix((2, 4)), 1, np.random.default_rng(0))
    assert found[:, :2].tolist() == [[0.0, 1.0]] * 2
    made = generate(Sure(), 50, ITEMS, np.random.default_rng(0))
    assert (np.bincount(made.items, minlength=4)[:2] == [0, 50]).all()
    assert not recwarn.list


def test_a_target_profile_goes_to_the_user_it_is_meant_for():
    stub = Stub()
    n = ROWS_PER_CHUNK + 5
    behaviour = np.arange(n, dtype=np.float32)[:, None]
    made = generate(stub, n, ITEMS, np.random.default_rng(0), behaviour=behaviour, prefix="gan")
    np.testing.assert_array_equal(np.concatenate([f["behaviour"] for f in stub.asked]), behaviour)
    assert all((fed["history"] == 0).all() for fed in stub.asked)
    assert made.user_ids[[0, -1]].tolist() == ["gan-0", f"gan-{n - 1}"]


@pytest.mark.parametrize("n_items", [3, 5])
def test_another_catalogue_is_refused_with_advice(n_items):
    rng = np.random.default_rng(0)
    advice = rf"catalogue of 4 items.*have {n_items}.*kedro run --pipelines gan"
    with pytest.raises(InputError, match=advice):
        complete(Stub(), sparse.csr_matrix((2, n_items)), 1, rng)
    with pytest.raises(InputError, match=advice):
        generate(Stub(), 2, np.arange(n_items), rng)


def test_other_items_in_the_same_number_are_refused(monkeypatch):
    stub = Stub()
    note_catalogue(stub, ITEMS)
    assert generate(stub, 2, ITEMS, np.random.default_rng(0)).n_users == 2
    demographics = pd.DataFrame({"user_id": ["v"], "a": [0.0], "b": [0.0]})
    monkeypatch.setattr(serving_arrays, "completer_arrays", lambda *_: None)
    completer = make_completer(stub, demographics, 1, 0)
    for items in (ITEMS[::-1], np.array(["a", "b", "c", "x"])):
        with pytest.raises(InputError, match="as many as these histories have, but they are other"):
            generate(stub, 2, items, np.random.default_rng(0))
        with pytest.raises(InputError, match="kedro run --pipelines gan"):
            completer(Histories.from_lists([np.array([0])], np.array(["v"]), items))


def test_what_was_noted_of_the_catalogue_survives_the_file(trained_denoiser, block_shop, tmp_path):
    dataset = KerasModelDataset(filepath=str(tmp_path / "generator.keras"))
    dataset.save(trained_denoiser[0].generator)
    loaded, items = dataset.load(), block_shop().item_ids
    rng = np.random.default_rng(0)
    assert generate(loaded, 2, items, rng).n_users == 2
    with pytest.raises(InputError, match="other items, or in another order"):
        generate(loaded, 2, items[::-1], rng)


def test_another_catalogue_is_refused_by_a_trained_model(trained_denoiser):
    with pytest.raises(InputError, match="catalogue of 24 items"):
        generate(trained_denoiser[0].generator, 2, np.arange(23), np.random.default_rng(0))


MATRIX = pd.DataFrame({"user_id": ["u", "v", "w"], "x": [1.0, 2.0, 3.0], "y": [4.0, 5.0, 6.0]})


class TestProfileRows:
    @pytest.mark.parametrize("matrix", [MATRIX, MATRIX.set_index("user_id")], ids=["column", "ind"])
    def test_rows_come_in_the_order_of_the_users(self, matrix):
        found = profile_rows(matrix, np.array(["w", "u", "w"]))
        assert found.dtype == np.float32
        assert found.tolist() == [[3, 6], [1, 4], [3, 6]]

    def test_a_user_without_a_row_is_named(self):
        with pytest.raises(InputError, match=r"1 users have no whole profile row, 'z' first"):
            profile_rows(MATRIX, np.array(["u", "z"]))

    def test_a_matrix_without_columns(self):
        assert profile_rows(MATRIX[["user_id"]], np.array(["w", "u"])).shape == (2, 0)


class TestCompleter:
    @pytest.fixture
    def generator(self) -> keras.Model:
        """A generator of random weights, of four items and two columns of demographics."""
        sizes = NetworkConfig(noise_units=3, hidden_units=8, critic_units=8)
        made = build_generator(sizes, np.full(4, 0.3), 50, np.zeros((4, 0)), 2, 1, seed=0)
        rng = np.random.default_rng(0)
        for weight in made.trainable_weights:
            weight.assign(weight + rng.normal(scale=0.5, size=weight.shape))
        return made

    def test_a_history_is_completed_alike_whoever_else_is_asked_for(self, generator):
        completer = make_completer(generator, MATRIX, n_draws=2, seed=5)
        rows = [np.array([0]), np.array([2, 1])]
        seen = Histories.from_lists(rows, np.array(["v", "u"]), ITEMS)
        (both,) = completer(seen)
        (alone,) = completer(seen.select(np.array([1])))
        np.testing.assert_array_equal(alone[0], both[1])

    def test_demographics_are_those_of_the_users(self, generator):
        rows = [np.array([0]), np.array([2, 1])]
        seen = Histories.from_lists(rows, np.array(["v", "u"]), ITEMS)
        (found,) = make_completer(generator, MATRIX, 1, 7)(seen)
        asked = Completion(generator, 1, 7)
        for row, known in enumerate(([2.0, 5.0], [1.0, 4.0])):
            expected = asked.probabilities(seen.matrix[row], np.array(known, np.float32))
            np.testing.assert_allclose(found[row], expected[0], atol=2e-6)
        strangers = asked.probabilities(seen.matrix)
        assert np.abs(found - strangers).max() > 0.01

    def test_a_network_without_arrays_completes_as_one_with_them(self, generator):
        rows = [np.array([0]), np.array([2, 1])]
        seen = Histories.from_lists(rows, np.array(["v", "u"]), ITEMS)
        (by_arrays,) = make_completer(generator, MATRIX, 2, 5)(seen)
        (by_network,) = make_network_completer(generator, MATRIX, 2, 5)(seen)
        np.testing.assert_allclose(by_network, by_arrays, atol=2e-6)
        (alone,) = make_network_completer(generator, MATRIX, 2, 5)(seen.select(np.array([1])))
        np.testing.assert_allclose(alone[0], by_network[1], atol=1e-7)

    def test_another_catalogue_is_refused_by_either(self, generator):
        seen = Histories.from_lists([np.array([0])], np.array(["v"]), ITEMS[:3])
        for make in (make_completer, make_network_completer):
            with pytest.raises(InputError, match="catalogue of 4 items"):
                list(make(generator, MATRIX, 1, 0)(seen))
