"""What the documents say holds: their commands, their Python, their links and their names.

Every command found is run, or, where that would take minutes or change the machine, looked at in
another way; ``CHECKS`` says which way and why. A command that none of them knows fails.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path

import algorithms
import click
import parameter_names
import pytest
import yaml
from click.testing import CliRunner
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.pipeline import Pipeline

from benchmarks import __main__ as benchmarks
from doppelcart.cli import cli
from doppelcart.cli import run as run_command
from doppelcart.config import secrecy
from doppelcart.errors import ParameterError
from doppelcart.models.histories.accounting import PrivacyConfig
from doppelcart.pipeline_registry import CORE, register_pipelines
from doppelcart.pipelines.ingestion.params import Source
from doppelcart.serving.commands import COMMANDS as SERVING
from doppelcart.serving.questions import Question, read_json
from studies import __main__ as studies
from studies import documents, figures

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [
        *PROJECT.glob("*.md"),
        *(PROJECT / "conf").glob("*.md"),
        *(PROJECT / "docs").rglob("*.md"),
        *(PROJECT / "benchmarks").glob("*.md"),
        *(PROJECT / "studies").glob("*.md"),
        *(PROJECT / "src").rglob("README.md"),
    ]
)
PROGRAMS = ("kedro ", "make ", "mlflow ", "python ", "source ", ".ci/run", "pre-commit ")
QUICK = {"ingestion", "cleaning", "split", "profiles", "reporting", "champion"}
# Names of a namespace's datasets look like parameters.
DATASETS = {"generator", "critic", "training_log", "monitors"}
PLACEHOLDER = re.compile(r"\bNAME\b|<\w+>|\.\.\.|FOLDER")


def commands_of(text: str) -> list[str]:
    """Commands in bash blocks, in indented blocks, and in the running text."""
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    rest = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    indented = [line[4:] for line in rest.splitlines() if line.startswith("    ")]
    inline = re.findall(r"`([^`\n]+)`", rest)
    lines += [line for line in indented + inline if line.startswith(PROGRAMS)]
    found = [shlex.join(shlex.split(line, comments=True)) for line in lines]
    found = [re.sub(r"^[A-Z_]+=\S+ ", "", command) for command in found]
    return [c for c in found if c and not PLACEHOLDER.search(c) and c.split()[-1] != "kedro"]


COMMANDS = sorted({c for path in DOCUMENTS for c in commands_of(path.read_text("utf-8"))})
# The example of a new capability lies outside of the project; `test_new_capability` runs it.
RUNS = [c for c in COMMANDS if c.startswith("kedro run") and "greetings" not in c]
# `test_whole_run` runs them to their end, and looks at what they make.
WHOLE = {
    "kedro run",
    "kedro run --pipelines evaluation",
    "kedro run --from-nodes evaluation.declare_experiment,evaluation.measure_synthetic_only",
}


@pytest.fixture
def environment(tmp_path, finished_run):
    """Variables that put a finished run of the fabricated shop at a command's disposal."""
    home = tmp_path / "home"
    shutil.copytree(finished_run, home)
    return {
        **os.environ,
        "DOPPELCART_TEST": str(home),
        "DOPPELCART_TRACKING": "off",
        "JUPYTER_DATA_DIR": str(tmp_path / "jupyter"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def accepted(command: str, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Take a documented run as far as its first node: options, parameters, pipelines, nodes."""
    monkeypatch.setenv("DOPPELCART_TRACKING", "off")
    options = run_command.make_context("run", shlex.split(command)[2:]).params
    env = options["env"]
    assert env is None or (PROJECT / "conf" / env).is_dir(), f"conf/{env} is missing"
    bootstrap_project(PROJECT)
    with KedroSession.create(PROJECT, env=env, runtime_params=options["params"]) as session:
        session.load_context()  # every parameter is checked here
    chosen = sum((pipelines[n] for n in options["pipelines"] or ["__default__"]), Pipeline([]))
    nodes = options["from_nodes"]
    return chosen.filter(from_nodes=nodes) if nodes else chosen


def check_make(command: str) -> None:
    """``make -n``: the targets would install everything anew, or run these very tests."""
    done = subprocess.run(
        ["make", "-n", *shlex.split(command)[1:]], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def check_script(command: str) -> None:
    """``bash -n``: the script calls these very tests."""
    subprocess.run(["bash", "-n", command.split()[0]], cwd=PROJECT, check=True)
    assert os.access(PROJECT / ".ci/run", os.X_OK)


def check_activation(command: str) -> None:
    """The Makefile's folder: whoever runs the tests may use another."""
    assert "VENV ?= .venv\n" in (PROJECT / "Makefile").read_text()
    assert command == "source .venv/bin/activate"


def check_pre_commit(command: str) -> None:
    """Its configuration only: it would write into .git."""
    hooks = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())
    assert command == "pre-commit install"
    assert hooks["repos"]


def check_measuring(command: str) -> None:
    """Its arguments only: it takes a quarter of an hour and more, a picture needs a browser."""
    words = shlex.split(command)[2:]
    if words[0] == "benchmarks.pictures":
        assert (PROJECT / "benchmarks/pictures.py").is_file()
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words)
        {"benchmarks": benchmarks, "studies": studies}[words[0]].parse()


def check_secret(command: str) -> None:
    """Run, in a shell of its own: what it makes up is a secret, and is what the refusal advises."""
    name = "private.training.seed"
    (advised,) = re.findall(r"`(export [^`]+)`", secrecy.missing(name))
    assert shlex.join(shlex.split(advised)) == command
    shell = (
        f"python() {{ '{sys.executable}' \"$@\"; }}; {advised}; echo ${secrecy.variable_of(name)}"
    )
    made = {subprocess.check_output(["bash", "-c", shell], text=True).strip() for _ in range(2)}
    assert len(made) == 2
    assert all(PrivacyConfig(seed=seed).secret_seed > 2**64 for seed in made)


def check_benchmark(command: str) -> None:
    """That what it asks for is there: it takes minutes, and a machine with nothing else to do."""
    assert "pytest-benchmark" in (PROJECT / "pyproject.toml").read_text()
    chosen = re.search(r"-k (\w+)", command)
    sources = [path.read_text() for path in (PROJECT / "benchmarks").glob("test_*.py")]
    assert sources
    assert chosen is None or any(chosen[1] in source for source in sources)


def check_study(command: str) -> None:
    """That it is there: a study takes the better part of an hour."""
    module = command.split()[2]
    assert (PROJECT / module.replace(".", "/")).with_suffix(".py").is_file()


def check_algorithms(command: str) -> None:
    """That it is there: it writes a file of the tests."""
    module = PROJECT / command.split()[2].replace(".", "/")
    assert module.with_suffix(".py") == Path(algorithms.__file__)
    assert algorithms.NOTED.is_file()


def check_elsewhere(command: str) -> None:
    """``.ci/run`` builds the page itself, and the tests need not do it again."""
    assert command in (PROJECT / ".ci/run").read_text()


def check_serving(command: str) -> None:
    """That its arguments are known: that it serves is tried in tests/unit/serving."""
    _, name, *arguments = shlex.split(command)
    assert SERVING[name].make_context(name, arguments).info_name == name


def check_scoring(command: str) -> None:
    """That its arguments are known: the model itself is served in tests/unit/hooks."""
    from mlflow.models.cli import serve

    assert serve.make_context("serve", shlex.split(command)[3:]).params["env_manager"] == "local"


def check_question(command: str) -> None:
    """That the server would understand it; a file of that name stands below as JSON."""
    given = shlex.split(command)[-1]
    if given.startswith("@"):
        document = (PROJECT / "docs/serving.md").read_text("utf-8")
        (given,) = re.findall(r"```json\n(.*?)```", document, re.DOTALL)
    assert Question.model_validate(read_json(given.encode())).k == 5


def check_extra(command: str) -> None:
    """That the project has the extra that is to be installed."""
    (extra,) = re.findall(r"doppelcart\[(\w+)\]", command)
    assert (
        extra
        in tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"][
            "optional-dependencies"
        ]
    )


# Runs, servers and `kedro registry list` have tests of their own below.
CHECKS = {
    r"kedro run\b.*|kedro registry list|kedro viz run|kedro viz|kedro jupyter lab|mlflow ui": None,
    r"make \S+.*": check_make,
    r"\.ci/run": check_script,
    r"pip install 'doppelcart\[\w+\]'": check_extra,
    r"source .*": check_activation,
    r"export DOPPELCART_.*|export 'DOPPELCART_.*": check_secret,
    r"pre-commit .*": check_pre_commit,
    r"python -m (benchmarks|studies)(\s.*)?|python -m benchmarks\.pictures": check_measuring,
    r"python -m studies\.\w+": check_study,
    r"python -m pytest benchmarks .*": check_benchmark,
    r"python -m tests\.algorithms": check_algorithms,
    r"kedro viz build --include-previews": check_elsewhere,
    r"mlflow models serve .*": check_scoring,
    r"doppelcart (serve|recommend|rollback|why)\b.*": check_serving,
    r"curl -s localhost:8080/recommend -d .*": check_question,
}


def test_commands_are_found():
    assert {"kedro run", "make run", "make test", "kedro viz run", "mlflow ui"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_check(command):
    matching = [check for pattern, check in CHECKS.items() if re.fullmatch(pattern, command)]
    assert len(matching) == 1, f"no check knows `{command}`"
    if matching[0] is not None:
        matching[0](command)


@pytest.mark.parametrize("command", RUNS)
def test_a_documented_run_would_start(command, monkeypatch):
    assert accepted(command, monkeypatch).nodes


@pytest.mark.parametrize(
    ("command", "error", "message"),
    [
        ("kedro run --pipelines no_such_pipeline", KeyError, "no_such_pipeline"),
        ("kedro run --from-nodes no_such_node", ValueError, "no_such_node"),
        (
            "kedro run --params gan.training.no_such_parameter=1",
            ParameterError,
            r"gan\.training\.no_such_parameter: unknown; known are",
        ),
        ("kedro run --no-such-option", click.NoSuchOption, "--no-such-option"),
        ("kedro run --env no_such_environment", AssertionError, "conf/no_such_environment"),
    ],
)
def test_a_run_that_could_not_start_is_found_out(command, error, message, monkeypatch):
    with pytest.raises(error, match=message):
        accepted(command, monkeypatch)


def is_quick(command: str) -> bool:
    """Whether a part takes seconds as it stands; see ``trains`` for the others."""
    names = re.search(r"--pipelines (\S+)", command)
    if command in WHOLE or "--env" in command or "--params" in command:
        return False
    return "--from-nodes" in command or (names is not None and set(names[1].split(",")) <= QUICK)


@pytest.fixture
def run_here(environment, monkeypatch):
    """Runs Kedro in this process, which loads MLflow and TensorFlow once for all commands."""

    def run(*words: str) -> None:
        for name in ("DOPPELCART_TEST", "DOPPELCART_TRACKING"):
            monkeypatch.setenv(name, environment[name])
        monkeypatch.chdir(PROJECT)
        bootstrap_project(PROJECT)
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 0, done.output[-3000:]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("command", [c for c in RUNS if is_quick(c)])
def test_a_documented_part_runs_alone(command, run_here):
    run_here(*shlex.split(command)[1:], "--env", "test")


# Whoever trains for one epoch, with few units and on few users, learns nothing, but does all of it.
SMALL = (
    "gan.training.epochs=1,gan.training.evaluate_every=1,gan.network.hidden_units=8,"
    "gan.network.critic_units=8,evaluation.max_tuning_users=10,evaluation.completion_draws=1"
)


def trains(command: str) -> bool:
    """Whether a command of the core trains or tunes, and nothing else runs it to its end.

    `.ci/run` runs ``--env sample``, and ``test_whole_run`` those of ``WHOLE``.
    Of the public logs, tens of thousands of lines and more, ``test_sources`` runs all up to the
    split: their tuning alone takes minutes even after one epoch of training, and does nothing that
    it does not do on the other shops.
    """
    names = re.search(r"--pipelines (\S+)", command)
    elsewhere = re.search(r"--env (sample|online_retail|movielens)", command)
    optional = names is not None and not set(names[1].split(",")) <= set(CORE)
    return not (command in WHOLE or is_quick(command) or elsewhere or optional)


def small(command: str) -> tuple[str, ...]:
    """Words of a command as it is tried: on the fabricated shop, and with ``SMALL``, which wins."""
    words = shlex.split(command)[1:]
    given: list[str] = []
    if "--params" in words:
        at = words.index("--params")
        given = words[at + 1].split(",")
        del words[at : at + 2]
    params = dict(pair.split("=", 1) for pair in [*given, *SMALL.split(",")])
    words += ["--params", ",".join(f"{name}={value}" for name, value in params.items())]
    return tuple(words if "--env" in words else [*words, "--env", "test"])


# Those that differ in nothing but what is made small are one run.
TRAININGS = {small(command): command for command in RUNS if trains(command)}


def test_what_is_run_elsewhere_is_documented():
    assert set(RUNS) >= WHOLE


def test_what_makes_a_training_small_wins():
    epochs = {small(f"kedro run --params gan.training.epochs={n},a.b=1") for n in (5, 80)}
    (words,) = epochs
    assert words[:2] == ("run", "--params")
    assert {"gan.training.epochs=1", "a.b=1"} <= set(words[2].split(","))
    assert words[3:] == ("--env", "test")
    assert small("kedro run --env csv")[:3] == ("run", "--env", "csv")


@pytest.mark.slow
@pytest.mark.parametrize("words", TRAININGS, ids=TRAININGS.values())
def test_a_documented_training_runs(words, run_here, tmp_path, monkeypatch):
    """To its end."""
    monkeypatch.setenv("DOPPELCART_DATA", str(tmp_path / "data"))
    run_here(*words)


@pytest.mark.slow
def test_the_registry_is_listed():
    words = [sys.executable, "-m", "kedro", "registry", "list"]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert {f"- {name}" for name in register_pipelines()} <= set(done.stdout.splitlines())


def free_port() -> int:
    """A free port below those that the system gives away, which Kedro-Viz would refuse."""
    for port in range(20_000 + os.getpid() % 5_000, 30_000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise OSError("no port is free")


def wait_for(address: str, server: subprocess.Popen, log: Path) -> str:
    """The first answer of a server."""
    end = time.monotonic() + 180
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"{address} did not answer:\n{log.read_text()[-3000:]}")


SERVERS = {
    "kedro viz run": ("--no-browser --env test --port {port}", "/api/main", "train_histories"),
    "kedro jupyter lab": (
        "--env test --no-browser --allow-root --port {port} --ServerApp.token=x",
        "/api/kernelspecs?token=x",
        "Kedro",
    ),
    "mlflow ui": (
        "--port {port} --backend-store-uri sqlite:///{store}",
        "/",
        "MLflow",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("command", SERVERS)
def test_a_documented_server_answers(command, environment, tmp_path):
    assert command in COMMANDS
    more, path, expected = SERVERS[command]
    port = free_port()
    store = Path(environment["DOPPELCART_TEST"]) / "mlflow.db"
    words = [sys.executable, "-m", *shlex.split(f"{command} {more.format(port=port, store=store)}")]
    log = tmp_path / "log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            words,
            cwd=PROJECT,
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            assert expected in wait_for(f"http://127.0.0.1:{port}{path}", server, log)
        finally:
            # `kedro jupyter` starts a child of its own, which outlives it unless the group ends.
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=60)


def python_examples() -> list:
    return [
        pytest.param(example, id=f"{path.relative_to(PROJECT)}-{number}")
        for path in DOCUMENTS
        for number, example in enumerate(
            re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), re.DOTALL)
        )
    ]


@pytest.mark.slow
@pytest.mark.parametrize("example", python_examples())
def test_a_python_example_runs(example, finished_run):
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=finished_run, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_links_lead_somewhere(path):
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)|src=\"([^\"]+)\"", text):
        link = target[0] or target[1]
        if "://" not in link:
            assert (path.parent / link).exists(), link


def test_the_index_names_every_decision_once():
    folder = PROJECT / "docs/decisions"
    named = re.findall(
        r"^\| \[\d+\. .+?\]\((.+?)\)", (folder / "README.md").read_text(), re.MULTILINE
    )
    assert named == sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert len({name[:4] for name in named}) == len(named), "two have the same number"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_parameters_that_are_named_exist(path):
    assert parameter_names.wrong_names(without_former_names(path.read_text("utf-8"))) == []


def without_former_names(text: str) -> str:
    """A document without what its tables of renames say that things were called before."""
    before, head, renames = text.partition("| before | now |\n")
    rows, gap, after = renames.partition("\n\n")
    return before + head + re.sub(r"^\|[^|]+\|", "| |", rows, flags=re.MULTILINE) + gap + after


def test_only_former_names_may_be_gone():
    table = "`a.b`\n\n| before | now |\n|---|---|\n| `c.d` | `e.f` |\n\n| `g.h` | i |\n"
    found = re.findall(r"\w\.\w", without_former_names(table))
    assert found == ["a.b", "e.f", "g.h"]


def test_variables_that_are_named_are_read():
    text = "".join((PROJECT / name).read_text() for name in ("docs/runs.md", "conf/README.md"))
    files = [*(PROJECT / "conf").rglob("*.yml"), *(PROJECT / "src").rglob("*.py")]
    read = "".join(file.read_text() for file in files)
    named = set(re.findall(r"\bDOPPELCART_\w+", text))
    assert named
    assert {name for name in named if name not in read} == set()


def test_the_table_of_pipelines_is_that_of_the_registry():
    section = (PROJECT / "docs/runs.md").read_text().split("## Parts of a run")[1].split("\n## ")[0]
    rows = re.findall(r"^\| \[(\w+)\]\((\S+)\)(, not in the default)? \|", section, re.MULTILINE)
    registered = register_pipelines()
    assert sorted(name for name, _, _ in rows) == sorted(set(registered) - {"__default__"})
    default = registered["__default__"].nodes
    for name, link, outside in rows:
        assert link == f"../src/doppelcart/pipelines/{name}/README.md"
        assert bool(outside) != set(registered[name].nodes).issubset(default), name
    in_default = [name for name, _, outside in rows if not outside]
    assert in_default == list(CORE), "in the order in which they run"


@pytest.mark.slow
def test_the_files_that_a_run_is_said_to_leave_are_there(finished_run):
    whole = (PROJECT / "docs/runs.md").read_text().split("## What a run leaves")[1].split("## ")[0]
    short = (PROJECT / "README.md").read_text().split("## What comes out")[1].split("## ")[0]
    rows = [line.split("|")[1] for line in (whole + short).splitlines() if line.startswith("| `")]
    assert len(rows) > 10
    for row in rows:
        names = re.findall(r"`([^`]+)`", row)
        folder = Path(names[0]).parent if "/" in names[0] else Path("08_reporting")
        for name in names:
            path = Path(name) if "/" in name else folder / name
            assert (finished_run / "data" / path).is_file(), path


def test_measured_results_stand_in_the_documents_as_measured():
    readme = documents.README.read_text()
    section = documents.readme_section(*documents.FOLDERS)
    assert readme == documents.between(readme, section), "run `python -m studies results`"
    assert documents.PAGE.read_text() == documents.results_page(*documents.FOLDERS)
    for path in (path for folder in documents.FOLDERS for path in folder.glob("*.json")):
        assert path.with_suffix(".md").read_text() == figures.table(json.loads(path.read_text()))


def test_the_readme_is_short_and_shows_a_shop_that_is_read_so():
    text = (PROJECT / "README.md").read_text()
    assert len(text.splitlines()) <= 120
    shop = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0])
    source = Source.model_validate(shop["source"])
    assert set(source.tables["interactions"].columns) == {"user_id", "item_id", "timestamp"}


def test_pictures_are_small():
    pictures = list((PROJECT / "docs/images").glob("*.png"))
    named = {"dag.png", "report.png", "stockouts.png", "terminal.png", "window.png"}
    assert {picture.name for picture in pictures} == named
    assert all(picture.stat().st_size < 400_000 for picture in pictures)


def test_commands_are_read_as_a_person_reads_them():
    text = (
        "```bash\nX=1 kedro run   # all\n```\n\n    kedro run --pipelines split\n\n"
        "`kedro run --env <name>` `data/csv` `make run`\n"
    )
    assert commands_of(text) == ["kedro run", "kedro run --pipelines split", "make run"]
