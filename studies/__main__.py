"""Contests of methods: which is better, over seeds and beside peers.

``python -m studies`` holds all of them; ``python -m studies critic`` one; ``python -m studies
results [DATA_FOLDER ...]`` writes what was measured into the documents. With ``--minutes`` a study
pauses when its time is up, and the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("KEDRO_DISABLE_TELEMETRY", "true")

from studies import (
    augmentation,
    cfgan,
    claims,
    completing,
    critic,
    ctgan,
    demand,
    documents,
    figures,
    generators,
    launches,
    links,
    machine,
    multvae,
    stability,
    stockouts,
    worth,
)
from studies.study import Study, TimeIsUp, keep, tracked

STUDIES = {
    "worth": worth.measure,
    "generators": generators.measure,
    "completing": completing.measure,
    "critic": critic.measure,
    "small_samples": critic.measure_small,
    "cfgan": cfgan.measure,
    "augmentation": augmentation.measure,
    "ctgan": ctgan.measure,
    "multvae": multvae.measure,
    "stockouts": stockouts.measure,
    "demand": demand.measure,
    "links": links.measure,
    "launches": launches.measure,
    "stability": stability.measure,
    "stability_pictures": stability.measure_pictures,
    "stability_lookalikes": stability.measure_lookalikes,
}
OF_AN_ENVIRONMENT = ("worth", "ctgan", "stockouts", "demand")
"""Studies of whatever data an environment names; the others are of data of their own."""


def parse() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m studies", description=__doc__)
    parser.add_argument("name", nargs="?", help=f"{', '.join(STUDIES)}, or results; all without")
    parser.add_argument("runs", nargs="*", type=Path, help="data folders of finished runs")
    parser.add_argument("--env", help="another environment than the default, to try things out")
    parser.add_argument("--minutes", type=float, default=math.inf, help="then pause; again goes on")
    parser.add_argument("--results", type=Path, help="another folder for what is measured")
    given = parser.parse_args()
    if given.name not in (None, "results", *STUDIES):
        parser.error(f"there is no study '{given.name}'; there are {', '.join(STUDIES)}")
    if given.env and not given.results:
        parser.error("--env needs --results: only the default belongs into the documents")
    if given.env and given.name not in OF_AN_ENVIRONMENT:
        parser.error(
            f"--env is for {', '.join(OF_AN_ENVIRONMENT)}: name one of them. The other studies are "
            "of data of their own"
        )
    return given


def hold(name: str, folder: Path, env: str | None = None, until: float = math.inf) -> None:
    """Hold a study to its end, and write what it found; what is there stays until then.

    Args:
        name: Of the study.
        folder: Where its results go.
        env: Another environment than the default.
        until: Reading of ``time.monotonic`` at which it pauses.

    Raises:
        TimeIsUp: It paused.
    """
    facts, taken = machine.facts(), []
    with tracked(name, facts, env) as run:
        for some in STUDIES[name](Study(name, folder, env, run, until)):
            taken += some
            for figure in some:
                print(f"{name}: {figure.figure}: {figures.number(figure.value)} {figure.unit}")
        path = figures.write(name, taken, facts, folder)
        keep(run, taken, [path, path.with_suffix(".md")])
    print(path.with_suffix(".md").read_text(encoding="utf-8"))


def main() -> None:
    """Do what was asked for."""
    given = parse()
    folder = given.results or documents.RESULTS
    for path in given.runs:
        documents.take_in(path, folder)
    names = [given.name] if given.name in STUDIES else list(STUDIES)
    until = time.monotonic() + 60 * given.minutes
    for name in names if given.name != "results" else []:
        try:
            hold(name, folder, given.env, until)
        except TimeIsUp:
            sys.exit(f"{name} paused: its time is up. The same command goes on where it was.")
    if given.results is None:
        documents.refresh()
        claims.refresh(folder)


if __name__ == "__main__":
    main()
