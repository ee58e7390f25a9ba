"""A server of its own process: clients that are slow or idle, and its end."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from serving_model import make_model

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


def start(release: Path, port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CODE, str(release), str(port)])


def wait_for(port: int) -> None:
    for _ in range(400):
        try:
            connected(port).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the server did not come up")


@pytest.fixture
def process(
    model: Model, publish: Callable[[Model], Path]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    started = start(publish(model), port)
    try:
        wait_for(port)
        yield started, port
    finally:
        started.kill()
        started.wait()


class Load:
    """Clients that ask one after the other until they are stopped, and note what they were told."""

    def __init__(self, port: int, clients: int = 8) -> None:
        self.versions: list[str] = []
        self.failures: list[str] = []
        self._port, self._stop = port, threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def until(self, what: Callable[[], bool]) -> None:
        for _ in range(600):
            if what():
                return
            time.sleep(0.02)
        pytest.fail(f"still {self.versions[-3:]}, {self.failures[-3:]}")

    def _ask(self) -> None:
        while not self._stop.is_set():
            try:
                self.versions.append(str(asked(self._port)["version"]))
            except OSError as error:
                self.failures.append(str(error))
                time.sleep(0.02)


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


def is_cut_off(client: socket.socket, pieces: list[bytes], pause: float = 0) -> bool:
    """Whether the server ends the connection before all pieces are sent, with pauses in seconds."""
    for piece in pieces:
        try:
            client.sendall(piece)
        except ConnectionError:
            return True
        time.sleep(pause)
    return False


def test_half_a_request_after_an_answer_keeps_no_connection(
    process: tuple[subprocess.Popen[bytes], int],
) -> None:
    _, port = process
    with connected(port) as client:
        client.sendall(b"GET /live HTTP/1.1\r\nhost: x\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        # A byte now and then gains no time.
        assert is_cut_off(client, [bytes([byte]) for byte in b"GET /live HTTP/1.1\r\nhost"], 0.3)
        assert 1 < time.monotonic() - began < 5
    assert asked(port)["version"] == "1"


@pytest.mark.parametrize(
    "start",
    [
        b"GET /live HTTP/1.1\r\nx: ",
        b"GET /live HTTP/1.1\r\nhost: x\r\n\r\nGET /live HTTP/1.1\r\nx: ",
        b"POST /recommend HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ",
    ],
    ids=["of a first request", "of a second one", "after a body"],
)
def test_headers_without_end_are_cut_off(
    process: tuple[subprocess.Popen[bytes], int], start: bytes
) -> None:
    _, port = process
    with connected(port) as client:
        # 20 MB go over in less time than a head or a body may take.
        assert is_cut_off(client, [start, *[b"a" * 100_000] * 200])
    assert asked(port)["version"] == "1"


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


def test_under_load_a_new_release_takes_over_and_no_request_fails(
    process: tuple[subprocess.Popen[bytes], int], publish: Callable[..., Path]
) -> None:
    _, port = process
    with Load(port) as load:
        for version in ("2", "3"):
            load.until(lambda: len(load.versions) > 20)
            publish(make_model(int(version) * np.eye(4, dtype=np.float32)), version)
            load.until(lambda told=version: load.versions[-1] == told)  # type: ignore[misc]
    assert load.failures == []
    assert set(load.versions) == {"1", "2", "3"}


def test_killed_under_load_it_answers_again_once_it_is_started(
    process: tuple[subprocess.Popen[bytes], int], tmp_path: Path
) -> None:
    server, port = process
    with Load(port) as load:
        load.until(lambda: len(load.versions) > 20)
        server.kill()
        server.wait()
        load.until(lambda: bool(load.failures))
        answered = len(load.versions)
        again = start(tmp_path / "release.json", port)
        try:
            load.until(lambda: len(load.versions) > answered + 20)
        finally:
            again.kill()
            again.wait()
    assert set(load.versions) == {"1"}


def test_an_open_address_without_a_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    monkeypatch.delenv("DOPPELCART_API_KEY", raising=False)
    done = CliRunner().invoke(serve, ["--host", "0.0.0.0"])
    assert done.exit_code == 1
    assert "Set DOPPELCART_API_KEY" in done.output
