"""What the bot promises to channels: what it lacks, what a person wished, and which flow goes on."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.database.engine import make_engine
from bot.database.migrate import upgrade
from bot.engine.engine import Engine
from bot.engine.tracker_store import DatabaseTrackerStore
from bot.ops.health import Metrics, routes
from bot.service import Bot, Turn
from bot.settings import Settings


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database for conversations."""
    url = f"sqlite:///{tmp_path_factory.mktemp('service') / 'conversations.db'}"
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()
    yield url


@pytest.fixture(scope="module")
def bots(trained: Settings, url: str) -> tuple[Bot, Bot]:
    """Two bots over one database, as two processes would be."""
    both = []
    for _ in range(2):
        bot = Bot(trained, Engine(trained.models, "", DatabaseTrackerStore.of(url)))
        bot.start()
        both.append(bot)
    return both[0], both[1]


async def test_a_wish_is_told_in_its_own_turn(bots: tuple[Bot, Bot]) -> None:
    bot, _ = bots
    await bot.handle(Turn("wish", "please don't keep what i write", message_id="1"))
    assert bot.wish("wish") == "dont_keep"
    await bot.handle(Turn("wish", "what is a panic attack", message_id="2"))
    assert bot.wish("wish") is None


async def test_a_turn_that_is_rendered_again_has_its_wish(bots: tuple[Bot, Bot]) -> None:
    bot, other = bots
    await bot.handle(Turn("again", "delete my data", message_id="1"))
    (said,) = await bot.handle(Turn("again", "yes", message_id="2"))
    assert bot.wish("again") == "forget"
    rendered = await other.replay(Turn("again", "yes", message_id="2"))
    assert rendered is not None and rendered[0].lead == said.lead
    assert other.wish("again") == "forget"
    await other.replay(Turn("again", "delete my data", message_id="1"))
    assert other.wish("again") is None


async def test_another_process_knows_the_flow(bots: tuple[Bot, Bot], monkeypatch: pytest.MonkeyPatch) -> None:
    bot, other = bots
    await bot.handle(Turn("flow", "panic attack happening now", message_id="1"))
    (step,) = await other.handle(Turn("flow", "no", message_id="2"))
    assert step.flow is not None and step.flow.step == 1
    (step,) = await bot.handle(Turn("flow", "okay", message_id="3"))
    assert step.flow is not None and step.flow.step == 2
    seen: list[str | None] = []
    assert other._screen is not None
    look = other._screen.look
    monkeypatch.setattr(other._screen, "look", lambda r, flow=None, original=None: seen.append(flow) or look(r, flow))
    await other.handle(Turn("flow", "go on", message_id="4"))
    assert seen == ["panic"]


async def test_a_slot_is_read_as_the_conversation_has_it(bots: tuple[Bot, Bot]) -> None:
    bot, other = bots
    await bot.handle(Turn("slot", "panic attack happening now", message_id="1"))
    for name in ("flow", "flow_step", "last_topic", "no such"):
        assert await other._engine.slot("slot", name) == (await bot._engine.slots("slot")).get(name)  # type: ignore[union-attr]
    assert await bot._engine.slot("nobody", "flow") is None  # type: ignore[union-attr]


async def test_without_the_screens_classifier(trained: Settings, tmp_path: Path, url: str) -> None:
    """It answers by its patterns, and says that it is not all there."""
    import dataclasses

    from starlette.applications import Starlette

    from tests.web.fixtures import browser

    shutil.copy(trained.models / "dialogue.tar.gz", tmp_path)
    lacking = dataclasses.replace(trained, models=tmp_path)
    bot = Bot(lacking, Engine(tmp_path, "", DatabaseTrackerStore.of(url)))
    assert bot.missing == ("model",)
    await asyncio.to_thread(bot.start)
    assert bot.ready and bot.missing == ("screen classifier",)
    (message,) = await bot.handle(Turn("lacking", "i want to kill myself", country="GB"))
    assert message.category == "crisis_selfharm"
    engine = make_engine(url)
    async with browser(Starlette(routes=routes(lacking, engine, bot, Metrics()))) as client:
        response = await client.get("/health/ready")
        assert (response.status_code, response.json()["missing"]) == (503, ["screen classifier"])
    engine.dispose()
