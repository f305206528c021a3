"""All messengers of one application: their webhooks, their queue and their workers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.channels.arrivals import Arrival, Forged, Malformed
from bot.channels.delivery import Delivery
from bot.channels.dialogue import Answerer, Dialogue, stored
from bot.channels.figures import Figures
from bot.channels.people import Pseudonyms, Seal
from bot.channels.platform import Hook, Platform
from bot.channels.queue import Filed, Queue
from bot.channels.registry import platforms_of
from bot.channels.retention import sweep_people
from bot.channels.urgency import make_urgency
from bot.language.text import clean
from bot.ops.health import Metrics
from bot.ops.logs import describe
from bot.ops.masking import mask
from bot.ops.outbox import Outbox
from bot.ops.steps import request_id
from bot.settings import Settings
from bot.web.keys import Keys
from bot.web.reading import read_body
from bot.web.refusals import as_json, not_ready

_log = logging.getLogger(__name__)

#: Webhooks that are written to the queue in one transaction.
_BATCH = 100
#: Characters kept of one message: the screen reads no more (CONTRACT, "Chat API").
_MOST = 100_000
_SWEEP = 15 * 60.0


class Messengers:
    """Takes webhooks in, and answers them while `working`."""

    def __init__(
        self,
        settings: Settings,
        bot: Answerer,
        engine: sa.Engine,
        metrics: Metrics,
        platforms: Sequence[Platform] | None = None,
    ) -> None:
        """
        Args:
            platforms: the channels; None makes those that the settings turn on.
        """
        self._settings, self._bot, self._engine, self._metrics = settings, bot, engine, metrics
        channels = platforms_of(settings) if platforms is None else platforms
        self.platforms = {platform.name: platform for platform in channels}
        keys = Keys.of(settings)
        self._pseudonyms, self._seal = Pseudonyms(keys), Seal(keys)
        self._figures = Figures(metrics)
        self._waiting: list[tuple[Filed, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._queue = Queue(engine, secrets.token_hex(8), outbox=Outbox.of(settings))
        self._delivery: Delivery | None = None

    def routes(self) -> list[Route]:
        """The addresses under /webhooks of the channels that are on."""
        return [
            Route(path, self._endpoint(platform), methods=list(platform.methods))
            for platform in self.platforms.values()
            for path in platform.paths
        ]

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Answer messages as long as the context lasts; then finish what is being done."""
        if not self.platforms:
            yield
            return
        await asyncio.to_thread(self._is_urgent, "ready")  # loads what it needs before anybody waits for it
        dialogue = Dialogue(self._settings, self._bot, self._seal, self._metrics)
        self._delivery = Delivery(self.platforms, self._queue, dialogue, self._bot, self._seal, self._figures)
        tasks = [asyncio.create_task(work) for work in (self._delivery.run(), self._sweep(), self._count())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._delivery = None
            if self._writing is not None:
                await asyncio.gather(self._writing, return_exceptions=True)
            for platform in self.platforms.values():
                await platform.close()
            await asyncio.to_thread(self._queue.close)

    # -- webhooks ----------------------------------------------------------------------------------------------

    def _endpoint(self, platform: Platform) -> Callable[[Request], Any]:
        async def webhook(request: Request) -> Response:
            return await self._receive(platform, request)

        webhook.__name__ = f"{platform.name}_webhook"
        return webhook

    async def _receive(self, platform: Platform, request: Request) -> Response:
        with self._delivery.receiving() if self._delivery is not None else contextlib.nullcontext():
            return await self._received(platform, request)

    async def _received(self, platform: Platform, request: Request) -> Response:
        hook = Hook(
            method=request.method,
            path=request.url.path,
            urls=asked_as(request, self._settings),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await read_body(request),
            query=dict(request.query_params),
        )
        if hook.method == "GET":
            return platform.greet(hook) or as_json(403, "forged", "This request does not come from the platform.")
        try:
            platform.verify(hook)
            greeting = platform.greet(hook)
            arrivals = [] if greeting is not None else platform.read(hook)
        except Forged:
            self._figures.webhook(platform.name, "forged")
            return as_json(403, "forged", "This request does not come from the platform.")
        except Malformed:
            self._figures.webhook(platform.name, "malformed")
            return as_json(400, "bad_request", "That request cannot be understood.")
        if greeting is not None:
            return greeting
        try:
            news = await asyncio.gather(*(self._take(platform, arrival) for arrival in arrivals))
        except Exception as error:
            self._figures.webhook(platform.name, "busy")
            _log.error(
                "%s: messages could not be stored, the platform sends them again: %s", platform.title, describe(error)
            )
            raise not_ready() from None
        for new in news:
            if not new:
                self._metrics.repeated(platform.name)
        self._figures.webhook(platform.name, "accepted")
        if self._delivery is not None and any(news):
            self._delivery.wake(platform.name)
        return platform.acknowledge()

    async def _take(self, platform: Platform, arrival: Arrival) -> bool:
        """Store one message; whether it is new. Those of many webhooks share a transaction."""
        filed = (
            self._file(platform, arrival)
            if len(arrival.text) < 5_000
            else await asyncio.to_thread(self._file, platform, arrival)
        )
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((filed, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await done

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            try:
                news = await self._queue.run(self._queue.take_in, [filed for filed, _ in batch])
            except Exception as error:
                for _, done in batch:
                    if not done.done():
                        done.set_exception(error)
                continue
            for (_, done), new in zip(batch, news, strict=True):
                if not done.done():
                    done.set_result(new)

    def _file(self, platform: Platform, arrival: Arrival) -> Filed:
        """A message as it is kept: masked, sealed, and under names that tell nothing."""
        text = mask(clean(arrival.text[:_MOST]))
        keys = self._pseudonyms.message(platform.name, arrival.message_id)
        body = stored(arrival, keys[0]) | ({"text": text} if text else {}) | {"request": request_id()}
        return Filed(
            channel=platform.name,
            keys=keys,
            conversations=self._pseudonyms.conversations(platform.name, arrival.person),
            address=self._seal.close(arrival.address, platform.name),
            body=self._seal.close(body, platform.name),
            urgent=bool(text) and self._is_urgent(text),
            sent=arrival.sent,
        )

    def _is_urgent(self, text: str) -> bool:
        return make_urgency(self._settings.data)(text)

    # -- housekeeping ------------------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        while True:
            try:
                gone = await asyncio.to_thread(sweep_people, self._engine, self._settings.retention_days)
                for conversation in gone:
                    await self._bot.forget(conversation)
            except Exception as error:
                _log.error("The sweep of messengers failed and is tried again later: %s", describe(error))
            await asyncio.sleep(_SWEEP)

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(5)
            with contextlib.suppress(Exception):
                self._figures.backlog(await asyncio.to_thread(self._queue.backlog), self.platforms)


def asked_as(request: Request, settings: Settings) -> list[str]:
    """The addresses under which the sender may have asked for this: only for signatures that hold the address.

    Who does not know the secret cannot sign any of them, so it does no harm that a header names one.
    """
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    bases = [settings.public_url, f"{request.url.scheme}://{request.url.netloc}"]
    host = request.headers.get("x-forwarded-host") or request.headers.get("host") or ""
    for proto in ("https", "http"):
        bases.append(f"{proto}://{host.split(',')[0].strip()}")
    urls = []
    for base in dict.fromkeys(bases):
        try:
            parts = urlsplit(base)
            port = parts.port
        except ValueError:
            continue
        name = parts.hostname or ""
        usual = 443 if parts.scheme == "https" else 80
        # Some sign with the usual port written out, some without it.
        for netloc in dict.fromkeys([parts.netloc, name, f"{name}:{port or usual}"]):
            if netloc == name and port not in (None, usual):
                continue
            urls.append(f"{parts.scheme}://{netloc}{parts.path}{path}")
    return list(dict.fromkeys(urls))
