"""A headless Chromium for tests of pages: any width, light or dark, with axe-core's checks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

ROOT = Path(__file__).resolve().parents[1]
AXE = ROOT / "build" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
"""Where `.ci/run` puts axe-core; without it, and without Chromium, the tests skip."""

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    # Nothing that Chromium would fetch for itself: there may be no network.
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def missing() -> list[str]:
    """What a test in a browser needs and this machine lacks."""
    programs = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return programs if AXE.is_file() else [*programs, f"axe-core in {AXE.relative_to(ROOT)}"]


def require() -> None:
    """Skip the test where there is no browser; fail in CI, where there must be one."""
    if lacking := missing():
        told = f"no {', no '.join(lacking)}: .ci/run installs them"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(told)
        pytest.skip(told)


@contextmanager
def browser() -> Iterator[webdriver.Chrome]:
    """A browser that is closed at the end."""
    options = Options()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ARGUMENTS:
        options.add_argument(argument)
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def look(
    driver: webdriver.Chrome, page: Path | str, *, width: int = 1400, dark: bool = False
) -> None:
    """Open a file, or an address, as a screen of a width (pixels) shows it."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    driver.get(page if isinstance(page, str) else page.as_uri())


def until(driver: webdriver.Chrome, condition: str, seconds: float = 20) -> None:
    """Wait until a condition in JavaScript holds."""
    WebDriverWait(driver, seconds, 0.05).until(
        lambda _: driver.execute_script(f"return {condition}")
    )


def open_all(driver: webdriver.Chrome, wanted: str = "details") -> None:
    """Open all of a selector that opens on demand, and wait until every figure there is drawn."""
    driver.set_script_timeout(120)
    driver.execute_async_script(
        """
        const [wanted, done] = arguments;
        document.querySelectorAll(wanted).forEach(d => { d.open = true; });
        const hidden = plot => plot.closest("details:not([open])");
        (function wait() {
          const left = [...document.querySelectorAll(".plot:not([data-drawn])")];
          left.every(hidden) ? done() : setTimeout(wait, 50);
        })();
        """,
        wanted,
    )


def cut(driver: webdriver.Chrome) -> list[str]:
    """What reaches beyond the right edge of the screen, other than tables, which scroll."""
    found: list[str] = driver.execute_script(
        """
        return [...document.querySelectorAll("main *, footer *")]
          .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
          .filter(e => !e.closest(".table, .unseen, .plot svg"))
          .map(e => e.tagName + "." + e.getAttribute("class"));
        """
    )
    return found


def violations(driver: webdriver.Chrome) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA, and its best practices: rule and place."""
    driver.set_script_timeout(120)
    driver.execute_script(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = driver.execute_async_script(
        """
        const done = arguments[0];
        axe.run(document).then(r => done(r.violations));
        """
    )
    return [
        f"{rule['id']} ({rule['impact']}): {node['target']} {node['html'][:120]}"
        for rule in found
        for node in rule["nodes"]
    ]
