"""Loaded first by a process that a test starts: refuses and notes whatever asks for the network.

Tests put this folder on ``PYTHONPATH``. What is refused is appended to the file that
``NETWORK_LOG`` names, since a library may swallow the error.
"""

import os
import sys
from pathlib import Path
from typing import Any

LOCAL = {"", "127.0.0.1", "::1", "localhost", "0.0.0.0", None}


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        host = arguments[1][0] if isinstance(arguments[1], tuple) else "localhost"
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host in LOCAL:
        return
    if log := os.environ.get("NETWORK_LOG"):
        with Path(log).open("a") as file:
            file.write(f"{event} {host}\n")
    raise OSError(f"tests have no network; something asked for {host}")


sys.addaudithook(_refuse)
