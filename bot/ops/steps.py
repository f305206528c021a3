"""What happens to a message on its way, for figures, logs and traces: never a word of it, and nearly free when off.

A channel says `within(...)` once for a message; whatever runs inside may say `stage("screen")` around a part, and
`note("answered", ...)` when something is done. All of them know the request by the same id. Outside of `within` (at the
terminal, in tests of a part) both do nothing.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Protocol

_log = logging.getLogger("bot.steps")

#: An id from a proxy in front: letters that cannot be anything else in a log.
_ID = re.compile(r"[A-Za-z0-9-]{8,64}")

#: Begins a span of a trace with a name; None: no traces (bot.ops.traces).
tracer: Callable[[str], AbstractContextManager[Any]] | None = None


class Figures(Protocol):
    """What is told how long a part took."""

    def stage(self, name: str, seconds: float) -> None:
        """A part of a message took so long."""


class Way:
    """One message on its way."""

    __slots__ = ("figures", "request", "started")

    def __init__(self, request: str, figures: Figures | None) -> None:
        self.request, self.figures = request, figures
        self.started: dict[str, float] = {}


_way: ContextVar[Way | None] = ContextVar("_way", default=None)


def new_id() -> str:
    """An id that no other request has."""
    return secrets.token_hex(8)


def given_id(header: str) -> str:
    """The id that a proxy gave, or a new one where it gave none that may stand in a log."""
    return header if _ID.fullmatch(header) else new_id()


def request_id() -> str:
    """The id of the request that is being worked on; empty outside of `within`."""
    way = _way.get()
    return "" if way is None else way.request


class within:
    """Everything inside belongs to one request; `as` gives its `Way`, whose `request` may be changed later."""

    __slots__ = ("_span", "_token", "_way")

    def __init__(self, request: str, figures: Figures | None, name: str = "message") -> None:
        self._way = Way(request, figures)
        self._span = tracer(name) if tracer is not None else None

    def __enter__(self) -> Way:
        self._token: Token[Way | None] = _way.set(self._way)
        if self._span is not None:
            self._span.__enter__().set_attribute("request", self._way.request)
        return self._way

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._span is not None:
            self._span.__exit__(None, None, None)  # an exception's text may hold words: it is not handed on
        _way.reset(self._token)


class stage:
    """A part of the way: how long it takes is told to the figures, and it is a span where there are traces."""

    __slots__ = ("_began", "_name", "_span")

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._span = tracer(self._name) if tracer is not None and _way.get() is not None else None
        if self._span is not None:
            self._span.__enter__()
        self._began = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _took(self._name, time.perf_counter() - self._began)
        if self._span is not None:
            self._span.__exit__(None, None, None)


def start(name: str) -> None:
    """A part begins here and ends elsewhere, where `finish` is called."""
    way = _way.get()
    if way is not None:
        way.started[name] = time.perf_counter()


def finish(name: str) -> None:
    """The part that was started ends; nothing where it was not started."""
    way = _way.get()
    if way is not None and (began := way.started.pop(name, None)) is not None:
        _took(name, time.perf_counter() - began)


def note(event: str, **facts: str | int | float | bool | None) -> None:
    """Write a line for what has been done; `facts` are kinds, names and times, never what somebody wrote."""
    if _log.isEnabledFor(logging.INFO):
        _log.info(event, extra={"facts": facts})


def _took(name: str, seconds: float) -> None:
    way = _way.get()
    if way is not None and way.figures is not None:
        way.figures.stage(name, seconds)
