"""Stands between the application and a service, and breaks what goes through it on demand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """Passes bytes on to `host`:`port`.

    Attributes:
        refuse: new connections are closed at once.
        delay: seconds that every piece waits in each direction.
        broken: how many connections were cut so far.
    """

    host: str
    port: int
    refuse: bool = False
    delay: float = 0.0
    broken: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> int:
        """Listen on a free port of this machine; the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Break all connections there are."""
        for writer in list(self._open):
            with contextlib.suppress(Exception):
                writer.transport.abort()
                self.broken += 1

    @contextlib.asynccontextmanager
    async def gone(self) -> AsyncIterator[None]:
        """The service is away as long as the context lasts."""
        self.refuse = True
        self.cut()
        try:
            yield
        finally:
            self.refuse = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuse:
            writer.transport.abort()
            return
        try:
            there, to_there = await asyncio.open_connection(self.host, self.port)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, to_there}
        both = [asyncio.create_task(self._pass(reader, to_there)), asyncio.create_task(self._pass(there, writer))]
        self._tasks.update(both)
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            self._tasks.difference_update(both)
            for end in (writer, to_there):
                self._open.discard(end)
                end.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(piece)
                await writer.drain()
