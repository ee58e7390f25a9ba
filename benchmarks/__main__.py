"""Measure a default run, and write it into the documents with what pytest-benchmark measured."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("KEDRO_DISABLE_TELEMETRY", "true")

from benchmarks.default_run import default_run, imported
from benchmarks.records import figures_in
from studies import documents, figures, machine


def parse() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("measured", type=Path, help="file that --benchmark-json wrote")
    parser.add_argument("--env", help="another environment than the default, to try things out")
    parser.add_argument("--results", type=Path, help="another folder for what is measured")
    given = parser.parse_args()
    if given.env and not given.results:
        parser.error("--env needs --results: only the default belongs into the documents")
    return given


def main() -> None:
    """Do what was asked for."""
    given = parse()
    taken = figures_in(given.measured)
    with tempfile.TemporaryDirectory(prefix="doppelcart-") as scratch:
        home = Path(scratch)
        taken = [*default_run(home, given.env), imported(home), *taken]
    path = figures.write("core", taken, machine.facts(), given.results or documents.COSTS)
    print(path.with_suffix(".md").read_text(encoding="utf-8"))
    if given.results is None:
        documents.refresh()


if __name__ == "__main__":
    main()
