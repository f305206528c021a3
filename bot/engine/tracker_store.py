"""Conversations in the project's own database, without holding up the event loop.

Rasa's SQL store makes its own engine, creates its table itself, and reads and writes in the event loop, where
a busy database stops every conversation for seconds. Here the engine is ours (bot.database), the table comes from
our migrations, and every call runs in a thread.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

import sqlalchemy as sa
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker

from bot.database.engine import make_engine, write_transaction
from bot.database.models import Base
from bot.engine.events import events_of
from bot.engine.tracker import Tracker

_EVENTS = Base.metadata.tables["events"]


class DatabaseTrackerStore(TrackerStore):
    """Rasa's tracker store over `events`; rows are as Rasa's own SQL store writes them."""

    def __init__(self, domain: Domain | None, engine: sa.Engine) -> None:
        super().__init__(domain, None)
        self._engine = engine

    @classmethod
    def of(cls, database_url: str) -> DatabaseTrackerStore:
        """A store on the database at `database_url`; its tables must exist (bot.database.migrate)."""
        return cls(Domain.empty(), make_engine(database_url))

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Write the events that are not stored yet."""
        await self.stream_events(tracker)
        await asyncio.to_thread(self._write, tracker)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """The conversation, or None where nothing is stored."""
        rows = await asyncio.to_thread(self._read, sender_id)
        if not rows or self.domain is None:
            return None
        tracker = Tracker.from_events(sender_id, events_of(json.loads(row) for row in rows), self.domain.slots)
        tracker.stored_events = len(rows)
        return tracker

    async def retrieve_full_tracker(self, conversation_id: str) -> DialogueStateTracker | None:
        """As `retrieve`: a conversation is one session here."""
        return await self.retrieve(conversation_id)

    async def keys(self) -> Iterable[str]:
        """The keys of all conversations."""
        return await asyncio.to_thread(self._keys)

    def forget(self, sender_id: str) -> None:
        """Delete a conversation."""
        with write_transaction(self._engine) as connection:
            connection.execute(_EVENTS.delete().where(_EVENTS.c.sender_id == sender_id))

    def init_tracker(self, sender_id: str) -> DialogueStateTracker:
        """An empty conversation."""
        return Tracker(sender_id, self.domain.slots)

    # -- in a thread ---------------------------------------------------------------------------------------------

    def _read(self, sender_id: str) -> list[str]:
        query = sa.select(_EVENTS.c.data).where(_EVENTS.c.sender_id == sender_id).order_by(_EVENTS.c.id)
        with self._engine.connect() as connection:
            return list(connection.scalars(query))

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
            with write_transaction(self._engine) as connection:
                connection.execute(_EVENTS.insert(), rows)
        tracker.stored_events = known + len(rows)

    def _keys(self) -> list[str]:
        with self._engine.connect() as connection:
            return list(connection.scalars(sa.select(_EVENTS.c.sender_id).distinct()))
