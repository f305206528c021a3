"""The phrase bench: what the bot makes of sentences now."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from wtforms import TextAreaField

from bot.staff.console import Console, Page, page
from bot.staff.forms import StaffForm, at_most, required
from bot.staff.roles import Account, Role
from bot.staff.testing import bench


class BenchForm(StaffForm):
    """Sentences, one a line."""

    text = TextAreaField(
        "Sentences, one a line",
        validators=[required("Please write a sentence."), at_most(bench.MOST * bench.LONGEST)],
    )


@page("/bench", role=Role.tester, title="Phrase bench", nav="Test")
async def show(request: Request, staff: Account, console: Console) -> Page:
    """An empty bench."""
    return Page("bench/show.html", form=BenchForm(), rows=[], most=bench.MOST)


@page("/bench", role=Role.tester, title="Phrase bench", methods=("POST",))
async def look(request: Request, staff: Account, console: Console) -> Page | Response:
    """What is nearest to each sentence, as a page or as a table for a spreadsheet. Nothing is kept."""
    fields = await console.form(request)
    form = BenchForm(fields)
    texts = bench.sentences(form.text.data or "")
    if not form.validate() or not texts:
        return Page("bench/show.html", status=400, form=form, rows=[], most=bench.MOST)
    rows = await bench.look(console.desk.trials.bot(), texts)
    if "table" in fields:
        named = {"Content-Disposition": 'attachment; filename="phrases.csv"', "Cache-Control": "no-store"}
        return Response("\ufeff" + bench.as_csv(rows), 200, named, "text/csv; charset=utf-8")
    return Page("bench/show.html", form=form, rows=rows, most=bench.MOST)
