"""Saved dialogues had again in the console: in the background, one after the other, with progress to look at."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.database.dialogues import DialogueResult, DialogueRun
from bot.database.engine import writing
from bot.database.models import now
from bot.dialogues import running
from bot.dialogues.expectations import Reply
from bot.dialogues.reached import Reached, reached_by
from bot.dialogues.rules import Rule
from bot.dialogues.running import Difference, Explainer
from bot.dialogues.saved import SavedDialogue
from bot.errors import EvenkeelError

_log = logging.getLogger(__name__)

#: States of results that somebody should look at.
WRONG = ("failed", "broken", "mended")
#: How many runs are kept.
MOST_RUNS = 100


class Busy(EvenkeelError):
    """A run is going on already."""


@dataclass(frozen=True)
class Run:
    """A run: what it is to have, and how far it is.

    `states` counts results by state; `going` tells whether it goes on in this process.
    """

    id: int
    started: datetime
    ended: datetime | None
    by: str
    total: int
    model: str
    content_version: int
    drafts: bool
    states: Mapping[str, int]
    going: bool

    @property
    def done(self) -> int:
        """How many dialogues it has had."""
        return sum(self.states.values())

    @property
    def wrong(self) -> int:
        """How many of them somebody should look at."""
        return sum(self.states.get(state, 0) for state in WRONG)


@dataclass(frozen=True)
class Result:
    """What came of a dialogue in a run; `turns` as `turns_of` makes them."""

    run: int
    dialogue: str
    state: str
    turns: Sequence[Mapping[str, Any]]
    milliseconds: float
    at: datetime


class Runs:
    """Has saved dialogues and keeps what came of it. One run goes on at a time in a process."""

    def __init__(self, engine: sa.Engine, rules: Sequence[Rule]) -> None:
        self._engine, self._rules = engine, rules
        self._beginning = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._current = 0

    async def start(self, dialogues: Sequence[SavedDialogue], bot: Explainer, by: str, about: Mapping[str, Any]) -> int:
        """Begin to have `dialogues` with `bot`; the number of the run.

        Args:
            by: who wants it.
            about: what is tested: model, content_version and drafts.

        Raises:
            Busy: another run has not ended yet.
        """
        async with self._beginning:
            if self._going():
                raise Busy("A run is going on. Wait until it has ended, or stop it.")
            self._current = await asyncio.to_thread(self._begin, len(dialogues), by, about)
            self._task = asyncio.create_task(self._go(self._current, dialogues, bot))
            return self._current

    async def stop(self) -> None:
        """End the run that goes on, if one does; what it has had so far is kept."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            await asyncio.to_thread(self._end, self._current)

    def _going(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _go(self, run: int, dialogues: Sequence[SavedDialogue], bot: Explainer) -> None:
        for dialogue in dialogues:
            await asyncio.to_thread(self._write, run, await self._have(dialogue, bot))
        await asyncio.to_thread(self._end, run)

    async def _have(self, dialogue: SavedDialogue, bot: Explainer) -> dict[str, Any]:
        key, began = f"run-{uuid.uuid4().hex}", time.perf_counter()
        replies: list[Reply] = []
        differences: list[Difference] = []
        broken = False
        try:
            replies, differences = await running.run(dialogue, bot, key)
        except Exception as error:  # of one dialogue: the others are had all the same
            _log.error("A saved dialogue could not be had: %s", type(error).__name__)
            differences, broken = [Difference(1, dialogue.turns[0].words, f"an error: {type(error).__name__}")], True
        finally:
            await bot.forget(key)
        return {
            "dialogue": dialogue.id,
            "state": "broken" if broken else state(dialogue, differences),
            "turns": turns_of(dialogue, replies, differences),
            "reached": reached_by(replies, self._rules).to_dict(),
            "milliseconds": (time.perf_counter() - began) * 1000,
            "at": now(),
        }

    # -- reading; blocks, so it is called in a thread ---------------------------------------------------------------

    def runs(self, most: int = 20, before: int | None = None) -> list[Run]:
        """The newest runs first, older than the run `before`."""
        query = _select_runs().order_by(DialogueRun.id.desc()).limit(most)
        if before is not None:
            query = query.where(DialogueRun.id < before)
        return self._read(query)

    def run(self, run: int) -> Run | None:
        """One run, or None."""
        return next(iter(self._read(_select_runs().where(DialogueRun.id == run))), None)

    def results(self, run: int, most: int = 50, after: str = "", wrong: bool = False) -> list[Result]:
        """Results of a run in the order of names, those after the dialogue `after`; or only those to look at."""
        query = _select_results().where(DialogueResult.run_id == run, DialogueResult.dialogue > after)
        if wrong:
            query = query.where(DialogueResult.state.in_(WRONG))
        with self._engine.connect() as connection:
            return [Result(*row) for row in connection.execute(query.order_by(DialogueResult.dialogue).limit(most))]

    def result(self, run: int, dialogue: str) -> Result | None:
        """What came of one dialogue in a run, or None."""
        query = _select_results().where(DialogueResult.run_id == run, DialogueResult.dialogue == dialogue)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return Result(*row) if row else None

    def last_passed(self, dialogue: str, before: int) -> Result | None:
        """The newest result older than the run `before` in which the dialogue was as expected, or None."""
        query = (
            _select_results()
            .where(
                DialogueResult.dialogue == dialogue, DialogueResult.run_id < before, DialogueResult.state == "passed"
            )
            .order_by(DialogueResult.run_id.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return Result(*row) if row else None

    def latest(self) -> dict[str, tuple[str, int]]:
        """Dialogue -> its newest state and the run of it."""
        newest = _newest()
        query = sa.select(DialogueResult.dialogue, DialogueResult.state, DialogueResult.run_id).join(
            newest, _same(newest)
        )
        with self._engine.connect() as connection:
            return {row.dialogue: (row.state, row.run_id) for row in connection.execute(query)}

    def reached(self) -> dict[str, Reached]:
        """Dialogue -> what it reached when it was had last."""
        newest = _newest()
        query = sa.select(DialogueResult.dialogue, DialogueResult.reached).join(newest, _same(newest))
        with self._engine.connect() as connection:
            return {row.dialogue: Reached.from_dict(row.reached) for row in connection.execute(query)}

    def _read(self, query: sa.Select[Any]) -> list[Run]:
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
            counted = connection.execute(
                sa.select(DialogueResult.run_id, DialogueResult.state, sa.func.count())
                .where(DialogueResult.run_id.in_([row.id for row in rows]))
                .group_by(DialogueResult.run_id, DialogueResult.state)
            ).all()
        states: dict[int, dict[str, int]] = {}
        for run, name, number in counted:
            states.setdefault(run, {})[name] = number
        going = self._current if self._going() else None
        return [Run(**row._mapping, states=states.get(row.id, {}), going=row.id == going) for row in rows]

    # -- writing; blocks as well ------------------------------------------------------------------------------------

    def _begin(self, total: int, by: str, about: Mapping[str, Any]) -> int:
        with writing(self._engine) as connection:
            too_old = connection.scalar(
                sa.select(DialogueRun.id).order_by(DialogueRun.id.desc()).offset(MOST_RUNS - 1).limit(1)
            )
            if too_old is not None:
                connection.execute(sa.delete(DialogueRun).where(DialogueRun.id <= too_old))
            values = {"started": now(), "by": by, "total": total, **about}
            return connection.execute(sa.insert(DialogueRun).values(values).returning(DialogueRun.id)).scalar_one()

    def _write(self, run: int, result: Mapping[str, Any]) -> None:
        with writing(self._engine) as connection:
            connection.execute(sa.insert(DialogueResult).values(run_id=run, **result))

    def _end(self, run: int) -> None:
        with writing(self._engine) as connection:
            connection.execute(sa.update(DialogueRun).where(DialogueRun.id == run).values(ended=now()))


def state(dialogue: SavedDialogue, differences: Sequence[Difference]) -> str:
    """What came of a dialogue that was had."""
    if dialogue.fails:
        return "known" if differences else "mended"
    return "failed" if differences else "passed"


def turns_of(
    dialogue: SavedDialogue, replies: Sequence[Reply], differences: Sequence[Difference]
) -> list[dict[str, Any]]:
    """The turns of a dialogue as they are kept: what was said and expected, what was shown, and what was not met."""
    turns = []
    for number, turn in enumerate(dialogue.turns, 1):
        reply = replies[number - 1] if number <= len(replies) else None
        turns.append(
            {
                "words": turn.words,
                "expect": dict(turn.expect),
                "shown": reply.shown if reply else None,
                "problems": [[one.about, one.problem] for one in differences if one.turn == number],
            }
        )
    return turns


def _newest() -> sa.Subquery:
    return (
        sa.select(DialogueResult.dialogue.label("name"), sa.func.max(DialogueResult.run_id).label("run"))
        .group_by(DialogueResult.dialogue)
        .subquery()
    )


def _same(newest: sa.Subquery) -> sa.ColumnElement[bool]:
    return sa.and_(DialogueResult.dialogue == newest.c.name, DialogueResult.run_id == newest.c.run)


def _select_runs() -> Any:
    r = DialogueRun
    return sa.select(r.id, r.started, r.ended, r.by, r.total, r.model, r.content_version, r.drafts)


def _select_results() -> Any:
    r = DialogueResult
    return sa.select(r.run_id, r.dialogue, r.state, r.turns, r.milliseconds, r.at)
