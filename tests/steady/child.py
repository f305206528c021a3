"""One of several processes in a test: `python -m tests.steady.child TASK JSON`. Says what it did in JSON lines.

`dialogue` handles messages with Rasa's engine and the toy bot; each line is [conversation, number of the ticket, id].
`queue` works the messengers' queue off; each line is [conversation, words], in the order of handling.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.engine import compat

compat.prepare()

#: The message that the running task handles.
_message: ContextVar[str] = ContextVar("_message")


def tell(*what: Any) -> None:
    print(json.dumps([time.monotonic_ns(), *what]), flush=True)


async def dialogue(given: dict[str, Any]) -> None:
    """Handle `messages` ([conversation, id] each), all at the same moment."""
    from rasa.shared.core.domain import Domain

    from bot.database.engine import make_engine
    from bot.engine.engine import Engine, Turn
    from bot.engine.redis_locks import RedisLockStore
    from bot.engine.tracker_store import DatabaseTrackerStore

    class Telling(RedisLockStore):
        @asynccontextmanager
        async def lock(self, conversation_id: str, *arguments: Any, **more: Any) -> AsyncIterator[Any]:
            async with super().lock(conversation_id, *arguments, **more) as held:
                tell(conversation_id, held.now_serving, _message.get())
                yield held

    locks = Telling(given["redis"], given["prefix"])
    store = DatabaseTrackerStore(Domain.empty(), make_engine(given["database"]))
    engine = Engine(Path(given["model"]), tracker_store=store, lock_store=locks)
    engine.start()
    tell("ready")
    sys.stdin.readline()

    async def one(conversation: str, message: str) -> None:
        _message.set(message)
        await engine.handle(Turn(conversation, f"hello {message}", message_id=message))

    await asyncio.gather(*(asyncio.create_task(one(*message)) for message in given["messages"]))
    await engine.close()
    tell("done")


async def queue(given: dict[str, Any]) -> None:
    """Take `messages` ([conversation, key] each) in and work on whatever is there until nothing is left."""
    from bot.channels.queue import Filed, Handled, Outgoing, Queue, Sent, ToHandle
    from bot.database.engine import make_engine

    work = Queue(make_engine(given["database"]), given["holder"], timedelta(seconds=2))
    tell("ready")
    sys.stdin.readline()
    for start in range(0, len(given["messages"]), 20):
        work.take_in(
            [
                Filed("telegram", [key], [conversation], b"address", key.encode())
                for conversation, key in given["messages"][start : start + 20]
            ]
        )
    quiet = 0
    while quiet < 40:
        claimed = work.claim("telegram")
        quiet = quiet + 1 if claimed is None else 0
        if claimed is None:
            await asyncio.sleep(0.05)
        while claimed is not None:
            person, step = claimed
            if isinstance(step, ToHandle):
                tell(person.conversation, step.body.decode(), "handled")
                claimed = work.advance(
                    person.conversation, Handled(step.id, [Outgoing(step.body, "answer")], drop_waiting=False)
                )
            else:
                tell(person.conversation, step.request.decode(), "sent")
                claimed = work.advance(person.conversation, Sent(step.id))
    tell("done")


if __name__ == "__main__":
    asyncio.run({"dialogue": dialogue, "queue": queue}[sys.argv[1]](json.loads(sys.argv[2])))
