"""The plain page: a conversation without JavaScript, and nobody else's."""

from __future__ import annotations

import asyncio
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from bot.app import build
from bot.database.models import ChatSession, Feedback
from bot.message import Contact, Flow, Message, Review, SourceRef, Suggestion
from bot.settings import Settings
from bot.web.helplines import read_emergency_numbers, read_examples
from bot.web.showing import https, languages, sms, tel
from tests.web.fixtures import DISCLAIMER, FakeBot, browser, changed, everything_in

COOKIE = "evenkeel"


class Reader(HTMLParser):
    """Tags with their attributes, and the visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def field(self, name: str) -> str:
        return next(str(field["value"]) for field in self.all("input") if field.get("name") == name)


async def read(client: httpx.AsyncClient, path: str = "/") -> Reader:
    response = await client.get(path)
    assert response.status_code == 200
    return Reader(response.text)


async def send(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    page = await read(client)
    return await client.post("/", data={"csrf": page.field("csrf"), "id": page.field("id"), **fields})


# -- what stands there ---------------------------------------------------------------------------------------------


async def test_the_first_page(client: httpx.AsyncClient) -> None:
    page = await read(client)
    assert "a program, not a clinician" in page.text
    for words in ("Not for emergencies", "United States", "999", "local emergency number", "kept for 30 days"):
        assert words in page.text
    assert len([button for button in page.all("button") if button.get("name") == "text"]) >= 13
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert COOKIE not in client.cookies, "nothing is set before somebody asks"


async def test_nothing_on_it_that_the_policy_forbids(client: httpx.AsyncClient) -> None:
    await send(client, text="can i take xanax")
    for path in ("/", "/privacy", "/nowhere"):
        page = Reader((await client.get(path)).text)
        assert page.all("script") == page.all("style") == page.all("img") == []
        for _, attributes in page.tags:
            assert not any(name == "style" or name.startswith("on") for name in attributes)
        for link in page.all("link"):
            assert str(link["href"]).startswith("/static/")


async def test_the_widget_and_what_its_page_allows(client: httpx.AsyncClient) -> None:
    response = await client.get("/")
    page = Reader(response.text)
    assert [script["type"] for script in page.all("script")] == ["module", "module"]
    for script in page.all("script"):
        assert str(script["src"]).startswith(("/widget/chat-widget.js?v=", "/static/home.js?v="))
        loaded = await client.get(str(script["src"]))
        assert loaded.status_code == 200 and "immutable" in loaded.headers["Cache-Control"]
    policy = response.headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "script-src 'self'", "connect-src 'self'", "trusted-types 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert "script-src" not in (await client.get("/privacy")).headers["Content-Security-Policy"]


async def test_every_field_has_a_label(client: httpx.AsyncClient) -> None:
    page = await read(client)
    labelled = {label["for"] for label in page.all("label")}
    assert {area["id"] for area in page.all("textarea")} <= labelled
    assert all(field["type"] == "hidden" for field in page.all("input"))


async def test_a_conversation(client: httpx.AsyncClient, fake_bot: FakeBot) -> None:
    response = await send(client, text="can i take xanax")
    assert (response.status_code, response.headers["Location"]) == (303, "/#latest")
    assert [turn.text for turn in fake_bot.turns] == ["can i take xanax"]
    page = await read(client)
    for words in (
        "can i take xanax",
        "They also add to sleepiness.",
        "Not yet reviewed by a clinician.",
        DISCLAIMER,
        "A Journal, 2021",
    ):
        assert words in page.text
    assert {"href": "https://example.org/paper", "rel": "noopener"} in page.all("a")
    assert page.text.index("Not yet reviewed") < page.text.index(DISCLAIMER)
    assert any(attributes.get("id") == "latest" for _, attributes in page.tags)


async def test_a_suggestion(client: httpx.AsyncClient, fake_bot: FakeBot) -> None:
    await send(client, text="can i take xanax")
    page = await read(client)
    assert [b["value"] for b in page.all("button") if b.get("name") == "button"] == ["s-1", "s-2"]
    assert (await send(client, button="s-1")).status_code == 303
    assert (fake_bot.turns[1].button, fake_bot.turns[1].text) == ("s-1", None)
    assert fake_bot.turns[0].conversation == fake_bot.turns[1].conversation
    again = await read(client)
    assert len([b for b in again.all("button") if b.get("name") == "button"]) == 2, "of the newest answer alone"


async def test_numbers_to_call(client: httpx.AsyncClient) -> None:
    await send(client, text="i want to die")
    links = [link.get("href") for link in (await read(client)).all("a")]
    assert {"tel:988", "sms:988", "sms:85258?body=SHOUT", "https://988lifeline.org", "tel:999"} <= set(links)


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'>{{ 7*7 }}</textarea>"


async def test_payloads_are_shown_as_text(
    client: httpx.AsyncClient, fake_bot: FakeBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = Message(
        id=HOSTILE,
        kind="answer",
        lead=HOSTILE,
        details=(HOSTILE,),
        disclaimer=HOSTILE,
        lang='en" onload="alert(1)',
        sources=(
            SourceRef(HOSTILE, HOSTILE, None, "javascript:alert(1)"),
            SourceRef("x", "y", None, 'https://e.example/"onclick="x'),
        ),
        review=Review("reviewed", HOSTILE, HOSTILE),
        suggestions=(Suggestion(HOSTILE, HOSTILE),),
        contacts=(
            Contact(
                HOSTILE,
                HOSTILE,
                "javascript:alert(1)",
                {"number": "javascript:", "body": HOSTILE},
                "javascript:alert(1)",
                HOSTILE,
            ),
        ),
        flow=Flow(HOSTILE, 1, 5),
    )

    async def handle(turn: Any) -> list[Message]:
        return [message]

    monkeypatch.setattr(fake_bot, "handle", handle)
    await send(client, text=HOSTILE)
    page = await read(client)
    assert page.all("script") == page.all("img") == []
    assert "49" not in page.text
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    for link in page.all("a"):
        assert re.match(r"(https://|tel:|sms:|/|#)", str(link["href"])), link
    assert page.text.count("<script>alert(1)</script>") >= 8


# -- cookies and forged forms --------------------------------------------------------------------------------------


async def test_the_cookie(client: httpx.AsyncClient) -> None:
    cookie = (await send(client, text="hello")).headers["Set-Cookie"]
    assert cookie.startswith("evenkeel=")
    for attribute in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=86400"):
        assert attribute in cookie
    assert "Secure" not in cookie and "Domain" not in cookie


async def test_the_cookie_under_https(settings: Settings, engine: sa.Engine, fake_bot: FakeBot) -> None:
    async with browser(build(changed(settings, public_url="https://bot.test"), fake_bot, engine)) as client:
        client.base_url = httpx.URL("https://bot.test")
        response = await send(client, text="hello")
        assert (
            response.headers["Set-Cookie"].startswith("__Host-evenkeel=") and "Secure" in response.headers["Set-Cookie"]
        )
        assert response.headers["Strict-Transport-Security"]
        assert "hello" in (await read(client)).text


FORGED = [
    ("no token", {"csrf": ""}, {}),
    ("a wrong token", {"csrf": "abc"}, {}),
    ("from another site", {}, {"Origin": "https://evil.example"}),
    ("from a page without an origin", {}, {"Origin": "null"}),
    ("the browser says so", {}, {"Sec-Fetch-Site": "cross-site"}),
    ("a site beside ours", {}, {"Sec-Fetch-Site": "same-site"}),
]


@pytest.mark.parametrize(("fields", "headers"), [row[1:] for row in FORGED], ids=[row[0] for row in FORGED])
async def test_forged_forms(
    client: httpx.AsyncClient, fake_bot: FakeBot, fields: dict[str, str], headers: dict[str, str]
) -> None:
    await send(client, text="hello")
    page = await read(client)
    form = {"csrf": page.field("csrf"), "id": page.field("id"), "text": "forged", **fields}
    for path in ("/", "/forget", "/keep", "/feedback"):
        assert (await client.post(path, data=form, headers=headers)).status_code == 403
    assert len(fake_bot.turns) == 1
    assert "hello" in (await read(client)).text


async def test_a_token_of_another_conversation(app: Starlette, client: httpx.AsyncClient, fake_bot: FakeBot) -> None:
    await send(client, text="hello")
    async with browser(app) as other:
        await send(other, text="hello")
        stolen = (await read(other)).field("csrf")
    response = await client.post("/", data={"csrf": stolen, "id": "12345678", "text": "forged"})
    assert response.status_code == 403
    assert "forged" in response.text, "what somebody typed is not lost"
    assert len(fake_bot.turns) == 2


async def test_a_page_opened_before_the_conversation_began(client: httpx.AsyncClient, fake_bot: FakeBot) -> None:
    """From a link elsewhere the strict cookie is not sent; the form is good where the browser vouches for it."""
    early = await read(client)
    await send(client, text="hello")
    form = {"csrf": early.field("csrf"), "id": early.field("id"), "text": "again"}
    assert (await client.post("/", data=form)).status_code == 403
    assert (await client.post("/", data=form, headers={"Origin": "http://bot.test"})).status_code == 303
    assert fake_bot.turns[0].conversation == fake_bot.turns[1].conversation


async def test_a_double_click(client: httpx.AsyncClient, fake_bot: FakeBot) -> None:
    await send(client, text="hello")
    page = await read(client)
    form = {"csrf": page.field("csrf"), "id": page.field("id"), "text": "again"}
    both = await asyncio.gather(client.post("/", data=form), client.post("/", data=form))
    assert [response.status_code for response in both] == [303, 303]
    assert len(fake_bot.turns) == 2


# -- when it does not work -----------------------------------------------------------------------------------------


async def test_an_empty_question(client: httpx.AsyncClient) -> None:
    response = await send(client, text="  ")
    assert response.status_code == 400
    assert "The message is empty" in response.text


async def test_not_ready(client: httpx.AsyncClient, fake_bot: FakeBot) -> None:
    fake_bot.ready = False
    response = await send(client, text="can i take xanax")
    assert response.status_code == 503
    page = Reader(response.text)
    assert "911 US, 999 UK, 112 EU" in page.text and "can i take xanax" in page.text
    assert COOKIE not in client.cookies


@pytest.mark.usefixtures("early_in_a_minute")
async def test_too_many(client: httpx.AsyncClient, settings: Settings) -> None:
    for _ in range(settings.session_limit):
        assert (await send(client, text="hello")).status_code == 303
    response = await send(client, text="the last one")
    assert response.status_code == 429 and response.headers["Retry-After"]
    assert "the last one" in Reader(response.text).text


async def test_too_long(client: httpx.AsyncClient) -> None:
    assert (await send(client, text="x" * 600_000)).status_code == 413


@pytest.mark.parametrize("content", [b"\xff=\xff", b"&".join(b"a=b" for _ in range(100)), b""])
async def test_odd_forms(client: httpx.AsyncClient, content: bytes) -> None:
    response = await client.post("/", content=content, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert response.status_code in (400, 403)
    assert (await client.post("/", json={"text": "hello"})).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/static/../app.py", 404), ("GET", "/static/x", 404), ("PUT", "/", 405)],
)
async def test_calm_pages(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    response = await client.request(method, path)
    assert response.status_code == status
    assert "This page is not here" in response.text and "Not for emergencies" in response.text


# -- your data -----------------------------------------------------------------------------------------------------


async def act(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    return await client.post(path, data={"csrf": (await read(client)).field("csrf"), **fields})


async def test_delete(client: httpx.AsyncClient, settings: Settings, fake_bot: FakeBot) -> None:
    await send(client, text="zebrafish umbrella")
    response = await act(client, "/forget")
    assert (response.status_code, response.headers["Location"]) == (303, "/?deleted")
    assert COOKIE not in client.cookies
    page = await read(client, "/?deleted")
    assert "The conversation has been deleted." in page.text and "zebrafish" not in page.text
    assert b"zebrafish umbrella" not in everything_in(settings.var)
    assert len(fake_bot.forgotten) == 1


async def test_dont_keep(client: httpx.AsyncClient, engine: sa.Engine) -> None:
    await send(client, text="hello")
    assert "What you write is kept for 30 days" in (await read(client)).text
    assert (await act(client, "/keep")).status_code == 303
    page = await read(client)
    assert "This conversation is not kept" in page.text and "kept for 30 days" not in page.text
    with engine.connect() as connection:
        assert connection.execute(sa.select(ChatSession.keep)).scalars().all() == [False]


async def test_nothing_is_kept_where_the_operator_keeps_nothing(
    settings: Settings, engine: sa.Engine, fake_bot: FakeBot
) -> None:
    async with browser(build(changed(settings, retention_days=0), fake_bot, engine)) as client:
        assert "deleted when the conversation ends" in (await read(client)).text
        assert "days" not in (await read(client, "/privacy")).text


async def test_helpful(client: httpx.AsyncClient, engine: sa.Engine) -> None:
    await send(client, text="hello")
    message = (await read(client)).field("message")
    assert (await act(client, "/feedback", message=message, helpful="no")).status_code == 303
    assert (await act(client, "/feedback", message="another", helpful="no")).status_code == 400
    assert (await act(client, "/feedback", message=message, helpful="maybe")).status_code == 400
    with engine.connect() as connection:
        assert connection.execute(sa.select(Feedback.helpful)).scalars().all() == [False]


async def test_without_a_conversation(client: httpx.AsyncClient) -> None:
    for path in ("/keep", "/forget", "/feedback"):
        assert (await act(client, path)).status_code == 401


async def test_privacy(client: httpx.AsyncClient) -> None:
    page = await read(client, "/privacy")
    for words in ("30 days", "Don’t keep this", "Delete this conversation", "Counts"):
        assert words in page.text


# -- parts ---------------------------------------------------------------------------------------------------------


async def test_files_may_be_kept_under_their_version(client: httpx.AsyncClient) -> None:
    address = str(next(link["href"] for link in (await read(client)).all("link") if link["rel"] == "stylesheet"))
    response = await client.get(address)
    assert response.status_code == 200 and response.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in response.headers["Cache-Control"]
    again = await client.get("/static/page.css", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304
    assert "immutable" not in (await client.get("/static/page.css?v=old")).headers["Cache-Control"]


def test_examples_and_numbers_may_be_missing(tmp_path: Path) -> None:
    assert read_examples(tmp_path) == ()
    assert read_emergency_numbers(tmp_path / "helplines.yml") == ()


async def test_the_page_without_data(settings: Settings, engine: sa.Engine, fake_bot: FakeBot, tmp_path: Path) -> None:
    async with browser(build(changed(settings, data=tmp_path), fake_bot, engine)) as client:
        assert "your local emergency number" in (await read(client)).text


def test_an_example_for_each_topic(settings: Settings) -> None:
    assert len(read_examples(settings.data)) == 13


LINKS = [
    (tel("1-800-222-1222"), "tel:18002221222"),
    (tel("+44 20 7946 0018"), "tel:+442079460018"),
    (tel("javascript:alert"), ""),
    (sms({"number": "85258", "body": "SHOUT now"}), "sms:85258?body=SHOUT%20now"),
    (sms({"number": None, "body": "x"}), ""),
    (https("https://example.org/a?b=c"), "https://example.org/a?b=c"),
    (https("http://example.org"), ""),
    (https("https:"), ""),
    (https("https://[broken"), ""),
    (https(None), ""),
    (languages(["en"]), ""),
    (languages([]), ""),
    (languages(["en", "es", "xx"]), "English, Spanish"),
]


@pytest.mark.parametrize(("given", "expected"), LINKS)
def test_links(given: str, expected: str) -> None:
    assert given == expected


STYLES = (Path(__file__).parents[2] / "bot/web/static/page.css").read_text()
PAIRS = [
    ("ink", "ground"),
    ("soft", "ground"),
    ("link", "ground"),
    ("ink", "paper"),
    ("soft", "paper"),
    ("link", "paper"),
    ("ink", "visitor"),
    ("soft", "visitor"),
    ("accent-ink", "accent"),
    ("warn-ink", "warn"),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back"), PAIRS)
def test_contrast(scheme: str, front: str, back: str) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""
    blocks = re.findall(r":root \{(.*?)\}", STYLES, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): #(\w{6})", blocks[scheme == "dark"]))
    lighter, darker = sorted((luminance(colours[front]), luminance(colours[back])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_of_edges(scheme: str) -> None:
    """WCAG 2.2, 1.4.11: the edge of a field or a button, at least 3 to 1."""
    blocks = re.findall(r":root \{(.*?)\}", STYLES, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): #(\w{6})", blocks[scheme == "dark"]))
    lighter, darker = sorted((luminance(colours["edge"]), luminance(colours["paper"])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 3


def luminance(colour: str) -> float:
    """Relative luminance of a colour such as 1c2b2d (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
