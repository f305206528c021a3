"""What somebody sees of a reply on the channel that a trial is held in, within that channel's limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.channels.plain import as_text
from bot.channels.preview import SCREENS, Screen, shown
from bot.channels.sms import segments
from bot.message import Message, Suggestion
from bot.staff.mending.difference import Piece, words

#: The channels that a trial can be held in, and what they are called.
CHANNELS = {"web": "Web page", **{screen.name: screen.title for screen in SCREENS}}


@dataclass(frozen=True)
class Arrived:
    """One message on a messenger: its text, how long it is of how long it may be, and its buttons as they are cut.

    `note` says what is worth knowing besides.
    """

    text: str
    length: int
    most: int
    buttons: tuple[tuple[str, Suggestion], ...]
    note: str


def arrived(messages: Sequence[Message], channel: str) -> list[Arrived]:
    """The messages as they arrive on a messenger; none on the web page, which shows them as they are."""
    screen = next((screen for screen in SCREENS if screen.name == channel), None)
    return [part for message in messages for part in _parts(message, screen)] if screen else []


def difference(then: Sequence[Message], now: Sequence[Message]) -> tuple[Piece, ...]:
    """What is said now beside what was said then, word by word; nothing where it is the same."""
    before, after = (_GAP.join(as_text(message) for message in messages) for messages in (then, now))
    return () if before == after else words(before, after)


_GAP = "\n\n"


def _parts(message: Message, screen: Screen) -> list[Arrived]:
    style = screen.platform.style(screen.address)
    found = []
    for part in shown(message, screen):
        buttons = tuple(
            (choice.label, suggestion)
            for choice in part.choices
            for suggestion in message.suggestions
            if " ".join(suggestion.title.split()) == choice.title
        )
        found.append(Arrived(part.text, style.measure(part.text), style.most, buttons, _note(part.text, screen)))
    return found


def _note(text: str, screen: Screen) -> str:
    if screen.name != "sms":
        return ""
    paid = segments(text)
    return f"paid for as {paid} text message{'' if paid == 1 else 's'}"
