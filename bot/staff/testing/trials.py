"""Trials: conversations in which staff test the bot. They live in memory, and nothing of them is counted or stored."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from actions.needs import drop_drafts
from bot.dialogues.expectations import Reply
from bot.dialogues.past import Past
from bot.dialogues.running import Explainer
from bot.dialogues.saved import SavedDialogue, SavedTurn
from bot.errors import EvenkeelError
from bot.language.text import clean
from bot.message import Message
from bot.ops.masking import mask
from bot.service import Turn
from bot.web.refusals import Refusal, bad

#: How many trials are kept at all and of one person, and for how many seconds after they were used last.
MOST, MOST_OF_ONE, LASTS = 200, 10, 2 * 60 * 60
#: How many turns a trial may have.
MOST_TURNS = 60


@dataclass(frozen=True)
class Circumstances:
    """What is assumed of the person who is played: where they write, from where, and in which language.

    `drafts`: whether drafts are answered from, instead of what is published.
    """

    channel: str = "web"
    country: str | None = None
    locale: str | None = None
    drafts: bool = False


@dataclass(frozen=True)
class Tried:
    """A turn of a trial: what was said, what it got, and what a real conversation got at the time.

    `note` says where it could not be had again as it was.
    """

    said: SavedTurn
    reply: Reply
    then: tuple[Message, ...] | None = None
    note: str = ""


@dataclass
class Trial:
    """A conversation of the account `owner`. `about` says what it was begun from; empty: from nothing."""

    key: str
    owner: int
    circumstances: Circumstances
    about: str = ""
    #: The dialogue that it was begun from, where it was; and whether its words are a visitor's.
    saved: SavedDialogue | None = None
    real: bool = False
    turns: list[Tried] = field(default_factory=list)
    used: float = field(default_factory=time.monotonic)

    @property
    def dialogue(self) -> SavedDialogue:
        """The conversation as one that could be saved, with nothing expected of it yet."""
        c = self.circumstances
        return SavedDialogue("", "", tuple(t.said for t in self.turns), c.country, c.channel, "", c.locale)


class Trials:
    """The trials of this process."""

    def __init__(self, bot: Any) -> None:
        """
        Args:
            bot: what answers visitors; trials are had with `bot.aside()`, so that no conversation of theirs is touched.
        """
        self._bot = bot
        self._aside: dict[bool, Explainer] = {}
        self._trials: dict[str, Trial] = {}

    def bot(self, drafts: bool = False) -> Explainer:
        """The bot that is tested.

        Raises:
            Refusal: 503, drafts cannot be tried here.
        """
        if drafts not in self._aside:
            try:
                self._aside[drafts] = self._bot.aside(drafts=drafts)
            except EvenkeelError as error:
                raise Refusal(503, "not_ready", str(error)) from None
        return self._aside[drafts]

    async def begin(self, owner: int, circumstances: Circumstances, about: str = "", **more: Any) -> Trial:
        """A new trial of the account `owner`; the oldest ones make room for it. `more` as fields of a trial."""
        await self._tidy(owner)
        trial = Trial(secrets.token_urlsafe(12), owner, circumstances, about, **more)
        self._trials[trial.key] = trial
        return trial

    def of(self, owner: int, key: str) -> Trial | None:
        """The trial of the account `owner` with this key; None where it has ended or is somebody else's."""
        trial = self._trials.get(key)
        return trial if trial and trial.owner == owner else None

    async def say(self, trial: Trial, text: str | None, button: str | None = None) -> Tried:
        """The next turn: a text, or the button with this id.

        Raises:
            Refusal: as `bot`; 400, the trial is as long as it may get.
        """
        if len(trial.turns) >= MOST_TURNS:
            raise bad(f"A trial has at most {MOST_TURNS} turns. Please begin a new one.")
        offered = [s for m in trial.turns[-1].reply.messages for s in m.suggestions] if trial.turns else []
        number = int(text) if text and text.isdecimal() and trial.circumstances.channel != "web" else 0
        if 0 < number <= len(offered):  # as messengers take it, some of which have no buttons
            button = offered[number - 1].id
        title = next((s.title for s in offered if s.id == button), None)
        # What is shown, and perhaps saved, is what the bot is told of it.
        said = SavedTurn(mask(clean(text or "")), None) if title is None else SavedTurn(None, title)
        return await self._have(trial, said, button if title is not None else None)

    async def again(self, trial: Trial, turns: Sequence[SavedTurn], then: Sequence[tuple[Message, ...]] = ()) -> None:
        """Have `turns` in a trial, one after the other. What was expected of them is kept.

        Args:
            then: what each of them got when it was had first.
        """
        for number, turn in enumerate(turns[:MOST_TURNS]):
            button, note = None, ""
            if turn.press is not None:
                offered = trial.turns[-1].reply.messages if trial.turns else ()
                button = next((s.id for m in offered for s in m.suggestions if s.title == turn.press), None)
                if button is None:
                    note = f"There is no button “{turn.press}” any more: the words on it were written instead."
            old = then[number] if number < len(then) else None
            await self._have(trial, turn, button, old, note)

    async def replay(self, owner: int, past: Past, circumstances: Circumstances, about: str) -> Trial:
        """A real conversation, had again from its first turn."""
        trial = await self.begin(owner, circumstances, about, real=True)
        await self.again(trial, past.dialogue.turns, past.answers)
        return trial

    async def open(self, owner: int, dialogue: SavedDialogue, turns: int | None = None) -> Trial:
        """A saved dialogue, had again up to a turn (the last one when None), from which it can go on."""
        circumstances = Circumstances(dialogue.channel, dialogue.country, dialogue.locale)
        trial = await self.begin(owner, circumstances, f"the test {dialogue.id}", saved=dialogue)
        await self.again(trial, dialogue.turns[:turns])
        return trial

    async def anew(self, trial: Trial, turns: int, circumstances: Circumstances | None = None) -> Trial:
        """A new trial with the first `turns` turns of another, perhaps under other circumstances."""
        more = {"saved": trial.saved, "real": trial.real}
        again = await self.begin(trial.owner, circumstances or trial.circumstances, trial.about, **more)
        kept = trial.turns[:turns]
        await self.again(again, [tried.said for tried in kept], [tried.then or () for tried in kept])
        return again

    async def end(self, trial: Trial) -> None:
        """Forget a trial."""
        self._trials.pop(trial.key, None)
        await self.bot(trial.circumstances.drafts).forget(_conversation(trial))

    # -- steps --------------------------------------------------------------------------------------------------

    async def _have(
        self,
        trial: Trial,
        said: SavedTurn,
        button: str | None,
        then: tuple[Message, ...] | None = None,
        note: str = "",
    ) -> Tried:
        bot, c = self.bot(trial.circumstances.drafts), trial.circumstances
        number = len(trial.turns) + 1
        text = None if button is not None else said.say if said.press is None else said.press
        key = _conversation(trial)
        turn = Turn(key, text, button, c.channel, c.country, locale=c.locale, message_id=f"{key}-{number}")
        messages, reasons = await bot.explain(turn)
        tried = Tried(said, Reply(tuple(messages), reasons, bot.wish(key)), then or None, note)
        trial.turns.append(tried)
        trial.used = time.monotonic()
        return tried

    async def _tidy(self, owner: int) -> None:
        """End trials that are too old or too many."""
        by_age = sorted(self._trials.values(), key=lambda trial: trial.used, reverse=True)
        own = [trial for trial in by_age if trial.owner == owner]
        old = [trial for trial in by_age if trial.used < time.monotonic() - LASTS]
        for trial in {t.key: t for t in [*old, *by_age[MOST - 1 :], *own[MOST_OF_ONE - 1 :]]}.values():
            await self.end(trial)
        if not any(trial.circumstances.drafts for trial in self._trials.values()):
            self._aside.pop(True, None)
            drop_drafts()


def _conversation(trial: Trial) -> str:
    return f"trial-{trial.key}"
