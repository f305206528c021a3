"""How the content is: what needs a person, by reason."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from bot.staff.console import Console, Page, missing, page
from bot.staff.mending.desk import desk_of
from bot.staff.mending.health import CONCERNS, SHOWN
from bot.staff.roles import Account, Role

#: What a row of a list leads to.
_ADDRESSES = {"passage": "/staff/passages/{id}", "theme": "/staff/queue/themes/{id}", "source": ""}


@page("/health", role=Role.viewer, title="Content health", nav="Mend")
async def health(request: Request, staff: Account, console: Console) -> Page:
    """Every reason, with how many and the first few."""
    concerns = await asyncio.to_thread(desk_of(console).health.overview)
    return Page("mending/health.html", concerns=concerns, addresses=_ADDRESSES)


@page("/health/{name}", role=Role.viewer, title="Content health")
async def concern(request: Request, staff: Account, console: Console) -> Page:
    """One reason with all of its rows, in pages."""
    name, given = request.path_params["name"], request.query_params.get("page", "1")
    number = min(max(int(given), 1), 10_000) if given.isdecimal() else 1
    if name not in CONCERNS:
        raise missing("list")
    found = await asyncio.to_thread(lambda: desk_of(console).health.concern(name, skip=(number - 1) * SHOWN))
    more = number * SHOWN < found.count
    return Page(
        "mending/concern.html",
        heading=found.title,
        concern=found,
        addresses=_ADDRESSES,
        newer=f"/staff/health/{name}?page={number - 1}" if number > 1 else "",
        older=f"/staff/health/{name}?page={number + 1}" if more else "",
    )
