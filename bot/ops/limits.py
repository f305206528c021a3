"""How often one session and one network address may send: a sliding window of a minute, in memory.

Addresses are held here for a minute and are written nowhere.
"""

from __future__ import annotations

import ipaddress
import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.requests import HTTPConnection

from bot.settings import Settings


class Limiter:
    """Counts hits by session and by address, as the settings allow."""

    def __init__(self, settings: Settings) -> None:
        # Not MovingWindowRateLimiter: in memory it keeps an entry for everybody for ever (limits 5.8).
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._limits = {
            "session": RateLimitItemPerMinute(settings.session_limit),
            "address": RateLimitItemPerMinute(settings.address_limit),
        }

    def wait(self, kind: str, who: str) -> int:
        """Count one hit of `who` ("session" or "address" as `kind`).

        Returns:
            Seconds to wait before the next try, at least 1; 0 when this one is allowed.
        """
        limit = self._limits[kind]
        if self._limiter.hit(limit, kind, who):
            return 0
        window = self._limiter.get_window_stats(limit, kind, who)
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
