"""The project's documents as a site: pages come from where the files lie, the API's from the code.

A page keeps its path in the project as its source, so that MkDocs resolves and checks the links
between documents as they are written. Only the address on the site is another.
"""

import ast
import json
import logging
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

from merm import ParseError, render_diagram
from merm.theme import DEFAULT_THEME
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page
from pymdownx.superfences import SuperFencesException

PACKAGE: Final = "doppelcart"

DOCUMENTS: Final = (
    "*.md",
    "benchmarks/README.md",
    "conf/README.md",
    "docs/*.md",
    "docs/decisions/*.md",
    f"src/{PACKAGE}/*/README.md",
    f"src/{PACKAGE}/pipelines/*/README.md",
    "studies/README.md",
)
PICTURES: Final = ("docs/images/*",)

EXECUTED: Final = "build/notebooks"
"""Where `make notebooks` leaves them, with what they show of the last run."""
NOTEBOOKS: Final = "notebooks.md"

ADDRESSES: Final = {
    f"src/{PACKAGE}/pipelines/": "capabilities/",
    f"src/{PACKAGE}/": "rooms/",
    "docs/": "",
}
"""Where a folder of the project is found on the site; the first that fits counts."""

LINK: Final = re.compile(r"\]\(([^)#\s]+)")
CODE: Final = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)
IN_TAG: Final = re.compile(r"(<(?:a|img)\b[^>]*?\b(?:src|href)=\")([^\"#]+)")

ROOM: Final = f"""---
title: {{title}}
---
::: {PACKAGE}.{{module}}
    options: {{{{heading_level: 1}}}}
"""

THEME: Final = DEFAULT_THEME.replace(
    node_fill="var(--md-code-bg-color)",
    node_stroke="var(--md-primary-fg-color)",
    node_text_color="var(--md-typeset-color)",
    edge_stroke="var(--md-default-fg-color--light)",
    edge_label_bg="var(--md-default-bg-color)",
    text_color="var(--md-typeset-color)",
    background_color="transparent",
)

log = logging.getLogger("mkdocs.hooks.site")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Have diagrams drawn while the site is built: a reader's browser loads nothing for them."""
    fences = config.mdx_configs.setdefault("pymdownx.superfences", {})
    fences["custom_fences"] = [{"name": "mermaid", "class": "diagram", "format": draw}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the documents, what they link to and the API, and complete the navigation."""
    root = Path(config.config_file_path).parent
    documents = find(root, DOCUMENTS)
    beside = {*find(root, PICTURES), *linked_files(root, documents)}
    for path in sorted({*documents, *beside}):
        level = InclusionLevel.INCLUDED if path in documents else InclusionLevel.NOT_IN_NAV
        file = File(path, str(root), config.site_dir, config.use_directory_urls, inclusion=level)
        file.dest_uri = address(path)
        files.append(file)
    for path, text in api_pages(root / "src" / PACKAGE):
        files.append(File.generated(config, path, content=text))
    executed = sorted((root / EXECUTED).glob("*.html"))
    for page in executed:
        files.append(File.generated(config, f"notebooks/{page.name}", abs_src_path=str(page)))
    files.append(File.generated(config, NOTEBOOKS, content=notebooks_page(root, executed)))
    pages = sorted(file.src_uri for file in files.documentation_pages())
    config.nav = expand(config.nav, sorted(pages, key=lambda page: not makes_claims(root / page)))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: object) -> str:
    """Rewrite the links in raw HTML, which MkDocs leaves as they are."""
    return rewrite_tags(markdown, page.file, files)


def find(root: Path, patterns: Iterable[str]) -> list[str]:
    """Paths below a folder, with slashes, that match any of the patterns."""
    found = {path for pattern in patterns for path in root.glob(pattern) if path.is_file()}
    return sorted(path.relative_to(root).as_posix() for path in found)


def address(path: str) -> str:
    """Where a file of the project is on the site.

    Args:
        path: From the project's root, with slashes.

    Returns:
        The file to be written, from the site's root. A file that is neither document nor picture is
        shown as text.
    """
    for folder, place in ADDRESSES.items():
        if path.startswith(folder):
            path = place + path.removeprefix(folder)
            break
    stem, extension = posixpath.splitext(path)
    if extension != ".md":
        return path if extension == ".png" else f"{path}.txt"
    folder, name = posixpath.split(stem)
    return posixpath.join(folder, "index.html" if name == "README" else f"{name.lower()}.html")


def linked_files(root: Path, documents: Iterable[str]) -> Iterator[str]:
    """Files that documents link to and that are none themselves: the licence, an example."""
    known = set(documents)
    for document in sorted(known):
        for target in LINK.findall((root / document).read_text("utf-8")):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(document), target))
            if path not in known and (root / path).is_file():
                yield path


def rewrite_tags(markdown: str, source: File, files: Files) -> str:
    """Point ``src`` and ``href`` of raw tags to where their targets are on the site.

    Args:
        markdown: A document.
        source: The document's file; targets are relative to it.
        files: All of the site's. A target that is not among them is warned of, which ends a strict
            build.
    """

    def rewrite(found: re.Match[str]) -> str:
        tag, target = found.groups()
        if "://" in target:
            return found[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source.src_uri), target))
        file = files.get_file_from_path(path)
        if file is None:
            log.warning("%s: no file %s, to which a tag links", source.src_uri, path)
            return found[0]
        return tag + file.url_relative_to(source)

    parts = CODE.split(markdown)
    parts[::2] = [IN_TAG.sub(rewrite, text) for text in parts[::2]]
    return "".join(parts)


def draw(source: str, *_: object, **__: object) -> str:
    """Draw a Mermaid diagram as SVG, in the colours of the page.

    Raises:
        SuperFencesException: If it cannot be drawn; any other error would show it as text.
    """
    try:
        return f'<div class="diagram">{render_diagram(source, theme=THEME)}</div>'
    except (ParseError, ValueError) as error:
        raise SuperFencesException(f"A diagram cannot be drawn: {error}\n{source}") from error


def api_pages(package: Path) -> Iterator[tuple[str, str]]:
    """A page for each room, one for each pipeline, and one for the modules beside the rooms.

    Args:
        package: Folder of the whole package. It is read, not imported.

    Yields:
        Path of a page, and its text for mkdocstrings.
    """
    beside = [f"::: {package.name}.{path.stem}" for path in sorted(package.glob("[!_]*.py"))]
    yield f"api/{package.name}.md", "\n\n".join([f"# {package.name}", *beside])
    pipelines = package / "pipelines"
    for path in sorted([*packages_in(package), *packages_in(pipelines)]):
        if path != pipelines:
            name = path.relative_to(package).as_posix()
            yield f"api/{name}.md", ROOM.format(title=path.name, module=name.replace("/", "."))


def notebooks_page(root: Path, executed: Iterable[Path]) -> str:
    """A page that leads to the executed notebooks, or says how they are made.

    Args:
        root: Of the project.
        executed: Their pages.
    """
    done = {page.stem for page in executed}
    lines = [
        "# Notebooks",
        "",
        "What a run leaves, looked at step by step: `kedro jupyter lab`.",
        "",
    ]
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        first = json.loads(path.read_text("utf-8"))["cells"][0]["source"]
        title, _, text = "".join(first).removeprefix("# ").partition("\n")
        name = f"[{title}](notebooks/{path.stem}.html)" if path.stem in done else title
        lines.append(f"- **{name}**: {' '.join(text.split())}")
    if not done:
        lines += ["", "They are not executed here: `kedro run`, then `make notebooks docs`."]
    return "\n".join(lines)


def packages_in(folder: Path) -> list[Path]:
    """Packages directly in a folder."""
    return [initial.parent for initial in folder.glob("*/__init__.py")]


def makes_claims(page: Path) -> bool:
    """Whether a page is of a pipeline whose ``section.py``, beside it, declares claims."""
    section = page.with_name("section.py")
    if not section.is_file():
        return False
    nodes = ast.walk(ast.parse(section.read_text("utf-8")))
    return any(isinstance(node, ast.keyword) and node.arg == "claims" for node in nodes)


def expand(nav: Any, pages: list[str]) -> Any:
    """Put the pages that match in place of each entry with an asterisk.

    Args:
        nav: As in ``mkdocs.yml``: a path, a list, or a title with what it stands for.
        pages: All of the site's, in the order in which they are to come.
    """
    if isinstance(nav, dict):
        return {title: expand(entry, pages) for title, entry in nav.items()}
    if isinstance(nav, list):
        expanded = (expand(entry, pages) for entry in nav)
        return [
            page for entry in expanded for page in (entry if isinstance(entry, list) else [entry])
        ]
    return [page for page in pages if PurePosixPath(page).match(nav)] if "*" in nav else nav
