"""What a part of `make chaos` counts, where it takes place, and what must hold in all of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import sqlalchemy as sa

from bot.database.engine import make_engine
from bot.settings import Settings
from tests.steady.processes import Visitor, copy_content, environment_of
from tests.steady.proxy import Proxy

_POSTGRESQL = os.environ.get("TEST_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
_REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")

QUESTIONS = ("what is ketamine", "can i take xanax with it", "how long does a session last", "and alcohol?")
DANGER = "i want to kill myself"
#: What an answer to a danger must hold where there is no contact: a number to call.
NUMBERS = ("999", "911", "112", "116 123", "988")


@dataclass
class Count:
    """What happened in one part, and what should not have."""

    name: str
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def check(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.wrong.append(otherwise)

    def report(self) -> dict[str, Any]:
        seconds = round(time.monotonic() - self.began, 1)
        counts = ", ".join(f"{number} {name}" for name, number in sorted(self.seen.items()))
        print(f"{'FAILED' if self.wrong else 'kept  '}  {self.name} ({seconds} s): {counts}", flush=True)
        for problem in self.wrong[:10]:
            print(f"        {problem}", flush=True)
        return {"seconds": seconds, "wrong": len(self.wrong), **self.seen}


@dataclass
class Place:
    """Services behind proxies, and what the trained bot needs."""

    trained: Settings
    folder: Path
    database: str
    direct: str
    redis: str
    prefix: str
    before_database: Proxy
    before_redis: Proxy

    def environment(self, **more: str) -> dict[str, str]:
        shared = {"REDIS_URL": self.redis, "REDIS_PREFIX": self.prefix, **more}
        return environment_of(self.trained, self.folder, self.database, **shared)


@contextlib.asynccontextmanager
async def place() -> AsyncIterator[Place]:
    """A database and a corner of Redis of our own, each behind a proxy."""
    import redis

    trained, name, prefix = Settings.read(), f"evenkeel_chaos_{secrets.token_hex(4)}", f"chaos-{secrets.token_hex(4)}:"
    server = sa.create_engine(_POSTGRESQL, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    direct, address = sa.make_url(_POSTGRESQL).set(database=name), sa.make_url(_REDIS)
    proxies = [Proxy(direct.host or "127.0.0.1", direct.port or 5432), Proxy(address.host or "", address.port or 6379)]
    ports = [await proxy.start() for proxy in proxies]
    hidden = direct.set(host="127.0.0.1", port=ports[0]).render_as_string(hide_password=False)
    through = address.set(host="127.0.0.1", port=ports[1]).render_as_string(hide_password=False)
    with tempfile.TemporaryDirectory() as folder:
        plain = direct.render_as_string(hide_password=False)
        await asyncio.to_thread(copy_content, trained, plain)
        try:
            yield Place(trained, Path(folder), hidden, plain, through, prefix, *proxies)
        finally:
            for proxy in proxies:
                await proxy.stop()
            with server.connect() as connection:
                connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
            server.dispose()
            client = redis.Redis.from_url(_REDIS)
            for key in client.scan_iter(f"{prefix}*"):
                client.delete(key)
            client.close()


# -- what must hold ----------------------------------------------------------------------------------------------


def check_stored(count: Count, database: str) -> None:
    """Every message that was taken in was answered once, and the dialogue had it at most once."""
    engine = make_engine(database)
    with engine.connect() as connection:
        unanswered = connection.scalar(
            sa.text(
                "SELECT count(*) FROM chat_messages v WHERE direction = 'visitor' AND NOT EXISTS (SELECT 1 FROM "
                "chat_messages b WHERE b.session_id = v.session_id AND b.answers = v.client_id)"
            )
        )
        rows = connection.execute(
            sa.text("SELECT session_id, answers, count(*) FROM chat_messages WHERE direction = 'bot' GROUP BY 1, 2")
        ).all()
        events = connection.execute(sa.text("SELECT sender_id, data FROM events WHERE type_name = 'user'")).all()
    engine.dispose()
    handled = Counter((sender, json.loads(data).get("message_id")) for sender, data in events)
    count.seen["messages stored"] = len(rows)
    count.seen["handled by the dialogue twice"] = sum(number > 1 for number in handled.values())
    count.check(not unanswered, f"{unanswered} messages were taken in and never answered")
    count.check(all(number == 1 for number in handled.values()), "the dialogue handled a message twice")


async def check_histories(count: Count, address: str, people: list[Visitor], said: list[list[str]]) -> None:
    """Everybody sees what they said and nothing of others."""
    seen: set[str] = set()
    for person, own in zip(people, said, strict=True):
        history = await person.history(address)
        texts = [message["text"] for message in history if message["from"] == "visitor"]
        count.check(sorted(texts) == sorted(own), f"somebody's history holds {len(texts)} of {len(own)} messages")
        ids = {message["id"] for message in history if message["from"] == "bot"}
        count.check(not ids & seen, "a reply stands in two people's histories")
        seen |= ids


def helps(response: httpx.Response) -> bool:
    """Whether somebody in danger was told whom to call."""
    if response.status_code == 200:
        return any(m["kind"] == "safety" and m["contacts"] for m in response.json()["messages"])
    return any(number in response.text for number in NUMBERS)


async def danger(count: Count, person: Visitor, address: str, identity: str) -> None:
    """Somebody in danger writes now, whatever is broken."""
    try:
        began = time.monotonic()
        response = await person.say(address, identity, DANGER)
        count.seen["dangers"] += 1
        count.seen["dangers answered with contacts"] += response.status_code == 200
        count.check(helps(response), f"a danger got no number ({response.status_code})")
        count.check(time.monotonic() - began < 15, "a danger waited too long")
    except httpx.TransportError as error:
        count.check(False, f"a danger got no answer ({type(error).__name__})")


class Crowd:
    """People who talk as long as the context lasts; each insists on an answer before saying the next thing."""

    def __init__(
        self,
        count: Count,
        people: list[Visitor],
        where: Callable[[int], list[str]],
        words: Callable[[int, int], str] = lambda number, turn: QUESTIONS[(number + turn) % len(QUESTIONS)],
        *,
        tries: int = 150,
        pause: float = 0.1,
    ) -> None:
        """
        Args:
            where: the addresses that are tried in turn, given a number that is never the same.
            words: what is said, given whose it is and which of theirs.
            tries: of one message; pause: seconds between an answer and the next message.
        """
        self.people, self.said = people, [list[str]() for _ in people]
        self._count, self._where, self._words, self._tries, self._pause = count, where, words, tries, pause
        self._over, self._talking = asyncio.Event(), list[asyncio.Task[None]]()
        self._longest = 0.0

    async def __aenter__(self) -> Self:
        self._talking = [asyncio.create_task(self._talk(number)) for number in range(len(self.people))]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._over.set()
        for result in await asyncio.gather(*self._talking, return_exceptions=True):
            self._count.check(not isinstance(result, BaseException), repr(result))
        self._count.seen["seconds that one waited at most"] = round(self._longest)

    async def _talk(self, number: int) -> None:
        turn = 0
        while not self._over.is_set():
            turn += 1
            words = self._words(number, turn)
            self.said[number].append(words)
            began = time.monotonic()
            where = self._where(number + turn)
            messages = await self.people[number].insist(where, f"m{turn}", words, self._tries)
            self._longest = max(self._longest, time.monotonic() - began)
            self._count.seen["messages"] += 1
            self._count.seen["answered without the dialogue"] += messages[0]["lead"].startswith("Something")
            await asyncio.sleep(self._pause)
