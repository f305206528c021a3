"""The chat API, as CONTRACT.md describes it: JSON in, JSON out, a signed token in Authorization, no cookies."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot import quick_yaml
from bot.language.text import clean
from bot.ops.health import Metrics
from bot.ops.limits import Limiter, address_of
from bot.ops.masking import mask
from bot.settings import Settings
from bot.web.outage import OUTAGE, first_aid
from bot.web.reading import read_json
from bot.web.refusals import bad, no_session, not_ready, too_many
from bot.web.sessions import Tokens
from bot.web.store import ChatStore, Session
from bot.web.turns import Answerer, Turns, public

_ID = re.compile(r"[!-~]{1,120}")
_LOCALE = re.compile(r"(?=.{2,35}$)[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,4}")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_TIME_ZONE = re.compile(r"[A-Za-z0-9_+/-]{1,64}")
#: Where programs find what this API promises.
DESCRIPTION = "/chat/openapi.json"
#: Characters kept of the reason in feedback.
_REASON = 500


@dataclass(frozen=True)
class Chat:
    """What the chat API and the plain page share."""

    settings: Settings
    tokens: Tokens
    store: ChatStore
    turns: Turns
    bot: Answerer
    limiter: Limiter
    metrics: Metrics

    async def limit_address(self, request: Request) -> None:
        """Count the request against its address (429)."""
        await self._limit("address", address_of(request, self.settings.trusted_proxies))

    async def limit_session(self, session: Session) -> None:
        """Count a message against its session (429)."""
        await self._limit("session", session.conversation)

    async def _limit(self, by: str, who: str) -> None:
        seconds = await self.limiter.wait(by, who)
        if seconds:
            self.metrics.limited(by)
            raise too_many(seconds)

    def needs_bot(self) -> None:
        """503 while the bot cannot answer."""
        if not self.bot.ready:
            raise not_ready()

    async def begin(
        self,
        *,
        locale: str | None = None,
        country: str | None = None,
        time_zone: str | None = None,
        keep: bool = True,
    ) -> tuple[str, str]:
        """Mint a session; its token and when it expires (ISO 8601)."""
        token, conversation, expires = self.tokens.mint()
        await asyncio.to_thread(
            self.store.create, conversation, expires, locale=locale, country=country, time_zone=time_zone, keep=keep
        )
        self.metrics.session()
        return token, expires.isoformat(timespec="seconds")

    async def session(self, token: str) -> Session | None:
        """The conversation that `token` opens, if it still goes on."""
        conversation = self.tokens.conversation(token)
        return None if conversation is None else await asyncio.to_thread(self.store.session, conversation)


class Api:
    """The endpoints; each takes a request and raises `Refusal` for what it cannot do."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    def routes(self) -> list[Route]:
        """The addresses under /chat."""
        return [
            Route("/chat/sessions", self.begin, methods=["POST"]),
            Route("/chat/messages", self.send, methods=["POST"]),
            Route("/chat/messages", self.history, methods=["GET"]),
            Route("/chat/feedback", self.feedback, methods=["POST"]),
            Route("/chat/keep", self.keep, methods=["POST"]),
            Route("/chat/session", self.forget, methods=["DELETE"]),
            Route(DESCRIPTION, self.describe, methods=["GET"]),
        ]

    async def describe(self, request: Request) -> Response:
        """GET /chat/openapi.json"""
        return JSONResponse(description())

    async def begin(self, request: Request) -> Response:
        """POST /chat/sessions"""
        await self._chat.limit_address(request)
        data = await read_json(request, empty=True)
        country = _optional(data, "country", _COUNTRY, "a country code of two letters such as GB")
        keep = data.get("keep", True)
        if not isinstance(keep, bool):
            raise bad("keep must be true or false.")
        token, expires = await self._chat.begin(
            keep=keep,
            locale=_optional(data, "locale", _LOCALE, "a language tag such as en-GB"),
            country=country.upper() if country else None,
            time_zone=_optional(data, "time_zone", _TIME_ZONE, "the name of a time zone such as Europe/London"),
        )
        return JSONResponse({"token": token, "expires_at": expires}, 201)

    async def send(self, request: Request) -> Response:
        """POST /chat/messages"""
        data: dict[str, Any] | None = None
        try:
            session = await self._session(request)
            data = await read_json(request)
            message_id = _required(data, "id")
            text, button = said(data.get("text"), data.get("button"))
            await self._chat.limit_session(session)
            self._chat.needs_bot()
            messages = await self._chat.turns.answer(session, message_id, text=text, button=button)
        except OUTAGE as error:
            data = await read_json(request) if data is None else data
            text, _ = said(data.get("text"), data.get("button"))
            conversation = self._chat.tokens.conversation(_token(request))
            if conversation is None:
                raise no_session() from None
            messages = [public(m) for m in first_aid(self._chat.bot, conversation, text or "", error)]
        return JSONResponse({"messages": messages})

    async def history(self, request: Request) -> Response:
        """GET /chat/messages"""
        session = await self._session(request)
        told = await asyncio.to_thread(self._chat.store.history, session.conversation)
        return JSONResponse({"messages": [public(message) for message in told], "keep": session.keep})

    async def feedback(self, request: Request) -> Response:
        """POST /chat/feedback"""
        session = await self._session(request)
        data = await read_json(request)
        message, helpful, reason = _required(data, "message"), data.get("helpful"), data.get("reason")
        if not isinstance(helpful, bool):
            raise bad("helpful must be true or false.")
        if reason is not None and not isinstance(reason, str):
            raise bad("reason must be a text.")
        await rate(self._chat, session, message, helpful, reason)
        return Response(status_code=204)

    async def keep(self, request: Request) -> Response:
        """POST /chat/keep"""
        session = await self._session(request)
        data = await read_json(request)
        if data.get("keep") is not False:
            raise bad("keep can only be false.")
        await asyncio.to_thread(self._chat.store.stop_keeping, session.conversation)
        return Response(status_code=204)

    async def forget(self, request: Request) -> Response:
        """DELETE /chat/session"""
        session = await self._session(request)
        await self._chat.turns.forget(session.conversation)
        return Response(status_code=204)

    async def _session(self, request: Request) -> Session:
        await self._chat.limit_address(request)
        token = _token(request)
        session = await self._chat.session(token) if token else None
        if session is None:
            raise no_session()
        return session


@cache
def description() -> dict[str, Any]:
    """The API in OpenAPI 3.1, as `openapi.yml` beside this file has it."""
    described = quick_yaml.load(Path(__file__).with_name("openapi.yml").read_text(encoding="utf-8"))
    assert isinstance(described, dict)
    return described


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def said(text: Any, button: Any) -> tuple[str | None, str | None]:
    """What a visitor said: a text, or the id of a button; exactly one of them is not None.

    Raises:
        Refusal: 400 for neither, both, or something empty.
    """
    if (text is None) == (button is None):
        raise bad("Send either text or button.")
    if button is not None:
        if not isinstance(button, str) or not _ID.fullmatch(button):
            raise bad("button must be the id of a suggestion.")
        return None, button
    if not isinstance(text, str) or not clean(text):
        raise bad("The message is empty. Please type a question.")
    return text, None


async def rate(chat: Chat, session: Session, message: str, helpful: bool, reason: str | None) -> None:
    """Keep what a visitor thought of a reply; its reason masked and cut.

    Raises:
        Refusal: 400 when there is no such reply in the conversation.
    """
    kept = mask(clean(reason))[:_REASON] if reason else None
    if not await asyncio.to_thread(chat.store.feedback, session, message, helpful, kept or None):
        raise bad("There is no such message in this conversation.")
    chat.metrics.feedback(helpful)


def _required(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise bad(f"{name} must be a text of 1 to 120 letters, digits and signs, without blanks.")
    return value


def _optional(data: dict[str, Any], name: str, pattern: re.Pattern[str], what: str) -> str | None:
    value = data.get(name)
    if value in (None, ""):
        return None
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise bad(f"{name} must be {what}.")
    return value
