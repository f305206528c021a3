"""`ask`: JSON Lines in, JSON Lines out, by the contract; and one question with its reasons."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

import bot.terminal.ask as module
from bot.message import Message
from bot.service import Reasons
from bot.settings import Settings
from tests.terminal.conftest import ANSWER, DANGER, DISCLAIMER, TableBot

FIELDS = {
    "id", "text", "replies", "kind", "category", "topic", "aspects", "drugs", "passages", "suggestions", "disclaimer",
    "intent", "latency_ms",
}  # fmt: skip


@pytest.fixture
def ask(
    table: TableBot,
    settings: Settings,
    stand_in: Callable[[object], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., list[dict[str, Any]]]:
    """What `ask` writes for lines; a dictionary is written as JSON first."""
    stand_in(module)

    def asked(*lines: dict[str, Any] | str) -> list[dict[str, Any]]:
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        assert module.run([], settings) == 0
        out = capsys.readouterr().out
        assert out.isascii()
        return [json.loads(line) for line in out.split("\n") if line]

    return asked


def test_an_answer(ask: Callable) -> None:
    (line,) = ask({"id": "q1", "text": "answer"})
    assert set(line) == FIELDS
    latency = line.pop("latency_ms")
    assert 0 <= latency < 1000
    (reply,) = line.pop("replies")
    assert reply.startswith("Yes, “often”.") and reply.endswith(DISCLAIMER)
    assert line == {
        "id": "q1", "text": "answer", "kind": "answer", "category": None, "topic": "interactions",
        "aspects": ["specific", "general"], "drugs": ["alprazolam", "benzodiazepine"], "passages": ["p1"],
        "suggestions": ["And alcohol?", "And then?"], "disclaimer": True,
        "intent": {"name": "ask_interactions", "confidence": 0.93},
    }  # fmt: skip


def test_every_line_gets_its_line_in_order(ask: Callable) -> None:
    lines = ask(*({"id": n, "text": text} for n, text in enumerate(["answer", "hello", "danger", "answer"])))
    assert [line["id"] for line in lines] == [0, 1, 2, 3]
    assert [line["kind"] for line in lines] == ["answer", "smalltalk", "safety", "answer"]
    assert [line["disclaimer"] for line in lines] == [True, False, False, True]


def test_a_danger_beside_a_question(ask: Callable) -> None:
    (line,) = ask({"id": "q", "text": "both"})
    assert (line["kind"], line["category"]) == ("safety", "medical_emergency")
    assert (line["topic"], line["passages"], line["drugs"]) == (
        "interactions",
        ["p1"],
        ["alprazolam", "benzodiazepine"],
    )
    assert len(line["replies"]) == 2
    assert line["replies"][0].startswith("Call 999 now.")
    assert line["disclaimer"]


def test_conversations(ask: Callable, table: TableBot) -> None:
    ask({"id": 1, "text": "a", "conversation": "c"}, {"id": 2, "text": "b", "conversation": "c"},
        {"id": 3, "text": "a"}, {"id": 4, "text": "b"}, {"id": 5, "text": "c", "conversation": 7})  # fmt: skip
    keys = [turn.conversation for turn in table.asked]
    assert keys[0] == keys[1] == "c"
    assert len(set(keys[1:])) == 4
    assert keys[4] == "7"


def test_what_is_said_of_a_person_is_handed_on(ask: Callable, table: TableBot) -> None:
    ask({"id": "q", "text": "a", "country": "GB", "channel": "telegram"})
    (turn,) = table.asked
    assert (turn.country, turn.channel, turn.message_id, turn.button) == ("GB", "telegram", "q", None)


def test_what_is_said_to_be_deleted_is(ask: Callable, table: TableBot) -> None:
    ask({"id": 1, "text": "hello", "conversation": "c"}, {"id": 2, "text": "delete", "conversation": "c"})
    assert table.forgotten == ["c"]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param("not json", id="no JSON"),
        pytest.param('{"id": "q"', id="half an object"),
        pytest.param("[1, 2]", id="a list"),
        pytest.param('"text"', id="a text"),
        pytest.param("null", id="nothing"),
    ],
)
def test_a_bad_line_is_said_and_the_next_is_answered(
    ask: Callable, capsys: pytest.CaptureFixture[str], bad: str
) -> None:
    first, second, third = ask({"id": "q1", "text": "answer"}, bad, {"id": "q3", "text": "answer"})
    assert second == {"id": None, "error": "line 2 is not a JSON object"}
    assert (first["id"], third["id"]) == ("q1", "q3")


@pytest.mark.parametrize(
    "odd",
    [
        {}, {"id": "q", "text": None}, {"id": "q", "text": 5}, {"id": ["q"], "text": "a"}, {"text": {"a": 1}},
        {"text": "a", "country": 5}, {"text": "a", "country": None, "channel": None, "conversation": None},
        {"text": "a", "more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_odd_values_stop_nothing(ask: Callable, table: TableBot, odd: dict[str, Any]) -> None:
    line, after = ask(odd, {"id": "next", "text": "answer"})
    assert line["id"] == odd.get("id")
    assert isinstance(line["text"], str)
    assert after["id"] == "next"
    assert all(isinstance(t.country, str | None) and isinstance(t.text, str) for t in table.asked)


def test_empty_lines_are_passed_over(ask: Callable) -> None:
    assert len(ask("", "  ", {"id": 1, "text": "a"}, "")) == 1


@pytest.mark.parametrize(
    "text", ["a\u2028b", "a\u0085b\u2029", "\ud83d", "emoji 🙂", "tab\there", "nul\x00", "line\nbreak"]
)
def test_odd_characters_come_back_and_break_no_line(ask: Callable, text: str) -> None:
    first, second = ask({"id": 1, "text": text}, {"id": 2, "text": "answer"})
    assert (first["text"], second["id"]) == (text, 2)


def test_raw_separators_within_a_text_end_no_line(ask: Callable) -> None:
    (line,) = ask('{"id": 1, "text": "a\u2028b\u0085c"}')
    assert line["text"] == "a\u2028b\u0085c"


def test_the_disclaimer_counts_only_as_the_last_words() -> None:
    from dataclasses import replace

    lines = [
        module.as_line("q", "x", messages, Reasons(), 1.0)["disclaimer"]
        for messages in ([ANSWER], [DANGER, ANSWER], [ANSWER, DANGER], [DANGER], [replace(ANSWER, disclaimer="")])
    ]
    assert lines == [True, True, False, False, False]


def test_without_a_parse_there_is_no_intent() -> None:
    assert module.as_line("q", "x", [DANGER], Reasons(), 1.0)["intent"] == {"name": None, "confidence": None}


# -- one question ------------------------------------------------------------------------------------------------


def test_one_question_with_its_reasons(
    table: TableBot, settings: Settings, stand_in: Callable[[object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(module)
    assert module.run(["--country", "GB", "what", "is", "it"], settings) == 0
    assert table.asked[-1].text == "what is it"
    assert table.asked[-1].country == "GB"
    shown = capsys.readouterr().out
    assert shown.startswith("Hello.")
    assert "Why" in shown and "intent" in shown and "time" in shown


def test_reasons() -> None:
    reasons = Reasons(
        {"category": "panic_now", "layer": "patterns", "confidence": 1.0},
        {
            "intent_ranking": [{"name": "panic_now", "confidence": 1.0}, {"name": "greet", "confidence": 0.25}],
            "aspects": [{"intent": "ask_safety", "aspect": "heart", "confidence": 0.5}],
            "entities": [{"value": "alprazolam", "entity": "drug", "found": "spelling"}],
        },
        {"passages": [{"id": "p1", "score": 1.234, "parts": {"question": 1.0, "drug": -0.5}}]},
        {"screen": 0.001, "dialogue": 0.01},
    )
    shown = "\n".join(module.reasons_as_text(reasons))
    for words in ("panic_now (patterns, 1.00)", "greet 0.25", "ask_safety/heart 0.50", "alprazolam (drug, spelling)",
                  "+1.234  p1", "question +1.00 drug -0.50", "screen 1.0 ms"):  # fmt: skip
        assert words in shown


def test_a_message_of_the_contract_is_complete() -> None:
    named = "id kind category topic aspects lead details sources review suggestions contacts flow lang at disclaimer"
    assert set(named.split()) <= set(ANSWER.to_dict())
    assert Message.from_dict(json.loads(json.dumps(ANSWER.to_dict()))) == ANSWER
