"""Has saved dialogues with a bot."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.dialogues.expectations import Reply, compared
from bot.dialogues.saved import SavedDialogue
from bot.message import Message
from bot.service import Reasons, Turn


class Explainer(Protocol):
    """What is asked of a bot that is tested."""

    async def explain(self, turn: Turn) -> tuple[list[Message], Reasons]:
        """Run one turn; the messages and why."""

    def wish(self, conversation: str) -> str | None:
        """What was asked for in words in the turn just handled."""

    async def forget(self, conversation: str) -> None:
        """Remove a conversation."""


@dataclass(frozen=True)
class Difference:
    """Where a turn was not as expected: its number from 1, its words, a sentence, and what the sentence is about."""

    turn: int
    words: str
    problem: str
    about: str = ""

    def __str__(self) -> str:
        return f"turn {self.turn} {self.words}: {self.problem}"


async def run(
    dialogue: SavedDialogue, bot: Explainer, conversation: str | None = None
) -> tuple[list[Reply], list[Difference]]:
    """Have the conversation with `bot`; returns the replies and what was not as expected.

    Args:
        conversation: the key to have it under; a new one without it.
    """
    key = conversation or f"saved-{uuid.uuid4().hex}"
    replies: list[Reply] = []
    differences: list[Difference] = []
    for number, turn in enumerate(dialogue.turns, 1):
        button = _button(turn.press, replies)
        if turn.press is not None and button is None:
            offered = [s.title for m in replies[-1].messages for s in m.suggestions] if replies else []
            differences.append(Difference(number, turn.words, f"there is no such button, but {offered or 'none'}"))
            break
        asked = Turn(
            key,
            turn.say,
            button,
            dialogue.channel,
            dialogue.country,
            locale=dialogue.locale,
            message_id=f"{key}-{number}",
        )
        await asyncio.sleep(0)  # whoever else waits for the event loop goes first
        messages, reasons = await bot.explain(asked)
        replies.append(Reply(tuple(messages), reasons, bot.wish(key)))
        differences += [
            Difference(number, turn.words, problem, about) for about, problem in compared(turn.expect, replies[-1])
        ]
    return replies, differences


def _button(title: str | None, replies: Sequence[Reply]) -> str | None:
    offered = replies[-1].messages if replies else ()
    return next((s.id for m in offered for s in m.suggestions if s.title == title), None)
