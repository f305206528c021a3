"""Whatever the bot says is within each platform's limits and ends as it must."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import cache

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.articles.load import load
from bot.channels.passages import read_answers
from bot.channels.plain import as_text
from bot.channels.preview import SCREENS, Screen, shown
from bot.channels.registry import make
from bot.channels.rendering import Style, ends_with, find_key, key_of, render, utf16
from bot.channels.sms import is_plain, plain_signs, segments
from bot.database.engine import make_engine
from bot.database.migrate import upgrade
from bot.message import Contact, Flow, Message, Review, SourceRef, Suggestion
from bot.settings import ROOT
from tests.channels.fixtures import DISCLAIMER, answer, danger, settings_in
from tests.platforms.all import STAND_INS

_WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60).filter(str.strip)
_SENTENCES = st.lists(_WORDS, min_size=1, max_size=60).map(". ".join)
_PARAGRAPH = st.one_of(
    _SENTENCES, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3000).filter(str.strip)
)
_LABEL = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=90).filter(str.strip)
_CONTACT = st.builds(
    Contact,
    name=_LABEL,
    country=_LABEL,
    call=st.one_of(st.none(), st.from_regex(r"\+?[0-9]{3}[0-9 -]{0,12}", fullmatch=True)),
    text=st.one_of(st.none(), st.just({"number": "741741", "body": "HOME"})),
    url=st.one_of(st.none(), st.just("https://988lifeline.org")),
)
_SOURCE = st.builds(
    SourceRef,
    _LABEL,
    _LABEL,
    st.one_of(st.none(), st.integers(1900, 2030)),
    st.one_of(st.none(), st.just("https://example.org/a?b=c&d")),
)
_MESSAGE = st.builds(
    Message,
    id=st.just("m"),
    kind=st.sampled_from(["answer", "safety", "clarify", "fallback", "smalltalk", "refusal"]),
    lead=_PARAGRAPH,
    details=st.lists(_PARAGRAPH, max_size=6).map(tuple),
    contacts=st.lists(_CONTACT, max_size=6).map(tuple),
    sources=st.lists(_SOURCE, max_size=5).map(tuple),
    review=st.one_of(st.none(), st.just(Review("unreviewed")), st.just(Review("reviewed", "2026-01-02", "Dr A & B"))),
    suggestions=st.lists(st.builds(Suggestion, id=_LABEL, title=_LABEL), max_size=6, unique_by=lambda s: s.id).map(
        tuple
    ),
    flow=st.one_of(st.none(), st.just(Flow("panic", 1, 5))),
    disclaimer=st.sampled_from([DISCLAIMER, DISCLAIMER + " " + DISCLAIMER, ""]),
)


@cache
def platforms() -> dict[str, tuple[object, object]]:
    """Channel -> its stand-in and the platform's side of ours, connected with it."""
    import tempfile
    from pathlib import Path

    from bot.channels.registry import ENTRIES

    own = settings_in(Path(tempfile.mkdtemp())).channels
    return {s.name: (s, make(next(e for e in ENTRIES if e.name == s.name), getattr(own, s.name))) for s in STAND_INS}


async def refusals(message: Message, screen: Screen) -> list[str]:
    """What the stand-in of the platform says against the requests that show `message`."""
    kind, platform = platforms()["twilio" if screen.name in ("sms", "twilio-whatsapp") else screen.name]
    stand_in = kind()  # type: ignore[operator]
    platform._client = stand_in.wire()  # type: ignore[attr-defined]
    address = dict(screen.address)
    if "from" in address:
        prefix = "whatsapp:" if screen.name == "twilio-whatsapp" else ""
        address = {"to": f"{prefix}+14155550111", "from": f"{prefix}+15551234567"}
    for part in shown(message, screen):
        outcome = await platform.send(platform.request(part, address))  # type: ignore[attr-defined]
        if outcome.state != "sent":
            stand_in.refused.append(outcome.error)
    await platform.close()  # type: ignore[attr-defined]
    return stand_in.refused


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(message=_MESSAGE)
def test_whatever_is_said_is_taken_and_ends_as_it_must(screen: Screen, message: Message) -> None:
    parts = shown(message, screen)
    end = " ".join(ends_with(message, screen.platform.style(screen.address)).split())
    assert parts and all(part.text.strip() for part in parts)
    for part in parts:
        if message.disclaimer:
            assert " ".join(part.text.split()).endswith(end)
    assert " ".join(parts[-1].text.split()).endswith(end)
    assert asyncio.run(refusals(message, screen)) == []


@pytest.mark.parametrize("screen", [s for s in SCREENS if s.name not in ("sms",)], ids=lambda screen: screen.name)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(message=_MESSAGE)
def test_no_word_is_lost(screen: Screen, message: Message) -> None:
    message = replace(message, suggestions=(), kind="answer")
    style = screen.platform.style(screen.address)
    told = "".join(" ".join(part.text for part in shown(message, screen)).split())
    for block in (message.lead, *message.details):
        assert all(word in told for word in style.escape(block).split() if len(word) < 500)


@pytest.fixture(scope="module")
def passages() -> dict[str, Message]:
    """Every published passage as its answer."""
    engine: sa.Engine = make_engine("sqlite://")
    upgrade(engine)
    load(engine, ROOT / "data")
    found = read_answers(engine, DISCLAIMER)
    engine.dispose()
    return found


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
async def test_every_passage_is_shown_on_every_channel(screen: Screen, passages: dict[str, Message]) -> None:
    assert len(passages) > 300
    buttons = (Suggestion("a1b2c3", "What happens in a session?"), Suggestion("d4e5f6", "Side effects"))
    faults = {}
    for name, message in passages.items():
        message = replace(message, suggestions=buttons)
        parts = shown(message, screen)
        end = ends_with(message, screen.platform.style(screen.address))
        problems = [] if all(part.text.endswith(end) for part in parts) else ["ends otherwise"]
        if screen.name == "sms" and (segments(parts[0].text) > 3 or not is_plain(parts[0].text)):
            problems.append(f"{segments(parts[0].text)} segments")
        faults[name] = problems + await refusals(message, screen)
    assert {name: found for name, found in faults.items() if found} == {}


def test_an_answer_of_the_shipped_length_is_one_message(passages: dict[str, Message]) -> None:
    """Splitting is for the odd one out: on the roomy channels nothing shipped needs it."""
    for screen in (s for s in SCREENS if s.name in ("telegram", "whatsapp", "slack")):
        assert [name for name, message in passages.items() if len(shown(message, screen)) > 1] == []


def test_a_long_text_is_split_at_sentence_ends() -> None:
    message = answer("A short sentence here. " * 100, suggestions=())
    parts = render(message, Style(most=640))
    assert len(parts) > 3
    for part in parts:
        assert utf16(part.text) <= 640
        assert part.text.removesuffix(DISCLAIMER).rstrip().endswith((".", "paper"))


def test_numbers_come_before_explanations_in_danger() -> None:
    for screen in SCREENS:
        first = shown(danger(), screen)[0].text
        assert first.index("911") < first.index("If you may act")
    assert as_text(danger()).index("988") < as_text(danger()).index("If you may act")


def test_numbers_can_be_dialled_on_slack() -> None:
    slack = next(s for s in SCREENS if s.name == "slack")
    assert "<tel:911|911>" in shown(danger(), slack)[0].text


@settings(max_examples=200, deadline=None)
@given(identity=st.text(min_size=1, max_size=300))
def test_a_button_carries_what_leads_back_to_it(identity: str) -> None:
    key = key_of(identity)
    assert 1 <= len(key.encode()) <= 64
    assert find_key(key, [["other", "x"], [identity, "title"]]) == identity


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("é" * 160, 1),
        ("€" * 81, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
    ],
)
def test_parts_of_a_text_message_are_counted_as_they_are_paid(text: str, parts: int) -> None:
    assert segments(text) == parts


def test_typographic_signs_do_not_make_a_text_message_dear() -> None:
    assert plain_signs("“Don’t” — wait… 5 °C, naïve") == '"Don\'t" - wait... 5  degC, naive'


def test_what_did_not_fit_comes_with_more() -> None:
    sms = next(s for s in SCREENS if s.name == "sms")
    first, *more = shown(answer("One sentence of some length, to fill the text. " * 30, suggestions=()), sms)
    assert segments(first.text) <= 3 and "Text MORE for details." in first.text and "Source: A Journal" in first.text
    assert more and all(len(part.text) <= 1600 and part.text.endswith(DISCLAIMER) for part in more)
    told = " ".join(part.text for part in (first, *more))
    assert told.count("One sentence of some length") == 30
