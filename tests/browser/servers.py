"""The application with the rich bot on a port, and pages of other people on another."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.articles.load import load
from bot.database.engine import make_engine
from bot.database.migrate import upgrade
from bot.settings import ROOT, Settings
from tests.browser.rich_bot import RichBot


@contextmanager
def serving(app: Any, listening: socket.socket) -> Iterator[str]:
    """Serve `app` in a thread; its address."""
    config = uvicorn.Config(app, ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    assert server.started, "the server did not start"
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def free_port() -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    return listening


@dataclass
class Place:
    """Where the tests happen."""

    bot_address: str
    host_address: str
    stranger_address: str
    bot: RichBot
    settings: Settings
    #: Path -> (HTML, headers) of the other people's pages.
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def put(self, path: str, html: str, **headers: str) -> str:
        """A page of somebody else's site; its address."""
        self.pages[path] = (html, {key.replace("_", "-"): value for key, value in headers.items()})
        return self.host_address + path

    @property
    def script(self) -> str:
        return f'<script type="module" src="{self.bot_address}/widget/chat-widget.js"></script>'


@contextmanager
def place(folder: Path, bot: Any = None) -> Iterator[Place]:
    """A bot (the rich one when None) with all articles, and a site whose pages tests put up."""
    from bot.app import build

    sockets = [free_port() for _ in range(3)]
    bot_address, host_address, _ = (f"http://127.0.0.1:{one.getsockname()[1]}" for one in sockets)
    settings = Settings.read(
        {
            "EVENKEEL_VAR": str(folder / "var"),
            "EVENKEEL_DATA": str(ROOT / "data"),
            "PUBLIC_URL": bot_address,
            "ALLOWED_ORIGINS": host_address,
            "SECRET_KEY": "a secret for tests",
            "SESSION_LIMIT": "25",
            "ADDRESS_LIMIT": "100000",
        }
    )
    engine = make_engine(settings.database_url)
    upgrade(engine)
    load(engine, settings.data)
    bot = bot or RichBot()
    pages: dict[str, tuple[str, dict[str, str]]] = {}

    async def page(request: Request) -> Response:
        html, headers = pages.get(request.url.path, ("", {}))
        if request.url.path == "/favicon.ico":
            return Response(status_code=204)
        if request.url.path.endswith((".css", ".js")):
            kind = "text/css" if request.url.path.endswith(".css") else "text/javascript"
            return PlainTextResponse(html, headers={"Content-Type": kind, **headers})
        return HTMLResponse(html, 200 if html else 404, headers)

    others = Starlette(routes=[Route("/{path:path}", page)])
    with (
        serving(build(settings, bot, engine), sockets[0]) as here,
        serving(others, sockets[1]) as there,
        serving(others, sockets[2]) as stranger,
    ):
        yield Place(here, there, stranger, bot, settings, pages)
