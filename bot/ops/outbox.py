"""Events for other systems, written to the table `outbox` in the very transaction that stores what they tell of.

So an event is there if and only if the turn, rating or erasure is, whatever ends afterwards; `bot.ops.publisher` sends
them. They hold ids, kinds, topics, passages and times: never a word that anybody wrote, never an address.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.database.models import WaitingEvent, now
from bot.ops.conversations import About, language_of
from bot.settings import Settings

#: The key of events which say that what others hold of a conversation is to be deleted.
ERASED = "erased"
#: What is told of a message, of all that `Message.to_dict` gives.
_TOLD = ("id", "kind", "category", "topic", "passages")
# A browser says these, and somebody may have made it say anything.
_LANGUAGE, _COUNTRY = re.compile(r"[a-z]{2,3}"), re.compile(r"[A-Z]{2}")
#: Made once: making a statement costs more than running it, and this one runs in every turn.
_WRITE = sa.insert(WaitingEvent)


@dataclass(frozen=True)
class Outbox:
    """Where events are put; it writes nothing unless it is `on`.

    Attributes:
        keyed: False where no conversation is kept: then no event says which one it is about.
    """

    on: bool = False
    keyed: bool = True

    @classmethod
    def of(cls, settings: Settings) -> Outbox:
        """On where the settings name a broker."""
        return cls(bool(settings.event_broker_url), settings.retention_days > 0)

    def turn(
        self,
        connection: sa.Connection,
        conversation: str,
        channel: str,
        messages: Sequence[Mapping[str, Any]],
        about: About,
    ) -> None:
        """A turn whose replies are `messages`, as `Message.to_dict` gives them (no commit)."""
        if not self.on:
            return
        facts = {
            "channel": channel,
            "seconds": None if about.seconds is None else round(about.seconds, 4),
            "messages": [{name: message.get(name) for name in _TOLD} for message in messages],
            "language": _only(_LANGUAGE, language_of(messages, about.locale)),
            "country": _only(_COUNTRY, (about.country or "").upper()),
        }
        self._write(connection, "turn", channel, conversation if about.listed else None, facts)

    def rating(
        self, connection: sa.Connection, conversation: str | None, channel: str, message: str, helpful: bool
    ) -> None:
        """What somebody thought of a reply (no commit); `conversation` is None where nothing of it is to be kept."""
        if self.on:
            facts = {"channel": channel, "message": message, "helpful": helpful}
            self._write(connection, "rating", channel, conversation, facts)

    def erased(self, connection: sa.Connection, conversations: Sequence[str]) -> None:
        """Nobody is to know any more that these belong together: takes back what waits and tells the rest (no commit).

        What is being published at this moment is left alone instead of waited for: a person waits for this. It then
        comes before or after the event written here, and always with an earlier time.
        """
        if not self.on:
            return
        theirs = sa.select(WaitingEvent.id).where(WaitingEvent.conversation.in_(conversations))
        free = theirs.with_for_update(skip_locked=True)
        connection.execute(sa.delete(WaitingEvent).where(WaitingEvent.id.in_(free)))
        for conversation in conversations:
            self._write(connection, ERASED, "", conversation, {}, always_keyed=True)

    def _write(
        self,
        connection: sa.Connection,
        event: str,
        channel: str,
        conversation: str | None,
        facts: Mapping[str, Any],
        *,
        always_keyed: bool = False,
    ) -> None:
        moment = now()
        body = {"id": str(uuid.uuid4()), "event": event, "at": moment.isoformat(timespec="milliseconds")}
        if not (self.keyed or always_keyed):
            conversation = None
        if conversation is not None:
            body["conversation"] = conversation
        key = f"{event}.{channel}" if channel else event
        row = {"at": moment, "key": key, "conversation": conversation, "body": body | dict(facts)}
        connection.execute(_WRITE, row)


#: For whoever publishes nothing.
OFF = Outbox()


def _only(pattern: re.Pattern[str], given: str) -> str | None:
    return given if pattern.fullmatch(given) else None
