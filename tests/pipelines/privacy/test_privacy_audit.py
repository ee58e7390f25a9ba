"""What must fail the audit fails it, what must pass passes, and too few users are no pass."""

import numpy as np
import pandas as pd
import pytest

from doppelcart.errors import ParameterError
from doppelcart.models.histories.controls import copy_users, draw_by_popularity
from doppelcart.pipelines.privacy import audit
from doppelcart.pipelines.privacy.audit import AUC, FAILED, OK, TPR, UNCLEAR, UNDEFINED
from doppelcart.pipelines.privacy.params import AuditParams


@pytest.fixture
def sides(members, non_members):
    return audit.sides_of(members, non_members)


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
        rows = found(audit.NON_MEMBERS, sides, None, params)
        assert FAILED not in set(rows["status"])
        assert set(rows["role"]) == {"control"}

    def test_too_few_users_are_undefined(self, members, non_members, params):
        few = audit.sides_of(members, non_members.select(np.arange(50)))
        assert set(found("gan", few, members.matrix, params)["status"]) == {UNDEFINED}
        nobody = audit.sides_of(members, non_members.select(np.arange(0)))
        assert set(found("gan", nobody, members.matrix, params)["status"]) == {UNDEFINED}

    def test_a_low_false_positive_rate_takes_a_hundred_non_members(
        self, members, non_members, params
    ):
        few = audit.sides_of(members, non_members.select(np.arange(60)))
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

    def test_what_non_members_share_with_members_is_no_copying(self, members, params):
        # everybody has the same two items, so every release repeats somebody
        same = members.first(0)
        same = type(same).from_lists([np.array([0, 1])] * 300, same.user_ids, same.item_ids)
        sides = audit.sides_of(same, same)
        groups = np.arange(same.n_items)
        rows = audit.disclosure("gan", sides, same.matrix, groups, params).set_index("check")
        assert rows.loc["exact copies", "value"] == 1
        assert rows.loc["exact copies", "status"] == OK


def row(name: str, check: str, value: float, status: str, limit: float = 0.55) -> dict:
    return {
        "set": name, "role": "control" if name in audit.CONTROLS else "trial", "check": check,
        "attack": "closest 1", "status": status, "value": value, "low": value - 0.02,
        "high": value + 0.02, "limit": limit,
    }  # fmt: skip


SOUND = {
    ("non_members", AUC): (0.51, OK),
    ("copies", AUC): (0.96, FAILED),
    ("copies", audit.EXACT): (1.0, FAILED),
    ("gan", AUC): (0.54, UNCLEAR),
    ("gan", TPR): (0.01, OK),
    ("vae", AUC): (0.9, FAILED),
}


def findings(**changed: tuple[float, str]) -> pd.DataFrame:
    values = SOUND | {
        {
            "non_members": ("non_members", AUC),
            "copies": ("copies", AUC),
            "exact": ("copies", audit.EXACT),
        }[name]: value
        for name, value in changed.items()
    }
    return pd.DataFrame([row(*key, *value) for key, value in values.items()])


class TestFaults:
    def test_an_audit_whose_controls_are_where_they_must_be_has_none(self):
        assert audit.faults(findings()) == []

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"non_members": (0.6, FAILED)}, "non-members tell members apart with AUC 0.60"),
            ({"non_members": (0.38, OK)}, "non-members tell members apart with AUC 0.38"),
            (
                {"non_members": (float("nan"), UNDEFINED)},
                "too few users for the control of non-members",
            ),
            ({"copies": (1.0, UNDEFINED)}, "too few users for the control of copies"),
            ({"copies": (0.48, OK)}, "copies give nobody away (AUC 0.48)"),
            ({"exact": (0.49, FAILED)}, "49% of the copies are copies of the training users"),
        ],
    )
    def test_a_control_elsewhere_is_one_and_is_named(self, changed, told):
        (fault,) = audit.faults(findings(**changed))
        assert told in fault

    def test_nothing_on_trial_is_cleared_then(self):
        found = audit.unreliable(findings(exact=(0.49, FAILED)))
        assert found.set_index(["set", "check"])["status"].to_dict() == {
            ("non_members", AUC): OK, ("copies", AUC): FAILED, ("copies", audit.EXACT): FAILED,
            ("gan", AUC): audit.UNRELIABLE, ("gan", TPR): audit.UNRELIABLE, ("vae", AUC): FAILED,
        }  # fmt: skip
        told = audit.summary(found[found["set"] == "gan"], ["why"])
        assert not told["sound"]
        assert told["sets"]["gan"]["status"] == audit.UNRELIABLE

    def test_copies_of_other_users_are_found_out(self, members, sides, others, params):
        attack = audit.attack_on(others.matrix, params.neighbours)
        groups = np.arange(members.n_items) // 4
        rows = pd.concat(
            [
                audit.membership("copies", sides, attack, params),
                audit.disclosure("copies", sides, others.matrix, groups, params),
                found(audit.NON_MEMBERS, sides, None, params),
            ]
        )
        told = " ".join(audit.faults(rows))
        assert "copies give nobody away" in told
        assert "they were made of others" in told


class TestSummary:
    def test_a_set_has_its_worst_status_and_its_strongest_attack(self, members, sides, params):
        copies = audit.membership(
            "gan", sides, audit.attack_on(members.matrix, params.neighbours), params
        )
        verdict = audit.summary(copies, [])["sets"]["gan"]
        assert verdict["status"] == FAILED
        assert verdict["attack"] == "closest 1"
        assert verdict["auc"] > 0.95
        assert verdict["failed"] == [AUC, TPR]


def test_resamples_too_few_for_the_tail_of_an_interval_are_refused():
    # two neighbours and tracing: 2 * 3 / 0.05 resamples
    assert AuditParams(neighbours=(1, 5), n_bootstrap=120).check_resamples() is None
    with pytest.raises(ParameterError, match=r"n_bootstrap 119 is too few.*120 or more"):
        AuditParams(neighbours=(1, 5), n_bootstrap=119).check_resamples()
    with pytest.raises(ParameterError, match="200 or more"):
        AuditParams(neighbours=(1, 5, 9, 20), n_bootstrap=199).check_resamples()
