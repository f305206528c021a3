"""The first page: how the bot does, in figures."""

from __future__ import annotations

from starlette.requests import Request

from bot.staff.console import Console, Page, page
from bot.staff.roles import Account, Role


@page("/", role=Role.viewer, title="Dashboard", nav="See")
async def dashboard(request: Request, staff: Account, console: Console) -> Page:
    """Conversations, what became of questions, ratings, times."""
    return Page("dashboard/show.html")
