"""Every saved dialogue is had once, however many tests look at it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from bot.dialogues.expectations import Reply
from bot.dialogues.running import Difference, run
from bot.dialogues.saved import SavedDialogue
from bot.service import Bot

Had = tuple[list[Reply], list[Difference]]


@pytest.fixture(scope="session")
def have(trained_bot: Bot) -> Callable[[SavedDialogue], Awaitable[Had]]:
    """Has a dialogue with the trained bot; the conversation's key is the dialogue's id."""
    had: dict[str, Had] = {}

    async def once(dialogue: SavedDialogue) -> Had:
        if dialogue.id not in had:
            had[dialogue.id] = await run(dialogue, trained_bot, dialogue.id)
        return had[dialogue.id]

    return once
