"""The figures of the dashboard, from what is counted by day. Nothing here knows a word of anybody.

A number from 1 to 4 is never given out: it could stand for somebody. It is `None` here, and "under 5" on the page.
Everything here blocks; call it in a thread.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from bot.database.models import DailyCount, Topic, now
from bot.database.staff import DailyFigure
from bot.ops.conversations import SLOWER, STEPS

#: Smaller numbers are hidden.
SMALLEST = 5
#: A longer time than so many days is shown by week.
_BY_DAY = 90
#: Kinds of replies to questions: what became of them.
OUTCOMES = ("answer", "clarify", "fallback", "refusal", "safety")


@dataclass(frozen=True)
class Spread:
    """How long turns took: how many, and in seconds the upper ends within which half and 95 % of them lie."""

    turns: int
    half: float | None
    most: float | None

    @classmethod
    def of(cls, counted: Mapping[str, int]) -> Spread:
        """From the figures named `seconds<=…`; times are the upper end of a step, None where it is the open one."""
        steps = [(step, counted.get(f"seconds<={step}", 0)) for step in STEPS]
        turns = sum(number for _, number in steps) + counted.get(SLOWER, 0)
        return cls(turns, _within(steps, turns, 0.5), _within(steps, turns, 0.95))


@dataclass(frozen=True)
class Line:
    """The figures of a day, of a version of the content, or of the whole time; `name` says of which."""

    name: str
    counted: Mapping[str, int]

    def number(self, name: str) -> int | None:
        """How many; None where so few that it stays hidden."""
        return shown(self.counted.get(name, 0))

    @property
    def questions(self) -> int:
        """Replies to questions, whatever became of them."""
        return sum(self.counted.get(kind, 0) for kind in OUTCOMES)

    def share(self, name: str) -> float | None:
        """The part of all questions that got this kind of reply; None where there are too few."""
        return part(self.counted.get(name, 0), self.questions)

    @property
    def helpful(self) -> float | None:
        """The part of the ratings that say "helpful"; None where there are too few."""
        good, bad = self.counted.get("helpful", 0), self.counted.get("unhelpful", 0)
        return part(good, good + bad)

    @property
    def ratings(self) -> int | None:
        """How many ratings; None where so few that they stay hidden."""
        return shown(self.counted.get("helpful", 0) + self.counted.get("unhelpful", 0))

    @property
    def spread(self) -> Spread:
        """How long turns took."""
        return Spread.of(self.counted)


@dataclass(frozen=True)
class Figures:
    """What the dashboard shows: the whole time, by day, by version of the content; topics and dangers, most first."""

    whole: Line
    #: By day, or by the Monday of the week where it is a long time.
    days: Sequence[Line]
    weekly: bool
    versions: Sequence[Line]
    topics: Sequence[tuple[str, int | None]]
    safety: Sequence[tuple[str, int | None]]
    channels: Sequence[str]


def read_figures(engine: sa.Engine, days: int, channel: str = "") -> Figures:
    """The figures of the last `days` days, today among them; of one channel alone where it is named."""
    today, weekly = now().date(), days > _BY_DAY
    first = today - timedelta(days=days - 1)
    if weekly:
        first -= timedelta(days=first.weekday())
    with engine.connect() as connection:
        figures = DailyFigure.__table__.c
        by_day = _sums(connection, figures.day, figures, first, channel)
        by_version = _sums(connection, figures.content, figures, first, channel)
        titles = {row.name: row.title for row in connection.execute(sa.select(Topic.name, Topic.title))}
        topics = _counts(connection, DailyCount.topic, "answer", first, channel)
        safety = _counts(connection, DailyCount.category, "safety", first, channel)
        known = connection.scalars(
            sa.select(figures.channel).where(figures.day >= first.isoformat()).distinct().order_by(figures.channel)
        ).all()
    return Figures(
        whole=Line("All days", _together(by_day.values())),
        days=[
            Line(name, _together(by_day.get(day, {}) for day in some)) for name, some in _steps(first, today, weekly)
        ],
        weekly=weekly,
        versions=[Line(str(version), by_version[version]) for version in sorted(by_version, reverse=True)],
        topics=[(titles.get(name, name or "other"), shown(number)) for name, number in topics],
        safety=[(name, shown(number)) for name, number in safety],
        channels=known,
    )


def shown(number: int) -> int | None:
    """`number`, or None where it is so small that it stays hidden."""
    return None if 0 < number < SMALLEST else number


def part(some: int, of: int) -> float | None:
    """The share of `some` in `of`; None where either side of it is so small that it stays hidden."""
    hidden = of == 0 or any(shown(number) is None for number in (of, some, of - some))
    return None if hidden else some / of


def _sums(
    connection: sa.Connection, by: sa.ColumnElement[Any], figures: Any, first: date, channel: str
) -> dict[Any, dict[str, int]]:
    query = sa.select(by, figures.name, sa.func.sum(figures.number)).where(figures.day >= first.isoformat())
    if channel:
        query = query.where(figures.channel == channel)
    found: dict[Any, dict[str, int]] = defaultdict(dict)
    for key, name, number in connection.execute(query.group_by(by, figures.name)):
        found[key][name] = int(number)
    return dict(found)


def _counts(connection: sa.Connection, by: Any, kind: str, first: date, channel: str) -> list[tuple[str, int]]:
    number = sa.func.sum(DailyCount.messages)
    query = sa.select(by, number).where(DailyCount.day >= first.isoformat(), DailyCount.kind == kind)
    if channel:
        query = query.where(DailyCount.channel == channel)
    return [(name, int(many)) for name, many in connection.execute(query.group_by(by).order_by(number.desc(), by))]


def _together(lines: Iterable[Mapping[str, int]]) -> dict[str, int]:
    whole: dict[str, int] = defaultdict(int)
    for line in lines:
        for name, number in line.items():
            whole[name] += number
    return dict(whole)


def _steps(first: date, last: date, weekly: bool) -> list[tuple[str, list[str]]]:
    """The first day of each step on the way from `first` to `last`, with the days in it."""
    days = [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]
    step = 7 if weekly else 1
    return [(days[start], days[start : start + step]) for start in range(0, len(days), step)]


def _within(steps: Sequence[tuple[float, int]], turns: int, share: float) -> float | None:
    passed = 0
    for step, number in steps:
        passed += number
        if turns and passed >= share * turns:
            return step
    return None
