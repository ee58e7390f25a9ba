"""Connections: how long one may keep silent, and how long a request may be on the wire.

Uvicorn limits neither. Its own timer begins with the first answer, and ends with the first byte
after it; and a head is gathered until it ends, before the application hears of it.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from doppelcart.serving.limits import Limits

_TOO_LONG: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)
_ON_THE_WIRE: Final = 8
"""Bytes that a byte of a body may take: as a chunk of its own it takes six, zeros before its size
aside."""


class Bounded(HttpToolsProtocol):
    """Uvicorn's protocol, closing connections on which no request comes to be read.

    A head must end within ``idle_seconds`` of the connection, or of the first byte after an answer,
    and have ``head_bytes`` at most. The guard limits bodies, but sees no trailers: of a whole
    request only so many bytes are read that the longest body fits in whatever its chunks.

    Attributes:
        limits: What the server puts up with.
    """

    limits: ClassVar[Limits]

    def connection_made(self, transport: Any) -> None:
        """Wait for a first head."""
        super().connection_made(transport)
        self._in_head, self._received = True, 0
        self._closing: asyncio.TimerHandle | None = None
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Read on, unless it is too much."""
        self._received += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._received > self._most():
            self.transport.write(_TOO_LONG)
            self.transport.close()
        elif self.cycle is None or self.cycle.response_complete:
            self._await_head()

    def on_headers_complete(self) -> None:
        """From here on the guard looks at the time."""
        self._in_head = False
        self._await_no_more()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What comes now is the next head."""
        self._in_head, self._received = True, 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave no timer behind."""
        self._await_no_more()
        super().connection_lost(exc)

    def _most(self) -> int:
        """Most bytes of a request until here."""
        body = 0 if self._in_head else _ON_THE_WIRE * self.limits.body_bytes
        return self.limits.head_bytes + body

    def _await_head(self) -> None:
        """Close the connection unless a head ends in time: what drips in gains none."""
        if self._closing is None:
            self._closing = self.loop.call_later(self.limits.idle_seconds, self.transport.close)

    def _await_no_more(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None


def bounded(most: Limits) -> type[asyncio.Protocol]:
    """The protocol with its limits.

    Args:
        most: What the server puts up with.
    """

    class Own(Bounded):
        limits = most

    return Own
