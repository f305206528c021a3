"""An application with all channels on, each connected with its stand-in, and a small bot."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from bot.channels.messengers import Messengers
from bot.channels.registry import platforms_of
from bot.database.engine import make_engine
from bot.database.migrate import HEAD
from bot.database.models import Base
from bot.message import Contact, Message, Review, SourceRef, Suggestion
from bot.ops.health import Metrics
from bot.settings import ROOT, Settings
from bot.web.refusals import Refusal, refused
from tests.platforms.all import STAND_INS
from tests.platforms.standin import StandIn, Webhook

DISCLAIMER = "This is information, not medical advice. Ask a doctor or pharmacist about your own case."
#: The words of nobody: must be found in no log and no database file.
SECRET_WORDS = "my grandmother's teapot"
#: Settings of all tests; a fixture may add the address of another database.
COMMON: dict[str, str] = {}


def settings_in(folder: Path, **more: str) -> Settings:
    """Settings with every channel on."""
    environment = {
        "EVENKEEL_VAR": str(folder / "var"),
        "EVENKEEL_DATA": str(ROOT / "data"),
        "PUBLIC_URL": "https://bot.test",
        "SECRET_KEY": "a secret for tests",
        "SESSION_LIMIT": "1000",
    }
    for stand_in in STAND_INS:
        environment |= stand_in.environment
    return Settings.read(environment | COMMON | more)


class EchoBot:
    """Answers with the words it was asked, and remembers the turns."""

    def __init__(self) -> None:
        self.ready = True
        self.turns: list[Any] = []
        self.forgotten: list[str] = []
        self.failures = 0
        #: Turns with these words wait until a test sets the event.
        self.held: dict[str, asyncio.Event] = {}
        self.wishes: dict[str, str] = {}
        self.kept: dict[str, list[Message]] = {}

    @property
    def missing(self) -> tuple[str, ...]:
        return () if self.ready else ("model",)

    async def handle(self, turn: Any) -> list[Message]:
        self.turns.append(turn)
        if self.failures:
            self.failures -= 1
            raise RuntimeError(f"failed on: {turn.text}")
        said = turn.text or f"button {turn.button}"
        for word, released in self.held.items():
            if word in said:
                await released.wait()
        if "delete" in said:
            self.wishes[turn.conversation] = "forget"
            return [Message("d", "smalltalk", "This conversation has been deleted.", "smalltalk")]
        if "die" in said:
            return [danger()]
        return [answer(f"You said: {said}")]

    async def replay(self, turn: Any) -> list[Message] | None:
        return self.kept.get(turn.message_id)

    async def forget(self, conversation: str) -> None:
        self.forgotten.append(conversation)

    def wish(self, conversation: str) -> str | None:
        return self.wishes.pop(conversation, None)


def answer(lead: str, **parts: Any) -> Message:
    """An answer as the bot gives it."""
    return replace(
        Message(
            id="m",
            kind="answer",
            lead=lead,
            topic="interactions",
            details=("They also add to sleepiness.", "Tell the clinic about all your medicines."),
            sources=(SourceRef("Ketamine and benzodiazepines", "A Journal", 2021, "https://example.org/paper"),),
            review=Review("unreviewed"),
            suggestions=(Suggestion("s-1", "What about alcohol?"), Suggestion("s-2", "How long should I wait before?")),
            disclaimer=DISCLAIMER,
        ),
        **parts,
    )


def danger() -> Message:
    """A reply to somebody in a crisis."""
    return Message(
        id="h",
        kind="safety",
        category="crisis_selfharm",
        lead="You do not have to be alone with this. Please talk to somebody now.",
        details=("If you may act on it, call the emergency number.",),
        contacts=(
            Contact("Emergency services", "United States", "911"),
            Contact("988 Lifeline", "United States", "988", {"number": "988", "body": None}, "https://988lifeline.org"),
        ),
    )


@dataclass
class Office:
    """The messengers of one process, with the stand-ins at the other end."""

    settings: Settings
    engine: sa.Engine
    bot: EchoBot
    messengers: Messengers
    stand_ins: dict[str, StandIn]
    client: httpx.AsyncClient

    async def deliver(self, webhook: Webhook) -> httpx.Response:
        """Send us a webhook."""
        return await self.client.request(webhook.method, webhook.path, headers=webhook.headers, content=webhook.body)

    async def until(self, condition: Callable[[], Any], seconds: float = 30.0) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)

    async def quiet(self, seconds: float = 60.0) -> None:
        """Wait until nothing is left to do."""

        def busy() -> bool:
            with self.engine.connect() as connection:
                return bool(
                    connection.exec_driver_sql("SELECT count(*) FROM channel_people WHERE due IS NOT NULL").scalar()
                )

        async with asyncio.timeout(seconds):
            while busy():
                await asyncio.sleep(0.02)


def empty_database(url: str) -> sa.Engine:
    """An engine for `url` with the tables of the newest form; what is in it already stays."""
    engine = make_engine(url)
    if not url.startswith("sqlite:///"):
        _tables(engine)
    elif not (path := Path(url.removeprefix("sqlite:///"))).exists():
        path.write_bytes(_empty_file())
    return engine


@cache
def _empty_file() -> bytes:
    """A SQLite database with empty tables: copied, because making them takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        engine = make_engine(f"sqlite:///{path}")
        _tables(engine)
        engine.dispose()
        return path.read_bytes()


def _tables(engine: sa.Engine) -> None:
    """As the migrations make them, but quicker."""
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) PRIMARY KEY)")
        connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{HEAD}') ON CONFLICT DO NOTHING")


@contextlib.asynccontextmanager
async def office(
    folder: Path,
    bot: EchoBot | None = None,
    stand_ins: dict[str, StandIn] | None = None,
    working: bool = True,
    **settings: str,
) -> AsyncIterator[Office]:
    """The messengers at work, or only taking in (`working=False`), on the database in `folder` or that of `COMMON`."""
    chosen = settings_in(folder, **settings)
    engine = empty_database(chosen.database_url)
    others = stand_ins or {stand_in.name: stand_in() for stand_in in STAND_INS}
    platforms = platforms_of(chosen)
    for platform in platforms:
        platform._client = others[platform.name].wire()
    answering = bot or EchoBot()
    messengers = Messengers(chosen, answering, engine, Metrics(), platforms)
    routes: list[BaseRoute] = list(messengers.routes())
    app = Starlette(routes=routes, exception_handlers={Refusal: refused})
    transport = httpx.ASGITransport(app)
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="https://bot.test"))
        if working:
            await stack.enter_async_context(messengers.working())
        yield Office(chosen, engine, answering, messengers, others, client)
    engine.dispose()
