"""Conversations: find them, read them, mark them."""

from __future__ import annotations

import asyncio
from datetime import date
from urllib.parse import urlencode

from starlette.requests import Request
from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.validators import Optional

from bot.staff.console import PAGES, Console, Page, Redirect, missing, page
from bot.staff.forms import StaffForm, at_most, required
from bot.staff.reading import COUNTED, KINDS, Conversations, Shown, Wanted, clean_tag
from bot.staff.roles import Account, Role
from bot.staff.words import CHANNELS, language_name
from bot.web.refusals import bad

#: Whoever works on answers may mark conversations; a viewer only reads.
_MARKING = (Role.tester, Role.editor, Role.clinician)
_LIST = "/conversations"
_KINDS = [(name, words) for name, (words, _) in KINDS.items()]


class FilterForm(StaffForm):
    """What the list is cut down to."""

    kind = SelectField("What happened", choices=[("", "Anything"), *_KINDS], default="")
    reviewed = SelectField("Reviewed", choices=[("", "Either"), ("no", "Not yet"), ("yes", "Yes")], default="")
    channel = SelectField("Channel", validate_choice=False, default="")
    language = SelectField("Language", validate_choice=False, default="")
    tag = SelectField("Tag", validate_choice=False, default="")
    first = DateField("From", validators=[Optional()])
    last = DateField("To", validators=[Optional()])

    def wanted(self) -> Wanted:
        """The filter; what cannot be understood does not count."""
        self.validate()
        words = {
            name: str(self[name].data)
            for name in ("kind", "reviewed", "channel", "language", "tag")
            if self[name].data not in (None, "", "None")
        }
        first, last = (one.data if isinstance(one.data, date) else None for one in (self.first, self.last))
        return Wanted(**words, first=first, last=last)


class TagForm(StaffForm):
    """A tag to be put on."""

    tag = StringField("Tag", validators=[required("Please type a tag."), at_most(40)])


class NoteForm(StaffForm):
    """A note to be written."""

    text = TextAreaField("Note", validators=[required("Please write something."), at_most(2_000)])


@page(_LIST, role=Role.viewer, title="Conversations", nav="See")
async def show_list(request: Request, staff: Account, console: Console) -> Page:
    """The list, the newest first."""
    conversations = Conversations(console.engine)
    form = FilterForm(request.query_params)
    wanted = form.wanted()
    if not console.settings.retention_days:
        return Page("conversations/nothing_kept.html")
    before, after = request.query_params.get("before", ""), request.query_params.get("after", "")
    (rows, newer, older), total, (channels, languages, tags) = await asyncio.gather(
        asyncio.to_thread(conversations.find, wanted, before=before, after=after),
        asyncio.to_thread(conversations.count, wanted),
        asyncio.to_thread(conversations.choices),
    )
    form.channel.choices = [("", "Any"), *((name, CHANNELS.get(name, name)) for name in channels)]
    form.language.choices = [("", "Any"), *((code, language_name(code)) for code in languages)]
    form.tag.choices = [("", "Any"), *((tag, tag) for tag in tags)]
    return Page(
        "conversations/list.html",
        form=form,
        rows=rows,
        total=total,
        counted=COUNTED,
        filtered=bool(wanted.query()),
        query=urlencode(wanted.query()),
        newer=_address(_LIST, wanted, after=rows[0].key) if newer and rows else "",
        older=_address(_LIST, wanted, before=rows[-1].key) if older and rows else "",
    )


@page(_LIST + "/{ref}", role=Role.viewer, title="Conversation")
async def show_one(request: Request, staff: Account, console: Console) -> Page:
    """What was said, with what staff put on it. Reading it is logged."""
    return await _shown(request, staff, console)


@page(_LIST + "/{ref}/reviewed", role=_MARKING, title="Conversation", methods=("POST",))
async def review(request: Request, staff: Account, console: Console) -> Redirect:
    """Mark it as reviewed, or as not; `then=next` goes on with the next one of the list."""
    ref, form = request.path_params["ref"], await console.form(request)
    conversations, done = Conversations(console.engine), form.get("done") == "yes"
    following = await _following(request, conversations) if form.get("then") == "next" else None
    if not await asyncio.to_thread(conversations.review, staff, ref, done):
        raise missing("conversation")
    said = "Marked as reviewed." if done else "Marked as not reviewed."
    if form.get("then") == "next":
        if following is None:
            return Redirect(_back(request), said=f"{said} That was the last one of this list.")
        return Redirect(_own(request, following), said=said)
    return Redirect(_own(request, ref), said=said)


@page(_LIST + "/{ref}/tags", role=_MARKING, title="Conversation", methods=("POST",))
async def tag(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Put a tag on, or take one off."""
    given, ref = await console.form(request), request.path_params["ref"]
    conversations = Conversations(console.engine)
    if off := given.get("off"):
        await asyncio.to_thread(conversations.tag, staff, ref, off, False)
        return Redirect(_own(request, ref), said=f"The tag “{clean_tag(off)}” was taken off.")
    form = TagForm(given)
    if not form.validate():
        return await _shown(request, staff, console, tag_form=form, status=400)
    if not await asyncio.to_thread(conversations.tag, staff, ref, form.tag.data):
        raise missing("conversation")
    return Redirect(_own(request, ref), said=f"The tag “{clean_tag(form.tag.data)}” was put on.")


@page(_LIST + "/{ref}/notes", role=_MARKING, title="Conversation", methods=("POST",))
async def note(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Write a note, or delete one's own."""
    given, ref = await console.form(request), request.path_params["ref"]
    conversations = Conversations(console.engine)
    if off := given.get("delete"):
        if not off.isdecimal():
            raise bad("Please use the form on the page.")
        await asyncio.to_thread(conversations.delete_note, staff, ref, int(off[:18]))
        return Redirect(_own(request, ref), said="The note was deleted.")
    form = NoteForm(given)
    if not form.validate():
        return await _shown(request, staff, console, note_form=form, status=400)
    if not await asyncio.to_thread(conversations.note, staff, ref, form.text.data):
        raise missing("conversation")
    return Redirect(_own(request, ref), said="The note was written.")


async def _shown(
    request: Request,
    staff: Account,
    console: Console,
    *,
    tag_form: TagForm | None = None,
    note_form: NoteForm | None = None,
    status: int = 200,
) -> Page:
    until = request.query_params.get("until", "")
    conversations = Conversations(console.engine)
    shown: Shown | None = None
    if console.settings.retention_days:
        ref = request.path_params["ref"]
        shown = await asyncio.to_thread(
            conversations.read, staff, ref, until=int(until[:9]) if until.isdecimal() else None
        )
    if shown is None:
        raise missing("conversation")
    following = await _following(request, conversations)
    return Page(
        "conversations/one.html",
        status=status,
        heading=f"Conversation {shown.row.ref}",
        shown=shown,
        row=shown.row,
        tag_form=tag_form or TagForm(),
        note_form=note_form or NoteForm(),
        marking=staff.may(*_MARKING),
        testing=next((one for one in PAGES if one.path == "/replay/{ref}" and staff.may(*one.roles)), None) is not None,
        back=_back(request),
        here=f"?{request.url.query}" if request.url.query else "",
        following=_own(request, following) if following else "",
        earlier=_earlier(request, shown),
    )


def _wanted(request: Request) -> Wanted:
    """The filter of the list that somebody came from; it stands in the address of the conversation as well."""
    return FilterForm(request.query_params).wanted()


async def _following(request: Request, conversations: Conversations) -> str | None:
    """The conversation after this one in the list that somebody came from."""
    here = await asyncio.to_thread(conversations.place_of, request.path_params["ref"])
    if here is None:
        return None
    rows, _, _ = await asyncio.to_thread(conversations.find, _wanted(request), before=here, most=1)
    return rows[0].ref if rows else None


def _address(path: str, wanted: Wanted, **more: str) -> str:
    query = urlencode({**wanted.query(), **more})
    return f"/staff{path}" + (f"?{query}" if query else "")


def _back(request: Request) -> str:
    return _address(_LIST, _wanted(request))


def _own(request: Request, ref: str) -> str:
    return _address(f"{_LIST}/{ref}", _wanted(request))


def _earlier(request: Request, shown: Shown) -> str:
    if not shown.earlier:
        return ""
    return _address(f"{_LIST}/{shown.row.ref}", _wanted(request), until=str(shown.earlier))
