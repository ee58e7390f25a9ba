"""The server: questions over HTTP, answered by the model that is released."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Final

import uvicorn
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from pydantic import ValidationError
from threadpoolctl import threadpool_limits

from doppelcart.errors import RequestError
from doppelcart.serving.answers import answer
from doppelcart.serving.connections import bounded
from doppelcart.serving.counting import Counts
from doppelcart.serving.following import Follower, State
from doppelcart.serving.limits import Guard, Limits
from doppelcart.serving.looking import customers_like, history_of, items_like
from doppelcart.serving.model import Model
from doppelcart.serving.questions import (
    EXAMPLES,
    Answer,
    Filters,
    Named,
    Purchase,
    Question,
    UnreadableError,
    read_json,
)
from doppelcart.serving.window import page

_JSON: Final = "application/json"
_SCHEMAS: Final = "#/components/schemas/"
_QUESTION: Final = Question.model_json_schema(ref_template=_SCHEMAS + "{model}")
_ASKED: Final = {
    "requestBody": {
        "required": True,
        "content": {
            _JSON: {"schema": {"$ref": f"{_SCHEMAS}{Question.__name__}"}, "examples": EXAMPLES}
        },
    }
}
_PLACES: Final = frozenset(
    {*Question.model_fields, *Purchase.model_fields, *Filters.model_fields}
    | {"[key]", "str", "int", "float", "bool"}
)
"""What the place of a fault may be made of: names of ours, and kinds of values."""
_Typed = Annotated[str, Query(max_length=200)]
_NO_MODEL: Final[dict[int | str, dict[str, Any]]] = {503: {"description": "No model serves yet."}}
_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": Answer},
    400: {"description": "The body is no JSON that means one thing."},
    401: {"description": "The key is missing or wrong."},
    408: {"description": "The body took too long."},
    413: {"description": "The body is too long."},
    415: {"description": "The body is compressed."},
    422: {"description": "The question asks for what there is not; `detail` says what."},
    431: {"description": "The request line and its headers are too long."},
    503: {"description": "No model serves yet, or there are too many requests."},
}


def make_app(path: Path, limits: Limits | None = None, key: str = "") -> Any:
    """The application, its first model loaded if there is one.

    Args:
        path: Of the release file.
        limits: What it puts up with.
        key: What a client must give as ``X-API-Key``; empty lets everybody in.

    Returns:
        An ASGI application.
    """
    limits = limits or Limits()
    follower = Follower(path)
    follower.look()

    @contextlib.asynccontextmanager
    async def following(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(follower.follow(limits.follow_seconds))
        yield
        task.cancel()

    app = FastAPI(
        title="Doppelcart",
        description="Recommendations, with what made them and what that is worth.",
        lifespan=following,
        docs_url=None,
        redoc_url=None,
    )
    app.add_exception_handler(RequestValidationError, _say_where)
    _describe_questions(app)
    counts = Counts()
    _add_routes(app, follower, counts)
    _add_window(app, follower)
    return Guard(app, limits, key, counts)


def _describe_questions(app: FastAPI) -> None:
    """Put the form of a question among the schemas: FastAPI knows those alone that it reads."""
    parts = dict(_QUESTION)
    question = {**parts.pop("$defs"), Question.__name__: parts}
    described = app.openapi

    def with_questions() -> dict[str, Any]:
        schema = described()
        schema["components"]["schemas"] |= question
        return schema

    app.openapi = with_questions  # type: ignore[method-assign]


def _add_routes(app: FastAPI, follower: Follower, counts: Counts) -> None:
    @app.post("/recommend", openapi_extra=_ASKED, responses=_REFUSALS)
    async def recommend(request: Request) -> Response:
        """The best items for a known customer, for a history, or for a profile."""
        began = time.perf_counter()
        status, content, name = _respond(follower.state, await request.body())
        counts.add(status, time.perf_counter() - began, name)
        return Response(content, status, media_type=_JSON)

    @app.get("/live")
    async def live() -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "live"}

    @app.get("/ready", responses={503: {"description": "No model serves yet."}})
    async def ready() -> JSONResponse:
        """Whether a model serves, which, and since when a newer one could not be loaded."""
        state = follower.state
        serving = state.serving
        found = {
            "status": "ready" if serving else "no model",
            "version": serving.release.version if serving else None,
            "since": serving.release.since.isoformat() if serving else None,
            "stale_since": state.stale_since if serving else None,
            "fault": state.fault or None,
        }
        return JSONResponse(found, 200 if serving else 503)

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> str:
        """What the server counts, as Prometheus reads it."""
        state = follower.state
        version = state.serving.release.version if state.serving else ""
        return counts.text(version, state.stale_since is not None)


def _add_window(app: FastAPI, follower: Follower) -> None:
    """The shop window, and what it needs to offer customers and items."""

    def model() -> Model:
        serving = follower.state.serving
        if serving is None:
            raise HTTPException(503, "no model serves yet")
        return serving.model

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def window() -> HTMLResponse:
        html, policy = page()
        return HTMLResponse(html, headers={"Content-Security-Policy": policy})

    @app.get("/items", responses=_NO_MODEL)
    def items(text: _Typed = "") -> list[Named]:
        """Items whose identifier or title holds a text."""
        # No coroutine, so that it has a thread of its own: all items are looked at.
        return items_like(model().catalogue, text)

    @app.get("/customers", responses=_NO_MODEL)
    async def customers(text: _Typed = "") -> list[Named]:
        """Known customers whose identifier begins with a text."""
        return customers_like(model().customers, text)

    @app.get("/history", responses=_NO_MODEL)
    async def history(user_id: _Typed = "") -> list[Named]:
        """What a known customer bought; nothing of one who is not known."""
        return history_of(model(), user_id)


def _respond(state: State, body: bytes) -> tuple[int, bytes, str]:
    """Status, body and slice of the answer to a body."""
    serving = state.serving
    if serving is None:
        return 503, _detail("no model serves yet"), ""
    try:
        question = Question.model_validate(read_json(body))
        found = answer(serving.model, question, serving.release.version)
    except UnreadableError as error:
        return 400, _detail(str(error)), ""
    except ValidationError as error:
        return 422, _detail(_faults(error)), ""
    except RequestError as error:
        return 422, _detail(str(error)), ""
    if state.stale_since:
        found.stale_since = state.stale_since
    return 200, found.model_dump_json().encode(), found.strategy.slice


def _detail(detail: Any) -> bytes:
    return json.dumps({"detail": detail}).encode()


def _faults(error: ValidationError) -> list[dict[str, str]]:
    """Where a question is wrong and how, without what was asked: it may be long or personal."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    return [{"where": _place(fault["loc"]), "what": fault["msg"]} for fault in faults[:20]]


def _place(parts: tuple[int | str, ...]) -> str:
    """Where a fault is; a question mark stands for a name that the client made up."""
    told = (str(part) if isinstance(part, int) or part in _PLACES else "?" for part in parts)
    return ".".join(told)


async def _say_where(_: Request, error: Exception) -> JSONResponse:
    """The place of what is wrong in an address; FastAPI's own answer repeats what was sent."""
    assert isinstance(error, RequestValidationError)
    keys = ("type", "loc", "msg")
    return JSONResponse(
        {"detail": [{key: fault[key] for key in keys} for fault in error.errors()]}, 422
    )


def run(path: Path, host: str, port: int, limits: Limits, key: str) -> None:
    """Serve until the process is told to stop; what is in flight is answered first.

    Args:
        path: Of the release file.
        host: Address to listen at.
        port: Port to listen at.
        limits: What the server puts up with.
        key: As of ``make_app``.
    """
    # Several threads gain nothing on one history, and take a core from the neighbours.
    with threadpool_limits(1, "blas"):
        uvicorn.run(
            make_app(path, limits, key),
            host=host,
            port=port,
            http=bounded(limits),
            access_log=False,
            log_level="warning",
            timeout_keep_alive=int(max(limits.idle_seconds, 1)),
            timeout_graceful_shutdown=limits.stop_seconds,
            server_header=False,
        )
