"""Sends the events that wait in the outbox to RabbitMQ, where `EVENT_BROKER_URL` names one.

An event is deleted once RabbitMQ has confirmed that it keeps it. So none is lost, whoever ends or is cut off when; one
may come twice, and then bears the same `message_id`. Rasa's own broker keeps what it could not send in memory.

The library is not installed by default (requirements-broker.lock), and without the setting it is not looked for.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from bot.database.models import WaitingEvent
from bot.errors import SettingError
from bot.ops.health import Metrics
from bot.ops.logs import describe
from bot.settings import Settings

if TYPE_CHECKING:
    from aio_pika.abc import AbstractExchange

Result = TypeVar("Result")

_log = logging.getLogger(__name__)
# They write addresses, and with them the password.
for _name in ("aio_pika", "aiormq"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

#: The durable topic exchange that other systems bind their queues to.
EXCHANGE = "evenkeel.events"
#: Events that are taken at a time.
_BATCH = 100
#: Seconds until it is looked again whether there are new ones, and between two counts for the figures.
_LOOK, _COUNT = 0.5, 5.0
#: Seconds that RabbitMQ is given to answer: less than PostgreSQL gives a transaction that does nothing (60).
_PATIENCE = 20.0
_GOODBYE = 2.0
#: Seconds until it is tried again, longer and longer.
_PAUSE, _LONGEST_PAUSE = 0.5, 30.0

_OLDEST = (
    sa.select(WaitingEvent.id, WaitingEvent.key, WaitingEvent.body)
    .order_by(WaitingEvent.id)
    .limit(_BATCH)
    .with_for_update(skip_locked=True)  # PostgreSQL: other processes take the next ones meanwhile
)
_HOW_MANY = sa.select(sa.func.count()).select_from(WaitingEvent)


def is_wanted(settings: Settings) -> bool:
    """Whether this process is to publish.

    Raises:
        SettingError: it is, but the library is not there.
    """
    if not settings.event_broker_url or not settings.serve & {"web", "workers"}:
        return False
    # Importing it proves nothing: bot.engine.compat serves a placeholder where it is missing.
    if PathFinder.find_spec("aio_pika") is None:
        raise SettingError(
            "EVENT_BROKER_URL is set, but aio-pika is not installed: install requirements-broker.lock as well, or "
            "leave EVENT_BROKER_URL empty."
        )
    return True


class Publisher:
    """Publishes for one process; any number of processes share an outbox."""

    def __init__(self, engine: sa.Engine, url: str, metrics: Metrics) -> None:
        self._engine, self._url, self._metrics = engine, url, metrics
        # One thread: what was begun in it is over before the next thing, also where nobody waits for it any more.
        self._thread = ThreadPoolExecutor(1, "publisher")
        self._taken: sa.Connection | None = None
        self._away = False

    async def run(self) -> None:
        """Publish for ever; a broker that is gone is waited for."""
        counting = asyncio.create_task(self._keep_counting())
        pause = _PAUSE
        try:
            while True:
                try:
                    async with self._exchange() as exchange:
                        while True:
                            published = await self._publish_some(exchange)
                            pause = _PAUSE
                            self._note(None)
                            if published < _BATCH:
                                await asyncio.sleep(_LOOK)
                except (Exception, asyncio.CancelledError) as error:
                    # The library cancels what waits for an answer when its connection breaks.
                    if (task := asyncio.current_task()) is not None and task.cancelling():
                        raise
                    self._note(error)
                await asyncio.sleep(pause * random.uniform(0.5, 1))
                pause = min(2 * pause, _LONGEST_PAUSE)
        finally:
            counting.cancel()
            self._thread.shutdown(wait=False)

    @asynccontextmanager
    async def _exchange(self) -> AsyncIterator[AbstractExchange]:
        import aio_pika

        connection = await aio_pika.connect(
            self._url, timeout=_PATIENCE, client_properties={"connection_name": "evenkeel"}
        )
        try:
            async with asyncio.timeout(_PATIENCE):
                channel = await connection.channel(publisher_confirms=True)
                exchange = await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)
            yield exchange
        finally:
            with suppress(Exception):
                async with asyncio.timeout(_GOODBYE):
                    await connection.close()

    async def _publish_some(self, exchange: AbstractExchange) -> int:
        """Publish the oldest events that nobody else has taken; how many they were.

        Raises:
            Exception: one was not confirmed; it waits, and those that were confirmed are gone.
        """
        confirmed: list[int] = []
        try:
            events = await self._do(self._take)
            sending = (_send(exchange, event) for event in events)
            outcomes = await asyncio.gather(*sending, return_exceptions=True)
            confirmed += [event.id for event, failed in zip(events, outcomes, strict=True) if failed is None]
        finally:
            await self._do(self._finish, confirmed)
        self._metrics.published(len(confirmed))
        for failed in outcomes:
            if failed is not None:
                raise failed
        return len(events)

    def _take(self) -> Sequence[sa.Row[Any]]:
        self._taken = self._engine.connect()
        return self._taken.execute(_OLDEST).all()

    def _finish(self, confirmed: Sequence[int]) -> None:
        """Delete what was confirmed, and let go of the rest."""
        connection, self._taken = self._taken, None
        if connection is None:  # it could not even be made
            return
        with connection:
            if confirmed:
                connection.execute(sa.delete(WaitingEvent).where(WaitingEvent.id.in_(confirmed)))
                connection.commit()

    async def _keep_counting(self) -> None:
        while True:
            try:
                self._metrics.events_waiting(await self._do(self._count))
            except Exception as error:
                _log.info("Waiting events could not be counted: %s", describe(error))
            await asyncio.sleep(_COUNT)

    def _count(self) -> int:
        with self._engine.connect() as connection:
            return connection.execute(_HOW_MANY).scalar_one()

    async def _do(self, work: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _note(self, error: BaseException | None) -> None:
        """Say it when the broker goes and when it is back, and not each time in between."""
        if error is not None and not self._away:
            _log.error("Events cannot be published and wait in the database: %s", describe(error))
        elif error is None and self._away:
            _log.warning("Events are published again.")
        self._away = error is not None


async def _send(exchange: AbstractExchange, event: sa.Row[Any]) -> None:
    """Publish one event; returns when RabbitMQ has it on its disk."""
    import aio_pika

    message = aio_pika.Message(
        json.dumps(event.body).encode(),
        message_id=event.body["id"],
        type=event.body["event"],
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        app_id="evenkeel",
    )
    # Not mandatory: an event that nobody wants is not kept for them.
    async with asyncio.timeout(_PATIENCE):
        await exchange.publish(message, event.key, mandatory=False)
