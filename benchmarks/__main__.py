"""``python -m benchmarks``: measure what the core costs, and write it into the documents."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KEDRO_DISABLE_TELEMETRY", "true")

from benchmarks import core
from studies import documents, figures, machine


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--env", help="another environment than the default, to try things out")
    parser.add_argument("--results", type=Path, help="another folder for what is measured")
    given = parser.parse_args()
    if given.env and not given.results:
        parser.error("--env needs --results: only the default belongs into the documents")
    return given


def main() -> None:
    given = parse()
    folder, facts, taken = given.results or documents.COSTS, machine.facts(), []
    for some in core.measure(folder, given.env):
        taken += some
        path = figures.write("core", taken, facts, folder)
    print(path.with_suffix(".md").read_text(encoding="utf-8"))
    if given.results is None:
        documents.refresh()


if __name__ == "__main__":
    main()
