"""How the study of CFGAN chooses, remembers and reports; nothing here is trained."""

import numpy as np
import pytest
from scipy import sparse

from doppelcart.recommenders import EASE, EASEConfig
from studies import cfgan
from studies.memory import remembered
from studies.models.hyperparameters import CfganConfig


@pytest.fixture
def splits() -> tuple[cfgan.Split, cfgan.Split]:
    """Two groups of users, each with most of its half of the items."""
    rng = np.random.default_rng(0)
    group = np.arange(60)[:, None] % 2 == np.arange(20)[None, :] // 10
    whole = sparse.csr_matrix(group & (rng.random((60, 20)) < 0.8), dtype=np.float32)
    train, test = cfgan.hold_out(whole, 0.2, rng)
    return cfgan.Split(*cfgan.hold_out(train, 0.2, rng)), cfgan.Split(train, test)


def test_a_recommender_is_tuned_on_the_validation_part(splits):
    figures = cfgan.recommender_row("ease", {"l2": [10, 100_000]}, *splits)
    assert [figure.figure for figure in figures] == [f"ease, {cell}" for cell in cfgan.CELLS]
    assert str(figures[0].target) == "0.446 ± 0.005"
    assert "l2 " in figures[0].how
    chosen = 10.0 if "l2 10.0" in figures[0].how else 100_000.0
    train = splits[1].train
    scores = EASE().fit(train).score(train, EASEConfig(l2=chosen))
    assert figures[0].value == splits[1].cells(scores)["P@5"]


def test_strength_0_is_ease_itself(splits):
    train = splits[1].train
    made = np.random.default_rng(0).random(train.shape)
    plain = EASE().fit(train).score(train, EASEConfig(l2=10))
    np.testing.assert_allclose(cfgan.ease_of_completed(train, made, 0, 10), plain, atol=1e-5)


def test_a_generator_that_knows_the_groups_is_made_use_of(splits):
    inner, outer = splits
    oracle = (np.arange(60)[:, None] % 2 == np.arange(20)[None, :] // 10).astype(np.float32)
    figures = cfgan.completed_row(oracle, [oracle, oracle], inner, outer)
    assert "Mean of the 2 seeds" in figures[0].how
    assert figures[0].low == figures[0].high == pytest.approx(figures[0].value)
    by_name = {figure.figure: figure for figure in figures}
    together = by_name["EASE of histories completed by all seeds' mean, P@5"]
    assert together.value == pytest.approx(figures[0].value)
    assert str(together.target) == ">= 0.455"


def test_cells_are_held_against_the_published_ones(splits):
    outer = splits[1]
    perfect = outer.relevant.toarray()
    none = np.zeros((0, len(cfgan.CELLS)))
    trained = [
        cfgan.Trained(perfect, none, 3.0),
        cfgan.Trained(np.zeros_like(perfect), none, 5.0),
    ]
    figures = cfgan.cfgan_row(trained, outer, 240)
    by_name = {figure.figure: figure for figure in figures}
    ndcg = by_name["CFGAN, N@5"]
    assert ndcg.high == 1
    assert ndcg.low < ndcg.value < ndcg.high
    assert str(ndcg.target) == "0.476 ± 0.01"
    assert "240 rounds" in ndcg.how
    assert "4 processor seconds" in ndcg.how


def test_the_scores_of_the_chosen_round_are_kept_whatever_test_says(splits, tmp_path, monkeypatch):
    outer = splits[1]
    best = outer.relevant.toarray()
    made = {5: np.zeros_like(best), 10: np.ones_like(best), 15: best}

    def train_cfgan(train, config, look, every):
        for number in range(every, config.rounds + 1, every):
            look(made[number])

    monkeypatch.setattr("studies.models.cfgan.train_cfgan", train_cfgan)
    monkeypatch.setattr(cfgan, "CACHE", tmp_path)
    for rounds in (10, 5):
        trained = cfgan.train_once(outer, CfganConfig(rounds=15), rounds)
        np.testing.assert_array_equal(trained.scores, made[rounds])
        assert trained.looks.shape == (3, len(cfgan.CELLS))
        assert trained.looks[2].tolist() == list(outer.cells(best).values())


def test_choosing_on_test_is_reported_beside_and_aims_at_nothing():
    def looks(precision: list[float], ndcg: list[float]) -> np.ndarray:
        table = np.zeros((3, len(cfgan.CELLS)))
        table[:, cfgan.CELLS.index("P@5")] = precision
        table[:, cfgan.CELLS.index("N@20")] = ndcg
        return table

    scores = np.zeros((1, 1))
    trained = [
        cfgan.Trained(scores, looks([0.1, 0.4, 0.3], [0.5, 0.2, 0.3]), 1.0),
        cfgan.Trained(scores, looks([0.1, 0.1, 0.2], [0.1, 0.9, 0.4]), 1.0),
    ]
    figures = cfgan.chosen_on_test_rows(trained)
    by_name = {figure.figure: figure for figure in figures}
    at_best = by_name["CFGAN, epoch chosen on test (diagnostic), N@20"]
    assert (at_best.low, at_best.high) == (0.2, 0.4)
    largest = by_name["CFGAN, each cell's epoch chosen on test (diagnostic), N@20"]
    assert (largest.low, largest.value, largest.high) == (0.5, pytest.approx(0.7), 0.9)
    assert all(figure.target is None for figure in figures)


def test_what_was_trained_is_not_trained_again(splits, tmp_path):
    calls = []

    def work():
        calls.append(1)
        return {"scores": np.ones(3)}

    train = splits[0].train
    for config in (CfganConfig(), CfganConfig(), CfganConfig(seed=1)):
        kept = remembered(tmp_path, cfgan.made_from(train, config), work)
        assert kept["scores"].tolist() == [1, 1, 1]
    assert len(calls) == 2
    assert len(list(tmp_path.rglob("output.pkl"))) == 2
