"""The pages of mending as a person uses them: what is typed is kept, checked, shown and, once approved, live."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bot.database.models import Feedback
from bot.staff.mending.catalogue import Catalogue
from bot.staff.roles import Account
from tests.staff.fixtures import Staff
from tests.staff.mending.conftest import People
from tests.staff.mending.test_queue import ask

PASSAGE = "ketamine-bladder-signs"
At = Callable[[Account], Staff]
GOOD = {
    "title": "Signs of bladder problems",
    "lead": "Tell your clinic about bladder pain, blood in your urine, or needing to go often.",
    "details": "These can be signs that ketamine has hurt the bladder.\n\nDo not wait for the next visit.",
    "questions": "\n".join(f"question number {n} of the bladder" for n in ("a", "b", "c", "d", "e", "f")),
    "aspect": ["bladder"],
    "fact": ["se-bladder-signs", ""],
    "source": [""],
    "drugs": "",
    "why": "plainer words",
}


def words_of(engine: sa.Engine, passage: str = PASSAGE) -> dict[str, Any]:
    """The fields of a form with the words of today."""
    shown = Catalogue(engine).passage(passage)
    assert shown is not None and shown.published is not None
    section = shown.published.section
    return {
        "title": section.title,
        "lead": section.lead,
        "details": "\n\n".join(section.details),
        "questions": "\n".join(section.questions),
        "aspect": list(section.aspects),
        "fact": list(section.facts),
        "source": [*section.sources, ""],
        "drugs": ", ".join(section.drugs),
        "why": "",
    }


def version_on(page: str) -> str:
    found = re.search(r'name="version" value="([^"]+)"', page)
    assert found, page
    return html.unescape(found[1])


async def draft_of(person: Staff, passage: str = PASSAGE) -> str:
    """The address of the draft of a passage."""
    response = await person.post(f"/staff/passages/{passage}/draft")
    return str(response.headers["location"])


async def save(person: Staff, draft: str, words: dict[str, Any], do: str = "save", status: int = 303) -> str:
    page = (await person.get(draft)).text
    response = await person.post(draft, draft, status, version=version_on(page), do=do, **words)
    return (await person.get(draft)).text if status == 303 else response.text


async def test_lists_show_what_there_is(at: At, ed: Account) -> None:
    person = at(ed)
    listed = (await person.get("/staff/passages?words=bladder")).text
    assert PASSAGE in listed and "driving" not in listed
    assert "No passage is like that" in (await person.get("/staff/passages?state=retired")).text
    shown = (await person.get(f"/staff/passages/{PASSAGE}")).text
    assert "What visitors get" in shown and "Not reviewed by a clinician" in shown
    assert "There is no such draft" in (await person.get("/staff/drafts")).text


async def test_words_are_kept_and_shown_on_every_channel(at: At, ed: Account, engine: sa.Engine) -> None:
    person, words = at(ed), words_of(engine)
    draft = await draft_of(person)
    page = await save(person, draft, {**words, "lead": "Blood in your urine: tell your clinic today."})
    assert "Saved." in page
    assert page.count("Blood in your urine: tell your clinic today.") >= 6
    for channel in ("Telegram", "Messenger", "WhatsApp", "SMS", "Slack"):
        assert channel in page
    assert "<ins>" in page and "<del>" in page
    assert (await draft_of(person)) == draft


async def test_what_must_be_mended_is_not_sent(at: At, ed: Account, engine: sa.Engine) -> None:
    person, words = at(ed), words_of(engine)
    draft = await draft_of(person)
    page = await save(person, draft, {**words, "lead": "Do not worry, it is just panic. Take 50 mg."}, "send")
    assert "Saved, but not sent" in page
    assert "Must not be said" in page
    assert "Being written" in page


async def test_checks_while_typing(at: At, ed: Account, engine: sa.Engine) -> None:
    person = at(ed)
    draft = await draft_of(person)
    words = {**words_of(engine), "lead": "Take 50 mg. " + "word " * 70, "questions": "one"}
    found = (await person.post(f"{draft}/check", draft, 200, **words)).json()
    assert any("Must not be said" in line for line in found["must"])
    assert any("too long for a telephone" in line for line in found["must"])
    assert any("Give at least 6 ways of asking" in line for line in found["must"])
    over = [name for name, _, fine in found["figures"] if not fine]
    assert over == ["First paragraph, words", "First paragraph, years of school"]
    sms = next(one for one in found["channels"] if one["name"] == "sms")
    assert all(message["length"] <= message["most"] for message in sms["messages"])
    assert "Take 50 mg" not in (await person.get(draft)).text, "a check keeps nothing"


async def test_from_draft_to_visitor(at: At, ed: Account, cleo: Account, engine: sa.Engine) -> None:
    author, clinician, words = at(ed), at(cleo), words_of(engine)
    draft = await draft_of(author)
    page = await save(author, draft, {**words, "title": "Signs that the bladder suffers"}, "send")
    assert "Waits for approval" in page and "has to approve it" in page
    assert "Waits for approval" in (await clinician.get("/staff/drafts?state=waiting")).text
    page = (await clinician.get(draft)).text
    assert "Approve and publish" in page
    fields = {"version": version_on(page), "do": "publish", "due": "2031-01-02"}
    if "points to look at" in page:
        refused = await clinician.post(f"{draft}/approve", draft, 400, **fields)
        assert "confirm that you have looked" in refused.text
    response = await clinician.post(f"{draft}/approve", draft, **fields, looked="1")
    assert response.headers["location"] == f"/staff/passages/{PASSAGE}"
    shown = (await author.get(f"/staff/passages/{PASSAGE}")).text
    assert "Reviewed by Dr Cleo" in shown and "2031-01-02" in shown
    article = (await author.get("/articles/side-effects-bladder")).text
    assert "Signs that the bladder suffers" in article and "Dr Cleo" in article
    await author.get(draft, 404)


async def test_words_of_two_people_at_once_are_not_lost(at: At, ed: Account, cleo: Account, engine: sa.Engine) -> None:
    first, second, words = at(ed), at(cleo), words_of(engine)
    draft = await draft_of(first)
    old = version_on((await second.get(draft)).text)
    await save(first, draft, words)
    response = await second.post(draft, draft, 400, version=old, **{**words, "lead": "My own words"})
    assert "Your words are below, and not saved" in response.text
    assert "My own words" in response.text


async def test_a_clinician_sends_back(at: At, ed: Account, cleo: Account, engine: sa.Engine) -> None:
    author, clinician = at(ed), at(cleo)
    draft = await draft_of(author)
    page = await save(author, draft, words_of(engine), "send")
    fields = {"version": version_on(page)}
    await author.post(f"{draft}/send-back", draft, 403, **fields, answer="no")
    await author.post(f"{draft}/approve", draft, 403, **fields)
    await clinician.post(f"{draft}/send-back", draft, answer="Say which clinic.", **fields)
    assert "Say which clinic." in (await author.get(draft)).text


@pytest.mark.parametrize("what", ["passages/ketamine-bladder-signs", "topics/side_effects"])
async def test_off_and_on(at: At, ed: Account, what: str) -> None:
    person = at(ed)
    page = f"/staff/{what}" if what.startswith("passages") else "/staff/topics"
    refused = await person.post(f"/staff/{what}/switch", page, 400, do="off", why=" ")
    assert "Please say why" in refused.text
    await person.post(f"/staff/{what}/switch", page, do="off", why="A reader doubts it")
    assert "A reader doubts it" in (await person.get(page)).text
    article = await person.client.get("/articles/side-effects-bladder")
    assert article.status_code == 404 or "Signs of bladder problems" not in article.text
    await person.post(f"/staff/{what}/switch", page, do="on", why="It is right")
    assert "Signs of bladder problems" in (await person.get("/articles/side-effects-bladder")).text


async def test_rolling_back_and_retiring(at: At, ed: Account, engine: sa.Engine) -> None:
    person, address = at(ed), f"/staff/passages/{PASSAGE}"
    await person.post(f"{address}/retire", address, why="nobody needs it")
    assert "not published" in (await person.get(address)).text
    page = (await person.get(f"{address}?revision=1")).text
    revision = re.search(r'name="revision" value="(\d+)"', page)
    assert revision
    await person.post(f"{address}/roll-back", address, why="they do", revision=revision[1])
    assert "What visitors get" in (await person.get(address)).text


async def test_ratings_stand_beside_the_words_they_are_about(at: At, ed: Account, engine: sa.Engine) -> None:
    shown = Catalogue(engine).passage(PASSAGE)
    assert shown is not None and shown.published is not None
    with engine.begin() as connection:
        for helpful, reason in ((True, None), (False, "too vague"), (False, None)):
            row = {"message_id": "m", "revision_id": shown.published.id, "helpful": helpful, "reason": reason}
            connection.execute(sa.insert(Feedback).values(**row))
    page = (await at(ed).get(f"/staff/passages/{PASSAGE}")).text
    assert '<td class="number">1</td><td class="number">2</td>' in page
    assert "too vague" in page


async def test_a_problem_is_linked_accepted_and_answered(at: At, ed: Account, cleo: Account, engine: sa.Engine) -> None:
    asked = "why do i go to the loo all night"
    ask(engine, "web-1", asked, "fallback")
    author, second = at(ed), at(cleo)
    listed = (await author.get("/staff/queue")).text
    assert asked in listed
    theme = re.search(r"/staff/queue/themes/(\d+)", listed)
    assert theme
    address = re.search(r'href="(/staff/queue/\d+)"', (await author.get(theme[0])).text)
    assert address
    page = (await author.get(address[1])).text
    assert "the reply in question" in page and f'value="{PASSAGE}"' in page
    wrong = await author.post(f"{address[1]}/link", address[1], 400, text=asked)
    assert "Please choose a passage" in wrong.text
    await author.post(f"{address[1]}/link", address[1], text=asked, passage=PASSAGE, all="1")
    assert "linked to a passage by Ed" in (await author.get(f"{theme[0]}?show=all")).text
    proposals = "/staff/proposals"
    number = re.search(r'action="/staff/proposals/(\d+)"', (await second.get(proposals)).text)
    assert number
    own = await author.post(f"{proposals}/{number[1]}", proposals, 400, do="accept")
    assert "somebody else must accept it" in own.text
    await second.post(f"{proposals}/{number[1]}", proposals, do="accept")
    assert asked in (await second.get(f"/staff/passages/{PASSAGE}")).text


async def test_a_problem_becomes_a_draft_or_a_sentence_or_nothing(at: At, ed: Account, engine: sa.Engine) -> None:
    person = at(ed)
    for number, text in enumerate(("may i swim after it", "is green tea fine", "la la la")):
        ask(engine, f"web-{number}", text, "fallback")
    await person.get("/staff/queue")
    addresses = sorted(
        set(re.findall(r'href="(/staff/queue/\d+)"', (await person.get("/staff/queue?view=single")).text))
    )
    made = await person.post(
        f"{addresses[0]}/draft",
        addresses[0],
        title="Swimming after it",
        article="side-effects-bladder",
        text="may i swim",
    )
    page = (await person.get(made.headers["location"])).text
    assert "may i swim" in page and "There is no source" in page
    meaning = {"text": "is green tea fine with my spray", "meaning": "ask_interactions/specific"}
    await person.post(f"{addresses[1]}/sentence", addresses[1], **meaning)
    again = await person.post(f"{addresses[1]}/sentence", addresses[1], 400, **meaning)
    assert "proposed this already" in again.text
    await person.post(f"{addresses[2]}/ignore", addresses[2], note="noise")
    assert "Nothing waits here" in (await person.get("/staff/queue")).text
    await person.post(f"{addresses[2]}/reopen", addresses[2])
    assert "la la la" in (await person.get("/staff/queue")).text


async def test_a_reply_is_flagged_by_hand(at: At, ed: Account, engine: sa.Engine) -> None:
    message = ask(engine, "web-1", "does it hurt the bladder", "answer")
    with engine.connect() as connection:
        ref = connection.exec_driver_sql("SELECT ref FROM conversations").scalar_one()
    person = at(ed)
    await person.post("/staff/queue/flag", "/staff/queue", conversation=ref, message=message, note="Says too little")
    listed = (await person.get("/staff/queue?view=single&kind=flag")).text
    assert "does it hurt the bladder" in listed and "Flagged by staff" in listed
    await person.post("/staff/queue/flag", "/staff/queue", 404, conversation=ref, message="no such", note="x")


async def test_health(at: At, people: People, engine: sa.Engine) -> None:
    viewer = at(people("Vi"))
    page = (await viewer.get("/staff/health")).text
    assert "Never reviewed</a>: 10" in page
    assert PASSAGE in (await viewer.get("/staff/health/never")).text
    await viewer.get("/staff/health/nonsense", 404)
    await viewer.get("/staff/passages", 403)


async def test_hostile_words_stay_words(at: At, ed: Account, engine: sa.Engine) -> None:
    hostile = '<img src=x onerror="alert(1)">{{7*7}}'
    ask(engine, "web-1", hostile, "fallback")
    person = at(ed)
    for page in ("/staff/queue", "/staff/queue?view=single"):
        shown = (await person.get(page)).text
        assert "<img src=x" not in shown and "&lt;img src=x" in shown and "{{7*7}}" in shown
    draft = await draft_of(person)
    shown = await save(person, draft, {**words_of(engine), "lead": hostile, "title": hostile})
    assert "<img src=x" not in shown


@pytest.mark.parametrize(
    "query", ["before=x", "before=1~2~3", "before=9~2026-11-22T10:00:00+00:00~5", "before=~~", "page=-1", "before=%00"]
)
async def test_made_up_keys_do_no_harm(at: At, ed: Account, query: str) -> None:
    person = at(ed)
    for page in ("queue", "passages", "drafts", "proposals", "health/never"):
        await person.get(f"/staff/{page}?{query}")
        await person.get(f"/staff/{page}?view=single&{query}")
