"""What the pages about tests share in a process: trials, saved dialogues, runs and rules."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import sqlalchemy as sa

from bot.dialogues.rules import Rule, read_rules
from bot.settings import Settings
from bot.staff.testing.dialogues import Dialogues
from bot.staff.testing.runs import Runs
from bot.staff.testing.trials import Trials
from bot.web.refusals import Refusal


class Desk:
    """Where tests are done."""

    def __init__(self, bot: Any, dialogues: Dialogues, rules: list[Rule], runs: Runs) -> None:
        self._bot, self.dialogues, self.rules, self.runs = bot, dialogues, rules, runs

    @cached_property
    def trials(self) -> Trials:
        """Trials of the bot.

        Raises:
            Refusal: 503 while the bot is not ready.
        """
        if not self._bot.ready:
            raise Refusal(503, "not_ready", "The bot is not ready yet. Please try again in a minute.")
        return Trials(self._bot)


def make_desk(settings: Settings, engine: sa.Engine, bot: Any) -> Desk:
    """A desk over what is saved and the rules that are shipped."""
    rules = read_rules(settings.data / "stories")
    return Desk(bot, Dialogues(engine), rules, Runs(engine, rules))
