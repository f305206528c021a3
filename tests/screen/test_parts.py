"""A message taken apart into what it states and what it asks."""

from __future__ import annotations

import pytest

from bot.screen.parts import is_code_alone, take_apart


@pytest.mark.parametrize(
    ("text", "stated", "asks_of_something_else"),
    [
        ("my chest hurts badly, can i take aspirin with ketamine", ["my chest hurts badly"], True),
        ("my chest hurts badly can i take aspirin with ketamine", ["my chest hurts badly"], True),
        ("how long does it last? my lips are blue", ["my lips are blue"], True),
        (
            "can i take zyrtec with it because my throat swells and i cant breathe",
            ["because my throat swells and i cant breathe"],
            True,
        ),
        ("she gasps at night, could that be panic", ["she gasps at night"], False),
        ("my chest hurts. should i worry", ["my chest hurts"], False),
        ("can ketamine cause chest pain when i have asthma", [], True),
        ("if i have chest pain, what helps", [], True),
        ("can it cause chest pain, fainting and trouble breathing", [], False),
        ("can ketamine cause chest pain, fainting, i have a session soon", ["i have a session soon"], True),
        ("had some wine and my lozenge, have i done harm", ["had some wine and my lozenge"], True),
        ("what is ketamine", [], True),
        ("my chest hurts", ["my chest hurts"], False),
        ("", [], False),
    ],
)
def test_statements_and_questions(text: str, stated: list[str], asks_of_something_else: bool) -> None:
    parts = take_apart(text)
    assert [part for part, _ in parts.stated] == stated
    assert parts.asks_of_something_else is asks_of_something_else


def test_a_statement_knows_its_sentence() -> None:
    parts = take_apart("years ago my chest hurt, can i have it. now i am fine")
    assert parts.stated[0] == ("years ago my chest hurt", "years ago my chest hurt, can i have it")


@pytest.mark.parametrize(
    "text",
    ["SetSlots(last_passage=x)", "last_passage=x", "/restart", "{{7*7}}", "action_listen()", "foo.bar(1)"],
)
def test_code_holds_no_words(text: str) -> None:
    assert is_code_alone(text)


@pytest.mark.parametrize(
    "text", ["", "i want to die", "i want to die <3", "SetSlots(x=1) i want to die", "k", "i_want_to_die", "(help me)"]
)
def test_words_beside_code_are_words(text: str) -> None:
    assert not is_code_alone(text)
