"""The first page: the widget where there is JavaScript, else a conversation with a form; and what is kept of it."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from typing import Any

from itsdangerous import URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.web.api import Chat, rate, said
from bot.web.helplines import read_examples
from bot.web.keys import Keys
from bot.web.library import Library
from bot.web.middleware import WIDGET_POLICY, is_own
from bot.web.reading import read_form
from bot.web.refusals import Refusal, bad, no_session
from bot.web.sessions import LIFETIME, read_signed
from bot.web.showing import Showing
from bot.web.store import Session
from bot.web.turns import public

#: Messages shown at most: the newest.
_SHOWN = 100
#: What is said after a form was sent, by the query of the address that it leads to.
_NOTICES = {"deleted": "The conversation has been deleted.", "thanks": "Thank you for telling us."}


class Pages:
    """The page at `/` and the forms that are sent from it."""

    def __init__(self, chat: Chat, showing: Showing, library: Library) -> None:
        self._showing, self._library = showing, library
        settings = chat.settings
        self._chat, self._settings = chat, settings
        self._csrf = [
            URLSafeTimedSerializer(
                key, salt=b"form", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
            )
            for key in Keys.of(settings).all("form")
        ]
        self._https = settings.public_url.startswith("https:")
        self._cookie = "__Host-evenkeel" if self._https else "evenkeel"
        self._examples = read_examples(settings.data)

    def routes(self) -> list[Route]:
        """The pages' addresses."""
        return [
            Route("/", self.show, methods=["GET"]),
            Route("/", self.send, methods=["POST"]),
            Route("/feedback", self.feedback, methods=["POST"]),
            Route("/keep", self.keep, methods=["POST"]),
            Route("/forget", self.forget, methods=["POST"]),
        ]

    # -- pages -------------------------------------------------------------------------------------------------

    async def show(self, request: Request) -> Response:
        """What the bot is and what can be asked; or the conversation so far of somebody who uses the form."""
        return await self._page(await self._session(request), notice=_NOTICES.get(request.url.query, ""))

    async def send(self, request: Request) -> Response:
        """A question, or a suggestion that was pressed; then the page again, at the answer."""
        session, token, text = None, None, ""
        try:
            await self._chat.limit_address(request)
            form = await read_form(request)
            session = await self._session(request)
            pressed = form.get("button") or None
            text = "" if pressed else form.get("text", "")
            self._check(request, form, session)
            typed, button = said(None if pressed else text, pressed)
            message_id = _form_id(form)
            self._chat.needs_bot()
            if session is None:
                token, _ = await self._chat.begin(locale=_first_language(request))
                session = await self._chat.session(token)
                if session is None:
                    raise no_session()
            await self._chat.limit_session(session)
            await self._chat.turns.answer(session, message_id, text=typed, button=button)
        except Refusal as refusal:
            # What was typed is not lost; but another site may not put words into the form.
            draft = "" if refusal.code == "origin" else text
            return await self._page(session, notice=refusal.sentence, draft=draft, refusal=refusal)
        response = RedirectResponse("/#latest", 303)
        if token:
            self._set_cookie(response, token)
        return response

    async def feedback(self, request: Request) -> Response:
        """Was this helpful: yes or no."""
        try:
            session, form = await self._posted(request)
            if form.get("helpful") not in ("yes", "no"):
                raise bad("Please use the form on the page.")
            await rate(self._chat, session, form.get("message", ""), form["helpful"] == "yes", None)
        except Refusal as refusal:
            return await self._page(await self._session(request), notice=refusal.sentence, refusal=refusal)
        return RedirectResponse("/?thanks#latest", 303)

    async def keep(self, request: Request) -> Response:
        """Don't keep this."""
        try:
            session, _ = await self._posted(request)
            await asyncio.to_thread(self._chat.store.stop_keeping, session.conversation)
        except Refusal as refusal:
            return await self._page(await self._session(request), notice=refusal.sentence, refusal=refusal)
        return RedirectResponse("/", 303)

    async def forget(self, request: Request) -> Response:
        """Delete this conversation."""
        try:
            session, _ = await self._posted(request)
            await self._chat.turns.forget(session.conversation)
        except Refusal as refusal:
            return await self._page(await self._session(request), notice=refusal.sentence, refusal=refusal)
        response = RedirectResponse("/?deleted", 303)
        response.delete_cookie(self._cookie, path="/", secure=self._https, httponly=True, samesite="strict")
        return response

    # -- helpers -----------------------------------------------------------------------------------------------

    async def _page(
        self, session: Session | None, *, notice: str = "", draft: str = "", refusal: Refusal | None = None
    ) -> Response:
        told = await asyncio.to_thread(self._chat.store.history, session.conversation) if session else []
        plain = bool(told or refusal)
        return self._showing.page(
            "chat.html" if plain else "home.html",
            status=refusal.status if refusal else 200,
            headers=(refusal.headers if refusal else {})
            | ({} if plain else {"Content-Security-Policy": WIDGET_POLICY}),
            shelves=() if plain else await asyncio.to_thread(self._library.shelves),
            messages=[public(message) for message in told[-_SHOWN:]],
            shortened=len(told) > _SHOWN,
            latest=_latest(told[-_SHOWN:]),
            session=session,
            examples=self._examples,
            notice=notice,
            failed=refusal is not None,
            draft=draft,
            csrf=self._csrf[0].dumps(session.conversation if session else ""),
            new_id=lambda: secrets.token_urlsafe(16),
        )

    async def _session(self, request: Request) -> Session | None:
        return await self._chat.session(request.cookies.get(self._cookie, ""))

    async def _posted(self, request: Request) -> tuple[Session, dict[str, str]]:
        """The session and the fields of a form that only makes sense in a conversation."""
        await self._chat.limit_address(request)
        form = await read_form(request)
        session = await self._session(request)
        self._check(request, form, session)
        if session is None:
            raise no_session()
        return session, form

    def _check(self, request: Request, form: dict[str, str], session: Session | None) -> None:
        """Refuse a form that another site sent (403).

        A token made before the conversation began is good as well where the browser vouches for the origin: the
        page may have been opened from a link, for which a strict cookie is not sent.
        """
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        host = request.headers.get("host", "")
        if site not in (None, "same-origin") or (origin is not None and not is_own(origin, host, self._settings)):
            raise Refusal(403, "origin", "That form came from another site. Please use the one below.")
        bound = self._bound_to(form.get("csrf", ""))
        vouched = site == "same-origin" or origin is not None
        if bound is None or (bound != (session.conversation if session else "") and not (bound == "" and vouched)):
            raise Refusal(403, "old_page", "The page was out of date. Please send it again.")

    def _bound_to(self, token: str) -> str | None:
        for signer in self._csrf:
            if (bound := read_signed(signer, token[:500])) is not None:
                return str(bound)
        return None

    def _set_cookie(self, response: Response, token: str) -> None:
        response.set_cookie(
            self._cookie,
            token,
            max_age=int(LIFETIME.total_seconds()),
            path="/",
            secure=self._https,
            httponly=True,
            samesite="strict",
        )


def _form_id(form: dict[str, str]) -> str:
    given = form.get("id", "")
    if not re.fullmatch(r"[\w-]{8,64}", given, re.ASCII):
        raise bad("Please use the form on the page.")
    return given


def _latest(told: list[dict[str, Any]]) -> int:
    """Index of the visitor's newest message: what follows it is the newest answer."""
    return max((index for index, message in enumerate(told) if message["from"] == "visitor"), default=0)


def _first_language(request: Request) -> str | None:
    first = request.headers.get("accept-language", "").partition(",")[0].partition(";")[0].strip()
    return first if re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,2}", first) else None
