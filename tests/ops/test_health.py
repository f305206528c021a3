"""Health, figures, and what an error says in the log."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from bot.app import build
from bot.database.engine import make_engine
from bot.database.migrate import upgrade
from bot.ops import health
from bot.ops.logs import describe
from bot.settings import Settings
from tests.web.fixtures import FakeBot, Visitor, browser, changed


async def test_alive(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live")).json() == {"status": "ok"}


async def test_ready(settings: Settings, tmp_path: Any) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'new.db'}")
    bot = FakeBot(engine)
    bot.ready = False
    async with browser(build(settings, bot, engine)) as client:
        response = await client.get("/health/ready")
        assert (response.status_code, response.json()["missing"]) == (503, ["model", "database: migrations"])
        bot.ready = True
        upgrade(engine)
        assert (await client.get("/health/ready")).status_code == 200
    engine.dispose()


async def test_not_ready_without_a_database(settings: Settings) -> None:
    engine = sa.create_engine("postgresql://nobody@127.0.0.1:1/none", connect_args={"connect_timeout": 1})
    async with browser(build(settings, FakeBot(engine), engine)) as client:
        assert (await client.get("/health/ready")).json()["missing"] == ["database"]


@pytest.mark.parametrize(
    ("setting", "said"),
    [("redis_url", "redis"), ("action_endpoint", "action server")],
)
async def test_not_ready_without_what_the_settings_name(
    settings: Settings, tmp_path: Any, setting: str, said: str
) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'new.db'}")
    upgrade(engine)
    there = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = there.sockets[0].getsockname()[1]
    scheme = "redis" if said == "redis" else "http"
    app = build(changed(settings, **{setting: f"{scheme}://127.0.0.1:{port}/0"}), FakeBot(engine), engine)
    async with browser(app) as client:
        assert (await client.get("/health/ready")).status_code == 200
        there.close()
        await there.wait_closed()
        assert (await client.get("/health/ready")).json()["missing"] == [said]
        assert (await client.get("/health/live")).status_code == 200
    engine.dispose()


async def test_not_ready_on_a_full_disk(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_NEARLY_FULL", 10**18)
    assert "disk: full" in (await client.get("/health/ready")).json()["missing"]


ASKING = [
    ("this machine", "", ("127.0.0.1", 1), "http://localhost:8080", {}, 200),
    ("this machine by IPv6", "", ("::1", 1), "http://[::1]:8080", {}, 200),
    ("somebody else", "", ("203.0.113.9", 1), "http://localhost:8080", {}, 404),
    (
        "through a proxy on this machine",
        "",
        ("127.0.0.1", 1),
        "http://localhost",
        {"X-Forwarded-For": "203.0.113.9"},
        404,
    ),
    ("through one that keeps the name", "", ("127.0.0.1", 1), "http://bot.example", {}, 404),
    ("with the token", "sesame", ("203.0.113.9", 1), "http://bot.example", {"Authorization": "Bearer sesame"}, 200),
    ("with another token", "sesame", ("127.0.0.1", 1), "http://localhost", {"Authorization": "Bearer sesamé"}, 404),
    ("without the token", "sesame", ("127.0.0.1", 1), "http://localhost", {}, 404),
]


@pytest.mark.parametrize(
    ("token", "who", "address", "headers", "status"), [row[1:] for row in ASKING], ids=[row[0] for row in ASKING]
)
async def test_figures_are_the_operators(
    settings: Settings,
    engine: sa.Engine,
    fake_bot: FakeBot,
    token: str,
    who: tuple[str, int],
    address: str,
    headers: dict[str, str],
    status: int,
) -> None:
    transport = httpx.ASGITransport(build(changed(settings, metrics_token=token), fake_bot, engine), client=who)
    encoded = {name: value.encode() for name, value in headers.items()}
    async with httpx.AsyncClient(transport=transport, base_url=address) as client:
        assert (await client.get("/metrics", headers=encoded)).status_code == status


async def test_figures(app: Starlette, visitor: Visitor) -> None:
    await visitor.say("zebrafish")
    await visitor.say("zebrafish")
    await visitor.say("i want to die", "2")
    told = app.state.metrics.text().decode()
    assert 'evenkeel_messages_total{category="",channel="web",kind="answer"} 1.0' in told
    assert 'evenkeel_messages_total{category="crisis_selfharm",channel="web",kind="safety"} 1.0' in told
    assert 'evenkeel_turn_seconds_count{channel="web"} 2.0' in told
    assert 'evenkeel_repeated_total{channel="web"} 1.0' in told
    assert "evenkeel_sessions_total 1.0" in told
    assert "zebrafish" not in told and "web-" not in told


def test_an_error_is_described_without_its_words() -> None:
    try:
        try:
            raise KeyError("a private word")
        except KeyError:
            raise ValueError("a private word") from None
    except ValueError as error:
        described = describe(error)
    assert described.startswith("ValueError at tests/ops/test_health.py:") and "private" not in described
    try:
        try:
            raise KeyError("a private word")
        except KeyError as error:
            raise ValueError("a private word") from error
    except ValueError as error:
        assert describe(error).endswith("; after KeyError")
    assert describe(ValueError("a private word")) == "ValueError"
