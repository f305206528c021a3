"""Figures, charts and files for a spreadsheet: right, and without a small number."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.database.models import DailyCount, now
from bot.database.staff import DailyFigure
from bot.ops.conversations import STEPS, step_of
from bot.staff.charts import Series, bar, columns, legend
from bot.staff.figures import Line, Spread, part, read_figures, shown
from tests.staff.fixtures import Staff
from tests.staff.seeding import seed_conversations


def put(engine: sa.Engine, **figures: int) -> None:
    """Figures of today on the web, of version 3 of the content."""
    day = now().date().isoformat()
    with engine.begin() as connection:
        for name, number in figures.items():
            values = {"day": day, "channel": "web", "content": 3, "name": name, "number": number}
            connection.execute(sa.insert(DailyFigure), values)


@pytest.mark.parametrize(("number", "given"), [(0, 0), (1, None), (4, None), (5, 5), (90, 90)])
def test_small_numbers_are_hidden(number: int, given: int | None) -> None:
    assert shown(number) == given


@pytest.mark.parametrize(
    ("some", "of", "share"),
    [(50, 100, 0.5), (0, 0, None), (3, 100, None), (97, 100, None), (100, 100, 1.0), (0, 100, 0.0), (2, 4, None)],
)
def test_a_share_tells_no_small_number(some: int, of: int, share: float | None) -> None:
    assert part(some, of) == share


def test_times() -> None:
    assert step_of(0.0) == "seconds<=0.02" and step_of(0.2) == "seconds<=0.2" and step_of(9) == "seconds>5.0"
    assert {step_of(step) for step in STEPS} == {f"seconds<={step}" for step in STEPS}
    assert Spread.of({"seconds<=0.05": 60, "seconds<=0.2": 36, "seconds>5.0": 4}) == Spread(100, 0.05, 0.2)
    assert Spread.of({"seconds>5.0": 9}) == Spread(9, None, None)
    assert Spread.of({}) == Spread(0, None, None)


def test_a_line() -> None:
    line = Line("x", {"answer": 70, "clarify": 10, "fallback": 20, "smalltalk": 900, "helpful": 30, "unhelpful": 10})
    assert line.questions == 100 and line.share("answer") == 0.7 and line.helpful == 0.75 and line.ratings == 40
    assert line.number("refusal") == 0 and line.share("refusal") == 0.0


def test_figures_by_day_version_and_channel(database: sa.Engine) -> None:
    put(database, conversations=20, answer=30, fallback=10, helpful=2)
    old = (now().date() - timedelta(days=40)).isoformat()
    with database.begin() as connection:
        for day, channel, content, number in ((old, "web", 2, 100), (now().date().isoformat(), "telegram", 2, 7)):
            values = {"day": day, "channel": channel, "content": content, "name": "answer", "number": number}
            connection.execute(sa.insert(DailyFigure), values)
        for topic, number in (("interactions", 25), ("side_effects", 3)):
            values = {"day": now().date().isoformat(), "channel": "web", "kind": "answer", "category": "",
                      "topic": topic, "messages": number}  # fmt: skip
            connection.execute(sa.insert(DailyCount), values)
    month, quarter = read_figures(database, 30), read_figures(database, 90)
    assert month.whole.counted["answer"] == 37 and quarter.whole.counted["answer"] == 137
    assert len(month.days) == 30 and month.days[-1].counted["answer"] == 37 and month.days[0].counted == {}
    assert [line.name for line in quarter.versions] == ["3", "2"] and quarter.versions[1].counted["answer"] == 107
    assert month.topics == [("interactions", 25), ("side_effects", None)] and month.channels == ["telegram", "web"]
    assert month.whole.number("helpful") is None
    alone = read_figures(database, 30, "telegram")
    assert alone.whole.counted == {"answer": 7} and alone.topics == []
    year = read_figures(database, 365)
    assert year.weekly and len(year.days) <= 54 and sum(one.counted.get("answer", 0) for one in year.days) == 137


def test_columns_have_heights_words_and_no_style() -> None:
    svg = str(columns("Days <now>", ["2026-11-21", "2026-11-22"], [Series("a & b", [5, None]), Series("c", [5, 0])]))
    assert "Days &lt;now&gt;" in svg and "21 Nov: a &amp; b: 5, c: 5" in svg and "style=" not in svg
    heights = [float(height) for height in re.findall(r'height="([\d.]+)%"', svg)]
    assert len(heights) == 2 and heights[0] == heights[1] == pytest.approx(46)
    assert str(columns("Nothing", [], [])) and str(columns("Zero", ["2026-11-22"], [Series("a", [0])]))
    assert 'width="50.00%"' in str(bar(1, 2)) and 'width="0.00%"' in str(bar(0, 0)) and "&lt;" in str(legend(["<"]))


async def test_the_dashboard_and_its_files(engine: sa.Engine, staff: dict[str, Staff]) -> None:
    put(engine, conversations=40, answer=60, fallback=3, helpful=12, unhelpful=8, **{"seconds<=0.05": 60})
    page = (await staff["viewer"].get("/staff")).text
    assert "under 5" in page and re.search(r"Conversations</dt><dd>40<", page) and "60 %" in page and "0.05 s" in page
    assert not re.search(r'class="number">3<', page)
    for name in ("days", "versions", "topics", "safety"):
        response = await staff["viewer"].get(f"/staff/figures/{name}.csv?days=7&channel=web")
        assert response.headers["content-type"] == "text/csv; charset=utf-8"
        table = list(csv.reader(io.StringIO(response.text)))
        assert len({len(row) for row in table}) == 1
        if name == "days":
            assert len(table) == 8 and dict(zip(table[0], table[-1], strict=True))["not understood"] == "under 5"
    await staff["viewer"].get("/staff/figures/nonsense.csv", 404)


@pytest.mark.parametrize(
    "query", ["days=30", "days=365", "days=-1", "days=1e9", "channel=%3Cb%3E", "days=90&channel=web"]
)
async def test_any_address_of_the_dashboard(engine: sa.Engine, staff: dict[str, Staff], query: str) -> None:
    seed_conversations(engine, 60)
    page = (await staff["viewer"].get(f"/staff?{query}")).text
    assert "Topics of answers" in page and "<b>" not in page
