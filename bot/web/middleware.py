"""Layers around the whole application: headers that protect, errors that tell nothing, pages that may ask."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.ops import steps
from bot.ops.logs import describe
from bot.settings import Settings
from bot.web.refusals import as_json

_log = logging.getLogger(__name__)

#: Without a script or a style in the page itself; a route that needs another policy sets its own.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: For our own pages with the chat widget: scripts from here alone, and no text ever becomes markup or script.
WIDGET_POLICY = (
    f"{POLICY}; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
)

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With "no-referrer" browsers send "Origin: null" with a form, which looks like a forged one.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}


class SecurityHeaders:
    """Adds the protecting headers to every response that does not set them itself."""

    def __init__(self, app: ASGIApp, https: bool) -> None:
        self.app = app
        self._headers = _HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)


class RequestIds:
    """Gives each request an id, that every log line of it and its answer bear; with a proxy in front, the proxy's."""

    def __init__(self, app: ASGIApp, metrics: steps.Figures, proxied: bool) -> None:
        self.app, self._metrics, self._proxied = app, metrics, proxied

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        given = Headers(scope=scope).get("x-request-id", "") if self._proxied else ""
        request = steps.given_id(given) if given else steps.new_id()
        status, began = 0, time.perf_counter()

        async def with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request.encode())]
            await send(message)

        with steps.within(request, self._metrics, "request"):
            try:
                await self.app(scope, receive, with_id)
            finally:
                # Not the address that was asked for: it may hold a token.
                steps.note(
                    "request",
                    method=scope["method"],
                    endpoint=_endpoint(scope),
                    status=status,
                    seconds=time.perf_counter() - began,
                )


class CalmErrors:
    """Turns an unexpected error into a safe sentence, and logs where it happened without a word of the message."""

    def __init__(self, app: ASGIApp, page: Callable[[Request], Response]) -> None:
        self.app, self._page = app, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            _log.error("%s %s failed: %s", scope["method"], _endpoint(scope), describe(error))
            if not started:
                await self._page(Request(scope))(scope, receive, send)


def _endpoint(scope: Scope) -> str:
    return getattr(scope.get("endpoint"), "__name__", "a request")


class Origins:
    """Lets pages of allowed origins use the chat API, and refuses others before anything is done."""

    #: Seconds that a browser may remember the permission; Chrome takes no more.
    MAX_AGE = 7200

    def __init__(self, app: ASGIApp, settings: Settings, prefix: str = "/chat/") -> None:
        self.app, self._settings, self._prefix = app, settings, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(self._prefix):
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None:
            return await self.app(scope, receive, send)
        if not is_allowed(origin, headers.get("host", ""), self._settings):
            refusal = as_json(403, "origin", "This page may not use the chat.", {"Vary": "Origin"})
            return await refusal(scope, receive, send)
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            permission = Response(status_code=204, headers=self._permission(origin))
            return await permission(scope, receive, send)

        async def with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                response = MutableHeaders(scope=message)
                response["Access-Control-Allow-Origin"] = origin
                response["Access-Control-Expose-Headers"] = "Retry-After"
                response.add_vary_header("Origin")
            await send(message)

        await self.app(scope, receive, with_origin)

    def _permission(self, origin: str) -> dict[str, str]:
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "GET, POST, DELETE",
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Access-Control-Max-Age": str(self.MAX_AGE),
            "Vary": "Origin",
        }


def is_allowed(origin: str, host: str, settings: Settings) -> bool:
    """Whether a page of `origin` may use the chat API that was asked for under the host name `host`."""
    if origin == "null":
        return settings.allow_null_origin
    return is_own(origin, host, settings) or origin.lower() in {allowed.lower() for allowed in settings.allowed_origins}


def is_own(origin: str, host: str, settings: Settings) -> bool:
    """Whether `origin` is the bot's own: that of PUBLIC_URL, or of the host that was asked."""
    if not re.fullmatch(r"https?://[^/\s@]+", origin):
        return False
    public = urlsplit(settings.public_url)
    return (
        origin.lower() == f"{public.scheme}://{public.netloc}".lower()
        or origin.lower().partition("://")[2] == host.lower()
    )
