"""The chat API: what is answered, what is refused, and that a message is answered once."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from bot.app import build
from bot.database.models import ChatMessage, ChatSession, DailyCount, Feedback
from bot.message import Message
from bot.settings import Settings
from bot.web import store as store_module
from bot.web import turns as turns_module
from tests.web.fixtures import FakeBot, Visitor, answer_to, browser, changed, everything_in


def rows(engine: sa.Engine, what: Any) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(what.__table__)))


# -- what is answered ----------------------------------------------------------------------------------------------


async def test_a_conversation(visitor: Visitor, fake_bot: FakeBot) -> None:
    response = await visitor.say("can i take xanax")
    assert response.status_code == 200
    [message] = response.json()["messages"]
    expected = answer_to("can i take xanax").to_dict()
    del expected["passages"], expected["drugs"], expected["revisions"]
    assert message.pop("at")
    del expected["at"]
    assert message == json.loads(json.dumps(expected))
    [turn] = fake_bot.turns
    assert (turn.text, turn.button, turn.channel, turn.message_id) == ("can i take xanax", None, "web", "1")
    assert (turn.country, turn.locale, turn.time_zone) == ("GB", "en-GB", "Europe/London")
    said, replied = await visitor.history()
    assert said.keys() == {"from", "id", "text", "at"}
    assert (said["from"], said["id"], said["text"]) == ("visitor", "1", "can i take xanax")
    assert replied["from"] == "bot" and replied["lead"] == message["lead"] and "passages" not in replied


async def test_a_session_needs_no_body(client: httpx.AsyncClient) -> None:
    response = await client.post("/chat/sessions")
    assert response.status_code == 201
    assert response.json().keys() == {"token", "expires_at"}


async def test_a_button(visitor: Visitor, fake_bot: FakeBot) -> None:
    await visitor.say("can i take xanax")
    response = await visitor.post("/chat/messages", {"id": "2", "button": "s-1"})
    assert response.status_code == 200
    assert (fake_bot.turns[1].text, fake_bot.turns[1].button) == (None, "s-1")
    assert [m["text"] for m in await visitor.history() if m["from"] == "visitor"] == [
        "can i take xanax",
        "What about alcohol?",
    ]


async def test_nobody_sees_another_conversation(client: httpx.AsyncClient, visitor: Visitor) -> None:
    await visitor.say("can i take xanax")
    other = await Visitor.arrive(client)
    assert await other.history() == []
    assert other.token != visitor.token


async def test_counts_stay(visitor: Visitor, engine: sa.Engine) -> None:
    await visitor.say("one")
    await visitor.say("two", "2")
    [count] = rows(engine, DailyCount)
    assert (count.channel, count.kind, count.category, count.topic, count.messages) == (
        "web",
        "answer",
        "",
        "interactions",
        2,
    )


# -- what is refused -----------------------------------------------------------------------------------------------

BAD = [
    ("no id", {"text": "hello"}),
    ("an empty id", {"id": "", "text": "hello"}),
    ("a number as id", {"id": 1, "text": "hello"}),
    ("an id with a blank", {"id": "a b", "text": "hello"}),
    ("a long id", {"id": "a" * 121, "text": "hello"}),
    ("neither text nor button", {"id": "1"}),
    ("both", {"id": "1", "text": "hello", "button": "s-1"}),
    ("an empty text", {"id": "1", "text": "  \u200b\n"}),
    ("a list as text", {"id": "1", "text": ["hello"]}),
    ("a button that is none", {"id": "1", "button": "a b"}),
    ("a list", ["hello"]),
    ("a text", "hello"),
    ("nothing", None),
]


@pytest.mark.parametrize("body", [row[1] for row in BAD], ids=[row[0] for row in BAD])
async def test_bad_messages(visitor: Visitor, fake_bot: FakeBot, body: Any) -> None:
    response = await visitor.post("/chat/messages", body)
    assert response.status_code == 400
    assert response.json()["error"].keys() == {"code", "message"}
    assert fake_bot.turns == []


NOT_JSON = [
    ("not JSON", b"{", "application/json"),
    ("nested deeply", b"[" * 200_000, "application/json"),
    ("a huge number", b'{"id": ' + b"1" * 10_000 + b"}", "application/json"),
    ("not UTF-8", b'{"id": "\xff"}', "application/json"),
    ("a form", b"id=1&text=hello", "application/x-www-form-urlencoded"),
    ("plain text, which needs no permission of the browser", b'{"id": "1", "text": "hello"}', "text/plain"),
]


@pytest.mark.parametrize(("content", "kind"), [row[1:] for row in NOT_JSON], ids=[row[0] for row in NOT_JSON])
async def test_not_json(visitor: Visitor, content: bytes, kind: str) -> None:
    response = await visitor.client.post(
        "/chat/messages", content=content, headers={**visitor.headers, "Content-Type": kind}
    )
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "bad_request"


@pytest.mark.parametrize(
    "body", [{"country": "GBR"}, {"locale": "x" * 40}, {"time_zone": "../etc"}, {"country": 7}, []]
)
async def test_bad_sessions(client: httpx.AsyncClient, body: Any) -> None:
    assert (await client.post("/chat/sessions", json=body)).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/chat/messages"),
        ("GET", "/chat/messages"),
        ("POST", "/chat/feedback"),
        ("POST", "/chat/keep"),
        ("DELETE", "/chat/session"),
    ],
)
@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer nonsense", "Basic abc", "Bearer " + "a" * 5000, "FORGED"]
)
async def test_no_session(visitor: Visitor, method: str, path: str, authorization: str) -> None:
    if authorization == "FORGED":
        authorization = "Bearer " + visitor.token[:-4] + "AAAA"
    response = await visitor.client.request(method, path, json={}, headers={"Authorization": authorization})
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "no_session"


async def test_a_cookie_is_no_key(visitor: Visitor) -> None:
    visitor.client.cookies.set("evenkeel", visitor.token)
    assert (await visitor.client.get("/chat/messages")).status_code == 401


async def test_an_expired_session(visitor: Visitor, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.update(ChatSession).values(expires=store_module.now()))
    assert (await visitor.say("hello")).status_code == 401


@pytest.mark.parametrize("length", [None, "600000"])
async def test_too_long(visitor: Visitor, length: str | None) -> None:
    async def body() -> Any:
        for _ in range(60):
            yield b" " * 10_000

    headers = {**visitor.headers, "Content-Type": "application/json"} | ({"Content-Length": length} if length else {})
    response = await visitor.client.post("/chat/messages", content=body(), headers=headers)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "too_long"


async def test_a_long_message_goes_to_the_bot_whole_and_is_kept_in_part(visitor: Visitor, fake_bot: FakeBot) -> None:
    text = "word " * 40_000 + "i want to die"
    response = await visitor.say(text)
    assert response.json()["messages"][0]["category"] == "crisis_selfharm"
    assert fake_bot.turns[0].text.endswith("i want to die")
    assert len((await visitor.history())[0]["text"]) == 2000


@pytest.mark.usefixtures("early_in_a_minute")
async def test_too_many_from_a_session(visitor: Visitor, settings: Settings) -> None:
    for number in range(settings.session_limit):
        assert (await visitor.say("hello", str(number))).status_code == 200
    response = await visitor.say("hello", "one-more")
    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert "911" in response.json()["error"]["message"]


@pytest.mark.usefixtures("early_in_a_minute")
async def test_too_many_from_an_address(settings: Settings, engine: sa.Engine, fake_bot: FakeBot) -> None:
    async with browser(build(changed(settings, address_limit=3), fake_bot, engine)) as client:
        answers = [await client.post("/chat/sessions") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert answers[3].headers["Retry-After"]


async def test_not_ready(visitor: Visitor, fake_bot: FakeBot) -> None:
    fake_bot.ready = False
    response = await visitor.say("hello")
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert response.json()["error"]["code"] == "not_ready"


# -- once ----------------------------------------------------------------------------------------------------------


async def test_the_same_id_again(visitor: Visitor, fake_bot: FakeBot) -> None:
    first = await visitor.say("can i take xanax")
    again = await visitor.say("can i take xanax")
    different = await visitor.say("something else")
    assert first.json() == again.json() == different.json()
    assert len(fake_bot.turns) == 1
    assert len(await visitor.history()) == 2


async def test_the_same_id_in_another_conversation(
    client: httpx.AsyncClient, visitor: Visitor, fake_bot: FakeBot
) -> None:
    other = await Visitor.arrive(client)
    await visitor.say("one")
    await other.say("two")
    assert [turn.text for turn in fake_bot.turns] == ["one", "two"]


async def test_at_the_same_time(visitor: Visitor, fake_bot: FakeBot) -> None:
    fake_bot.gate = asyncio.Event()
    asked = [asyncio.create_task(visitor.say("can i take xanax")) for _ in range(5)]
    await asyncio.sleep(0.2)
    fake_bot.gate.set()
    answers = [await task for task in asked]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert len(fake_bot.turns) == 1


async def test_at_the_same_time_in_two_processes(
    visitor: Visitor, settings: Settings, engine: sa.Engine, fake_bot: FakeBot
) -> None:
    fake_bot.gate = asyncio.Event()
    async with browser(build(settings, fake_bot, engine)) as second_process:
        first = asyncio.create_task(visitor.say("can i take xanax"))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(Visitor(second_process, visitor.token).say("can i take xanax"))
        await asyncio.sleep(0.3)
        fake_bot.gate.set()
        assert (await first).json() == (await second).json()
    assert len(fake_bot.turns) == 1


async def test_a_visitor_who_goes_away(visitor: Visitor, fake_bot: FakeBot) -> None:
    fake_bot.gate = asyncio.Event()
    asked = asyncio.create_task(visitor.say("can i take xanax"))
    await asyncio.sleep(0.1)
    asked.cancel()
    await asyncio.sleep(0)
    fake_bot.gate.set()
    assert (await visitor.say("can i take xanax")).status_code == 200
    assert len(fake_bot.turns) == 1


async def test_a_failure_can_be_tried_again(
    visitor: Visitor, fake_bot: FakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    fake_bot.error = RuntimeError("a private word")
    response = await visitor.say("a private word")
    assert response.status_code == 503
    assert "911 US, 999 UK, 112 EU" in response.json()["error"]["message"]
    assert "private" not in response.text + caplog.text
    assert "RuntimeError at" in caplog.text
    fake_bot.error = None
    assert (await visitor.say("a private word")).status_code == 200
    assert len(await visitor.history()) == 2


async def test_a_turn_that_outlasts_our_patience(
    visitor: Visitor, fake_bot: FakeBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns_module, "_PATIENCE", 0.2)
    fake_bot.gate = asyncio.Event()
    assert (await visitor.say("hello")).status_code == 503
    fake_bot.gate.set()
    assert (await visitor.say("hello")).status_code == 200
    assert len(fake_bot.turns) == 1


async def test_handled_without_a_stored_reply_is_rendered_again(
    visitor: Visitor, settings: Settings, engine: sa.Engine, fake_bot: FakeBot
) -> None:
    """The process that had the message died before it stored the reply; the bot knows that it has handled it."""
    await visitor.say("can i take xanax")
    with engine.begin() as connection:
        connection.execute(sa.delete(ChatMessage).where(ChatMessage.direction == "bot"))
        connection.execute(sa.update(ChatMessage).values(handled=False, at=store_module.now() - store_module.LEASE))
    asked = []

    async def replay(turn: Any) -> list[Message]:
        asked.append(turn)
        return [answer_to("rendered again")]

    fake_bot.replay = replay  # type: ignore[attr-defined]
    response = await visitor.say("can i take xanax")
    assert "rendered again" in response.json()["messages"][0]["lead"]
    assert len(fake_bot.turns) == 1 and asked[0].message_id == "1"


@pytest.mark.parametrize(
    "begun", [-store_module.LEASE, timedelta(days=1)], ids=["it died", "it died, and the clock was set back"]
)
async def test_a_message_that_another_process_left_half_way(
    visitor: Visitor, engine: sa.Engine, fake_bot: FakeBot, begun: timedelta
) -> None:
    """The bot does not know of it, or cannot tell: it is run."""
    await visitor.say("hello")
    with engine.begin() as connection:
        connection.execute(sa.delete(ChatMessage).where(ChatMessage.direction == "bot"))
        connection.execute(sa.update(ChatMessage).values(handled=False, at=store_module.now() + begun))
    assert (await visitor.say("hello")).status_code == 200
    assert len(fake_bot.turns) == 2


# -- private -------------------------------------------------------------------------------------------------------

WORDS = "zebrafish umbrella"


async def test_what_is_stored_is_masked(visitor: Visitor, settings: Settings, fake_bot: FakeBot) -> None:
    await visitor.say("my name is Zaphod, call 07700 900123 or write to zaphod@example.com")
    masked = "my name is [name], call [phone number] or write to [e-mail]"
    assert (await visitor.history())[0]["text"] == fake_bot.turns[0].text == masked
    assert not any(word in everything_in(settings.var) for word in (b"Zaphod", b"900123", b"zaphod"))


async def test_forget(visitor: Visitor, settings: Settings, engine: sa.Engine, fake_bot: FakeBot) -> None:
    for number in range(5):
        await visitor.say(f"{WORDS} {number}", str(number))
    message = (await visitor.history())[1]
    await visitor.post("/chat/feedback", {"message": message["id"], "helpful": False, "reason": f"{WORDS} again"})
    assert WORDS.encode() in everything_in(settings.var)
    response = await visitor.client.delete("/chat/session", headers=visitor.headers)
    assert response.status_code == 204
    assert response.content == b""
    assert WORDS.encode() not in everything_in(settings.var)
    assert rows(engine, Feedback) == rows(engine, ChatMessage) == rows(engine, ChatSession) == []
    assert len(fake_bot.forgotten) == 1
    assert (await visitor.say("hello", "9")).status_code == 401


async def test_forget_while_the_bot_is_answering(visitor: Visitor, settings: Settings, fake_bot: FakeBot) -> None:
    fake_bot.gate = asyncio.Event()
    asked = asyncio.create_task(visitor.say(WORDS))
    await asyncio.sleep(0.1)
    assert (await visitor.client.delete("/chat/session", headers=visitor.headers)).status_code == 204
    fake_bot.gate.set()
    assert (await asked).status_code == 401
    assert len(fake_bot.forgotten) == 2, "once when it was asked for, once when the turn had ended"
    with fake_bot.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM events").scalar() == 0


async def test_dont_keep_this(visitor: Visitor, engine: sa.Engine) -> None:
    await visitor.say("before")
    assert (await visitor.post("/chat/keep", {"keep": False})).status_code == 204
    await visitor.say("after", "2")
    assert [row.keep for row in rows(engine, ChatSession)] == [False]
    assert {row.keep for row in rows(engine, ChatMessage)} == {False}
    message = (await visitor.history())[-1]
    await visitor.post("/chat/feedback", {"message": message["id"], "helpful": True, "reason": "private"})
    assert [(row.helpful, row.reason) for row in rows(engine, Feedback)] == [(True, None)]


@pytest.mark.parametrize("body", [{}, {"keep": True}, {"keep": "false"}])
async def test_keep_can_only_be_false(visitor: Visitor, body: Any) -> None:
    assert (await visitor.post("/chat/keep", body)).status_code == 400


async def test_a_conversation_not_to_be_kept_ends_by_itself(visitor: Visitor, engine: sa.Engine) -> None:
    await visitor.post("/chat/keep", {"keep": False})
    with engine.begin() as connection:
        connection.execute(sa.update(ChatSession).values(last_seen=store_module.now() - store_module.ENDED_AFTER))
    assert (await visitor.say("hello")).status_code == 401


async def test_the_token_is_stored_nowhere(visitor: Visitor, settings: Settings) -> None:
    await visitor.say("hello")
    assert visitor.token.encode() not in everything_in(settings.var)


async def test_asked_to_forget_in_words(visitor: Visitor, settings: Settings, fake_bot: FakeBot) -> None:
    """Everything said before goes, and the request itself; the conversation can go on."""
    await visitor.say(WORDS)
    response = await visitor.say(f"{WORDS}, delete my data", "2")
    assert response.status_code == 200
    told = await visitor.history()
    assert [(m["from"], m.get("text")) for m in told] == [("visitor", "[deleted]"), ("bot", None)]
    assert len(fake_bot.forgotten) == 1
    assert (await visitor.say("anything", "2")).json() == response.json()
    assert (await visitor.say("hello", "3")).status_code == 200


async def test_asked_not_to_keep_in_words(visitor: Visitor, engine: sa.Engine) -> None:
    await visitor.say("before")
    await visitor.say("please don't keep this", "2")
    await visitor.say("after", "3")
    assert [row.keep for row in rows(engine, ChatSession)] == [False]
    assert {row.keep for row in rows(engine, ChatMessage)} == {False}


# -- feedback ------------------------------------------------------------------------------------------------------


async def test_feedback_counts_once(visitor: Visitor, engine: sa.Engine) -> None:
    await visitor.say("hello")
    message = (await visitor.history())[1]["id"]
    for helpful in (True, False):
        reason = "mail me at jane@example.com " + "x" * 600
        response = await visitor.post("/chat/feedback", {"message": message, "helpful": helpful, "reason": reason})
        assert response.status_code == 204
    [row] = rows(engine, Feedback)
    assert row.helpful is False
    assert row.reason.startswith("mail me at [e-mail]") and len(row.reason) == 500


@pytest.mark.parametrize(
    "body",
    [
        {"message": "unknown", "helpful": True},
        {"message": "1"},
        {"helpful": True},
        {"message": "x", "helpful": True, "reason": 1},
    ],
)
async def test_bad_feedback(visitor: Visitor, body: Any) -> None:
    await visitor.say("hello")
    assert (await visitor.post("/chat/feedback", body)).status_code == 400


async def test_feedback_on_somebody_elses_message(client: httpx.AsyncClient, visitor: Visitor) -> None:
    await visitor.say("hello")
    message = (await visitor.history())[1]["id"]
    other = await Visitor.arrive(client)
    assert (await other.post("/chat/feedback", {"message": message, "helpful": True})).status_code == 400


# -- around it -----------------------------------------------------------------------------------------------------

ORIGINS = [
    ("its own", "http://bot.test", 200),
    ("its own, in capitals", "http://Bot.Test", 200),
    ("an allowed one", "https://clinic.example", 200),
    ("an allowed one without TLS", "http://clinic.example", 403),
    ("an allowed one with another port", "https://clinic.example:8443", 403),
    ("a longer name", "https://clinic.example.evil.example", 403),
    ("another", "https://evil.example", 403),
    ("none", "null", 403),
    ("nonsense", "bot.test", 403),
]


@pytest.mark.parametrize(("origin", "status"), [row[1:] for row in ORIGINS], ids=[row[0] for row in ORIGINS])
async def test_origins(visitor: Visitor, fake_bot: FakeBot, origin: str, status: int) -> None:
    headers = {**visitor.headers, "Origin": origin}
    response = await visitor.client.post("/chat/messages", json={"id": "1", "text": "hello"}, headers=headers)
    assert response.status_code == status
    assert response.headers.get("Access-Control-Allow-Origin") == (origin if status == 200 else None)
    assert "Origin" in response.headers["Vary"]
    assert len(fake_bot.turns) == (1 if status == 200 else 0)


async def test_a_page_without_an_origin_may_be_allowed(
    settings: Settings, engine: sa.Engine, fake_bot: FakeBot
) -> None:
    async with browser(build(changed(settings, allow_null_origin=True), fake_bot, engine)) as client:
        response = await client.post("/chat/sessions", headers={"Origin": "null"})
    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (201, "null")


@pytest.mark.parametrize(("origin", "status"), [("https://clinic.example", 204), ("https://evil.example", 403)])
async def test_preflight(client: httpx.AsyncClient, origin: str, status: int) -> None:
    asking = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    response = await client.options("/chat/messages", headers=asking)
    assert response.status_code == status
    assert ("Access-Control-Allow-Origin" in response.headers) == (status == 204)
    if status == 204:
        assert int(response.headers["Access-Control-Max-Age"]) > 0
        assert "DELETE" in response.headers["Access-Control-Allow-Methods"]
        assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in response.headers


async def test_errors_too_can_be_read_by_an_allowed_page(client: httpx.AsyncClient) -> None:
    response = await client.get("/chat/messages", headers={"Origin": "https://clinic.example"})
    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (401, "https://clinic.example")


@pytest.mark.parametrize(
    "path", ["/", "/privacy", "/nowhere", "/chat/nowhere", "/chat/messages", "/health/live", "/static/page.css"]
)
async def test_protecting_headers(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert "Set-Cookie" not in response.headers
    if not path.startswith("/static"):
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/chat/nowhere", 404), ("PUT", "/chat/messages", 405), ("GET", "/chat/", 404)],
)
async def test_unknown_addresses(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    response = await client.request(method, path)
    assert response.status_code == status
    assert response.json()["error"].keys() == {"code", "message"}


async def test_strange_characters(visitor: Visitor) -> None:
    body = b'{"id": "1", "text": "a \\ud800 b \\u0000 \\u202e c \xf0\x9f\x98\x80"}'
    response = await visitor.client.post(
        "/chat/messages", content=body, headers={**visitor.headers, "Content-Type": "application/json"}
    )
    assert response.status_code == 200
    told = await visitor.history()
    assert told[0]["text"] == "a \ufffd b c \U0001f600"


async def test_an_unexpected_error(
    app: Starlette, client: httpx.AsyncClient, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = await Visitor.arrive(client)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE chat_messages")
    response = await visitor.say(WORDS)
    assert response.status_code in (500, 503)
    assert "911 US, 999 UK, 112 EU" in response.json()["error"]["message"]
    assert "Traceback" not in response.text and "sqlite" not in response.text.lower()
    assert WORDS not in caplog.text
    page = await client.get("/", headers={"Cookie": f"evenkeel={visitor.token}"})
    assert page.status_code in (500, 503)
    assert "911 US, 999 UK, 112 EU" in page.text


# -- not kept ------------------------------------------------------------------------------------------------------


async def test_a_session_that_is_not_kept_from_the_start(client: httpx.AsyncClient) -> None:
    visitor = await Visitor.arrive(client, keep=False)
    await visitor.say("hello")
    told = (await client.get("/chat/messages", headers=visitor.headers)).json()
    assert told["keep"] is False
    assert (await client.post("/chat/sessions", json={"keep": "no"})).status_code == 400


async def test_whoever_shows_the_conversation_learns_what_was_asked_in_words(visitor: Visitor) -> None:
    assert "wish" not in (await visitor.say("hello", "1")).json()["messages"][0]
    for text, wish in (("don't keep this", "dont_keep"), ("delete my data", "forget")):
        first = (await visitor.say(text, wish)).json()["messages"]
        assert first[-1]["wish"] == wish
        assert (await visitor.say(text, wish)).json()["messages"] == first, "a retry learns it too"
