"""Capabilities are found by being there; names and declarations that cannot be are refused."""

import importlib
from pathlib import Path

import pytest

from doppelcart import pipelines
from doppelcart.errors import ConfigurationError
from doppelcart.reporting.capabilities import find_capabilities

DECLARED = """
from doppelcart.reporting.section import Capability
CAPABILITY = Capability(name={name!r}, rank={rank}, title="T", question="Q?")
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes a package of packages, one for each given text of ``section.py``; None has none."""

    def make(**sections: str | None):
        name = f"shelf_{tmp_path.name}".replace("-", "_")
        folder = tmp_path / name
        for package, text in ({"": None} | sections).items():
            (folder / package).mkdir(parents=True, exist_ok=True)
            (folder / package / "__init__.py").touch()
            if text is not None:
                (folder / package / "section.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        return importlib.import_module(name)

    return make


def test_what_has_a_section_is_found_in_the_order_of_the_page(packages):
    shelf = packages(
        one=DECLARED.format(name="one", rank=20),
        two=DECLARED.format(name="two", rank=10),
        three=None,
    )
    assert [capability.name for capability in find_capabilities(shelf)] == ["two", "one"]


def test_two_of_one_name_are_refused_with_both(packages):
    text = DECLARED.format(name="one", rank=20)
    shelf = packages(one=text, other=text)
    told = rf"name one: that of {shelf.__name__}.one.section and that of .*\.other\.section"
    with pytest.raises(ConfigurationError, match=told):
        find_capabilities(shelf)


def test_a_section_without_a_declaration_is_refused(packages):
    shelf = packages(one="CAPABILITY = 'one'")
    with pytest.raises(ConfigurationError, match=r"one\.section declares no capability"):
        find_capabilities(shelf)


def test_those_of_the_project_are_named_like_their_pipelines_and_have_a_place_each():
    found = find_capabilities(pipelines)
    assert {"evaluation", "targeting", "privacy", "tuning", "gan"} <= {c.name for c in found}
    assert len({capability.rank for capability in found}) == len(found)
    for capability in found:
        module = importlib.import_module(f"doppelcart.pipelines.{capability.name}.section")
        assert module.CAPABILITY is capability
