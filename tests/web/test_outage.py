"""The database is gone: danger gets its numbers, everything else a time to come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from bot.message import Message
from tests.web.fixtures import FakeBot, Visitor, help_for


class Away(sa.exc.OperationalError):
    def __init__(self) -> None:
        super().__init__("SELECT words of somebody", {}, Exception("gone"))


@pytest.fixture
def away(fake_bot: FakeBot, engine: sa.Engine) -> Callable[[bool], None]:
    """Takes the database away, or brings it back."""

    def first_aid(turn: Any) -> list[Message]:
        return [help_for(turn.text)] if "die" in turn.text else []

    fake_bot.first_aid = first_aid  # type: ignore[attr-defined]

    def refuse(*_: Any) -> None:
        raise Away

    def go(is_away: bool) -> None:
        (sa.event.listen if is_away else sa.event.remove)(engine, "before_cursor_execute", refuse)

    return go


async def test_danger_gets_its_numbers(visitor: Visitor, away: Callable[[bool], None]) -> None:
    away(True)
    response = await visitor.say("i want to die")
    assert response.status_code == 200
    (message,) = response.json()["messages"]
    assert message["kind"] == "safety" and message["contacts"]


async def test_everybody_else_comes_back(visitor: Visitor, away: Callable[[bool], None]) -> None:
    away(True)
    for response in (
        await visitor.say("what is ketamine"),
        await visitor.client.get("/chat/messages", headers=visitor.headers),
        await visitor.client.post("/chat/sessions", json={}),
    ):
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        assert "911" in response.json()["error"]["message"]


async def test_a_forged_token_gets_nothing(visitor: Visitor, away: Callable[[bool], None]) -> None:
    away(True)
    response = await Visitor(visitor.client, "forged").say("i want to die")
    assert response.status_code == 401
    assert "messages" not in response.json()


async def test_afterwards_everything_goes_on(visitor: Visitor, away: Callable[[bool], None]) -> None:
    assert (await visitor.say("before", "1")).status_code == 200
    away(True)
    assert (await visitor.say("meanwhile", "2")).status_code == 503
    away(False)
    assert (await visitor.say("meanwhile", "2")).status_code == 200
    assert [m["text"] for m in await visitor.history() if m["from"] == "visitor"] == ["before", "meanwhile"]


async def test_too_much_to_do(visitor: Visitor, fake_bot: FakeBot, app: Starlette) -> None:
    """Who comes when enough are being answered comes back later, but for danger."""
    app.state.turns._most = 2
    fake_bot.gate = asyncio.Event()
    waiting = [asyncio.create_task(visitor.say("what is ketamine", f"w{n}")) for n in range(2)]
    while len(fake_bot.turns) < 2:
        await asyncio.sleep(0.01)
    refused = await visitor.say("how long does it last", "late")
    assert refused.status_code == 503 and int(refused.headers["Retry-After"]) > 0
    in_danger = asyncio.create_task(visitor.say("i want to die", "danger"))
    while len(fake_bot.turns) < 3:
        await asyncio.sleep(0.01)
    fake_bot.gate.set()
    assert [response.status_code for response in await asyncio.gather(*waiting, in_danger)] == [200] * 3
    assert (await visitor.say("how long does it last", "late")).status_code == 200
