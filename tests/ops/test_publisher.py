"""Nothing that waits in the outbox is lost on its way to a real RabbitMQ, whoever ends, is cut off or hangs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from bot.app import build
from bot.database.engine import make_engine, writing
from bot.database.migrate import upgrade
from bot.database.models import WaitingEvent
from bot.ops import publisher
from bot.ops.conversations import About
from bot.ops.health import Metrics
from bot.ops.outbox import Outbox
from bot.ops.publisher import EXCHANGE, Publisher
from bot.settings import ROOT, Settings
from tests.steady.proxy import Proxy
from tests.web.fixtures import FakeBot, Visitor, answer_to, browser, changed

pytestmark = [pytest.mark.rabbitmq, pytest.mark.slow]

WORDS = "quaggaflute"
ON = Outbox(True)


@dataclass
class Listener:
    """Another system: what it got, in order."""

    got: list[Any] = field(default_factory=list)

    @property
    def ids(self) -> Counter[str]:
        return Counter(message.message_id for message in self.got)

    @property
    def keys(self) -> list[str]:
        return [message.routing_key for message in self.got]


@pytest.fixture
async def listener(rabbitmq: str) -> AsyncIterator[Listener]:
    """A queue on all events, emptied as they come."""
    import aio_pika

    connection = await aio_pika.connect(rabbitmq)
    async with connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, "#")
        found = Listener()

        async def take(message: Any) -> None:
            found.got.append(message)

        await queue.consume(take, no_ack=True)
        yield found


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses."""
    monkeypatch.setattr(publisher, "_LOOK", 0.05)
    monkeypatch.setattr(publisher, "_PAUSE", 0.1)
    monkeypatch.setattr(publisher, "_LONGEST_PAUSE", 0.4)


def write(engine: sa.Engine, number: int, start: int = 0) -> set[str]:
    """So many turns, five in a transaction; the ids of their events and of all that waited."""
    ids: set[str] = set()
    for first in range(start, start + number, 5):
        with writing(engine) as connection:
            for conversation in range(first, min(first + 5, start + number)):
                ON.turn(connection, f"web-{conversation}", "web", [answer_to(WORDS).to_dict()], About(seconds=0.02))
            # Before anybody else sees them: a publisher takes them the moment that the transaction ends.
            ids |= {body["id"] for body in connection.execute(sa.select(WaitingEvent.body)).scalars()}
    return ids


def left(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(WaitingEvent)).scalar_one()


async def until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def publishing(engine: sa.Engine, url: str, kind: type[Publisher] = Publisher) -> AsyncIterator[Metrics]:
    """A publisher in this process."""
    metrics = Metrics()
    task = asyncio.create_task(kind(engine, url, metrics).run())
    try:
        yield metrics
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def process(engine: sa.Engine, url: str, *how: str) -> asyncio.subprocess.Process:
    """A publisher in a process of its own, which has begun."""
    address = engine.url.render_as_string(hide_password=False)
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.ops.publishing", address, url, *how, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert started.stdout and await asyncio.wait_for(started.stdout.readline(), 60) == b"ready\n"
    return started


async def end(*processes: asyncio.subprocess.Process) -> None:
    for each in processes:
        if each.returncode is None:
            each.send_signal(signal.SIGKILL)
        await each.wait()


async def test_processes_share_an_outbox(database: sa.Engine, rabbitmq: str, listener: Listener) -> None:
    """Half of the events are there before, half come while two processes publish; one of them is killed on its way."""
    written = await asyncio.to_thread(write, database, 400)
    both = [await process(database, rabbitmq) for _ in range(2)]
    try:
        more = asyncio.create_task(asyncio.to_thread(write, database, 400, 400))
        await asyncio.sleep(0.2)
        await end(both[0])
        await more
        await until(lambda: left(database) == 0)
    finally:
        await end(*both)
    await until(lambda: len({json.loads(message.body)["conversation"] for message in listener.got}) == 800)
    assert written <= set(listener.ids) and len(listener.ids) == 800, "none is lost, and none is made up"
    twice = sum(count > 1 for count in listener.ids.values())
    print(f"\n800 events, {twice} of them twice")
    if database.dialect.name == "postgresql":
        assert twice <= publisher._BATCH, "more than what the killed process had in its hands"


@pytest.mark.postgres
async def test_what_one_has_taken_the_other_leaves_alone(
    postgresql: str, rabbitmq: str, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "_OLDEST", publisher._OLDEST.limit(20))
    monkeypatch.setattr(publisher, "_BATCH", 20)
    engine = make_engine(postgresql)
    upgrade(engine)
    with writing(engine) as connection:
        connection.execute(sa.delete(WaitingEvent))
    written = await asyncio.to_thread(write, engine, 600)
    async with publishing(engine, rabbitmq) as one, publishing(engine, rabbitmq) as other:
        await until(lambda: left(engine) == 0)
        await until(lambda: len(listener.got) >= 600)
    shares = [metrics.registry.get_sample_value("evenkeel_events_published_total") or 0 for metrics in (one, other)]
    print(f"\nshares of two publishers: {shares}")
    assert sum(shares) == 600 and min(shares) >= 20
    assert listener.ids == Counter(written), "each once"
    engine.dispose()


async def test_what_was_confirmed_and_not_deleted_comes_again_with_the_same_id(
    database: sa.Engine, rabbitmq: str, listener: Listener
) -> None:
    written = await asyncio.to_thread(write, database, 150)
    dying = await process(database, rabbitmq, "die")
    assert await asyncio.wait_for(dying.wait(), 60) == -signal.SIGKILL
    await until(lambda: len(listener.got) == 100)
    assert left(database) == 150
    async with publishing(database, rabbitmq):
        await until(lambda: left(database) == 0)
    await until(lambda: len(listener.got) == 250)
    assert set(listener.ids) == written
    assert Counter(listener.ids.values()) == {2: 100, 1: 50}
    bodies = {message.body for message in listener.got}
    assert len(bodies) == 150, "the same id is the same event"


async def through(url: str) -> tuple[Proxy, str]:
    """A proxy before RabbitMQ, and the address by which it is reached."""
    parts = urlsplit(url)
    proxy = Proxy(parts.hostname or "", parts.port or 5672)
    port = await proxy.start()
    return proxy, parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}").geturl()


async def test_a_broker_that_goes_and_comes_back(
    database: sa.Engine,
    rabbitmq: str,
    listener: Listener,
    quick: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    proxy, url = await through(rabbitmq)
    async with publishing(database, url) as metrics:
        written = await asyncio.to_thread(write, database, 50)
        await until(lambda: left(database) == 0)
        for cut in range(3):
            async with proxy.gone():
                written |= await asyncio.to_thread(write, database, 100, 50 + 100 * cut)
                await asyncio.sleep(0.5)
                assert left(database) == 100
            began = time.monotonic()
            await until(lambda: left(database) == 0)
            print(f"\nback and empty after {time.monotonic() - began:.2f} s")
        told = metrics.text().decode()
    await proxy.stop()
    await until(lambda: set(listener.ids) >= written)
    assert len(listener.ids) == 350
    assert "evenkeel_events_published_total 350.0" in told
    lines = [record.getMessage() for record in caplog.records if record.name == "bot.ops.publisher"]
    assert [line.partition(":")[0] for line in lines] == [
        "Events cannot be published and wait in the database", "Events are published again.",
    ] * 3  # fmt: skip
    assert "guest:guest" not in caplog.text


async def test_cut_in_the_middle_again_and_again(
    database: sa.Engine, rabbitmq: str, listener: Listener, quick: None
) -> None:
    written = await asyncio.to_thread(write, database, 600)
    proxy, url = await through(rabbitmq)
    proxy.delay = 0.01
    async with publishing(database, url):
        while left(database):
            await asyncio.sleep(0.15)
            proxy.cut()
            proxy.delay = 0.01 if proxy.broken < 20 else 0.0
    await proxy.stop()
    await until(lambda: set(listener.ids) == written)
    twice = sum(count > 1 for count in listener.ids.values())
    print(f"\n{proxy.broken} connections cut, {twice} of 600 events twice")


async def test_a_broker_that_hangs_is_left(
    database: sa.Engine, rabbitmq: str, listener: Listener, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "_PATIENCE", 1.0)
    monkeypatch.setattr(publisher, "_GOODBYE", 0.2)
    proxy, url = await through(rabbitmq)
    async with publishing(database, url):
        written = await asyncio.to_thread(write, database, 10)
        await until(lambda: left(database) == 0)
        proxy.delay = 30.0
        written |= await asyncio.to_thread(write, database, 10, 10)
        await asyncio.sleep(2)
        assert left(database) == 10
        proxy.delay = 0.0
        await until(lambda: left(database) == 0, 20)
    await proxy.stop()
    await until(lambda: set(listener.ids) == written)


async def test_what_is_refused_waits(database: sa.Engine, rabbitmq: str, listener: Listener, quick: None) -> None:
    """A queue that is full and says no: the events that it did not take are published again once there is room."""
    import aio_pika

    async with await aio_pika.connect(rabbitmq) as connection:
        channel = await connection.channel()
        full = await channel.declare_queue(
            exclusive=True, arguments={"x-max-length": 3, "x-overflow": "reject-publish"}
        )
        await full.bind(EXCHANGE, "turn.#")
        written = await asyncio.to_thread(write, database, 10)
        async with publishing(database, rabbitmq):
            await until(lambda: left(database) < 10)
            await asyncio.sleep(0.5)
            assert 0 < left(database) <= 7
            await full.delete(if_unused=False, if_empty=False)
            await until(lambda: left(database) == 0)
    await until(lambda: set(listener.ids) == written)


async def test_nobody_waits_while_the_database_does(
    database: sa.Engine, rabbitmq: str, listener: Listener, quick: None
) -> None:
    class Slow(Publisher):
        def _take(self) -> Any:
            time.sleep(1)
            return super()._take()

    await asyncio.to_thread(write, database, 300)
    longest, last = 0.0, time.monotonic()
    async with publishing(database, rabbitmq, Slow):
        while left_now := await asyncio.to_thread(left, database):
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
            assert left_now <= 300
    print(f"\nthe event loop waited {longest * 1000:.0f} ms at most")
    assert longest < 0.8


async def test_the_whole_application(settings: Settings, rabbitmq: str, listener: Listener, quick: None) -> None:
    """What other systems get, from talk to erasure, holds no word of anybody; without them the bot answers the same."""
    engine = make_engine(settings.database_url)
    upgrade(engine)
    proxy, url = await through(rabbitmq)
    app = build(changed(settings, event_broker_url=url), FakeBot(engine), engine)
    async with app.router.lifespan_context(app), browser(app) as client:
        visitor = await Visitor.arrive(client, country="GB", locale="en-GB")
        [reply] = (await visitor.say(f"is {WORDS} safe")).json()["messages"]
        await visitor.post("/chat/feedback", {"message": reply["id"], "helpful": True, "reason": WORDS})
        await until(lambda: listener.keys == ["turn.web", "rating.web"])
        async with proxy.gone():
            for number in range(5):
                assert (await visitor.say(f"and {WORDS}", f"gone-{number}")).status_code == 200
            assert (await client.get("/health/ready")).status_code == 200, "it answers without the broker too"
            await until(lambda: left(engine) == 5)
        await until(lambda: len(listener.ids) == 7)
        response = await client.delete("/chat/session", headers=visitor.headers)
        assert response.status_code == 204
        await until(lambda: "erased" in listener.keys)
        assert "evenkeel_events_published_total" in app.state.metrics.text().decode()
    await proxy.stop()
    conversations = {json.loads(message.body)["conversation"] for message in listener.got}
    assert len(conversations) == 1, "the erasure names the conversation that the turns named"
    for message in listener.got:
        assert message.delivery_mode == 2 and message.content_type == "application/json"
        assert (
            message.message_id == json.loads(message.body)["id"] and message.type == json.loads(message.body)["event"]
        )
        everything = repr(message.body) + repr(message.headers) + repr(message.properties)
        for word in (WORDS, "Xanax", "127.0.0.1", visitor.token, visitor.token.partition(".")[0]):
            assert word not in everything
