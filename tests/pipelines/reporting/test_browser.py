"""The report in a real browser: wide, on a phone, dark, and by the rules of accessibility."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shown(write: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    browser.require()
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(write().html, encoding="utf-8")
    with browser.browser() as driver:
        yield driver, path


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (420, True)])
def test_everybody_can_read_it(shown: tuple[Any, Path], width: int, dark: bool) -> None:
    driver, path = shown
    browser.look(driver, path, width=width, dark=dark)
    assert driver.execute_script("return innerWidth") == width
    if width == 1400:
        assert driver.execute_script("return document.documentElement.scrollHeight") <= 6 * 900
    browser.open_all(driver)
    assert browser.violations(driver) == []
    assert browser.cut(driver) == []
    assert [log for log in driver.get_log("browser") if log["level"] == "SEVERE"] == []


def test_panels_stand_one_below_the_other_on_a_phone_and_paper_is_white(
    shown: tuple[Any, Path],
) -> None:
    driver, path = shown
    browser.look(driver, path, width=420, dark=True)
    browser.open_all(driver, "#evaluation > details")
    plot = "document.getElementById('uplift-forest')"
    svg = f"{plot}.querySelector('.main-svg')"

    def seen() -> tuple[str, int, bool]:
        """Paper, width of the layout (0 where it is that of the screen), higher than wide."""
        return tuple(
            driver.execute_script(
                f"return [getComputedStyle({svg}).backgroundColor, {plot}.layout.width || 0, "
                f"{plot}.layout.height > 2000]"
            )
        )

    assert seen() == ("rgb(22, 27, 33)", 0, True)
    driver.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    assert seen() == ("rgb(255, 255, 255)", 1000, False)
    driver.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert seen() == ("rgb(22, 27, 33)", 0, True)
