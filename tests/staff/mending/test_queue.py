"""The queue: what goes wrong comes in, is sorted into themes, and loses its words with the conversation."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from bot.database.mending import MendingItem, MendingTheme
from bot.database.models import ChatMessage, ChatSession, Event, Feedback, now
from bot.message import Kind, Message
from bot.ops.conversations import About, record_turn
from bot.ops.problems import forget_old_words, note_rating
from bot.ops.retention import forget_conversations, sweep
from bot.settings import Settings
from bot.staff.mending import background
from bot.staff.mending.catalogue import Catalogue
from bot.staff.mending.editing import Editing
from bot.staff.mending.queue import Queue
from bot.staff.mending.themes import name_of
from bot.staff.roles import Account
from bot.web.store import ChatStore
from tests.articles.fakes import FakeEncoder


@dataclass(frozen=True)
class Reading:
    plain: str
    vector: np.ndarray


class Reads:
    """A reader by which texts with the same words are alike."""

    name = "fake-1"

    def read(self, text: str) -> Reading:
        return Reading(text.lower(), FakeEncoder().encode([text])[0])


@pytest.fixture
def queue(engine: sa.Engine) -> Queue:
    return Queue(engine, Reads, {"driving", "sedation"})


def ask(
    engine: sa.Engine, conversation: str, text: str, kind: Kind, *, kept: bool = True, lead: str = "", **about: object
) -> str:
    """Somebody asks on the web and gets a reply of this kind; its id."""
    message = Message(uuid.uuid4().hex, kind, lead or f"Reply to {text}", **about)  # type: ignore[arg-type]
    client_id = uuid.uuid4().hex
    with engine.begin() as connection:
        there = connection.scalar(sa.select(ChatSession.id).where(ChatSession.id == conversation))
        if there is None:
            connection.execute(sa.insert(ChatSession).values(id=conversation, keep=kept))
        asked = {"session_id": conversation, "client_id": client_id, "direction": "visitor", "text": text}
        connection.execute(sa.insert(ChatMessage).values(**asked))
        replied = {"session_id": conversation, "answers": client_id, "direction": "bot", "payload": message.to_dict()}
        connection.execute(sa.insert(ChatMessage).values(**replied))
        record_turn(connection, conversation, "web", [message.to_dict()], About(listed=kept))
    return message.id


def texts(queue: Queue) -> list[str | None]:
    return [item.text for item in queue.items().rows]


def everything(engine: sa.Engine) -> str:
    """All that the tables of the queue hold, as text."""
    with engine.connect() as connection:
        rows = [
            *connection.execute(sa.select(MendingItem.__table__)),
            *connection.execute(sa.select(MendingTheme.__table__)),
        ]
    return repr(rows)


def test_what_went_wrong_comes_in_with_its_words(engine: sa.Engine, queue: Queue) -> None:
    ask(engine, "a", "is it loud", "fallback")
    ask(engine, "a", "which one", "clarify")
    ask(engine, "b", "write me a poem", "refusal", category="out_of_scope")
    ask(engine, "b", "how many mg", "refusal", category="refuse_dosing")
    ask(engine, "b", "i want to die", "safety", category="crisis_selfharm")
    ask(engine, "c", "what is ketamine", "answer", topic="about_ketamine")
    assert queue.sort_new() == 4
    assert [(item.kind, item.text) for item in reversed(queue.items().rows)] == [
        ("fallback", "is it loud"),
        ("clarify", "which one"),
        ("refusal", "write me a poem"),
        ("safety", "i want to die"),
    ]
    assert queue.sort_new() == 0


def test_questions_alike_are_one_theme(engine: sa.Engine, queue: Queue) -> None:
    for number in range(3):
        ask(engine, f"a{number}", "can i go driving the same day", "fallback")
    ask(engine, "b", "purple elephants everywhere tonight", "fallback")
    queue.sort_new()
    found = queue.themes().rows
    assert [(theme.items, theme.waiting) for theme in found] == [(3, 3), (1, 1)]
    assert "driving" in found[0].name
    assert found[0].example == "can i go driving the same day"
    assert "elephants" not in found[1].name, "a rare word of one person does not stay in a name"


def test_ratings_and_findings_are_themes_by_what_they_are_about(engine: sa.Engine, queue: Queue) -> None:
    for conversation in ("a", "b"):
        number = ask(engine, conversation, f"bladder {conversation}", "answer", passages=("ketamine-bladder-signs",))
        message = {"id": number, "passages": ["ketamine-bladder-signs"], "topic": "side_effects"}
        with engine.begin() as connection:
            note_rating(connection, conversation, "web", message, "too vague", helpful=False)
            note_rating(connection, conversation, "web", message, "far too vague", helpful=False)
        ask(engine, conversation, "chest pain", "safety", category="medical_emergency")
    queue.sort_new()
    named = {theme.name: theme.items for theme in queue.themes().rows}
    assert named == {"Signs of bladder problems": 2, "medical emergency": 2}
    assert {item.reason for item in queue.items(kind="not_helpful").rows} == {"far too vague"}


def test_a_rating_that_was_taken_back_waits_no_more(engine: sa.Engine, queue: Queue) -> None:
    message = {"id": ask(engine, "a", "bladder", "answer", passages=("p",)), "passages": ["p"]}
    for helpful in (False, True):
        with engine.begin() as connection:
            note_rating(connection, "a", "web", message, None, helpful=helpful)
    assert queue.sort_new() == 0


def test_the_conversation_around_is_masked_and_shown_in_its_order(engine: sa.Engine, queue: Queue) -> None:
    for number in range(12):
        ask(engine, "a", f"question {number} from jo@example.org", "fallback" if number == 6 else "answer")
    queue.sort_new()
    [item] = queue.items().rows
    lines = queue.around(item)
    assert len(lines) == 10  # question and reply, four lines before and four after
    assert "question 6 from [e-mail]" in [line.text for line in lines]
    assert "jo@example.org" not in repr([line.text for line in lines if line.message is None])


def test_a_messengers_conversation_is_read_from_the_dialogue(engine: sa.Engine, queue: Queue) -> None:
    message = Message("m-1", "fallback", "I did not understand that.").to_dict()
    with engine.begin() as connection:
        for kind, event in (("user", {"text": "spam and eggs"}), ("bot", {"data": {"custom": message}})):
            row = {"sender_id": "telegram-1", "type_name": kind, "timestamp": 1.0, "data": json.dumps(event)}
            connection.execute(sa.insert(Event).values(**row))
        record_turn(connection, "telegram-1", "telegram", [message])
    queue.sort_new()
    [item] = queue.items(channel="telegram").rows
    assert item.text == "spam and eggs"
    assert [line.text for line in queue.around(item)] == ["spam and eggs", "I did not understand that."]


def test_what_is_not_to_be_kept_does_not_come_in(engine: sa.Engine, queue: Queue) -> None:
    ask(engine, "a", "a secret", "fallback", kept=False)
    assert queue.sort_new() == 0


@pytest.mark.parametrize("way", ["asked to", "retention", "old"])
def test_words_go_with_the_conversation_and_counts_stay(engine: sa.Engine, queue: Queue, way: str) -> None:
    ask(engine, "a", "my secret hat", "fallback")
    queue.sort_new()
    assert "my secret hat" in everything(engine)
    if way == "asked to":
        forget_conversations(engine, ["a"])
    elif way == "retention":
        sweep(engine, 30, now() + timedelta(days=31))
    else:
        with engine.begin() as connection:
            forget_old_words(connection, now() + timedelta(seconds=1))
    left = everything(engine)
    assert "secret" not in left and "'a'" not in left
    [theme] = queue.themes().rows
    assert (theme.items, theme.waiting, theme.example) == (1, 1, None)
    with engine.connect() as connection:
        assert connection.scalar(sa.select(MendingTheme.centre)) is None, "one vector would stand for its words"


def test_words_deleted_before_they_were_sorted_never_come_back(engine: sa.Engine, queue: Queue) -> None:
    ask(engine, "a", "my secret hat", "fallback")
    forget_conversations(engine, ["a"])
    assert queue.sort_new() == 1
    assert texts(queue) == [None]
    assert "secret" not in everything(engine)


def test_answers_count_once(engine: sa.Engine, queue: Queue, ed: Account) -> None:
    for number in range(3):
        ask(engine, f"a{number}", "the same words", "fallback")
    queue.sort_new()
    [theme] = queue.themes().rows
    numbers = queue.waiting_in(theme.id)
    assert queue.answer(ed, numbers[:2], "ignored", "noise") == 2
    assert queue.answer(ed, numbers, "ignored") == 1
    assert queue.themes().rows == []
    queue.open_again(ed, numbers[0])
    assert [theme.waiting for theme in queue.themes().rows] == [1]


def test_lists_come_in_pages_without_gaps(engine: sa.Engine, queue: Queue) -> None:
    for number in range(60):
        ask(engine, f"a{number}", f"word{number} thing{number} stuff{number}", "fallback")
    while queue.sort_new():
        pass
    for read in (queue.items, queue.themes):
        seen, key = [], ""
        while True:
            listing = read(before=key)
            seen += [row.id for row in listing.rows]
            if listing.older is None:
                break
            key = listing.older
        assert len(seen) == len(set(seen)) == 60


def test_a_name_that_staff_gave_stays(engine: sa.Engine, queue: Queue, ed: Account) -> None:
    ask(engine, "a", "driving home", "fallback")
    queue.sort_new()
    queue.rename(ed, queue.themes().rows[0].id, "Getting home")
    ask(engine, "b", "driving home", "fallback")
    queue.sort_new()
    assert [(theme.name, theme.items) for theme in queue.themes().rows] == [("Getting home", 2)]


@pytest.mark.parametrize(
    ("questions", "name"),
    [
        (["sedation and john"], "sedation"),
        (["scuba after"] * 3, "scuba"),
        (["scuba after"] * 2, ""),
        (["is it the what"], ""),
    ],
)
def test_names_of_themes(questions: list[str], name: str) -> None:
    assert name_of(questions, {"sedation"}) == name


async def test_others_publications_are_served_and_problems_sorted_beside_the_requests(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Bot:
        looks = 0

        def keep_up(self) -> bool:
            self.looks += 1
            if self.looks == 1:
                raise OSError("the database is away")
            return False

    monkeypatch.setattr(background, "EVERY", 0.01)
    monkeypatch.setattr(background, "make_queue", lambda *_: Queue(engine, Reads))
    ask(engine, "a", "the blue door", "fallback")
    bot = Bot()
    keeping = asyncio.create_task(background.keep_mending(settings, engine, bot))
    async with asyncio.timeout(20):
        while Queue.has_new(engine):
            await asyncio.sleep(0.02)
    keeping.cancel()
    assert bot.looks > 1
    assert "Keeping up with the content failed" in caplog.text
    assert "the blue door" not in caplog.text


def test_a_rating_is_about_the_words_that_were_shown(engine: sa.Engine, editing: Editing, ed: Account) -> None:
    """Also where other words were published between answer and rating."""
    shown = Catalogue(engine).passage("ketamine-bladder-signs")
    assert shown is not None and shown.published is not None
    before = shown.published.id
    number = ask(engine, "a", "bladder", "answer", passages=("ketamine-bladder-signs",), revisions=(before,))
    editing.retire(ed, "ketamine-bladder-signs", "for a while")
    editing.roll_back(ed, "ketamine-bladder-signs", before, "back")
    chats = ChatStore(engine, 30)
    session = chats.session("a")
    assert session is not None
    assert chats.feedback(session, number, False, "vague")
    with engine.connect() as connection:
        assert connection.scalars(sa.select(Feedback.revision_id)).all() == [before]
