"""What the server puts up with: sizes, times and numbers, as plain ASGI middleware."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from pydantic import Field

from doppelcart.config.base import Parameters

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

OPEN_TO_ALL = ("/", "/live", "/ready")


class Limits(Parameters):
    """What the server puts up with."""

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
    """

    def __init__(self, app: App, limits: Limits, key: str = "") -> None:
        self._app = app
        self._limits = limits
        self._key = key.encode()
        self._in_flight = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Guard one request; anything else passes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._in_flight >= self._limits.in_flight:
            await _refuse(send, 503, "too many requests at once; try again in a second")
            return
        self._in_flight += 1
        try:
            await self._guarded(scope, receive, send)
        finally:
            self._in_flight -= 1

    async def _guarded(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if refusal := self._refusal(scope["path"], headers):
            await _refuse(send, *refusal)
            return
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body = await self._read(receive)
        except TimeoutError:
            await _refuse(send, 408, "the body took too long")
            return
        if body is None:
            await _refuse(send, 413, f"a body has at most {self._limits.body_bytes} bytes")
            return
        await self._app(scope, _replay(body, receive), send)

    def _refusal(self, path: str, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        """Status and reason where the headers are enough to refuse."""
        given = headers.get(b"x-api-key", b"")
        if self._key and path not in OPEN_TO_ALL and not hmac.compare_digest(given, self._key):
            return 401, "the header X-API-Key is missing or wrong"
        if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            return 415, "a body must not be compressed"
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > self._limits.body_bytes:
            return 413, f"a body has at most {self._limits.body_bytes} bytes"
        return None

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


async def _refuse(send: Send, status: int, reason: str) -> None:
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
