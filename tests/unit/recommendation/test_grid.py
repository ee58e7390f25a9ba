import pytest

from doppelcart.errors import ParameterError
from doppelcart.recommendation.grid import expand, expand_all
from doppelcart.recommenders import EASEConfig, PopularityConfig


def test_a_grid_is_every_combination_in_the_order_written() -> None:
    configs = expand("ease", {"l2": [10, 20], "centred": [True, False]})
    assert configs == [
        EASEConfig(l2=10, centred=True),
        EASEConfig(l2=10, centred=False),
        EASEConfig(l2=20, centred=True),
        EASEConfig(l2=20, centred=False),
    ]


def test_an_empty_grid_is_the_default_configuration() -> None:
    assert expand("popularity", {}) == [PopularityConfig()]


def test_all_errors_are_listed_together() -> None:
    with pytest.raises(ParameterError) as raised:
        expand_all({"ease": {"l2": [-1]}, "puresvd": {"rank": []}, "svd": {}, "ials": {"x": [1]}})
    message = str(raised.value)
    for part in ("ease.l2", "got -1", "no value to try for rank", "'svd' is unknown", "ials.x"):
        assert part in message
