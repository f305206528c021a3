"""Every saved dialogue is had once, however many tests look at it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from bot.service import Bot
from tests.dialogues import saved

Had = tuple[list[saved.Reply], list[saved.Difference]]


@pytest.fixture(scope="session")
def have(trained_bot: Bot) -> Callable[[saved.SavedDialogue], Awaitable[Had]]:
    """Has a dialogue with the trained bot; the conversation's key is the dialogue's id."""
    had: dict[str, Had] = {}

    async def once(dialogue: saved.SavedDialogue) -> Had:
        if dialogue.id not in had:
            had[dialogue.id] = await saved.run(dialogue, trained_bot, dialogue.id)
        return had[dialogue.id]

    return once
