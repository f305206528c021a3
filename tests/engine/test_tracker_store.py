"""Conversations in our own database: whole, appended to only, and never at the expense of other conversations."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest
import sqlalchemy as sa
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    AllSlotsReset,
    BotUttered,
    ConversationPaused,
    Event,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from bot.database.engine import make_engine, write_transaction
from bot.engine.engine import Engine, Turn
from bot.engine.states import last_states
from bot.engine.tracker_store import ENOUGH, DatabaseTrackerStore
from bot.errors import OvertakenError
from tests.engine.conftest import HERE, Toy

DOMAIN = Domain.load(str(HERE / "toy" / "domain.yml"))


def turn(text: str = "hello", number: int = 1) -> list[Event]:
    """The events of one turn, as Rasa makes them."""
    parsed = {"intent": {"name": "greet", "confidence": 0.9}, "entities": [], "text": text}
    return [
        UserUttered(
            text, parsed["intent"], [], parsed, input_channel="web", message_id=f"m{number}", metadata={"n": 1}
        ),  # type: ignore[arg-type]
        ActionExecuted("action_toy_unlock", policy="rules", confidence=1.0),
        SlotSet("unlocked", ["ü🙂", {"deep": [1, None]}]),
        BotUttered("", {"custom": {"lead": "hi “there”", "sources": []}}, {"utter_action": None}),
        ActionExecuted("action_listen"),
    ]


def tracker_of(name: str, *events: Event) -> DialogueStateTracker:
    tracker = DialogueStateTracker(name, DOMAIN.slots)
    for event in events:
        tracker.update(event)
    return tracker


@pytest.fixture
def store(database: sa.Engine) -> DatabaseTrackerStore:
    return DatabaseTrackerStore(DOMAIN, database)


def rows(engine: sa.Engine) -> list[sa.Row]:
    with engine.connect() as connection:
        return list(connection.execute(sa.text("SELECT * FROM events ORDER BY id")))


# -- what is kept ------------------------------------------------------------------------------------------------


async def test_what_is_saved_comes_back(store: DatabaseTrackerStore) -> None:
    saved = tracker_of("one", *turn())
    await store.save(saved)
    found = await store.retrieve("one")
    assert found is not None
    assert [e.as_dict() for e in found.events] == [e.as_dict() for e in saved.events]
    assert found.get_slot("unlocked") == ["ü🙂", {"deep": [1, None]}]
    assert found.latest_message is not None and found.latest_message.message_id == "m1"
    assert (await store.retrieve_full_tracker("one")) == found
    assert await store.retrieve("two") is None


async def test_rows_are_as_rasa_writes_them(store: DatabaseTrackerStore, database: sa.Engine) -> None:
    await store.save(tracker_of("one", *turn()))
    said, acted, remembered, *_ = rows(database)
    assert (said.sender_id, said.type_name, said.intent_name, said.action_name) == ("one", "user", "greet", None)
    assert (acted.type_name, acted.action_name) == ("action", "action_toy_unlock")
    assert remembered.type_name == "slot"
    assert json.loads(said.data)["text"] == "hello"
    assert said.timestamp == pytest.approx(time.time(), abs=60)


async def test_only_what_is_new_is_written(store: DatabaseTrackerStore, database: sa.Engine) -> None:
    tracker = tracker_of("one", *turn())
    await store.save(tracker)
    before = rows(database)
    await store.save(tracker)
    assert rows(database) == before, "nothing new, nothing written"
    again = await store.retrieve("one")
    assert again is not None
    for event in turn("and then?", 2):
        again.update(event)
    await store.save(again)
    after = rows(database)
    assert after[: len(before)] == before
    assert len(after) == 2 * len(before)


async def test_conversations_are_apart_and_can_be_forgotten(store: DatabaseTrackerStore) -> None:
    await store.save(tracker_of("one", *turn()))
    await store.save(tracker_of("two", *turn()))
    assert set(await store.keys()) == {"one", "two"}
    store.forget("one")
    store.forget("never there")
    assert set(await store.keys()) == {"two"}
    assert await store.retrieve("one") is None


async def test_a_forgotten_conversation_begins_anew(store: DatabaseTrackerStore, database: sa.Engine) -> None:
    tracker = tracker_of("one", *turn())
    await store.save(tracker)
    store.forget("one")
    await store.save(tracker_of("one", *turn("hello again", 2)))
    found = await store.retrieve("one")
    assert found is not None
    assert [e.text for e in found.events if isinstance(e, UserUttered)] == ["hello again"]


# -- long conversations ------------------------------------------------------------------------------------------


def long_tracker(turns: int, *, first: Event | None = None) -> DialogueStateTracker:
    """A conversation whose first turn alone sets `unlocked`."""
    events: list[Event] = [ActionExecuted("action_session_start"), SessionStarted(), ActionExecuted("action_listen")]
    for number in range(turns):
        events += (
            turn(f"hello {number}", number) if number == 0 else [*turn(f"hello {number}", number)[:2], *answered()]
        )
        if number == 0 and first is not None:
            events.append(first)
    return tracker_of("long", *events)


def answered() -> list[Event]:
    return [BotUttered("hi"), ActionExecuted("action_listen")]


@pytest.mark.parametrize("turns", [100, 1000])
async def test_of_a_long_conversation_the_end_and_the_slots_are_read(
    store: DatabaseTrackerStore, database: sa.Engine, turns: int
) -> None:
    store.states = 2
    saved = long_tracker(turns)
    await store.save(saved)
    statements: list[str] = []
    sa.event.listen(database, "after_cursor_execute", lambda *given: statements.append(given[2]))
    found = await store.retrieve("long")
    assert found is not None
    assert len(statements) == 3, "however long it is"
    assert len(found.events) <= ENOUGH + len(DOMAIN.slots)
    assert [e.as_dict() for e in found.events][-30:] == [e.as_dict() for e in saved.events][-30:]
    assert found.current_slot_values() == saved.current_slot_values()
    assert found.get_slot("unlocked") == ["ü🙂", {"deep": [1, None]}]
    assert last_states(found, DOMAIN, 2) == saved.past_states(DOMAIN)[-2:]
    whole = await store.retrieve_full_tracker("long")
    assert whole is not None and len(whole.events) == len(saved.events)
    found.update(SlotSet("unlocked", ["new"]))
    await store.save(found)
    assert len(rows(database)) == len(saved.events) + 1, "what was not loaded is not written again"


@pytest.mark.parametrize("first", [Restarted(), UserUtteranceReverted(), ConversationPaused(), AllSlotsReset()])
async def test_what_reaches_far_is_replayed_from_the_beginning(store: DatabaseTrackerStore, first: Event) -> None:
    store.states = 2
    saved = long_tracker(100, first=first)
    await store.save(saved)
    found = await store.retrieve("long")
    assert found is not None and len(found.events) == len(saved.events)
    assert found.current_slot_values() == saved.current_slot_values()
    assert found.is_paused() == saved.is_paused()


async def test_it_is_read_whole_where_the_dialogue_may_look_at_all(store: DatabaseTrackerStore) -> None:
    saved = long_tracker(100)
    await store.save(saved)
    found = await store.retrieve("long")
    assert found is not None and len(found.events) == len(saved.events)


async def test_a_session_begins_without_the_slots_of_the_one_before(store: DatabaseTrackerStore) -> None:
    store.states = 2
    saved = long_tracker(100, first=SessionStarted())
    await store.save(saved)
    found = await store.retrieve("long")
    assert found is not None and len(found.events) <= ENOUGH
    assert found.get_slot("unlocked") is None is saved.get_slot("unlocked")


# -- while others write ------------------------------------------------------------------------------------------


async def test_another_writer_holds_up_no_other_conversation(sqlite_database: sa.Engine) -> None:
    """SQLite has one writer at a time: who waits for it must not stop the event loop."""
    store = DatabaseTrackerStore(DOMAIN, sqlite_database)
    other = make_engine(sqlite_database.url)
    holds, release = threading.Event(), threading.Event()

    def write() -> None:
        with write_transaction(other) as connection:
            connection.exec_driver_sql("CREATE TABLE busy (x INTEGER)")
            holds.set()
            release.wait(5)

    writer = threading.Thread(target=write)
    writer.start()
    await asyncio.to_thread(holds.wait, 5)
    saving = asyncio.create_task(store.save(tracker_of("one", *turn())))
    longest, last = 0.0, time.perf_counter()
    for _ in range(30):
        await asyncio.sleep(0.01)
        longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
    assert not saving.done(), "the other writer still holds the database"
    assert longest < 2, "the event loop stood still"
    assert await store.retrieve("one") is None, "reading goes on meanwhile"
    release.set()
    await asyncio.wait_for(saving, 5)
    writer.join()
    other.dispose()
    assert await store.retrieve("one") is not None


async def test_many_conversations_at_once(store: DatabaseTrackerStore) -> None:
    await asyncio.gather(*(store.save(tracker_of(f"c{n}", *turn())) for n in range(20)))
    assert len(set(await store.keys())) == 20


async def test_what_was_written_side_by_side_is_refused_on_a_shared_database(store: DatabaseTrackerStore) -> None:
    await store.save(tracker_of("one", *turn("first")))
    here, there = await store.retrieve("one"), await store.retrieve("one")
    assert here and there
    for event in turn("second", 2):
        here.update(event)
        there.update(event)
    await store.save(here)
    if not store._shared:
        return
    with pytest.raises(OvertakenError):
        await store.save(there)
    for event in turn("third", 3):  # its own words do not overtake anybody
        here.update(event)
    await store.save(here)
    found = await store.retrieve_full_tracker("one")
    assert found is not None
    assert [e.text for e in found.events if isinstance(e, UserUttered)] == ["first", "second", "third"]


# -- with the engine ---------------------------------------------------------------------------------------------


async def test_the_engine_goes_on_after_a_restart(toy: Toy, database: sa.Engine) -> None:
    async def ask(text: str) -> dict:
        engine = Engine(toy.model, tracker_store=DatabaseTrackerStore(Domain.empty(), database))
        engine.start()
        await engine.handle(Turn("one", text))
        return await engine.slots("one")

    await ask("hello")
    first = len(rows(database))
    assert (await ask("good morning"))["unlocked"] is None
    texts = [json.loads(row.data)["text"] for row in rows(database) if row.type_name == "user"]
    assert texts == ["hello", "good morning"]
    assert len(rows(database)) > first
    engine = Engine(toy.model, tracker_store=DatabaseTrackerStore(Domain.empty(), database))
    engine.start()
    await engine.forget("one")
    assert rows(database) == []


async def test_a_message_that_was_overtaken_is_handled_again(toy: Toy, database: sa.Engine) -> None:
    store = DatabaseTrackerStore(Domain.empty(), database)
    engine = Engine(toy.model, tracker_store=store)
    engine.start()
    write, refused = store._write, []

    def overtaken_once(tracker: DialogueStateTracker) -> None:
        if not refused:
            refused.append(tracker.sender_id)
            raise OvertakenError("Another process was quicker.")
        write(tracker)

    store._write = overtaken_once  # type: ignore[method-assign]
    outcome = await engine.handle(Turn("one", "hello"))
    assert refused == ["one"] and outcome.messages
    assert sum(row.type_name == "user" for row in rows(database)) == 1


async def test_a_message_is_handled_once_however_often_it_comes(toy: Toy, database: sa.Engine) -> None:
    engine = Engine(toy.model, tracker_store=DatabaseTrackerStore(Domain.empty(), database))
    engine.start()
    turn = Turn("one", "hello", message_id="m1")
    first, second = await asyncio.gather(engine.handle(turn), engine.handle(turn))
    assert [said["lead"] for said in first.messages] == [said["lead"] for said in second.messages]
    assert sum(row.type_name == "user" for row in rows(database)) == 1
