"""What an action can know of a turn, read from the tracker once, in plain types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rasa_sdk import Tracker

from bot.language.lexicon import Mention
from bot.screen.findings import Finding
from bot.screen.help import Help
from bot.screen.places import Place

#: Turns of a conversation and small talk: never what a lone question is about.
_TURNS = frozenset(
    {
        "follow_up",
        "tell_more",
        "ask_source",
        "affirm",
        "deny",
        "unsure",
        "not_what_i_meant",
        "repeat_simpler",
        "next_step",
        "not_helping",
        "stop_flow",
        "im_safe",
    }
)
TOPIC_PREFIX = "ask_"
#: After an answer, what seems a turn of talk is one only if it is one word or two, or at least this sure.
_FEW, _SURE = 2, 0.66


@dataclass(frozen=True)
class Turn:
    """The message that is to be answered and what went before.

    Attributes:
        text: what was written; intent: the one that was chosen, with its confidence.
        intents: probability of each intent; aspects: of each (topic, aspect).
        mentions: the names in the text.
        metadata: what the application handed in: finding, country, channel, …
        choice: what the pressed button stands for.
        slots: the memory of the conversation.
    """

    text: str
    intent: str
    confidence: float
    intents: Mapping[str, float]
    aspects: Mapping[tuple[str, str], float]
    mentions: tuple[Mention, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    choice: Mapping[str, Any] = field(default_factory=dict)
    slots: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, tracker: Tracker) -> Turn:
        """The turn that `tracker` is at."""
        return cls.read(tracker.latest_message or {}, _metadata(tracker), tracker.slots)

    @classmethod
    def read(
        cls, said: Mapping[str, Any], metadata: Mapping[str, Any] | None = None, slots: Mapping[str, Any] | None = None
    ) -> Turn:
        """The turn of a message as it was parsed; on its own without `slots`."""
        intent = said.get("intent") or {}
        return cls(
            text=said.get("text") or "",
            intent=intent.get("name") or "",
            confidence=float(intent.get("confidence") or 0.0),
            intents={r["name"]: float(r["confidence"]) for r in said.get("intent_ranking") or []},
            aspects={
                (a["intent"].removeprefix(TOPIC_PREFIX), a["aspect"]): float(a["confidence"])
                for a in said.get("aspects") or []
                if a["intent"].startswith(TOPIC_PREFIX)
            },
            mentions=tuple(
                Mention(
                    e["entity"],
                    e["value"],
                    tuple(e.get("classes") or ()),
                    e.get("surface", e["value"]),
                    e["start"],
                    e["end"],
                    e.get("found", "exact"),
                )
                for e in said.get("entities") or []
                if "start" in e
            ),
            metadata=dict(metadata or {}),
            choice=said.get("choice") or {},
            slots=dict(slots or {}),
        )

    @property
    def drugs(self) -> tuple[Mention, ...]:
        """The medicines, drugs and classes named, each once."""
        named = [m for m in self.mentions if m.kind in ("drug", "class")]
        return tuple({m.name: m for m in named}.values())

    @property
    def has_past(self) -> bool:
        """Whether an answer was given before, which this turn may lean on."""
        return bool(self.slots.get("last_topic"))

    @property
    def perhaps_a_question(self) -> bool:
        """Whether what seems a turn of talk ("will that pass" a goodbye) may well lean on the answer before."""
        return self.has_past and len(self.text.split()) > _FEW and self.confidence < _SURE

    @property
    def topics_before(self) -> dict[str, float]:
        """What the turn before was about: topics with shares that add up to 1."""
        return dict(self.slots.get("last_topics") or {str(self.slots.get("last_topic")): 1.0})

    def place(self, help: Help) -> Place:
        """Where the person is: said in this conversation, by the page, the operator, or the browser's time zone."""
        said = self.slots.get("crisis_country")
        if said:
            return Place(str(said), "said")
        return help.country(self.text, self.metadata.get("country"), None, self.metadata.get("time_zone"))

    @property
    def finding(self) -> Finding | None:
        """What the screen found in this message."""
        found = self.metadata.get("finding")
        return Finding.from_dict(found) if found else None

    def alone(self) -> dict[str, float]:
        """Intents as if nothing had been said before: turns of a conversation make room for what is left."""
        kept = {name: p for name, p in self.intents.items() if name not in _TURNS}
        total = sum(kept.values())
        return {name: p / total for name, p in kept.items()} if total > 0 else kept

    def aspects_alone(self) -> dict[tuple[str, str], float]:
        """As `alone`, for (topic, aspect)."""
        total = sum(p for name, p in self.intents.items() if name not in _TURNS)
        return {pair: p / total for pair, p in self.aspects.items()} if total > 0 else dict(self.aspects)


def _metadata(tracker: Tracker) -> dict[str, Any]:
    for event in reversed(tracker.events):
        if event.get("event") == "user":
            return dict(event.get("metadata") or {})
    return {}
