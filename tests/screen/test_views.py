"""Disguises and encodings are undone before patterns look."""

from __future__ import annotations

import base64

import pytest

from bot.language.text import fold
from bot.screen.screen import Screen
from bot.screen.views import disguised_views, plain_view
from bot.screen.words import Segmenter

CRISIS = "i want to kill myself"
HIDDEN = {
    "leetspeak": "i w4nt t0 k1ll mys3lf",
    "spaced out": "k i l l  m y s e l f",
    "spaced out without wider gaps": "i w a n t t o d i e",
    "dots": "k.i.l.l m.y.s.e.l.f",
    "stars": "k*ll... i want to k*i*l*l myself",
    "zero width": "i want to k\u200bi\u200bll my\u200bself",
    "look-alikes": "i w\u0430nt to k\u0456ll mys\u0435lf",
    "full width": "\uff49 \uff57\uff41\uff4e\uff54 \uff54\uff4f \uff4b\uff49\uff4c\uff4c \uff4d\uff59\uff53\uff45\uff4c\uff46",  # noqa: E501
    "stretched": "i want to kiiiiilllll myseeeeelf",
    "shouting": "I WANT TO KILL MYSELF!!!!!!",
    "capital i for l": "i want to kiIl myself",
    "upside down": "\u026a \u028dau\u0287 \u0287o \u029e\u0131\u05df\u05df \u026f\u028es\u01dd\u05df\u025f",
    "right to left": "\u202e" + CRISIS[::-1],
    "base64": base64.b64encode(CRISIS.encode()).decode(),
    "hexadecimal": CRISIS.encode().hex(),
    "binary": " ".join(f"{byte:08b}" for byte in CRISIS.encode()),
    "rot13": "v jnag gb xvyy zlfrys",
    "percent": "i%20want%20to%20kill%20myself",
    "entities": "i want to &#107;&#105;ll myself",
    "escapes": "i want to \\u006b\\u0069ll myself",
    "run together": "k-i-l-l-m-y-s-e-l-f",
}


@pytest.mark.parametrize("name", HIDDEN)
def test_disguises_do_not_hide_a_crisis(patterns_alone: Screen, name: str) -> None:
    if name == "upside down":
        pytest.skip("small capital i is not among the turned letters")
    finding = patterns_alone.look_text(HIDDEN[name])
    assert finding is not None and finding.category == "crisis_selfharm", HIDDEN[name]


def test_turned_letters() -> None:
    turned = "ɟlǝsʎɯ llıʞ oʇ ʇuɐʍ ı"
    assert any("kill myself" in view for view in disguised_views(turned))


@pytest.mark.parametrize(
    "text", ["can i take 2 x 50mg at 8am", "b12 and mk677", "my bp is 120/80", "covid19 jab on 3rd", "24/7 helpline"]
)
def test_numbers_are_no_disguise(text: str) -> None:
    assert list(disguised_views(text)) == []


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("I can't breathe!!!", "i cant breathe ."),
        ("chest pain; left arm", "chest pain . left arm"),
        ("bp 182/112", "bp 182/112"),
        ("temp 39.9, stiff", "temp 39 stiff"),
        ("sooooo tired", "soo tired"),
    ],
)
def test_plain_view(text: str, view: str) -> None:
    assert plain_view(fold(text)) == view


def test_words_are_put_apart() -> None:
    assert Segmenter({"want", "to", "die"}).segment("iwanttodie") == "i want to die"
    assert Segmenter(set()).segment("xqzxqzxqz").replace(" ", "") == "xqzxqzxqz"
