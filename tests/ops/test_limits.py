"""The limiter and whom it takes a request to come from."""

from __future__ import annotations

import pytest
from starlette.requests import HTTPConnection

from bot.ops.limits import Limiter, address_of
from bot.settings import Settings


def test_each_is_counted_alone(settings: Settings) -> None:
    limiter = Limiter(settings)
    waits = [limiter.wait("session", "a") for _ in range(settings.session_limit)]
    assert waits == [0] * settings.session_limit
    assert 1 <= limiter.wait("session", "a") <= 60
    assert limiter.wait("session", "b") == 0
    assert limiter.wait("address", "a") == 0


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
