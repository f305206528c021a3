"""A process that publishes, for tests: `python -m tests.ops.publishing DATABASE BROKER [die]`.

It says "ready" when it has begun. With `die` it ends, as by SIGKILL, once RabbitMQ has confirmed a batch and before any
of that is deleted.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from bot.database.engine import make_engine
from bot.ops.health import Metrics
from bot.ops.publisher import Publisher


class Dying(Publisher):
    """Ends between the confirmation and the deletion."""

    def _finish(self, confirmed: Sequence[int]) -> None:
        if confirmed:
            os.kill(os.getpid(), signal.SIGKILL)
        super()._finish(confirmed)


async def main(database: str, broker: str, how: str = "") -> None:
    kind = Dying if how == "die" else Publisher
    publishing = asyncio.create_task(kind(make_engine(database), broker, Metrics()).run())
    print("ready", flush=True)
    await publishing


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
