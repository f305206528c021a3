"""A real conversation, read from Rasa's events, as turns that can be had again and as what was answered then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.dialogues.saved import SavedDialogue, SavedTurn
from bot.message import Message


@dataclass(frozen=True)
class Past:
    """What was said, masked as it was stored, and what the bot answered to each turn."""

    dialogue: SavedDialogue
    answers: tuple[tuple[Message, ...], ...]

    def up_to(self, turns: int) -> Past:
        """Its first turns alone, at least one."""
        most = max(turns, 1)
        return Past(replace(self.dialogue, turns=self.dialogue.turns[:most]), self.answers[:most])


def past(name: str, events: Iterable[Mapping[str, Any]]) -> Past | None:
    """The conversation of `events` (`as_dict()` of each, oldest first); None where nobody said anything in it.

    Args:
        name: what the dialogue is called.
    """
    turns: list[SavedTurn] = []
    answers: list[list[Message]] = []
    about: Mapping[str, Any] = {}
    said = False
    for event in events:
        if event.get("event") == "user":
            about = about or event.get("metadata") or {}
            said = bool(event.get("text"))  # a button of an earlier message has no words
            if said:
                turns.append(_turn(event))
                answers.append([])
        elif event.get("event") == "bot" and said:
            custom = (event.get("data") or {}).get("custom")
            if custom:
                answers[-1].append(_message(custom))
    if not turns:
        return None
    dialogue = SavedDialogue(
        "past", name, tuple(turns), about.get("country"), about.get("channel") or "web", "", about.get("locale")
    )
    return Past(dialogue, tuple(map(tuple, answers)))


def _message(stored: Mapping[str, Any]) -> Message:
    """A stored message; what was added to it on the way is no part of it."""
    return Message.from_dict({name: value for name, value in stored.items() if name in Message.__dataclass_fields__})


def _turn(event: Mapping[str, Any]) -> SavedTurn:
    """A button that opened something was pressed; one that asks a question is as if it had been written."""
    words = str(event["text"])
    pressed = bool((event.get("parse_data") or {}).get("choice"))
    return SavedTurn(None, words, {}) if pressed else SavedTurn(words, None, {})
