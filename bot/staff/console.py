"""What the pages of the console share, and how a page is made.

    @page("/bench", role=Role.tester, title="Phrase bench", nav="Test")
    async def bench(request: Request, staff: Account, console: Console) -> Page:
        rows = await asyncio.to_thread(read_rows, console.engine)
        return Page("bench/list.html", rows=rows)

    @page("/bench", role=Role.tester, title="Phrase bench", methods=("POST",))
    async def add(request: Request, staff: Account, console: Console) -> Redirect:
        form = await console.form(request)          # already read and checked: it comes from our own page
        ...
        return Redirect("/staff/bench", said="The phrase was added.")

Only somebody who is signed in and has the role gets as far as the handler; see `bot.staff.door`. Work on the database
blocks and belongs into a thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import Response

from bot.settings import Settings
from bot.staff.accounts import Accounts
from bot.staff.audit import write_audit
from bot.staff.roles import Account, Role
from bot.web.refusals import Refusal

if TYPE_CHECKING:
    from bot.articles.store import ArticleStore
    from bot.staff.testing.desk import Desk


class Page:
    """A page to be shown: a template below `templates/`, and what it is filled with.

    The template sees besides: `staff`, `title`, `csrf`, `said`, `areas` (the navigation), `path` and `asset(name)`.
    `status` is the HTTP status, `heading` replaces the title that the page was registered with.
    """

    def __init__(self, template: str, *, status: int = 200, heading: str | None = None, **context: Any) -> None:
        self.template, self.status, self.heading, self.context = template, status, heading, context


@dataclass(frozen=True)
class Redirect:
    """Go to `path` (below /staff), where `said` is shown once above the page."""

    path: str
    said: str = ""


Handler = Callable[[Request, Account, "Console"], Awaitable[Page | Redirect | Response]]


@dataclass(frozen=True)
class Registered:
    """A page: its path below /staff, who may see it, and where it stands in the navigation (None: nowhere)."""

    path: str
    roles: tuple[Role, ...]
    title: str
    methods: tuple[str, ...]
    nav: str | None
    handler: Handler


#: All pages, in the order in which their modules were imported.
PAGES: list[Registered] = []


def page(
    path: str,
    *,
    role: Role | tuple[Role, ...],
    title: str,
    methods: Sequence[str] = ("GET",),
    nav: str | None = None,
) -> Callable[[Handler], Handler]:
    """Register a page.

    Args:
        path: below /staff, in Starlette's form: `/conversations/{ref}`.
        role: who may see it; with several, whoever has one of them.
        methods: ("GET",) or ("POST",); the two need a handler each, since only GET must change nothing.
        nav: the area of the navigation in which a link to it stands.

    Raises:
        ValueError: the path is no path or taken, there is no role, or the method is another one.
    """
    roles = role if isinstance(role, tuple) else (role,)
    if not roles or not all(isinstance(one, Role) for one in roles):
        raise ValueError(f"{path}: a page of the console needs a role")
    if not path.startswith("/") or (path != "/" and path.endswith("/")):
        raise ValueError(f"{path!r} must begin with / and not end with it")
    if tuple(methods) not in (("GET",), ("POST",)):
        raise ValueError(f"{path}: a handler is for GET or for POST")
    if any(known.path == path and known.methods == tuple(methods) for known in PAGES):
        raise ValueError(f"{methods[0]} {path} is registered already")

    def register(handler: Handler) -> Handler:
        PAGES.append(Registered(path, roles, title, tuple(methods), nav, handler))
        return handler

    return register


class Console:
    """What pages share."""

    def __init__(self, settings: Settings, engine: sa.Engine, bot: Any) -> None:
        """
        Args:
            bot: what answers visitors (`bot.service.Bot`).
        """
        self.settings, self.engine, self.bot = settings, engine, bot
        self.accounts = Accounts(engine)

    @cached_property
    def articles(self) -> ArticleStore:
        """What is published, with what ranks it: the bot's own where it has one, so that both serve the same."""
        own: ArticleStore | None = getattr(self.bot, "articles", None)
        if own is not None:
            return own
        from bot.articles.store import ArticleStore
        from bot.language.reader import shared_reader

        return ArticleStore(self.engine, shared_reader(self.settings.data))

    @cached_property
    def desk(self) -> Desk:
        """Where dialogues are tested: trials, saved dialogues and their runs."""
        from bot.staff.testing.desk import make_desk

        return make_desk(self.settings, self.engine, self.bot)

    async def form(self, request: Request) -> ImmutableMultiDict[str, str]:
        """The fields of the form that was sent; empty for GET. `getlist` has those of one name."""
        return getattr(request.state, "form", None) or ImmutableMultiDict()

    def audit(
        self,
        staff: Account | None,
        verb: str,
        subject: str,
        detail: str | None = None,
        connection: sa.Connection | None = None,
    ) -> None:
        """Write into the log, which nobody can change: "read", "conversation 3fa9c1". Blocks.

        Args:
            staff: who did it; None: the command line.
            verb: what was done, at most 60 characters; subject: to what, at most 200.
            detail: more about it. None of them may hold a word that a visitor wrote.
            connection: the transaction that the change belongs to; None: a transaction of its own.
        """
        if connection is not None:
            write_audit(connection, staff, verb, subject, detail)
            return
        with self.engine.begin() as own:
            write_audit(own, staff, verb, subject, detail)


def missing(what: str = "page") -> Refusal:
    """404 for a handler to raise: there is no such thing (any more)."""
    return Refusal(404, "not_found", f"There is no such {what}, or it has been deleted.")
