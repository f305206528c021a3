"""Makes processes that serve a small bot, quickly: it has loaded everything, and forks on demand.

`python -m tests.steady.zygote` reads lines `PORT` and answers each with the id of a process that serves there. Its
settings are those of the environment; `TOY_MODEL` names the model.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from bot.engine import compat

compat.prepare()

import bot.engine.redis_locks  # noqa: E402
from bot.app import build  # noqa: E402
from bot.engine.engine import Engine  # noqa: E402
from bot.engine.engine import Turn as EngineTurn  # noqa: E402
from bot.engine.tracker_store import DatabaseTrackerStore  # noqa: E402
from bot.language.reader import shared_reader  # noqa: E402
from bot.message import Message  # noqa: E402
from bot.service import Turn  # noqa: E402
from bot.settings import Settings  # noqa: E402
from bot.web.commands import listen, serve  # noqa: E402


class ToyBot:
    """The dialogue engine with the toy model, as a bot: an error is an error, nothing is answered instead."""

    missing = ()
    ready = True

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def handle(self, turn: Turn) -> list[Message]:
        asked = EngineTurn(turn.conversation, turn.text or "", message_id=turn.message_id)
        outcome = await self._engine.handle(asked)
        return [_shown(said) for said in outcome.messages]

    async def replay(self, turn: Turn) -> list[Message] | None:
        said, _ = await self._engine.replay(turn.conversation, turn.message_id)
        return [_shown(message) for message in said] or None

    async def forget(self, conversation: str) -> None:
        await self._engine.forget(conversation)

    async def close(self) -> None:
        await self._engine.close()

    def wish(self, conversation: str) -> str | None:
        return None


def _shown(said: dict[str, Any]) -> Message:
    return Message(id=os.urandom(8).hex(), kind="answer", lead=str(said.get("lead") or "…"))


def main() -> None:
    settings = Settings.read()
    # Each child finds all modules and weights there: else it would be killed before it has answered anybody.
    Engine(Path(os.environ["TOY_MODEL"])).start()
    reader = shared_reader(settings.data)
    reader.lexicon.find("ready")
    reader.encoder.load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(2, 1)
            store = DatabaseTrackerStore.of(settings.database_url)
            locks = bot.engine.redis_locks.RedisLockStore(settings.redis_url, settings.redis_prefix)
            engine = Engine(Path(os.environ["TOY_MODEL"]), tracker_store=store, lock_store=locks)
            engine.start()
            serve(build(settings, ToyBot(engine)), listen("127.0.0.1", int(line)), settings)
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
