"""All stand-ins on one port, and the settings of an application that takes them for the platforms."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount

from tests.platforms.all import STAND_INS
from tests.platforms.standin import StandIn
from tests.platforms.twilio import TwilioStandIn


def environment(platforms: str, public: str) -> dict[str, str]:
    """The settings of an application at `public` whose platforms are all at `platforms`."""
    settings = {"PUBLIC_URL": public}
    for stand_in in STAND_INS:
        settings |= stand_in.environment
        settings[f"{stand_in.name.upper()}_API_BASE"] = f"{platforms}/{stand_in.name}"
    settings["SLACK_API_BASE"] += "/api"
    return settings


def make(public: str) -> dict[str, StandIn]:
    """A stand-in for each platform, for an application at `public`."""
    made = {stand_in.name: stand_in() for stand_in in STAND_INS}
    twilio = made["twilio"]
    assert isinstance(twilio, TwilioStandIn)
    twilio.entered = f"{public}/webhooks/twilio"
    return made


def application(stand_ins: dict[str, StandIn], more: list[BaseRoute] | None = None) -> Starlette:
    """All of them as one web application, each under its name."""
    return Starlette(
        routes=[*(more or []), *(Mount(f"/{name}", routes=list(s.routes())) for name, s in stand_ins.items())]
    )


def free_socket(port: int = 0) -> socket.socket:
    """A listening socket on this machine alone."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(512)
    return listening


@contextlib.asynccontextmanager
async def served(app: Starlette, listening: socket.socket) -> AsyncIterator[None]:
    """Serve `app` as long as the context lasts."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield
    server.should_exit = True
    await task
