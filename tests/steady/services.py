"""The services that several processes share, for tests: each test gets a corner of its own in them.

Redis is that of TEST_REDIS_URL and RabbitMQ that of TEST_RABBITMQ_URL, else one on this machine; `rabbitmqctl` makes
the corner in the latter. Where a service or its library is missing the tests are skipped with the reason, but fail
where CI is true. PostgreSQL stands in tests/database/fixtures.py.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from typing import NoReturn
from urllib.parse import urlsplit

import pytest

_REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
_RABBITMQ = os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672/")


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


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[str]:
    """The address of a virtual host in RabbitMQ that nobody else uses, deleted at the end of the session."""
    if PathFinder.find_spec("aio_pika") is None:
        missing("the library aio-pika is not installed (make test installs it)")
    server, corner = urlsplit(_RABBITMQ), f"evenkeel-test-{secrets.token_hex(4)}"
    _rabbitmqctl("add_vhost", corner)
    try:
        _rabbitmqctl("set_permissions", "-p", corner, server.username or "guest", ".*", ".*", ".*")
        yield server._replace(path=f"/{corner}").geturl()
    finally:
        _rabbitmqctl("delete_vhost", corner)


def _rabbitmqctl(*arguments: str) -> None:
    try:
        done = subprocess.run(["rabbitmqctl", "-q", *arguments], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        missing(f"no RabbitMQ can be administered here: {type(error).__name__}")
    if done.returncode:
        missing(f"no RabbitMQ can be administered here: {(done.stderr or done.stdout).strip()[:200]}")


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
