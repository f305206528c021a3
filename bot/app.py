"""Builds the one ASGI application from its parts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from bot.channels.messengers import Messengers
from bot.channels.urgency import make_urgency
from bot.database.engine import make_engine
from bot.database.migrate import upgrade
from bot.ops import health, publisher
from bot.ops.health import Metrics
from bot.ops.limits import Limiter
from bot.ops.outbox import Outbox
from bot.ops.publisher import Publisher
from bot.ops.retention import keep_sweeping
from bot.settings import Settings
from bot.staff.door import staff_routes
from bot.staff.mending.background import keep_mending
from bot.web.api import Api, Chat
from bot.web.bounds import Bounds
from bot.web.keys import Keys
from bot.web.leaflets import Leaflets
from bot.web.library import Library
from bot.web.middleware import CalmErrors, Origins, RequestIds, SecurityHeaders
from bot.web.outage import OUTAGE, unavailable
from bot.web.pages import Pages
from bot.web.refusals import EMERGENCY, Refusal, as_json, refused
from bot.web.sessions import Tokens
from bot.web.showing import Showing
from bot.web.store import ChatStore
from bot.web.turns import Answerer, Turns
from bot.widget.routes import Widget

#: Programs ask under these addresses: their errors are JSON.
_FOR_PROGRAMS = ("/chat/", "/health/", "/webhooks/", "/metrics")
_SENTENCES = {
    404: ("not_found", "There is nothing at this address."),
    405: ("not_allowed", "This address cannot be used in that way."),
}
_OTHERWISE = ("failed", "Something went wrong on our side. Please try again in a moment.")


def build(
    settings: Settings, bot: Answerer, engine: sa.Engine | None = None, more: Sequence[BaseRoute] = ()
) -> Starlette:
    """The application.

    Args:
        bot: what answers; may still be getting ready.
        engine: of the database; made from the settings when None.
        more: further routes.
    """
    engine = engine if engine is not None else make_engine(settings.database_url)
    metrics = Metrics()
    store = ChatStore(engine, settings.retention_days, Outbox.of(settings))
    publishes = publisher.is_wanted(settings)
    turns = Turns(bot, store, metrics, lambda text: make_urgency(settings.data)(text))
    chat = Chat(settings, Tokens(Keys.of(settings)), store, turns, bot, Limiter(settings), metrics)
    showing, library = Showing(settings), Library(engine)
    widget = Widget(settings, showing)
    leaflets = Leaflets(settings, showing, library)
    pages = Pages(chat, showing, library)
    messengers = Messengers(settings, bot, engine, metrics)
    parts: dict[str, Callable[[], Sequence[BaseRoute]]] = {
        "web": lambda: [*Api(chat).routes(), *pages.routes(), *leaflets.routes(), *widget.routes()],
        "webhooks": messengers.routes,
        "staff": lambda: staff_routes(settings, engine, bot),
    }

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(upgrade, engine)
        always = [
            asyncio.create_task(keep_sweeping(engine, settings.retention_days, bot.forget)),
            asyncio.create_task(keep_mending(settings, engine, bot)),
        ]
        if publishes:
            always.append(asyncio.create_task(Publisher(engine, settings.event_broker_url, metrics).run()))
        async with messengers.working() if "workers" in settings.serve else contextlib.nullcontext():
            yield
        for task in always:
            task.cancel()
        await asyncio.gather(*always, return_exceptions=True)
        if hasattr(bot, "close"):
            await bot.close()
        engine.dispose()

    def problem(request: Request, status: int, detail: str = "") -> Response:
        code, sentence = _SENTENCES.get(
            status, _OTHERWISE if status >= 500 else ("bad_request", detail or "That request cannot be understood.")
        )
        sentence += f" {EMERGENCY}" if status >= 500 else ""
        if request.scope["path"].startswith(_FOR_PROGRAMS):
            return as_json(status, code, sentence)
        return leaflets.problem(status, sentence)

    async def http_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = problem(request, error.status_code, error.detail)
        response.headers.update(error.headers or {})
        return response

    async def outage(request: Request, error: Exception) -> Response:
        if request.scope["path"].startswith(_FOR_PROGRAMS):
            return await unavailable(request, error)
        response = problem(request, 503)
        response.headers["Retry-After"] = "5"
        return response

    app = Starlette(
        routes=[
            *(route for part, routes in parts.items() if part in settings.serve for route in routes()),
            *health.routes(settings, engine, bot, metrics),
            *more,
        ],
        middleware=[
            Middleware(RequestIds, metrics=metrics, proxied=settings.trusted_proxies > 0),
            Middleware(SecurityHeaders, https=settings.public_url.startswith("https:")),
            Middleware(Origins, settings=settings),
            Middleware(Bounds, metrics=metrics),
            Middleware(CalmErrors, page=lambda request: problem(request, 500)),
        ],
        exception_handlers={Refusal: refused, HTTPException: http_problem, **dict.fromkeys(OUTAGE, outage)},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.metrics, app.state.turns = metrics, turns
    app.state.engine = engine
    return app
