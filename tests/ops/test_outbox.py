"""What is put into the outbox, with what it tells of and only where it is on; and how it leaves without a broker."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.app import build
from bot.channels.queue import Filed, Handled, Queue, ToHandle
from bot.channels.retention import forget_people
from bot.database.engine import make_engine, writing
from bot.database.migrate import upgrade
from bot.database.models import WaitingEvent, now
from bot.errors import SettingError
from bot.ops import publisher
from bot.ops.backup import make, restore
from bot.ops.commands import run
from bot.ops.conversations import About
from bot.ops.export import everything_about
from bot.ops.outbox import OFF, Outbox
from bot.ops.retention import sweep
from bot.settings import Settings
from bot.web.keys import Keys
from bot.web.sessions import Tokens
from bot.web.store import ChatStore, Session
from tests.channels.fixtures import office
from tests.web.fixtures import FakeBot, Visitor, answer_to, browser, changed, help_for

#: The words of nobody, as somebody might write them in a message, a reason or a language tag.
WORDS = "quaggaflute"
BROKER = "amqp://127.0.0.1:1/"
ON = Outbox(True)
#: What a message holds and an event must not.
SAID = ("lead", "details", "sources", "suggestions", "contacts", "disclaimer", "drugs", "aspects")


def waiting(engine: sa.Engine) -> list[dict[str, Any]]:
    """The events that wait, the oldest first."""
    with engine.connect() as connection:
        return list(connection.execute(sa.select(WaitingEvent.body).order_by(WaitingEvent.id)).scalars())


def keys(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(WaitingEvent.key).order_by(WaitingEvent.id)).scalars())


def begin(store: ChatStore, conversation: str = "web-1", keep: bool = True) -> Session:
    store.create(conversation, now() + timedelta(days=1), locale="de-DE", country="DE", time_zone=None, keep=keep)
    return Session(conversation, "de-DE", "DE", None, keep)


def talk(store: ChatStore, session: Session, client_id: str = "1", wish: str | None = None) -> None:
    """A message and its two replies."""
    store.claim(session, client_id, WORDS)
    replies = [{**answer_to(WORDS, int(client_id)).to_dict(), "id": f"reply-{client_id}"}, help_for(WORDS).to_dict()]
    assert store.answer(session, client_id, replies, wish, 0.0123456)


def test_a_turn(database: sa.Engine) -> None:
    store = ChatStore(database, 30, ON)
    talk(store, begin(store))
    [event] = waiting(database)
    assert keys(database) == ["turn.web"]
    assert abs(datetime.fromisoformat(event.pop("at")) - now()) < timedelta(minutes=1)
    assert len(event.pop("id")) == 36
    assert event == {
        "event": "turn",
        "conversation": "web-1",
        "channel": "web",
        "seconds": 0.0123,
        "messages": [
            {
                "id": "reply-1", "kind": "answer", "category": None, "topic": "interactions",
                "passages": ["benzodiazepines-and-ketamine"],
            },
            {
                "id": event["messages"][1]["id"], "kind": "safety", "category": "crisis_selfharm", "topic": None,
                "passages": [],
            },
        ],
        "language": "de",
        "country": "DE",
    }  # fmt: skip


def test_a_turn_on_a_messenger_and_its_erasure(database: sa.Engine) -> None:
    queue = Queue(database, "one", outbox=ON)

    def handle(key: str, wish: str | None = None) -> None:
        queue.take_in([Filed("telegram", [key], ["telegram-ann"], b"address", b"body")])
        claimed = queue.claim("telegram")
        assert claimed is not None and isinstance(claimed[1], ToHandle)
        message = answer_to(WORDS).to_dict()
        queue.advance("telegram-ann", Handled(claimed[1].id, [], [message], wish=wish, about=About(seconds=1.5)))

    handle("1")
    handle("2")
    assert keys(database) == ["turn.telegram"] * 2
    assert {event["conversation"] for event in waiting(database)} == {"telegram-ann"}
    handle("3", "dont_keep")
    assert keys(database) == ["erased", "turn.telegram"], "what waited is taken back"
    assert [event.get("conversation") for event in waiting(database)] == ["telegram-ann", None]
    handle("4", "forget")
    assert keys(database) == ["turn.telegram", "erased", "turn.telegram"]
    forget_people(database, ["telegram-ann"], ON)
    assert keys(database) == ["turn.telegram", "turn.telegram", "erased"], "told once"
    assert WORDS not in json.dumps(waiting(database))


def test_off_writes_nothing(database: sa.Engine) -> None:
    store = ChatStore(database, 30)
    session = begin(store)
    talk(store, session)
    assert store.feedback(session, "reply-1", True, None)
    talk(store, session, "2", "forget")
    store.stop_keeping("web-1")
    store.forget("web-1")
    forget_people(database, ["web-1"])
    assert waiting(database) == []
    assert Outbox.of(Settings.read({})) == OFF


def test_there_is_no_event_of_what_was_not_stored(database: sa.Engine) -> None:
    with pytest.raises(RuntimeError), writing(database) as connection:
        ON.turn(connection, "web-1", "web", [], About())
        raise RuntimeError("the process ends here")
    assert waiting(database) == []
    store = ChatStore(database, 30, ON)
    session = begin(store)
    talk(store, session)
    store.answer(session, "1", [answer_to("again").to_dict()])
    assert len(waiting(database)) == 1, "a turn that two answered is told once"


def test_ratings(database: sa.Engine) -> None:
    store = ChatStore(database, 30, ON)
    session = begin(store)
    talk(store, session)
    for helpful in (True, True, False):
        assert store.feedback(session, "reply-1", helpful, f"because of {WORDS}")
    told = waiting(database)[1:]
    assert keys(database)[1:] == ["rating.web"] * 2
    assert [(event["message"], event["helpful"], event["conversation"]) for event in told] == [
        ("reply-1", True, "web-1"), ("reply-1", False, "web-1"),
    ]  # fmt: skip
    assert WORDS not in json.dumps(told)


@pytest.mark.parametrize("days", [0, 30])
def test_what_is_not_kept_is_told_of_nobody(database: sa.Engine, days: int) -> None:
    store = ChatStore(database, days, Outbox(True, keyed=days > 0))
    session = begin(store, keep=days == 0)
    talk(store, session)
    assert store.feedback(session, "reply-1", True, None)
    assert keys(database) == ["turn.web", "rating.web"]
    assert "web-1" not in json.dumps(waiting(database))
    with database.connect() as connection:
        assert not any(connection.execute(sa.select(WaitingEvent.conversation)).scalars())


@pytest.mark.parametrize("way", ["stop keeping", "dont_keep", "forget", "delete"])
def test_erased(database: sa.Engine, way: str) -> None:
    store = ChatStore(database, 30, ON)
    other, session = begin(store, "web-other"), begin(store)
    talk(store, other)
    talk(store, session)
    if way == "stop keeping":
        store.stop_keeping("web-1")
    elif way == "delete":
        store.forget("web-1")
    else:
        talk(store, session, "2", way)
    assert keys(database) == ["turn.web", "erased", *(["turn.web"] if way in ("dont_keep", "forget") else [])]
    told = [event.get("conversation") for event in waiting(database)]
    assert told[:2] == ["web-other", "web-1"] and told[2:] in ([], [None])


@pytest.mark.postgres
def test_nobody_waits_for_what_is_being_published(postgresql: str) -> None:
    engine = make_engine(postgresql)
    upgrade(engine)
    with writing(engine) as connection:
        connection.execute(sa.delete(WaitingEvent))
        ON.turn(connection, "web-1", "web", [], About())
        connection.execute(sa.update(WaitingEvent).values(at=now() - timedelta(days=8)))
    with engine.connect() as connection:
        assert len(connection.execute(publisher._OLDEST).all()) == 1
        began = now()
        with writing(engine) as other:
            ON.erased(other, ["web-1"])
        sweep(engine, 30)
        assert now() - began < timedelta(seconds=2)
    assert keys(engine) == ["turn.web", "erased"]
    engine.dispose()


AGES = [
    ("young", 30, {"days": 6}, True, True),
    ("a week old", 30, {"days": 8}, False, True),
    ("older than what is kept", 2, {"days": 3}, False, True),
    ("of what is kept until it ends", 0, {"minutes": 61}, False, True),
    ("older than any backup", 30, {"days": 91}, False, False),
]


@pytest.mark.parametrize(
    ("days", "ago", "turn_stays", "erased_stays"), [row[1:] for row in AGES], ids=[row[0] for row in AGES]
)
def test_nothing_waits_for_ever(
    database: sa.Engine, days: int, ago: dict[str, int], turn_stays: bool, erased_stays: bool
) -> None:
    with writing(database) as connection:
        ON.turn(connection, "web-1", "web", [], About())
        ON.erased(connection, ["web-2"])
        connection.execute(sa.update(WaitingEvent).values(at=now() - timedelta(**ago)))
    sweep(database, days)
    assert keys(database) == [*(["turn.web"] if turn_stays else []), *(["erased"] if erased_stays else [])]


def test_who_asks_is_shown_what_waits(database: sa.Engine) -> None:
    store = ChatStore(database, 30, ON)
    talk(store, begin(store))
    [row] = everything_about(database, "web-1")["events"]
    assert row["key"] == "turn.web"


def test_a_backup_that_comes_back_does_not_bring_what_was_erased(settings: Settings, tmp_path: Path) -> None:
    engine = make_engine(settings.database_url)
    upgrade(engine)
    with writing(engine) as connection:
        ON.turn(connection, "web-1", "web", [], About())
    make(settings.database_url, tmp_path / "backup")
    ChatStore(engine, 30, ON).forget("web-1")
    engine.dispose()
    assert restore(settings.database_url, tmp_path / "backup", 30, ON).erased == 1
    assert keys(engine) == ["erased"]
    engine.dispose()


# -- the whole application ----------------------------------------------------------------------------------------


async def test_no_word_gets_in(settings: Settings) -> None:
    engine = make_engine(settings.database_url)
    upgrade(engine)
    app = build(changed(settings, event_broker_url=BROKER), FakeBot(engine), engine)
    async with browser(app) as client:
        visitor = await Visitor.arrive(client, country="zz", locale=f"{WORDS[:8]}-x")
        [reply] = (await visitor.say(f"is {WORDS} safe")).json()["messages"]
        await visitor.say(f"{WORDS} i want to die, call +44 20 7946 0000 or write to a@b.example", "2")
        await visitor.post("/chat/feedback", {"message": reply["id"], "helpful": False, "reason": f"not {WORDS}"})
        key = Tokens(Keys.of(settings)).conversation(visitor.token)
        assert keys(engine) == ["turn.web", "turn.web", "rating.web"]
        told = json.dumps(waiting(engine))
        assert told.count(f'"{key}"') == 3
        for word in (WORDS, WORDS[:8], "7946", "b.example", "Xanax", "127.0.0.1", visitor.token, *SAID):
            assert word not in told
        assert run(["forget", visitor.token], changed(settings, event_broker_url=BROKER)) == 0
    assert [(event["event"], event["conversation"]) for event in waiting(engine)] == [("erased", key)]
    engine.dispose()


async def test_no_word_gets_in_from_messengers(tmp_path: Path) -> None:
    async with office(tmp_path, EVENT_BROKER_URL=BROKER) as here:
        for name, person in (("telegram", "77001"), ("twilio", "+15550001111")):
            await here.deliver(here.stand_ins[name].text(person, f"about {WORDS}"))
        await here.quiet()
        told = json.dumps(waiting(here.engine))
        assert set(keys(here.engine)) == {"turn.telegram", "turn.twilio"}
        for word in (WORDS, "77001", "5550001111", *SAID):
            assert word not in told


# -- the setting --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["localhost", "http://user:sesame@broker", "amqp://", "amqp:///vhost"])
def test_the_setting_is_refused_early_and_its_password_is_not_said(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingError, match="EVENT_BROKER_URL must be an address that begins with amqp://") as refused:
        Settings.read({"EVENKEEL_VAR": str(tmp_path), "EVENT_BROKER_URL": value})
    assert "sesame" not in str(refused.value)


PARTS = [("all", "", True), ("web", "web", True), ("workers", "workers", True), ("staff", "staff", False),
         ("webhooks", "webhooks", False)]  # fmt: skip


@pytest.mark.parametrize(("serve", "wanted"), [row[1:] for row in PARTS], ids=[row[0] for row in PARTS])
def test_who_publishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: str, wanted: bool) -> None:
    environment = {"EVENKEEL_VAR": str(tmp_path), "SERVE": serve}
    settings = Settings.read({**environment, "EVENT_BROKER_URL": "amqps://bot:sesame@broker:5671/events"})
    monkeypatch.setattr(publisher.PathFinder, "find_spec", lambda name: object())
    assert publisher.is_wanted(settings) is wanted
    monkeypatch.setattr(publisher.PathFinder, "find_spec", lambda name: None)
    assert not publisher.is_wanted(Settings.read(environment))
    if wanted:
        with pytest.raises(SettingError, match=r"aio-pika is not installed: install requirements-broker\.lock"):
            publisher.is_wanted(settings)
