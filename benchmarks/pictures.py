"""Take the pictures of the documents: the DAG in `kedro viz`, and a run's last words and report.

    python -m benchmarks.pictures [DATA_FOLDER] [ENV]

needs Chromium, and a finished run of that environment (default: ``data``, ``base``).
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from rich.console import Console

from studies.machine import PROJECT

SECONDS = 180
"""How long a server may take to start, and a browser to take a picture."""
PATIENCE = 10
"""Seconds that a program is given to end when it is asked to; then it is made to."""
SETTLING = 20
"""Seconds that the layout of the graph is given; a browser's own clock stands still meanwhile."""
SIZE, SCALE = (800, 1400), 1.75
"""Of the DAG: a page on which names can be read (pixels), and how many pixels are drawn of each."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=20000",
)


# What Kedro-Viz would otherwise put in front of the graph, and beside it.
SETTINGS = {
    "showFeatureHints": False,
    "theme": "light",
    "visible": {"sidebar": False, "miniMap": False, "miniMapBtn": False},
    "display": {"globalNavigation": False, "sidebar": False, "zoomToolbar": False},
}
START = f"""<script>
localStorage.setItem("KedroViz", {json.dumps(json.dumps(SETTINGS))});
location.replace("/");
</script>"""
INSTALLED = version("kedro-viz")
VERSION = {"installed": INSTALLED, "is_outdated": False, "latest": INSTALLED}
VERSION |= {"package_compatibilities": []}


class Quiet(ThreadingHTTPServer):
    """Does not wait, at its end, for what a browser still asks it."""

    daemon_threads = True
    block_on_close = False


class Plain(BaseHTTPRequestHandler):
    """Passes a page of Kedro-Viz on, without its hints and its notice of new versions."""

    behind: str

    def do_GET(self) -> None:
        """Answer a request."""
        own: dict[str, tuple[str, Any]] = {
            "/start": ("text/html", START),
            "/settled": ("image/svg+xml", ""),
            "/api/version": ("application/json", VERSION),
        }
        if self.path in own:
            kind, content = own[self.path]
            body = (content if isinstance(content, str) else json.dumps(content)).encode()
        else:
            with urllib.request.urlopen(self.behind + self.path, timeout=30) as answer:
                kind, body = answer.headers["Content-Type"], answer.read()
        if self.path == "/":
            body = body.replace(b"</body>", b'<img src="/settled" hidden></body>')
        if self.path == "/settled":
            time.sleep(SETTLING)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def shoot(address: str, size: tuple[int, int], target: Path, scale: float = 1) -> None:
    """Save a page of a size as a picture of ``scale`` times as many pixels."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"No browser was found; install one of {', '.join(BROWSERS)}.")
    with tempfile.TemporaryDirectory() as profile:
        window = f"--window-size={size[0]},{size[1]}"
        shot = [f"--user-data-dir={profile}", window, f"--force-device-scale-factor={scale}"]
        shot += [f"--screenshot={target}", address]
        with child([browser, *QUIET, *shot]) as running:
            if running.wait(timeout=SECONDS):
                sys.exit(f"{browser} ended with {running.returncode} and no picture of {address}")


def shoot_dag(env: str, target: Path) -> None:
    """Serve the DAG on a free port of this machine and save it as a picture."""
    port = _free_port()
    command = [sys.executable, "-m", "kedro", "viz", "run", "--no-browser", "--lite"]
    with child([*command, f"--port={port}", f"--env={env}"]) as server:
        _wait_for(f"http://127.0.0.1:{port}/api/main", server)
        Plain.behind = f"http://127.0.0.1:{port}"
        plain = Quiet(("127.0.0.1", 0), Plain)
        threading.Thread(target=plain.serve_forever, daemon=True).start()
        try:
            shoot(f"http://127.0.0.1:{plain.server_port}/start", SIZE, target, SCALE)
        finally:
            plain.shutdown()
            plain.server_close()


class Abridged(Console):
    """A screen of 120 columns that remembers, and calls a data folder ``data``."""

    def __init__(self, data: Path) -> None:
        super().__init__(record=True, width=120, file=io.StringIO(), force_terminal=True)
        self._folder = f"{data}/"

    def print(self, *objects: Any, **how: Any) -> None:
        """Print, with shorter paths."""
        short = [
            told.replace(self._folder, "data/") if isinstance(told, str) else told
            for told in objects
        ]
        super().print(*short, **how)


def shoot_terminal(data: Path, env: str, target: Path) -> None:
    """Save the last words of a finished run as a picture."""
    bootstrap_project(PROJECT)
    from kedro.framework.project import pipelines  # known from here on

    from doppelcart.hooks.tracking import TrackedRun
    from doppelcart.hooks.verdict import VerdictPrinter

    console = Abridged(data)
    with KedroSession.create(PROJECT, env=env) as session:
        context = session.load_context()
        printer = VerdictPrinter(TrackedRun(), console)
        printer.after_catalog_created(context.config_loader["catalog"])
        printer.after_pipeline_run(pipelines["__default__"], context.catalog)
    drawing = console.export_svg(title="kedro run")
    width, height = map(float, re.findall(r'viewBox="0 0 (\S+) (\S+)"', drawing)[0])
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "terminal.html"
        page.write_text(f'<body style="margin: 0">{drawing}</body>', encoding="utf-8")
        shoot(page.as_uri(), (round(width), round(height)), target)


@contextmanager
def child(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in a group of its own, all of which ends with the block.

    Browsers and servers have children, who outlive them and hold what they inherited: a pipe that
    one of them keeps open would be waited for without an end, so nothing is read from any.
    """
    silent = subprocess.DEVNULL
    running = subprocess.Popen(
        command, cwd=PROJECT, stdout=silent, stderr=silent, start_new_session=True
    )
    try:
        yield running
    finally:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(running.pid, how)
            with suppress(subprocess.TimeoutExpired):
                running.wait(timeout=PATIENCE)


def _free_port() -> int:
    """A free port below those that the system gives away, which Kedro-Viz would refuse."""
    for port in range(20_000, 30_000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise OSError("no port is free")


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(1)
    sys.exit(f"{address} did not answer")


if __name__ == "__main__":
    data = Path(sys.argv[1] if len(sys.argv) > 1 else PROJECT / "data").resolve()
    report = data / "08_reporting" / "report.html"
    if not report.is_file():
        sys.exit(f"{report} is missing: run `kedro run` first")
    shoot(report.as_uri(), (1200, 1300), PROJECT / "docs/images/report.png")
    env = sys.argv[2] if len(sys.argv) > 2 else "base"
    os.environ["DOPPELCART_DATA"] = str(data)
    shoot_terminal(data, env, PROJECT / "docs/images/terminal.png")
    shoot_dag(env, PROJECT / "docs/images/dag.png")
