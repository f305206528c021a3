"""What Rasa asks of a lock, of both our stores: in memory and on Redis."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from rasa.core.lock_store import LockStore

from bot.engine.lock_store import LocalLockStore
from tests.steady.services import Corner, redis_corner  # noqa: F401


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[tuple[LockStore, LockStore]]:
    """Two stores that must agree: on Redis those of two processes, in memory twice the same."""
    if request.param == "memory":
        store = LocalLockStore()
        yield store, store
        return
    corner: Corner = request.getfixturevalue("redis_corner")
    one, other = on_redis(corner), on_redis(corner)
    yield one, other
    await one.close()
    await other.close()


def on_redis(corner: Corner, **options: Any) -> Any:
    from bot.engine.redis_locks import RedisLockStore

    return RedisLockStore(corner.address, corner.prefix, **options)


async def test_one_at_a_time_and_in_order(stores: tuple[LockStore, LockStore]) -> None:
    inside, order = Counter[str](), []

    async def work(number: int) -> None:
        async with stores[number % 2].lock("one") as held:
            inside["one"] += 1
            assert inside["one"] == 1
            order.append((held.now_serving, number))
            await asyncio.sleep(0.002)
            inside["one"] -= 1

    for store in stores:  # connected, so that they draw in the order in which they are asked
        async with store.lock("one"):
            pass
    began = time.monotonic()
    async with stores[0].lock("one"):
        waiting = []
        for number in range(20):
            waiting.append(asyncio.create_task(work(number)))
            await asyncio.sleep(0.01)
    await asyncio.gather(*waiting)
    assert [number for _, number in order] == list(range(20))
    assert [ticket for ticket, _ in order] == sorted(ticket for ticket, _ in order)
    assert time.monotonic() - began < 1.5, "somebody looked from time to time instead of being told"


async def test_conversations_do_not_wait_for_each_other(stores: tuple[LockStore, LockStore]) -> None:
    async with asyncio.timeout(2), stores[0].lock("one"), stores[1].lock("two"), stores[0].lock("three"):
        pass


async def test_an_error_inside_gives_it_back(stores: tuple[LockStore, LockStore]) -> None:
    with pytest.raises(ValueError, match="inside"):
        async with stores[0].lock("one"):
            raise ValueError("inside")
    async with asyncio.timeout(1), stores[1].lock("one"):
        pass


async def test_who_stops_waiting_does_not_hold_up_others(stores: tuple[LockStore, LockStore]) -> None:
    async def want() -> None:
        async with stores[1].lock("one"):
            raise AssertionError("somebody else holds it")

    async with stores[0].lock("one"):
        waiting = [asyncio.create_task(want()) for _ in range(5)]
        await asyncio.sleep(0.1)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    async with asyncio.timeout(1), stores[1].lock("one"):
        pass


async def test_a_holder_that_is_cancelled_gives_it_back(stores: tuple[LockStore, LockStore]) -> None:
    held = asyncio.Event()

    async def hold() -> None:
        async with stores[0].lock("one"):
            held.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(hold())
    await held.wait()
    task.cancel()
    async with asyncio.timeout(1), stores[1].lock("one"):
        pass


async def test_who_takes_too_long_is_stopped_before_the_next_begins(stores: tuple[LockStore, LockStore]) -> None:
    inside = Counter[str]()

    async def work(store: LockStore, seconds: float) -> None:
        async with store.lock("one", 0.4):
            inside["one"] += 1
            assert inside["one"] == 1
            try:
                await asyncio.sleep(seconds)
            finally:
                inside["one"] -= 1

    slow = asyncio.create_task(work(stores[0], 60))
    await asyncio.sleep(0.1)
    async with asyncio.timeout(2):
        await work(stores[1], 0)
    with pytest.raises(TimeoutError):
        await slow


async def test_hundreds_of_conversations_under_stress(stores: tuple[LockStore, LockStore]) -> None:
    """Holders that end well, fail, and are cancelled at any moment; waiters that give up."""
    dice, inside, done = random.Random(7), Counter[str](), Counter[str]()

    async def work(conversation: str, store: LockStore, does: str, seconds: float) -> None:
        async with store.lock(conversation):
            inside[conversation] += 1
            assert inside[conversation] == 1, "two at a time"
            try:
                await asyncio.sleep(seconds)
                if does == "fails":
                    raise ValueError
                done[conversation] += 1
            finally:
                inside[conversation] -= 1

    async def one(conversation: str) -> Any:
        does = dice.choice(["ends", "ends", "ends", "fails", "is cancelled"])
        task = asyncio.create_task(work(conversation, dice.choice(stores), does, dice.random() * 0.004))
        if does == "is cancelled":
            await asyncio.sleep(dice.random() * 0.05)
            task.cancel()
        await asyncio.wait([task])
        error = None if task.cancelled() else task.exception()
        assert error is None or isinstance(error, ValueError), repr(error)
        return None if task.cancelled() or error else conversation

    conversations = [f"c{number}" for number in range(150)]
    async with asyncio.timeout(60):
        ended = await asyncio.gather(*(one(conversation) for conversation in conversations * 8))
    assert done == Counter(conversation for conversation in ended if conversation)
    async with asyncio.timeout(5):  # nothing is left behind
        for conversation in conversations:
            async with stores[0].lock(conversation):
                pass


@pytest.mark.redis
class TestOnRedis:
    """What only several processes need."""

    async def test_tickets_of_a_process_that_died_are_passed_over(self, redis_corner: Corner) -> None:  # noqa: F811
        ends = await _child(redis_corner, "hold('one')")
        await ends("held")
        store = on_redis(redis_corner, lease=1.0)
        waiting = asyncio.create_task(_how_long(store, "one"))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await ends.kill()
        assert 0.1 < await asyncio.wait_for(waiting, 4) < 2.5
        await store.close()

    async def test_a_process_that_ends_well_gives_back_at_once(self, redis_corner: Corner) -> None:  # noqa: F811
        one, other = on_redis(redis_corner, lease=30.0), on_redis(redis_corner)
        held = one.lock("one")
        await held.__aenter__()
        waiting = asyncio.create_task(_how_long(other, "one"))
        await asyncio.sleep(0.1)
        await held.__aexit__(None, None, None)
        await one.close()
        assert await asyncio.wait_for(waiting, 2) < 1
        await other.close()

    async def test_nothing_stays_behind(self, redis_corner: Corner) -> None:  # noqa: F811
        import redis.asyncio as redis

        store = on_redis(redis_corner)
        for number in range(20):
            async with store.lock(f"c{number}"):
                pass
        await store.close()
        client = redis.Redis.from_url(redis_corner.address, decode_responses=True)
        assert [key async for key in client.scan_iter(f"{redis_corner.prefix}*")] == [
            f"{redis_corner.prefix}lock:drawn"
        ]
        await client.aclose()

    async def test_every_key_of_a_held_conversation_runs_out(self, redis_corner: Corner) -> None:  # noqa: F811
        import redis.asyncio as redis

        store = on_redis(redis_corner)
        client = redis.Redis.from_url(redis_corner.address, decode_responses=True)
        async with store.lock("one"):
            keys = {key async for key in client.scan_iter(f"{redis_corner.prefix}*")}
            lives = {key.rpartition("lock:")[2].partition(":")[0]: await client.pttl(key) for key in keys}
        assert {name for name, life in lives.items() if life <= 0} == {"drawn"}
        assert set(lives) == {"tickets", "held", "process", "drawn"}
        await client.aclose()
        await store.close()

    async def test_a_lost_connection_is_made_again(self, redis_corner: Corner) -> None:  # noqa: F811
        """What was told while nobody listened is found out all the same."""
        import redis.asyncio as redis

        one, other = on_redis(redis_corner), on_redis(redis_corner)
        client = redis.Redis.from_url(redis_corner.address)
        held = one.lock("one")
        await held.__aenter__()
        waiting = asyncio.create_task(_how_long(other, "one"))
        await asyncio.sleep(0.2)
        for store in (one, other):
            for pool in (store._redis.connection_pool, store._listening.connection_pool):
                for connection in [*pool._available_connections, *pool._in_use_connections]:
                    if connection is not None and connection.is_connected:
                        connection._writer.transport.abort()
        await held.__aexit__(None, None, None)
        assert await asyncio.wait_for(waiting, 4) < 3.5
        await client.aclose()
        await one.close()
        await other.close()

    async def test_without_redis_nobody_waits_for_ever(self) -> None:
        pytest.importorskip("redis")
        from redis.exceptions import RedisError

        store = on_redis(Corner("redis://127.0.0.1:1/0", "nowhere:"))
        with pytest.raises(RedisError):
            async with asyncio.timeout(4), store.lock("one"):
                pass
        await store.close()


async def _how_long(store: LockStore, conversation: str) -> float:
    began = time.monotonic()
    async with store.lock(conversation):
        return time.monotonic() - began


_CHILD = """
import asyncio, sys
from bot.engine import compat
compat.prepare()
from bot.engine.redis_locks import RedisLockStore

async def hold(conversation):
    store = RedisLockStore({address!r}, {prefix!r}, lease=1.0)
    async with store.lock(conversation):
        print("held", flush=True)
        await asyncio.sleep(60)

asyncio.run({does})
"""


class _Child:
    """Another process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def __call__(self, line: str) -> None:
        assert self._process.stdout
        assert (await asyncio.wait_for(self._process.stdout.readline(), 30)).decode().strip() == line

    async def kill(self) -> None:
        self._process.kill()
        await self._process.wait()


async def _child(corner: Corner, does: str) -> Any:
    code = _CHILD.format(address=corner.address, prefix=corner.prefix, does=does)
    process: Callable[..., Any] = asyncio.create_subprocess_exec
    return _Child(await process(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE))
