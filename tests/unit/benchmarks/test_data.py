"""What the benchmarks measure on."""

import numpy as np

from benchmarks.data import made_histories


def test_made_users_have_their_length_and_like_what_is_popular():
    made = made_histories(400, 50, 10, np.random.default_rng(0))
    assert (made.lengths == 10).all()
    assert all(len(set(made.of(user))) == 10 for user in range(400))
    counts = np.bincount(made.items, minlength=50)
    assert counts[:10].mean() > 2 * counts[-10:].mean()
