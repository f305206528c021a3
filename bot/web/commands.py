"""`python -m bot serve`: the application on a port, and where to find it."""

from __future__ import annotations

import argparse
import contextlib
import errno
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.errors import EngineError, SettingError
from bot.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from bot.message import Message
    from bot.service import Turn
    from bot.web.turns import Answerer


def run(arguments: list[str], settings: Settings) -> int:
    """Serve until stopped.

    Raises:
        SettingError: the port or the host cannot be used.
        DatabaseError: there is no using the database.
    """
    argparse.ArgumentParser(prog="python -m bot serve", description="Serve the web chat.").parse_args(arguments)
    listening = listen(settings.host, settings.port)  # before the model is loaded: a taken port is told at once
    from bot.app import build
    from bot.database.engine import make_engine
    from bot.database.migrate import upgrade
    from bot.language.encoder import one_thread_for_matrices
    from bot.ops import logs, publisher, traces
    from bot.service import Bot

    logs.configure(settings.log_format, settings.log_level)
    publisher.is_wanted(settings)  # a missing library is told before the model is loaded
    tracing = traces.start(settings)
    engine = make_engine(settings.database_url)
    upgrade(engine)
    bot: Answerer
    if settings.serve == {"webhooks"}:
        bot = Nobody()
    else:
        one_thread_for_matrices()
        bot = whole = Bot(settings)
        whole.start()
    app = build(settings, bot, engine)

    def staff(local: str) -> list[str]:
        from bot.staff.commands import welcome

        return welcome(settings, app.state.engine, local) if "staff" in settings.serve else []

    try:
        serve(app, listening, settings, staff)
    finally:
        traces.stop(tracing)
    return 0


class Nobody:
    """Stands where the bot does in a process that only takes webhooks in: others answer them, so nothing is loaded."""

    ready, missing = False, ()

    async def handle(self, turn: Turn) -> list[Message]:
        """
        Raises:
            EngineError: always.
        """
        raise EngineError("This process answers nobody: SERVE says so.")

    async def forget(self, conversation: str) -> None:
        """Nothing: it holds no conversation."""

    def wish(self, conversation: str) -> str | None:
        """Nothing: nobody was answered."""
        return None


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound to `host` and `port` (0: any free one), ready for the server.

    Raises:
        SettingError: they cannot be used; says why and what to do.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror:
        raise SettingError(f"HOST is {host!r}, which is no address of this machine.") from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(256)
    except OSError as error:
        listening.close()
        raise SettingError(_sentence(error, host, port)) from None
    return listening


def _sentence(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else 8080
        return f"Port {port} is taken by another program: stop that one, or choose another port with PORT={other}."
    if error.errno == errno.EACCES:
        return f"Port {port} may not be used without special rights: choose one above 1023 with PORT=8080."
    return f"HOST is {host!r}, but this machine has no such address: try 127.0.0.1."


def serve(
    app: ASGIApp, listening: socket.socket, settings: Settings, more: Callable[[str], list[str]] | None = None
) -> None:
    """Serve `app` on the bound socket until a signal comes; prints the addresses once it answers.

    Args:
        more: further lines for what is printed, given the address on this machine.
    """
    import uvicorn

    from bot.web.bounds import BoundedProtocol

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                print(addresses(settings, listening.getsockname()[1], more), flush=True)

    config = uvicorn.Config(
        app,
        loop="asyncio",  # uvloop takes one new connection a round: of many at once, some then wait for seconds
        http=BoundedProtocol,
        ws="none",  # uvicorn's does not load beside the old library that Rasa's server wants
        lifespan="on",
        log_config=None,
        access_log=False,  # it would hold people's network addresses
        server_header=False,
        proxy_headers=False,  # TRUSTED_PROXIES decides, see bot.ops.limits
        timeout_keep_alive=20,
        timeout_graceful_shutdown=10,
    )
    with contextlib.suppress(KeyboardInterrupt):
        Server(config).run(sockets=[listening])


def addresses(settings: Settings, port: int, more: Callable[[str], list[str]] | None = None) -> str:
    """Where to find what, in a few lines."""
    name = "localhost" if settings.host in ("127.0.0.1", "0.0.0.0", "::", "::1") else settings.host
    local = f"http://{name}:{port}"
    lines = [
        f"Evenkeel is ready at {local}/",
        f"  health   {local}/health/ready",
        f"  figures  {local}/metrics (from this machine)",
    ]
    if settings.public_url.rstrip("/") not in (local, f"http://localhost:{settings.port}"):
        lines.insert(1, f"  visitors come to {settings.public_url}/")
    from bot.channels.registry import summary

    lines += more(local) if more else []
    return "\n".join([*lines, "  messengers", *(f"  {line}" for line in summary(settings)), "Stop it with Ctrl+C."])
