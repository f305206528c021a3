"""The log of the console, for admins."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

from starlette.requests import Request

from bot.staff.audit import read_audit, verbs
from bot.staff.console import Console, Page, page
from bot.staff.roles import Account, Role

_MOST = 100


@page("/log", role=Role.admin, title="Log", nav="Manage")
async def show_log(request: Request, staff: Account, console: Console) -> Page:
    """Who read or changed what, the newest first. Nothing here can be changed."""
    verb, who, before = (request.query_params.get(name, "") for name in ("verb", "who", "before"))
    entries, known, people = await asyncio.gather(
        asyncio.to_thread(
            read_audit, console.engine, verb=verb, account=_number(who), before=_number(before), most=_MOST + 1
        ),
        asyncio.to_thread(verbs, console.engine),
        asyncio.to_thread(console.accounts.list),
    )
    chosen = {name: value for name, value in (("verb", verb), ("who", who)) if value}
    older = urlencode({**chosen, "before": entries[_MOST - 1].id}) if len(entries) > _MOST else ""
    return Page(
        "manage/log.html",
        entries=entries[:_MOST],
        verbs=known,
        people=[one.account for one in people],
        verb=verb,
        who=who,
        newest=urlencode(chosen) if before else None,
        older=older,
    )


def _number(given: str) -> int | None:
    return int(given[:18]) if given.isdecimal() else None
