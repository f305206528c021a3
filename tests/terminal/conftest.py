"""A bot that answers from a table, in the place of the real one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.message import Contact, Message, Review, SourceRef, Suggestion
from bot.service import Reasons, Turn
from bot.settings import Settings

DISCLAIMER = "This is general information."
ANSWER = Message(
    "1", "answer", "Yes, “often”.", topic="interactions", aspects=("specific", "general"),
    details=("More\u2028of it.",),
    sources=(SourceRef("A label", "An agency", 2020, "https://example.org"),), review=Review("unreviewed"),
    suggestions=(Suggestion("b1", "And alcohol?"), Suggestion("b2", "And then?")), disclaimer=DISCLAIMER,
    passages=("p1",), drugs=("alprazolam", "benzodiazepine"),
)  # fmt: skip
DANGER = Message(
    "2", "safety", "Call 999 now.", category="medical_emergency", contacts=(Contact("Ambulance", "UK", call="999"),)
)
GREETING = Message("3", "smalltalk", "Hello.", category="smalltalk")
REASONS = Reasons(
    parse={
        "intent": {"name": "ask_interactions", "confidence": 0.93},
        "intent_ranking": [],
        "aspects": [],
        "entities": [],
    }
)


@dataclass
class TableBot:
    """Answers by the words of the text; remembers what it was asked."""

    answers: dict[str, Sequence[Message]]
    asked: list[Turn] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    async def explain(self, turn: Turn) -> tuple[list[Message], Reasons]:
        self.asked.append(turn)
        return list(self.answers.get(turn.text or "", [GREETING])), REASONS

    async def handle(self, turn: Turn) -> list[Message]:
        return (await self.explain(turn))[0]

    def wish(self, conversation: str) -> str | None:
        return "forget" if self.asked[-1].text == "delete" else None

    async def forget(self, conversation: str) -> None:
        self.forgotten.append(conversation)


@pytest.fixture
def table() -> TableBot:
    return TableBot({"answer": [ANSWER], "both": [DANGER, ANSWER], "danger": [DANGER]})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.read({"EVENKEEL_VAR": str(tmp_path)})


@pytest.fixture
def stand_in(table: TableBot, monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Puts the table's bot in the place of the one that a terminal module starts."""
    return lambda module: monkeypatch.setattr(module, "in_memory", lambda settings: table)
