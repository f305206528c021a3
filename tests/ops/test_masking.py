"""What is taken out of messages before they are stored, and what must stay."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ops.masking import mask

MASKED = [
    # e-mail
    ("write to jane.doe+k@example.co.uk please", "write to [e-mail] please"),
    ("jane@example.com.", "[e-mail]."),
    ("<jane@example.com>,bob@example.org", "<[e-mail]>,[e-mail]"),
    ("jane dot doe? no: jane.doe at gmail.com", "jane dot doe? no: [e-mail]"),
    ("jane (at) hotmail.co.uk", "[e-mail]"),
    ("jörg@exämple.de", "[e-mail]"),
    # telephone numbers
    ("call me on 07700 900123", "call me on [phone number]"),
    ("0131 496 0999 or 020 7946 0018", "[phone number] or [phone number]"),
    ("(020) 7946 0018", "[phone number]"),
    ("+44 (0)20 7946 0018 is mine", "[phone number] is mine"),
    ("+447700900123", "[phone number]"),
    ("0044 7700 900123", "[phone number]"),
    ("(555) 010-4477", "[phone number]"),
    ("(212) 555-0147", "[phone number]"),
    ("212-555-0147", "[phone number]"),
    ("212.555.0147", "[phone number]"),
    ("1 212 555 0147", "[phone number]"),
    ("2125550147", "[phone number]"),
    ("555-0147 after six", "[phone number] after six"),
    ("my number is 555 0147", "my number is [phone number]"),
    ("06 12 34 56 78", "[phone number]"),
    ("030/12345678", "[phone number]"),
    ("98765 43210", "[phone number]"),
    ("44 7700 900123", "[phone number]"),
    ("since 2019 07700 900123", "since 2019 [phone number]"),
    ("i took 50 mg, ring 07700900123 please", "i took 50 mg, ring [phone number] please"),
    # names
    ("my name is Sarah and i took ketamine", "my name is [name] and i took ketamine"),
    ("My name is Sarah Jane O'Neill. I panic.", "My name is [name]. I panic."),
    ("my name is sarah", "my name is [name]"),
    ("my name is john smith and i panic", "my name is [name] and i panic"),
    ("my name is john suicidal and scared", "my name is [name] suicidal and scared"),
    ("MY NAME IS JOHN AND I TOOK KETAMINE", "MY NAME IS [name] AND I TOOK KETAMINE"),
    ("my name's Dr. Ludwig van der Berg, hi", "my name's [name], hi"),
    ("i am called bob, is it safe", "i am called [name], is it safe"),
    ("I'm called Łukasz", "I'm called [name]"),
    ("hello, this is Mary Smith speaking", "hello, this is [name] speaking"),
    ("me llamo Ana y tengo pánico", "me llamo [name] y tengo pánico"),
    ("my name is bob and my name is Eve", "my name is [name] and my name is [name]"),
]

KEPT = [
    ("an emergency number", "call 911 or 988 or 999 or 112 or 111 or 000"),
    ("several in a row", "911 988 999 112 116 123"),
    ("a crisis text line", "text HOME to 741741 or SHOUT to 85258"),
    ("Lifeline Australia", "call 13 11 14"),
    ("Samaritans", "call 116 123"),
    ("a dose", "i was given 0.5 mg/kg, then 56 mg and 84 mg"),
    ("several doses", "50 100 150 200 mg"),
    ("doses in a row that look American", "200 300 1000 mg and 250 300 1000"),
    ("a range", "200-1000 mg a day"),
    ("a year", "since 2019 and in 2021"),
    ("years in a row", "2019 2020 2021 2022"),
    ("years in a range", "from 2019-2023"),
    ("a date", "on 12/05/2024 and 2024-05-12 and 05.12.2024 and 03-11-24"),
    ("a date and a dose", "05/12/2024 100 mg"),
    ("a blood pressure", "my blood pressure was 150/95, then 160/100 and 180/110"),
    ("blood pressures in a row", "120/80 130/85 140/90 135/88 125/82"),
    ("blood pressures without a stroke", "120 80 130 85 140 90"),
    ("times", "from 10:30 to 11:45, 0800 150 mg"),
    ("a thousand", "1,000,000 people and 10 000 steps"),
    ("a trial", "see NCT01234567"),
    ("money", "it cost $12000 and £1500000"),
    ("a decimal", "0.12345678"),
    ("a handle", "ask @nobody about it"),
    ("somebody is to call", "call me an ambulance"),
    ("not a name", "my name is not important"),
    ("not a name either", "my name is on the list"),
    ("words like 'speaking'", "this is just the anxiety speaking"),
    ("a list of ages", "25 30 35 40 45 50 years"),
    ("nothing", ""),
]


@pytest.mark.parametrize(("given_text", "expected"), MASKED, ids=[row[0][:40] for row in MASKED])
def test_masks(given_text: str, expected: str) -> None:
    assert mask(given_text) == expected


@pytest.mark.parametrize("text", [row[1] for row in KEPT], ids=[row[0] for row in KEPT])
def test_keeps(text: str) -> None:
    assert mask(text) == text


PIECES = st.sampled_from(
    [
        "my name is ",
        "this is ",
        " speaking",
        "Bob",
        "bob ",
        "@",
        ".",
        "a",
        "example.com",
        "0",
        "7700",
        "+",
        " ",
        "-",
        "/",
        "(",
        ")",
        "[name]",
        "[e-mail]",
        "[phone number]",
        "2024",
        "mg",
        "number is ",
        "I'm called ",
        "and ",
        "\n",
        "’",
        "é",
        "１",
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=200))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = mask(text)
    assert mask(once) == once


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a.",
        "a@",
        "@",
        "1",
        "1 ",
        "0 ",
        "12-",
        "1/",
        "(",
        "+",
        "+1",
        "00",
        "my name is ",
        "my name is a ",
        "this is a ",
        "this is a b speaking",
        "a at ",
        "number is ",
        "number is 1",
        "A'",
        " ",
    ],
)
def test_linear_time(unit: str) -> None:
    """200,000 characters of anything take well under a second."""
    hostile = (unit * 200_000)[:200_000]
    began = time.perf_counter()
    mask(hostile)
    assert time.perf_counter() - began < 1.5
