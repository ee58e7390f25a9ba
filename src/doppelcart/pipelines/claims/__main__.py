"""``python -m doppelcart.pipelines.claims``: run what makes claims, then collect them.

Generators of fake profiles, reviews and photographs are trained with ``--generate-fakes`` only;
claims of them are not judged without. Other arguments are passed on to every run, such as
``--env sample``.
"""

import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence

import click

from doppelcart import pipelines as packages
from doppelcart.reporting.capabilities import find_capabilities
from doppelcart.reporting.section import Capability

COLLECT = "kedro run --pipelines claims"
FAKES = "--generate-fakes"

Run = Callable[[Sequence[str]], int]


def commands(capabilities: Sequence[Capability], *, generate_fakes: bool = False) -> list[str]:
    """What to run, in order, each once: everything that makes a claim, then the collection.

    Args:
        capabilities: All there are.
        generate_fakes: Whether the operator lets generators of fakes be trained.
    """
    made = [c.whole_command if generate_fakes else c.command for c in capabilities if c.claims]
    return [*dict.fromkeys(made), COLLECT]


def run_all(wanted: Sequence[str], arguments: Sequence[str], run: Run = subprocess.call) -> int:
    """Run one command after the other, and go on where one fails.

    What this machine has no data, extra or secret for refuses and says what it lacks, and the page
    says that it was not run.

    Args:
        wanted: Commands of ``kedro``.
        arguments: Added to each.
        run: Runs a command and returns its exit code.

    Returns:
        0 if all of them did what they should, else 1.
    """
    failed = []
    for command in wanted:
        click.echo(f"\n=== {command} {' '.join(arguments)}")
        if run([sys.executable, "-m", *shlex.split(command), *arguments]):
            failed.append(command)
    for command in failed:
        click.echo(f"Failed, see above: {command}", err=True)
    return int(bool(failed))


if __name__ == "__main__":
    given = sys.argv[1:]
    wanted = commands(find_capabilities(packages), generate_fakes=FAKES in given)
    sys.exit(run_all(wanted, [argument for argument in given if argument != FAKES]))
