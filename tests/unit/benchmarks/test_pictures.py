"""What taking pictures starts ends with it."""

import sys
import time
from pathlib import Path

import pytest

from benchmarks.pictures import child

PROCESSES = Path("/proc")
PARENT = "import subprocess; subprocess.Popen(['sleep', '600']).wait()"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {PARENT}"


def running(group: int) -> int:
    """How many processes of a group run; one that ended and waits to be asked how does not."""
    found = 0
    for path in PROCESSES.glob("[0-9]*/stat"):
        try:
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        found += int(its_group) == group and state != "Z"
    return found


def settle(group: int, processes: int) -> int:
    """The same once there are so many, or after half a minute: ending takes a moment."""
    end = time.monotonic() + 30
    while running(group) != processes and time.monotonic() < end:
        time.sleep(0.1)
    return running(group)


@pytest.mark.skipif(not PROCESSES.is_dir(), reason="looks at the processes in /proc")
@pytest.mark.parametrize("program", [PARENT, STUBBORN], ids=["obedient", "stubborn"])
def test_children_of_a_child_end_with_the_block(program, monkeypatch):
    monkeypatch.setattr("benchmarks.pictures.PATIENCE", 0.5)
    with child([sys.executable, "-c", program]) as parent:
        assert settle(parent.pid, 2) == 2
    assert settle(parent.pid, 0) == 0
