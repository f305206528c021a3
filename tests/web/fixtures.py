"""A small bot that remembers what it was asked, and an application around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from bot.database.engine import make_engine
from bot.database.models import Base
from bot.message import Contact, Message, Review, SourceRef, Suggestion
from bot.settings import ROOT, Settings

DISCLAIMER = "This is information, not medical advice. Ask a doctor or pharmacist about your own case."


def answer_to(text: str, number: int = 1) -> Message:
    """An answer as the real bot gives it, with a bit of everything."""
    return Message(
        id=f"m{number}-{abs(hash(text)) % 10**8}",
        kind="answer",
        topic="interactions",
        aspects=("specific",),
        lead=f"Benzodiazepines such as Xanax can make ketamine work less well. You said: {text}",
        details=("They also add to sleepiness.", "Tell the clinic about all your medicines."),
        sources=(
            SourceRef("Ketamine and benzodiazepines", "A Journal", 2021, "https://example.org/paper"),
            SourceRef("An old leaflet", "A Hospital", None, None),
        ),
        review=Review("unreviewed"),
        suggestions=(Suggestion("s-1", "What about alcohol?"), Suggestion("s-2", "How long to wait")),
        disclaimer=DISCLAIMER,
        passages=("benzodiazepines-and-ketamine",),
        drugs=("alprazolam",),
    )


def help_for(text: str) -> Message:
    """A reply to danger."""
    return Message(
        id=f"h-{abs(hash(text)) % 10**8}",
        kind="safety",
        category="crisis_selfharm",
        lead="You do not have to be alone with this. Please talk to somebody now.",
        details=("If you may act on it, call the emergency number.",),
        contacts=(
            Contact(
                "988 Lifeline",
                "United States",
                "988",
                {"number": "988", "body": None},
                "https://988lifeline.org",
                "24 hours a day",
                ("en", "es"),
            ),
            Contact("Shout", "United Kingdom", None, {"number": "85258", "body": "SHOUT"}),
        ),
        disclaimer=DISCLAIMER,
    )


class FakeBot:
    """Answers everything with its own words, and writes them into the events table as Rasa does."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.ready = True
        self.turns: list[Any] = []
        self.forgotten: list[str] = []
        self.gate: asyncio.Event | None = None
        self.error: Exception | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        return () if self.ready else ("model",)

    async def handle(self, turn: Any) -> list[Message]:
        self.turns.append(turn)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        await asyncio.to_thread(self._remember, turn)
        said = turn.text or f"button {turn.button}"
        if "want to die" in said:
            return [help_for(said)]
        return [answer_to(said[:500], len(self.turns))]

    def wish(self, conversation: str) -> str | None:
        said = (self.turns[-1].text or "") if self.turns else ""
        return "forget" if "delete my data" in said else "dont_keep" if "don't keep" in said else None

    async def forget(self, conversation: str) -> None:
        self.forgotten.append(conversation)
        await asyncio.to_thread(self._forget, conversation)

    def _remember(self, turn: Any) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO events (sender_id, type_name, timestamp, data) VALUES (?, 'user', strftime('%s'), ?)",
                (turn.conversation, (turn.text or "")[:500]),
            )

    def _forget(self, conversation: str) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM events WHERE sender_id = ?", (conversation,))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a fresh installation in a folder of the test."""
    environment = {
        "EVENKEEL_VAR": str(tmp_path / "var"),
        "EVENKEEL_DATA": str(ROOT / "data"),
        "PUBLIC_URL": "http://bot.test",
        "ALLOWED_ORIGINS": "https://clinic.example",
        "SECRET_KEY": "a secret for tests",
        "SESSION_LIMIT": "20",
        "ADDRESS_LIMIT": "1000",
    }
    return Settings.read(environment)


@pytest.fixture
def engine(settings: Settings) -> Iterator[sa.Engine]:
    """A SQLite database with its tables."""
    engine = make_engine(settings.database_url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def fake_bot(engine: sa.Engine) -> FakeBot:
    return FakeBot(engine)


@pytest.fixture
def app(settings: Settings, engine: sa.Engine, fake_bot: FakeBot) -> Starlette:
    from bot.app import build

    return build(settings, fake_bot, engine)


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """A visitor's browser, more or less."""
    async with browser(app) as client:
        yield client


def browser(app: Starlette, **options: Any) -> httpx.AsyncClient:
    """A client of `app` with cookies of its own."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bot.test", **options)


class Visitor:
    """Somebody in the web chat, with the token of their session."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self.client, self.token = client, token
        self.headers = {"Authorization": f"Bearer {token}"}

    @classmethod
    async def arrive(cls, client: httpx.AsyncClient, **about: Any) -> Visitor:
        response = await client.post("/chat/sessions", json=about)
        assert response.status_code == 201, response.text
        return cls(client, response.json()["token"])

    async def say(self, text: str, id: str = "1") -> httpx.Response:
        return await self.post("/chat/messages", {"id": id, "text": text})

    async def post(self, path: str, body: Any) -> httpx.Response:
        return await self.client.post(path, json=body, headers=self.headers)

    async def history(self) -> list[dict[str, Any]]:
        response = await self.client.get("/chat/messages", headers=self.headers)
        assert response.status_code == 200, response.text
        return list(response.json()["messages"])


@pytest.fixture
async def visitor(client: httpx.AsyncClient) -> Visitor:
    return await Visitor.arrive(client, country="gb", locale="en-GB", time_zone="Europe/London")


def changed(settings: Settings, **changes: Any) -> Settings:
    """The settings with some of them changed."""
    return replace(settings, **changes)


def everything_in(var: Path) -> bytes:
    """All bytes of all database files under `var`."""
    return b"".join(path.read_bytes() for path in sorted(var.glob("evenkeel.db*")))
