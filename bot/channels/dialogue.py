"""What is said in answer to one message from a messenger: the bot's own replies, and what only messengers need.

The safety screen sees every text first, also words such as STOP and HELP: a reply to danger always goes before
anything that this module adds.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from bot.channels.arrivals import Arrival
from bot.channels.helplines import numbers_for
from bot.channels.people import Seal
from bot.channels.platform import Platform
from bot.channels.queue import Handled, Outgoing, Person, ToHandle
from bot.channels.rendering import Part, find_key
from bot.database.models import now
from bot.message import Message
from bot.ops.conversations import About
from bot.ops.health import Metrics
from bot.ops.limits import Limiter
from bot.service import Turn
from bot.settings import Settings

_log = logging.getLogger(__name__)

_NUMBER = re.compile(r"[#(]?\s*([1-9]\d?)\s*[.):\ufe0f\u20e3]*")


class Answerer(Protocol):
    """What is asked of the bot (`bot.service.Bot`); one that keeps what it said may also have its `replay`."""

    @property
    def ready(self) -> bool: ...

    async def handle(self, turn: Turn) -> list[Message]: ...

    async def forget(self, conversation: str) -> None: ...

    def wish(self, conversation: str) -> str | None: ...


class Words:
    """The fixed wording of messengers, as messages."""

    def __init__(self, settings: Settings) -> None:
        from actions.wording import responses

        self._texts = responses(settings.data / "responses")
        days = settings.retention_days
        kept = self._texts.text("channels", "kept", "days").format(days=days)
        self._kept = kept if days else self._texts.text("channels", "kept", "not")

    def message(self, name: str, **parts: Any) -> Message:
        """The message called `name`."""
        lead = self._texts.wording("channels", name).lead.replace("{kept}", self._kept)
        return Message(
            uuid.uuid4().hex, "smalltalk", lead, "smalltalk", at=now().isoformat(timespec="seconds"), **parts
        )

    def text(self, name: str) -> str:
        """A plain text."""
        return self._texts.text("channels", name)


class Dialogue:
    """Handles messages one by one; keeps nothing between them but counts of a minute."""

    def __init__(self, settings: Settings, bot: Answerer, seal: Seal, metrics: Metrics) -> None:
        self._settings, self._bot, self._seal, self._metrics = settings, bot, seal, metrics
        self.words = Words(settings)
        self._limiter = Limiter(settings)
        self._once = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def handle(self, platform: Platform, person: Person, step: ToHandle, body: Mapping[str, Any]) -> Handled:
        """What is to be sent and remembered after one message.

        Args:
            body: an arrival as `stored` gives it.
        """
        arrival = restored(body)
        word = platform.word(arrival) if arrival.kind == "text" else None
        if word == "more" and person.more is not None:
            return self._more(platform, person, step, arrival)
        began = time.perf_counter()
        messages, wish = await self._said(platform, person, step, arrival, str(body["key"]))
        about = About(arrival.country, arrival.locale, time.perf_counter() - began)
        danger = any(message.kind == "safety" for message in messages)
        changes: dict[str, Any] = {}
        drop = False
        if word in ("stop", "start", "help") and not (word == "start" and person.opted_out is None):
            changes, drop = self._opted(word), word == "stop"
            if not danger:
                messages = [self._opting(word, arrival)]
            elif word == "stop":
                messages.append(self._opting(word, arrival))
            if arrival.extra.get("answered"):  # the platform has said so itself
                messages = [message for message in messages if message.kind == "safety"]
        elif person.opted_out is not None:
            messages = [message for message in messages if message.kind == "safety"]
        elif not person.greeted:
            messages = self._introduced(platform, arrival, messages, danger)
            changes["greeted"] = True
        if arrival.group:
            changes["keep"] = False
        return replace(self._handled(platform, step, arrival, messages, changes, wish, drop), about=about)

    def failed(self, platform: Platform, step: ToHandle, body: Mapping[str, Any]) -> Handled:
        """What is sent when a message could not be answered however often it was tried."""
        return self._handled(platform, step, restored(body), [self.words.message("failed")], {}, None, False)

    # -- what is said ------------------------------------------------------------------------------------------

    async def _said(
        self, platform: Platform, person: Person, step: ToHandle, arrival: Arrival, key: str
    ) -> tuple[list[Message], str | None]:
        """The messages, and what the person wished of their words."""
        if arrival.kind == "start":
            return [], None
        if arrival.kind == "other":
            return [self.words.message("only_text")], None
        turn = self._turn(platform, person, arrival, key)
        messages = await self._replayed(turn) if step.attempt > 1 else None
        if messages is None:
            if not step.urgent and await self._limiter.wait("sender", person.conversation):
                self._metrics.limited("sender")
                return ([self.words.message("too_fast")] if self._first(person) else []), None
            with self._metrics.turn(platform.name):
                messages = await self._bot.handle(turn)
        wish = self._bot.wish(turn.conversation)
        if arrival.extra.get("attached"):
            messages = [*messages, self.words.message("only_text_read")]
        return messages, wish

    def _first(self, person: Person) -> bool:
        """Whether this is the first message that is passed over: the next ones of the same minute are not spoken of."""
        return self._once.hit(RateLimitItemPerMinute(1), person.conversation)

    async def _replayed(self, turn: Turn) -> list[Message] | None:
        """The replies of a turn that the dialogue kept before we died; None where it has not taken it."""
        replay = getattr(self._bot, "replay", None)
        return None if replay is None else await replay(turn)

    def _turn(self, platform: Platform, person: Person, arrival: Arrival, key: str) -> Turn:
        text: str | None = arrival.text
        button = None
        if arrival.kind == "button":
            text, button = None, find_key(arrival.button, person.offered)
        elif person.offered and (number := _NUMBER.fullmatch(arrival.text.strip())):
            chosen = int(number[1]) - 1
            if chosen < len(person.offered):
                text, button = None, person.offered[chosen][0]
        return Turn(
            person.conversation, text, button, platform.name, arrival.country, None, arrival.locale, message_id=key
        )

    def _introduced(self, platform: Platform, arrival: Arrival, messages: list[Message], danger: bool) -> list[Message]:
        """What the bot is comes first; in danger the help does."""
        intro = self.words.message("intro_group" if arrival.group else platform.intro(arrival.address))
        return [*messages, intro] if danger else [intro, *messages]

    def _opted(self, word: str) -> dict[str, Any]:
        if word == "stop":
            return {"opted_out": now(), "offered": [], "more": None, "greeted": True}
        return {"opted_out": None, "greeted": True} if word == "start" else {}

    def _opting(self, word: str, arrival: Arrival) -> Message:
        if word != "help":
            return self.words.message("opted_out" if word == "stop" else "opted_in")
        contacts = numbers_for(self._settings.data, arrival.country)
        nowhere = () if contacts else (self.words.message("help_nowhere").lead,)
        return replace(self.words.message("help", contacts=contacts), details=nowhere)

    # -- what is sent ------------------------------------------------------------------------------------------

    def _more(self, platform: Platform, person: Person, step: ToHandle, arrival: Arrival) -> Handled:
        assert person.more is not None
        parts, rest = platform.more(self._seal.open(person.more, platform.name))
        replies = [self._outgoing(platform, part, arrival.address, "answer") for part in parts]
        return Handled(step.id, replies, changes={"more": self._rest(platform.name, rest)})

    def _handled(
        self,
        platform: Platform,
        step: ToHandle,
        arrival: Arrival,
        messages: Sequence[Message],
        changes: dict[str, Any],
        wish: str | None,
        drop: bool,
    ) -> Handled:
        replies: list[Outgoing] = []
        offered: list[list[str]] = []
        rest: Any = None
        for message in messages:
            parts, left = platform.shortened(message, arrival.address)
            rest = left if left is not None else rest
            replies += [self._outgoing(platform, part, arrival.address, message.kind) for part in parts]
            if message.suggestions:
                offered = [[s.id, " ".join(s.title.split())[:200]] for s in message.suggestions]
        if arrival.kind != "other":
            changes = {"offered": offered, "more": self._rest(platform.name, rest), **changes}
        told = [message.to_dict() for message in messages]
        self._metrics.sent(platform.name, told)
        return Handled(step.id, replies, told, changes, wish, drop)

    def _outgoing(self, platform: Platform, part: Part, address: Mapping[str, Any], kind: str) -> Outgoing:
        sealed = self._seal.close(platform.request(part, address), platform.name)
        return Outgoing(sealed, kind, urgent=kind == "safety")

    def _rest(self, about: str, rest: Any) -> bytes | None:
        return None if rest is None else self._seal.close(rest, about)


def stored(arrival: Arrival, key: str) -> dict[str, Any]:
    """An arrival as it waits in the queue, without whose it is; `key` stands for the platform's id of it."""
    body = {
        "key": key, "address": arrival.address, "kind": arrival.kind, "text": arrival.text, "button": arrival.button,
        "country": arrival.country, "locale": arrival.locale, "group": arrival.group, "signal": arrival.signal,
        "extra": arrival.extra,
    }  # fmt: skip
    return {name: value for name, value in body.items() if value not in (None, "", {}, False)}


def restored(body: Mapping[str, Any]) -> Arrival:
    """The arrival that `stored` was given, without the ids."""
    known = {name: value for name, value in body.items() if name not in ("key", "request")}
    return Arrival(message_id="", person="", **known)
