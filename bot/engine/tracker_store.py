"""Conversations in the project's own database, without holding up the event loop.

Rasa's SQL store makes its own engine, creates its table itself, and reads and writes in the event loop, where
a busy database stops every conversation for seconds. Here the engine is ours (bot.database), the table comes from
our migrations, and every call runs in a thread.

Of a long conversation only the end is read: the last events, and before them the last value of each slot. So a turn
costs as much after a thousand turns as after ten.

Where several processes share a database, what one of them writes must follow what it has read: a lock may be lost with
the service that holds it (bot.engine.redis_locks).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from bot.database.engine import make_engine, writing
from bot.database.models import Base
from bot.engine.events import events_of
from bot.engine.states import UNUSUAL
from bot.engine.tracker import Tracker
from bot.errors import OvertakenError
from bot.ops.steps import stage

_EVENTS = Base.metadata.tables["events"]
_ID, _KIND, _NAME, _DATA = _EVENTS.c.id, _EVENTS.c.type_name, _EVENTS.c.action_name, _EVENTS.c.data
#: The number of an event, and what it holds.
_Row = tuple[int, str]
_ALONE = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:conversation, 0))")

#: Events of a conversation that are read: about five turns of this bot.
ENOUGH = 64
#: Kinds of event whose effect reaches beyond the last events: where there is one, the whole conversation is read.
_FAR = tuple(sorted({"pause", "resume", "form", "form_validation", *(event.type_name for event in UNUSUAL)}))
_STARTED = SessionStarted.type_name


class DatabaseTrackerStore(TrackerStore):
    """Rasa's tracker store over `events`; rows are as Rasa's own SQL store writes them."""

    def __init__(self, domain: Domain | None, engine: sa.Engine) -> None:
        super().__init__(domain, None)
        self._engine = engine
        #: How many of the last states the dialogue looks at; None: all, and conversations are read whole.
        self.states: int | None = None
        self._shared = engine.dialect.name != "sqlite"

    @classmethod
    def of(cls, database_url: str) -> DatabaseTrackerStore:
        """A store on the database at `database_url`; its tables must exist (bot.database.migrate)."""
        return cls(Domain.empty(), make_engine(database_url))

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Write the events that are not stored yet.

        Raises:
            OvertakenError: on a shared database, the conversation has changed since it was read.
        """
        await self.stream_events(tracker)
        if len(tracker.events) > getattr(tracker, "stored_events", 0):
            with stage("keep"):
                await asyncio.to_thread(self._write, tracker)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """The conversation as far as the dialogue needs it, or None where nothing is stored."""
        with stage("load"):
            return self._tracker(sender_id, await asyncio.to_thread(self._read_end, sender_id))

    async def retrieve_full_tracker(self, conversation_id: str) -> DialogueStateTracker | None:
        """The conversation from its beginning, or None where nothing is stored."""
        return self._tracker(conversation_id, await asyncio.to_thread(self._read, conversation_id))

    async def slot(self, sender_id: str, name: str) -> object:
        """The last value of one slot, without reading the whole conversation; None where it was never set."""
        return await asyncio.to_thread(self._slot, sender_id, name)

    async def keys(self) -> Iterable[str]:
        """The keys of all conversations."""
        return await asyncio.to_thread(self._keys)

    def forget(self, sender_id: str) -> None:
        """Delete a conversation."""
        with writing(self._engine) as connection:
            connection.execute(_EVENTS.delete().where(_EVENTS.c.sender_id == sender_id))

    def init_tracker(self, sender_id: str) -> DialogueStateTracker:
        """An empty conversation."""
        return Tracker(sender_id, self.domain.slots)

    def _tracker(self, sender_id: str, rows: Sequence[_Row]) -> DialogueStateTracker | None:
        if not rows or self.domain is None:
            return None
        tracker = Tracker.from_events(sender_id, events_of(json.loads(data) for _, data in rows), self.domain.slots)
        tracker.stored_events, tracker.newest_event = len(rows), rows[-1][0]
        return tracker

    # -- in a thread ---------------------------------------------------------------------------------------------

    def _read(self, sender_id: str) -> list[_Row]:
        query = sa.select(_ID, _DATA).where(_EVENTS.c.sender_id == sender_id).order_by(_ID)
        with self._engine.connect() as connection:
            return [(identity, data) for identity, data in connection.execute(query)]

    def _read_end(self, sender_id: str) -> list[_Row]:
        """The last events, and before them what set the slots that they do not set; all where that is not enough."""
        if self.states is None:
            return self._read(sender_id)
        mine = _EVENTS.c.sender_id == sender_id
        last = sa.select(_ID, _KIND, _NAME, _DATA).where(mine).order_by(_ID.desc()).limit(ENOUGH)
        with self._engine.connect() as connection:
            rows = connection.execute(last).all()[::-1]
            if len(rows) < ENOUGH:
                return [(row.id, row.data) for row in rows]
            # A turn begins where the bot listens.
            listening = (ActionExecuted.type_name, ACTION_LISTEN_NAME)
            begin = next((i for i, row in enumerate(rows) if (row.type_name, row.action_name) == listening), len(rows))
            actions = sum(row.type_name == ActionExecuted.type_name for row in rows[begin:])
            kinds = sa.select(_KIND, sa.func.max(_ID)).where(mine, _KIND.in_([*_FAR, _STARTED])).group_by(_KIND)
            found = {kind: newest for kind, newest in connection.execute(kinds)}
            if actions <= self.states or any(kind in found for kind in _FAR):
                return self._read(sender_id)
            started = found.get(_STARTED, 0)
            before = connection.execute(self._slots_before(mine, rows[begin].id, started)).all()
        return [(row.id, row.data) for row in [*before, *rows[begin:]]]

    def _slots_before(self, mine: sa.ColumnElement[bool], end: int, start: int) -> sa.Select[tuple[int, str]]:
        """What last set each slot between the events `start` and `end`."""
        between = (mine, SlotSet.type_name == _KIND, start < _ID, end > _ID)
        newest = [sa.select(sa.func.max(_ID)).where(*between, slot.name == _NAME) for slot in self.domain.slots]
        return sa.select(_ID, _DATA).where(_ID.in_(sa.union_all(*newest))).order_by(_ID)

    def _slot(self, sender_id: str, name: str) -> object:
        query = (
            sa.select(_EVENTS.c.data)
            .where(_EVENTS.c.sender_id == sender_id, _EVENTS.c.type_name == "slot", _EVENTS.c.action_name == name)
            .order_by(_EVENTS.c.id.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            data = connection.scalar(query)
        return json.loads(data).get("value") if data else None

    def _write(self, tracker: DialogueStateTracker) -> None:
        known = getattr(tracker, "stored_events", 0)
        rows = []
        for event in list(tracker.events)[known:]:
            data = event.as_dict()
            intent = (data.get("parse_data") or {}).get("intent") or {}
            rows.append(
                {
                    "sender_id": tracker.sender_id,
                    "type_name": event.type_name,
                    "timestamp": event.timestamp,
                    "intent_name": intent.get("name"),
                    "action_name": data.get("name"),
                    "data": json.dumps(data),
                }
            )
        if rows:
            # Its first statement writes, so on SQLite it waits its turn; on PostgreSQL conversations need not wait.
            with self._engine.begin() as connection:
                if self._shared:
                    self._hold(connection, tracker)
                connection.execute(_EVENTS.insert(), rows)
                if self._shared:
                    tracker.newest_event = self._newest(connection, tracker.sender_id)
        tracker.stored_events = known + len(rows)

    def _hold(self, connection: sa.Connection, tracker: DialogueStateTracker) -> None:
        """Keep others from writing into the conversation until the transaction ends, if nobody did meanwhile."""
        connection.execute(_ALONE, {"conversation": tracker.sender_id})
        if self._newest(connection, tracker.sender_id) != getattr(tracker, "newest_event", None):
            raise OvertakenError("Another process wrote into this conversation.")

    def _newest(self, connection: sa.Connection, sender_id: str) -> int | None:
        return connection.scalar(sa.select(sa.func.max(_ID)).where(_EVENTS.c.sender_id == sender_id))

    def _keys(self) -> list[str]:
        with self._engine.connect() as connection:
            return list(connection.scalars(sa.select(_EVENTS.c.sender_id).distinct()))
