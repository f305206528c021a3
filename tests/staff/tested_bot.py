"""A bot for the pages about tests: it answers by a word in the text, and says why as the real one does."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from bot.errors import SettingError
from bot.message import Contact, Flow, Message, Review, SourceRef, Suggestion
from bot.service import Reasons, Turn

DISCLAIMER = "This is information, not medical advice. Ask a doctor or pharmacist about your own case."
ANSWER = Message(
    "a", "answer", "Benzodiazepines such as Xanax can make ketamine work less well.", topic="interactions",
    aspects=("specific",), details=("Tell the clinic about all your medicines.",),
    sources=(SourceRef("A label", "An agency", 2020, "https://example.org"),), review=Review("unreviewed"),
    suggestions=(Suggestion("b1", "What about alcohol?"), Suggestion("b2", "How long should I wait?")),
    disclaimer=DISCLAIMER, passages=("benzodiazepines-and-ketamine",), drugs=("alprazolam", "benzodiazepine"),
)  # fmt: skip
ALCOHOL = replace(ANSWER, id="o", lead="Alcohol adds to it.", passages=("alcohol-and-ketamine",), suggestions=())
DANGER = Message(
    "d", "safety", "Call 999 now.", category="medical_emergency", contacts=(Contact("Ambulance", "GB", call="999"),)
)
STEP = replace(
    DANGER,
    category="panic_now",
    lead="Breathe out slowly.",
    flow=Flow("panic_exercise", 1, 5),
    suggestions=(Suggestion("b3", "Go on"),),
)
GREETING = Message("g", "smalltalk", "Hello.", category="smalltalk")

PARSE = {
    "intent": {"name": "ask_interactions", "confidence": 0.91},
    "intent_ranking": [
        {"name": "ask_interactions", "confidence": 0.91},
        {"name": "ask_safety", "confidence": 0.05},
    ],
    "aspects": [{"intent": "ask_interactions", "aspect": "specific", "confidence": 0.9}],
    "entities": [
        {"entity": "drug", "value": "alprazolam", "surface": "xanax", "start": 11, "end": 16, "found": "exact"}
    ],
}
TRACE = {
    "kind": "answer",
    "leaned": False,
    "passages": [
        {
            "id": "benzodiazepines-and-ketamine",
            "score": 2.1,
            "parts": {"question": 1.2, "text": 0.4, "intent": -0.1, "aspect": -0.1, "context": 0.0, "drug": 0.7},
        },
        {"id": "alcohol-and-ketamine", "score": 2.05, "parts": {"question": 1.1, "text": 0.4, "drug": 0.55}},
    ],
}
WHY = Reasons(
    parse=PARSE,
    trace=TRACE,
    seconds={"screen": 0.004, "dialogue": 0.008, "all": 0.012},
    before={},
    slots={"last_topic": "interactions", "last_drugs": ["alprazolam"], "trace": TRACE},
    steps=({"action": "action_answer", "policy": "policy_0_RulePolicy", "confidence": 1.0},),
)
GREETED = Reasons(
    parse={
        "intent": {"name": "greet", "confidence": 0.99},
        "intent_ranking": [{"name": "greet", "confidence": 0.99}],
        "entities": [],
    },
    seconds={"all": 0.002},
    steps=({"action": "action_smalltalk", "policy": "policy_0_RulePolicy", "confidence": 1.0},),
)
SCREENED = Reasons(
    finding={"category": "medical_emergency", "confidence": 0.98, "layer": "both", "mixed": False},
    parse={
        "intent": {"name": "medical_emergency", "confidence": 1.0},
        "intent_ranking": [{"name": "medical_emergency", "confidence": 1.0}],
        "entities": [],
    },
    steps=({"action": "action_emergency", "policy": "policy_0_RulePolicy", "confidence": 1.0},),
)


@dataclass
class TestedBot:
    """Answers by a word in the text. `aside` gives another of its kind, which the visitors' one knows of."""

    __test__ = False

    ready: bool = True
    model: str = "dialogue, 2026-11-22 10:00"
    lead: str = ANSWER.lead
    asked: list[Turn] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    asides: dict[bool, TestedBot] = field(default_factory=dict)
    past: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    remote: bool = False
    gate: asyncio.Event | None = None

    def aside(self, *, drafts: bool = False) -> TestedBot:
        if drafts and self.remote:
            raise SettingError("Drafts can only be tried where actions run in process: leave ACTION_ENDPOINT empty.")
        self.asides[drafts] = TestedBot(lead="A draft." if drafts else self.lead, gate=self.gate)
        return self.asides[drafts]

    async def events(self, conversation: str) -> list[dict[str, Any]]:
        return self.past.get(conversation, [])

    async def handle(self, turn: Turn) -> list[Message]:
        return (await self.explain(turn))[0]

    async def explain(self, turn: Turn) -> tuple[list[Message], Reasons]:
        self.asked.append(turn)
        if self.gate is not None:
            await self.gate.wait()
        said = (turn.text or {"b1": "alcohol", "b3": "panicking"}.get(turn.button or "", "")).lower()
        if "broken" in said:
            raise RuntimeError("as told")
        if "chest" in said:
            return [DANGER], SCREENED
        if "panicking" in said:
            return [STEP], SCREENED
        if "alcohol" in said:
            return [ALCOHOL], WHY
        if "xanax" in said:
            return [replace(ANSWER, lead=self.lead)], WHY
        return [GREETING], GREETED

    def wish(self, conversation: str) -> str | None:
        return None

    async def forget(self, conversation: str) -> None:
        self.forgotten.append(conversation)
