"""How often one session, one sender and one network address may send: a sliding window of a minute.

The counts live in Redis where `REDIS_URL` is given, so that all processes share them, else in memory. Addresses are
held for two minutes at most, in Redis as keyed hashes, and are written nowhere.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import math
import time
from typing import Protocol

from limits import RateLimitItem, RateLimitItemPerMinute, WindowStats
from limits.aio.storage import MemoryStorage as SharedMemory
from limits.aio.strategies import SlidingWindowCounterRateLimiter as Shared
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.requests import HTTPConnection

from bot.errors import SettingError
from bot.settings import Settings
from bot.web.keys import Keys

_log = logging.getLogger(__name__)

#: Seconds that Redis may take for one count; after a failure it is left alone for so many seconds.
_PATIENCE, _PAUSE = 0.25, 5.0


class SharedCounts(Protocol):
    """Counts that several processes share."""

    async def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Count one; False where there were too many."""

    async def get_window_stats(self, item: RateLimitItem, *identifiers: str) -> WindowStats:
        """When the next is allowed."""


class Limiter:
    """Counts hits by session, by sender and by address, as the settings allow."""

    def __init__(self, settings: Settings, shared: SharedCounts | None = None) -> None:
        """
        Args:
            shared: counts that other processes see; None: Redis where the settings name one, else none.
        """
        # Not MovingWindowRateLimiter: in memory it keeps an entry for everybody for ever (limits 5.8).
        self._here = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = shared or (_in_redis(settings.redis_url, settings.redis_prefix) if settings.redis_url else None)
        self._alone_until = 0.0
        self._key = Keys.of(settings).current("limits")
        session = RateLimitItemPerMinute(settings.session_limit)
        self._limits = {
            "session": session,
            "sender": session,
            "address": RateLimitItemPerMinute(settings.address_limit),
        }

    async def wait(self, kind: str, who: str) -> int:
        """Count one hit of `who` ("session", "sender" or "address" as `kind`).

        Where Redis does not answer, this process counts by itself: nobody is locked out, and nobody is unlimited.

        Returns:
            Seconds to wait before the next try, at least 1; 0 when this one is allowed.
        """
        limit = self._limits[kind]
        if self._shared is not None and time.monotonic() >= self._alone_until:
            hidden = hmac.digest(self._key, who.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()[:32]
            try:
                async with asyncio.timeout(_PATIENCE):
                    if await self._shared.hit(limit, kind, hidden):
                        return 0
                    return _seconds(await self._shared.get_window_stats(limit, kind, hidden))
            except Exception as error:
                self._alone_until = time.monotonic() + _PAUSE
                _log.warning("Redis does not count (%s); this process counts by itself.", type(error).__name__)
        if self._here.hit(limit, kind, who):
            return 0
        return _seconds(self._here.get_window_stats(limit, kind, who))


def in_memory() -> SharedCounts:
    """Counts as Redis keeps them, for tests."""
    return Shared(SharedMemory())


def _in_redis(url: str, prefix: str) -> SharedCounts:
    from limits.aio.storage import RedisStorage

    try:
        storage = RedisStorage(f"async+{url}", implementation="redispy", key_prefix=f"{prefix}limits")
    except Exception as error:
        raise SettingError(f"REDIS_URL cannot be used ({type(error).__name__}): is it redis://host:port/0?") from None
    return Shared(storage)


def _seconds(window: WindowStats) -> int:
    return max(1, math.ceil(window.reset_time - time.time()))


def address_of(connection: HTTPConnection, trusted_proxies: int) -> str:
    """The address that a request came from: the network of 64 bits for IPv6, since one home holds a whole one.

    Args:
        trusted_proxies: how many entries at the end of X-Forwarded-For were written by proxies of the operator.
    """
    address = connection.client.host if connection.client else ""
    if trusted_proxies:
        forwarded = [part.strip() for part in ",".join(connection.headers.getlist("x-forwarded-for")).split(",")]
        if len(forwarded) >= trusted_proxies and forwarded[-trusted_proxies]:
            address = forwarded[-trusted_proxies]
    try:
        parsed = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed)
