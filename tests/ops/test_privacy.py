"""What somebody had deleted is nowhere any more: every table, every file, every line of the log is searched for it."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.app import build
from bot.database.engine import make_engine
from bot.database.migrate import upgrade
from bot.database.models import Base, Erasure
from bot.ops.commands import run
from bot.ops.export import PLACES, everything_about
from bot.ops.retention import erasure_of
from bot.service import Bot
from bot.settings import Settings
from bot.staff.mending.queue import Queue
from bot.web.keys import Keys
from bot.web.sessions import Tokens
from tests.channels.fixtures import office
from tests.platforms.all import STAND_INS
from tests.platforms.bots import trust_models
from tests.web.fixtures import Visitor, browser

#: The words of nobody: in no list of words, and nothing that masking takes out.
WORDS = "quaggaflute"
OTHERS = "zebrapiano"


def everywhere(settings: Settings, engine: sa.Engine) -> bytes:
    """All that is stored: every column of every table, and every file below `var`."""
    with engine.connect() as connection:
        names = sa.inspect(connection).get_table_names()
        rows = [repr(row) for name in names for row in connection.execute(sa.text(f'SELECT * FROM "{name}"'))]
    files = [path.read_bytes() for path in sorted(settings.var.rglob("*")) if path.is_file()]
    return b"\n".join(["\n".join(rows).encode(), *files])


def where(engine: sa.Engine) -> list[str]:
    """Rows that still hold the words."""
    with engine.connect() as connection:
        names = sa.inspect(connection).get_table_names()
        rows = [(name, repr(row)) for name in names for row in connection.execute(sa.text(f'SELECT * FROM "{name}"'))]
    return [f"{name}: {row[:300]}" for name, row in rows if WORDS in row]


@dataclass
class Whole:
    """The application with the real bot, on a database of the test."""

    settings: Settings
    engine: sa.Engine
    bot: Bot
    visitor: Visitor
    other: Visitor
    queue: Queue

    async def be_told_and_sorted(self) -> None:
        """Everything that keeps words has some: messages, dialogue, feedback, and the staff's queue."""
        for who, word in ((self.visitor, WORDS), (self.other, OTHERS)):
            await who.say("what are the side effects", "a")
            [answer] = (await who.say(f"does {word} make my neighbour's {word} grow", "b")).json()["messages"][:1]
            await who.post("/chat/feedback", {"message": answer["id"], "helpful": False, "reason": f"not on {word}"})
        self.queue.sort_new()
        for place in (self.engine,):
            kept = everything_about(place, self.key(self.visitor))
            for table in ("messages", "dialogue", "problems", "feedback"):
                assert WORDS in json.dumps(kept[table]), table

    def key(self, who: Visitor) -> str:
        found = Tokens(Keys.of(self.settings)).conversation(who.token)
        assert found
        return found


@pytest.fixture(scope="module")
def real(trained: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Bot]]:
    """The trained bot with a database of its own."""
    var = tmp_path_factory.mktemp("privacy")
    if not trained.database_url.startswith("sqlite:///"):
        pytest.skip("the database of this installation is not a file that can be copied")
    shutil.copy(trained.database_url.removeprefix("sqlite:///"), var / "evenkeel.db")
    settings = Settings.read({"EVENKEEL_VAR": str(var), "SECRET_KEY": "a secret for tests"})
    trust_models(settings)
    bot = Bot(settings)
    bot.start()
    yield settings, bot


@pytest.fixture
async def whole(real: tuple[Settings, Bot]) -> AsyncIterator[Whole]:
    settings, bot = real
    engine = make_engine(settings.database_url)
    upgrade(engine)
    async with browser(build(settings, bot, engine)) as client:
        visitor, other = await Visitor.arrive(client, country="GB"), await Visitor.arrive(client)
        yield Whole(settings, engine, bot, visitor, other, Queue(engine, lambda: bot._reader))  # type: ignore[arg-type, return-value]
        for who in (visitor, other):
            await client.delete("/chat/session", headers=who.headers)
    engine.dispose()


async def by_request(here: Whole) -> None:
    response = await here.visitor.client.delete("/chat/session", headers=here.visitor.headers)
    assert response.status_code == 204


async def by_word(here: Whole) -> None:
    await here.visitor.say("delete my data", "c")
    [said] = (await here.visitor.say("yes", "d")).json()["messages"][-1:]
    assert said["wish"] == "forget", said


async def by_token(here: Whole) -> None:
    assert run(["forget", here.visitor.token], here.settings) == 0


async def by_key(here: Whole) -> None:
    assert run(["forget", here.key(here.visitor)], here.settings) == 0


async def by_name_in_the_console(here: Whole) -> None:
    [row] = everything_about(here.engine, here.key(here.visitor))["listed"]
    assert run(["forget", row["ref"]], here.settings) == 0


WAYS = [by_request, by_word, by_token, by_key, by_name_in_the_console]


@pytest.mark.slow
@pytest.mark.parametrize("erase", WAYS, ids=lambda way: way.__name__)
async def test_nothing_of_a_visitor_is_left(
    whole: Whole, erase: Callable[[Whole], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("aiosqlite").setLevel(logging.WARNING)
        await whole.be_told_and_sorted()
        assert WORDS.encode() in everywhere(whole.settings, whole.engine)
        key = whole.key(whole.visitor)
        await erase(whole)
        left = everywhere(whole.settings, whole.engine)
        assert WORDS.encode() not in left, where(whole.engine)
        if erase is not by_word:  # there the conversation goes on
            assert key.encode() not in left
            assert not any(everything_about(whole.engine, key).values())
    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("hypothesis"))
    assert WORDS not in ours
    assert OTHERS.encode() in left, "the other visitor's words stay"
    with whole.engine.connect() as connection:
        assert connection.scalar(sa.select(Erasure.at).where(Erasure.id == erasure_of(key)))


@pytest.mark.slow
async def test_not_kept_leaves_no_words_for_staff(whole: Whole) -> None:
    await whole.be_told_and_sorted()
    assert (await whole.visitor.post("/chat/keep", {"keep": False})).status_code == 204
    kept = everything_about(whole.engine, whole.key(whole.visitor))
    assert not kept["listed"] and not kept["problems"]
    assert {message["keep"] for message in kept["messages"]} == {False}


def test_every_table_that_names_a_conversation_is_exported() -> None:
    """What a new table keeps of somebody must be erased, and shown to them."""
    named = {"conversation", "conversation_id", "session_id", "sender_id"}
    holding = {
        table.name
        for table in Base.metadata.sorted_tables
        if table.name in ("chat_sessions", "conversations") or named & set(table.columns.keys())
    } - {"staff_sessions"}
    assert holding == {column.class_.__tablename__ for column in PLACES.values()}, "open bot/ops/export.py"


ANN = "4915112345678"


@pytest.mark.parametrize("by", ["command", "word"])
async def test_nothing_of_somebody_on_a_messenger_is_left(
    tmp_path: Path, by: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with office(tmp_path) as here:
            them = here.stand_ins["telegram"]
            person = 77_001
            for words in (f"about {WORDS}", f"and {WORDS} again", "help, i want to die"):
                await here.deliver(them.text(str(person), words))
            await here.quiet()
            if by == "word":
                await here.deliver(them.text(str(person), "delete my data"))
                await here.quiet()
            else:
                assert run(["person", "telegram", str(person), "--export"], here.settings) == 0
                assert run(["person", "telegram", str(person)], here.settings) == 0
            left = everywhere(here.settings, here.engine)
            assert WORDS.encode() not in left
            with here.engine.connect() as connection:
                assert connection.exec_driver_sql("SELECT count(*) FROM channel_people").scalar() == 0
                assert connection.exec_driver_sql("SELECT count(*) FROM erasures").scalar()
                assert connection.exec_driver_sql("SELECT count(*) FROM conversations").scalar() == 0
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith(("bot", "httpx", "uvicorn")))
    assert WORDS not in ours and str(person) not in ours


def test_a_channel_that_there_is_not(settings: Settings) -> None:
    from bot.errors import EvenkeelError

    with pytest.raises(EvenkeelError, match="no channel 'fax'"):
        run(["person", "fax", "1"], settings)


# -- rotating the secret ------------------------------------------------------------------------------------------


async def test_a_new_secret_keeps_web_sessions(settings: Settings, engine: sa.Engine, fake_bot: object) -> None:
    from tests.web.fixtures import changed

    async with browser(build(settings, fake_bot, engine)) as client:  # type: ignore[arg-type]
        visitor = await Visitor.arrive(client)
        await visitor.say("before", "1")
    rotated = changed(settings, secret_key="another secret", secret_key_previous=settings.secret_key)
    async with browser(build(rotated, fake_bot, engine)) as client:  # type: ignore[arg-type]
        again = Visitor(client, visitor.token)
        await again.say("after", "2")
        assert [m["text"] for m in await again.history() if m["from"] == "visitor"] == ["before", "after"]
    without = changed(settings, secret_key="another secret", secret_key_previous="")
    async with browser(build(without, fake_bot, engine)) as client:  # type: ignore[arg-type]
        assert (await client.get("/chat/messages", headers=visitor.headers)).status_code == 401


async def test_a_new_secret_keeps_people_on_messengers(tmp_path: Path) -> None:
    stand_ins = {kind.name: kind() for kind in STAND_INS}
    async with office(tmp_path, stand_ins=stand_ins, SECRET_KEY="the first secret") as here:
        await here.deliver(here.stand_ins["telegram"].text("77002", "before"))
        await here.quiet()
        first = [turn.conversation for turn in here.bot.turns]
    secrets = {"SECRET_KEY": "the second secret", "SECRET_KEY_PREVIOUS": "the first secret"}
    async with office(tmp_path, stand_ins=stand_ins, **secrets) as here:
        them = here.stand_ins["telegram"]
        await here.deliver(them.text("77002", "after"))
        await here.quiet()
        assert [turn.conversation for turn in here.bot.turns] == first, "one and the same person"
        assert run(["person", "telegram", "77002"], here.settings) == 0
        with here.engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM channel_people").scalar() == 0


# -- what must not be offered to the public -----------------------------------------------------------------------

FIT = {
    "PRODUCTION": "on",
    "SECRET_KEY": "k" * 40,
    "PUBLIC_URL": "https://bot.example",
    "TRUSTED_PROXIES": "1",
    "METRICS_TOKEN": "m" * 32,
}
UNFIT = [
    ("no key of its own", {"SECRET_KEY": ""}, "SECRET_KEY must be given"),
    ("a key that can be guessed", {"SECRET_KEY": "secret"}, "at least 32"),
    ("without https", {"PUBLIC_URL": "http://bot.example"}, "PUBLIC_URL is 'http://bot.example'"),
    ("a console that can be overheard", {"PUBLIC_URL": "http://b.example", "STAFF_CONSOLE": "on"}, "STAFF_CONSOLE"),
    ("a proxy that nobody told of", {"TRUSTED_PROXIES": "0"}, "TRUSTED_PROXIES is 0"),
    ("pages without an origin", {"ALLOW_NULL_ORIGIN": "on"}, "ALLOW_NULL_ORIGIN"),
    ("figures behind a short word", {"METRICS_TOKEN": "sesame"}, "METRICS_TOKEN"),
    ("every origin", {"ALLOWED_ORIGINS": "*"}, "ALLOWED_ORIGINS holds '*'"),
]


@pytest.mark.parametrize(("change", "said"), [row[1:] for row in UNFIT], ids=[row[0] for row in UNFIT])
def test_production_refuses(tmp_path: Path, change: dict[str, str], said: str) -> None:
    from bot.errors import SettingError

    environment = {"EVENKEEL_VAR": str(tmp_path), **FIT}
    assert Settings.read(environment).production
    with pytest.raises(SettingError) as refused:
        Settings.read({**environment, **change})
    assert said in str(refused.value)
