"""Misspelt names and impossible values of globals.yml are refused before a run."""

from pathlib import Path
from typing import Any

import pytest

from doppelcart.config.globals import Globals, checked
from doppelcart.config.loader import ReadableConfigLoader
from doppelcart.errors import ConfigurationError
from doppelcart.settings import CONFIG_LOADER_ARGS

CONF = Path(__file__).parents[3] / "conf"


@pytest.mark.parametrize("env", sorted(path.name for path in CONF.iterdir() if path.is_dir()))
def test_what_every_environment_says_is_accepted(env: str) -> None:
    given = ReadableConfigLoader(str(CONF), env=env, **CONFIG_LOADER_ARGS)["globals"]
    assert checked(given).min_free_gb > 0


def test_base_says_every_name_that_there_is() -> None:
    base = ReadableConfigLoader(str(CONF), env="base", **CONFIG_LOADER_ARGS)["globals"]
    assert set(base) == set(Globals.model_fields)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"max_memory_gbs": 4}, "max_memory_gbs: unknown; did you mean max_memory_gb?"),
        ({"min_free": 4}, "min_free: unknown; did you mean min_free_gb?"),
        ({"min_free_gb": None}, "min_free_gb: Input should be a valid number"),
        ({"max_memory_gb": "four"}, "max_memory_gb: Input should be a valid number"),
        ({"max_memory_gb": 0}, "max_memory_gb: Input should be greater than 0"),
        ({"data_root": None}, "data_root: Input should be a valid string"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        checked(given)
    assert f"  - {says}" in str(refused.value)


def test_everything_that_is_wrong_is_told_at_once_and_no_address_is_repeated() -> None:
    with pytest.raises(ConfigurationError) as refused:
        checked({"tracking_url": "https://me:secret@shop.example", "min_free_gb": -1})
    assert "did you mean tracking_uri?" in str(refused.value)
    assert "min_free_gb: " in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("own", ["home", "root", "shop_folder"])
def test_a_file_may_have_names_of_its_own(own: str) -> None:
    assert checked({own: "/somewhere"}) == Globals()


def test_a_number_in_quotes_is_a_number() -> None:
    assert checked({"max_memory_gb": "4"}).max_memory_gb == 4
