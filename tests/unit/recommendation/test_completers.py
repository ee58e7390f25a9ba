from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from doppelcart.data.histories import Histories
from doppelcart.recommendation import completers
from doppelcart.recommendation.completers import completer_of


def of(arm: str, shop: Histories, **generators: object):
    return completer_of(arm, shop, generators, pd.DataFrame(), n_draws=3, seed=7)


@pytest.mark.parametrize("arm", ["none", "gan_new_users", "gan_only"])
def test_an_arm_that_completes_nothing_has_no_completer(
    arm: str, group_shop: Callable[..., Histories]
) -> None:
    assert of(arm, group_shop(10, 0), gan=object()) is None


def test_without_a_generator_popularity_completes(group_shop: Callable[..., Histories]) -> None:
    shop = group_shop(10, 0)
    completer = of("popularity_completion", shop)
    assert completer is not None
    (block,) = completer(shop)
    np.testing.assert_allclose(block[0], np.asarray(shop.matrix.mean(axis=0)).ravel(), rtol=1e-6)


def test_a_generator_completes_as_its_arm_says(
    group_shop: Callable[..., Histories], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def remember(generator: object, demographics: pd.DataFrame, **how: int) -> str:
        asked[generator] = how
        return "completer"

    monkeypatch.setattr(completers, "make_completer", remember)
    assert of("vae_completion", group_shop(10, 0), gan="G", vae="V") == "completer"
    assert asked == {"V": {"n_draws": 3, "seed": 7}}
