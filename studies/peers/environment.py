"""The peers' environments: made at the first use in ``build/peers``, or named by PEERS_PYTHON.

That of the forecasters lies in ``build/forecasters``, and is named by FORECASTERS_PYTHON; that of
PyKEEN in ``build/graphs``, and is named by GRAPHS_PYTHON.
"""

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

PEERS, FORECASTERS, GRAPHS = "peers", "forecasters", "graphs"
HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
HOME = PROJECT / "build" / "peers"


def python(whose: str = PEERS) -> Path:
    """The interpreter of an environment, made or made anew as its requirements say.

    Args:
        whose: ``PEERS``, ``FORECASTERS`` or ``GRAPHS``.
    """
    if named := os.environ.get(f"{whose.upper()}_PYTHON"):
        return Path(named)
    home = HOME if whose == PEERS else HOME.with_name(whose)
    requirements = REQUIREMENTS if whose == PEERS else REQUIREMENTS.with_name(f"{whose}.txt")
    found = home / "bin" / "python"
    stamp = home / "requirements.sha256"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        pip = [found, "-m", "pip", "install", "--quiet", "--requirement", requirements]
        subprocess.run(list(map(str, pip)), check=True)
        stamp.write_text(wanted)
    return found


def run(script: str, job: dict[str, Any], folder: Path, whose: str = PEERS) -> dict[str, Any]:
    """Run one of the scripts in this folder with the peers' interpreter.

    Args:
        script: Its name.
        job: What it is told, as JSON: files, settings.
        folder: Where job, answer and log go.
        whose: Environment that runs it.

    Returns:
        Its answer: the last line that it writes, as JSON.

    Raises:
        RuntimeError: It failed; the end of its output says why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    order = folder / f"{script}.json"
    order.write_text(json.dumps(job), encoding="utf-8")
    command = [str(python(whose)), str(HERE / f"{script}.py"), str(order)]
    output = processes.run(command, folder / f"{script}.log").output
    answer: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return answer
