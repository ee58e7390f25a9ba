"""Agreement with ranx, where its definitions are ours."""

import numpy as np
import pytest
from scipy import sparse

from doppelcart.metrics.ranking import per_user, top_k

K = 10


@pytest.mark.slow
def test_agrees_with_ranx() -> None:
    ranx = pytest.importorskip("ranx")
    rng = np.random.default_rng(0)
    n_users, n_items = 60, 50
    scores = rng.random((n_users, n_items))
    # At most k relevant items: beyond, ranx divides recall and average precision by all of them.
    relevant = np.zeros((n_users, n_items), dtype=np.float32)
    for user in range(n_users):
        relevant[user, rng.choice(n_items, rng.integers(1, K + 1), replace=False)] = 1
    ours = per_user(top_k(scores, None, K), sparse.csr_matrix(relevant), (K,))
    names = {
        "ndcg": "ndcg",
        "recall": "recall",
        "precision": "precision",
        "average_precision": "map",
        "hit_rate": "hit_rate",
        "reciprocal_rank": "mrr",
    }
    qrels = ranx.Qrels(
        {
            f"u{user:02}": {f"i{item}": 1 for item in np.flatnonzero(relevant[user])}
            for user in range(n_users)
        }
    )
    run = ranx.Run(
        {
            f"u{user:02}": {f"i{item}": float(scores[user, item]) for item in range(n_items)}
            for user in range(n_users)
        }
    )
    theirs = ranx.evaluate(
        qrels, run, [f"{name}@{K}" for name in names.values()], return_mean=False
    )
    for ours_name, name in names.items():
        np.testing.assert_allclose(ours[f"{ours_name}@{K}"], theirs[f"{name}@{K}"], rtol=1e-6)
