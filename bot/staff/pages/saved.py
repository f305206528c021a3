"""Saved tests: the list, running them, what came of it, and the files that they are."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from wtforms import TextAreaField
from wtforms.validators import ValidationError

from bot.dialogues import saved
from bot.dialogues.saved import SavedDialogue
from bot.errors import ContentError
from bot.staff.console import Console, Page, Redirect, missing, page
from bot.staff.forms import at_most, required
from bot.staff.mending.difference import words
from bot.staff.roles import Account, Role
from bot.staff.testing import content
from bot.staff.testing.dialogues import Kept
from bot.staff.testing.forms import FileForm
from bot.staff.testing.runs import Busy
from bot.staff.testing.words import EXPECTED, STATES, value_in_words
from bot.web.refusals import Refusal, bad

_TESTS, _RUNS = "/staff/tests", "/staff/tests/runs"
_MOST = 50


class TextForm(FileForm):
    """A test as the text that stands in its file."""

    text = TextAreaField("Text", validators=[required("Please write the test."), at_most(50_000)])

    def validate_text(self, field: TextAreaField) -> None:
        """Exactly one test, as `bot.dialogues.saved` describes it."""
        try:
            self.dialogue()
        except ContentError as error:
            raise ValidationError(error.problem) from None

    def dialogue(self) -> SavedDialogue:
        """The test that was written.

        Raises:
            ContentError: it is none, or several.
        """
        path = Path(f"{self.file.data}.yml")
        lines = [f"  {line}" for line in (self.text.data or "").splitlines()]
        found = saved.parse("\n".join(["dialogues:", *lines]), path)
        if len(found) != 1:
            raise ContentError(path, None, "Please write exactly one test here.")
        return found[0]


# -- the list ----------------------------------------------------------------------------------------------------


@page("/tests", role=Role.tester, title="Saved tests", nav="Test")
async def tests(request: Request, staff: Account, console: Console) -> Page:
    """All saved tests with what came of them last."""
    wanted = {name: request.query_params.get(name, "") for name in ("words", "file", "state")}
    return Page(
        "tests/list.html", **await asyncio.to_thread(_list, console, wanted, request.query_params.get("after", ""))
    )


@page("/tests/one", role=Role.tester, title="Saved test")
async def one(request: Request, staff: Account, console: Console) -> Page:
    """One test: its turns, its file, what came of it."""
    kept, state = await asyncio.to_thread(_one, console, request.query_params.get("test", ""))
    text = saved.as_text(kept.dialogue)
    return Page(
        "tests/one.html", heading=kept.dialogue.name, kept=kept, state=state, text=text, states=STATES, **_WORDS
    )


@page("/tests/open", role=Role.tester, title="Saved test", methods=("POST",))
async def open_in_tester(request: Request, staff: Account, console: Console) -> Redirect:
    """Have a test in the tester, whole or up to a turn from which to go on."""
    form = await console.form(request)
    kept, _ = await asyncio.to_thread(_one, console, form.get("test", ""))
    given = form.get("turns", "")
    turns = int(given) if given.isdecimal() else None
    trial = await console.desk.trials.open(staff.id, kept.dialogue, turns)
    return Redirect(f"/staff/tester/{trial.key}#turn-{len(trial.turns)}")


@page("/tests/edit", role=Role.tester, title="Edit a test")
async def edit(request: Request, staff: Account, console: Console) -> Page:
    """A test as text; an empty one without a name."""
    test = request.query_params.get("test", "")
    if not test:
        return Page("tests/edit.html", heading="Write a test", form=TextForm(text=_EMPTY), test="")
    kept, _ = await asyncio.to_thread(_one, console, test)
    text = "\n".join(line[2:] for line in saved.as_text(kept.dialogue).splitlines())
    return Page("tests/edit.html", form=TextForm(file=kept.dialogue.file, text=text), test=test)


@page("/tests/edit", role=Role.tester, title="Edit a test", methods=("POST",))
async def keep(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Save a test that was written as text."""
    fields = await console.form(request)
    form, test = TextForm(fields), fields.get("test", "")
    if not form.validate():
        return Page("tests/edit.html", status=400, form=form, test=test)
    dialogue = replace(form.dialogue(), file=form.file.data)
    taken = await asyncio.to_thread(console.desk.dialogues.one, dialogue.id)
    if taken is not None and dialogue.id != test:
        form.text.errors = [f"There is a test {dialogue.id} already. Please choose another name."]
        return Page("tests/edit.html", status=400, form=form, test=test)
    await asyncio.to_thread(console.desk.dialogues.save, dialogue, staff.name)
    await asyncio.to_thread(console.audit, staff, "saved a test", dialogue.id)
    return Redirect(f"{_TESTS}/one?{urlencode({'test': dialogue.id})}", said="The test was saved.")


@page("/tests/remove", role=Role.tester, title="Saved test", methods=("POST",))
async def remove(request: Request, staff: Account, console: Console) -> Redirect:
    """Drop what staff saved; a test that stands in a file is as in the file again."""
    given = (await console.form(request)).get("row", "")
    name = await asyncio.to_thread(console.desk.dialogues.remove, int(given)) if given.isdecimal() else None
    if name is None:
        raise missing("test")
    await asyncio.to_thread(console.audit, staff, "removed a test", name)
    return Redirect(_TESTS, said=f"{name} was removed.")


@page("/tests/files/{file}", role=Role.tester, title="File of tests")
async def download(request: Request, staff: Account, console: Console) -> Response:
    """A file of tests with all that is new in it, as it belongs into `tests/dialogues/`."""
    file = request.path_params["file"].removesuffix(".yml")
    text = await asyncio.to_thread(console.desk.dialogues.text_of, file) if saved.usable_file(file) else ""
    if not text:
        raise missing("file of tests")
    named = {"Content-Disposition": f'attachment; filename="{file}.yml"', "Cache-Control": "no-store"}
    return Response(text, 200, named, "application/yaml; charset=utf-8")


# -- runs --------------------------------------------------------------------------------------------------------


@page("/tests/run", role=Role.tester, title="Saved tests", methods=("POST",))
async def run(request: Request, staff: Account, console: Console) -> Redirect:
    """Have some or all of the tests again."""
    form, desk = await console.form(request), console.desk
    everything = [kept.dialogue for kept in await asyncio.to_thread(desk.dialogues.all)]
    wanted = set(form.getlist("test"))
    dialogues = everything if "all" in form else [dialogue for dialogue in everything if dialogue.id in wanted]
    if not dialogues:
        raise bad("Please choose at least one test.")
    drafts = bool(form.get("drafts"))
    about = {
        "model": console.bot.model,
        "content_version": await asyncio.to_thread(content.version, console.engine),
        "drafts": drafts,
    }
    bot = desk.trials.bot(drafts)
    await asyncio.to_thread(desk.dialogues.settle)
    try:
        number = await desk.runs.start(dialogues, bot, staff.name, about)
    except Busy as busy:
        raise Refusal(409, "busy", str(busy)) from None
    await asyncio.to_thread(console.audit, staff, "ran tests", f"run {number}", f"{len(dialogues)} tests")
    return Redirect(f"{_RUNS}/{number}")


@page("/tests/runs", role=Role.tester, title="Runs")
async def runs(request: Request, staff: Account, console: Console) -> Page:
    """The newest runs."""
    given = request.query_params.get("before", "")
    before = int(given) if given.isdecimal() else None
    found = await asyncio.to_thread(console.desk.runs.runs, _MOST + 1, before)
    older = f"{_RUNS}?before={found[_MOST - 1].id}" if len(found) > _MOST else ""
    return Page("tests/runs.html", runs=found[:_MOST], older=older, newer=_RUNS if before else "")


@page("/tests/runs/stop", role=Role.tester, title="Runs", methods=("POST",))
async def stop(request: Request, staff: Account, console: Console) -> Redirect:
    """Stop the run that goes on."""
    await console.desk.runs.stop()
    return Redirect(_RUNS, said="The run was stopped.")


@page("/tests/runs/{run:int}", role=Role.tester, title="Run")
async def show_run(request: Request, staff: Account, console: Console) -> Page:
    """What came of a run so far."""
    number, query = request.path_params["run"], request.query_params
    wrong, after = "all" not in query, query.get("after", "")
    found, results = await asyncio.to_thread(_run, console, number, after, wrong)
    more = {"after": results[_MOST - 1].dialogue, **({} if wrong else {"all": "1"})} if len(results) > _MOST else None
    return Page(
        "tests/run.html",
        heading=f"Run {number}",
        run=found,
        results=results[:_MOST],
        wrong=wrong,
        next=f"{_RUNS}/{number}?{urlencode(more)}" if more else "",
        states=STATES,
    )


@page("/tests/runs/{run:int}/progress", role=Role.tester, title="Run")
async def progress(request: Request, staff: Account, console: Console) -> JSONResponse:
    """How far a run is, for the page to show while it waits."""
    found = await asyncio.to_thread(console.desk.runs.run, request.path_params["run"])
    if found is None:
        raise missing("run")
    numbers = {"done": found.done, "total": found.total, "wrong": found.wrong, "going": found.going}
    return JSONResponse(numbers, headers={"Cache-Control": "no-store"})


@page("/tests/runs/{run:int}/result", role=Role.tester, title="Result")
async def result(request: Request, staff: Account, console: Console) -> Page:
    """One test in a run: what was expected, what was shown, and what has changed since it was last as expected."""
    number, test = request.path_params["run"], request.query_params.get("test", "")
    found, before = await asyncio.to_thread(_result, console, number, test)
    if found is None:
        raise missing("result")
    turns = []
    for place, turn in enumerate(found.turns):
        then = before.turns[place]["shown"] if before and place < len(before.turns) else None
        changed = words(then, turn["shown"]) if then and turn["shown"] and then != turn["shown"] else ()
        turns.append((turn, changed))
    return Page("tests/result.html", heading=test, result=found, before=before, turns=turns, states=STATES, **_WORDS)


# -- reading; blocks, so it is called in a thread ----------------------------------------------------------------

_WORDS: dict[str, Any] = {"expected": EXPECTED, "value": value_in_words}
_EMPTY = """- name: what it is about
  country: GB
  turns:
    - say: can i take xanax with ketamine
      expect: {kind: answer, topic: interactions, disclaimer: true, sources: true}
"""


def _list(console: Console, wanted: dict[str, str], after: str) -> dict[str, Any]:
    everything = console.desk.dialogues.all()
    latest = console.desk.runs.latest()
    fitting = [
        kept
        for kept in everything
        if wanted["file"] in ("", kept.dialogue.file)
        and wanted["words"].lower() in _searched(kept)
        and wanted["state"] in ("", latest.get(kept.dialogue.id, ("never",))[0], "new" if kept.new else "")
    ]
    rest = [kept for kept in fitting if kept.dialogue.id > after]
    chosen = {name: value for name, value in wanted.items() if value}
    more = {**chosen, "after": rest[_MOST - 1].dialogue.id} if len(rest) > _MOST else None
    return {
        "tests": rest[:_MOST],
        "fitting": len(fitting),
        "total": len(everything),
        "files": sorted({kept.dialogue.file for kept in everything}),
        "changed": sorted({kept.dialogue.file for kept in everything if kept.new}),
        "latest": latest,
        "wanted": wanted,
        "states": STATES,
        "next": f"{_TESTS}?{urlencode(more)}" if more else "",
        "first": f"{_TESTS}?{urlencode(chosen)}" if after else "",
    }


def _searched(kept: Kept) -> str:
    said = (turn.say or turn.press or "" for turn in kept.dialogue.turns)
    return " ".join([kept.dialogue.id, *said]).lower()


def _one(console: Console, test: str) -> tuple[Kept, tuple[str, int] | None]:
    kept = console.desk.dialogues.one(test)
    if kept is None:
        raise missing("test")
    return kept, console.desk.runs.latest().get(test)


def _run(console: Console, number: int, after: str, wrong: bool) -> Any:
    found = console.desk.runs.run(number)
    if found is None:
        raise missing("run")
    return found, console.desk.runs.results(number, _MOST + 1, after, wrong)


def _result(console: Console, number: int, test: str) -> Any:
    found = console.desk.runs.result(number, test)
    return found, console.desk.runs.last_passed(test, number) if found else None
