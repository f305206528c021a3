"""What a connection and a request may take at most: uvicorn waits for ever for a slow client, and reads without end.

`BoundedProtocol` cuts who sends a request's head too slowly or too long, and who does not fetch an answer. `Bounds`
turns away what is more than this process can do at a time, and ends a request that takes too long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.ops.health import Metrics
from bot.web.refusals import EMERGENCY, as_json

#: Seconds for the head of a request, from the connection or from its first byte; and to fetch what was answered.
HEAD_WITHIN, FETCHED_WITHIN = 10.0, 20.0
#: Bytes that a request's head may have, and connections that one process holds.
MOST_HEAD, MOST_CONNECTIONS = 32 * 1024, 1000
#: Requests that one process works on at a time, and seconds that one may take. A turn has its own, shorter limit.
MOST_AT_A_TIME, REQUEST_WITHIN = 300, 120.0
#: The operator has to see in also when nobody else can.
_ALWAYS = ("/health/", "/metrics")


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's, with limits that it lacks."""

    head_within, fetched_within = HEAD_WITHIN, FETCHED_WITHIN
    most_connections = MOST_CONNECTIONS

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._heading: asyncio.TimerHandle | None = None
        self._fetching: asyncio.TimerHandle | None = None
        self._head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            transport.abort()
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop("_heading")
        self._stop("_fetching")
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._heading is not None:  # the head has not ended with this
            self._head += len(data)
            if self._head > MOST_HEAD and not self.transport.is_closing():
                self._stop("_heading")
                self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        self._stop("_heading")
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        unread = self.cycle is not None and self.cycle.more_body
        super().on_response_complete()
        if unread and not self.transport.is_closing():  # else a body could go on arriving for ever
            self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stop("_fetching")
        self._fetching = self.loop.call_later(self.fetched_within, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop("_fetching")
        super().resume_writing()

    def _expect_head(self) -> None:
        self._stop("_heading")
        self._head = 0
        self._heading = self.loop.call_later(self.head_within, self.transport.abort)

    def _stop(self, name: str) -> None:
        timer = getattr(self, name)
        if timer is not None:
            timer.cancel()
            setattr(self, name, None)


class Bounds:
    """503 with Retry-After for what is too much or takes too long."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, most: int = MOST_AT_A_TIME, seconds: float = REQUEST_WITHIN
    ) -> None:
        self.app, self._metrics, self._most, self._seconds = app, metrics, most, seconds
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_ALWAYS):
            return await self.app(scope, receive, send)
        if self._inside >= self._most:
            self._metrics.limited("process")
            return await _busy(2)(scope, receive, send)
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        self._inside += 1
        try:
            async with asyncio.timeout(self._seconds) as limit:
                await self.app(scope, receive, watched)
        except TimeoutError:
            if not limit.expired() or started:
                raise
            await _busy(10)(scope, receive, send)
        finally:
            self._inside -= 1


def _busy(seconds: int) -> Callable[[Scope, Receive, Send], Any]:
    sentence = f"Too much is going on at the moment. Please try again in {seconds} seconds. {EMERGENCY}"
    return as_json(503, "busy", sentence, {"Retry-After": str(seconds)})
