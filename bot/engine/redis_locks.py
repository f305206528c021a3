"""Conversations that many processes share: tickets in Redis, each step one script, so that nothing comes in between.

A conversation has a sorted set of tickets, the first of which holds it, and a key that lives as long as it may. Tickets
are numbered by one counter, so that the order of two messages can be told. A ticket begins with the name of its
process, and the process has a key that runs out when it dies: then its tickets are passed over.

Nobody looks from time to time. Who gives a conversation back tells the process whose ticket is next (publish and
subscribe, one connection for each process); who waits looks again when the holder's time runs out, which is
what happens when a process dies, and after a connection was lost, because what was told meanwhile is lost too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from threading import Event, Thread
from typing import Any

import redis.asyncio as redis
from rasa.core.lock import TicketLock
from rasa.core.lock_store import LockError, LockStore
from redis import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError

from bot.engine.lock_store import LIFETIME, ticket_lock

_log = logging.getLogger(__name__)

#: Seconds after which a process that says nothing is dead: less than a person waits (`bot.service.PATIENCE`).
LEASE = 3.0
#: Seconds that Redis may take for one step.
_PATIENCE = 2.0
#: Connections of one process.
_CONNECTIONS = 16
#: Seconds until the next try where Redis does not answer, and how often a ticket is drawn anew that Redis forgot.
_AGAIN = 0.2
_DRAWN_ANEW = 3

#: Words of all scripts. KEYS: the tickets of the conversation, who holds it. ARGV: prefix, our ticket, the
#: lease of our process and the time that a conversation may be held, both in milliseconds.
_WORDS = """
local tickets, held = KEYS[1], KEYS[2]
local prefix, mine, lease, lifetime = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local function life(ticket)
    return prefix .. 'process:' .. string.match(ticket, '^[^:]+')
end

redis.call('SET', life(mine), 1, 'PX', lease)

-- The conversation goes to the first ticket whose process lives; those before it are passed over.
local function hand_over()
    while true do
        local first = redis.call('ZRANGE', tickets, 0, 0)[1]
        if not first then
            redis.call('DEL', tickets, held)
            return nil
        end
        if redis.call('EXISTS', life(first)) == 1 then
            redis.call('SET', held, first, 'PX', lifetime)
            if first ~= mine then
                redis.call('PUBLISH', prefix .. 'wake:' .. string.match(first, '^[^:]+'), first)
            end
            return first
        end
        redis.call('ZREM', tickets, first)
    end
end

-- Who holds the conversation: who did, unless their process died or their time is over.
local function holder()
    local first = redis.call('ZRANGE', tickets, 0, 0)[1]
    if first and (redis.call('EXISTS', life(first)) == 0 or redis.call('GET', held) ~= first) then
        redis.call('ZREM', tickets, first)
        first = hand_over()
    end
    return first
end

-- {1, 0}: we hold it; {0, n}: somebody else does, who may be gone after n milliseconds; {-1, 0}: our ticket is gone.
local function state()
    local first = holder()
    if first == mine then
        redis.call('SET', held, mine, 'PX', lifetime)
        return {1, 0}
    end
    if not redis.call('ZSCORE', tickets, mine) then
        return {-1, 0}
    end
    return {0, math.min(redis.call('PTTL', life(first)), redis.call('PTTL', held))}
end
"""

#: Draws a ticket, the same one however often it is asked for.
_DRAW = (
    _WORDS
    + """
local number = redis.call('ZSCORE', tickets, mine)
if not number then
    number = redis.call('INCR', prefix .. 'drawn')
    redis.call('ZADD', tickets, number, mine)
    if redis.call('ZCARD', tickets) == 1 then
        hand_over()
    end
end
redis.call('PEXPIRE', tickets, 20 * lifetime)
local is = state()
return {is[1], is[2], tonumber(number)}
"""
)
_LOOK = _WORDS + "return state()"
_GIVE_BACK = (
    _WORDS
    + """
local first = redis.call('ZRANGE', tickets, 0, 0)[1]
redis.call('ZREM', tickets, mine)
if first == mine then
    hand_over()
end
return 1
"""
)


class RedisLockStore(LockStore):
    """Locks in Redis. `close` gives back what this process holds."""

    def __init__(self, address: str, prefix: str = "evenkeel:", lease: float = LEASE) -> None:
        """
        Args:
            address: redis:// or rediss://; connected with on first use.
            prefix: what all keys begin with.
            lease: seconds after which others pass over this process where it says nothing.
        """
        pool = redis.BlockingConnectionPool.from_url(
            address,
            max_connections=_CONNECTIONS,
            timeout=LIFETIME,  # waiting for one of our own connections is no fault of Redis
            socket_timeout=_PATIENCE,
            socket_connect_timeout=_PATIENCE,
            health_check_interval=10,
            decode_responses=True,
            retry=Retry(ConstantBackoff(0), 1),  # a connection that Redis has closed meanwhile
        )
        self._redis = redis.Redis(connection_pool=pool)
        # Listening has no end: it has a connection of its own, without a time limit.
        self._listening = redis.Redis.from_url(
            address, socket_timeout=None, socket_connect_timeout=_PATIENCE, socket_keepalive=True, decode_responses=True
        )
        self._draw, self._look, self._give_back = (
            self._redis.register_script(script) for script in (_DRAW, _LOOK, _GIVE_BACK)
        )
        self._prefix, self._lease = f"{prefix}lock:", lease
        self._address, self._process, self._ended = address, secrets.token_hex(6), Event()
        self._woken: dict[str, asyncio.Event] = {}
        self._always: list[asyncio.Task[None]] = []
        self._returning: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def lock(
        self, conversation_id: str, lock_lifetime: float = LIFETIME, wait_time_in_seconds: float = 0
    ) -> AsyncIterator[TicketLock]:
        """Hold a conversation, in all processes, as long as the context lasts.

        Args:
            lock_lifetime: seconds after which what is done inside is stopped, just before others get their turn.
            wait_time_in_seconds: Rasa's; nobody looks here from time to time.

        Raises:
            TimeoutError: it took longer than `lock_lifetime`.
            LockError: Redis forgets our tickets.
            redis.exceptions.RedisError: Redis does not answer.
        """
        self._keep_alive()
        mine = f"{self._process}:{secrets.token_hex(8)}"
        woken = self._woken[mine] = asyncio.Event()
        step = _Step(self._prefix, conversation_id, mine, self._lease, lock_lifetime)
        # Drawn even where nobody waits for it any more: else it could be given back before it was drawn.
        drawing = asyncio.create_task(step.run(self._draw))
        try:
            number = await self._acquired(step, drawing, woken)
            async with asyncio.timeout(lock_lifetime * 0.95):
                yield ticket_lock(conversation_id, number, lock_lifetime)
        finally:
            self._woken.pop(mine, None)
            await self._within_patience(self._returned(drawing, step, lock_lifetime))

    async def _acquired(self, step: _Step, drawing: asyncio.Task[Any], woken: asyncio.Event) -> int:
        """The number of our ticket once it is its turn."""
        is_ours, patience, number = await asyncio.shield(drawing)
        for _ in range(_DRAWN_ANEW):
            while is_ours == 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(patience, 20) / 1000):
                        await woken.wait()
                woken.clear()
                is_ours, patience = await step.run(self._look)
            if is_ours == 1:
                return int(number)
            is_ours, patience, number = await step.run(self._draw)
        raise LockError("Redis keeps forgetting the tickets of a conversation.")

    async def close(self) -> None:
        """Give everything back and disconnect."""
        self._ended.set()
        if self._returning:
            await asyncio.wait(self._returning, timeout=_PATIENCE)
        ending = [*self._always, *self._returning]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        self._always.clear()
        with contextlib.suppress(Exception):
            await self._redis.delete(f"{self._prefix}process:{self._process}")
        for client in (self._redis, self._listening):
            with contextlib.suppress(Exception):
                await client.aclose(close_connection_pool=True)

    # -- giving back ---------------------------------------------------------------------------------------------

    async def _returned(self, drawing: asyncio.Task[Any], step: _Step, lifetime: float) -> None:
        """Give a ticket back, however often it takes; after its lifetime it is gone by itself."""
        with contextlib.suppress(Exception):
            await drawing
        with contextlib.suppress(RedisError):
            await step.run(self._give_back, lifetime)

    async def _within_patience(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait a moment for `work`, which goes on in any case: a reply does not wait for a Redis that is gone."""
        task = asyncio.create_task(work)
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)
        await asyncio.wait([task], timeout=_AGAIN)

    # -- living and listening ------------------------------------------------------------------------------------

    def _keep_alive(self) -> None:
        if not self._always:
            self._always = [asyncio.create_task(self._listen())]
            self._ended.clear()
            Thread(target=self._live, args=(self._address,), name="redis-lease", daemon=True).start()

    def _live(self, address: str) -> None:
        """Say three times in a lease that this process lives: in a thread, since a busy event loop is late."""
        client = Redis.from_url(address, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE)
        wait = 0.0
        while not self._ended.wait(wait):
            try:
                client.set(f"{self._prefix}process:{self._process}", 1, px=int(self._lease * 1000))
                wait = self._lease / 3
            except RedisError as error:
                _log.warning("Redis does not answer: %s", type(error).__name__)
                wait = _AGAIN
        client.close()

    async def _listen(self) -> None:
        """Hear whose turn it is."""
        while True:
            try:
                async with self._listening.pubsub(ignore_subscribe_messages=False) as told:
                    await told.subscribe(f"{self._prefix}wake:{self._process}")
                    async for message in told.listen():
                        if message["type"] == "subscribe":  # what was told before is lost
                            waiting = list(self._woken)
                        else:
                            waiting = [message["data"]]
                        for ticket in waiting:
                            if ticket in self._woken:
                                self._woken[ticket].set()
            except Exception as error:
                _log.warning("Redis cannot be listened to: %s", type(error).__name__)
            await asyncio.sleep(_AGAIN)


class _Step:
    """The arguments that all scripts take for one ticket."""

    def __init__(self, prefix: str, conversation: str, ticket: str, lease: float, lifetime: float) -> None:
        self._keys = [f"{prefix}tickets:{conversation}", f"{prefix}held:{conversation}"]
        self._arguments = [prefix, ticket, int(lease * 1000), int(lifetime * 1000)]

    async def run(self, script: Any, patience: float = _PATIENCE) -> Any:
        """What `script` says; where Redis does not answer it is asked again for `patience` seconds.

        Raises:
            redis.exceptions.RedisError: it did not answer in that time.
        """
        loop = asyncio.get_running_loop()
        give_up = loop.time() + patience
        wait = _AGAIN
        while True:
            try:
                return await script(keys=self._keys, args=self._arguments)
            except RedisError:
                if loop.time() + wait > give_up:
                    raise
                await asyncio.sleep(wait)
                wait = min(2 * wait, 5)
