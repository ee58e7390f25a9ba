"""A server of its own process: clients that are slow or idle, and its end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from doppelcart.serving.commands import serve
from doppelcart.serving.model import Model

pytestmark = pytest.mark.slow

CODE = (
    "import sys\n"
    "from pathlib import Path\n"
    "from doppelcart.serving.limits import Limits\n"
    "from doppelcart.serving.server import run\n"
    "limits = Limits(body_seconds=1, idle_seconds=1.5)\n"
    "run(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2]), limits, '')"
)
QUESTION = json.dumps({"user_id": "ann"}).encode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def asked(port: int) -> dict[str, object]:
    address = f"http://127.0.0.1:{port}/recommend"
    with urllib.request.urlopen(urllib.request.Request(address, QUESTION), timeout=5) as response:
        return json.load(response)


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


@pytest.fixture
def process(
    model: Model, publish: Callable[[Model], Path]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    started = subprocess.Popen([sys.executable, "-c", CODE, str(publish(model)), str(port)])
    try:
        for _ in range(200):
            try:
                connected(port).close()
                break
            except OSError:
                time.sleep(0.05)
        yield started, port
    finally:
        started.kill()
        started.wait()


def memory(process: subprocess.Popen[bytes]) -> int:
    pages = Path(f"/proc/{process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_slow_and_idle_clients_end_and_disturb_nobody(
    process: tuple[subprocess.Popen[bytes], int],
) -> None:
    server, port = process
    assert asked(port)["version"] == "1"
    before = memory(server)
    slow = connected(port)
    head = f"POST /recommend HTTP/1.1\r\nhost: x\r\ncontent-length: {len(QUESTION)}\r\n\r\n"
    slow.sendall(head.encode() + QUESTION[:1])
    idle = [connected(port) for _ in range(1000)]
    for _ in range(20):
        assert asked(port)["version"] == "1"
    assert slow.recv(1000).startswith(b"HTTP/1.1 408")
    # nobody ever asked anything on these
    assert [one.recv(1) for one in idle] == [b""] * len(idle)
    assert memory(server) - before < 50 * 2**20
    for one in (slow, *idle):
        one.close()


def test_what_is_no_http_is_refused(process: tuple[subprocess.Popen[bytes], int]) -> None:
    _, port = process
    with connected(port) as client:
        client.sendall(b"\x00\xff\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 400")
    assert asked(port)["version"] == "1"


def test_what_is_in_flight_is_answered_before_the_end(
    process: tuple[subprocess.Popen[bytes], int],
) -> None:
    server, port = process
    with connected(port) as client:
        head = f"POST /recommend HTTP/1.1\r\nhost: x\r\ncontent-length: {len(QUESTION)}\r\n\r\n"
        client.sendall(head.encode() + QUESTION[:-1])
        time.sleep(0.3)
        server.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        client.sendall(QUESTION[-1:])
        assert client.recv(10_000).startswith(b"HTTP/1.1 200")
    server.wait(timeout=10)


def test_an_open_address_without_a_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    monkeypatch.delenv("DOPPELCART_API_KEY", raising=False)
    done = CliRunner().invoke(serve, ["--host", "0.0.0.0"])
    assert done.exit_code == 1
    assert "Set DOPPELCART_API_KEY" in done.output
