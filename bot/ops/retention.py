"""Deletes what people wrote when its time is over; counts stay, and so does whether an answer helped.

Kept conversations go `retention_days` after they were last used. With 0 days, and after "don't keep this", they go
when they end: when the visitor deletes them, when the session expires, or an hour after the last message.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from bot.database.engine import writing
from bot.database.models import ChatMessage, ChatSession, Erasure, Event, Feedback, WaitingEvent, now
from bot.ops.conversations import unlist
from bot.ops.logs import describe
from bot.ops.outbox import ERASED, OFF, Outbox
from bot.ops.problems import forget_old_words

_log = logging.getLogger(__name__)

#: A conversation without a message for this long has ended.
ENDED_AFTER = timedelta(hours=1)
#: Seconds between two sweeps: what has ended is gone within this time.
EVERY = 15 * 60
#: How long it is remembered which conversations were deleted: no backup may be older when it is brought back.
ERASURES_KEPT = timedelta(days=90)
#: How long an event waits for its broker at most; that somebody had something deleted is told as long as we know it.
EVENTS_WAIT = timedelta(days=7)
#: Conversations deleted in one transaction, so that others can write in between.
_BATCH = 200


@dataclass(frozen=True)
class Swept:
    """What a sweep deleted: the keys of the conversations, and how many events and reasons besides."""

    conversations: tuple[str, ...]
    events: int
    reasons: int


def sweep(engine: sa.Engine, retention_days: int, moment: datetime | None = None) -> Swept:
    """Delete everything whose time is over at `moment` (now when None); blocks, so call it in a thread."""
    moment = moment or now()
    ended = moment - ENDED_AFTER
    oldest = moment - timedelta(days=retention_days) if retention_days else ended
    gone: list[str] = []
    while batch := _ended_conversations(engine, moment, ended, oldest, retention_days):
        _delete_conversations(engine, batch, keep_ratings=True)
        gone += batch
    events = _delete_events(engine, oldest, whole=not retention_days)
    with writing(engine) as connection:
        forgotten = sa.update(Feedback).where(Feedback.at < oldest, Feedback.reason.is_not(None)).values(reason=None)
        reasons = connection.execute(forgotten).rowcount
        forget_old_words(connection, oldest)
        connection.execute(sa.delete(Erasure).where(Erasure.at < moment - ERASURES_KEPT))
        _delete_waiting_events(connection, max(oldest, moment - EVENTS_WAIT), moment - ERASURES_KEPT)
    erase_traces(engine)
    return Swept(tuple(gone), events, reasons)


def _ended_conversations(
    engine: sa.Engine, moment: datetime, ended: datetime, oldest: datetime, retention_days: int
) -> list[str]:
    over = sa.or_(ChatSession.last_seen < ended, ChatSession.expires <= moment)
    condition = (
        over
        if not retention_days
        else sa.or_(ChatSession.last_seen < oldest, sa.and_(ChatSession.keep.is_(False), over))
    )
    with engine.connect() as connection:
        return list(connection.execute(sa.select(ChatSession.id).where(condition).limit(_BATCH)).scalars())


def _delete_events(engine: sa.Engine, oldest: datetime, *, whole: bool) -> int:
    """Events before `oldest`; with `whole` only those of senders who have said nothing since then."""
    condition: sa.ColumnElement[bool] = Event.timestamp < oldest.timestamp()
    if whole:
        lately = sa.select(Event.sender_id).where(Event.timestamp >= oldest.timestamp())
        condition = sa.and_(condition, Event.sender_id.not_in(lately))
    deleted = 0
    while True:
        with engine.begin() as connection:
            some = list(connection.execute(sa.select(Event.id).where(condition).limit(5 * _BATCH)).scalars())
            if not some:
                return deleted
            deleted += connection.execute(sa.delete(Event).where(Event.id.in_(some))).rowcount


def _delete_waiting_events(connection: sa.Connection, oldest: datetime, oldest_erased: datetime) -> None:
    too_old = sa.case((WaitingEvent.key == ERASED, WaitingEvent.at < oldest_erased), else_=WaitingEvent.at < oldest)
    # What is being published at this moment is on its way out.
    free = sa.select(WaitingEvent.id).where(too_old).with_for_update(skip_locked=True)
    deleted = connection.execute(sa.delete(WaitingEvent).where(WaitingEvent.id.in_(free))).rowcount
    if deleted:
        _log.error("%d events waited too long for the broker and were deleted unpublished.", deleted)


def forget_conversations(engine: sa.Engine, conversations: Sequence[str], outbox: Outbox = OFF) -> None:
    """Delete conversations with everything that was said in them and about them, down to the last trace."""
    with writing(engine) as connection:
        note_erasures(connection, conversations, outbox)
    _delete_conversations(engine, conversations, keep_ratings=False)
    erase_traces(engine)


def _delete_conversations(engine: sa.Engine, conversations: Sequence[str], *, keep_ratings: bool) -> None:
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        delete_ratings(connection, conversations, only_reasons=keep_ratings)
        connection.execute(sa.delete(ChatMessage).where(ChatMessage.session_id.in_(conversations)))
        connection.execute(sa.delete(ChatSession).where(ChatSession.id.in_(conversations)))
        connection.execute(sa.delete(Event).where(Event.sender_id.in_(conversations)))
        unlist(connection, conversations)


def delete_ratings(connection: sa.Connection, conversations: Sequence[str], *, only_reasons: bool = False) -> None:
    """Delete what visitors said of the replies in these conversations, or `only_reasons` that they gave (no commit)."""
    said = sa.select(ChatMessage.payload).where(
        ChatMessage.session_id.in_(conversations), ChatMessage.direction == "bot"
    )
    ids = [payload.get("id") for payload in connection.execute(said).scalars() if payload]
    for start in range(0, len(ids), 500):
        rated = Feedback.message_id.in_(ids[start : start + 500])
        if only_reasons:
            connection.execute(sa.update(Feedback).where(rated).values(reason=None))
        else:
            connection.execute(sa.delete(Feedback).where(rated))


def note_erasures(connection: sa.Connection, conversations: Sequence[str], outbox: Outbox) -> None:
    """Tell that these were deleted because somebody asked (no commit).

    Whoever brings a backup back finds it in `erasures`, and other systems hear of it.
    """
    insert = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
    for conversation in conversations:
        statement = insert(Erasure).values(id=erasure_of(conversation), at=now())
        connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"at": now()}))
    outbox.erased(connection, conversations)


def erasure_of(conversation: str) -> str:
    """What is remembered of a conversation that was deleted."""
    return hashlib.sha256(conversation.encode()).hexdigest()


def erase_traces(engine: sa.Engine) -> None:
    """Empty SQLite's write-ahead log, in which deleted words stay readable; best effort while others read.

    PostgreSQL frees deleted rows by its own vacuum.
    """
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


async def keep_sweeping(engine: sa.Engine, retention_days: int, forget: Callable[[str], Awaitable[Any]]) -> None:
    """Sweep now and every quarter of an hour, for ever. `forget` is the bot's: it may hold conversations elsewhere."""
    while True:
        try:
            swept = await asyncio.to_thread(sweep, engine, retention_days)
            for conversation in swept.conversations:
                await forget(conversation)
            if swept.conversations or swept.events:
                _log.info("Retention: %d conversations and %d events deleted.", len(swept.conversations), swept.events)
        except Exception as error:
            _log.error("The retention sweep failed and is tried again later: %s", describe(error))
        await asyncio.sleep(EVERY)
