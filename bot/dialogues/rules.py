"""Which rule or story of `data/stories` a turn followed: Rasa tells which policy chose an action, not by which rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot import quick_yaml


@dataclass(frozen=True)
class Rule:
    """A rule or a story.

    Attributes:
        name, file: as it is called, and the file that it stands in.
        kind: "rule" or "story".
        flows: the guided conversations that it holds in; empty: in any, and outside of them.
        intents: what begins it; actions: what follows, in order.
    """

    name: str
    file: str
    kind: str
    flows: frozenset[str]
    intents: tuple[str, ...]
    actions: tuple[str, ...]


def read_rules(folder: Path) -> list[Rule]:
    """All rules and stories of the files in a folder (`data/stories`), in the order of files."""
    return [rule for path in sorted(folder.glob("*.yml")) for rule in _read(path)]


def followed(rules: Iterable[Rule], intent: str | None, flow: str | None, steps: Sequence[Mapping[str, Any]]) -> str:
    """The name of the rule that a turn followed; empty where none did.

    Args:
        intent: how the turn was understood.
        flow: the guided conversation that was going on before it.
        steps: the actions that were taken (`bot.service.Reasons.steps`).
    """
    taken = tuple(step["action"] for step in steps)
    fitting = [
        rule
        for rule in rules
        if intent in rule.intents
        and taken[: len(rule.actions)] == rule.actions
        and (not rule.flows or flow in rule.flows)
    ]
    # One that names the guided conversation stands before one that holds anywhere.
    return max(fitting, key=lambda rule: bool(rule.flows)).name if fitting else ""


def _read(path: Path) -> Iterator[Rule]:
    content = quick_yaml.load(path.read_text(encoding="utf-8")) or {}
    for kind in ("rule", "story"):
        for entry in content.get("rules" if kind == "rule" else "stories") or []:
            steps = [*(entry.get("condition") or []), *entry["steps"]]
            slots = [slot for step in steps for slot in step.get("slot_was_set") or []]
            yield Rule(
                str(entry[kind]),
                path.stem,
                kind,
                frozenset(str(slot["flow"]) for slot in slots if isinstance(slot, dict) and slot.get("flow")),
                tuple(_intents(steps)),
                tuple(str(step["action"]) for step in steps if "action" in step),
            )


def _intents(steps: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for step in steps:
        for choice in step.get("or") or [step]:
            if "intent" in choice:
                yield str(choice["intent"])
