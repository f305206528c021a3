"""Trying the bot: a conversation of one's own beside a panel that says why each reply was given."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from starlette.requests import Request
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import Optional, Regexp

from bot.dialogues import saved
from bot.dialogues.past import past
from bot.dialogues.saved import STAFF_FILE, SavedDialogue
from bot.errors import ContentError
from bot.staff.console import Console, Page, Redirect, missing, page
from bot.staff.forms import StaffForm, at_most, required
from bot.staff.reading import Conversations
from bot.staff.roles import Account, Role
from bot.staff.testing import content, saving
from bot.staff.testing.forms import FileForm
from bot.staff.testing.shown import CHANNELS, arrived, difference
from bot.staff.testing.trials import Circumstances, Trial
from bot.staff.testing.why import passages_in, why
from bot.web.refusals import bad

_TESTER = "/staff/tester"
_LONGEST = 100_000


class CircumstancesForm(StaffForm):
    """Who is played: where they write, from where, in which language, and what they are answered from."""

    channel = SelectField("Channel", choices=list(CHANNELS.items()))
    country = StringField(
        "Country",
        filters=[lambda given: (given or "").upper()],
        validators=[Optional(), Regexp("[A-Z]{2}$", message="Two letters, such as GB, or nothing.")],
    )
    locale = StringField(
        "Language",
        validators=[Optional(), Regexp(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", message="Such as en-GB, or nothing.")],
    )
    drafts = BooleanField("Answer from drafts instead of what is published")

    def circumstances(self) -> Circumstances:
        """What was chosen."""
        return Circumstances(
            self.channel.data, self.country.data or None, self.locale.data or None, bool(self.drafts.data)
        )


class BeginForm(CircumstancesForm):
    """The first thing that is said."""

    text = StringField("First message", validators=[required("Please write what a visitor might."), at_most(_LONGEST)])


class SaveForm(FileForm):
    """Under which name a test is saved."""

    name = StringField("Name of the test", validators=[required("Please give the test a name."), at_most(200)])
    fails = StringField("It is known to fail, because", validators=[at_most(500)])
    looked = BooleanField("I have read every word above: nothing in it says who somebody is.")


# -- a trial -----------------------------------------------------------------------------------------------------


@page("/tester", role=Role.tester, title="Try the bot", nav="Test")
async def start(request: Request, staff: Account, console: Console) -> Page:
    """Begin a trial."""
    return Page("tester/start.html", form=BeginForm(text=request.query_params.get("say", "")))


@page("/tester", role=Role.tester, title="Try the bot", methods=("POST",))
async def begin(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """The first turn of a new trial."""
    form = BeginForm(await console.form(request))
    if not form.validate():
        return Page("tester/start.html", status=400, form=form)
    trials = console.desk.trials
    trial = await trials.begin(staff.id, form.circumstances())
    await trials.say(trial, form.text.data)
    return _to(trial)


@page("/tester/{key}", role=Role.tester, title="Try the bot")
async def show(request: Request, staff: Account, console: Console) -> Page:
    """The conversation so far, and why one of its replies was given."""
    trial = _trial(request, staff, console)
    chosen = _number(request.query_params.get("turn"), len(trial.turns)) or len(trial.turns)
    turn = trial.turns[chosen - 1] if trial.turns else None
    named, topics = await asyncio.to_thread(_names, console, passages_in(turn.reply) if turn else ())
    c = trial.circumstances
    return Page(
        "tester/trial.html",
        trial=trial,
        turns=[
            (
                tried,
                arrived(tried.reply.messages, c.channel),
                tried.then and difference(tried.then, tried.reply.messages),
            )
            for tried in trial.turns
        ],
        chosen=chosen,
        why=turn and why(turn.reply, console.desk.rules, topics, named),
        channels=CHANNELS,
        form=CircumstancesForm(channel=c.channel, country=c.country, locale=c.locale, drafts=c.drafts),
        save=SaveForm(name=_first_name(trial)),
    )


@page("/tester/{key}/say", role=Role.tester, title="Try the bot", methods=("POST",))
async def say(request: Request, staff: Account, console: Console) -> Redirect:
    """The next turn: a text or a button."""
    trial, form = _trial(request, staff, console), await console.form(request)
    text, button = form.get("text", "").strip()[:_LONGEST], form.get("button")
    if not text and not button:
        raise bad("Please write something, or press a button of the newest reply.")
    await console.desk.trials.say(trial, text or None, button)
    return _to(trial)


@page("/tester/{key}/again", role=Role.tester, title="Try the bot", methods=("POST",))
async def again(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """The same turns in a new trial, up to one of them (to go on from there), or all under other circumstances."""
    trial, fields = _trial(request, staff, console), await console.form(request)
    turns = _number(fields.get("turns"), len(trial.turns)) or len(trial.turns)
    circumstances = None
    if "channel" in fields:
        form = CircumstancesForm(fields)
        if not form.validate():
            raise bad(" ".join(f"{form[name].label.text}: {' '.join(said)}" for name, said in form.errors.items()))
        circumstances = form.circumstances()
    return _to(await console.desk.trials.anew(trial, turns, circumstances))


@page("/tester/{key}/end", role=Role.tester, title="Try the bot", methods=("POST",))
async def end(request: Request, staff: Account, console: Console) -> Redirect:
    """Forget a trial."""
    await console.desk.trials.end(_trial(request, staff, console))
    return Redirect(_TESTER, said="The trial is over, and nothing of it is kept.")


# -- from a trial to a test --------------------------------------------------------------------------------------


@page("/tester/{key}/save", role=Role.tester, title="Save as a test")
async def choose(request: Request, staff: Account, console: Console) -> Page:
    """Choose what is expected of each turn."""
    trial = _trial(request, staff, console)
    before = trial.saved
    form = SaveForm(
        name=before.name if before else _first_name(trial),
        file=before.file if before else STAFF_FILE,
        fails=before.fails if before else "",
    )
    return _choosing(trial, form)


@page("/tester/{key}/save", role=Role.tester, title="Save as a test", methods=("POST",))
async def save(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Save a trial as a test: with what is expected by itself, or with what was chosen."""
    trial, fields = _trial(request, staff, console), await console.form(request)
    if "file" not in fields:  # in one step
        form = SaveForm(name=fields.get("name", ""), file=STAFF_FILE, looked=False)
        form.name.raw_data = form.file.raw_data = ["given"]
        dialogue = saving.expecting(trial)
    else:
        form = SaveForm(fields)
        turns = range(len(trial.turns))
        chosen = [frozenset(fields.getlist(f"expect-{turn}")) for turn in turns]
        words = [{name: _words(fields.get(f"{name}-{turn}", "")) for name in ("says", "never")} for turn in turns]
        dialogue = saving.expecting(trial, chosen, words)
    form_is_right = form.validate()
    if trial.real and not form.looked.data:
        form.looked.errors = ["A visitor's words become part of the tests: please read them first."]
        form_is_right = False
    unmet = saving.not_met(trial, dialogue)
    if unmet and not form.fails.data:
        form.fails.errors = [f"This does not hold now: {' '.join(unmet)} Say why, or take it out."]
        form_is_right = False
    if not form_is_right:
        return _choosing(trial, form, status=400)
    dialogue = replace(dialogue, file=form.file.data, name=form.name.data, fails=form.fails.data or "")
    return await _keep(console, staff, dialogue, replaces=trial.saved.id if trial.saved else "")


async def _keep(console: Console, staff: Account, dialogue: SavedDialogue, replaces: str) -> Redirect:
    """Save `dialogue`, but never in the place of another than the one it was made from."""
    try:
        saved.dialogue(Path(f"{dialogue.file}.yml"), saved.entry(dialogue))
    except ContentError as error:
        raise bad(error.problem) from None
    taken = await asyncio.to_thread(console.desk.dialogues.one, dialogue.id)
    if taken is not None and dialogue.id != replaces:
        raise bad(f"There is a test {dialogue.id} already. Please go back and choose another name.")
    await asyncio.to_thread(console.desk.dialogues.save, dialogue, staff.name)
    await asyncio.to_thread(console.audit, staff, "saved a test", dialogue.id)
    return Redirect("/staff/tests", said=f"Saved as {dialogue.id}.")


# -- real conversations ------------------------------------------------------------------------------------------


@page("/replay/{ref}", role=Role.tester, title="Have a conversation again")
async def ask_for_replay(request: Request, staff: Account, console: Console) -> Page:
    """What it means to have a real conversation again, up to one of its messages."""
    ref, until = request.path_params["ref"], request.query_params.get("until", "")
    if await asyncio.to_thread(Conversations(console.engine).key_of, ref) is None:
        raise missing("conversation")
    return Page("tester/replay.html", ref=ref, until=until if until.isdecimal() else "")


@page("/replay/{ref}", role=Role.tester, title="Have a conversation again", methods=("POST",))
async def replay(request: Request, staff: Account, console: Console) -> Redirect:
    """Have a real conversation again with the present model; that it was read is written into the log."""
    ref, form = request.path_params["ref"], await console.form(request)
    trials, reading = console.desk.trials, Conversations(console.engine)
    known = await asyncio.to_thread(reading.key_of, ref)
    found = past(ref, await console.bot.events(known[0])) if known else None
    if known is None or found is None:
        raise missing("conversation")
    await asyncio.to_thread(console.audit, staff, "read", f"conversation {ref}", "had it again in the tester")
    until = form.get("until", "")
    if until.isdecimal():
        said = await asyncio.to_thread(reading.said, *known)
        found = found.up_to(sum(one.message is None for one in said[: int(until)]))
    d = found.dialogue
    channel = d.channel if d.channel in CHANNELS else "web"
    circumstances = Circumstances(channel, d.country, d.locale, bool(form.get("drafts")))
    return _to(await trials.replay(staff.id, found, circumstances, f"conversation {ref}"))


# -- steps -------------------------------------------------------------------------------------------------------


def _trial(request: Request, staff: Account, console: Console) -> Trial:
    trial = console.desk.trials.of(staff.id, request.path_params["key"])
    if trial is None:
        raise missing("trial")
    return trial


def _to(trial: Trial) -> Redirect:
    return Redirect(f"{_TESTER}/{trial.key}#turn-{len(trial.turns)}")


def _number(given: str | None, most: int) -> int | None:
    return int(given) if given and given.isdecimal() and 0 < int(given) <= most else None


def _first_name(trial: Trial) -> str:
    """What was said first, as a name for the test."""
    if not trial.turns:
        return ""
    said = trial.turns[0].said
    return (said.say or said.press or "")[:80]


def _words(given: str) -> list[str]:
    return [word.strip() for word in given.split(",") if word.strip()]


def _choosing(trial: Trial, form: SaveForm, status: int = 200) -> Page:
    turns = [(tried, saving.choices(tried)) for tried in trial.turns]
    return Page("tester/save.html", status=status, trial=trial, turns=turns, form=form)


def _names(console: Console, passages: Sequence[str] | set[str]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    return content.titles(console.engine, passages), content.topics(console.engine)
