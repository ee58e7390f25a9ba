"""The hooks, in whole sessions over a tiny pipeline: what a person sees, and what is on disk."""

import json
import logging
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import mlflow
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import AbstractDataset
from kedro.io.core import DatasetError
from kedro.pipeline import Node, Pipeline
from kedro_datasets.pandas import ParquetDataset
from pydantic import Field, Secret

from doppelcart import pipeline_registry
from doppelcart.cli import cli
from doppelcart.config.base import Parameters
from doppelcart.errors import ConfigurationError, ParameterError, StorageError, TrackingError
from doppelcart.reporting.section import Capability, Claim, Evidence, Section
from doppelcart.reporting.signals import PROVEN
from doppelcart.reporting.tables import tabulate_mapping


class FolderDataset(AbstractDataset[pd.DataFrame, pd.DataFrame]):
    """A table as a folder of one file per row."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def load(self) -> pd.DataFrame:
        return pd.concat(map(pd.read_parquet, sorted(self.folder.iterdir())))

    def save(self, data: pd.DataFrame) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for row in range(len(data)):
            data.iloc[row : row + 1].to_parquet(self.folder / f"{row}.parquet")

    def _exists(self) -> bool:
        return self.folder.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"folder": self.folder}


class Training(Parameters):
    """Parameters of the tiny pipeline's training."""

    epochs: int = Field(2, ge=1, description="Passes over the data.")
    rates: tuple[float, ...] = (0.1, 0.2)


class Tiny(Parameters):
    """Parameters of the tiny pipeline."""

    training: Training = Training()
    name: str = "x"


def train(params: Tiny) -> tuple[list[dict[str, float]], pd.DataFrame, dict[str, Any]]:
    """Give a curve, a metrics table and a source summary."""
    curve = [{"epoch": i, "critic": i / 2, "seconds": 1.0} for i in range(params.training.epochs)]
    rows = [
        {
            "slice": "cold_5", "arm": arm, "recommender": "ease", "metric": "ndcg@20",
            "value": value, "n_users": 9, "n_undefined": 0,
        }
        for arm, value in [("none", 0.25), ("gan", 0.5), ("mixup", float("nan"))]
    ]  # fmt: skip
    return curve, pd.DataFrame(rows), {"source": "tiny_shop", "files": [{"sha256": "ab"}]}


TINY = Capability(
    name="tiny",
    rank=1,
    title="Tiny",
    question="Does it help?",
    claims=(Claim(name="it", text="It helps.", source="Nobody"),),
)


def judge(metrics: pd.DataFrame, params: Tiny) -> tuple[pd.DataFrame, Section, str]:
    """Give a verdict, its section and a report."""
    key = {"slice": ["cold_5"], "recommender": ["ease"], "arm": ["gan"]}
    verdict = pd.DataFrame(key | {"verdict": ["helps"], "win": [True], "reason": ["why"]})
    evidence = Evidence(signal=PROVEN, measure="NDCG", effect=100.0 * params.training.epochs)
    numbers = {"change@20": 300.0, "nothing": float("nan")}
    section = TINY.section("It helps by a lot.", (), evidence={"it": evidence}, metrics=numbers)
    return verdict, section, "<p>report</p>"


def fail(metrics: pd.DataFrame) -> None:
    """Break."""
    raise ParameterError("the shop is closed")


class Release(Parameters):
    """Parameters of a release."""

    seed: Secret[int] | None = Field(None, description="Seed of the noise.")
    share: float = Field(0.5, le=1, description="Share of users.")


def release(params: Release) -> list[dict[str, float]]:
    """Use the secret, and log the parameters as a careless node would."""
    logging.getLogger("kedro").info("releasing with %s, %r", params, params)
    assert params.seed is not None
    return [{"epoch": 0, "digits": len(str(params.seed.get_secret_value()))}]


def write_down(parameters: dict[str, Any]) -> str:
    """List all parameters, as a careless report would."""
    return str(tabulate_mapping(parameters, "Parameters", 100))


def tiny_pipelines() -> dict[str, Pipeline]:
    first = Pipeline(
        [
            Node(
                train,
                "params:tiny",
                ["gan.training_log", "metrics", "source_summary"],
                name="train",
            )
        ]
    )
    second = Pipeline(
        [
            Node(
                judge,
                ["metrics", "params:tiny"],
                ["verdict", "tiny.section", "report_html"],
                name="judge",
            )
        ]
    )
    judged = Node(
        judge,
        ["metrics", "params:tiny"],
        ["verdict", "tiny.section", "a_page_that_nobody_keeps"],
        name="judge_alone",
    )
    return {
        "first": first,
        "second": second,
        "judged": Pipeline([judged]),
        "broken": Pipeline([Node(fail, "metrics", "nothing", name="fail")]),
        "release": Pipeline(
            [Node(release, "params:release", "release.training_log", name="release")]
        ),
        "report": Pipeline([Node(write_down, "parameters", "report_html", name="write_down")]),
        "__default__": first + second,
    }


def dataset(kind: str, file: str, **handling: Any) -> dict[str, Any]:
    metadata = {"metadata": {"doppelcart": handling}} if handling else {}
    return {"type": kind, "filepath": f"${{globals:data_root}}/{file}"} | metadata


@pytest.fixture
def project(
    tmp_path: Path, in_project: Path, monkeypatch: pytest.MonkeyPatch, template_store: Path
) -> Path:
    """A configuration of its own, with the project's settings and the tiny pipelines."""
    (tmp_path / "mlflow.db").write_bytes(template_store.read_bytes())
    monkeypatch.delenv("DOPPELCART_TRACKING", raising=False)
    tracking_uri = f"${{env:MLFLOW_TRACKING_URI,sqlite:///{tmp_path}/mlflow.db}}"
    write(
        tmp_path / "conf/base/globals.yml",
        {"data_root": str(tmp_path / "data"), "tracking_uri": tracking_uri},
    )
    parameters = {
        "tiny": {"training": {"epochs": 3}, "name": "a"},
        "release": {"share": 0.5, "seed": "${env:DOPPELCART_RELEASE_SEED}"},
    }
    write(tmp_path / "conf/base/parameters.yml", parameters)
    write(tmp_path / "conf/local/parameters.yml", {"tiny": {"name": "b"}})
    base = in_project / "conf/base/mlflow.yml"
    (tmp_path / "conf/base/mlflow.yml").write_text(base.read_text())
    write(
        tmp_path / "conf/base/catalog.yml",
        {
            "{family}.training_log": dataset(
                "json.JSONDataset",
                "08_reporting/{family}_training_log.json",
                track={
                    "file": "reporting",
                    "metrics": "{family}/training_log",
                    "columns": ["epoch", "critic", "digits"],
                },
            ),
            "metrics": dataset(
                "pandas.ParquetDataset",
                "08_reporting/metrics.parquet",
                track={"file": "reporting", "metrics": ""},
            ),
            "source_summary": dataset(
                "json.JSONDataset", "02_intermediate/summary.json", track={"source": True}
            ),
            "verdict": dataset(
                "pandas.CSVDataset", "08_reporting/verdict.csv", track={"file": "reporting"}
            ),
            "{capability}.section": dataset(
                "doppelcart.datasets.section.SectionDataset",
                "08_reporting/sections/{capability}.json",
                terminal="section",
            ),
            "report_html": dataset(
                "text.TextDataset",
                "08_reporting/report.html",
                track={"file": "reporting"},
                terminal="report",
            ),
        },
    )
    bootstrap_project(in_project)
    monkeypatch.setattr(pipeline_registry, "register_pipelines", tiny_pipelines)
    from kedro.framework.project import pipelines

    pipelines.configure("doppelcart.pipeline_registry")
    yield tmp_path
    pipelines.configure("doppelcart.pipeline_registry")
    while mlflow.active_run():
        mlflow.end_run()


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))


def run(project: Path, *names: str, **params: Any) -> None:
    with KedroSession.create(
        project_path=Path.cwd(), conf_source=str(project / "conf"), runtime_params=params
    ) as session:
        session.run(pipeline_names=list(names) or None)


def command(project: Path, *arguments: str) -> Any:
    return CliRunner().invoke(cli, ["run", "--conf-source", str(project / "conf"), *arguments])


def tracked(project: Path) -> Any:
    client = mlflow.MlflowClient(f"sqlite:///{project}/mlflow.db")
    experiment = client.get_experiment_by_name("doppelcart")
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 1
    return client, runs[0]


class TestTracking:
    def test_one_run_holds_flat_parameters_curves_metrics_tags_and_files(self, project):
        run(project, tiny={"training": {"epochs": 4}})
        client, record = tracked(project)
        assert record.info.status == "FINISHED"
        # Both the environment's file and the command line reach into one nested parameter.
        assert record.data.params == {
            "tiny.training.epochs": "4",
            "tiny.training.rates": "[0.1, 0.2]",
            "tiny.name": "b",
        }
        assert record.data.metrics == {
            "gan/training_log/critic": 1.5,
            "cold_5/ease/none/ndcg_at_20": 0.25,
            "cold_5/ease/gan/ndcg_at_20": 0.5,
            "tiny/change_at_20": 300.0,
        }
        curve = client.get_metric_history(record.info.run_id, "gan/training_log/critic")
        assert [(point.step, point.value) for point in curve] == [
            (0, 0), (1, 0.5), (2, 1), (3, 1.5),
        ]  # fmt: skip
        assert record.data.tags["source"] == "tiny_shop"
        assert record.info.run_name == f"tiny_shop {datetime.now().astimezone().date().isoformat()}"
        assert record.data.tags["mlflow.note.content"] == "**Does it help?** It helps by a lot."
        (read,) = record.inputs.dataset_inputs
        assert read.dataset.name == "tiny_shop"
        assert record.data.tags["source_digest"].startswith(read.dataset.digest)
        assert len(record.data.tags["source_digest"]) == 64
        assert len(record.data.tags["git_commit"]) == 40
        files = {f.path for f in client.list_artifacts(record.info.run_id, "reporting")}
        assert {"reporting/report.html", "reporting/verdict.csv"} <= files
        # what does not ask for it is not sent, whatever folder it lies in
        assert "reporting/uplift.csv" not in files
        assert Path(record.info.artifact_uri.removeprefix("file://")).is_relative_to(project)

    def test_a_dataset_of_any_name_is_tracked_as_its_entry_says(self, project):
        path = project / "conf/base/catalog.yml"
        catalog = yaml.safe_load(path.read_text())
        catalog["metrics"]["metadata"]["doppelcart"] = {"track": {"metrics": "elsewhere"}}
        write(path, catalog)
        run(project)
        _, record = tracked(project)
        assert "elsewhere/cold_5/ease/gan/ndcg_at_20" in record.data.metrics
        assert "cold_5/ease/gan/ndcg_at_20" not in record.data.metrics

    def test_what_no_hook_does_is_refused_with_all_entries(self, project):
        path = project / "conf/base/catalog.yml"
        catalog = yaml.safe_load(path.read_text())
        catalog["metrics"]["metadata"]["doppelcart"] = {"track": {"metric": "elsewhere"}}
        catalog["verdict"]["metadata"]["doppelcart"] = {"terminal": "shout"}
        write(path, catalog)
        done = command(project)
        assert done.exit_code == 1
        told = " ".join(done.output.split())
        assert "asks for 2 things that no hook does" in told
        assert "metrics: metadata.doppelcart.track.metric: unknown; did you mean metrics?" in told
        assert "verdict: metadata.doppelcart.terminal: Input should be" in told
        assert "Traceback" not in told
        assert not (project / "data").exists()

    def test_a_failed_run_is_recorded_as_failed(self, project, monkeypatch):
        monkeypatch.setenv("DOPPELCART_TRACKING", "off")
        run(project, "first")
        monkeypatch.delenv("DOPPELCART_TRACKING")
        with pytest.raises(ParameterError):
            run(project, "broken")
        assert tracked(project)[1].info.status == "FAILED"

    def test_an_absent_server_is_named_within_seconds(self, project, monkeypatch):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        start = time.perf_counter()
        with pytest.raises(TrackingError, match="DOPPELCART_TRACKING=off"):
            run(project)
        assert time.perf_counter() - start < 10
        assert not (project / "data").exists()

    def test_a_password_in_the_address_of_a_server_is_not_shown(self, project, monkeypatch):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:hush@127.0.0.1:9")
        done = command(project)
        assert "The MLflow server at http://***@127.0.0.1:9 does not answer" in done.output
        assert "hush" not in done.output

    def test_a_run_without_tracking_asks_no_server(self, project, monkeypatch):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        monkeypatch.setenv("DOPPELCART_TRACKING", "off")
        run(project)
        assert (project / "data/08_reporting/report.html").exists()


class TestParameters:
    def test_all_errors_are_listed_together_and_nothing_runs(self, project):
        result = command(
            project,
            "--params",
            "tiny.training.epochs=0,tiny.training.rates=often,tiny.nmae=c,tinny.name=d",
        )
        assert result.exit_code == 1
        assert "tiny.training.epochs: Input should be greater than or equal to 1" in result.output
        assert "tiny.training.rates" in result.output
        assert "tiny.nmae: unknown; did you mean name?" in result.output
        assert "tinny: unknown; did you mean tiny? known are release, tiny" in result.output
        assert "Traceback" not in result.output
        assert not (project / "data").exists()

    def test_another_pipelines_parameters_are_checked_too(self, project):
        with pytest.raises(ParameterError, match=r"tiny\.training\.epochs"):
            run(project, "broken", tiny={"training": {"epochs": "many"}})

    def test_what_the_command_line_sets_and_no_node_reads_is_named(self, project, caplog):
        run(project, "first", tiny={"training": {"epochs": 5}}, release={"share": 0.25})
        assert "No node of this run reads release.share of --params" in caplog.text


SECRET = 907_030_507_011


def holding_the_secret(folder: Path) -> list[str]:
    """Files of a folder, configuration apart, in which the secret's digits stand."""
    forms = [str(SECRET).encode(), f"{SECRET:,}".encode()]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 3
    return [
        path.name
        for path in files
        if "conf" not in path.parts and any(form in path.read_bytes() for form in forms)
    ]


class TestSecrets:
    @pytest.fixture(params=["parameter", "file", "variable"])
    def arguments(self, request, project, monkeypatch) -> list[str]:
        """The three ways to give the secret; what the first needs on the command line."""
        if request.param == "file":
            write(project / "conf/local/parameters.yml", {"release": {"seed": SECRET}})
        if request.param == "variable":
            monkeypatch.setenv("DOPPELCART_RELEASE_SEED", str(SECRET))
        return ["--params", f"release.seed={SECRET}"] if request.param == "parameter" else []

    @pytest.mark.parametrize("names", ["release", "report", "release,report"])
    def test_nothing_that_a_run_leaves_or_says_holds_it(self, project, arguments, names, caplog):
        with caplog.at_level(logging.DEBUG):
            done = command(project, "--pipelines", names, *arguments)
        assert done.exit_code == 0, done.output
        if "release" in names:
            assert tracked(project)[1].data.metrics["release/training_log/digits"] == len(
                str(SECRET)
            )
            assert tracked(project)[1].data.params["release.seed"] == "**********"
            assert "releasing with" in caplog.text
        assert holding_the_secret(project) == []
        for form in (str(SECRET), f"{SECRET:,}"):
            assert form not in done.output + caplog.text

    @pytest.mark.parametrize(
        "wrong",
        [
            "release.seed=x{}",  # no number
            "release.sead={}",  # misspelt
            "release.seed.value={}",  # too deep
            "release={}",  # too high
            "releas.seed={}",
        ],
    )
    def test_a_refusal_does_not_repeat_it(self, project, wrong, caplog):
        with caplog.at_level(logging.DEBUG):
            done = command(project, "--params", wrong.format(SECRET) + ",tiny.training.epochs=-77")
        assert done.exit_code == 1
        assert "2 parameters cannot be used" in done.output
        assert "(given: -77)" in done.output
        assert str(SECRET) not in done.output + caplog.text

    def test_what_stands_beside_it_is_repeated(self, project):
        done = command(project, "--params", "release.share=7.5")
        assert "release.share: Input should be less than or equal to 1 (given: 7.5)" in done.output

    def test_a_run_that_needs_it_is_refused_before_its_first_node(self, project):
        done = command(project, "--pipelines", "first,release")
        assert done.exit_code == 1
        assert "release.seed was not given" in done.output
        assert "export DOPPELCART_RELEASE_SEED=$(python -c" in done.output
        assert "Traceback" not in done.output
        assert not (project / "data").exists()

    def test_a_run_that_does_not_need_it_goes_on_without(self, project):
        run(project, "first")
        assert (project / "data/08_reporting/metrics.parquet").exists()


class TestSaveGuard:
    @pytest.fixture
    def folders(self, project, monkeypatch) -> Path:
        """Metrics are kept in a folder of files, which cannot be replaced whole."""
        path = project / "conf/base/catalog.yml"
        catalog = yaml.safe_load(path.read_text())
        catalog["metrics"] = {
            "type": "test_hooks_datasets.FolderDataset",
            "folder": str(project / "data/08_reporting/metrics"),
        }
        write(path, catalog)
        monkeypatch.setitem(sys.modules, "test_hooks_datasets", sys.modules[__name__])
        return project

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left", "x")])
    def test_a_file_cut_short_leaves_the_former_one_and_refuses_nothing(
        self, project, monkeypatch, error
    ):
        run(project)
        before = (project / "data/08_reporting/metrics.parquet").read_bytes()

        def cut(self: Any, data: pd.DataFrame) -> None:
            Path(str(self._filepath)).write_bytes(b"PAR1 half of a")
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(ParquetDataset, "save", cut)
            with pytest.raises((KeyboardInterrupt, StorageError)):
                run(project, "first")
        folder = project / "data/08_reporting"
        assert (folder / "metrics.parquet").read_bytes() == before
        assert [path.name for path in folder.iterdir() if ".part" in path.name] == []
        run(project, "second")

    def test_markers_are_gone_after_a_whole_run(self, folders):
        run(folders)
        assert list((folders / "data/.incomplete").iterdir()) == []

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left", "x")])
    def test_a_folder_cut_short_is_not_read_until_it_is_made_again(
        self, folders, monkeypatch, error
    ):
        project = folders
        run(project)

        def cut(self: Any, data: pd.DataFrame) -> None:
            next(self.folder.iterdir()).unlink()
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(FolderDataset, "save", cut)
            with pytest.raises((KeyboardInterrupt, StorageError)) as stopped:
                run(project, "first")
        if isinstance(stopped.value, StorageError):
            assert "may be half of it" in str(stopped.value)
            assert "untouched" not in str(stopped.value)
        verdict = (project / "data/08_reporting/verdict.csv").read_bytes()
        with pytest.raises(StorageError, match=r"wrote metrics.*kedro run --pipelines first"):
            run(project, "second")
        assert (project / "data/08_reporting/verdict.csv").read_bytes() == verdict
        run(project)
        run(project, "second")

    def test_an_unwritable_data_folder_stops_the_run(self, project):
        (project / "data").write_text("a file where the folder should be")
        result = command(project)
        assert result.exit_code == 1
        assert "cannot be written" in result.output
        assert "Traceback" not in result.output

    def test_too_little_space_stops_the_run(self, project):
        path = project / "conf/base/globals.yml"
        write(path, yaml.safe_load(path.read_text()) | {"min_free_gb": 1e9})
        with pytest.raises(StorageError, match="GB left"):
            run(project)

    def test_a_misspelt_limit_stops_the_run(self, project):
        path = project / "conf/base/globals.yml"
        write(path, yaml.safe_load(path.read_text()) | {"min_free": 1e9})
        with pytest.raises(ConfigurationError, match=r"did you mean min_free_gb\?"):
            run(project)

    @staticmethod
    def refused(project: Path, monkeypatch: Any, method: str, error: Exception) -> str:
        """What a run says whose metrics the system refuses to write, or to read."""

        def refuse(*arguments: Any, **named: Any) -> None:
            raise error

        if method == "save":
            monkeypatch.setattr(pd.DataFrame, "to_parquet", refuse)
        else:
            monkeypatch.setattr(pd, "read_parquet", refuse)
        result = command(project, "--pipelines", "first" if method == "save" else "second")
        assert result.exit_code == 1
        assert "Traceback" not in result.output
        return " ".join(result.output[result.output.index("Error: ") :].split())

    def test_a_full_disk_is_named_with_the_dataset(self, project, monkeypatch):
        error = OSError(28, "No space left on device")
        message = self.refused(project, monkeypatch, "save", error)
        path = project / "data/08_reporting/metrics.parquet"
        assert f"Writing metrics ({path}) failed: No space left on device. Free some" in message
        assert "What was there before is untouched." in message

    def test_a_folder_without_permission_is_no_matter_of_space(self, project, monkeypatch):
        path = str(project / "data/08_reporting/metrics.parquet")
        error = PermissionError(13, "Permission denied", path)
        message = self.refused(project, monkeypatch, "save", error)
        assert "Writing metrics" in message
        assert "Make the folder writable" in message
        assert "space" not in message

    def test_a_file_that_may_not_be_read_is_told_as_reading(self, project, monkeypatch):
        run(project)
        path = str(project / "data/08_reporting/metrics.parquet")
        error = PermissionError(13, "Permission denied", path)
        message = self.refused(project, monkeypatch, "load", error)
        assert f"Reading metrics ({path}) failed: Permission denied. Let your account" in message
        assert "Writing" not in message
        assert "space" not in message

    def test_a_source_that_may_not_be_read_while_a_dataset_is_written(self, project, monkeypatch):
        error = PermissionError(13, "Permission denied", "/shop/sales.csv")
        message = self.refused(project, monkeypatch, "save", error)
        assert "Reading /shop/sales.csv failed: Permission denied." in message
        assert "It was needed to write metrics" in message
        assert "space" not in message

    @pytest.mark.parametrize("method", ["save", "load"])
    def test_the_engine_of_the_tables(self, project, monkeypatch, method):
        run(project)
        error = duckdb.IOException("IO Error: Could not write file x: no room")
        message = self.refused(project, monkeypatch, method, error)
        assert "metrics (" in message
        assert "IO Error: Could not write file x: no room" in message

    def test_a_suppressed_error_of_the_system_is_no_cause(self, project, monkeypatch):
        error = ValueError("a bug")
        error.__context__, error.__suppress_context__ = OSError(28, "No space left"), True

        def bug(*arguments: Any, **named: Any) -> None:
            raise error

        monkeypatch.setattr(pd.DataFrame, "to_parquet", bug)
        assert isinstance(command(project, "--pipelines", "first").exception, DatasetError)

    def test_a_damaged_file_is_named(self, project):
        run(project)
        (project / "data/08_reporting/metrics.parquet").write_bytes(b"PAR1 half of a")
        result = command(project, "--pipelines", "second")
        assert result.exit_code == 1
        assert "metrics is not the file on record: it was changed, replaced or cut" in result.output
        assert "`kedro run --pipelines first`" in result.output

    def test_a_file_that_is_no_such_file_is_named(self, project, monkeypatch):
        run(project)
        message = self.refused(project, monkeypatch, "load", ValueError("no magic bytes"))
        assert "Error: Reading metrics (" in message
        assert "It is damaged" in message

    def test_a_part_before_its_inputs_says_what_makes_them(self, project):
        result = command(project, "--pipelines", "second")
        assert result.exit_code == 1
        assert "metrics is made by first" in result.output
        assert "`kedro run --pipelines first`" in result.output

    def test_an_unexpected_error_of_a_node_keeps_its_traceback(self, project, monkeypatch):
        run(project, "first")
        monkeypatch.setitem(fail.__globals__, "ParameterError", ZeroDivisionError)
        assert isinstance(command(project, "--pipelines", "broken").exception, ZeroDivisionError)


class TestEnd:
    def test_the_verdict_and_the_places_come_last(self, project, capsys):
        run(project)
        lines = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
        assert lines[-5:-3] == ["Does it help?", f"{PROVEN.shape} It helps by a lot."]
        assert lines[-3].split() == ["Report:", str(project / "data/08_reporting/report.html")]
        assert lines[-2].split() == ["Figures:", str(project / "data/08_reporting")]
        assert lines[-1].startswith("MLflow run: ")
        assert tracked(project)[1].info.run_id in lines[-1]

    def test_a_path_is_shown_as_it_is(self, project, capsys):
        data = project / "shops [old] :cat:"
        write(project / "conf/local/globals.yml", {"data_root": str(data)})
        run(project)
        lines = capsys.readouterr().out.splitlines()
        assert f"{'Report:':<17}{data}/08_reporting/report.html" in lines
        assert f"{'Figures:':<17}{data}/08_reporting" in lines

    def test_a_run_that_judged_nothing_prints_no_verdict(self, project, capsys):
        run(project)
        capsys.readouterr()
        run(project, "first")
        assert "Report:" not in capsys.readouterr().out

    def test_a_run_of_the_report_alone_says_where_it_is(self, project, capsys):
        run(project, "report")
        told = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert ["Report:", str(project / "data/08_reporting/report.html")] in told

    def test_a_run_without_the_report_says_how_to_add_what_it_found(self, project, capsys):
        run(project)
        capsys.readouterr()
        run(project, "judged")
        out = capsys.readouterr().out
        assert f"{PROVEN.shape} It helps by a lot." in out
        assert "without this yet; to add it: kedro run --pipelines reporting\n" in out
        assert "report.html" not in out

    def test_a_known_error_of_a_node_ends_in_a_sentence(self, project):
        run(project, "first")
        result = command(project, "--pipelines", "broken")
        assert result.exit_code == 1
        assert result.output.rstrip().endswith("Error: the shop is closed")


def test_the_summary_survives_as_json(project):
    run(project, "first")
    assert json.loads((project / "data/02_intermediate/summary.json").read_text())["source"]
