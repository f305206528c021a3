"""A message as plain text: nothing lost, the disclaimer last, whatever the message holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.channels.plain import as_text
from bot.message import Contact, Message, Review, SourceRef, Suggestion
from tests.terminal.conftest import ANSWER, DANGER

WORDS = st.text("abcdefgh0123456789", min_size=1, max_size=12)
MAYBE = st.none() | WORDS
MESSAGES = st.builds(
    Message,
    id=WORDS,
    kind=st.sampled_from(["answer", "safety", "clarify", "fallback", "smalltalk", "refusal"]),
    lead=WORDS,
    details=st.lists(WORDS, max_size=3).map(tuple),
    sources=st.lists(
        st.builds(
            SourceRef, WORDS, WORDS, st.none() | st.integers(1900, 2030), st.none() | WORDS.map("https://{}".format)
        ),
        max_size=3,
    ).map(tuple),
    review=st.none() | st.builds(Review, st.sampled_from(["unreviewed", "reviewed", "due", "odd"]), MAYBE, MAYBE),
    suggestions=st.lists(st.builds(Suggestion, WORDS, WORDS), max_size=3).map(tuple),
    contacts=st.lists(
        st.builds(
            Contact,
            WORDS,
            WORDS,
            MAYBE,
            st.none() | st.fixed_dictionaries({"number": WORDS, "body": MAYBE}),
            MAYBE,
            MAYBE,
        ),
        max_size=3,
    ).map(tuple),
    disclaimer=WORDS,
)


@given(MESSAGES, st.booleans())
def test_nothing_is_lost_and_the_disclaimer_is_last(message: Message, numbered: bool) -> None:
    shown = as_text(message, numbered=numbered)
    assert shown.startswith(message.lead)
    assert shown.endswith(f"\n\n{message.disclaimer}")
    words = [*message.details, *(s.title for s in message.sources), *(s.title for s in message.suggestions)]
    words += [c.call for c in message.contacts if c.call] + [c.name for c in message.contacts]
    assert all(word in shown for word in words)
    assert "None" not in shown


def test_choices_can_be_numbered() -> None:
    assert "1. And alcohol?\n2. And then?" in as_text(ANSWER, numbered=True)
    assert "- And alcohol?\n- And then?" in as_text(ANSWER)


def test_sources_and_review() -> None:
    shown = as_text(ANSWER)
    assert "- A label. An agency, 2020. https://example.org" in shown
    assert "Not yet reviewed by a clinician." in shown


def test_a_number_to_call() -> None:
    assert as_text(DANGER) == "Call 999 now.\n\nUK: Ambulance: call 999"
