"""Nodes: who stands for those a generator never saw, and a generator that memorises."""

import logging

import ibis
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from doppelcart.data.histories import Histories
from doppelcart.errors import InputError, ParameterError
from doppelcart.pipelines.privacy import audit, nodes, private
from doppelcart.pipelines.privacy.params import (
    AuditParams,
    NetworkConfig,
    PrivacyConfig,
    PrivateGridParams,
)
from doppelcart.pipelines.privacy.utility import compare_releases

NETWORK = NetworkConfig(noise_units=4, hidden_units=8, critic_units=8, dropout=0.0)


class TestNonMembers:
    def lines(self, *rows: tuple[str, str, str, str]):
        table = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp", "protocol"])
        return ibis.memtable(table.assign(timestamp=pd.to_datetime(table["timestamp"])))

    def test_they_are_cut_where_training_ends(self):
        train = Histories.from_lists([np.array([0, 1])], np.array(["a"]), np.array(["x", "y"]))
        lines = self.lines(
            ("s", "y", "2020-01-01", "cold"),
            ("s", "x", "2020-03-01", "cold"),
            ("s", "z", "2020-01-02", "cold"),
            ("late", "x", "2020-02-01", "cold"),
            ("a", "x", "2020-01-01", "warm"),
        )
        found = nodes.find_non_members(
            train, lines, {"validation_from": "2020-02-01 00:00:00"}, AuditParams()
        )
        assert found.user_ids.tolist() == ["s"]
        assert found.of(0).tolist() == [1]
        with pytest.raises(InputError, match=r"split\.validation_user_share"):
            nodes.find_non_members(
                train, lines, {"validation_from": "2019-01-01 00:00:00"}, AuditParams()
            )

    def test_too_few_resamples_are_refused_before_anything_is_looked_at(self):
        with pytest.raises(ParameterError, match=r"privacy\.audit\.n_bootstrap 50 is too few"):
            nodes.find_non_members(None, None, {}, AuditParams(n_bootstrap=50))


def test_a_generator_that_memorises_fails(non_members) -> None:
    from doppelcart.data.cases import Case
    from doppelcart.models.histories.fitting import fit
    from doppelcart.models.histories.generation import generate
    from doppelcart.models.histories.hyperparameters import TrainingConfig

    few = non_members.select(np.arange(30))
    never_seen = non_members.select(np.arange(30, 300))
    # a profile for each, trained long, without dropout, critic or averaging
    behaviour = np.eye(30, dtype=np.float32) * 3
    training = TrainingConfig(
        epochs=120, batch_size=30, new_user_share=1, demographics_known_share=1, ema_decay=0,
        learning_rate=2e-2, weight_decay=0, evaluate_every=120,
    )  # fmt: skip
    long = never_seen.select(np.flatnonzero(never_seen.lengths > 2))
    network = NetworkConfig(noise_units=2, hidden_units=32, critic_units=4, dropout=0)
    trained, _ = fit(
        few,
        np.zeros((30, 1), np.float32),
        behaviour,
        np.zeros((few.n_items, 1), np.float32),
        Case("cold_2", long.first(2), long.rest(2)),
        network,
        training,
        0.0,
        "memoriser",
    )
    synthetic = generate(
        trained.generator,
        30,
        few.item_ids,
        np.random.default_rng(0),
        np.zeros((30, 1), np.float32),
        behaviour,
    )
    params = AuditParams(min_users=30, n_bootstrap=120)
    sides = audit.sides_of(few, never_seen)
    attack = audit.attack_on(synthetic.matrix, (1,))
    rows = audit.membership("gan", sides, attack, params)
    closest = rows[rows["attack"] == "closest 1"].set_index("check")
    assert closest["status"].tolist() == [audit.FAILED, audit.FAILED]
    assert closest.loc[audit.AUC, "value"] > 0.9


def findings(**changes: object) -> pd.DataFrame:
    row = {
        "monitor": "gan membership auc closest 1", "set": "gan", "role": "trial",
        "check": audit.AUC, "attack": "closest 1", "status": audit.OK, "value": 0.5, "low": 0.4,
        "high": 0.6, "limit": 0.55, "advice": "",
    }  # fmt: skip
    return pd.DataFrame([row | changes, row | changes | {"check": audit.TPR}])


def test_a_failure_is_said_with_its_advice(caplog) -> None:
    failed = findings(status=audit.FAILED, value=0.7, advice="Train for less.")
    with caplog.at_level(logging.WARNING, logger=nodes.__name__):
        nodes.judge(failed, findings(set="gan_completion"))
    said = [r.getMessage() for r in caplog.records]
    assert "gan membership auc closest 1: 0.700, limit 0.550. Train for less." in said
    # nothing shows that the audit works where its controls are missing
    assert any("cannot be relied on" in message for message in said)


def test_a_control_that_fails_raises_no_alarm_of_its_own(caplog) -> None:
    control = findings(role="control", set="copies", status=audit.FAILED, advice="x")
    with caplog.at_level(logging.WARNING, logger=nodes.__name__):
        nodes.judge(control, findings(role="control", set=audit.NON_MEMBERS))
    assert caplog.records == []


class TestPrivate:
    def test_a_budget_out_of_reach_stops_before_anything_is_trained(self, members, monkeypatch):
        from doppelcart.models.histories import private_training as models

        monkeypatch.setattr(models, "train_privately", lambda *_: pytest.fail("trained"))
        grid = PrivateGridParams(epsilons=(8.0, 0.001), epsilon=8.0)
        config = PrivacyConfig(delta=1e-3, steps=5)
        with pytest.raises(ParameterError, match=r"epsilon 0\.001 cannot be reached.*least is"):
            private.train_private(members, NETWORK, config, grid)

    def test_the_kept_budget_is_one_of_the_grid(self):
        with pytest.raises(ValidationError, match="must be one of epsilons"):
            PrivateGridParams(epsilons=(1.0,), epsilon=2.0)

    def test_no_two_budgets_share_their_draws(self, members, monkeypatch):
        monkeypatch.setattr(private, "draw_independently", lambda *given: given[-1].random())
        grid = PrivateGridParams(epsilons=(4.0, 8.0), epsilon=8.0)
        config = PrivacyConfig(delta=1e-3, seed=1)
        drawn, _ = private.draw_private_popularity(members, config, grid)
        assert len(set(drawn.values())) == len(drawn) == 3


def test_an_unknown_slice_is_answered_with_those_there_are(shop, non_members, params, trade_off):
    wrong = trade_off.model_copy(update={"slice": "cold_9"})
    with pytest.raises(ParameterError, match=r"privacy\.trade_off\.slice.*cold_2"):
        compare_releases({}, shop["train_histories"], non_members, shop["validation_cases"], params,
                       wrong)  # fmt: skip
