"""Sentences that the bot is to learn: proposed by one person, accepted by another."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from bot.staff.console import Console, Page, Redirect, page
from bot.staff.mending.desk import desk_of
from bot.staff.mending.editing import NotPossible
from bot.staff.mending.proposals import accepted_file
from bot.staff.roles import Account, Role
from bot.web.refusals import bad

_STATES = {
    "waiting": "Wait for a second person",
    "accepted": "Accepted, not in a file yet",
    "exported": "In a file",
    "refused": "Refused",
}


@page("/proposals", role=(Role.tester, Role.editor, Role.clinician), title="Sentences to learn", nav="Mend")
async def proposals(request: Request, staff: Account, console: Console) -> Page:
    """The list, by what has become of them."""
    return await _list(request, staff, console)


async def _list(request: Request, staff: Account, console: Console, wrong: str = "", text: str = "") -> Page:
    desk, state, before = (
        desk_of(console),
        request.query_params.get("state", "waiting"),
        request.query_params.get("before", ""),
    )
    key = int(before) if before.isdecimal() else None
    rows, older = await asyncio.to_thread(lambda: desk.proposals.list(state, key))
    known = await asyncio.to_thread(lambda: desk.known)
    return Page(
        "mending/proposals.html",
        status=400 if wrong else 200,
        rows=rows,
        state=state,
        states=_STATES,
        known=known,
        wrong=wrong,
        text=text,
        decides=staff.may(Role.editor, Role.clinician),
        older=f"/staff/proposals?state={state}&before={older}" if older else "",
    )


@page("/proposals", role=(Role.tester, Role.editor, Role.clinician), title="Sentences to learn", methods=("POST",))
async def propose(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Propose a sentence without a problem behind it."""
    desk, given = desk_of(console), await console.form(request)
    intent, _, aspect = given.get("meaning", "").partition("/")
    try:
        await asyncio.to_thread(
            lambda: desk.proposals.sentence(staff, given.get("text", ""), intent, aspect, desk.known)
        )
    except NotPossible as refused:
        return await _list(request, staff, console, str(refused), given.get("text", ""))
    return Redirect("/staff/proposals", said="Proposed. Somebody else can accept it now.")


@page("/proposals/{number:int}", role=(Role.editor, Role.clinician), title="Sentences to learn", methods=("POST",))
async def decide(request: Request, staff: Account, console: Console) -> Page | Redirect:
    """Accept or refuse one; a way of asking for a passage works at once."""
    desk, given, number = desk_of(console), await console.form(request), request.path_params["number"]
    if given.get("do") not in ("accept", "refuse"):
        raise bad("Please accept or refuse it.")
    accept = given["do"] == "accept"
    try:
        changed = await asyncio.to_thread(
            lambda: desk.proposals.decide(staff, number, accept=accept, why=given.get("why", ""))
        )
    except NotPossible as refused:
        return await _list(request, staff, console, str(refused))
    if changed:
        await desk.published()
        return Redirect("/staff/proposals", said="Accepted. The passage is found by these words from now on.")
    return Redirect("/staff/proposals", said="Accepted. The next training learns it." if accept else "Refused.")


@page("/proposals/accepted.yml", role=(Role.editor, Role.clinician), title="Sentences to learn")
async def download(request: Request, staff: Account, console: Console) -> Response:
    """The accepted sentences that are in no file yet, in the form of `data/nlu`."""
    content = await asyncio.to_thread(accepted_file, console.engine)
    named = {"Content-Disposition": 'attachment; filename="accepted-sentences.yml"'}
    return Response(content, media_type="application/yaml", headers=named)
