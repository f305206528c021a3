"""A real conversation, read from Rasa's events, as turns that can be had again and as what was answered then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.dialogues.saved import SavedDialogue, SavedTurn
from bot.message import Message


@dataclass(frozen=True)
class Past:
    """What was said, masked as it was stored, and what the bot answered to each turn."""

    dialogue: SavedDialogue
    answers: tuple[tuple[Message, ...], ...]


def past(name: str, events: Iterable[Mapping[str, Any]]) -> Past | None:
    """The conversation of `events` (`as_dict()` of each, oldest first); None where nobody said anything in it.

    Args:
        name: what the dialogue is called.
    """
    turns: list[SavedTurn] = []
    answers: list[list[Message]] = []
    about: Mapping[str, Any] = {}
    for event in events:
        if event.get("event") == "user":
            about = about or event.get("metadata") or {}
            turns.append(_turn(event))
            answers.append([])
        elif event.get("event") == "bot" and answers:
            custom = (event.get("data") or {}).get("custom")
            if custom:
                answers[-1].append(Message.from_dict(custom))
    if not turns:
        return None
    dialogue = SavedDialogue(
        "past", name, tuple(turns), about.get("country"), about.get("channel") or "web", "", about.get("locale")
    )
    return Past(dialogue, tuple(map(tuple, answers)))


def _turn(event: Mapping[str, Any]) -> SavedTurn:
    """A button that opened something was pressed; one that asks a question is as if it had been written."""
    words = str(event.get("text") or "")
    pressed = bool((event.get("parse_data") or {}).get("choice")) and bool(words)
    return SavedTurn(None, words, {}) if pressed else SavedTurn(words, None, {})
