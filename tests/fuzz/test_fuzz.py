"""Inputs of every kind through the chat API to the reply of the trained bot.

`make fuzz` sends 20,000 and more and prints its seed; `make test` sends a few hundred. A run is had again with
FUZZ_SEED; FUZZ_INPUTS says how many.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from bot.app import build
from bot.database.engine import make_engine
from bot.database.migrate import upgrade
from bot.service import Bot
from bot.settings import Settings
from tests.fuzz.inputs import BODIES, LONG, TEXTS
from tests.fuzz.way import Way

SEED = int(os.environ.get("FUZZ_SEED") or secrets.randbelow(2**32))
INPUTS = int(os.environ.get("FUZZ_INPUTS") or 200)
# Of each hundred inputs: texts of ordinary length, bodies that are no message, and one text beyond the limit.
TEXT_SHARE, BODY_SHARE = 0.9, 0.09


def often(share: float):  # type: ignore[no-untyped-def]
    """Settings of hypothesis for this share of all inputs; a failure is not made smaller, that is slow."""
    return settings(
        max_examples=max(1, round(INPUTS * share)),
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The bot's own event loop: hypothesis calls plain functions, and bot and client live longer than one of them."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="module")
def way(trained: Settings, tmp_path_factory: pytest.TempPathFactory, loop: asyncio.AbstractEventLoop) -> Iterator[Way]:
    """A visitor of the application as it is served, over a database of its own."""
    from bot.engine.engine import Engine
    from bot.engine.tracker_store import DatabaseTrackerStore

    url = f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'fuzz.db'}"
    engine = make_engine(url)
    upgrade(engine)
    bot = Bot(trained, Engine(trained.models, "", DatabaseTrackerStore.of(url)))
    bot.start()
    own = replace(trained, database_url=url, session_limit=100_000, address_limit=1_000_000)
    transport = httpx.ASGITransport(build(own, bot, engine), raise_app_exceptions=False)
    client = httpx.AsyncClient(transport=transport, base_url="http://localhost")
    way = Way(client, engine)
    logging.getLogger().addHandler(way.noted)
    print(f"\nFUZZ_SEED={SEED} FUZZ_INPUTS={INPUTS}", flush=True)
    began = time.perf_counter()
    yield way
    print(f"\n{way.sent} inputs in {time.perf_counter() - began:.0f} s, FUZZ_SEED={SEED}", flush=True)
    logging.getLogger().removeHandler(way.noted)
    loop.run_until_complete(client.aclose())
    engine.dispose()


@pytest.fixture(autouse=True, scope="module")
def patient() -> Iterator[None]:
    """A slow machine is no failure of the dialogue here."""
    from bot import service

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "PATIENCE", 120.0)
        yield


def test_texts(way: Way, loop: asyncio.AbstractEventLoop) -> None:
    @seed(SEED)
    @often(TEXT_SHARE)
    @given(text=TEXTS)
    def send(text: str) -> None:
        loop.run_until_complete(way.check(text))

    send()
    way.check_store()


def test_bodies(way: Way, loop: asyncio.AbstractEventLoop) -> None:
    @seed(SEED)
    @often(BODY_SHARE)
    @given(body=BODIES)
    def send(body: object) -> None:
        loop.run_until_complete(way.check_body(body))

    send()


def test_long_texts(way: Way, loop: asyncio.AbstractEventLoop) -> None:
    @seed(SEED)
    @often(1 - TEXT_SHARE - BODY_SHARE)
    @given(text=LONG)
    def send(text: str) -> None:
        loop.run_until_complete(way.check(text[:100_000]))

    send()
    way.check_store()
