"""Requests to the platforms: async, with time limits; what came of each, without a word of it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from bot.database.models import now

#: Seconds: to connect, and to wait for the next sign of life.
TIMEOUT = httpx.Timeout(10.0, connect=4.0, pool=8.0)
#: A reply is given up after this many tries; with the waits below that is a little over an hour.
MOST_ATTEMPTS = 12
#: Why a reply is given up that Meta would only take within a day of somebody's last message.
CLOSED = "more than a day since their last message"
_LONGEST_WAIT = 900.0
#: Seconds: a platform that asks for more is asked again after this.
LONGEST_RETRY_AFTER = 3600.0


@dataclass(frozen=True)
class Outcome:
    """What came of a request.

    Attributes:
        state: sent; later (worth another try); refused (never will be taken); unwanted (the person blocked us).
        error: the platform's code; after: seconds that the platform asked us to wait.
        maybe: the platform may have taken it although no answer came.
        body: what the platform answered, for whoever asked.
    """

    state: Literal["sent", "later", "refused", "unwanted"]
    error: str = ""
    after: float | None = None
    maybe: bool = False
    body: Any = None


def make_client(base: str, **options: Any) -> httpx.AsyncClient:
    """A client for the API at `base`; a proxy of the environment is not asked about this machine itself."""
    local = (urlsplit(base).hostname or "") in ("localhost", "127.0.0.1", "::1")
    limits = httpx.Limits(max_connections=40, max_keepalive_connections=20)
    return httpx.AsyncClient(timeout=TIMEOUT, limits=limits, trust_env=not local, **options)


async def request(client: httpx.AsyncClient, method: str, url: str, **what: Any) -> Outcome:
    """Make a request; never raises for what a network can do. The body is read as JSON where it is."""
    try:
        response = await client.request(method, url, **what)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        return Outcome("later", type(error).__name__)  # it never left
    except httpx.TransportError as error:
        return Outcome("later", type(error).__name__, maybe=True)
    try:
        body = response.json()
    except ValueError:
        body = None
    code = f"HTTP {response.status_code}"
    if response.is_success:
        return Outcome("sent", body=body)
    after = retry_after(response.headers.get("retry-after"))
    if response.status_code in (408, 409, 425, 429) or response.status_code >= 500:
        # A gateway that gave up may have handed it on.
        return Outcome("later", code, after, maybe=response.status_code in (502, 504), body=body)
    return Outcome("refused", code, after, body=body)


def retry_after(header: str | None) -> float | None:
    """Seconds in a Retry-After header: a number, or a date."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - now()).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER) if seconds == seconds else None


def wait_before(attempt: int, after: float | None) -> float:
    """Seconds to wait after the `attempt`-th failure: what the platform asked for, else twice as long each time."""
    if after is not None:
        return after + random.uniform(0.0, 0.5)
    longest = min(2.0 ** (attempt - 1), _LONGEST_WAIT)
    return longest * random.uniform(0.75, 1.25)
