"""One conversation is handled at a time: tickets, in the order in which they were drawn.

Rasa's own lock stores look once a second whether it is their turn, its Redis store reads and writes a lock in separate
steps, so that two processes can draw the same ticket, and a ticket that runs out leaves its holder at work. These two
do neither; both pass tests/engine/test_lock_store.py.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rasa.core.lock import Ticket, TicketLock
from rasa.core.lock_store import LockStore

#: Seconds that an action may take. Nobody waits longer than `bot.service.PATIENCE`; this is for whoever has none.
ACTION_SECONDS = 20.0
#: Seconds that a conversation may be held: longer than an action may take, so that no lock runs out under one.
LIFETIME = ACTION_SECONDS + 10.0


@dataclass
class _Place:
    """Those who want one conversation: who came first has the lock, the others wait for it in their order."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = 0


class LocalLockStore(LockStore):
    """Locks in the memory of this process."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self._drawn = 0

    @asynccontextmanager
    async def lock(
        self, conversation_id: str, lock_lifetime: float = LIFETIME, wait_time_in_seconds: float = 0
    ) -> AsyncIterator[TicketLock]:
        """Hold a conversation as long as the context lasts.

        Args:
            lock_lifetime: seconds after which what is done inside is stopped.
            wait_time_in_seconds: Rasa's; nobody looks here from time to time.

        Raises:
            TimeoutError: it took longer than `lock_lifetime`.
        """
        self._drawn += 1
        drawn, place = self._drawn, self._places.setdefault(conversation_id, _Place())
        place.wanted += 1
        try:
            async with place.lock, asyncio.timeout(lock_lifetime):
                yield ticket_lock(conversation_id, drawn, lock_lifetime)
        finally:
            place.wanted -= 1
            if not place.wanted:
                del self._places[conversation_id]


def ticket_lock(conversation: str, number: int, lifetime: float) -> TicketLock:
    """A lock that is held, in Rasa's form."""
    held = TicketLock(conversation, deque())
    held.tickets.append(Ticket(number, time.time() + lifetime))
    return held
