"""Notes what went wrong in a conversation, for the staff's queue, and lets the words go with the conversation.

Called in the transaction in which replies, ratings and deletions are stored. A note holds no text yet: the queue reads
it from the conversation (bot.staff.mending.queue).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from bot.database.mending import MendingItem, MendingTheme

#: A theme of fewer problems than this keeps no vector once all words behind it are deleted: it would stand for them.
_ENOUGH = 5
_WRONG = ("fallback", "clarify", "safety")


def note_problems(
    connection: sa.Connection, conversation: str, channel: str, messages: Iterable[Mapping[str, Any]]
) -> None:
    """Note every reply that says that something was not answered, or a danger (no commit)."""
    for message in messages:
        kind = str(message["kind"])
        if kind in _WRONG or (kind == "refusal" and message.get("category") == "out_of_scope"):
            note(connection, kind, conversation, channel, message)


def note_rating(
    connection: sa.Connection, conversation: str, channel: str, message: Mapping[str, Any], reason: str | None, *,
    helpful: bool,
) -> None:  # fmt: skip
    """Note that somebody found `message` of no help, or take that back (no commit)."""
    same = (MendingItem.kind == "not_helpful", MendingItem.message_id == message["id"])
    if helpful:
        connection.execute(sa.delete(MendingItem).where(*same, MendingItem.theme_id.is_(None)))
        taken_back = {"answer": "ignored", "note": "They found it helpful after all."}
        connection.execute(sa.update(MendingItem).where(*same, MendingItem.answer.is_(None)).values(**taken_back))
    else:
        note(connection, "not_helpful", conversation, channel, message, reason)


def note(
    connection: sa.Connection, kind: str, conversation: str, channel: str, message: Mapping[str, Any],
    reason: str | None = None,
) -> None:  # fmt: skip
    """Put a reply into the queue, once for each kind (no commit)."""
    insert = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
    values = {
        "kind": kind,
        "message_id": message["id"],
        "conversation": conversation,
        "channel": channel,
        "reason": reason,
        "topic": message.get("topic"),
        "category": message.get("category"),
        "passage_id": next(iter(message.get("passages") or ()), None),
    }
    statement = insert(MendingItem).values(**values)
    again = statement.on_conflict_do_update(index_elements=["kind", "message_id"], set_={"reason": reason})
    connection.execute(again)


def forget_words(connection: sa.Connection, conversations: Iterable[str]) -> None:
    """Take all words of these conversations out of the queue; that something went wrong stays (no commit)."""
    _forget(connection, MendingItem.conversation.in_(list(conversations)))


def forget_old_words(connection: sa.Connection, oldest: datetime) -> None:
    """The same for everything noted before `oldest` (no commit)."""
    _forget(connection, sa.and_(MendingItem.at < oldest, MendingItem.conversation.is_not(None)))


def _forget(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    themes = set(connection.scalars(sa.select(MendingItem.theme_id).where(which).distinct())) - {None}
    nothing = {"conversation": None, "message_id": None, "text": None, "reason": None, "note": None}
    connection.execute(sa.update(MendingItem).where(which).values(**nothing))
    said = sa.exists().where(MendingItem.theme_id == MendingTheme.id, MendingItem.text.is_not(None))
    few = sa.and_(MendingTheme.id.in_(themes), MendingTheme.items < _ENOUGH, ~said)
    connection.execute(sa.update(MendingTheme).where(few).values(centre=None))
