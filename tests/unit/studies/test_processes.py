"""What a command took: its time, its memory and its children's."""

import sys

import pytest

from studies import processes


def test_a_commands_time_memory_and_output_are_seen(tmp_path):
    code = "import time; block = bytearray(300_000_000); time.sleep(2); print('done')"
    usage = processes.run([sys.executable, "-c", code], tmp_path / "log")
    assert usage.output == "done\n"
    assert usage.seconds > 2
    assert 0.3 < usage.peak_gb < 0.6


def test_the_memory_of_children_counts(tmp_path):
    child = "import time; block = bytearray(200_000_000); time.sleep(3)"
    code = (
        "import subprocess, sys; block = bytearray(200_000_000);"
        f"subprocess.run([sys.executable, '-c', {child!r}])"
    )
    usage = processes.run([sys.executable, "-c", code], tmp_path / "log")
    assert 0.4 < usage.peak_gb < 0.8


def test_the_processor_time_of_children_counts_and_waiting_does_not(tmp_path):
    busy = "import time\nwhile time.process_time() < 0.5: pass"
    code = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {busy!r}]);"
    usage = processes.run([sys.executable, "-c", f"{code} time.sleep(2)"], tmp_path / "log")
    assert 0.5 <= usage.cpu_seconds < usage.seconds - 1


def test_a_command_that_fails_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="no such thing"):
        processes.run([sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path / "log")
