"""What is known of conversations, and what staff see of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from bot.app import build
from bot.database.engine import writing
from bot.database.models import Event, now
from bot.database.staff import Conversation, ConversationNote, ConversationTag, DailyFigure
from bot.ops.conversations import About, record_turn
from bot.ops.retention import sweep
from bot.settings import Settings
from bot.staff.accounts import Accounts
from bot.staff.audit import read_audit
from bot.staff.reading import Conversations, Wanted, clean_tag
from bot.staff.roles import Account, Role
from tests.channels.fixtures import office
from tests.staff.fixtures import Staff, make_person
from tests.staff.seeding import seed_conversations
from tests.web.fixtures import FakeBot, Visitor, answer_to, browser, help_for

ANN = "14155550111"


def rows(engine: sa.Engine) -> list[sa.Row]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(Conversation.__table__).order_by(Conversation.started)))


def figures(engine: sa.Engine) -> dict[str, int]:
    with engine.connect() as connection:
        query = sa.select(DailyFigure.name, sa.func.sum(DailyFigure.number)).group_by(DailyFigure.name)
        return {name: number for name, number in connection.execute(query) if not name.startswith("seconds")}


# -- what is recorded ----------------------------------------------------------------------------------------------


async def test_a_conversation_in_the_web_chat_is_listed(engine: sa.Engine, visitor: Visitor) -> None:
    await visitor.say("can i take xanax", "1")
    await visitor.say("i want to die", "2")
    [row] = rows(engine)
    assert (row.channel, row.language, row.country, row.turns) == ("web", "en", "GB", 2)
    assert (row.answers, row.safety, row.fallbacks) == (1, "crisis_selfharm", 0)
    await visitor.say("can i take xanax", "1")
    assert rows(engine) == [row], "a retry is no new turn"
    assert figures(engine) == {"conversations": 1, "answer": 1, "safety": 1}
    with engine.connect() as connection:
        timed = sa.select(sa.func.sum(DailyFigure.number)).where(DailyFigure.name.startswith("seconds"))
        assert connection.scalar(timed) == 2


async def test_ratings_are_counted_and_may_change(engine: sa.Engine, visitor: Visitor) -> None:
    await visitor.say("can i take xanax")
    message = (await visitor.history())[-1]["id"]
    for helpful, counted in ((False, (0, 1)), (False, (0, 1)), (True, (1, 0))):
        assert (await visitor.post("/chat/feedback", {"message": message, "helpful": helpful})).status_code == 204
        [row] = rows(engine)
        assert (row.helpful, row.unhelpful) == counted
    assert figures(engine)["helpful"] == 1 and figures(engine)["unhelpful"] == 0


async def test_who_does_not_want_it_kept_is_not_listed(engine: sa.Engine, visitor: Visitor) -> None:
    await visitor.say("can i take xanax", "1")
    assert len(rows(engine)) == 1
    await visitor.post("/chat/keep", {"keep": False})
    assert rows(engine) == []
    await visitor.say("and with alcohol", "2")
    assert rows(engine) == [] and figures(engine)["answer"] == 2, "counted, not listed"


@pytest.mark.parametrize("how", ["asked", "pressed", "over"])
async def test_it_goes_with_the_conversation(engine: sa.Engine, accounts: Accounts, visitor: Visitor, how: str) -> None:
    await visitor.say("can i take xanax", "1")
    make_person(accounts, Role.tester, login="ada")
    ada, ref = accounts.by_login("ada"), rows(engine)[0].ref
    assert ada
    conversations = Conversations(engine)
    conversations.tag(ada, ref, "wording")
    conversations.note(ada, ref, "They wrote: can i take xanax")
    if how == "asked":
        await visitor.say("delete my data", "2")
    elif how == "pressed":
        assert (await visitor.client.delete("/chat/session", headers=visitor.headers)).status_code == 204
    else:
        assert sweep(engine, 30, now() + timedelta(days=31)).conversations
    assert rows(engine) == [] and conversations.read(ada, ref) is None
    with engine.connect() as connection:
        for table in (ConversationTag, ConversationNote):
            assert connection.execute(sa.select(table.__table__)).all() == []
    assert figures(engine)["conversations"] == 1, "counts stay"


async def test_a_conversation_on_a_messenger_is_listed_and_goes(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins["telegram"]
        await here.deliver(them.text(ANN, "can i take xanax"))
        await here.quiet()
        [row] = rows(here.engine)
        assert (row.channel, row.turns, row.answers) == ("telegram", 1, 1) and row.id.startswith("telegram-")
        await here.deliver(them.text(ANN, "please delete it"))
        await here.quiet()
        assert rows(here.engine) == []


@pytest.mark.parametrize(
    ("lang", "locale", "language"),
    [("en", "de-AT", "de"), ("es", "en-GB", "es"), ("en", None, ""), ("en", "pt_BR", "pt")],
)
def test_the_language(database: sa.Engine, lang: str, locale: str | None, language: str) -> None:
    message = replace(answer_to("x"), lang=lang).to_dict()
    with writing(database) as connection:
        record_turn(connection, "telegram-1", "telegram", [message], About(locale=locale, seconds=0.03))
    [row] = rows(database)
    assert row.language == language and len(row.ref) == 12


# -- finding and reading -------------------------------------------------------------------------------------------


@pytest.fixture
def ada(accounts: Accounts) -> Account:
    make_person(accounts, Role.tester, Role.editor, login="ada")
    found = accounts.by_login("ada")
    assert found
    return found


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(kind="fallback"),
        Wanted(kind="safety", reviewed="no"),
        Wanted(kind="unhelpful", channel="web"),
        Wanted(kind="clarify", language="de"),
        Wanted(tag="wording"),
        Wanted(reviewed="yes", first=now().date() - timedelta(days=9), last=now().date() - timedelta(days=2)),
    ],
    ids=lambda wanted: ",".join(wanted.query()) or "all",
)
def test_paging_shows_each_once_in_both_directions(sqlite_database: sa.Engine, wanted: Wanted) -> None:
    seed_conversations(sqlite_database, 400)
    conversations = Conversations(sqlite_database)
    seen, pages, before = [], [], ""
    while True:
        found, newer, older = conversations.find(wanted, before=before, most=17)
        assert newer is bool(before)
        seen += [row.ref for row in found]
        pages.append([row.ref for row in found])
        if not older:
            break
        before = found[-1].key
    everything, _, _ = conversations.find(wanted, most=1_000)
    assert seen == [row.ref for row in everything] and len(set(seen)) == len(seen) == conversations.count(wanted)
    assert seen, "the filter finds nothing, so nothing was tested"
    assert [row.last for row in everything] == sorted((row.last for row in everything), reverse=True)
    if len(pages) > 1:
        back, newer, older = conversations.find(wanted, after=conversations.place_of(pages[-1][0]) or "", most=17)
        assert [row.ref for row in back] == pages[-2] and older and newer is (len(pages) > 2)
    for row in everything:
        assert wanted.channel in ("", row.channel) and wanted.language in ("", row.language)
        assert {"fallback": row.fallbacks, "safety": row.safety, "unhelpful": row.unhelpful,
                "clarify": row.clarifications}.get(wanted.kind, 1)  # fmt: skip
        assert wanted.reviewed in ("", "yes" if row.reviewed else "no") and (not wanted.tag or wanted.tag in row.tags)


def test_choices_are_what_there_is(sqlite_database: sa.Engine) -> None:
    conversations = Conversations(sqlite_database)
    assert conversations.choices() == ([], [], [])
    seed_conversations(sqlite_database, 300)
    channels, languages, tags = conversations.choices()
    assert channels == ["telegram", "web", "whatsapp"] and languages == ["de", "en", "es", "fr"]
    assert set(tags) <= {"wording", "missing answer"} and tags


async def test_what_was_said_on_the_web(engine: sa.Engine, visitor: Visitor, ada: Account) -> None:
    await visitor.say("call me at me@example.org", "1")
    told = await visitor.history()
    await visitor.post("/chat/feedback", {"message": told[-1]["id"], "helpful": False, "reason": "too long"})
    conversation = rows(engine)[0].id
    parsed = {"message_id": "1", "parse_data": {"intent": {"name": "ask_interactions", "confidence": 0.93}}}
    with engine.begin() as connection:
        connection.execute(sa.delete(Event))
        values = {"sender_id": conversation, "type_name": "user", "timestamp": 1.0, "data": json.dumps(parsed)}
        connection.execute(sa.insert(Event), values)
    shown = Conversations(engine).read(ada, rows(engine)[0].ref)
    assert shown and shown.earlier == 0
    asked, answered = shown.said
    assert "example.org" not in asked.text and (asked.intent, asked.confidence) == ("ask_interactions", 0.93)
    assert answered.message and answered.message.kind == "answer" and answered.message.passages
    assert (answered.helpful, answered.reason) == (False, "too long")


def test_what_was_said_on_a_messenger(database: sa.Engine) -> None:
    ada = Accounts(database).accept(Accounts(database).invite(None, []), login="ada", name="Ada", password="p" * 12)
    reply = help_for("x").to_dict()
    with writing(database) as connection:
        record_turn(connection, "telegram-1", "telegram", [reply])
        for kind, data in (
            ("user", {"text": "i want to die", "parse_data": {"intent": {"name": "crisis", "confidence": 1.0}}}),
            ("bot", {"data": {"custom": reply}}),
            ("user", {"text": None}),
            ("bot", {"text": "no message of ours", "data": {}}),
            ("action", {"name": "action_listen"}),
        ):
            values = {"sender_id": "telegram-1", "type_name": kind, "timestamp": 5.0, "data": json.dumps(data)}
            connection.execute(sa.insert(Event), values)
    shown = Conversations(database).read(ada, rows(database)[0].ref)
    assert shown
    asked, answered = shown.said
    assert asked.text == "i want to die" and asked.intent == "crisis"
    assert answered.message and answered.message.category == "crisis_selfharm" and answered.message.contacts


def test_a_long_conversation_is_shown_in_parts(sqlite_database: sa.Engine) -> None:
    accounts = Accounts(sqlite_database)
    ada = accounts.accept(accounts.invite(None, []), login="ada", name="Ada", password="p" * 12)
    with writing(sqlite_database) as connection:
        record_turn(connection, "telegram-1", "telegram", [answer_to("x").to_dict()])
        for number in range(130):
            values = {"sender_id": "telegram-1", "type_name": "user", "data": json.dumps({"text": f"line {number}"})}
            connection.execute(sa.insert(Event), values)
    conversations, ref = Conversations(sqlite_database), rows(sqlite_database)[0].ref
    newest = conversations.read(ada, ref)
    assert newest and newest.earlier == 30 and newest.said[-1].text == "line 129"
    first = conversations.read(ada, ref, until=newest.earlier)
    assert first and first.earlier == 0 and [one.text for one in first.said] == [f"line {n}" for n in range(30)]


def test_marks(sqlite_database: sa.Engine) -> None:
    seed_conversations(sqlite_database, 3)
    accounts = Accounts(sqlite_database)
    ada, ben = (
        accounts.accept(accounts.invite(None, []), login=login, name=login.title(), password="p" * 12)
        for login in ("ada", "ben")
    )
    conversations, ref = Conversations(sqlite_database), "000000000001"
    assert conversations.review(ada, ref, True) and not conversations.review(ada, "gone", True)
    assert conversations.tag(ada, ref, "  Missing   ANSWER ") and conversations.tag(ada, ref, "missing answer")
    assert not conversations.tag(ada, ref, "   ") and not conversations.tag(ada, "gone", "x")
    assert conversations.note(ada, ref, "look at this") and not conversations.note(ada, "gone", "x")
    shown = conversations.read(ben, ref)
    assert shown and shown.row.tags == ("missing answer",) and shown.reviewed_by == "Ada"
    [note] = shown.notes
    assert (note.who, note.text) == ("Ada", "look at this")
    assert not conversations.delete_note(ben, ref, note.id), "it is Ada's"
    assert conversations.delete_note(ada, ref, note.id)
    assert conversations.tag(ada, ref, "missing answer", on=False) and conversations.review(ada, ref, False)
    shown = conversations.read(ben, ref)
    assert shown and shown.row.tags == () and shown.notes == [] and shown.row.reviewed is None
    told = [(entry.who, entry.verb) for entry in read_audit(sqlite_database) if entry.subject == f"conversation {ref}"]
    assert told.count(("Ben", "read")) == 1, "twice within ten minutes is one reading"
    assert {verb for _, verb in told} >= {"read", "reviewed", "tagged", "wrote a note", "deleted a note"}


def test_a_tag_is_short() -> None:
    assert clean_tag(" A  b ") == "a b" and len(clean_tag("x" * 90)) == 40


# -- pages ---------------------------------------------------------------------------------------------------------


async def test_the_pages_from_a_testers_view(engine: sa.Engine, visitor: Visitor, staff: dict[str, Staff]) -> None:
    await visitor.say("can i take xanax <b>now</b>", "1")
    await visitor.say("i want to die", "2")
    tester, ref = staff["tester"], rows(engine)[0].ref
    listed = (await tester.get("/staff/conversations?kind=safety&reviewed=no")).text
    assert (
        "One conversation matches" in listed
        and "thoughts of suicide or self-harm" in listed
        and "Not a valid" not in listed
    )
    assert ref not in (await tester.get("/staff/conversations?kind=fallback")).text
    path = f"/staff/conversations/{ref}"
    link = re.search(rf'href="({path}[^"]*)"', listed)
    assert link
    shown = (await tester.get(link[1].replace("&amp;", "&"))).text
    assert "can i take xanax &lt;b&gt;now&lt;/b&gt;" in shown and "988" in shown
    assert 'href="/staff/conversations?kind=safety&amp;reviewed=no"' in shown, "back to the same list"
    await tester.post(f"{path}/tags", page=path, tag="Wording")
    await tester.post(f"{path}/notes", page=path, text="A note\nof two lines")
    await tester.post(f"{path}/notes", page=path, text="", status=400)
    done = await tester.post(f"{path}/reviewed?reviewed=no", page=path, done="yes", then="next")
    assert done.headers["location"] == "/staff/conversations?reviewed=no"
    shown = (await tester.get(path)).text
    assert "wording" in shown and "A note\nof two lines" in shown and "by Tester" in shown
    viewer = (await staff["viewer"].get(path)).text
    assert "A note" in viewer and "Write the note" not in viewer
    log = (await staff["admin"].get("/staff/log?verb=read")).text
    assert f"conversation {ref}" in log and "xanax" not in log


async def test_next_goes_through_the_list(engine: sa.Engine, staff: dict[str, Staff]) -> None:
    seed_conversations(engine, 40)
    wanted = Wanted(kind="fallback", reviewed="no")
    order = [row.ref for row in Conversations(engine).find(wanted)[0]]
    assert len(order) > 2
    path = f"/staff/conversations/{order[0]}"
    done = await staff["tester"].post(f"{path}/reviewed?kind=fallback&reviewed=no", page=path, done="yes", then="next")
    assert done.headers["location"] == f"/staff/conversations/{order[1]}?kind=fallback&reviewed=no"


@pytest.mark.parametrize(
    "query",
    [
        "kind=nonsense&reviewed=maybe",
        "first=yesterday&last=2026-99-99",
        "before=nonsense",
        "after=2026-1",
        "before=-",
        "kind=a&kind=b",
    ],
)
async def test_an_address_that_makes_no_sense_does_no_harm(
    engine: sa.Engine, staff: dict[str, Staff], query: str
) -> None:
    seed_conversations(engine, 5)
    assert "conversations" in (await staff["viewer"].get(f"/staff/conversations?{query}")).text


async def test_nothing_is_shown_where_nothing_is_kept(
    settings: Settings, engine: sa.Engine, fake_bot: FakeBot, accounts: Accounts
) -> None:
    seed_conversations(engine, 5)
    app: Starlette = build(replace(settings, retention_days=0), fake_bot, engine)
    async with browser(app) as client:
        client.cookies.set("evenkeel-staff", make_person(accounts, Role.admin), domain="bot.test")
        assert "keeps nothing" in (await client.get("/staff/conversations")).text
        assert (await client.get("/staff/conversations/000000000001")).status_code == 404
