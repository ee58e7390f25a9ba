"""What one whole ``kedro run`` costs, and what a mere list of pipelines imports."""

from __future__ import annotations

import sys
from pathlib import Path

from studies import processes
from studies.figures import Figure, Target
from studies.runs import in_env, kedro

IMPORTED = """
import runpy, sys
sys.argv = ["kedro", "registry", "list"]
try:
    runpy.run_module("kedro", run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
found = sorted({name.partition(".")[0] for name in sys.modules} & {"keras", "tensorflow"})
print("imported:", *found)
"""


def default_run(home: Path, env: str | None) -> list[Figure]:
    """The whole run, once.

    Args:
        home: Folder for its data and its log.
        env: Another environment than the default.
    """
    usage = kedro(home, "run", "run", *in_env(env))
    how = f"`kedro run{' --env ' + env if env else ''}`, tracked, in a new data folder, once"
    return [
        Figure(
            "default `kedro run`", usage.seconds, "s", f"Wall time of {how}.", Target("<=", 300)
        ),
        Figure(
            "default `kedro run`, processor time",
            usage.cpu_seconds,
            "s",
            f"User and system time of the process and its children during {how}; other work on "
            "the machine hardly changes it.",
        ),
        Figure(
            "default `kedro run`, peak memory",
            usage.peak_gb,
            "GB",
            f"Resident memory of the process and its children during {how}; looked at once a "
            "second, shared pages once, and the kernel's own maximum of a single process.",
            Target("<=", 4),
        ),
    ]


def imported(home: Path) -> Figure:
    """Which slow libraries the list of pipelines imports."""
    found = processes.run([sys.executable, "-c", IMPORTED], home / "imported.log").output
    names = found.splitlines()[-1].partition("imported:")[2].split()
    return Figure(
        "of TensorFlow and Keras, imported by `kedro registry list`",
        len(names),
        "",
        f"Looked up in sys.modules when the command ends. Found: {', '.join(names) or 'none'}",
        Target("<=", 0),
    )
