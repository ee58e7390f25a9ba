"""The peers' environment: made at the first use in ``build/peers``, or named by PEERS_PYTHON."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from studies import processes
from studies.machine import PROJECT

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
HOME = PROJECT / "build" / "peers"


def python() -> Path:
    """The interpreter of the peers' environment, made or made anew as the requirements say."""
    if named := os.environ.get("PEERS_PYTHON"):
        return Path(named)
    found = HOME / "bin" / "python"
    stamp = HOME / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", HOME], check=True)
        pip = [found, "-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS]
        subprocess.run(list(map(str, pip)), check=True)
        stamp.write_text(wanted)
    return found


def run(script: str, job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Run one of the scripts in this folder with the peers' interpreter.

    Args:
        script: Its name.
        job: What it is told, as JSON: files, settings.
        folder: Where job, answer and log go.

    Returns:
        Its answer: the last line that it writes, as JSON.

    Raises:
        RuntimeError: It failed; the end of its output says why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    order = folder / f"{script}.json"
    order.write_text(json.dumps(job), encoding="utf-8")
    command = [str(python()), str(HERE / f"{script}.py"), str(order)]
    output = processes.run(command, folder / f"{script}.log").output
    answer: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return answer
