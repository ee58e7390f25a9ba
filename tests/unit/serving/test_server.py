"""The server answers, says what it cannot, and never breaks."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serving_model import make_completer, make_model
from starlette.testclient import TestClient

from doppelcart.serving import artefact
from doppelcart.serving.counting import Counts
from doppelcart.serving.limits import Guard, Limits, Message, Receive, Send
from doppelcart.serving.looking import items_like
from doppelcart.serving.model import Catalogue, Model
from doppelcart.serving.questions import Named
from doppelcart.serving.release import Release, write_release
from doppelcart.serving.server import make_app

Publish = Callable[..., Path]
HEAVY = {"kedro", "mlflow", "tensorflow", "keras", "pandas", "ibis", "sklearn", "implicit"}
QUICK = Limits(follow_seconds=0.02, body_bytes=4096)


@pytest.fixture
def client(model: Model, publish: Publish) -> Iterator[TestClient]:
    with TestClient(make_app(publish(model), QUICK)) as client:
        yield client


def ask(client: TestClient, **question: Any) -> dict[str, Any]:
    response = client.post("/recommend", json=question)
    assert response.status_code == 200, response.text
    return response.json()


def listed(found: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in found["items"]]


def test_a_known_customer_gets_what_was_not_bought_with_the_evidence(client: TestClient) -> None:
    found = ask(client, user_id="ann", k=2)
    assert listed(found) == ["butter", "jam"]
    assert [item["score"] for item in found["items"]] == [3, 2]
    assert [item["title"] for item in found["items"]] == ["Butter", "Jam"]
    assert found["strategy"]["slice"] == "warm"
    assert found["evidence"]["relative_low"] == 0.05
    assert (found["version"], found["known_items"], found["unknown_user"]) == ("1", 1, False)


def test_somebody_never_seen_gets_reasons_that_add_up(client: TestClient) -> None:
    items = [{"item_id": "butter", "time": "2031-05-04T10:00:00Z"}, {"item_id": "bread"}]
    found = ask(client, items=items, explain=True)
    assert (listed(found), found["strategy"]["slice"]) == (["jam", "salt"], "cold_1")
    reasons = found["items"][0]["reasons"]
    assert [(r["title"], r["share"]) for r in reasons["items"]] == [("Butter", 2), ("Rye bread", 2)]
    for item in found["items"]:
        parts = [r["share"] for r in item["reasons"]["items"]]
        whole = sum(parts) + item["reasons"]["others"] + item["reasons"]["base"]
        assert whole == pytest.approx(item["score"])
    words = [item["reasons"]["words"] for item in found["items"]]
    # butter carries a half of jam, and both are Farm's; nothing that is bought leads to salt
    assert words == [
        "Because you bought Butter (50 % of what speaks for it): both are of the brand Farm.",
        "No purchase of yours speaks for it.",
    ]


def test_what_the_generator_would_complete_is_told_if_it_is_asked_for(
    model: Model, publish: Publish
) -> None:
    with TestClient(
        make_app(publish(replace(model, completers={"gan": make_completer()})))
    ) as client:
        assert ask(client, user_id="bob")["completion"] is None
        # bob has bread and butter; of the others jam has odds of 1 to 1, and salt of 1 to 4
        told = ask(client, user_id="bob", complete=True)
        assert [(one["title"], one["probability"]) for one in told["completion"]] == [
            ("Jam", pytest.approx(0.5)),
            ("Salt", pytest.approx(0.2)),
        ]
        asked = {"items": [], "complete": True, "filters": {"exclude_items": ["bread", "jam"]}}
        titles = [one["title"] for one in ask(client, **asked)["completion"]]
        assert titles == ["Butter", "Salt"]
        assert told["items"] == ask(client, user_id="bob")["items"]


def test_a_model_without_a_generator_completes_nothing(client: TestClient) -> None:
    assert ask(client, user_id="bob", complete=True)["completion"] is None


def test_unknown_items_are_ignored_and_named(client: TestClient) -> None:
    evil = ["<script>alert(1)</script>", "'; DROP TABLE items; --", "a\0b", "\N{SNOWMAN}"]
    found = ask(client, items=[{"item_id": name} for name in [*evil, "jam", "jam"]])
    assert (found["unknown_items"], found["known_items"]) == (evil, 1)
    assert listed(found)[0] == "salt"


@pytest.mark.parametrize(
    "question",
    [{"user_id": "nobody"}, {"user_id": "bob\0"}, {"items": []}, {"profile": {"age": "35-44"}}],
)
def test_of_whom_nothing_is_known_gets_what_is_popular(
    client: TestClient, question: dict[str, Any]
) -> None:
    found = ask(client, **question, explain=True)
    assert listed(found) == ["bread", "butter", "jam", "salt"]
    assert found["strategy"]["slice"] == "cold_0"
    assert found["unknown_user"] == ("user_id" in question)
    assert found["unused"] == list(question.get("profile", ()))
    words = "It is among what sells most: no purchase of yours bears on it."
    assert found["items"][0]["reasons"] == {
        "items": [], "others": 0, "base": 4, "relation": None, "words": words, "without": None,
    }  # fmt: skip
    # salt sells least
    assert found["items"][3]["reasons"]["words"] == "No purchase of yours speaks for it."


def test_a_known_customer_without_any_item_is_new_and_not_unknown(client: TestClient) -> None:
    found = ask(client, user_id="eve")
    assert (found["strategy"]["slice"], found["unknown_user"]) == ("cold_0", False)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"only": {"department": ["grocery"]}}, ["jam", "salt"]),
        ({"without": {"department": ["grocery"]}}, ["bread", "butter"]),
        ({"only": {"brand": ["Farm"], "department": ["dairy", "bakery"]}}, ["butter"]),
        ({"without": {"brand": ["Farm"]}, "exclude_items": ["bread"]}, ["salt"]),
        ({"exclude_items": ["bread", "butter", "jam", "salt"]}, []),
    ],
)
def test_filters_say_what_may_be_listed(
    client: TestClient, filters: dict[str, Any], expected: list[str]
) -> None:
    assert listed(ask(client, items=[], filters=filters)) == expected


def test_an_excluded_item_that_is_not_there_is_named(client: TestClient) -> None:
    found = ask(client, items=[], filters={"exclude_items": ["plum"]})
    assert found["unknown_items"] == ["plum"]


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({"user_id": "ann", "filters": {"colour": ["red"]}}, '"filters.?"'),
        (
            {"user_id": "ann", "filters": {"only": {"colour": ["red"], "brand": ["Farm"]}}},
            "only: items have no such attribute (1 of 2 names); there are: department, brand",
        ),
        (
            {"user_id": "ann", "filters": {"without": {"brand": ["Farm", "Zoo", "Ark"]}}},
            "filters.without.brand.1: no item has that value (2 of 3 values)",
        ),
        ({"user_id": "ann", "k": 0}, "greater than or equal to 1"),
        ({"user_id": "ann", "k": -5}, "greater than or equal to 1"),
        ({"user_id": "ann", "k": 10**9}, "less than or equal to 1000"),
        ({"user_id": "ann", "k": 2**63}, "less than or equal to 1000"),
        ({"user_id": "ann", "k": "5"}, "valid integer"),
        ({"user_id": "ann", "k": True}, "valid integer"),
        ({"user_id": 1}, "valid string"),
        ({"user_id": ""}, "at least 1 character"),
        ({"user_id": "x" * 201}, "at most 200 characters"),
        ({"user_id": "ann", "items": []}, "not both"),
        ({}, "give user_id, items or profile"),
        ({"user_id": "ann", "limit": 5}, '"where": "?"'),
        ({"items": ["jam"]}, "valid dictionary"),
        ({"items": [{"item_id": "jam", "time": "yesterday"}]}, "items.0.time"),
        ({"items": [{"item_id": "jam", "time": "2031-05-04T10:00:00"}]}, "timezone"),
        ({"items": [{"item_id": "jam", "time": 1935655200}]}, "as text"),
        ({"items": [{"item_id": "jam", "time": "1935655200"}]}, "as text"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_said(
    client: TestClient, question: dict[str, Any], told: str
) -> None:
    response = client.post("/recommend", json=question)
    assert response.status_code == 422
    assert told in json.dumps(response.json(), ensure_ascii=False)


LONG = "secret " * 60


@pytest.mark.parametrize(
    "question",
    [
        {"user_id": "ann", LONG: 1},
        {"user_id": LONG},
        {"user_id": "ann", "filters": {LONG: ["a"]}},
        {"user_id": "ann", "filters": {"only": {LONG: ["a"]}}},
        {"user_id": "ann", "filters": {"only": {"secret": ["a"]}}},
        {"user_id": "ann", "filters": {"only": {"secret": []}}},
        {"user_id": "ann", "filters": {"without": {"brand": [LONG]}}},
        {"user_id": "ann", "filters": {"without": {"brand": ["secret"]}}},
        {"items": [{"item_id": "jam", "secret": 1}]},
        {"items": [{"item_id": "jam", "time": "secret"}]},
        {"profile": {LONG: "a"}},
        {"profile": {"secret": []}},
    ],
    ids=range(12),
)
def test_what_was_sent_is_not_repeated(client: TestClient, question: dict[str, Any]) -> None:
    response = client.post("/recommend", json=question)
    assert response.status_code == 422
    assert "secret" not in response.text
    assert len(response.content) < 400


@pytest.mark.parametrize("path", ["/items", "/customers", "/history"])
def test_what_was_typed_is_not_repeated(client: TestClient, path: str) -> None:
    response = client.get(path, params={"text": LONG, "user_id": LONG})
    assert response.status_code == 422
    assert "secret" not in response.text
    [fault] = response.json()["detail"]
    assert fault["msg"] == "String should have at most 200 characters"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[1,]", b"\xff", b'{"user_id": NaN}', b'{"k": 1e999}', b'{"k": -Infinity}',
        b'{"user_id": "a", "user_id": "b"}', b'{"user_id": "\\ud800"}', b"\x00",
        b'{"k":' * 400 + b"1" + b"}" * 400 + b"]", b"[" * 4000,
    ],
    ids=range(12),
)  # fmt: skip
def test_a_body_that_does_not_mean_one_thing_is_refused(client: TestClient, body: bytes) -> None:
    response = client.post("/recommend", content=body)
    assert response.status_code == 400
    assert response.json()["detail"].startswith("the body ")


@pytest.mark.parametrize("body", [b"[" * 1000 + b"]" * 1000, b"null", b"[]", b'"x"', b"9" * 4096])
def test_json_that_is_no_question_is_refused(client: TestClient, body: bytes) -> None:
    assert client.post("/recommend", content=body).status_code in (400, 422)


def test_ten_thousand_items_are_refused_without_repeating_them(
    model: Model, publish: Publish
) -> None:
    with TestClient(make_app(publish(model))) as client:
        items = [{"item_id": "jam"}] * 10_000
        response = client.post("/recommend", json={"items": items})
        assert response.status_code == 422
        assert len(response.content) < 300


def test_bodies_that_are_long_or_packed_are_refused(client: TestClient) -> None:
    whole = client.post("/recommend", content=b" " * 15_000_000)
    pieces = client.post("/recommend", content=iter([b" " * 1000] * 5))
    assert (whole.status_code, pieces.status_code) == (413, 413)
    packed = client.post("/recommend", content=b"x", headers={"content-encoding": "gzip"})
    assert packed.status_code == 415


def test_a_head_that_is_long_is_refused(client: TestClient) -> None:
    headers = {"x-long": "a" * 40_000}
    assert client.get("/live", headers=headers).status_code == 200
    assert client.get("/live", headers=headers | {"x-longer": "a" * 30_000}).status_code == 431
    # An address is part of it, and the open paths are bound by it.
    assert client.get("/", params={"text": "a" * 30_000}, headers=headers).status_code == 431


def test_a_full_server_says_that_it_lives_and_counts_whom_it_refuses() -> None:
    counts, full = Counts(), asyncio.Event()

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] == "/recommend":
            await full.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    guard = Guard(app, Limits(in_flight=2), counts=counts)

    async def asked(path: str) -> int:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        await guard({"type": "http", "path": path, "headers": []}, receive, send)
        return sent[0]["status"]

    async def found() -> list[int]:
        waiting = [asyncio.create_task(asked("/recommend")) for _ in range(2)]
        await asyncio.sleep(0)
        others = [await asked(path) for path in ("/recommend", "/items", "/live", "/ready", "/")]
        full.set()
        return [*await asyncio.gather(*waiting), *others]

    assert asyncio.run(found()) == [200, 200, 503, 503, 200, 200, 200]
    assert counts.by_status == {503: 2}


def test_a_key_is_asked_for_where_one_is_set(model: Model, publish: Publish) -> None:
    with TestClient(make_app(publish(model), QUICK, "hush")) as client:
        question = {"user_id": "ann"}
        assert client.post("/recommend", json=question).status_code == 401
        for wrong in ("", "hus", "hush2"):
            refused = client.post("/recommend", json=question, headers={"x-api-key": wrong})
            assert refused.status_code == 401
        served = client.post("/recommend", json=question, headers={"x-api-key": "hush"})
        assert served.status_code == 200
        assert client.get("/metrics").status_code == 401
        counted = client.get("/metrics", headers={"x-api-key": "hush"}).text
        assert 'doppelcart_requests_total{status="401"} 5\n' in counted
        assert 'doppelcart_requests_total{status="200"} 1\n' in counted
        # What nobody looked at took no time that tells of answers.
        assert "doppelcart_request_seconds_count 1\n" in counted
        assert client.get("/live").status_code == client.get("/ready").status_code == 200


def test_without_a_model_it_lives_and_is_not_ready(tmp_path: Path) -> None:
    with TestClient(make_app(tmp_path / "release.json", QUICK)) as client:
        assert client.get("/live").status_code == 200
        assert client.get("/ready").status_code == 503
        assert "does not exist" in client.get("/ready").json()["fault"]
        assert client.post("/recommend", json={"user_id": "ann"}).status_code == 503


def waited(client: TestClient, what: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    for _ in range(300):
        state = client.get("/ready").json()
        if what(state):
            return state
    pytest.fail(f"still {state}")


def test_a_new_release_takes_over_and_no_request_fails(model: Model, publish: Publish) -> None:
    with TestClient(make_app(publish(model), QUICK)) as client:
        assert listed(ask(client, user_id="ann", k=1)) == ["butter"]
        turned = make_model(np.fliplr(np.flipud(np.eye(4, k=2, dtype=np.float32))) * 9)
        publish(turned, "2")
        versions = [ask(client, user_id="ann")["version"] for _ in range(200)]
        assert sorted(versions) == versions
        waited(client, lambda state: state["version"] == "2")
        assert ask(client, user_id="ann")["version"] == "2"


def test_a_broken_release_leaves_the_old_one_serving(model: Model, publish: Publish) -> None:
    path = publish(model)
    with TestClient(make_app(path, QUICK)) as client:
        publish(make_model(2 * np.eye(4, dtype=np.float32)), "2")
        waited(client, lambda state: state["version"] == "2")
        weights = path.parent / "4"
        digest = artefact.write(make_model(3 * np.eye(4, dtype=np.float32)), weights)
        since = datetime(2031, 1, 1, tzinfo=UTC)
        # before its folder is there, so that the server cannot be quicker than the fault
        write_release(path, Release(version="3", path="3", digest=digest, since=since))
        state = waited(client, lambda state: state["stale_since"] is not None)
        assert state["status"] == "ready"
        found = ask(client, user_id="ann")
        assert (found["version"], found["stale_since"]) == ("2", state["stale_since"])
        assert "doppelcart_model_stale 1" in client.get("/metrics").text
        weights.rename(path.parent / "3")
        assert waited(client, lambda state: state["version"] == "3")["stale_since"] is None


def test_what_was_asked_is_counted(client: TestClient) -> None:
    ask(client, user_id="ann")
    client.post("/recommend", content=b"{")
    text = client.get("/metrics").text
    assert 'doppelcart_requests_total{status="200"} 1\n' in text
    assert 'doppelcart_requests_total{status="400"} 1\n' in text
    assert 'doppelcart_answers_total{slice="warm"} 1\n' in text
    assert "doppelcart_request_seconds_count 2\n" in text
    assert 'doppelcart_model_info{version="1"} 1\n' in text


def test_the_interface_is_described_with_an_example_of_each_kind(client: TestClient) -> None:
    described = client.get("/openapi.json").json()["paths"]["/recommend"]["post"]
    content = described["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/Question"}
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert {"Filters", "Purchase"} <= set(schemas)
    assert set(schemas["Question"]["properties"]) >= {"user_id", "items", "profile", "k", "filters"}
    assert len(content["examples"]) == 3
    for example in content["examples"].values():
        ask(client, **example["value"])


def test_the_whole_catalogue_is_searched_beside_the_loop(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def searched(catalogue: Catalogue, text: str) -> list[Named]:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return items_like(catalogue, text)

    monkeypatch.setattr("doppelcart.serving.server.items_like", searched)
    [found] = client.get("/items", params={"text": "jam"}).json()
    assert found == {"id": "jam", "title": "Jam"}


def test_nothing_heavy_is_imported_to_serve() -> None:
    code = (
        "import sys, doppelcart.__main__, doppelcart.serving.commands, doppelcart.serving.server\n"
        f"print(sorted({HEAVY} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
