"""At which commit something was measured, and whether that is the whole truth."""

import subprocess

import pytest

from studies import machine

CODE = ("src/package/module.py", "conf/base/catalog.yml", "benchmarks/core.py", "studies/critic.py")
ELSE = ("benchmarks/results/core.json", "studies/results/critic.json", "docs/page.md")


@pytest.fixture
def project(tmp_path, monkeypatch):
    def git(*words):
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    for name in (*CODE, *ELSE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("before")
    git("add", ".")
    git("commit", "-m", "first")
    monkeypatch.setattr(machine, "PROJECT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", CODE)
def test_changed_code_is_told(project, name):
    (project / name).write_text("after")
    assert machine.commit().endswith(" with uncommitted changes")


def test_results_and_documents_are_no_code(project):
    for name in ELSE:
        (project / name).write_text("after")
    assert len(machine.commit()) == 40


def test_without_git_the_commit_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "PROJECT", tmp_path)
    assert machine.commit() == "unknown"
