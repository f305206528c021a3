"""What people, programs and people who pretend to be programs may send: for hypothesis."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import strategies as st

#: Stands in what could become markup; no reply may hold it.
MARK = "zq7mark"

_PEOPLE = "i im my me he she they friend mum son"
_STATES = "want wanted need feel felt cant dont not never to die dead kill myself safe panic attack"
_BODY = "heart racing chest pain breathe faint seizure"
_TIMES = "help now today yesterday years ago session clinic quiero morir je veux ich will"
_DRUGS = "ketamine ket k spravato lozenge infusion xanax alcohol wine oxycodone sertraline zoloft how much many mg"
_ASKING = "is it can what when does cause side effects yes no ok okay stop next thanks hello delete data keep this sure"
_SIGNS = "死 कैसे كيف и . , ? ! … 1 20 200 180/120 \u200b \u202e é ' \""
_WORDS = st.sampled_from(" ".join([_PEOPLE, _STATES, _BODY, _TIMES, _DRUGS, _ASKING, _SIGNS]).split(" "))
_MARKUP = st.sampled_from(
    [
        f"<script>{MARK}</script>",
        f"<img src=x onerror={MARK}>",
        f'"><svg/onload={MARK}>',
        f"<a href='javascript:{MARK}'>x</a>",
        f"[{MARK}](javascript:alert(1))",
        f"&lt;b&gt;{MARK}",
        f"<!--{MARK}-->",
    ]
)
_COMMANDS = st.sampled_from(
    [
        "/restart",
        "/session_start",
        '/crisis_selfharm{"flow": "panic_check"}',
        "/greet",
        "SetSlots(flow=panic_exercise)",
        'SlotSet("delete", True)',
        "action_delete_confirmed",
        "utter_greet",
        "{{7*7}}",
        "${{7*7}}",
        "{slot}",
        "{0.__class__}",
        "%(text)s %s %n",
        "<%= 7*7 %>",
        "'; DROP TABLE chat_messages;--",
        '" OR 1=1 --',
        "../../etc/passwd",
        "\r\nSet-Cookie: a=b",
        "null",
        "NaN",
        "[object Object]",
    ]
)
_ODD = st.characters(categories=("Cc", "Cf", "Cs", "Co", "Mn", "So", "Lo", "Zs"))
_SENTENCES = st.lists(_WORDS, max_size=40).map(" ".join)
#: Ordinary lengths by far the most often: a text of 100,000 characters takes as long as a hundred others.
TEXTS: st.SearchStrategy[str] = st.one_of(
    _SENTENCES,
    _SENTENCES,
    _SENTENCES.map(lambda text: text.upper()),
    st.text(max_size=200),
    st.text(alphabet=_ODD, max_size=80),
    st.text(alphabet="()[]{}<>/\\|&%$#@!*^~`'\"=+-_;:,.?0123456789 ", max_size=120),
    st.tuples(_SENTENCES, _MARKUP, _SENTENCES).map(" ".join),
    st.tuples(_COMMANDS, _SENTENCES).map("".join),
    _SENTENCES.map(lambda text: base64.b64encode(text.encode()).decode()),
    _SENTENCES.map(lambda text: " ".join(text)),
    _SENTENCES.map(lambda text: text[::-1]),
    st.sampled_from(["", " ", "\n\n", "\x00", "\ud800", "\udc00x", "\u202e", "😀" * 50, "a" * 3_000, "k " * 400]),
)
#: Rarely: longer than what is stored, up to what is let in.
LONG: st.SearchStrategy[str] = st.tuples(
    st.lists(_WORDS, min_size=5, max_size=60).map(" ".join), st.integers(2_001, 100_500)
).map(lambda pair: (pair[0] * (pair[1] // max(1, len(pair[0])) + 1))[: pair[1]])

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
#: Bodies that are no message, and buttons that nobody offered.
BODIES: st.SearchStrategy[Any] = st.one_of(
    _JSON,
    st.fixed_dictionaries({"text": _JSON}, optional={"id": _JSON, "button": _JSON}),
    st.fixed_dictionaries({"id": st.text(max_size=80), "button": st.text(max_size=60)}),
)
