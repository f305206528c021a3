"""The plain page: a conversation with a form that works without JavaScript, and what is kept of it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jinja2
import yaml
from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.ops.logs import describe
from bot.web.api import Chat, rate, said
from bot.web.keys import Keys
from bot.web.middleware import is_own
from bot.web.reading import read_form
from bot.web.refusals import Refusal, bad, no_session
from bot.web.sessions import LIFETIME
from bot.web.store import Session
from bot.web.turns import public

_HERE = Path(__file__).parent
_log = logging.getLogger(__name__)
_LANGUAGES = {
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "de": "German",
    "pt": "Portuguese",
    "it": "Italian",
    "cy": "Welsh",
    "ga": "Irish",
    "hi": "Hindi",
    "ar": "Arabic",
    "zh": "Chinese",
    "mi": "Māori",
}
#: Messages shown at most: the newest.
_SHOWN = 100
#: What is said after a form was sent, by the query of the address that it leads to.
_NOTICES = {"deleted": "The conversation has been deleted.", "thanks": "Thank you for telling us."}
_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Example:
    """A question to begin with, and the topic that it is about in human words."""

    topic: str
    question: str


@dataclass(frozen=True)
class EmergencyNumber:
    """Whom to call when life is in danger: the numbers, and the names of the countries where they hold."""

    numbers: tuple[str, ...]
    countries: tuple[str, ...]


class Pages:
    """The pages and what stands on all of them."""

    def __init__(self, chat: Chat) -> None:
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
        self._files = {
            path.name: path.read_bytes() for path in sorted((_HERE / "static").iterdir()) if path.suffix in _TYPES
        }
        self._templates = _templates()
        self._templates.globals.update(
            asset=self._asset,
            emergency=read_emergency_numbers(settings.data / "helplines.yml"),
            operator=settings,
            retention_days=settings.retention_days,
        )
        self._examples = read_examples(settings.data)

    def routes(self) -> list[Route]:
        """The pages' addresses."""
        return [
            Route("/", self.show, methods=["GET"]),
            Route("/", self.send, methods=["POST"]),
            Route("/feedback", self.feedback, methods=["POST"]),
            Route("/keep", self.keep, methods=["POST"]),
            Route("/forget", self.forget, methods=["POST"]),
            Route("/privacy", self.privacy, methods=["GET"]),
            Route("/static/{name}", self.static, methods=["GET"]),
        ]

    # -- pages -------------------------------------------------------------------------------------------------

    async def show(self, request: Request) -> Response:
        """The conversation so far, or what the bot is and what can be asked."""
        return await self._page(await self._session(request), notice=_NOTICES.get(request.url.query, ""))

    async def send(self, request: Request) -> Response:
        """A question, or a suggestion that was pressed; then the page again, at the answer."""
        session, token, text = None, None, ""
        try:
            self._chat.limit_address(request)
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
            self._chat.limit_session(session)
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

    async def privacy(self, request: Request) -> Response:
        """What is kept and for how long."""
        return self._render("privacy.html")

    async def static(self, request: Request) -> Response:
        """A file of the pages; under its versioned address it may be kept for ever."""
        name = request.path_params["name"]
        content = self._files.get(name)
        if content is None:
            return self.problem(404, "There is nothing at this address.")
        tag = f'"{_version(content)}"'
        lasting = request.query_params.get("v") == _version(content)
        headers = {
            "ETag": tag,
            "Cache-Control": "public, max-age=31536000, immutable" if lasting else "public, max-age=300",
        }
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=_TYPES[Path(name).suffix])

    def problem(self, status: int, sentence: str) -> Response:
        """A calm page that says what is the matter."""
        try:
            return self._render("problem.html", status=status, missing=status in (404, 405), sentence=sentence)
        except Exception as error:  # the last resort must not fail itself
            _log.error("The page for an error failed: %s", describe(error))
            return PlainTextResponse(sentence + "\n", status)

    # -- helpers -----------------------------------------------------------------------------------------------

    async def _page(
        self, session: Session | None, *, notice: str = "", draft: str = "", refusal: Refusal | None = None
    ) -> Response:
        told = await asyncio.to_thread(self._chat.store.history, session.conversation) if session else []
        return self._render(
            "chat.html",
            status=refusal.status if refusal else 200,
            headers=refusal.headers if refusal else None,
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

    def _render(
        self, name: str, *, status: int = 200, headers: dict[str, str] | None = None, **context: Any
    ) -> Response:
        headers = {key: value for key, value in (headers or {}).items() if key != "WWW-Authenticate"}
        return HTMLResponse(self._templates.get_template(name).render(**context), status, headers)

    async def _session(self, request: Request) -> Session | None:
        return await self._chat.session(request.cookies.get(self._cookie, ""))

    async def _posted(self, request: Request) -> tuple[Session, dict[str, str]]:
        """The session and the fields of a form that only makes sense in a conversation."""
        self._chat.limit_address(request)
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
            try:
                return str(signer.loads(token[:500], max_age=int(LIFETIME.total_seconds())))
            except BadData:
                continue
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

    def _asset(self, name: str) -> str:
        return f"/static/{name}?v={_version(self._files[name])}"


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


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


# -- what stands on the pages --------------------------------------------------------------------------------------


def read_examples(data: Path) -> tuple[Example, ...]:
    """The example questions, in the order of `topics.yml`: `example` there, or `examples.yml`; none without them."""
    topics, examples = _yaml(data / "topics.yml"), _yaml(data / "examples.yml")
    found = []
    for name, topic in topics.items():
        question = topic.get("example") or examples.get(name)
        if question:
            found.append(Example(str(topic.get("title", name)), str(question)))
    return tuple(found)


def read_emergency_numbers(path: Path) -> tuple[EmergencyNumber, ...]:
    """Emergency numbers of `helplines.yml` with their countries; none where there is no such file."""
    found: dict[tuple[str, ...], list[str]] = {}
    for country in _yaml(path).get("countries", {}).values():
        numbers = tuple(str(service["number"]) for service in country.get("emergency", ()) if service.get("number"))
        if numbers:
            found.setdefault(numbers, []).append(str(country["name"]))
    return tuple(EmergencyNumber(numbers, tuple(countries)) for numbers, countries in found.items())


def _yaml(path: Path) -> dict[str, Any]:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        _log.warning("%s is missing: the page does without it.", path.name)
        return {}


# -- templates -----------------------------------------------------------------------------------------------------


def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(tel=tel, sms=sms, https=https, contact_link=contact_link, languages=languages)
    return environment


def tel(number: str) -> str:
    """A `tel:` address for a number as it is printed; empty where it has no digits."""
    dialled = re.sub(r"[^\d+*#]", "", number)
    return f"tel:{quote(dialled, safe='+*')}" if re.search(r"\d", dialled) else ""


def sms(text: dict[str, str | None]) -> str:
    """An `sms:` address for {"number", "body"}; empty where the number has no digits."""
    number = re.sub(r"[^\d+]", "", text.get("number") or "")
    body = text.get("body")
    return f"sms:{number}" + (f"?{urlencode({'body': body}, quote_via=quote)}" if body else "") if number else ""


def https(url: str | None) -> str:
    """`url` where it is an https address with a host, else empty: nothing else becomes a link."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return ""
    return url or "" if parts.scheme == "https" and parts.netloc else ""


def languages(codes: Sequence[str]) -> str:
    """Languages in words, where there are others than English; codes we have no word for are left out."""
    return "" if set(codes) <= {"en"} else ", ".join(_LANGUAGES[code] for code in codes if code in _LANGUAGES)


def contact_link(contact: str) -> str:
    """The operator's contact as a link: tel:, mailto: or https: only."""
    if contact.startswith("tel:"):
        return tel(contact)
    return contact if contact.startswith("mailto:") else https(contact)
