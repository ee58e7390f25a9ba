"""Commands of which nobody wants to wait for long."""

from itertools import count

from benchmarks.records import about
from studies.figures import Target
from studies.runs import TABLE_PIPELINES, kedro

ROUNDS = 3


def test_ingestion_to_profiles(benchmark, tmp_path):
    """Each round into a new folder."""
    how = f"Wall time of `kedro run --pipelines {TABLE_PIPELINES}`, tracked, in a new folder."
    benchmark.extra_info |= about("ingestion to profiles", how, Target("<=", 25))
    folders = (f"tables{number}" for number in count())
    benchmark.pedantic(
        lambda: kedro(tmp_path, next(folders), "run", "--pipelines", TABLE_PIPELINES),
        rounds=ROUNDS,
    )


def test_registry_list(benchmark, tmp_path):
    """In a process of its own, as a person waits for it."""
    how = "Wall time of the command in a process of its own."
    benchmark.extra_info |= about("`kedro registry list`", how, Target("<=", 4))
    benchmark.pedantic(lambda: kedro(tmp_path, "list", "registry", "list"), rounds=ROUNDS)
