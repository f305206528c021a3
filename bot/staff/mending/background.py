"""What goes on beside the requests: what others publish is served, and what went wrong is sorted into themes."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import sqlalchemy as sa

from bot.ops.logs import describe
from bot.settings import Settings
from bot.staff.mending.queue import Queue

_log = logging.getLogger(__name__)

#: Seconds between two looks. What is published in another process is served after this time at the latest.
EVERY = 5.0


async def keep_mending(settings: Settings, engine: sa.Engine, bot: Any) -> None:
    """Look every few seconds, for ever.

    Not for a bot without `keep_up`: its process has read nothing, and need not load what reads to sort problems.
    """
    if not hasattr(bot, "keep_up"):
        return
    queue: Queue | None = None
    while True:
        await asyncio.sleep(EVERY)
        try:
            await asyncio.to_thread(bot.keep_up)
            if await asyncio.to_thread(Queue.has_new, engine):
                if queue is None:
                    queue = await asyncio.to_thread(make_queue, settings, engine)
                await asyncio.to_thread(queue.sort_new)
        except Exception as error:  # tried again with the next look
            _log.error("Keeping up with the content failed: %s", describe(error))


def make_queue(settings: Settings, engine: sa.Engine) -> Queue:
    """The queue with the reader of this process."""
    from bot.language.reader import shared_reader  # loads spaCy: not where only webhooks are taken

    usual = (settings.data / "vocabulary" / "usual-words.txt").read_text(encoding="utf-8").split()
    return Queue(engine, lambda: shared_reader(settings.data), frozenset(usual))
