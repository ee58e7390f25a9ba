"""``doppelcart serve``, ``recommend``, ``rollback`` and ``why``: what starts without Kedro."""

from __future__ import annotations

import ipaddress
import logging
import os
from pathlib import Path

import click

from doppelcart.errors import DoppelcartError
from doppelcart.serving import artefact
from doppelcart.serving.batch import recommend_all
from doppelcart.serving.decisions import in_words, read_decision
from doppelcart.serving.limits import Limits
from doppelcart.serving.release import folder_of, read_release, roll_back

KEY = "DOPPELCART_API_KEY"
RELEASE = "08_reporting/serving/release.json"


_release = click.option(
    "--release",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=lambda: Path(os.environ.get("DOPPELCART_DATA", "data")) / RELEASE,
    show_default=f"{RELEASE} in the data folder",
    help="File that says which model serves; it is followed.",
)


@click.command(name="serve")
@_release
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
def serve(path: Path, host: str, port: int) -> None:
    """Answer questions over HTTP by the model that a run exported.

    Clients give the value of the environment variable DOPPELCART_API_KEY as X-API-Key, where it is
    set.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    key = os.environ.get(KEY, "")
    if not key and not _is_loopback(host):
        raise click.ClickException(
            f"{host} can be reached from elsewhere, and no key is set. Set {KEY}, or listen at "
            "127.0.0.1 behind a proxy."
        )
    from doppelcart.serving.server import run

    click.echo(f"Serving {path} at http://{host}:{port}: a page to look at, POST /recommend")
    try:
        run(path, host, port, Limits(), key)
    except DoppelcartError as error:
        raise click.ClickException(str(error)) from error


@click.command(name="recommend")
@_release
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the lists; one that was begun is gone on with.",
)
@click.option("-k", default=20, show_default=True, type=click.IntRange(1, 1000), help="Items each.")
def recommend(path: Path, out: Path, k: int) -> None:
    """Write the lists of all known customers as Parquet, as the server would answer."""
    try:
        release = read_release(path)
        model = artefact.read(folder_of(path, release), release.digest)
        written = recommend_all(model, release.digest, out, k)
    except DoppelcartError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{len(model.customers.ids)} customers, {written} files written into {out}")


@click.command(name="rollback")
@_release
@click.option("--expect", help="Version that must be serving; nothing is done if another does.")
def rollback(path: Path, expect: str | None) -> None:
    """Let the version that served before serve again; once more undoes it."""
    try:
        release = roll_back(path, expect)
    except DoppelcartError as error:
        raise click.ClickException(str(error)) from error
    former = release.previous.version if release.previous else "nothing"
    click.echo(f"Version {release.version} serves again, in place of {former}.")


@click.command(name="why")
@_release
@click.argument("version", required=False)
def why(path: Path, version: str | None) -> None:
    """Say why VERSION serves or was refused: tests, slices, costs; by default what serves now."""
    try:
        decision = read_decision(path, version or read_release(path).version)
    except DoppelcartError as error:
        raise click.ClickException(str(error)) from error
    click.echo(in_words(decision))


COMMANDS = {command.name: command for command in (serve, recommend, rollback, why)}
"""What the command line runs without Kedro, by name."""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
