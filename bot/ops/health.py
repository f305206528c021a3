"""Is it alive, can it answer, and how does it do: /health/live, /health/ready and /metrics.

Figures hold kinds, categories and times, never a word of anybody.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import sqlalchemy as sa
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.database.migrate import is_current
from bot.settings import Settings

#: Bytes that must be free where the database is; seconds to connect with another service.
_NEARLY_FULL, _PATIENCE = 20_000_000, 1.0
_STAGE_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Ready(Protocol):
    """What can say of itself whether it can answer."""

    @property
    def missing(self) -> Sequence[str]:
        """What could not be loaded, a word or two each."""


class Metrics:
    """The figures of one process."""

    def __init__(self) -> None:
        disable_created_metrics()  # a second line for each figure, of no use to anybody here
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._messages = Counter(
            "evenkeel_messages",
            "Messages sent, by what they were.",
            ("channel", "kind", "category"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "evenkeel_turn_seconds",
            "Time from a message in to its reply.",
            ("channel",),
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._stages = Histogram(
            "evenkeel_stage_seconds",
            "Time that a part of a message's way took.",
            ("stage",),
            registry=self.registry,
            buckets=_STAGE_SECONDS,
        )
        self._known: dict[str, Histogram] = {}
        self._running = Gauge("evenkeel_turns_running", "Messages being answered now.", registry=self.registry)
        self._failed = Counter(
            "evenkeel_turns_failed", "Messages that could not be answered.", ("channel",), registry=self.registry
        )
        self._repeated = Counter(
            "evenkeel_repeated",
            "Messages that came again and were not run again.",
            ("channel",),
            registry=self.registry,
        )
        self._limited = Counter(
            "evenkeel_limited", "Requests refused because there were too many.", ("by",), registry=self.registry
        )
        self._sessions = Counter("evenkeel_sessions", "Web conversations begun.", registry=self.registry)
        self._feedback = Counter("evenkeel_feedback", "Answers rated.", ("helpful",), registry=self.registry)
        self._waiting = Gauge(
            "evenkeel_events_waiting", "Events that RabbitMQ does not have yet.", registry=self.registry
        )
        self._published = Counter(
            "evenkeel_events_published", "Events that RabbitMQ has taken.", registry=self.registry
        )

    def sent(self, channel: str, messages: Iterable[Mapping[str, Any]]) -> None:
        """Count the bot's messages, as `Message.to_dict` gives them."""
        for message in messages:
            self._messages.labels(channel, message["kind"], message.get("category") or "").inc()

    @contextmanager
    def turn(self, channel: str) -> Iterator[None]:
        """Measure the turn that runs inside; one that raises counts as failed."""
        began = time.perf_counter()
        with self._running.track_inprogress(), self._failed.labels(channel).count_exceptions():
            yield
        self._seconds.labels(channel).observe(time.perf_counter() - began)

    def stage(self, name: str, seconds: float) -> None:
        """A part of a message took so long (bot.ops.steps)."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._stages.labels(name)
        known.observe(seconds)

    def repeated(self, channel: str) -> None:
        """Count a message that came again."""
        self._repeated.labels(channel).inc()

    def limited(self, by: str) -> None:
        """Count a request refused for its session or its address."""
        self._limited.labels(by).inc()

    def session(self) -> None:
        """Count a web conversation begun."""
        self._sessions.inc()

    def feedback(self, helpful: bool) -> None:
        """Count a rating."""
        self._feedback.labels("yes" if helpful else "no").inc()

    def events_waiting(self, number: int) -> None:
        """Say how many events wait to be published, whoever wrote them."""
        self._waiting.set(number)

    def published(self, number: int) -> None:
        """Count events that were published."""
        self._published.inc(number)

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self.registry)


def routes(settings: Settings, engine: sa.Engine, bot: Ready, metrics: Metrics) -> list[Route]:
    """The three addresses."""

    async def live(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        problems = await asyncio.gather(
            asyncio.to_thread(_database_problem, engine),
            asyncio.to_thread(_disk_problem, settings.var),
            _unreachable("redis", settings.redis_url, 6379),
            _unreachable("action server", settings.action_endpoint, 80),
        )
        missing = [*bot.missing, *(problem for problem in problems if problem is not None)]
        if missing:
            return JSONResponse({"status": "not ready", "missing": missing}, 503, {"Retry-After": "5"})
        return JSONResponse({"status": "ok"})

    async def figures(request: Request) -> Response:
        if not may_see_metrics(request, settings.metrics_token):
            return PlainTextResponse("Not found.\n", 404)
        return Response(metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return [Route("/health/live", live), Route("/health/ready", ready), Route("/metrics", figures)]


def _database_problem(engine: sa.Engine) -> str | None:
    try:
        return None if is_current(engine) else "database: migrations"
    except sa.exc.SQLAlchemyError:
        return "database"


def _disk_problem(var: Path) -> str | None:
    """Nothing can be stored on a full disk, whoever asks."""
    try:
        return "disk: full" if shutil.disk_usage(var).free < _NEARLY_FULL else None
    except OSError:
        return "disk"


async def _unreachable(what: str, url: str, usual: int) -> str | None:
    """`what` where a service that the settings name does not let us connect."""
    if not url:
        return None
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or usual)
        writer.close()
    except (OSError, TimeoutError):
        return what
    return None


def may_see_metrics(request: Request, token: str) -> bool:
    """Whether the request is the operator's: it carries `token`, or where there is none comes from this machine itself.

    A request that a proxy on this machine passed on does not.
    """
    if token:
        return hmac.compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {token}".encode())
    if any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via")):
        return False
    name = request.url.hostname or ""
    return _is_loopback(request.client.host if request.client else "") and (name == "localhost" or _is_loopback(name))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False
