"""Passages: find them, see what became of their words, write drafts, approve, publish, bring back, switch off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from wtforms import SelectField, StringField, TextAreaField

from bot.articles.check import LEAST_PHRASINGS, MOST_SOURCES
from bot.articles.source_files import Section
from bot.message import Review
from bot.staff.console import Console, Page, Redirect, missing, page
from bot.staff.forms import StaffForm, at_most, required
from bot.staff.mending.catalogue import STATES, WORK
from bot.staff.mending.checks import Looked, id_from
from bot.staff.mending.desk import Desk, desk_of
from bot.staff.mending.difference import between
from bot.staff.mending.editing import REVIEW_AFTER, Draft, NotPossible
from bot.staff.mending.preview import limits, on_channels
from bot.staff.roles import Account, Role

WRITERS = (Role.editor, Role.clinician)
READERS = (Role.tester, Role.editor, Role.clinician)


class NewForm(StaffForm):
    """Where a new passage begins."""

    title = StringField("Title", validators=[required("Please give a title."), at_most(60)])
    article = SelectField("Article that it belongs to")


class DraftForm(StaffForm):
    """The words of a draft. Lists are one entry a line; an unfinished draft may be saved."""

    title = StringField("Title", validators=[at_most(200)])
    lead = TextAreaField("First paragraph", validators=[at_most(2_000)])
    details = TextAreaField("Further paragraphs", validators=[at_most(6_000)])
    questions = TextAreaField("Ways of asking", validators=[at_most(6_000)])
    drugs = StringField("Medicines that it is about", validators=[at_most(300)])
    why = StringField("What you changed, and why", validators=[at_most(1_000)])


# -- finding ---------------------------------------------------------------------------------------------------------


@page("/passages", role=READERS, title="Passages", nav="Mend")
async def passages(request: Request, staff: Account, console: Console) -> Page:
    """All passages, narrowed by words, topic and state."""
    desk, asked = desk_of(console), request.query_params
    words, topic, state = asked.get("words", "").strip(), asked.get("topic", ""), asked.get("state", "")

    def read() -> Any:
        found = desk.catalogue.passages(words=words, topic=topic, state=state, after=asked.get("after", ""))
        return found, desk.catalogue.topics()

    (listed, after), topics = await asyncio.to_thread(read)
    return Page(
        "mending/passages.html",
        listed=listed,
        topics=topics,
        titles={one.name: one.title for one in topics},
        words=words,
        topic=topic,
        state=state,
        states=STATES,
        work=WORK,
        older=_address(request, after=after) if after else "",
        writes=staff.may(*WRITERS),
    )


@page("/passages/{name}", role=READERS, title="Passage")
async def passage(request: Request, staff: Account, console: Console) -> Page:
    """The words of today, every revision with its ratings, and what can be done."""
    return await _passage(request, staff, console)


async def _passage(request: Request, staff: Account, console: Console, wrong: str = "") -> Page:
    desk, name = desk_of(console), request.path_params["name"]

    def read() -> dict[str, Any]:
        shown = desk.catalogue.passage(name)
        if shown is None:
            raise missing("passage")
        number = request.query_params.get("revision", "")
        chosen = next((one for one in shown.revisions if number and str(one.number) == number), None)
        chosen = chosen or shown.published or shown.revisions[0]
        today = shown.published.section if shown.published else None
        return {
            "shown": shown,
            "chosen": chosen,
            "changes": between(today, chosen.section) if today and chosen is not shown.published else (),
            "sources": desk.checker.content.sources,
        }

    context = await asyncio.to_thread(read)
    return Page(
        "mending/passage.html",
        heading=context["chosen"].section.title or name,
        wrong=wrong,
        status=400 if wrong else 200,
        writes=staff.may(*WRITERS),
        work=WORK,
        **context,
    )


# -- what is published ---------------------------------------------------------------------------------------------


@page("/passages/{name}/draft", role=WRITERS, title="Passage", methods=("POST",))
async def begin(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Open the draft of a passage, or begin one with the words of today."""
    try:
        number = await asyncio.to_thread(desk_of(console).editing.begin, staff, request.path_params["name"])
    except NotPossible as refused:
        return await _passage(request, staff, console, str(refused))
    return Redirect(f"/staff/drafts/{number}")


async def _change(request: Request, staff: Account, console: Console, act: Callable[[Desk, str, Any], str]) -> Any:
    """Change what visitors get of a passage, at once in this process; the reason must be given."""
    desk, name, given = desk_of(console), request.path_params["name"], await console.form(request)
    try:
        if not given.get("why", "").strip():
            raise NotPossible("Please say why, for those who come after you.")
        said = await asyncio.to_thread(act, desk, name, given)
    except NotPossible as refused:
        return await _passage(request, staff, console, str(refused))
    await desk.published()
    return Redirect(f"/staff/passages/{name}", said=said)


@page("/passages/{name}/switch", role=WRITERS, title="Passage", methods=("POST",))
async def switch(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Switch a passage off, or on again."""

    def act(desk: Desk, name: str, given: Any) -> str:
        off = given.get("do") == "off"
        desk.editing.switch(staff, "passage", name, given["why"].strip(), off=off)
        return "It is switched off: nobody is shown it from now on." if off else "It is switched on again."

    changed: Page | Redirect = await _change(request, staff, console, act)
    return changed


@page("/passages/{name}/retire", role=WRITERS, title="Passage", methods=("POST",))
async def retire(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Take a passage away for good."""

    def act(desk: Desk, name: str, given: Any) -> str:
        desk.editing.retire(staff, name, given["why"].strip())
        return "It is retired. Every revision is kept and can be brought back."

    changed: Page | Redirect = await _change(request, staff, console, act)
    return changed


@page("/passages/{name}/roll-back", role=WRITERS, title="Passage", methods=("POST",))
async def roll_back(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Publish the words of an earlier revision again."""

    def act(desk: Desk, name: str, given: Any) -> str:
        revision = given.get("revision", "")
        desk.editing.roll_back(staff, name, int(revision) if revision.isdecimal() else 0, given["why"].strip())
        return "The earlier words are published again."

    changed: Page | Redirect = await _change(request, staff, console, act)
    return changed


@page("/topics", role=READERS, title="Topics")
async def topics(request: Request, staff: Account, console: Console) -> Page:
    """All topics, and which are switched off."""
    lines = await asyncio.to_thread(desk_of(console).catalogue.topics)
    return Page("mending/topics.html", topics=lines, writes=staff.may(*WRITERS), wrong="")


@page("/topics/{name}/switch", role=WRITERS, title="Topics", methods=("POST",))
async def switch_topic(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Switch all answers of a topic off, or on again."""
    desk, name, given = desk_of(console), request.path_params["name"], await console.form(request)
    off, why = given.get("do") == "off", given.get("why", "").strip()
    if not why:
        lines = await asyncio.to_thread(desk.catalogue.topics)
        wrong = "Please say why, for those who come after you."
        return Page("mending/topics.html", status=400, topics=lines, writes=True, wrong=wrong)
    try:
        await asyncio.to_thread(lambda: desk.editing.switch(staff, "topic", name, why, off=off))
    except NotPossible:
        raise missing("topic") from None
    await desk.published()
    return Redirect("/staff/topics", said=f"The topic is switched {'off' if off else 'on again'}.")


# -- drafts ----------------------------------------------------------------------------------------------------------


@page("/drafts", role=READERS, title="Drafts", nav="Mend")
async def drafts(request: Request, staff: Account, console: Console) -> Page:
    """What is being written, waits for approval or for publication."""
    state, before = request.query_params.get("state", ""), request.query_params.get("before", "")
    key = int(before) if before.isdecimal() else None
    listed, older = await asyncio.to_thread(desk_of(console).catalogue.drafts, state, key)
    return Page(
        "mending/drafts.html",
        listed=listed,
        state=state,
        work=WORK,
        older=_address(request, before=older) if older else "",
        writes=staff.may(*WRITERS),
    )


@page("/new-passage", role=WRITERS, title="New passage")
async def new(request: Request, staff: Account, console: Console) -> Page:
    """Where a new passage begins."""
    return await _new(console, NewForm())


@page("/new-passage", role=WRITERS, title="New passage", methods=("POST",))
async def new_made(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Begin it."""
    form, desk = NewForm(await console.form(request)), desk_of(console)
    form.article.choices = await asyncio.to_thread(_articles, desk)
    if form.validate():
        try:
            number = await asyncio.to_thread(
                lambda: desk.editing.begin_new(staff, id_from(form.title.data), form.article.data, form.title.data)
            )
            return Redirect(f"/staff/drafts/{number}")
        except NotPossible as refused:
            form.title.errors = [*form.title.errors, str(refused)]
    return await _new(console, form)


async def _new(console: Console, form: NewForm) -> Page:
    form.article.choices = await asyncio.to_thread(_articles, desk_of(console))
    return Page("mending/new.html", status=400 if form.errors else 200, form=form)


def _articles(desk: Desk) -> list[tuple[str, str]]:
    return [(name, f"{topic}: {title}") for name, title, topic in desk.catalogue.articles()]


@page("/drafts/{number:int}", role=READERS, title="Draft")
async def draft(request: Request, staff: Account, console: Console) -> Page:
    """A draft with its checks, its look on every channel, and what it changes."""
    return await _draft(request, staff, console)


async def _draft(
    request: Request, staff: Account, console: Console, wrong: str = "", section: Section | None = None, why: str = ""
) -> Page:
    """The page of a draft.

    Args:
        wrong: why something was not done; section, why: what was typed, where it has not been saved.
    """
    desk, number = desk_of(console), request.path_params["number"]

    def read() -> dict[str, Any]:
        found = desk.editing.draft(number)
        if found is None:
            raise missing("draft")
        shown = desk.catalogue.passage(found.section.id)
        words = section or found.section
        today = shown.published.section if shown and shown.published else None
        looked = desk.look(words, found.topic)
        return {
            "draft": found,
            "section": words,
            "shown": shown,
            "looked": looked,
            "figures": limits(looked),
            "channels": _channels(desk, words, found),
            "changes": between(today, words),
            "topic": desk.checker.content.topics[found.topic],
            "facts": desk.checker.content.facts,
            "sources": {n: s for n, s in desk.checker.content.sources.items() if s.publisher},
        }

    context = await asyncio.to_thread(read)
    found: Draft = context["draft"]
    return Page(
        "mending/draft.html",
        status=400 if wrong else 200,
        heading=f"Draft: {context['section'].title or found.section.id}",
        wrong=wrong,
        why=why or found.why,
        writes=staff.may(*WRITERS),
        own=found.written_by(staff),
        clinician=Role.clinician in staff.roles,
        work=WORK,
        due=(date.today() + REVIEW_AFTER).isoformat(),
        most_sources=MOST_SOURCES,
        least_phrasings=LEAST_PHRASINGS,
        **context,
    )


def _channels(desk: Desk, section: Section, draft: Draft) -> Any:
    review = Review("reviewed", draft.approved.date().isoformat(), draft.approver_name) if draft.approved else None
    return on_channels(desk.message(section, draft.topic, review or Review("unreviewed")))


def _typed(given: Any, passage: str) -> tuple[Section, str, DraftForm]:
    """What a form holds, as the words of a passage, with what was said about them."""
    form = DraftForm(given)
    paragraphs = [" ".join(part.split()) for part in (form.details.data or "").replace("\r", "").split("\n\n")]
    section = Section(
        id=passage,
        title=" ".join((form.title.data or "").split()),
        aspects=_chosen(given.getlist("aspect")),
        drugs=_chosen((form.drugs.data or "").lower().split(",")),
        facts=_chosen(given.getlist("fact")),
        sources=_chosen(given.getlist("source")),
        questions=_chosen((form.questions.data or "").splitlines()),
        lead=" ".join((form.lead.data or "").split()),
        details=tuple(part for part in paragraphs if part),
    )
    return section, form.why.data or "", form


def _chosen(entries: list[str]) -> tuple[str, ...]:
    """The entries that are not empty, each once, without the words that explain an id ("label - The label")."""
    return tuple(dict.fromkeys(entry.strip() for entry in entries if entry.strip()))


@page("/drafts/{number:int}", role=WRITERS, title="Draft", methods=("POST",))
async def save(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Save what was typed; with "send" also ask for approval."""
    desk, number, given = desk_of(console), request.path_params["number"], await console.form(request)

    def work() -> str:
        found = desk.editing.draft(number)
        if found is None:
            raise NotPossible("This draft has been published or thrown away meanwhile.")
        if given.get("version") != found.version:
            raise NotPossible("Somebody else has changed this draft meanwhile. Your words are below, and not saved.")
        section, why, form = _typed(given, found.section.id)
        if not form.validate():
            raise NotPossible(" ".join(f"{form[name].label.text}: {said[0]}" for name, said in form.errors.items()))
        unknown = [s for s in section.sources if s not in desk.checker.content.sources]
        if unknown:
            raise NotPossible(f"There is no source {unknown[0]}. Please choose one of the list.")
        desk.editing.save(staff, found, section, why)
        if given.get("do") != "send":
            return "Saved."
        if must := desk.look(section, found.topic).must:
            return f"Saved, but not sent: {len(must)} things must be mended first."
        found = desk.editing.draft(number)
        assert found is not None
        desk.editing.send(staff, found)
        return "Sent. A clinician who wrote none of it can approve it now."

    try:
        said = await asyncio.to_thread(work)
    except NotPossible as refused:
        found = await asyncio.to_thread(desk.editing.draft, number)
        if found is None:
            raise missing("draft") from None
        section, why, _ = _typed(given, found.section.id)
        return await _draft(request, staff, console, str(refused), section, why)
    return Redirect(f"/staff/drafts/{number}", said=said)


@page("/drafts/{number:int}/check", role=WRITERS, title="Draft", methods=("POST",))
async def check(request: Request, staff: Account, console: Console) -> JSONResponse:
    """The checks and previews of what is being typed, for the page's script; nothing is kept."""
    desk, number, given = desk_of(console), request.path_params["number"], await console.form(request)

    def work() -> dict[str, Any]:
        found = desk.editing.draft(number)
        if found is None:
            raise missing("draft")
        section, _, _ = _typed(given, found.section.id)
        looked = desk.look(section, found.topic)
        return {
            "figures": limits(looked),
            "must": _lines(looked, must=True),
            "look": _lines(looked, must=False),
            "channels": [
                {
                    "name": one.name,
                    "note": one.note,
                    "messages": [{"text": m.text, "length": m.length, "most": m.most} for m in one.messages],
                }
                for one in _channels(desk, section, found)
            ],
        }

    return JSONResponse(await asyncio.to_thread(work))


def _lines(looked: Looked, *, must: bool) -> list[str]:
    return [f"{one.what}: {one.text}" for one in looked.found if one.must is must]


async def _step(
    request: Request, staff: Account, console: Console, act: Callable[[Desk, Draft, Any], str], back: str = ""
) -> Page | Redirect:
    """Move a draft on, if it is still what the person saw."""
    desk, number, given = desk_of(console), request.path_params["number"], await console.form(request)

    def work() -> tuple[str, str]:
        found = desk.editing.draft(number)
        if found is None:
            raise missing("draft")
        if given.get("version") != found.version:
            raise NotPossible("Somebody else has changed this draft meanwhile. Please look at it again.")
        return act(desk, found, given), found.section.id

    try:
        said, name = await asyncio.to_thread(work)
    except NotPossible as refused:
        return await _draft(request, staff, console, str(refused))
    return Redirect(back.format(name=name) or f"/staff/drafts/{number}", said=said)


@page("/drafts/{number:int}/approve", role=(Role.clinician,), title="Draft", methods=("POST",))
async def approve(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Stand behind the words of somebody else; with "publish" they are live at once."""

    def act(desk: Desk, found: Draft, given: Any) -> str:
        looked = desk.look(found.section, found.topic)
        if looked.must:
            raise NotPossible("Some things must be mended first.")
        if looked.look and not given.get("looked"):
            raise NotPossible("Please confirm that you have looked at every point to look at.")
        try:
            due = date.fromisoformat(given["due"]) if given.get("due") else None
        except ValueError:
            raise NotPossible("Please give the day of the next review as 2027-05-22.") from None
        desk.editing.approve(staff, found, due)
        return "Approved. It can be published now."

    done = await _step(request, staff, console, act)
    if isinstance(done, Redirect) and (await console.form(request)).get("do") == "publish":
        return await _publish(request, staff, console)
    return done


@page("/drafts/{number:int}/publish", role=WRITERS, title="Draft", methods=("POST",))
async def publish(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Let visitors have approved words."""
    given, found = (
        await console.form(request),
        await asyncio.to_thread(desk_of(console).editing.draft, request.path_params["number"]),
    )
    if found is not None and given.get("version") != found.version:
        return await _draft(request, staff, console, "Somebody else has changed this draft meanwhile.")
    return await _publish(request, staff, console)


async def _publish(request: Request, staff: Account, console: Console) -> Page | Redirect:
    desk, number = desk_of(console), request.path_params["number"]

    def work() -> str:
        found = desk.editing.draft(number)
        if found is None:
            raise missing("draft")
        desk.editing.publish(staff, found)
        return found.section.id

    try:
        name = await asyncio.to_thread(work)
    except NotPossible as refused:
        return await _draft(request, staff, console, str(refused))
    await desk.published()
    return Redirect(f"/staff/passages/{name}", said="Published. Visitors get these words from now on.")


@page("/drafts/{number:int}/send-back", role=(Role.clinician,), title="Draft", methods=("POST",))
async def send_back(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Say what has to change."""

    def act(desk: Desk, found: Draft, given: Any) -> str:
        if not given.get("answer", "").strip():
            raise NotPossible("Please say what has to change.")
        desk.editing.send_back(staff, found, given["answer"].strip())
        return "Sent back."

    return await _step(request, staff, console, act)


@page("/drafts/{number:int}/throw-away", role=WRITERS, title="Draft", methods=("POST",))
async def throw_away(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Delete a draft; what is published stays."""

    def act(desk: Desk, found: Draft, given: Any) -> str:
        desk.editing.throw_away(staff, found)
        return "The draft is gone."

    return await _step(request, staff, console, act, back="/staff/drafts")


def _address(request: Request, **changed: Any) -> str:
    """The address of this page with other parameters."""
    return str(request.url.include_query_params(**changed)).partition(request.url.netloc)[2]
