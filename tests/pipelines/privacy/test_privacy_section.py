"""What the audit tells the report and the claims."""

import pytest

from doppelcart.experiment.design import Role
from doppelcart.pipelines.privacy import audit
from doppelcart.pipelines.privacy.section import evidence, in_short
from doppelcart.reporting.signals import LEVEL, SAFE, UNDEFINED, UNSAFE


def entry(status: str, role: str = Role.TRIAL.value) -> dict[str, object]:
    return {"role": role, "status": status, "auc": 0.8, "auc_low": 0.7, "auc_high": 0.9,
            "attack": "closest 1", "tpr": 0.5, "failed": []}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "signal"),
    [
        (audit.OK, SAFE),
        (audit.FAILED, UNSAFE),
        (audit.UNCLEAR, LEVEL),
        (audit.UNRELIABLE, LEVEL),
        (audit.UNDEFINED, UNDEFINED),
    ],
)
def test_only_what_passes_a_sound_audit_gives_nobody_away(status, signal):
    found = evidence(entry(status))
    assert found.signal is signal
    assert (found.effect, found.low, found.high) == (0.8, 0.7, 0.9)


def test_controls_have_no_say():
    sets = {
        "gan": entry(audit.OK), "vae": entry(audit.FAILED), "copies": entry(audit.FAILED, "control")
    }  # fmt: skip
    assert in_short(sets) == "Of 2 sets on trial: 1 failed the audit (vae); 1 passed (gan)."
    assert in_short({"copies": sets["copies"]}) == "No set is on trial."


def test_what_was_not_judged_did_not_pass():
    sets = {
        "gan": entry(audit.UNDEFINED), "vae": entry(audit.UNDEFINED), "bpr": entry(audit.UNCLEAR),
        "rnn": entry(audit.UNRELIABLE),
    }  # fmt: skip
    assert in_short(sets) == (
        "Of 4 sets on trial: 1 above a limit, within chance (bpr); "
        "1 not cleared, as the audit does not work (rnn); "
        "2 not judged, for want of customers (gan, vae)."
    )
