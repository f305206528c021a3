"""What went wrong: themes, problems with the conversation around them, and what is done about each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from wtforms import StringField, TextAreaField

from bot.articles.ranking import Query
from bot.staff.console import Console, Page, Redirect, missing, page
from bot.staff.forms import StaffForm, at_most, required
from bot.staff.mending.checks import id_from
from bot.staff.mending.desk import Desk, desk_of
from bot.staff.mending.editing import NotPossible
from bot.staff.mending.queue import ANSWERS, KINDS, Item
from bot.staff.roles import Account, Role
from bot.web.refusals import bad

WORKERS = (Role.tester, Role.editor, Role.clinician)
#: Problems that are sorted while somebody waits for the page; the others follow in the background.
_AT_ONCE = 10
_NEAR = 6
_THEME_KINDS = {"gap": "Questions alike", "passage": "About one answer", "safety": "Safety"}


class NameForm(StaffForm):
    """A name for a theme."""

    name = StringField("Name of the theme", validators=[required("Please give the theme a name."), at_most(200)])


class FlagForm(StaffForm):
    """A reply that somebody of staff finds wrong."""

    conversation = StringField("Conversation", validators=[required("Which conversation?")])
    message = StringField("Reply", validators=[required("Which reply?")])
    note = TextAreaField("What is wrong with it", validators=[required("Please say what is wrong."), at_most(500)])


@page("/queue", role=WORKERS, title="What went wrong", nav="Mend")
async def queue(request: Request, staff: Account, console: Console) -> Page:
    """Themes, or single problems, with filters."""
    desk, asked = desk_of(console), request.query_params
    kind, channel = asked.get("kind", ""), asked.get("channel", "")
    waiting, before = asked.get("show", "waiting") == "waiting", asked.get("before", "")
    single = asked.get("view") == "single"

    def read() -> Any:
        desk.queue.sort_new(_AT_ONCE)
        if single:
            return desk.queue.items(kind=kind, channel=channel, waiting=waiting, before=before)
        return desk.queue.themes(kind=kind, waiting=waiting, before=before)

    listing = await asyncio.to_thread(read)
    return Page(
        "mending/queue.html",
        listing=listing,
        single=single,
        kind=kind,
        channel=channel,
        waiting=waiting,
        kinds=KINDS,
        theme_kinds=_THEME_KINDS,
        answers=ANSWERS,
        older=_older(request, listing.older),
    )


@page("/queue/themes/{number:int}", role=WORKERS, title="Theme")
async def theme(request: Request, staff: Account, console: Console) -> Page:
    """One theme with its problems."""
    return await _theme(request, staff, console, NameForm())


@page("/queue/themes/{number:int}", role=WORKERS, title="Theme", methods=("POST",))
async def theme_change(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Name it, or ignore the problems that are ticked."""
    given, number = await console.form(request), request.path_params["number"]
    desk = desk_of(console)
    if given.get("do") == "ignore":
        chosen = [int(one) for one in given.getlist("item") if one.isdecimal()]
        done = await asyncio.to_thread(desk.queue.answer, staff, chosen, "ignored", given.get("note", ""))
        return Redirect(f"/staff/queue/themes/{number}", said=f"{done} ignored.")
    form = NameForm(given)
    if not form.validate():
        return await _theme(request, staff, console, form)
    await asyncio.to_thread(desk.queue.rename, staff, number, form.name.data)
    return Redirect(f"/staff/queue/themes/{number}", said="The theme has its name.")


async def _theme(request: Request, staff: Account, console: Console, form: NameForm) -> Page:
    desk, number = desk_of(console), request.path_params["number"]
    found = await asyncio.to_thread(desk.queue.theme, number)
    if found is None:
        raise missing("theme")
    if not form.name.data and not form.errors:
        form.name.data = found.name
    waiting = request.query_params.get("show", "waiting") == "waiting"
    listing = await asyncio.to_thread(
        lambda: desk.queue.items(theme=number, waiting=waiting, before=request.query_params.get("before", ""))
    )
    await asyncio.to_thread(console.audit, staff, "read problems", f"theme {number}")
    return Page(
        "mending/theme.html",
        heading=found.name,
        theme=found,
        listing=listing,
        waiting=waiting,
        form=form,
        kinds=KINDS,
        answers=ANSWERS,
        older=_older(request, listing.older),
    )


@page("/queue/{number:int}", role=WORKERS, title="Problem")
async def problem(request: Request, staff: Account, console: Console) -> Page:
    """A problem with the conversation around it, and ways to answer it."""
    return await _problem(request, staff, console)


async def _problem(request: Request, staff: Account, console: Console, wrong: str = "") -> Page:
    desk, number = desk_of(console), request.path_params["number"]

    def read() -> dict[str, Any]:
        desk.queue.sort_new(_AT_ONCE)
        item = desk.queue.item(number)
        if item is None:
            raise missing("problem")
        console.audit(staff, "read a problem", f"problem {number}")
        search = request.query_params.get("passage", "")
        return {
            "item": item,
            "lines": desk.queue.around(item),
            "near": _near(desk, console, item, search),
            "search": search,
            "known": desk.known if staff.may(Role.tester, Role.editor, Role.clinician) else None,
            "articles": desk.catalogue.articles(),
        }

    shown = await asyncio.to_thread(read)
    item: Item = shown["item"]
    return Page(
        "mending/problem.html",
        heading=f"{KINDS[item.kind]}: problem {item.id}",
        kinds=KINDS,
        answers=ANSWERS,
        wrong=wrong,
        status=400 if wrong else 200,
        **shown,
    )


def _near(desk: Desk, console: Console, item: Item, search: str) -> list[tuple[str, str, str]]:
    """Passages that could be the answer: (id, title, why it is listed)."""
    if search:
        found, _ = desk.catalogue.passages(words=search, state="published")
        return [(one.id, one.title, one.article) for one in found[:12]]
    listed = []
    if item.text:
        reading = desk.queue.reader.read(item.text)
        hits = console.articles.search(Query(item.text, reading.vector), _NEAR)
        listed = [(hit.passage.id, hit.passage.title, f"likeness {hit.score:.2f}") for hit in hits]
    return listed


async def _answer(
    request: Request, staff: Account, console: Console, answer: str, act: Callable[[Desk, Item, Any], str]
) -> Page | Redirect:
    """Do what `act` does, and mark the problem (and with "all" its whole theme) as answered.

    Args:
        act: gets desk, problem and form; what is said then; NotPossible is shown on the page.
    """
    desk, number, given = desk_of(console), request.path_params["number"], await console.form(request)

    def work() -> tuple[str, str]:
        item = desk.queue.item(number)
        if item is None:
            raise missing("problem")
        said = act(desk, item, given)
        numbers = [item.id]
        if given.get("all") and item.theme is not None:
            numbers += desk.queue.waiting_in(item.theme)
        done = desk.queue.answer(staff, numbers, answer, given.get("note", ""))
        more = f" {done - 1} more of its theme are answered by it." if done > 1 else ""
        return said + more, f"/staff/queue/themes/{item.theme}" if item.theme else "/staff/queue"

    try:
        said, back = await asyncio.to_thread(work)
    except NotPossible as refused:
        return await _problem(request, staff, console, str(refused))
    return Redirect(back, said=said)


@page("/queue/{number:int}/link", role=WORKERS, title="Problem", methods=("POST",))
async def link(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Propose the sentence as a way of asking for a passage."""

    def act(desk: Desk, item: Item, given: ImmutableMultiDict[str, str]) -> str:
        if not given.get("passage"):
            raise NotPossible("Please choose a passage.")
        desk.proposals.phrasing(staff, given.get("text", ""), given["passage"])
        return "Proposed. Once somebody else has accepted it, the passage answers this."

    return await _answer(request, staff, console, "linked", act)


@page("/queue/{number:int}/sentence", role=WORKERS, title="Problem", methods=("POST",))
async def sentence(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Propose the sentence for the training of an intent."""

    def act(desk: Desk, item: Item, given: ImmutableMultiDict[str, str]) -> str:
        intent, _, aspect = given.get("meaning", "").partition("/")
        desk.proposals.sentence(staff, given.get("text", ""), intent, aspect, desk.known)
        return "Proposed. Once somebody else has accepted it, the next training learns it."

    return await _answer(request, staff, console, "proposed", act)


@page("/queue/{number:int}/draft", role=(Role.editor, Role.clinician), title="Problem", methods=("POST",))
async def draft(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Begin a new passage with the sentence as its first way of asking."""
    made: list[int] = []

    def act(desk: Desk, item: Item, given: ImmutableMultiDict[str, str]) -> str:
        title = given.get("title", "").strip()
        if not title:
            raise NotPossible("Please give the new passage a title.")
        questions = (given["text"].strip(),) if given.get("text", "").strip() else ()
        made.append(desk.editing.begin_new(staff, id_from(title), given.get("article", ""), title, questions))
        return "The draft is begun. Write it below."

    answered = await _answer(request, staff, console, "drafted", act)
    return Redirect(f"/staff/drafts/{made[0]}", said=answered.said) if isinstance(answered, Redirect) else answered


@page("/queue/{number:int}/ignore", role=WORKERS, title="Problem", methods=("POST",))
async def ignore(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Nothing is to be done about it."""
    return await _answer(request, staff, console, "ignored", lambda desk, item, given: "Ignored.")


@page("/queue/{number:int}/reopen", role=WORKERS, title="Problem", methods=("POST",))
async def reopen(request: Request, staff: Account, console: Console) -> Redirect:
    """Take the answer back."""
    number = request.path_params["number"]
    await asyncio.to_thread(desk_of(console).queue.open_again, staff, number)
    return Redirect(f"/staff/queue/{number}", said="It waits for an answer again.")


@page("/queue/flag", role=WORKERS, title="Flag a reply", methods=("POST",))
async def flag(request: Request, staff: Account, console: Console) -> Redirect:
    """Put a reply into the queue by hand; `conversation` is the console's name of it."""
    form, desk = FlagForm(await console.form(request)), desk_of(console)
    if not form.validate():
        raise bad(" ".join(str(error) for errors in form.errors.values() for error in errors))
    try:
        conversation = await asyncio.to_thread(desk.queue.conversation, form.conversation.data)
        await asyncio.to_thread(desk.queue.flag, staff, conversation, form.message.data, form.note.data)
    except NotPossible as refused:
        raise missing("reply") from refused
    return Redirect(f"/staff/conversations/{form.conversation.data}", said="It is in the queue.")


def _older(request: Request, key: str | None) -> str:
    """The address of the next page of this list; empty at its end."""
    return str(request.url.include_query_params(before=key)).partition(request.url.netloc)[2] if key else ""
