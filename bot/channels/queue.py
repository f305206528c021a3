"""The durable queue between webhooks and replies, in the database: every method is one transaction, in a thread.

A conversation is worked on by one process at a time: it holds the lock in `channel_people` and renews it while
it lives. What it was doing when it died is found by the next: a message that was not handled is handled, a reply that
may have been sent is marked and sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from bot.channels.client import LONGEST_RETRY_AFTER
from bot.database.engine import writing
from bot.database.models import Base, Event, now
from bot.ops.conversations import About, record_turn, unlist
from bot.ops.outbox import OFF, Outbox
from bot.ops.retention import erase_traces, note_erasures

Result = TypeVar("Result")

#: How long a lock outlives the process that holds it; it is renewed three times in that time.
LEASE = timedelta(seconds=6)
#: Nothing is ever put off for longer. What is due later than that was stored by a clock that has been set back since.
LONGEST_PAUSE = timedelta(seconds=LONGEST_RETRY_AFTER)
#: Seconds by which a clock may go back unnoticed: time servers correct it in such steps, and nobody waits longer.
_UNNOTICED = 2.0
#: A message whose handling ended the process this often is put aside.
MOST_DEATHS = 5
#: Key of the PostgreSQL advisory lock that lets processes take messages in one after the other.
_TAKING_IN = 0x45564B51

_TABLES = Base.metadata.tables
_people, _arrivals, _deliveries = (_TABLES[f"channel_{name}"] for name in ("people", "arrivals", "deliveries"))

#: The conversation that should be next: somebody has something to do in it, and nobody has it.
_READY = (
    sa.select(_people.c.conversation)
    .where(
        _people.c.channel == sa.bindparam("its_channel"),
        _people.c.urgent == sa.bindparam("is_urgent", type_=sa.Boolean()),
        _people.c.due <= sa.bindparam("moment", type_=_people.c.due.type),
        sa.or_(
            _people.c.locked_until.is_(None),
            _people.c.locked_until < sa.bindparam("moment", type_=_people.c.due.type),
        ),
        _people.c.conversation.not_in(sa.bindparam("held", expanding=True)),
    )
    .order_by(_people.c.due)
    .limit(1)
)


@dataclass(frozen=True)
class Filed:
    """A message as it is taken in: keys that tell nothing, and the rest sealed."""

    channel: str
    keys: Sequence[str]
    conversations: Sequence[str]
    address: bytes
    body: bytes
    urgent: bool = False
    sent: float | None = None


@dataclass(frozen=True)
class Person:
    """What the queue knows of somebody."""

    conversation: str
    channel: str
    address: bytes | None
    last_seen: datetime
    greeted: bool
    keep: bool
    opted_out: datetime | None
    offered: list[list[str]]
    more: bytes | None
    #: Everything is to be deleted once the last reply was sent.
    forget: bool


@dataclass(frozen=True)
class ToHandle:
    """A message whose turn it is; `attempt` is 1 the first time."""

    id: int
    body: bytes
    attempt: int
    at: datetime
    urgent: bool


@dataclass(frozen=True)
class ToSend:
    """A reply whose turn it is."""

    id: int
    request: bytes
    kind: str
    attempt: int
    perhaps_sent: bool


@dataclass(frozen=True)
class Outgoing:
    """A reply to be sent: its request, sealed."""

    request: bytes
    kind: str
    urgent: bool = False


# What became of a step:


@dataclass(frozen=True)
class Handled:
    """The message was handled: the replies, what changes about the person, and what was asked about their words."""

    id: int
    replies: Sequence[Outgoing]
    messages: Sequence[Mapping[str, Any]] = ()
    changes: Mapping[str, Any] | None = None
    wish: str | None = None
    #: Replies that still wait are not wanted any more.
    drop_waiting: bool = False
    #: What the figures hold of the turn besides its replies.
    about: About = field(default_factory=About)


@dataclass(frozen=True)
class Sent:
    """The platform took it."""

    id: int


@dataclass(frozen=True)
class Dropped:
    """The person does not want it: they blocked us or opted out."""

    id: int
    error: str


@dataclass(frozen=True)
class Later:
    """Not now: try again after `seconds`. `maybe` where the platform may have taken it all the same."""

    step: ToHandle | ToSend
    seconds: float
    error: str
    maybe: bool = False


@dataclass(frozen=True)
class Buried:
    """Given up."""

    step: ToHandle | ToSend
    error: str


Step = ToHandle | ToSend
Became = Handled | Sent | Dropped | Later | Buried


class Queue:
    """People, arrivals and deliveries. One thread writes for this process, so that it never waits for itself."""

    def __init__(self, engine: sa.Engine, holder: str, lease: timedelta = LEASE, outbox: Outbox = OFF) -> None:
        """
        Args:
            holder: a name for this process that no other has.
        """
        self._engine, self._holder, self._lease, self._outbox = engine, holder[:60], lease, outbox
        #: How far the clock on the wall is ahead of the one that nobody sets; None before it was looked at.
        self._ahead: float | None = None
        self._writer = ThreadPoolExecutor(1, "channel-queue")
        sqlite = engine.dialect.name == "sqlite"
        self._sqlite = sqlite
        insert: Any = insert_sqlite if sqlite else insert_postgresql
        # What comes back says whether it is new: the count of rows does not, on PostgreSQL.
        self._insert_arrival = (
            insert(_arrivals).on_conflict_do_nothing(index_elements=["channel", "key"]).returning(_arrivals.c.id)
        )
        person = insert(_people)
        new = person.excluded
        self._insert_person = person.on_conflict_do_update(
            index_elements=["conversation"],
            set_={
                "address": new.address,
                "last_seen": new.last_seen,
                "due": sa.case((_people.c.due < new.due, _people.c.due), else_=new.due),
                "urgent": sa.or_(_people.c.urgent, new.urgent),
            },
        )

    async def run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Do `work`, a method of this class, in the writing thread."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, work, *arguments)

    def close(self) -> None:
        """Wait for what is being written."""
        self._writer.shutdown(wait=True)

    # -- taking in ---------------------------------------------------------------------------------------------

    def take_in(self, batch: Sequence[Filed]) -> list[bool]:
        """Store messages; for each whether it is new. When this returns, nothing of them can be lost any more."""
        with self._engine.connect() as connection:
            if self._sqlite:  # an acknowledged message outlives a power cut too
                connection.exec_driver_sql("PRAGMA synchronous = FULL")
                connection.rollback()
            try:
                with connection.begin():
                    if self._sqlite:
                        connection.exec_driver_sql("BEGIN IMMEDIATE")
                    else:  # two processes that get the same messages in another order would wait for each other
                        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_TAKING_IN)))
                    return [self._file(connection, filed) for filed in batch]
            finally:
                if self._sqlite:
                    connection.exec_driver_sql("PRAGMA synchronous = NORMAL")
                    connection.rollback()

    def _file(self, connection: sa.Connection, filed: Filed) -> bool:
        moment = now()
        if len(filed.keys) > 1 and self._known(connection, filed):
            return False
        conversation = self._conversation(connection, filed)
        arrival = {
            "channel": filed.channel, "key": filed.keys[0], "conversation": conversation, "sent": filed.sent,
            "urgent": filed.urgent, "body": filed.body, "at": moment, "due": moment, "state": "waiting", "attempts": 0,
        }  # fmt: skip
        if connection.execute(self._insert_arrival, arrival).first() is None:
            return False
        person = {
            "conversation": conversation, "channel": filed.channel, "address": filed.address, "first_seen": moment,
            "last_seen": moment, "greeted": False, "keep": True, "forget": False, "offered": [], "due": moment,
            "urgent": filed.urgent,
        }  # fmt: skip
        connection.execute(self._insert_person, person)
        return True

    def _known(self, connection: sa.Connection, filed: Filed) -> bool:
        query = sa.select(_arrivals.c.id).where(
            _arrivals.c.channel == filed.channel, _arrivals.c.key.in_(filed.keys[1:])
        )
        return connection.execute(query.limit(1)).first() is not None

    def _conversation(self, connection: sa.Connection, filed: Filed) -> str:
        """The person's key; an older one goes on where there is a row with it (the secret has changed since)."""
        older = list(filed.conversations[1:])
        if older:
            query = sa.select(_people.c.conversation).where(_people.c.conversation.in_(older)).limit(1)
            if (found := connection.execute(query).scalar()) is not None:
                return str(found)
        return filed.conversations[0]

    # -- working -----------------------------------------------------------------------------------------------

    def claim(self, channel: str, only_urgent: bool = False, held: Sequence[str] = ()) -> tuple[Person, Step] | None:
        """Lock the conversation of `channel` that should be next, and take its first step; None: nothing to do now.

        Args:
            held: conversations that this process works on. Their locks may have run out while the machine gave it no
                time, but nobody here may begin with them a second time.
        """
        self._mind_the_clock()
        moment = now()
        looked_for = {"its_channel": channel, "moment": moment, "held": list(held)}
        for urgent in (True,) if only_urgent else (True, False):  # each a look into an index
            # Looked up outside a writing transaction first: most of the time there is nothing.
            with self._engine.connect() as connection:
                if connection.execute(_READY, {**looked_for, "is_urgent": urgent}).first() is None:
                    continue
            if (claimed := self._lock({**looked_for, "is_urgent": urgent}, moment)) is not None:
                return claimed
        return None

    def _lock(self, looked_for: Mapping[str, Any], moment: datetime) -> tuple[Person, Step] | None:
        with self._write() as connection:
            query = _READY if self._sqlite else _READY.with_for_update(skip_locked=True)
            conversation = connection.execute(query, looked_for).scalar()
            if conversation is None:
                return None
            connection.execute(
                sa.update(_people)
                .where(_people.c.conversation == conversation)
                .values(locked_until=moment + self._lease, locked_by=self._holder)
            )
            connection.execute(  # whoever held the lock before us died while sending these
                sa.update(_deliveries)
                .where(_deliveries.c.conversation == conversation, _deliveries.c.state == "sending")
                .values(state="waiting", perhaps_sent=True)
            )
            step = self._next(connection, conversation)
            if step is None:
                self._release(connection, conversation)
                return None
            return self._person(connection, conversation), step

    def _mind_the_clock(self) -> None:
        """Where the clock was set back, nobody waits until it has caught up: what waits for then is due now."""
        ahead = time.time() - time.monotonic()
        before, self._ahead = self._ahead, ahead
        if before is not None and before - ahead < _UNNOTICED:
            return
        # The first look: it may have been set back while no process ran.
        latest = now() + (LONGEST_PAUSE if before is None else timedelta(0))
        # Who holds a lock and lives renews it within this time; who died does not.
        lease = now() + self._lease
        late, locked = _people.c.due > latest, _people.c.locked_until > lease
        waiting = sa.select(_people.c.conversation).where(sa.or_(late, locked)).limit(1)
        with self._engine.connect() as connection:
            if connection.execute(waiting).first() is None:
                return
        with self._write() as connection:
            for table in (_people, _arrivals, _deliveries):
                connection.execute(sa.update(table).where(table.c.due > latest).values(due=now()))
            connection.execute(sa.update(_people).where(locked).values(locked_until=lease))

    def seconds_to_next(self, channel: str, held: Sequence[str] = ()) -> float | None:
        """How long until something of `channel` is due that nobody works on (`held`: that we do); None: nothing is."""
        free = sa.or_(_people.c.locked_until.is_(None), _people.c.locked_until < now())
        due_there = (_people.c.channel == channel, _people.c.due.is_not(None), _people.c.conversation.not_in(held))
        query = sa.select(_people.c.due).where(*due_there, free)
        with self._engine.connect() as connection:
            due = connection.execute(query.order_by(_people.c.due).limit(1)).scalar()
        return None if due is None else max(0.0, (due - now()).total_seconds())

    def advance(self, conversation: str, became: Became, last: bool = False) -> tuple[Person, Step] | None:
        """Record what became of the last step and take the next; None: there is none, and the lock is given back.

        Where another process has taken the conversation over meanwhile, only what has happened is recorded: that a
        message was handled, that the platform took a reply. What is to be done next is for the other one to say.

        Args:
            last: give the lock back in any case, so that others get their turn.
        """
        with self._write() as connection:
            mine = connection.execute(
                sa.update(_people)
                .where(_people.c.conversation == conversation, _people.c.locked_by == self._holder)
                .values(locked_until=now() + self._lease)
            )
            if mine.rowcount or isinstance(became, Handled | Sent):
                self._record(connection, conversation, became)
            if not mine.rowcount:
                return None
            step = None if last else self._next(connection, conversation)
            if step is None:
                self._release(connection, conversation)
                return None
            return self._person(connection, conversation), step

    def renew(self, conversations: Sequence[str]) -> None:
        """Keep the locks that this process holds."""
        with self._write() as connection:
            connection.execute(
                sa.update(_people)
                .where(_people.c.locked_by == self._holder, _people.c.conversation.in_(conversations))
                .values(locked_until=now() + self._lease)
            )

    def erase(self) -> None:
        """Take what has been deleted out of the database's files as well."""
        erase_traces(self._engine)

    def backlog(self) -> dict[str, int]:
        """How many messages wait to be handled, by channel."""
        query = (
            sa.select(_arrivals.c.channel, sa.func.count())
            .where(_arrivals.c.state == "waiting")
            .group_by(_arrivals.c.channel)
        )
        with self._engine.connect() as connection:
            return {channel: count for channel, count in connection.execute(query)}

    def _next(self, connection: sa.Connection, conversation: str) -> Step | None:
        moment = now()
        waiting = connection.execute(
            sa.select(_deliveries)
            .where(_deliveries.c.conversation == conversation, _deliveries.c.state == "waiting")
            .order_by(_deliveries.c.urgent.desc(), _deliveries.c.id)
            .limit(1)
        ).first()
        if waiting is not None and waiting.due <= moment:
            connection.execute(
                sa.update(_deliveries)
                .where(_deliveries.c.id == waiting.id)
                .values(state="sending", attempts=waiting.attempts + 1)
            )
            return ToSend(waiting.id, waiting.request, waiting.kind, waiting.attempts + 1, waiting.perhaps_sent)
        arrived = connection.execute(
            sa.select(_arrivals)
            .where(_arrivals.c.conversation == conversation, _arrivals.c.state == "waiting")
            .order_by(_arrivals.c.sent.is_(None), _arrivals.c.sent, _arrivals.c.id)
            .limit(1)
        ).first()
        if arrived is None or arrived.due > moment:
            return None
        if arrived.attempts >= MOST_DEATHS:
            self._bury_arrival(connection, arrived.id, "the process ended while it was being handled")
            return self._next(connection, conversation)
        connection.execute(
            sa.update(_arrivals).where(_arrivals.c.id == arrived.id).values(attempts=arrived.attempts + 1)
        )
        return ToHandle(arrived.id, arrived.body, arrived.attempts + 1, arrived.at, arrived.urgent)

    def _record(self, connection: sa.Connection, conversation: str, became: Became) -> None:
        if isinstance(became, Handled):
            self._handled(connection, conversation, became)
        elif isinstance(became, Sent):
            self._set(connection, _deliveries, became.id, state="sent", request=None, error=None, sent_at=now())
        elif isinstance(became, Dropped):
            self._set(connection, _deliveries, became.id, state="dropped", request=None, error=became.error[:120])
        elif isinstance(became, Buried):
            table = _deliveries if isinstance(became.step, ToSend) else _arrivals
            self._set(connection, table, became.step.id, state="dead", error=became.error[:120])
        elif isinstance(became.step, ToSend):
            later: dict[str, Any] = {"due": now() + timedelta(seconds=became.seconds), "error": became.error[:120]}
            if became.maybe:
                later["perhaps_sent"] = True
            self._set(connection, _deliveries, became.step.id, state="waiting", **later)
        else:
            due = now() + timedelta(seconds=became.seconds)
            self._set(connection, _arrivals, became.step.id, due=due, error=became.error[:120])

    def _handled(self, connection: sa.Connection, conversation: str, became: Handled) -> None:
        done = connection.execute(
            sa.update(_arrivals)
            .where(_arrivals.c.id == became.id, _arrivals.c.state == "waiting")
            .values(state="done", body=None, error=None)
        )
        if not done.rowcount:  # deleted meanwhile, or another process had it
            return
        if became.drop_waiting:
            connection.execute(
                sa.update(_deliveries)
                .where(_deliveries.c.conversation == conversation, _deliveries.c.state == "waiting")
                .values(state="dropped", request=None)
            )
        moment, channel = now(), conversation.partition("-")[0]
        for reply in became.replies:
            connection.execute(
                sa.insert(_deliveries).values(
                    channel=channel,
                    conversation=conversation,
                    kind=reply.kind,
                    urgent=reply.urgent,
                    state="waiting",
                    perhaps_sent=False,
                    attempts=0,
                    due=moment,
                    request=reply.request,
                    at=moment,
                )
            )
        changes = dict(became.changes or {})
        if became.wish == "dont_keep":
            changes["keep"] = False
            self._outbox.erased(connection, [conversation])
        if became.wish == "forget":
            changes.update(forget=True, offered=[], more=None)
            note_erasures(connection, [conversation], self._outbox)
            self._forget_arrivals(connection, conversation)
            connection.execute(sa.delete(Event).where(Event.sender_id == conversation))
        if changes:
            connection.execute(sa.update(_people).where(_people.c.conversation == conversation).values(**changes))
        if became.messages:
            keep = connection.scalar(sa.select(_people.c.keep).where(_people.c.conversation == conversation))
            about = replace(became.about, listed=bool(keep) and became.wish is None)
            record_turn(connection, conversation, channel, became.messages, about)
            self._outbox.turn(connection, conversation, channel, became.messages, about)

    def _forget_arrivals(self, connection: sa.Connection, conversation: str) -> None:
        """Of what was handled stays only the keyed hash by which a repetition is known."""
        connection.execute(
            sa.update(_arrivals)
            .where(_arrivals.c.conversation == conversation, _arrivals.c.state != "waiting")
            .values(conversation=None, body=None, error=None)
        )

    def _release(self, connection: sa.Connection, conversation: str) -> None:
        """Give the lock back, and note when there is work again; somebody forgotten goes with the last of it."""
        waiting: list[tuple[datetime, bool]] = []
        for table in (_arrivals, _deliveries):
            # Only the first of each counts: the others wait for it.
            order = (
                (table.c.urgent.desc(), table.c.id)
                if table is _deliveries
                else (table.c.sent.is_(None), table.c.sent, table.c.id)
            )
            states = ["waiting"] if table is _arrivals else ["waiting", "sending"]
            query = sa.select(table.c.due, table.c.urgent).where(
                table.c.conversation == conversation, table.c.state.in_(states)
            )
            waiting += [(row.due, row.urgent) for row in connection.execute(query.order_by(*order).limit(1))]
            urgent = query.where(table.c.urgent).limit(1)
            waiting += [(row.due, True) for row in connection.execute(urgent).all() if table is _deliveries]
        any_urgent = any(urgent for _, urgent in waiting) or self._urgent_arrival(connection, conversation)
        due = min((due for due, _ in waiting), default=None)
        connection.execute(
            sa.update(_people)
            .where(_people.c.conversation == conversation)
            .values(due=due, urgent=any_urgent, locked_until=None, locked_by=None)
        )
        if due is None:
            self._go(connection, conversation)

    def _urgent_arrival(self, connection: sa.Connection, conversation: str) -> bool:
        query = sa.select(_arrivals.c.id).where(
            _arrivals.c.conversation == conversation, _arrivals.c.state == "waiting", _arrivals.c.urgent
        )
        return connection.execute(query.limit(1)).first() is not None

    def _go(self, connection: sa.Connection, conversation: str) -> None:
        query = sa.select(_people.c.conversation).where(_people.c.conversation == conversation, _people.c.forget)
        if connection.execute(query).first() is not None:
            delete_people(connection, [conversation])

    def _person(self, connection: sa.Connection, conversation: str) -> Person:
        row = connection.execute(sa.select(_people).where(_people.c.conversation == conversation)).one()
        return Person(
            row.conversation, row.channel, row.address, row.last_seen, row.greeted, row.keep, row.opted_out,
            row.offered or [], row.more, row.forget,
        )  # fmt: skip

    def _bury_arrival(self, connection: sa.Connection, identity: int, error: str) -> None:
        self._set(connection, _arrivals, identity, state="dead", error=error)

    @staticmethod
    def _set(connection: sa.Connection, table: sa.Table, identity: int, **values: Any) -> None:
        connection.execute(sa.update(table).where(table.c.id == identity).values(**values))

    def _write(self) -> contextlib.AbstractContextManager[sa.Connection]:
        return writing(self._engine)


def delete_people(connection: sa.Connection, conversations: Sequence[str]) -> None:
    """Delete everything about these people but two things that name nobody (no commit).

    What stays: the hashes by which a repeated message is known, and that somebody opted out.
    """
    unlist(connection, conversations)
    connection.execute(sa.delete(_deliveries).where(_deliveries.c.conversation.in_(conversations)))
    connection.execute(
        sa.delete(_arrivals).where(_arrivals.c.conversation.in_(conversations), _arrivals.c.state != "done")
    )
    connection.execute(
        sa.update(_arrivals)
        .where(_arrivals.c.conversation.in_(conversations))
        .values(conversation=None, body=None, error=None)
    )
    these = _people.c.conversation.in_(conversations)
    connection.execute(sa.delete(_people).where(these, _people.c.opted_out.is_(None)))
    connection.execute(
        sa.update(_people)
        .where(these)
        .values(address=None, offered=[], more=None, greeted=False, forget=False, keep=True, due=None, urgent=False)
    )
