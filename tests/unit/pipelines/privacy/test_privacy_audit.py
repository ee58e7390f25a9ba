"""What must fail the audit fails it, what must pass passes, and too few users are no pass."""

import numpy as np
import pandas as pd
import pytest

from doppelcart.models.controls import copy_users, draw_by_popularity
from doppelcart.pipelines.privacy import audit
from doppelcart.pipelines.privacy.audit import AUC, FAILED, OK, TPR, UNCLEAR, UNDEFINED


@pytest.fixture
def sides(members, strangers):
    return audit.sides_of(members, strangers)


def found(name, sides, released, params):
    return audit.membership(name, sides, audit.attack_on(released, params.neighbours), params)


class TestStatus:
    @pytest.mark.parametrize(
        ("value", "low", "expected"),
        [(0.5, 0.4, OK), (0.55, 0.5, OK), (0.6, 0.5, UNCLEAR), (0.7, 0.6, FAILED)],
    )
    def test_by_value_and_interval(self, value, low, expected):
        assert audit.status_of(value, low, 0.55, 100, 100) == expected

    def test_nothing_known_is_not_ok(self):
        assert audit.status_of(float("nan"), 0, 0.55, 100, 100) == UNDEFINED
        assert audit.status_of(0.5, 0.4, 0.55, 99, 100) == UNDEFINED


class TestMembership:
    def test_copies_fail(self, members, sides, params):
        copies = copy_users(members, 300, np.random.default_rng(0))
        rows = found("gan", sides, copies.matrix, params)
        closest = rows[rows["attack"] == "closest 1"].set_index("check")
        assert closest["status"].tolist() == [FAILED, FAILED]
        assert closest.loc[AUC, "value"] > 0.95
        assert closest.loc[AUC, "advice"]

    def test_near_copies_fail(self, members, sides, params):
        matrix = members.matrix
        rng = np.random.default_rng(0)
        matrix.data = (rng.random(matrix.nnz) < 0.8).astype(np.float32)
        matrix.eliminate_zeros()
        assert FAILED in set(found("gan", sides, matrix, params)["status"])

    def test_draws_by_popularity_pass(self, members, sides, params):
        drawn = draw_by_popularity(members, 300, np.random.default_rng(0))
        rows = found("popularity", sides, drawn.matrix, params)
        assert FAILED not in set(rows["status"])
        assert audit.strongest(rows, AUC)["low"] < 0.55

    def test_users_of_whom_none_was_a_member_pass(self, sides, others, params):
        rows = found("gan", sides, others.matrix, params)
        aucs = rows.loc[rows["check"] == AUC, "value"]
        assert ((aucs > 0.4) & (aucs < 0.6)).all()
        assert FAILED not in set(rows["status"])

    def test_the_audits_own_control_finds_nothing(self, sides, params):
        rows = found(audit.STRANGERS, sides, None, params)
        assert FAILED not in set(rows["status"])
        assert set(rows["role"]) == {"control"}

    def test_too_few_users_are_undefined(self, members, strangers, params):
        few = audit.sides_of(members, strangers.select(np.arange(50)))
        assert set(found("gan", few, members.matrix, params)["status"]) == {UNDEFINED}
        nobody = audit.sides_of(members, strangers.select(np.arange(0)))
        assert set(found("gan", nobody, members.matrix, params)["status"]) == {UNDEFINED}

    def test_a_low_false_positive_rate_takes_a_hundred_strangers(self, members, strangers, params):
        few = audit.sides_of(members, strangers.select(np.arange(60)))
        rows = found("gan", few, members.matrix, params.model_copy(update={"min_users": 20}))
        status = rows[rows["attack"] == "closest 1"].set_index("check")["status"]
        assert status.to_dict() == {AUC: FAILED, TPR: UNDEFINED}


class TestDisclosure:
    def test_copies_repeat_and_reveal(self, members, sides, params):
        groups = np.arange(members.n_items) // 4
        rows = audit.disclosure("gan", sides, members.matrix, groups, params).set_index("check")
        assert rows.loc["exact copies", "value"] == 1
        assert rows.loc["exact copies", "status"] == rows.loc["near copies", "status"] == FAILED
        assert rows.loc["closer to train", "value"] > 0.9

    def test_others_do_not(self, sides, others, params):
        groups = np.arange(others.n_items) // 4
        rows = audit.disclosure("gan", sides, others.matrix, groups, params).set_index("check")
        assert FAILED not in set(rows["status"])
        assert rows.loc["attribute gain", "low"] < 0 < rows.loc["attribute gain", "high"]

    def test_what_strangers_share_with_members_is_no_copying(self, members, params):
        # everybody has the same two items, so every release repeats somebody
        same = members.first(0)
        same = type(same).from_lists([np.array([0, 1])] * 300, same.user_ids, same.item_ids)
        sides = audit.sides_of(same, same)
        groups = np.arange(same.n_items)
        rows = audit.disclosure("gan", sides, same.matrix, groups, params).set_index("check")
        assert rows.loc["exact copies", "value"] == 1
        assert rows.loc["exact copies", "status"] == OK


class TestSummary:
    def table(self, null: str, copies: str) -> pd.DataFrame:
        rows = [
            (name, check, status)
            for name, status in (("strangers", null), ("copies", copies), ("gan", OK))
            for check in (AUC, TPR)
        ]
        table = pd.DataFrame(rows, columns=["set", "check", "status"])
        return table.assign(role="", attack="a", value=0.5, low=0.4, high=0.6)

    def test_it_is_sound_if_its_controls_come_out_as_they_must(self):
        assert audit.summary(self.table(OK, FAILED))["sound"]
        assert not audit.summary(self.table(FAILED, FAILED))["sound"]
        assert not audit.summary(self.table(OK, OK))["sound"]
        assert not audit.summary(self.table(UNDEFINED, FAILED))["sound"]

    def test_a_set_has_its_worst_status_and_its_strongest_attack(self, members, sides, params):
        copies = audit.membership(
            "gan", sides, audit.attack_on(members.matrix, params.neighbours), params
        )
        verdict = audit.summary(copies)["sets"]["gan"]
        assert verdict["status"] == FAILED
        assert verdict["attack"] == "closest 1"
        assert verdict["auc"] > 0.95
        assert verdict["failed"] == [AUC, TPR]
