"""What the server puts up with: sizes, times and numbers, as plain ASGI middleware."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from pydantic import Field

from doppelcart.config.base import Parameters
from doppelcart.serving.counting import Counts

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

OPEN_TO_ALL = ("/", "/live", "/ready")


class Limits(Parameters):
    """What the server puts up with."""

    head_bytes: int = Field(
        default=65_536, ge=1024, description="Longest request line with its headers, in bytes."
    )
    body_bytes: int = Field(default=262_144, ge=1024, description="Longest body, in bytes.")
    body_seconds: float = Field(default=5.0, gt=0, description="Longest time a body may take.")
    in_flight: int = Field(
        default=128, ge=1, description="Requests at once; the next is told to come again."
    )
    idle_seconds: float = Field(
        default=10.0, gt=0, description="Time after which a connection without a request is closed."
    )
    stop_seconds: int = Field(
        default=10, ge=1, description="Time that requests in flight have once the server stops."
    )
    follow_seconds: float = Field(
        default=1.0, gt=0, description="Time between two looks at the release file."
    )


class Guard:
    """Reads the whole body before the application is called, or refuses the request.

    Starlette and uvicorn limit neither the length of a body nor the time that it may take.

    Args:
        app: The application.
        limits: Sizes, times and numbers.
        key: What a client must give as ``X-API-Key``; empty lets everybody in.
        counts: Where what is refused is counted; None counts for nobody.
    """

    def __init__(
        self, app: App, limits: Limits, key: str = "", counts: Counts | None = None
    ) -> None:
        self._app = app
        self._limits = limits
        self._key = key.encode()
        self._counts = counts or Counts()
        self._in_flight = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Guard one request; anything else passes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if refusal := self._refusal(scope):
            await self._refuse(send, *refusal)
            return
        if scope["path"] in OPEN_TO_ALL:
            # Whether the process lives is asked when it is full, too; no body is read for that.
            await self._app(scope, receive, send)
            return
        if self._in_flight >= self._limits.in_flight:
            await self._refuse(send, 503, "too many requests at once; try again in a second")
            return
        self._in_flight += 1
        try:
            await self._guarded(scope, receive, send)
        finally:
            self._in_flight -= 1

    async def _guarded(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body = await self._read(receive)
        except TimeoutError:
            await self._refuse(send, 408, "the body took too long")
            return
        if body is None:
            await self._refuse(send, 413, f"a body has at most {self._limits.body_bytes} bytes")
            return
        await self._app(scope, _replay(body, receive), send)

    def _refusal(self, scope: Message) -> tuple[int, str] | None:
        """Status and reason where the head is enough to refuse."""
        if _head_bytes(scope) > self._limits.head_bytes:
            return (
                431,
                f"a request line and its headers have at most {self._limits.head_bytes} bytes",
            )
        headers = dict(scope["headers"])
        given = headers.get(b"x-api-key", b"")
        is_open = scope["path"] in OPEN_TO_ALL
        if self._key and not is_open and not hmac.compare_digest(given, self._key):
            return 401, "the header X-API-Key is missing or wrong"
        if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            return 415, "a body must not be compressed"
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > self._limits.body_bytes:
            return 413, f"a body has at most {self._limits.body_bytes} bytes"
        return None

    async def _refuse(self, send: Send, status: int, reason: str) -> None:
        self._counts.refuse(status)
        await _answer(send, status, reason)

    async def _read(self, receive: Receive) -> bytes | None:
        """The whole body; None where it is too long."""
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._limits.body_bytes:
                return None
            if not message.get("more_body", False):
                return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A body that was read already, once, and then what the client does."""
    waiting = [body]

    async def replayed() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replayed


def _head_bytes(scope: Message) -> int:
    """Bytes of the address and of the headers."""
    address = len(scope.get("raw_path", b"")) + len(scope.get("query_string", b""))
    return address + sum(len(name) + len(value) for name, value in scope["headers"])


async def _answer(send: Send, status: int, reason: str) -> None:
    """Answer, and have the connection closed, since what is left of the body is not read."""
    text = f'{{"detail":"{reason}"}}'.encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    if status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
