"""The duels with others' models, without their environment."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from doppelcart.data.histories import Histories
from studies import ctgan, multvae
from studies.peers import environment
from studies.study import Study

ITEMS = np.array(["a", "b", "c", "d"])
FEATURES = pd.DataFrame(
    {
        "department": ["GROCERY", "GROCERY", "DELI", "DELI"],
        "category": ["soup", "tea", "ham", "ham"],
        "n_rows": [5, 4, 3, 2],
        "private_label": [1.0, 0.0, 0.0, 0.0],
        "price_position": [0.0, 1.0, 0.5, 0.5],
    },
    index=pd.Index(ITEMS, name="item_id"),
)


def test_a_profile_says_what_a_users_items_say():
    rows = [np.array([0, 1, 2]), np.array([3]), np.array([], dtype=int)]
    users = Histories.from_lists(rows, np.array(["u", "v", "w"]), ITEMS)
    profile = ctgan.describe(users, FEATURES)
    assert profile.index.tolist() == ["u", "v"]
    first = profile.loc["u"]
    assert first["items"] == 3
    assert first["department_share_grocery"] == pytest.approx(2 / 3)
    assert first["private_label_share"] == pytest.approx(1 / 3)
    assert first["mean_price_position"] == pytest.approx(0.5)
    assert first["category_entropy"] == pytest.approx(np.log(3))
    assert first["favourite_department"] == "grocery"
    assert profile.loc["v", "favourite_category"] == "ham"
    assert profile["segment"].tolist() == ["heavy", "medium"]
    assert set(ctgan.DISCRETE) < set(profile.columns)


def test_the_report_sets_scores_and_times_against_each_other():
    rows = {
        ctgan.THEIRS: [{"quality": 0.8, "seconds": 100.0}, {"quality": 0.7, "seconds": 100.0}],
        ctgan.OURS: [{"quality": 0.85, "seconds": 50.0}, {"quality": 0.9, "seconds": 70.0}],
        ctgan.EARLY: [{"quality": 0.81, "seconds": 5.0}, {"quality": 0.69, "seconds": 15.0}],
    }
    figures = {f.figure: f for f in ctgan.report(rows, {"quality": 0.95}, 50, 20)}
    gain = figures[f"overall quality, {ctgan.OURS} less CTGAN"]
    assert gain.low == pytest.approx(0.05)
    assert gain.met
    assert not figures[f"overall quality, {ctgan.EARLY} less CTGAN"].met
    share = figures[f"time, {ctgan.EARLY} as a share of CTGAN's"]
    assert share.value == pytest.approx(0.1)
    assert figures["real users against real users, overall quality"].value == 0.95
    assert figures["CTGAN, KSComplement"].entry()["value"] is None


def test_a_duel_tunes_either_on_the_validation_part_and_measures_on_test(tmp_path):
    train = sparse.csr_matrix([[1, 0, 0, 0], [0, 1, 0, 0]], dtype=np.float32)
    validation = sparse.csr_matrix([[0, 1, 0, 0], [0, 0, 1, 0]], dtype=np.float32)
    test = sparse.csr_matrix([[0, 0, 1, 0], [0, 0, 0, 1]], dtype=np.float32)
    asked = []

    def fit(answers, seconds):
        def fitted(matrix, setting, seed):
            asked.append((setting, seed))
            return answers[setting].toarray(), seconds

        return fitted

    figures = multvae.duel(
        Study("multvae", tmp_path),
        "a model",
        fit({"good": validation + 2 * test, "bad": -validation}, 1.0),
        ["bad", "good"],
        fit({"only": validation + 0.5 * test}, 4.0),
        ["only"],
        (train, validation),
        (train, test),
    )
    by_name = {figure.figure: figure for figure in figures}
    assert by_name["a model, ours, NDCG@20"].value == 1
    assert by_name["a model, Cornac's, NDCG@20"].value == pytest.approx(1 / np.log2(3))
    assert by_name["a model, our time as a share of Cornac's"].value == 0.25
    assert [seed for setting, seed in asked if setting == "only"] == [0, 1, 2]
    assert "ours good" in by_name["a model, ours, time"].how


def test_a_peer_answers_in_the_last_line_it_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "HERE", tmp_path)
    monkeypatch.setenv("PEERS_PYTHON", sys.executable)
    lines = "import json, sys; job = json.load(open(sys.argv[1]))"
    (tmp_path / "echo.py").write_text(f"{lines}; print('noise'); print(json.dumps(job))")
    assert environment.run("echo", {"a": 1}, tmp_path / "jobs") == {"a": 1}
    assert json.loads((tmp_path / "jobs" / "echo.json").read_text()) == {"a": 1}


def test_the_environment_is_made_once_per_list_of_requirements(tmp_path, monkeypatch):
    monkeypatch.delenv("PEERS_PYTHON", raising=False)
    monkeypatch.setattr(environment, "HOME", tmp_path / "peers")
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path / "requirements.txt")
    (tmp_path / "requirements.txt").write_text("one")
    commands = []

    def note(command, check):
        (tmp_path / "peers").mkdir(exist_ok=True)
        commands.append([str(word) for word in command])

    monkeypatch.setattr(environment.subprocess, "run", note)
    for _ in range(2):
        assert environment.python() == tmp_path / "peers" / "bin" / "python"
    assert len(commands) == 2
    assert "venv" in commands[0]
    assert "pip" in commands[1]
    (tmp_path / "requirements.txt").write_text("another")
    environment.python()
    assert len(commands) == 4


def test_forecasters_have_an_environment_of_their_own(tmp_path, monkeypatch):
    monkeypatch.delenv("FORECASTERS_PYTHON", raising=False)
    monkeypatch.setattr(environment, "HOME", tmp_path / "peers")
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path / "requirements.txt")
    (tmp_path / "forecasters.txt").write_text("one")
    commands = []

    def note(command, check):
        (tmp_path / "forecasters").mkdir(exist_ok=True)
        commands.append([str(word) for word in command])

    monkeypatch.setattr(environment.subprocess, "run", note)
    home = tmp_path / "forecasters"
    assert environment.python(environment.FORECASTERS) == home / "bin" / "python"
    assert commands[1][-1] == str(tmp_path / "forecasters.txt")
    monkeypatch.setenv("FORECASTERS_PYTHON", "another")
    assert str(environment.python(environment.FORECASTERS)) == "another"
