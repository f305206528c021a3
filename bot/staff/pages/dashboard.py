"""The first page: how the bot does, in figures, with charts, tables and files for a spreadsheet."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from bot.staff.charts import Series, bar, columns, legend
from bot.staff.console import Console, Page, missing, page
from bot.staff.figures import OUTCOMES, SMALLEST, Figures, Line, read_figures
from bot.staff.roles import Account, Role
from bot.staff.words import CATEGORIES, CHANNELS, KINDS

#: Days that can be looked at -> what that is called.
PERIODS = {7: "7 days", 30: "30 days", 90: "90 days", 365: "a year"}
_USUAL = 30


@page("/", role=Role.viewer, title="Dashboard", nav="See")
async def dashboard(request: Request, staff: Account, console: Console) -> Page:
    """Conversations, what became of questions, ratings, times, topics and dangers."""
    days, channel = _chosen(request)
    figures = await asyncio.to_thread(read_figures, console.engine, days, channel)
    return Page(
        "dashboard/show.html",
        figures=figures,
        days=days,
        channel=channel,
        periods=PERIODS,
        channels=CHANNELS,
        outcomes=[(kind, KINDS[kind]) for kind in OUTCOMES],
        smallest=SMALLEST,
        bar=bar,
        conversations=_conversations(figures),
        replies=_replies(figures),
        replies_legend=legend([KINDS[kind] for kind in OUTCOMES]),
        ratings=_ratings(figures),
        ratings_legend=legend(["helpful", "not helpful"]),
        query=urlencode({"days": days, **({"channel": channel} if channel else {})}),
    )


@page("/figures/{name}.csv", role=Role.viewer, title="Figures")
async def as_csv(request: Request, staff: Account, console: Console) -> Response:
    """A table of the dashboard for a spreadsheet; small numbers are hidden there as well."""
    name = request.path_params["name"]
    if name not in TABLES:
        raise missing("table")
    days, channel = _chosen(request)
    figures = await asyncio.to_thread(read_figures, console.engine, days, channel)
    file = io.StringIO()
    csv.writer(file).writerows(TABLES[name](figures))
    headers = {"Content-Disposition": f'attachment; filename="evenkeel-{name}.csv"'}
    return Response(file.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")


def _chosen(request: Request) -> tuple[int, str]:
    given = request.query_params.get("days", "")
    days = int(given) if given.isdecimal() and len(given) < 4 else _USUAL
    return days if days in PERIODS else _USUAL, request.query_params.get("channel", "")[:20]


def _conversations(figures: Figures) -> str:
    series = Series("Conversations", [line.number("conversations") for line in figures.days])
    return columns(f"Conversations by {_step(figures)}. The table below has the numbers.", _names(figures), [series])


def _replies(figures: Figures) -> str:
    series = [Series(KINDS[kind], [line.number(kind) for line in figures.days]) for kind in OUTCOMES]
    return columns(
        f"What became of questions, by {_step(figures)}. The table below has the numbers.", _names(figures), series
    )


def _ratings(figures: Figures) -> str:
    series = [
        Series(words, [line.number(name) for line in figures.days])
        for name, words in (("helpful", "helpful"), ("unhelpful", "not helpful"))
    ]
    return columns(f"Ratings by {_step(figures)}. The table below has the numbers.", _names(figures), series)


def _step(figures: Figures) -> str:
    return "week" if figures.weekly else "day"


def _names(figures: Figures) -> list[str]:
    return [line.name for line in figures.days]


# -- tables for a spreadsheet ------------------------------------------------------------------------------------

_Table = list[list[object]]


def _lines(first: str, lines: Sequence[Line]) -> _Table:
    head = [
        first,
        "conversations",
        *(KINDS[kind] for kind in OUTCOMES),
        "helpful",
        "not helpful",
        "half within seconds",
    ]
    table: _Table = [[*head, "95 % within seconds"]]
    for line in lines:
        names = ("conversations", *OUTCOMES, "helpful", "unhelpful")
        spread = line.spread
        table.append([line.name, *(_cell(line.number(name)) for name in names), _time(spread.half), _time(spread.most)])
    return table


def _named(first: str, rows: Sequence[tuple[str, int | None]]) -> _Table:
    return [[first, "replies"], *([name, _cell(number)] for name, number in rows)]


def _cell(number: int | None) -> object:
    return f"under {SMALLEST}" if number is None else number


def _time(seconds: float | None) -> object:
    return "" if seconds is None else seconds


TABLES: dict[str, Callable[[Figures], _Table]] = {
    "days": lambda figures: _lines("week from" if figures.weekly else "day", figures.days),
    "versions": lambda figures: _lines("version of the content", figures.versions),
    "topics": lambda figures: _named("topic", figures.topics),
    "safety": lambda figures: _named(
        "danger", [(CATEGORIES.get(name, name), number) for name, number in figures.safety]
    ),
}
