"""Take the pictures of the README: the DAG as `kedro viz` draws it, and a run's report.

    python -m benchmarks.pictures [DATA_FOLDER] [ENV]

needs Chromium, and a finished run of that environment (default: ``data``, ``base``).
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

from benchmarks.machine import PROJECT

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
}
START = f"""<script>
localStorage.setItem("KedroViz", {json.dumps(json.dumps(SETTINGS))});
location.replace("/");
</script>"""
INSTALLED = version("kedro-viz")
VERSION = {"installed": INSTALLED, "is_outdated": False, "latest": INSTALLED}
VERSION |= {"package_compatibilities": []}


class Plain(BaseHTTPRequestHandler):
    """Passes a page of Kedro-Viz on, without its hints and its notice of new versions."""

    behind: str

    def do_GET(self) -> None:
        """Answer a request."""
        own = {"/start": ("text/html", START), "/api/version": ("application/json", VERSION)}
        if self.path in own:
            kind, content = own[self.path]
            body = (content if isinstance(content, str) else json.dumps(content)).encode()
        else:
            with urllib.request.urlopen(self.behind + self.path) as answer:
                kind, body = answer.headers["Content-Type"], answer.read()
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
        subprocess.run([browser, *QUIET, *shot], check=True, capture_output=True, timeout=180)


def shoot_dag(env: str, target: Path) -> None:
    """Serve the DAG on a free port of this machine and save it as a picture."""
    port = _free_port()
    command = [sys.executable, "-m", "kedro", "viz", "run", "--no-browser", "--lite"]
    server = subprocess.Popen(
        [*command, f"--port={port}", f"--env={env}"], cwd=PROJECT, stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/main", server)
        Plain.behind = f"http://127.0.0.1:{port}"
        with ThreadingHTTPServer(("127.0.0.1", 0), Plain) as plain:
            threading.Thread(target=plain.serve_forever, daemon=True).start()
            shoot(f"http://127.0.0.1:{plain.server_port}/start", (860, 1300), target, scale=1.6)
            plain.shutdown()
    finally:
        server.terminate()
        server.wait()


def _free_port() -> int:
    """A free port below those that the system gives away, which Kedro-Viz would refuse."""
    for port in range(20_000, 30_000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise OSError("no port is free")


def _wait_for(address: str, server: subprocess.Popen[bytes], seconds: float = 180) -> None:
    end = time.monotonic() + seconds
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
    shoot_dag(sys.argv[2] if len(sys.argv) > 2 else "base", PROJECT / "docs/images/dag.png")
