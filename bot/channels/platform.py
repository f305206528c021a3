"""What each platform's module provides: it verifies, reads, renders and sends; all the rest is the same for all."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from starlette.responses import PlainTextResponse, Response

from bot.channels.arrivals import Arrival
from bot.channels.client import Outcome, make_client
from bot.channels.rendering import Part, Style, render
from bot.message import Message

# httpx writes the address of each request, in which some platforms want a token.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

#: A request to the platform, as it is kept until it is sent: plain JSON.
Request = dict[str, Any]


@dataclass(frozen=True)
class Hook:
    """A webhook as it came: nothing in it is believed before `verify`."""

    method: str
    #: The path and query as asked for, and the addresses under which a proxy may have been asked.
    path: str
    urls: Sequence[str]
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str]


class Platform(ABC):
    """One messenger. Subclasses hold its settings and know its API; they keep no state about anybody."""

    #: As in CONTRACT.md: the name of the channel, and the end of its address under /webhooks.
    name: str
    title: str
    paths: tuple[str, ...]
    methods: tuple[str, ...] = ("POST",)
    #: How long after somebody's last message we may still write to them.
    window: timedelta | None = None
    #: A request to slow down is about all conversations, not about one.
    slows_all: bool = True

    def __init__(self, base: str, client: httpx.AsyncClient | None = None) -> None:
        self.base = base
        self._client = client

    @property
    def client(self) -> httpx.AsyncClient:
        """The connection to the platform, made on first use."""
        if self._client is None:
            self._client = make_client(self.base)
        return self._client

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def start(self) -> None:  # noqa: B027 - most platforms need nothing
        """Ask the platform what must be known before messages come; must not fail when it cannot be reached."""

    @abstractmethod
    def verify(self, hook: Hook) -> None:
        """
        Raises:
            Forged: the request does not come from the platform, or is too old.
        """

    @abstractmethod
    def read(self, hook: Hook) -> list[Arrival]:
        """The messages in a verified request; what is none of ours is left out.

        Raises:
            Malformed: the request cannot be read at all.
        """

    def greet(self, hook: Hook) -> Response | None:
        """The answer to a request by which the platform checks the address; None where it is no such request."""
        return None

    def acknowledge(self) -> Response:
        """What the platform wants to hear when its messages were taken in."""
        return PlainTextResponse("")

    @abstractmethod
    def style(self, address: Mapping[str, Any]) -> Style:
        """The platform's limits, for somebody at `address`."""

    def parts(self, message: Message, address: Mapping[str, Any]) -> list[Part]:
        """The message as it will be shown to somebody at `address`."""
        return render(message, self.style(address))

    def shortened(self, message: Message, address: Mapping[str, Any]) -> tuple[list[Part], Any]:
        """As `parts`, and what is kept back until the person asks for more: plain JSON for `more`, or None."""
        return self.parts(message, address), None

    def more(self, rest: Any) -> tuple[list[Part], Any]:
        """What was kept back, and what is still kept back."""
        return [], None

    def intro(self, address: Mapping[str, Any]) -> str:
        """The name of the wording by which the bot introduces itself."""
        return "intro"

    def word(self, arrival: Arrival) -> str | None:
        """What a single word means on this platform: stop, start, help, more; None: an ordinary text."""
        return None

    @abstractmethod
    def request(self, part: Part, address: Mapping[str, Any]) -> Request:
        """The request that shows `part` to somebody at `address`."""

    @abstractmethod
    async def send(self, request: Request) -> Outcome:
        """Make a request of `request`."""

    async def signal(self, arrival: Arrival) -> None:  # noqa: B027 - not every platform has one
        """Show that a message was read and that we are typing, where the platform can; its failure means nothing."""

    def may_write(self, address: Mapping[str, Any]) -> timedelta | None:
        """How long after their last message somebody at `address` may be written to; None: always."""
        return self.window
