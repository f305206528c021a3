"""What all stand-ins share: faults on demand, a record of what people were shown, and webhooks signed as theirs.

A stand-in is an ASGI application with the platform's addresses. `wire` connects an httpx client with it in
the process; `tests.platforms.demo` serves it on a port.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass(frozen=True)
class Shown:
    """A message as somebody sees it."""

    to: str
    text: str
    #: Label and what comes back when it is pressed.
    buttons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Webhook:
    """A request of the platform to us."""

    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"


class Refused(Exception):
    """The platform does not take this request; says why."""

    def __init__(self, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.status = status


@dataclass
class Fault:
    """What goes wrong with one request: `status` instead of an answer, or the connection `cut` before or after it."""

    status: int = 0
    retry_after: float | None = None
    cut: str = ""
    seconds: float = 0.0


@dataclass
class StandIn(ABC):
    """One platform. `shown` is what arrived, `refused` why something did not, `signals` what else was asked."""

    shown: list[Shown] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    #: What is sent to these people waits until a test sets the event.
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(1001))

    name: ClassVar[str]
    #: The settings that turn the channel on.
    environment: ClassVar[dict[str, str]]
    #: Which fault is the platform's "too many".
    limit: ClassVar[Fault] = Fault(429, 0.2)

    # -- what the platform sends ---------------------------------------------------------------------------------

    @abstractmethod
    def text(self, person: str, text: str, number: int | None = None) -> Webhook:
        """Somebody writes; `number` is the platform's id and order of the message, a new one when None."""

    @abstractmethod
    def press(self, person: str, key: str, number: int | None = None) -> Webhook:
        """Somebody presses a button."""

    @abstractmethod
    def photo(self, person: str) -> Webhook:
        """Somebody sends a picture without words."""

    @abstractmethod
    def ignored(self) -> list[Webhook]:
        """What the platform sends besides messages, none of which is to be answered."""

    def batch(self, messages: list[tuple[str, str]]) -> list[Webhook]:
        """Several messages, in as few webhooks as the platform makes of them."""
        return [self.text(person, text) for person, text in messages]

    @abstractmethod
    def signed(self, body: bytes) -> Webhook:
        """`body` with a genuine signature, whatever it is."""

    def stale(self, person: str, text: str) -> Webhook | None:
        """A genuine message of an hour ago; None where the platform has no time window."""
        return None

    def forged(self, webhook: Webhook) -> list[Webhook]:
        """The same without and with a wrong signature."""
        name = next(name for name in webhook.headers if "signature" in name.lower() or "token" in name.lower())
        without = {key: value for key, value in webhook.headers.items() if key != name}
        wrong = {**webhook.headers, name: webhook.headers[name][:-4] + "AAA="}
        return [
            Webhook(webhook.path, without, webhook.body),
            Webhook(webhook.path, wrong, webhook.body),
            Webhook(webhook.path, {**webhook.headers, name: ""}, webhook.body),
        ]

    # -- what the platform takes ---------------------------------------------------------------------------------

    @abstractmethod
    def routes(self) -> list[Route]:
        """The addresses of its API."""

    def app(self) -> Starlette:
        """The platform as a web application."""
        return Starlette(routes=self.routes())

    def problem(self, status: int, why: str, retry_after: float | None = None) -> Response:
        """An error as the platform words it."""
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        return JSONResponse({"error": {"message": why}}, status, headers)

    def taken(self, body: Mapping[str, Any]) -> Response:
        """An answer that everything is well."""
        return JSONResponse(dict(body))

    async def send(self, to: str, shown: Shown, answer: Mapping[str, Any]) -> Response:
        """Show a message, after the faults that are due."""
        if released := self.held.get(to):
            await released.wait()
        fault = self.faults.popleft() if self.faults else None
        if fault is not None and fault.seconds:
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.status:
            return self.problem(fault.status, "as ordered", fault.retry_after)
        if fault is None or fault.cut != "before":
            self.shown.append(shown)
        if fault is not None and fault.cut:
            raise httpx.ReadError("the connection was cut")
        return self.taken(answer)

    def wire(self, **options: Any) -> httpx.AsyncClient:
        """A client whose requests all end here."""
        transport = httpx.ASGITransport(self.app(), raise_app_exceptions=True)
        return httpx.AsyncClient(transport=transport, timeout=5, **options)


def checked(fields: Mapping[str, Any], known: set[str], needed: set[str]) -> None:
    """
    Raises:
        Refused: a field is unknown or missing, as the platform would say.
    """
    if unknown := set(fields) - known:
        raise Refused(f"unknown fields {sorted(unknown)}")
    if missing := needed - set(fields):
        raise Refused(f"missing fields {sorted(missing)}")


def text_within(value: Any, most: int, what: str) -> str:
    """
    Raises:
        Refused: it is no text, empty, or longer than `most` UTF-16 units.
    """
    if not isinstance(value, str) or not value.strip():
        raise Refused(f"{what} is empty")
    if len(value.encode("utf-16-le")) // 2 > most:
        raise Refused(f"{what} is too long")
    return value


async def json_of(request: Request) -> dict[str, Any]:
    """
    Raises:
        Refused: the body is no JSON object.
    """
    try:
        value = json.loads(await request.body())
    except ClientDisconnect:
        raise Refused("the client went away") from None
    except ValueError:
        raise Refused("no JSON") from None
    if not isinstance(value, dict):
        raise Refused("no object")
    return value
