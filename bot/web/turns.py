"""One message of a web visitor, answered exactly once however often it is sent."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, Protocol

from bot.database.models import now
from bot.language.text import MOST_CHARACTERS, clean
from bot.message import Message
from bot.ops.health import Metrics
from bot.ops.logs import describe
from bot.ops.masking import mask
from bot.ops.steps import stage
from bot.service import Turn
from bot.web.refusals import no_session, not_ready
from bot.web.store import ChatStore, Claim, Session

_log = logging.getLogger(__name__)

CHANNEL = "web"
#: Seconds that a request waits for its reply; the turn goes on, and a retry gets what it gave.
_PATIENCE = 25.0
_POLL = 0.1
#: Turns that one process has at a time. More would take longer than the dialogue is waited for (bot.service.PATIENCE).
MOST_TURNS = 60
#: Longer texts are cleaned and masked in a thread.
_QUICK = 5_000
_NOT_API = ("passages", "drugs", "revisions")


class Answerer(Protocol):
    """What is asked of the bot.

    A bot may also have `async replay(turn) -> list[Message] | None`: the replies of a turn that it has already
    handled, rendered again without running it again, or None where it has not handled it.
    """

    @property
    def ready(self) -> bool:
        """Whether it can answer."""

    @property
    def missing(self) -> Sequence[str]:
        """What could not be loaded, a word or two each."""

    async def handle(self, turn: Turn) -> list[Message]:
        """Run one turn."""

    async def forget(self, conversation: str) -> None:
        """Remove a conversation from wherever the bot keeps it."""

    def wish(self, conversation: str) -> str | None:
        """What was asked for in words in the turn just handled: "forget", "dont_keep" or None."""


class Turns:
    """Runs the turns of web conversations and keeps them."""

    def __init__(
        self,
        bot: Answerer,
        store: ChatStore,
        metrics: Metrics,
        urgent: Callable[[str], bool] = lambda text: False,
        most: int = MOST_TURNS,
    ) -> None:
        """
        Args:
            urgent: whether a text may tell of a danger, at a glance: it is answered however many others are.
            most: turns at a time.
        """
        self._urgent, self._most = urgent, most
        self._bot, self._store, self._metrics = bot, store, metrics
        self._running: dict[tuple[str, str], asyncio.Task[list[dict[str, Any]]]] = {}
        self._leftovers: set[asyncio.Task[Any]] = set()

    async def answer(
        self, session: Session, message_id: str, *, text: str | None = None, button: str | None = None
    ) -> list[dict[str, Any]]:
        """The bot's messages in answer to a visitor's; stored before they are given, the same for one `message_id`.

        Args:
            text: what the visitor wrote, or None for
            button: the opaque id of a suggestion that was pressed.

        Raises:
            Refusal: 401 when the conversation has gone, 503 when the bot cannot answer, now or in time.
        """
        key = (session.conversation, message_id)
        task = self._running.get(key)
        if task is None:
            if len(self._running) >= self._most and not (text is not None and self._urgent(text[:_QUICK])):
                self._metrics.limited("process")
                raise not_ready(2)
            task = asyncio.create_task(self._run(session, message_id, text, button))
            self._running[key] = task
            task.add_done_callback(lambda done: self._finished(key, done))
        else:
            self._metrics.repeated(CHANNEL)
        # The visitor may go away: the turn still ends, and a retry finds its reply.
        try:
            return await asyncio.wait_for(asyncio.shield(task), _PATIENCE)
        except TimeoutError:
            raise not_ready() from None

    async def forget(self, conversation: str) -> None:
        """Delete a conversation from every store, also what is being said in it right now."""
        await asyncio.to_thread(self._store.forget, conversation)
        await self._bot.forget(conversation)

    def _finished(self, key: tuple[str, str], done: asyncio.Task[Any]) -> None:
        self._running.pop(key, None)
        if not done.cancelled():
            done.exception()  # asked for, so that asyncio does not print it with the words in it

    async def _run(
        self, session: Session, message_id: str, text: str | None, button: str | None
    ) -> list[dict[str, Any]]:
        if text is not None:
            text = _private(text) if len(text) < _QUICK else await asyncio.to_thread(_private, text)
        with stage("claim"):
            claim = await self._claim(session, message_id, await self._shown(session, text, button))
        if isinstance(claim, list):
            self._metrics.repeated(CHANNEL)
            return _public(claim)
        began = time.perf_counter()
        try:
            with self._metrics.turn(CHANNEL):
                messages = await self._ask(_turn(session, message_id, text, button), again=claim is Claim.AGAIN)
        except BaseException as error:
            released = await self._to_the_end(asyncio.to_thread(self._store.release, session.conversation, message_id))
            if not isinstance(error, Exception):
                raise
            if not released:
                await self._bot.forget(session.conversation)
            _log.error("A web message could not be answered: %s", describe(error))
            raise not_ready() from None
        seconds = time.perf_counter() - began
        stored = [_complete(message).to_dict() for message in messages]
        wish = self._bot.wish(session.conversation)
        if wish and stored:
            # Whoever shows the conversation has to act on it as well, also when the reply comes by a retry.
            stored[-1]["wish"] = wish
        storing = asyncio.to_thread(self._store.answer, session, message_id, stored, wish, seconds)
        with stage("store"):
            done = await self._to_the_end(storing)
        if not done:
            # Deleted while the bot was at it: it must not remember either.
            await self._bot.forget(session.conversation)
            raise no_session()
        if wish == "forget":
            await self._to_the_end(self._bot.forget(session.conversation))
            await asyncio.to_thread(self._store.erase_traces)
        self._metrics.sent(CHANNEL, stored)
        return _public(stored)

    async def _shown(self, session: Session, text: str | None, button: str | None) -> str:
        """What is stored of the visitor's message: at most 2,000 characters; for a button the words on it."""
        if button is not None:
            return await asyncio.to_thread(self._store.title_of, session.conversation, button)
        return (text or "")[:MOST_CHARACTERS]

    async def _claim(self, session: Session, message_id: str, shown: str) -> Claim | list[dict[str, Any]]:
        """Wait while another process has the message; NEW or AGAIN when it is ours, or the stored replies."""
        give_up = time.monotonic() + _PATIENCE
        while True:
            claim = await asyncio.to_thread(self._store.claim, session, message_id, shown)
            if claim is None:
                raise no_session()
            if claim is not Claim.TAKEN:
                return claim
            if time.monotonic() > give_up:
                raise not_ready()
            await asyncio.sleep(_POLL)

    async def _ask(self, turn: Turn, *, again: bool) -> list[Message]:
        replay = getattr(self._bot, "replay", None)
        if again and replay is not None and (replayed := await replay(turn)) is not None:
            return list(replayed)
        return await self._bot.handle(turn)

    async def _to_the_end(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do `work` even when we are cancelled meanwhile (the server is stopping)."""
        task = asyncio.ensure_future(work)
        self._leftovers.add(task)
        task.add_done_callback(self._leftovers.discard)
        return await asyncio.shield(task)


def _private(text: str) -> str:
    """`text` as everything after the channel sees it: cleaned and masked, however long."""
    return mask(clean(text))


def _turn(session: Session, message_id: str, text: str | None, button: str | None) -> Turn:
    return Turn(
        conversation=session.conversation,
        text=text,
        button=button,
        channel=CHANNEL,
        country=session.country,
        time_zone=session.time_zone,
        locale=session.locale,
        message_id=message_id,
    )


def _complete(message: Message) -> Message:
    return message if message.at else replace(message, at=now().isoformat(timespec="seconds"))


def _public(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [public(message) for message in messages]


def public(message: dict[str, Any]) -> dict[str, Any]:
    """A stored message as the chat API gives it: without what is for people who test."""
    return {name: value for name, value in message.items() if name not in _NOT_API}
