"""The site is made of the project's documents, and a link that leads nowhere ends its build."""

import json
import logging
import shutil
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort
from mkdocs.structure.files import File, Files
from pymdownx.superfences import SuperFencesException

from docs.site import hooks

PROJECT = Path(__file__).resolve().parents[3]
MODEL = """# Models

## How it works

[Start](../README.md), [the toy](../src/doppelcart/pipelines/toy/README.md)

```mermaid
flowchart TD
    a --> b
```
"""
NODES = '''"""Nodes."""


def play(times: int) -> int:
    """Play.

    Args:
        times: How often.
    """
    return times
'''
SMALL = {
    "README.md": "# Toy\n\n[Models](docs/model.md#how-it-works), [licence](LICENSE), "
    '[toy](docs/toys/toy.md), <img src="docs/images/shop.png" alt="Shop">\n',
    "LICENSE": "Free.\n",
    "docs/model.md": MODEL,
    "docs/images/shop.png": "",
    "docs/toys/toy.md": "# A toy\n",
    "src/doppelcart/__init__.py": '"""All."""\n',
    "src/doppelcart/errors.py": 'class ToyError(Exception):\n    """It broke."""\n',
    "src/doppelcart/pipelines/__init__.py": '"""Pipelines."""\n',
    "src/doppelcart/pipelines/toy/__init__.py": '"""A toy."""\n',
    "src/doppelcart/pipelines/toy/README.md": "# toy\n\nIt plays.\n",
    "src/doppelcart/pipelines/toy/nodes.py": NODES,
}
NAV = [
    {"Start": "README.md"},
    "docs/model.md",
    "notebooks.md",
    {"Capabilities": "src/doppelcart/pipelines/*/README.md"},
    {"API": ["api/*.md", "api/pipelines/*.md"]},
]
TOY_NODES = "src/doppelcart/pipelines/toy/nodes.py"
FAULTS = {
    "a link without a file": ("docs/model.md", "../README.md", "../REDME.md", "'../REDME.md'"),
    "a link without a heading": ("README.md", "-it-works", "-it-worked", "'#how-it-worked'"),
    "a link to a folder": ("README.md", "docs/model.md#how-it-works", "docs/", "'docs/'"),
    "a tag without a file": ("README.md", "shop.png", "shops.png", "no file docs/images/shops.png"),
    "a diagram that is none": ("docs/model.md", "a --> b", "a -->", "cannot be drawn"),
    "an argument that is none": (TOY_NODES, "times: How", "time: How", "Parameter 'time'"),
}


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def project(tmp_path):
    """A small project with this one's configuration of the site."""
    write(tmp_path, SMALL)
    shutil.copy(PROJECT / "mkdocs.yml", tmp_path)
    shutil.copytree(PROJECT / "docs/site", tmp_path / "docs/site")
    return tmp_path


def build_strictly(root: Path, nav: list | None = None) -> Path:
    config = load_config(str(root / "mkdocs.yml"), strict=True, nav=nav or NAV, watch=[])
    build(config)
    return root / "build/docs"


def test_a_sound_project_becomes_a_site(project):
    site = build_strictly(project)
    start = (site / "index.html").read_text()
    assert 'href="model.html#how-it-works"' in start
    assert 'href="LICENSE.txt"' in start
    assert 'href="toys/toy.html"' in start
    assert (site / "toys/toy.html").is_file()
    assert 'src="images/shop.png"' in start
    assert (site / "LICENSE.txt").read_text() == SMALL["LICENSE"]
    assert (site / "images/shop.png").is_file()
    guide = (site / "model.html").read_text()
    assert 'href="capabilities/toy/index.html"' in guide
    assert 'href="index.html">Start</a>' in guide
    assert '<div class="diagram"><svg' in guide
    assert 'id="doppelcart.errors.ToyError"' in (site / "api/doppelcart.html").read_text()
    node = 'id="doppelcart.pipelines.toy.nodes.play"'
    assert node in (site / "api/pipelines/toy.html").read_text()


def test_notebooks_are_shown_once_they_are_executed(project):
    cells = [{"cell_type": "markdown", "source": ["# 1. Look\n", "\n", "At\n", "all."]}]
    write(project, {"notebooks/1_look.ipynb": json.dumps({"cells": cells})})
    page = build_strictly(project) / "notebooks.html"
    assert "<strong>1. Look</strong>: At all." in page.read_text()
    assert "make notebooks docs" in page.read_text()
    write(project, {"build/notebooks/1_look.html": "<p>seen</p>"})
    assert (
        'href="notebooks/1_look.html">1. Look</a>'
        in (build_strictly(project) / "notebooks.html").read_text()
    )
    assert page.with_name("notebooks").joinpath("1_look.html").read_text() == "<p>seen</p>"
    assert "make notebooks docs" not in page.read_text()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_ends_the_build(fault, project, caplog):
    name, sound, faulty, said = FAULTS[fault]
    text = (project / name).read_text()
    assert sound in text
    (project / name).write_text(text.replace(sound, faulty))
    with pytest.raises((Abort, SuperFencesException), match=r"warnings?|drawn") as error:
        build_strictly(project)
    assert said in caplog.text + str(error.value)


def test_a_document_that_nothing_leads_to_ends_the_build(project):
    (project / "docs/forgotten.md").write_text("# Forgotten\n")
    with pytest.raises(Abort, match="1 warning"):
        build_strictly(project)


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("README.md", "index.html"),
        ("CONTRIBUTING.md", "contributing.html"),
        ("conf/README.md", "conf/index.html"),
        ("docs/model.md", "model.html"),
        ("docs/decisions/README.md", "decisions/index.html"),
        ("docs/decisions/0001-rooms.md", "decisions/0001-rooms.html"),
        ("src/doppelcart/pipelines/gan/README.md", "capabilities/gan/index.html"),
        ("src/doppelcart/experiment/README.md", "rooms/experiment/index.html"),
        ("docs/images/dag.png", "images/dag.png"),
        ("conf/csv/globals.yml", "conf/csv/globals.yml.txt"),
    ],
)
def test_a_file_has_its_address(path, address):
    assert hooks.address(path) == address


@pytest.fixture
def files():
    paths = ["README.md", "docs/model.md", "docs/images/shop.png"]
    return Files(File(path, "", "", False, dest_uri=hooks.address(path)) for path in paths)


@pytest.mark.parametrize(
    ("page", "written", "on_the_site"),
    [
        ("README.md", '<img src="docs/images/shop.png">', '<img src="images/shop.png">'),
        (
            "docs/model.md",
            '<img alt="" src="images/shop.png">',
            '<img alt="" src="images/shop.png">',
        ),
        ("docs/model.md", '<a href="../README.md">', '<a href="index.html">'),
        ("README.md", '<a href="docs/model.md#loss">', '<a href="model.html#loss">'),
        ("README.md", '<a href="#start">', '<a href="#start">'),
        ("README.md", '<a href="https://kedro.org">', '<a href="https://kedro.org">'),
        ("README.md", '`<img src="x.png">`', '`<img src="x.png">`'),
        ("README.md", '```html\n<img src="x.png">\n```', '```html\n<img src="x.png">\n```'),
    ],
)
def test_a_tag_leads_to_the_address(page, written, on_the_site, files, caplog):
    assert hooks.rewrite_tags(written, files.get_file_from_path(page), files) == on_the_site
    assert not caplog.records


def test_a_tag_that_leads_nowhere_is_warned_of(files, caplog):
    page = files.get_file_from_path("docs/model.md")
    with caplog.at_level(logging.WARNING, "mkdocs.hooks.site"):
        assert hooks.rewrite_tags('<a href="shop.md">', page, files) == '<a href="shop.md">'
    assert caplog.messages == ["docs/model.md: no file docs/shop.md, to which a tag links"]


def test_files_that_documents_link_to_come_along(tmp_path):
    text = "[a](../LICENSE) [b](b.md) [c](https://c.org/d) [d](gone.txt) [e](#e) [f](../conf)"
    write(tmp_path, {"docs/a.md": text, "docs/b.md": "", "LICENSE": "", "conf/x.yml": ""})
    assert list(hooks.linked_files(tmp_path, ["docs/a.md", "docs/b.md"])) == ["LICENSE"]


def test_rooms_and_pipelines_have_a_page_each_of_the_api(tmp_path):
    names = ["__init__", "__main__", "errors", "cli", "data/__init__", "data/deep/__init__"]
    names += ["data/rows", "pipelines/__init__", "pipelines/gan/__init__", "loose/module"]
    write(tmp_path, {f"doppelcart/{name}.py": "" for name in names})
    pages = dict(hooks.api_pages(tmp_path / "doppelcart"))
    assert list(pages) == ["api/doppelcart.md", "api/data.md", "api/pipelines/gan.md"]
    assert pages["api/doppelcart.md"].split("\n\n") == [
        "# doppelcart",
        "::: doppelcart.cli",
        "::: doppelcart.errors",
    ]
    assert "::: doppelcart.pipelines.gan\n" in pages["api/pipelines/gan.md"]


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ('CAPABILITY = Capability(name="a", claims=(Claim(name="b"),))', True),
        ('CAPABILITY = Capability(name="a")\nclaims = ()', False),
        (None, False),
    ],
)
def test_pages_of_claims_are_known_without_importing_them(section, expected, tmp_path):
    if section is not None:
        (tmp_path / "section.py").write_text(section)
    assert hooks.makes_claims(tmp_path / "README.md") is expected


def test_pages_that_match_stand_for_an_asterisk_in_their_order():
    pages = ["b/z/README.md", "b/a/README.md", "api/y.md", "api/deep/x.md"]
    nav = [{"Start": "README.md"}, {"All": ["c.md", "b/*/README.md"]}, {"API": "api/*.md"}]
    assert hooks.expand(nav, pages) == [
        {"Start": "README.md"},
        {"All": ["c.md", "b/z/README.md", "b/a/README.md"]},
        {"API": ["api/y.md"]},
    ]


def test_a_diagram_is_drawn_in_the_colours_of_the_page():
    drawn = hooks.draw("flowchart TD\n a[first] --> b[second]")
    assert ">first<" in drawn
    assert "var(--md-typeset-color)" in drawn
    assert "<script" not in drawn
