"""What comes of a request to a platform, whatever the network does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

from bot.channels.client import make_client, request, retry_after, wait_before
from bot.database.models import now


async def asked(answer: Callable[[httpx.Request], httpx.Response]) -> tuple[str, bool, float | None]:
    """State, whether it may have arrived, and how long we were asked to wait."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        outcome = await request(client, "POST", "https://platform.test/messages", json={})
    return outcome.state, outcome.maybe, outcome.after


@pytest.mark.parametrize(
    ("error", "maybe"),
    [
        (httpx.ConnectError("no route"), False),
        (httpx.ConnectTimeout("nobody answers"), False),
        (httpx.PoolTimeout("all connections are taken"), False),
        (httpx.ReadTimeout("it went, no answer came"), True),
        (httpx.WriteError("it went in part"), True),
        (httpx.RemoteProtocolError("closed without an answer"), True),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_network_that_fails_is_tried_again(error: httpx.TransportError, maybe: bool) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    assert await asked(fail) == ("later", maybe, None)


@pytest.mark.parametrize(
    ("status", "state", "maybe"),
    [
        (200, "sent", False),
        (400, "refused", False),
        (401, "refused", False),
        (404, "refused", False),
        (408, "later", False),
        (429, "later", False),
        (500, "later", False),
        (502, "later", True),
        (504, "later", True),
    ],
)
async def test_a_status_says_whether_to_try_again(status: int, state: str, maybe: bool) -> None:
    assert await asked(lambda _: httpx.Response(status, text="<html>no JSON</html>")) == (state, maybe, None)


async def test_the_time_that_was_asked_for_is_kept() -> None:
    assert await asked(lambda _: httpx.Response(429, headers={"Retry-After": "7"})) == ("later", False, 7.0)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("30", 30, 30),
        ("0.5", 0.5, 0.5),
        ("-3", 0, 0),
        ("999999", 3600, 3600),
    ],
)
def test_a_time_to_wait_is_read(header: str, least: float, most: float) -> None:
    seconds = retry_after(header)
    assert seconds is not None and least <= seconds <= most


@pytest.mark.parametrize(("ahead", "least", "most"), [(timedelta(seconds=60), 1, 60), (timedelta(days=-1), 0, 0)])
def test_a_date_to_wait_for_is_read(ahead: timedelta, least: float, most: float) -> None:
    """The date is made here: parameters are made long before the test in a whole run."""
    seconds = retry_after(format_datetime(now() + ahead))
    assert seconds is not None and least <= seconds <= most


@pytest.mark.parametrize("header", [None, "", "soon", "nan", "31 Fooember"])
def test_what_is_no_time_is_none(header: str | None) -> None:
    assert retry_after(header) is None


def test_waits_grow_to_a_quarter_of_an_hour_and_never_undercut_the_platform() -> None:
    assert 0.75 <= wait_before(1, None) <= 1.25
    assert 96 <= wait_before(8, None) <= 160
    assert 675 <= wait_before(40, None) <= 1125
    assert 20 <= wait_before(1, 20.0) <= 20.5


async def test_no_request_waits_for_ever_and_no_proxy_is_asked_about_this_machine() -> None:
    async with make_client("http://127.0.0.1:1") as client:
        assert all(seconds is not None and seconds <= 10 for seconds in client.timeout.as_dict().values())
        assert client.trust_env is False
