"""What dialogues reach, and what none of them does: intents, passages, rules and stories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.dialogues.expectations import Reply
from bot.dialogues.rules import Rule, followed


@dataclass(frozen=True)
class Reached:
    """Names of what was reached."""

    intents: frozenset[str] = field(default_factory=frozenset)
    passages: frozenset[str] = field(default_factory=frozenset)
    rules: frozenset[str] = field(default_factory=frozenset)

    def __or__(self, other: Reached) -> Reached:
        return Reached(self.intents | other.intents, self.passages | other.passages, self.rules | other.rules)

    def to_dict(self) -> dict[str, list[str]]:
        """Plain JSON types; `from_dict` is the inverse."""
        return {"intents": sorted(self.intents), "passages": sorted(self.passages), "rules": sorted(self.rules)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Iterable[str]]) -> Reached:
        """What `to_dict` gave; what is missing was not reached."""
        return cls(*(frozenset(data.get(name) or ()) for name in ("intents", "passages", "rules")))


def reached_by(replies: Sequence[Reply], rules: Sequence[Rule]) -> Reached:
    """What the turns of a dialogue reached."""
    intents, passages, names = set[str](), set[str](), set[str]()
    for reply in replies:
        intent = intent_of(reply.reasons.parse)
        if intent:
            intents.add(intent)
        passages.update(p for message in reply.messages for p in message.passages)
        rule = followed(rules, intent, reply.reasons.before.get("flow"), reply.reasons.steps)
        if rule:
            names.add(rule)
    return Reached(frozenset(intents), frozenset(passages), frozenset(names))


def intent_of(parse: Mapping[str, Any]) -> str | None:
    """The intent that a turn was understood as."""
    name = (parse.get("intent") or {}).get("name")
    return str(name) if name else None
