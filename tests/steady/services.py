"""The services that several processes share, for tests: each test gets a corner of its own in them.

Redis is that of TEST_REDIS_URL, else one on this machine. Where it or its library is missing the tests are skipped with
the reason, but fail where CI is true. PostgreSQL stands in tests/database/fixtures.py.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import pytest

_REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")


@dataclass(frozen=True)
class Corner:
    """A place in Redis that nobody else uses: its address, and what all keys there begin with."""

    address: str
    prefix: str


@pytest.fixture
def redis_corner() -> Iterator[Corner]:
    """A corner of Redis, empty again afterwards."""
    try:
        import redis
    except ImportError:
        missing("the library redis is not installed (make setup)")
    corner = Corner(_REDIS, f"evenkeel-test-{secrets.token_hex(4)}:")
    client = redis.Redis.from_url(_REDIS, socket_connect_timeout=3)
    try:
        client.ping()
    except redis.RedisError as error:
        missing(f"no Redis answers at {_REDIS}: {error}")
    yield corner
    left = list(client.scan_iter(f"{corner.prefix}*"))
    if left:
        client.delete(*left)
    client.close()


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
