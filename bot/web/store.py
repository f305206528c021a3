"""Web conversations in the database. Every method is one short transaction and belongs into a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import sqlalchemy as sa

from bot.database.engine import writing
from bot.database.models import PUBLISHED, ChatMessage, ChatSession, Feedback, PassageRevision, now
from bot.ops.conversations import About, record_rating, record_turn, unlist
from bot.ops.outbox import OFF, Outbox
from bot.ops.problems import note_rating
from bot.ops.retention import ENDED_AFTER, delete_ratings, erase_traces, forget_conversations, note_erasures

#: How long a message may be worked on before another process may take it over.
LEASE = timedelta(seconds=10)
#: Stands where the words were by which somebody had everything deleted.
_DELETED = "[deleted]"


@dataclass(frozen=True)
class Session:
    """A web conversation that goes on: its key, what the visitor's browser said of itself, and whether it is kept."""

    conversation: str
    locale: str | None
    country: str | None
    time_zone: str | None
    keep: bool


class Claim(Enum):
    """Who has a visitor's message: nobody before us, an earlier try that stopped half-way, or another try right now."""

    NEW = "new"
    AGAIN = "again"
    TAKEN = "taken"


class ChatStore:
    """Reads and writes sessions, messages and feedback of the web chat."""

    def __init__(self, engine: sa.Engine, retention_days: int, outbox: Outbox = OFF) -> None:
        self._engine = engine
        self._retention_days = retention_days
        self._outbox = outbox

    # -- sessions ----------------------------------------------------------------------------------------------

    def create(
        self,
        conversation: str,
        expires: datetime,
        *,
        locale: str | None,
        country: str | None,
        time_zone: str | None,
        keep: bool = True,
    ) -> None:
        """Begin a conversation."""
        with self._write() as connection:
            connection.execute(
                sa.insert(ChatSession).values(
                    id=conversation, expires=expires, locale=locale, country=country, time_zone=time_zone, keep=keep
                )
            )

    def session(self, conversation: str) -> Session | None:
        """The conversation; None where there is none (any more)."""
        with self._engine.connect() as connection:
            row = connection.execute(
                sa.select(ChatSession.__table__).where(ChatSession.id == conversation)
            ).one_or_none()
        if row is None or (row.expires and row.expires <= now()):
            return None
        kept = row.keep and self._retention_days > 0
        if not kept and row.last_seen <= now() - ENDED_AFTER:
            return None
        return Session(conversation, row.locale, row.country, row.time_zone, row.keep)

    def stop_keeping(self, conversation: str) -> None:
        """From now on this conversation is kept only until it ends."""
        with self._write() as connection:
            self._stop_keeping(connection, conversation)

    def forget(self, conversation: str) -> None:
        """Delete the conversation, what was said in it and what was said about it."""
        forget_conversations(self._engine, [conversation], self._outbox)

    def erase_traces(self) -> None:
        """Take what has been deleted out of the database's files as well."""
        erase_traces(self._engine)

    # -- messages ----------------------------------------------------------------------------------------------

    def claim(self, session: Session, client_id: str, text: str) -> Claim | list[dict[str, Any]] | None:
        """Take a visitor's message in, or find what became of an earlier try.

        Args:
            text: what the visitor said, masked and cut.

        Returns:
            The stored replies where there are some; None where the conversation has gone; else whose turn it is.
        """
        with self._write() as connection:
            moment = now()
            seen = sa.update(ChatSession).where(ChatSession.id == session.conversation).values(last_seen=moment)
            if not connection.execute(seen).rowcount:
                return None
            row = connection.execute(_visitors(session.conversation, client_id)).one_or_none()
            if row is None:
                connection.execute(
                    sa.insert(ChatMessage).values(
                        session_id=session.conversation,
                        client_id=client_id,
                        direction="visitor",
                        text=text,
                        at=moment,
                        handled=False,
                        keep=session.keep,
                    )
                )
                return Claim.NEW
            if row.handled:
                return _replies(connection, session.conversation, client_id)
            if abs(row.at - moment) < LEASE:  # later than now: the clock was set back, and nobody waits until then
                return Claim.TAKEN
            taken = connection.execute(
                sa.update(ChatMessage).where(ChatMessage.id == row.id, ChatMessage.at == row.at).values(at=moment)
            )
            return Claim.AGAIN if taken.rowcount else Claim.TAKEN

    def release(self, conversation: str, client_id: str) -> bool:
        """Give a message back after a failure: a retry takes it over at once. False when it has gone meanwhile."""
        with self._write() as connection:
            released = connection.execute(
                sa.update(ChatMessage)
                .where(
                    ChatMessage.session_id == conversation,
                    ChatMessage.client_id == client_id,
                    ChatMessage.handled.is_(False),
                )
                .values(at=now() - LEASE)
            )
            return released.rowcount > 0

    def answer(
        self,
        session: Session,
        client_id: str,
        messages: Sequence[Mapping[str, Any]],
        wish: str | None = None,
        seconds: float | None = None,
    ) -> bool:
        """Store the replies to a visitor's message; False when the conversation has gone meanwhile.

        Args:
            wish: "forget" when the visitor asked in it that everything said so far is deleted: then only the
                replies are left; "dont_keep" when they asked that the conversation is not kept.
            seconds: how long the bot took.
        """
        with self._write() as connection:
            if wish == "dont_keep":
                self._stop_keeping(connection, session.conversation)
            if wish == "forget":
                note_erasures(connection, [session.conversation], self._outbox)
                _clear_before(connection, session.conversation, client_id)
            its_own = (ChatMessage.session_id == session.conversation, ChatMessage.client_id == client_id)
            done = connection.execute(
                sa.update(ChatMessage).where(*its_own, ChatMessage.handled.is_(False)).values(handled=True)
            )
            if not done.rowcount:  # deleted meanwhile, or somebody who took it over was quicker
                return connection.execute(sa.select(ChatMessage.id).where(*its_own)).first() is not None
            for message in messages:
                connection.execute(
                    sa.insert(ChatMessage).values(
                        session_id=session.conversation,
                        answers=client_id,
                        direction="bot",
                        payload=dict(message),
                        handled=True,
                        keep=session.keep and wish != "dont_keep",
                    )
                )
            listed = session.keep and wish is None
            about = About(session.country, session.locale, seconds, listed)
            record_turn(connection, session.conversation, "web", messages, about)
            self._outbox.turn(connection, session.conversation, "web", messages, about)
            return True

    def history(self, conversation: str) -> list[dict[str, Any]]:
        """The conversation so far: the visitor's messages as the chat API gives them, the bot's as they were stored."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                sa.select(ChatMessage.__table__).where(ChatMessage.session_id == conversation).order_by(ChatMessage.id)
            ).all()
        # A reply follows what it answers, even where somebody wrote again before it came.
        replies: dict[str | None, list[dict[str, Any]]] = {}
        for row in rows:
            if row.direction == "bot":
                replies.setdefault(row.answers, []).append({"from": "bot", **row.payload})
        told: list[dict[str, Any]] = []
        for row in rows:
            if row.direction == "visitor":
                told.append(
                    {
                        "from": "visitor",
                        "id": row.client_id,
                        "text": row.text or "",
                        "at": row.at.isoformat(timespec="seconds"),
                    }
                )
                told += replies.get(row.client_id, [])
        return told

    def title_of(self, conversation: str, button: str) -> str:
        """The words on a button that the bot offered in this conversation; empty where it offered no such button."""
        for message in reversed(self.history(conversation)):
            for suggestion in message.get("suggestions") or ():
                if suggestion["id"] == button:
                    return str(suggestion["title"])
        return ""

    # -- feedback ----------------------------------------------------------------------------------------------

    def feedback(self, session: Session, message_id: str, helpful: bool, reason: str | None) -> bool:
        """Keep what the visitor thought of a reply, instead of what they thought before; False: no such reply here."""
        found = next(
            (m for m in self.history(session.conversation) if m["from"] == "bot" and m.get("id") == message_id), None
        )
        if found is None:
            return False
        kept = reason if session.keep and self._retention_days > 0 else None
        with self._write() as connection:
            before = connection.scalar(sa.select(Feedback.helpful).where(Feedback.message_id == message_id))
            connection.execute(sa.delete(Feedback).where(Feedback.message_id == message_id))
            record_rating(connection, session.conversation, "web", before, helpful)
            if before is not helpful:
                named = session.conversation if session.keep else None
                self._outbox.rating(connection, named, "web", message_id, helpful)
            if session.keep:
                note_rating(connection, session.conversation, "web", found, kept, helpful=helpful)
            connection.execute(
                sa.insert(Feedback).values(
                    message_id=message_id,
                    revision_id=_revision(connection, found),
                    helpful=helpful,
                    reason=kept,
                )
            )
        return True

    def _stop_keeping(self, connection: sa.Connection, conversation: str) -> None:
        unlist(connection, [conversation])
        self._outbox.erased(connection, [conversation])
        connection.execute(sa.update(ChatSession).where(ChatSession.id == conversation).values(keep=False))
        connection.execute(sa.update(ChatMessage).where(ChatMessage.session_id == conversation).values(keep=False))

    def _write(self) -> AbstractContextManager[sa.Connection]:
        return writing(self._engine)


def _clear_before(connection: sa.Connection, conversation: str, client_id: str) -> None:
    """Delete what was said before the message `client_id`, and its own words."""
    its_own = ChatMessage.client_id == client_id
    delete_ratings(connection, [conversation])
    connection.execute(
        sa.delete(ChatMessage).where(
            ChatMessage.session_id == conversation, sa.or_(ChatMessage.client_id.is_(None), sa.not_(its_own))
        )
    )
    connection.execute(
        sa.update(ChatMessage).where(ChatMessage.session_id == conversation, its_own).values(text=_DELETED)
    )


def _visitors(conversation: str, client_id: str) -> sa.Select[int, bool, datetime]:
    return sa.select(ChatMessage.id, ChatMessage.handled, ChatMessage.at).where(
        ChatMessage.session_id == conversation, ChatMessage.client_id == client_id
    )


def _replies(connection: sa.Connection, conversation: str, client_id: str) -> list[dict[str, Any]]:
    query = (
        sa.select(ChatMessage.payload)
        .where(ChatMessage.session_id == conversation, ChatMessage.answers == client_id)
        .order_by(ChatMessage.id)
    )
    return [payload for payload in connection.execute(query).scalars() if payload is not None]


def _revision(connection: sa.Connection, message: Mapping[str, Any]) -> int | None:
    """The revision whose words `message` showed; one of messages from before this was kept: the one published now."""
    passages, revisions = message.get("passages") or (), message.get("revisions") or ()
    if not passages:
        return None
    query = sa.select(PassageRevision.id).where(PassageRevision.passage_id == passages[0])
    known = PassageRevision.id == revisions[0] if revisions else PassageRevision.state == PUBLISHED
    return connection.execute(query.where(known)).scalar_one_or_none()
