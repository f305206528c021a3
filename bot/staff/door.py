"""The way into the console: every request comes through here, and no handler runs before all has been checked.

Who is it (a session), may they (the role of the page), does the form come from our own page (a token of the session,
and what the browser says of its origin)? Then the handler runs, and its page is rendered.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, quote

import sqlalchemy as sa
from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.settings import Settings
from bot.staff import pages
from bot.staff.accounts import LONGEST, SignedIn
from bot.staff.addresses import JOIN, PREFIX, SIGN_IN, own_path
from bot.staff.console import PAGES, Console, Page, Redirect, Registered, missing
from bot.staff.entrance import Entrance
from bot.staff.view import View
from bot.web.keys import Keys
from bot.web.middleware import is_own
from bot.web.reading import read_body
from bot.web.refusals import Refusal, bad

#: Fields that a form may have.
_MOST_FIELDS = 2_000

_Open = Callable[[Request], Awaitable[Page | Redirect | Response]]


def staff_routes(settings: Settings, engine: sa.Engine, bot: Any) -> list[Route]:
    """The routes of the console, with every page registered."""
    pages.register()
    return Door(Console(settings, engine, bot)).routes()


class Door:
    """The routes of the console."""

    def __init__(self, console: Console) -> None:
        self._console, self._settings = console, console.settings
        self._view = View(console.settings)
        keys = Keys.of(console.settings)
        self._form_keys = keys.all("staff form")
        self._said = URLSafeTimedSerializer(
            keys.current("staff notice"), signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )
        self._https = console.settings.public_url.startswith("https:")
        prefix = "__Host-" if self._https else ""
        self._session_cookie, self._form_cookie, self._said_cookie = (
            f"{prefix}evenkeel-staff{name}" for name in ("", "-form", "-said")
        )
        self._admin_known = False

    def routes(self) -> list[Route]:
        """All addresses below /staff."""
        entrance = Entrance(self._console)
        return [
            Route(f"{PREFIX}/static/{{name}}", self._static, methods=["GET"]),
            self._open(SIGN_IN, "GET", entrance.show, "Sign in"),
            self._open(SIGN_IN, "POST", entrance.sign_in, "Sign in"),
            self._open(f"{JOIN}/{{token}}", "GET", entrance.welcome, "Welcome"),
            self._open(f"{JOIN}/{{token}}", "POST", entrance.join, "Welcome"),
            *(self._guarded(page) for page in PAGES),
            Route(f"{PREFIX}/{{rest:path}}", self._nothing, methods=["GET"]),
        ]

    # -- routes ------------------------------------------------------------------------------------------------

    def _guarded(self, page: Registered) -> Route:
        async def endpoint(request: Request) -> Response:
            return await self._answer(request, page.title, lambda: self._pass(request, page))

        endpoint.__name__ = f"staff_{page.handler.__name__}"
        path = PREFIX + page.path if page.path != "/" else PREFIX
        return Route(path, endpoint, methods=list(page.methods))

    def _open(self, path: str, method: str, handler: _Open, title: str) -> Route:
        """A page that is seen without being signed in."""

        async def endpoint(request: Request) -> Response:
            async def passed() -> Page | Redirect | Response:
                request.state.signed_in = None
                if method == "POST":
                    await self._read_form(request)
                return await handler(request)

            return await self._answer(request, title, passed)

        endpoint.__name__ = f"staff_{handler.__name__}"
        return Route(path, endpoint, methods=[method])

    async def _static(self, request: Request) -> Response:
        return self._view.file(request) or Response("Not found.\n", 404)

    async def _nothing(self, request: Request) -> Response:
        async def passed() -> Page | Redirect | Response:
            await self._who(request)
            raise missing()

        return await self._answer(request, "Not found", passed)

    # -- what every request goes through -----------------------------------------------------------------------

    async def _answer(
        self, request: Request, title: str, passed: Callable[[], Awaitable[Page | Redirect | Response]]
    ) -> Response:
        """What `passed` gives, as a response; a refusal becomes a page that says why."""
        request.state.form_secret = ""
        request.state.new_session = None
        try:
            if not await self._is_on(request):
                raise missing()
            result = await passed()
        except Refusal as refusal:
            result = Page(
                "problem.html",
                status=refusal.status,
                heading=_HEADINGS.get(refusal.status, "That did not work"),
                sentence=refusal.sentence,
            )
            response = self._shown(request, result, title)
            response.headers.update(refusal.headers)
            return response
        if isinstance(result, Page):
            return self._shown(request, result, title)
        response = self._gone(result) if isinstance(result, Redirect) else result
        if request.state.new_session is not None:
            self._set(response, self._session_cookie, request.state.new_session, int(LONGEST.total_seconds()))
        return response

    async def _pass(self, request: Request, page: Registered) -> Page | Redirect | Response:
        signed_in = await self._who(request)
        if signed_in is None:
            return RedirectResponse(f"{SIGN_IN}?next={quote(_back_to(request))}", 303)
        if not signed_in.account.may(*page.roles):
            named = " or ".join(role.value for role in page.roles)
            raise Refusal(
                403, "role", f"This page is for the role {named}, which you do not have. An admin can give it to you."
            )
        if "POST" in page.methods:
            await self._read_form(request)
        return await page.handler(request, signed_in.account, self._console)

    async def _who(self, request: Request) -> SignedIn | None:
        """Who is signed in in this browser."""
        token = request.cookies.get(self._session_cookie, "")
        found = await asyncio.to_thread(self._console.accounts.signed_in, token) if token else None
        request.state.signed_in = found
        return found

    async def _is_on(self, request: Request) -> bool:
        """Whether there is a console at all (STAFF_CONSOLE); a link that works opens it for the first admin."""
        if self._settings.staff_console is not None:
            return self._settings.staff_console
        if self._settings.only_this_machine or self._admin_known:
            return True
        self._admin_known = await asyncio.to_thread(self._console.accounts.any_admin)
        token = request.path_params.get("token")
        return self._admin_known or bool(token and await asyncio.to_thread(self._console.accounts.invited, token))

    # -- forms -------------------------------------------------------------------------------------------------

    async def _read_form(self, request: Request) -> None:
        """Read the form into `request.state.form`.

        Raises:
            Refusal: 403 when it does not come from a page of this session, 400 or 413 when it is no form.
        """
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        host = request.headers.get("host", "")
        if site not in (None, "same-origin") or (origin is not None and not is_own(origin, host, self._settings)):
            raise Refusal(403, "origin", "That form came from another site and was not accepted.")
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
            raise bad("Please use the form on the page.")
        body = await read_body(request)
        try:
            fields = parse_qsl(
                body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="replace"
            )
        except ValueError:
            raise bad("Please use the form on the page.") from None
        form = ImmutableMultiDict(fields)
        given = form.get("csrf") or request.headers.get("x-csrf-token", "")
        if not any(hmac.compare_digest(given.encode(), token.encode()) for token in self._tokens(request)):
            raise Refusal(403, "old_page", "The page was out of date, so nothing was changed. Please open it again.")
        request.state.form = form

    def _tokens(self, request: Request) -> list[str]:
        """The tokens that a form of this browser may carry, the current one first."""
        signed_in = getattr(request.state, "signed_in", None)
        secret = signed_in.id if signed_in else request.cookies.get(self._form_cookie) or request.state.form_secret
        if not secret:
            return []
        return [hmac.digest(key, secret.encode("utf-8", "replace"), hashlib.sha256).hex() for key in self._form_keys]

    # -- responses ---------------------------------------------------------------------------------------------

    def _shown(self, request: Request, page: Page, title: str) -> Response:
        signed_in = getattr(request.state, "signed_in", None)
        if signed_in is None and not request.cookies.get(self._form_cookie):
            request.state.form_secret = secrets.token_urlsafe(16)
        said = self._read_said(request)
        response = self._view.page(
            page,
            request,
            title=title,
            staff=signed_in.account if signed_in else None,
            csrf=self._tokens(request)[0],
            said=said,
        )
        if request.state.form_secret:
            self._set(response, self._form_cookie, request.state.form_secret)
        if said:
            response.delete_cookie(self._said_cookie, path="/", secure=self._https, httponly=True, samesite="lax")
        return response

    def _gone(self, redirect: Redirect) -> Response:
        if own_path(redirect.path) != redirect.path:
            raise ValueError("a page of the console leads out of it")
        response = RedirectResponse(redirect.path, 303)
        if redirect.said:
            self._set(response, self._said_cookie, self._said.dumps(redirect.said[:500]), 60)
        return response

    def _read_said(self, request: Request) -> str:
        try:
            return str(self._said.loads(request.cookies.get(self._said_cookie, "")[:2000], max_age=60))
        except BadData:
            return ""

    def _set(self, response: Response, name: str, value: str, lasts: int | None = None) -> None:
        # Lax, so that a link in a mail opens the page; every change needs a token besides.
        response.set_cookie(name, value, max_age=lasts, path="/", secure=self._https, httponly=True, samesite="lax")


_HEADINGS = {403: "You may not do that", 404: "There is nothing here", 429: "Please wait a little"}


def _back_to(request: Request) -> str:
    """Where to go after signing in: the page that was asked for, or the first one after a form that was too late."""
    if request.method != "GET":
        return PREFIX
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
