"""The limiter and whom it takes a request to come from."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from limits import WindowStats
from starlette.requests import HTTPConnection

from bot.errors import SettingError
from bot.ops.limits import Limiter, address_of, in_memory
from bot.settings import Settings
from tests.web.fixtures import changed


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A Redis on this machine (TEST_REDIS_URL), in a database of its own; skipped without one, but not in CI."""
    import redis

    url = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/13")
    with redis.Redis.from_url(url, socket_connect_timeout=2) as server:
        try:
            server.ping()
        except redis.RedisError as error:
            if os.environ.get("CI") == "true":
                pytest.fail(f"no Redis answers at {url}")
            pytest.skip(f"no Redis answers at {url}: {type(error).__name__}")
        yield url
        for name in server.scan_iter("evenkeel:limits*"):
            server.delete(name)


@pytest.mark.parametrize("shared", [False, True], ids=["in this process", "shared"])
@pytest.mark.usefixtures("early_in_a_minute")
async def test_each_is_counted_alone(settings: Settings, shared: bool) -> None:
    limiter = Limiter(settings, in_memory() if shared else None)
    waits = [await limiter.wait("session", "a") for _ in range(settings.session_limit)]
    assert waits == [0] * settings.session_limit
    assert 1 <= await limiter.wait("session", "a") <= 60
    assert await limiter.wait("session", "b") == 0
    assert await limiter.wait("sender", "a") == 0
    assert await limiter.wait("address", "a") == 0


@pytest.mark.usefixtures("early_in_a_minute")
async def test_two_processes_share_what_they_count(settings: Settings) -> None:
    counts = in_memory()
    one, other = Limiter(settings, counts), Limiter(settings, counts)
    waits = [await each.wait("sender", "a") for each in (one, other) for _ in range(settings.session_limit)]
    assert waits.count(0) == settings.session_limit


@pytest.mark.skipif(not find_spec("redis"), reason="the package redis is not installed")
@pytest.mark.usefixtures("early_in_a_minute")
async def test_redis_counts(settings: Settings, redis_url: str) -> None:
    one, other = (Limiter(changed(settings, redis_url=redis_url)) for _ in range(2))
    who = secrets.token_hex(8)
    waits = [await each.wait("address", who) for each in (one, other) for _ in range(settings.address_limit // 2)]
    assert waits.count(0) == settings.address_limit
    assert 1 <= await other.wait("address", who) <= 60
    import redis

    with redis.Redis.from_url(redis_url) as server:
        names = b" ".join(server.scan_iter("evenkeel:limits*"))
    assert b"address" in names and who.encode() not in names, "addresses are kept as keyed hashes"


class Broken:
    """Counts that cannot be reached, or never answer."""

    def __init__(self, endless: bool) -> None:
        self.endless, self.asked = endless, 0

    async def hit(self, item: object, *identifiers: str, cost: int = 1) -> bool:
        self.asked += 1
        if self.endless:
            await asyncio.sleep(60)
        raise ConnectionError("gone")

    async def get_window_stats(self, item: object, *identifiers: str) -> WindowStats:
        raise AssertionError


@pytest.mark.parametrize("endless", [False, True], ids=["refuses", "never answers"])
@pytest.mark.usefixtures("early_in_a_minute")
async def test_without_redis_each_process_counts(
    settings: Settings, endless: bool, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Broken(endless)
    limiter = Limiter(settings, broken)
    began = time.monotonic()
    waits = [await limiter.wait("session", "a") for _ in range(settings.session_limit + 1)]
    assert waits[:-1] == [0] * settings.session_limit and waits[-1] > 0
    assert broken.asked == 1 and time.monotonic() - began < 2, "it is left alone for a while"
    assert "counts by itself" in caplog.text


def test_a_redis_address_is_refused_early() -> None:
    with pytest.raises(SettingError, match="REDIS_URL is 'localhost'"):
        Settings.read({"REDIS_URL": "localhost"})


ADDRESSES = [
    ("nobody in front", "203.0.113.5", "", 0, "203.0.113.5"),
    ("a header from the visitor is not believed", "203.0.113.5", "198.51.100.1", 0, "203.0.113.5"),
    ("one proxy", "127.0.0.1", "198.51.100.1", 1, "198.51.100.1"),
    ("one proxy and a forged entry before it", "127.0.0.1", "10.9.9.9, 198.51.100.1", 1, "198.51.100.1"),
    ("two proxies", "127.0.0.1", "10.9.9.9, 198.51.100.1, 192.0.2.7", 2, "198.51.100.1"),
    ("a proxy that wrote nothing", "192.0.2.7", "", 1, "192.0.2.7"),
    ("fewer entries than proxies", "192.0.2.7", "198.51.100.1", 2, "192.0.2.7"),
    ("IPv6 counts by network", "2001:db8:1:2:3:4:5:6", "", 0, "2001:db8:1:2::/64"),
    ("IPv4 written as IPv6", "::ffff:203.0.113.5", "", 0, "203.0.113.5"),
    ("not an address", "testclient", "", 0, "testclient"),
]


@pytest.mark.parametrize(
    ("client", "forwarded", "proxies", "expected"), [row[1:] for row in ADDRESSES], ids=[row[0] for row in ADDRESSES]
)
def test_address(client: str, forwarded: str, proxies: int, expected: str) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    connection = HTTPConnection({"type": "http", "client": (client, 1), "headers": headers})
    assert address_of(connection, proxies) == expected


def test_a_connection_without_an_address() -> None:
    assert address_of(HTTPConnection({"type": "http", "client": None, "headers": []}), 1) == ""
