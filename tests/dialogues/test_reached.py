"""Rules that turns follow, what dialogues reach, what may be expected of a reply, and real conversations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.dialogues.expectations import Reply, problems
from bot.dialogues.past import past
from bot.dialogues.proposing import expected, proposals
from bot.dialogues.reached import Reached, reached_by
from bot.dialogues.rules import Rule, followed, read_rules
from bot.dialogues.saved import SavedTurn
from bot.message import Flow
from bot.service import Reasons
from tests.terminal.conftest import ANSWER, DANGER, GREETING, REASONS

STORIES = """
version: "3.1"
rules:
  - rule: Answered
    steps:
      - or: [{intent: ask_safety}, {intent: ask_interactions}]
      - action: action_answer
  - rule: Goes on
    condition:
      - slot_was_set: [{flow: panic_exercise}]
    steps:
      - intent: affirm
      - action: action_panic_step
  - rule: More
    steps:
      - intent: affirm
      - action: action_tell_more
  - rule: Yes, whatever goes on
    steps:
      - intent: affirm
      - action: action_panic_step
stories:
  - story: A way
    steps:
      - intent: greet
      - action: action_smalltalk
      - action: action_answer
"""


@pytest.fixture
def rules(tmp_path: Path) -> list[Rule]:
    (tmp_path / "some.yml").write_text(STORIES, encoding="utf-8")
    return read_rules(tmp_path)


def steps(*actions: str) -> tuple[dict[str, Any], ...]:
    return tuple({"action": action, "policy": "RulePolicy", "confidence": 1.0} for action in actions)


def test_rules_are_read(rules: list[Rule]) -> None:
    assert rules[0] == Rule(
        "Answered", "some", "rule", frozenset(), ("ask_safety", "ask_interactions"), ("action_answer",)
    )
    assert rules[1].flows == {"panic_exercise"}
    assert (rules[-1].kind, rules[-1].actions) == ("story", ("action_smalltalk", "action_answer"))


@pytest.mark.parametrize(
    ("intent", "flow", "actions", "name"),
    [
        ("ask_safety", None, ["action_answer"], "Answered"),
        ("ask_safety", None, ["action_smalltalk"], ""),
        ("affirm", "panic_exercise", ["action_panic_step"], "Goes on"),
        ("affirm", None, ["action_panic_step"], "Yes, whatever goes on"),
        ("affirm", "panic_exercise", ["action_tell_more"], "More"),
        ("greet", None, ["action_smalltalk", "action_answer"], "A way"),
        ("greet", None, ["action_smalltalk"], ""),
        (None, None, [], ""),
    ],
)
def test_the_rule_that_a_turn_followed(
    rules: list[Rule], intent: str | None, flow: str | None, actions: list[str], name: str
) -> None:
    assert followed(rules, intent, flow, steps(*actions)) == name


def test_what_a_dialogue_reaches(rules: list[Rule]) -> None:
    reply = Reply((DANGER, ANSWER), replace(REASONS, steps=steps("action_answer")))
    failed = Reply((GREETING,), Reasons(failed=True))
    reached = reached_by([reply, failed], rules)
    assert reached == Reached(frozenset({"ask_interactions"}), frozenset({"p1"}), frozenset({"Answered"}))
    assert Reached.from_dict(reached.to_dict()) == reached
    assert (reached | Reached(passages=frozenset({"p2"}))).passages == {"p1", "p2"}


def test_what_is_expected_of_an_answer_unless_somebody_chooses_otherwise() -> None:
    assert expected(Reply((ANSWER,), REASONS)) == {
        "kind": "answer",
        "topic": "interactions",
        "passage": "p1",
        "disclaimer": True,
        "sources": ["A label"],
    }
    offered = {proposal.name: proposal.wanted for proposal in proposals(Reply((ANSWER,), REASONS))}
    assert offered["drugs"] == ["alprazolam", "benzodiazepine"]
    assert offered["buttons"] == ["And alcohol?", "And then?"]
    assert offered["intent"] == "ask_interactions"


def test_what_is_expected_of_help_in_danger() -> None:
    step = replace(DANGER, category="panic_now", flow=Flow("panic_exercise", 2, 5))
    assert expected(Reply((DANGER, ANSWER), REASONS))["contacts"] == ["999"]
    assert expected(Reply((step,), REASONS, "forget")) == {
        "kind": "safety",
        "category": "panic_now",
        "disclaimer": False,
        "contacts": ["999"],
        "flow": 2,
        "wish": "forget",
    }


@pytest.mark.parametrize("messages", [(ANSWER,), (DANGER,), (DANGER, ANSWER), (GREETING,)])
def test_everything_proposed_is_met(messages: tuple[Any, ...]) -> None:
    reply = Reply(messages, REASONS)
    assert [problems({p.name: p.wanted}, reply) for p in proposals(reply)] == [[]] * len(proposals(reply))


EVENTS = [
    {"event": "action", "name": "action_session_start"},
    {
        "event": "user",
        "text": "hello, it is [name]",
        "metadata": {"country": "GB", "channel": "telegram", "locale": "en-GB"},
        "parse_data": {"intent": {"name": "greet"}},
    },
    {"event": "bot", "text": None, "data": {"custom": GREETING.to_dict()}},
    {"event": "user", "text": "And alcohol?", "metadata": {}, "parse_data": {"choice": {"passage": "p1"}}},
    {"event": "bot", "text": None, "data": {"custom": {**DANGER.to_dict(), "wish": None}}},
    {"event": "bot", "text": None, "data": {"custom": ANSWER.to_dict()}},
    {"event": "user", "text": "", "metadata": {}, "parse_data": {"choice": {"intent": "out_of_scope"}}},
    {"event": "bot", "text": None, "data": {"custom": GREETING.to_dict()}},
]


def test_a_real_conversation_can_be_had_again() -> None:
    found = past("3fa9c1", EVENTS)
    assert found is not None
    dialogue = found.dialogue
    assert (dialogue.name, dialogue.country, dialogue.channel, dialogue.locale) == ("3fa9c1", "GB", "telegram", "en-GB")
    assert dialogue.turns == (
        SavedTurn("hello, it is [name]", None),
        SavedTurn(None, "And alcohol?"),
    )
    assert found.answers == ((GREETING,), (DANGER, ANSWER))
    assert past("x", EVENTS[:1]) is None
