"""The configuration loader says which folder, environment or file is at fault."""

import pytest

from doppelcart.config.loader import ReadableConfigLoader
from doppelcart.errors import ConfigurationError


@pytest.fixture
def load(tmp_path):
    for name in ("base", "sample"):
        (tmp_path / name).mkdir()
    (tmp_path / "base/parameters.yml").write_text("gan: {epochs: 5}")

    def parameters(env: str = "sample"):
        loader = ReadableConfigLoader(
            str(tmp_path), env=env, base_env="base", default_run_env="sample"
        )
        return loader["parameters"]

    return parameters


def test_what_is_right_is_read(load, tmp_path):
    (tmp_path / "sample/parameters.yml").write_text("split: {seed: 1}")
    assert load() == {"gan": {"epochs": 5}, "split": {"seed": 1}}


def test_an_environment_that_is_not_there_has_near_ones_named(load):
    with pytest.raises(ConfigurationError, match=r"no environment 'smaple'.*Did you mean sample\?"):
        load("smaple")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"gan: [1\n  b: {", r"parameters\.yml.*Line 2"),
        (b"- 1", "a file holds a list"),
        ("ä: 1".encode("latin-1"), r"not in UTF-8: .*sample/parameters\.yml"),
        (b"gan: '${nope}'", "nope"),
    ],
)
def test_a_file_at_fault_is_named_with_its_fault(load, tmp_path, content, told):
    (tmp_path / "sample/parameters.yml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=told):
        load()


def test_a_folder_without_configuration_says_where_to_go(tmp_path):
    with pytest.raises(ConfigurationError, match="go to the project's folder"):
        ReadableConfigLoader(str(tmp_path), base_env="base", default_run_env="local")
