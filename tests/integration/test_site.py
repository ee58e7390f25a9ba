"""The site as `make docs` builds it: whole, without a dead link, loading nothing from elsewhere."""

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from docs.site.hooks import DOCUMENTS, address, find

PROJECT = Path(__file__).resolve().parents[2]
ELSEWHERE = re.compile(r"^(https?:)?//")
IN_STYLE = re.compile(r"url\(\s*[\"']?([^\"')]+)|@import\s+[\"']([^\"']+)")
LOADED = {"src", "srcset", "poster", "data"}
LINKED_ONLY = {"canonical", "prev", "next", "alternate"}

# Documents that are no pages, and why.
NO_PAGES = {
    "docs/examples/**/*.md": "part of an example whose files are to be copied",
    "benchmarks/results/*.md": "tables that docs/results.md holds",
    "studies/results/*.md": "tables that docs/results.md holds",
}

pytestmark = pytest.mark.slow


class Reader(HTMLParser):
    """What a page loads, links to, and can be linked at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: set[str] = set()
        self.links: list[str] = []
        self.navigation: list[str] = []
        self.anchors = {""}
        self.in_style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.in_style = tag == "style"
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        self.loads |= {given[name] for name in LOADED & set(given)}
        self.loads |= styles(given.get("style", ""))
        if tag == "link" and given.get("rel") not in LINKED_ONLY:
            self.loads.add(given["href"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
            if "md-nav__link" in given.get("class", ""):
                self.navigation.append(given["href"])

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self.loads |= styles(data)


def styles(text: str) -> set[str]:
    """What a style sheet loads."""
    return {one or other for one, other in IN_STYLE.findall(text)}


def loaded_from_elsewhere(loads: set[str]) -> set[str]:
    return {target for target in loads if ELSEWHERE.match(target)}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-5000:]
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {path: Reader(path.read_text()) for path in sorted(site.rglob("*.html"))}


def dead_links(site: Path, pages: dict[Path, Reader]) -> Iterator[str]:
    for path, page in pages.items():
        if path.name == "404.html":  # its links count from the server's root
            continue
        for link in page.links:
            target, anchor = urldefrag(link)
            if ":" in target:
                continue
            found = (path.parent / unquote(target)).resolve() if target else path
            if not found.is_file() or (
                found in pages and unquote(anchor) not in pages[found].anchors
            ):
                yield f"{path.relative_to(site)}: {link}"


def test_every_document_is_on_the_navigation(site, pages):
    without = {path for pattern in NO_PAGES for path in find(PROJECT, [pattern])}
    folders = ("*.md", "benchmarks/**/*.md", "conf/**/*.md", "docs/**/*.md", "src/**/*.md")
    documents = {*find(PROJECT, [*folders, "studies/**/*.md"])} - without
    assert documents == set(find(PROJECT, DOCUMENTS))
    reached = pages[site / "index.html"].navigation
    assert {address(path) for path in documents} <= {
        urldefrag(link)[0] or "index.html" for link in reached
    }


def test_capabilities_that_make_claims_come_first(site, pages):
    links = pages[site / "index.html"].navigation
    found = [link.split("/")[1] for link in links if link.startswith("capabilities/")]
    claimants = [
        *("cross_domain", "diffusion", "evaluation", "explanations", "fusion", "ideas"),
        *("knowledge_graph", "lookalikes", "new_items", "pictures", "privacy", "reviews"),
        *("shilling", "stockouts", "targeting", "tuning"),
    ]
    assert sorted(found[: len(claimants)]) == claimants
    assert "gan" in found[len(claimants) :]


def test_every_public_module_is_in_the_reference(pages):
    source = PROJECT / "src"
    files = [file for file in source.rglob("*.py") if not re.search(r"/_(?!_init__)", str(file))]
    modules = {".".join(file.relative_to(source).with_suffix("").parts) for file in files}
    modules = {module.removesuffix(".__init__") for module in modules}
    anchors = set().union(*(page.anchors for page in pages.values()))
    assert len(modules) > 100
    assert modules - anchors == {"doppelcart.pipelines"}, "whose packages have a page each"


def test_no_link_is_dead(site, pages):
    assert sum(len(page.links) for page in pages.values()) > 1000
    assert list(dead_links(site, pages)) == []


def test_no_page_loads_from_elsewhere(site, pages):
    loads = {path: page.loads for path, page in pages.items()}
    loads |= {path: styles(path.read_text()) for path in site.rglob("*.css")}
    assert any(loads.values())
    found = {str(path.relative_to(site)): loaded_from_elsewhere(it) for path, it in loads.items()}
    assert {path: it for path, it in found.items() if it} == {}


def test_diagrams_are_drawn_without_a_script(site):
    """The theme's script would fetch a library for any ``pre`` of the class ``mermaid``."""
    assert '<div class="diagram"><svg' in (site / "decisions/0001-rooms.html").read_text()
    assert [path for path in site.rglob("*.html") if 'class="mermaid"' in path.read_text()] == []


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://a.org/x.js"></script>',
        '<link rel="stylesheet" href="//a.org/x.css">',
        '<img src="http://a.org/x.png">',
        '<video poster="https://a.org/x.png"></video>',
        '<p style="background: url(https://a.org/x.png)">',
        '<style>@import "https://a.org/x.css";</style>',
    ],
)
def test_what_is_loaded_from_elsewhere_is_found(html):
    assert len(loaded_from_elsewhere(Reader(html).loads)) == 1


def test_dead_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html#there">b</a> <a href="https://c.org">c</a>')
    (tmp_path / "b.html").write_text(
        '<h1 id="there">b</h1> <a href="#gone">d</a> <a href="e/">e</a>'
    )
    pages = {path: Reader(path.read_text()) for path in sorted(tmp_path.glob("*.html"))}
    assert list(dead_links(tmp_path, pages)) == ["b.html: #gone", "b.html: e/"]
