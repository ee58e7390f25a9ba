"""The random numbers of a private release, which no other release shares.

Noise hides a user once. Of two releases with the same noise, the difference is that of their data,
without any noise; and noise of two scales can be solved for. So what is drawn depends on all that
a release rests on, and the secret seed is the key without which nobody can compute it.
"""

from __future__ import annotations

import hashlib
import hmac
import json

import numpy as np

from doppelcart.config.base import Parameters
from doppelcart.data.histories import Histories
from doppelcart.models.histories.accounting import PrivacyConfig


def private_rng(
    use: str,
    histories: Histories,
    config: PrivacyConfig,
    *settings: Parameters | float | None,
) -> np.random.Generator:
    """The generator of one use in one release: the same for the same inputs, else unrelated.

    Args:
        use: What is drawn, in a word or two.
        histories: Training users.
        config: How the budget is spent; its seed is the key.
        *settings: Whatever else the release rests on: budget, noise, sizes of networks.

    Raises:
        ParameterError: There is no seed.
    """
    told = [use, histories.n_users, histories.n_items, config, *settings]
    parts = (
        json.dumps(told, default=_fields).encode(),
        histories.indptr.astype("<i8").tobytes(),
        histories.items.astype("<i4").tobytes(),
    )
    # digests are of one length, so that no two lists of parts are joined to the same message
    message = b"".join(hashlib.sha256(part).digest() for part in parts)
    key = config.secret_seed.to_bytes(16, "big")
    return np.random.default_rng(int.from_bytes(hmac.digest(key, message, "sha256"), "big"))


def _fields(parameters: Parameters) -> dict[str, object]:
    return parameters.model_dump(mode="json", exclude={"seed"})
