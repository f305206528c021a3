"""The checks of a draft find what `articles check` finds, and say it for a writer; what differs is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.articles.source_files import Section, read_article
from bot.message import Review
from bot.settings import ROOT
from bot.staff.mending.checks import Checker, Taken, id_from, is_id
from bot.staff.mending.difference import between, words
from bot.staff.mending.preview import message_of, on_channels

NONE = Taken({}, {})
ARTICLE = read_article(ROOT / "data" / "articles" / "side-effects-bladder.md")
GOOD = ARTICLE.sections[0]


def must(checker: Checker, section: Section, taken: Taken = NONE) -> str:
    return " | ".join(f"{one.what}: {one.text}" for one in checker.look(section, ARTICLE.topic, taken).must)


def look(checker: Checker, section: Section) -> str:
    return " | ".join(f"{one.what}: {one.text}" for one in checker.look(section, ARTICLE.topic, NONE).look)


def test_a_shipped_passage_has_nothing_to_mend(checker: Checker) -> None:
    assert must(checker, GOOD) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lead": "Do not worry about it."}, "Must not be said: reassurance"),
        ({"details": ("Stop your antidepressant first.",)}, "Must not be said"),
        ({"lead": ""}, "There is no first paragraph"),
        ({"title": ""}, "There is no title"),
        ({"facts": ()}, "There is no fact"),
        ({"sources": ()}, "There is no source"),
        ({"aspects": ()}, "There is no aspect"),
        ({"lead": "word " * 61}, "too long for a telephone"),
        ({"questions": ("one", "two")}, "at least 6 ways of asking"),
        ({"title": "A title that is much too long to stand on a button of any telephone"}, "too long for a button"),
        ({"drugs": ("nosuchium",)}, "does not know this medicine: nosuchium"),
        ({"sources": ("nowhere",)}, "There is no such source: nowhere"),
        ({"facts": ("nothing",)}, "There is no such fact: nothing"),
        ({"aspects": ("driving",)}, "no aspect of the topic: driving"),
    ],
)
def test_what_stands_in_the_way(checker: Checker, change: dict[str, object], said: str) -> None:
    assert said in must(checker, replace(GOOD, **change))  # type: ignore[arg-type]


def test_what_somebody_has_to_look_at(checker: Checker) -> None:
    assert "none of the facts chosen below: 97" in look(checker, replace(GOOD, lead="It was so in 97 people."))
    hard = (
        "Notwithstanding considerable epidemiological heterogeneity, urological complications necessitate evaluation."
    )
    assert "hard to read" in look(checker, replace(GOOD, lead=hard))


def test_what_others_have(checker: Checker) -> None:
    taken = Taken({"k bladder symptoms": "another"}, {GOOD.title.lower(): "another"})
    said = must(checker, GOOD, taken)
    assert "This way of asking belongs to another: k bladder symptoms" in said
    assert f"This title belongs to another: {GOOD.title}" in said
    own = Taken({"k bladder symptoms": GOOD.id}, {GOOD.title.lower(): GOOD.id})
    assert must(checker, GOOD, own) == ""


def test_ids() -> None:
    assert id_from("Can I drive? (Yes/No)") == "can-i-drive-yes-no"
    assert is_id("a-1") and not is_id("A") and not is_id("a--b") and not is_id("x" * 121)


def test_a_difference_says_what_came_and_went() -> None:
    pieces = words("Tell the clinic today.", "Tell your clinic today.")
    assert [(piece.change, piece.text) for piece in pieces] == [
        ("same", "Tell "),
        ("removed", "the"),
        ("added", "your"),
        ("same", " clinic today."),
    ]
    changed = replace(GOOD, lead=f"{GOOD.lead} Now.", questions=(*GOOD.questions, "one more"))
    assert [change.part for change in between(GOOD, changed)] == ["First paragraph", "Ways of asking"]
    assert between(GOOD, GOOD) == ()
    assert "Title" in [change.part for change in between(None, GOOD)]


def test_every_channel_shows_the_answer_within_its_limits(checker: Checker) -> None:
    message = message_of(GOOD, ARTICLE.topic, Review("unreviewed"), checker.content, "Ask a doctor.")
    channels = on_channels(message)
    assert {one.name for one in channels} == {
        "telegram", "messenger", "whatsapp", "twilio-whatsapp", "sms", "slack"
    }  # fmt: skip
    for one in channels:
        assert one.messages and all(sent.length <= sent.most for sent in one.messages)
        assert "Ask a doctor." in one.messages[-1].text
