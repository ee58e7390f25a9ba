"""The shop window: what it offers to choose from, and that a browser can use it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import browser
import pytest
import uvicorn
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from serving_model import facts, make_completer
from starlette.testclient import TestClient

from doppelcart.serving.limits import Limits
from doppelcart.serving.looking import customers_like, history_of, items_like
from doppelcart.serving.model import Evidence, Model
from doppelcart.serving.server import make_app
from doppelcart.serving.window import page

Publish = Callable[..., Path]


def named(found: list) -> list[tuple[str, str]]:
    return [(entry.id, entry.title) for entry in found]


def test_items_are_found_by_title_and_identifier_whatever_the_case(model: Model) -> None:
    assert named(items_like(model.catalogue, "BREAD")) == [("bread", "Rye bread")]
    assert [name for name, _ in named(items_like(model.catalogue, "b"))] == ["bread", "butter"]
    assert len(items_like(model.catalogue, "")) == 4
    assert items_like(model.catalogue, "caviar") == []


def test_an_item_of_that_very_name_comes_first(model: Model) -> None:
    assert [name for name, _ in named(items_like(model.catalogue, "salt"))] == ["salt"]


def test_customers_are_found_by_how_they_begin(model: Model) -> None:
    assert named(customers_like(model.customers, "b")) == [("bob", "2 items known")]
    assert [name for name, _ in named(customers_like(model.customers, ""))] == ["ann", "bob", "eve"]
    assert customers_like(model.customers, "zoe") == []
    assert customers_like(model.customers, "bobby the very long name") == []


def test_of_a_customer_who_is_not_known_nothing_is(model: Model) -> None:
    assert named(history_of(model, "bob")) == [("bread", "Rye bread"), ("butter", "Butter")]
    assert history_of(model, "zoe") == []


def test_the_page_runs_its_own_script_alone() -> None:
    html, policy = page()
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in html
    assert "/*script*/" not in html
    assert "innerHTML" not in html


@pytest.mark.parametrize("path", ["/items", "/customers", "/history"])
def test_what_there_is_to_choose_from_needs_the_key_and_the_page_does_not(
    model: Model, publish: Publish, path: str
) -> None:
    with TestClient(make_app(publish(model), key="secret")) as client:
        assert client.get("/").status_code == 200
        assert client.get(path).status_code == 401
        assert client.get(path, headers={"X-API-Key": "secret"}).status_code == 200
        too_long = client.get(path, params={"text": "x" * 201, "user_id": "x" * 201})
        assert too_long.status_code == 401


def test_before_there_is_a_model_nothing_can_be_chosen(tmp_path: Path) -> None:
    with TestClient(make_app(tmp_path / "release.json")) as client:
        assert client.get("/").status_code == 200
        assert client.get("/customers").status_code == 503
        assert client.get("/customers", params={"text": "x" * 201}).status_code == 422


@contextmanager
def served(release: Path) -> Iterator[str]:
    """Where a server answers, in a thread of this process."""
    browser.require()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = make_app(release, Limits())
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def address(model: Model, publish: Publish) -> Iterator[str]:
    """Of a server whose model shows what a generator would complete."""
    with served(publish(replace(model, completers={"gan": make_completer()}))) as found:
        yield found


def ask_with(driver: WebDriver, item: str, n_items: int) -> None:
    """Put an item into the basket, which then holds so many, and ask."""
    driver.execute_script(
        """
        const item = document.getElementById("item");
        item.value = arguments[0];
        item.dispatchEvent(new Event("input"));
        """,
        item,
    )
    browser.until(driver, f"document.querySelectorAll('#basket li').length === {n_items}")
    driver.execute_script("document.getElementById('ask').requestSubmit()")


@pytest.mark.slow
def test_a_customer_and_a_basket_in_a_browser(address: str) -> None:
    with browser.browser() as driver:
        browser.look(driver, address, width=420)
        browser.until(driver, "document.querySelectorAll('#list > li').length === 3")
        text = "return document.body.innerText"
        shown = driver.execute_script(text)
        assert "EASE, for warm" in shown
        assert "+10.0 % over the most popular items" in shown
        assert "Because you bought Rye bread (100 % of what speaks for it)." in shown
        assert "not listed without" not in shown
        driver.execute_script("document.querySelector('input[value=basket]').click()")
        ask_with(driver, "butter", n_items=1)
        browser.until(driver, "document.getElementById('known').innerText.trim() === 'Butter'")
        shown = driver.execute_script(text)
        assert "ITEMKNN, for cold_1" in shown
        assert "What the generator would complete" in shown
        assert "Rye bread, 80 %" in shown
        driver.execute_script(
            "document.querySelectorAll('details').forEach(d => { d.open = true; })"
        )
        assert browser.cut(driver) == []
        assert browser.violations(driver) == []
        driver.execute_script("document.getElementById('k').value = 1")
        ask_with(driver, "jam", n_items=2)
        browser.until(driver, "document.querySelectorAll('#list > li').length === 1")
        assert "not listed without" not in driver.execute_script(text)
        driver.execute_script("document.querySelector('#list details').open = true")
        # Jam leads to salt; without it bread, to which butter leads, is first.
        browser.until(driver, "document.body.innerText.includes('not listed without Jam')")
        assert [log for log in driver.get_log("browser") if log["level"] == "SEVERE"] == []


@pytest.mark.slow
def test_an_identifier_is_typed_to_its_end(model: Model, publish: Publish) -> None:
    """Item 1 and item 10 are not taken on the way to item 100."""
    numbers = replace(model.catalogue, ids=["1", "10", "100", "2"])
    with (
        served(publish(replace(model, catalogue=numbers))) as address,
        browser.browser() as driver,
    ):
        driver.get(address)
        driver.find_element(By.CSS_SELECTOR, "input[value=basket]").click()
        box = driver.find_element(By.ID, "item")
        options = "[...document.querySelectorAll('#items option')].map(one => one.value).join()"
        for typed, offered in [("1", "1,10,100"), ("0", "10,100"), ("0", "100")]:
            box.send_keys(typed)
            browser.until(driver, f"{options} === '{offered}'")
        basket = "document.getElementById('basket').innerText.trim()"
        assert driver.execute_script(f"return {basket}") == ""
        box.send_keys(Keys.ENTER)
        # What Enter takes is in the basket that it asks for, and the box is free for the next.
        browser.until(driver, "document.getElementById('known').innerText.trim() === 'Jam'")
        assert driver.execute_script(f"return {basket}") == "Jam \u00d7"
        box.send_keys("1", Keys.TAB)
        browser.until(driver, f"{basket}.includes('Rye bread')")
        assert box.get_attribute("value") == ""


@pytest.mark.slow
def test_an_interval_that_there_is_not_is_no_interval_of_nothing(
    model: Model, publish: Publish
) -> None:
    evidence = Evidence(
        metric="ndcg@20", value=0.05, against="the most popular items", relative=1.6, n_customers=40
    )
    warm = replace(model.strategies["warm"], facts=facts("warm", "ease", evidence=evidence))
    told = replace(model, strategies={**model.strategies, "warm": warm})
    with served(publish(told)) as address, browser.browser() as driver:
        driver.get(address)
        browser.until(driver, "document.querySelectorAll('#list > li').length === 3")
        assert driver.find_element(By.ID, "evidence").text == (
            "NDCG@20 0.050, +160.0 % over the most popular items (95 % interval undefined), "
            "on 40 held-out customers."
        )
