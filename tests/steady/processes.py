"""Whole bots in processes of their own, on a database with the trained bot's content."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from bot.database.engine import make_engine
from bot.database.migrate import upgrade
from bot.database.models import Base
from bot.settings import ROOT, Settings

_READY = re.compile(rb"ready at http://localhost:(\d+)/")
#: Tables of conversations: a new database begins without any.
_NOT_COPIED = re.compile(r"events|chat_|channel_|feedback|conversations|daily|mending|staff|passage_use|alembic")


@dataclass
class Server:
    """One process that serves."""

    environment: Mapping[str, str]
    folder: Path
    #: What is run; it serves as `python -m bot serve` does.
    module: str = "bot"
    process: asyncio.subprocess.Process | None = None
    address: str = ""
    log: Path = field(default_factory=Path)

    async def start(self, seconds: float = 90) -> None:
        """Start it, and wait until it answers."""
        self.log = self.folder / f"server-{id(self)}.log"
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self.module, "serve", cwd=ROOT, env=dict(self.environment),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert self.process.stdout
        async with asyncio.timeout(seconds):
            while line := await self.process.stdout.readline():
                if found := _READY.search(line):
                    self.address = f"http://127.0.0.1:{int(found[1])}"
                    self.environment = {**self.environment, "PORT": str(int(found[1]))}  # the same when it starts again
                    self._drain = asyncio.create_task(self.process.stdout.read())
                    return
        raise AssertionError(f"the server ended: {self.log.read_text()[-2000:]}")

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())

    async def kill(self, how: int = signal.SIGKILL) -> None:
        """End it: at once, or in order (SIGTERM)."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(how)
            await self.process.wait()

    @property
    def memory(self) -> float:
        """Resident megabytes."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


def environment_of(trained: Settings, folder: Path, database_url: str, **more: str) -> dict[str, str]:
    """The environment of a server with the trained models, and everything else in `folder`."""
    var = folder / "var"
    var.mkdir(exist_ok=True)
    shutil.copy(trained.var / "models.json", var / "models.json")
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("EVENKEEL_", "RASA_"))}
    return usual | {
        "DATABASE_URL": database_url,
        "EVENKEEL_VAR": str(var),
        "EVENKEEL_MODELS": str(trained.models),
        "SECRET_KEY": trained.secret_key,
        "PORT": "0",
        "SESSION_LIMIT": "100000",
        "ADDRESS_LIMIT": "1000000",
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
        **more,
    }


def copy_content(trained: Settings, database_url: str) -> None:
    """Fill the database at `database_url` with the articles of the trained bot's, and no conversation."""
    source, target = make_engine(trained.database_url), make_engine(database_url)
    upgrade(source)
    upgrade(target)
    with source.connect() as reading, target.begin() as writing:
        for table in Base.metadata.sorted_tables:
            if _NOT_COPIED.match(table.name):
                continue
            writing.execute(sa.delete(table))
            rows = [dict(row._mapping) for row in reading.execute(sa.select(table))]
            if rows:
                writing.execute(sa.insert(table), rows)
    source.dispose()
    target.dispose()


@contextlib.asynccontextmanager
async def servers(
    count: int, environment: Mapping[str, str], folder: Path, module: str = "bot"
) -> AsyncIterator[list[Server]]:
    """So many servers that share everything; `module` is what they run."""
    made = [Server(environment, folder, module) for _ in range(count)]
    try:
        for server in made:  # one after the other: starting is what costs most
            await server.start()
        yield made
    finally:
        for server in made:
            await server.kill()


@dataclass
class Visitor:
    """Somebody in the web chat who may ask any of the servers."""

    client: httpx.AsyncClient
    token: str

    @classmethod
    async def arrive(cls, client: httpx.AsyncClient, address: str) -> Visitor:
        response = await client.post(f"{address}/chat/sessions", json={"country": "GB"})
        assert response.status_code == 201, response.text
        return cls(client, response.json()["token"])

    async def say(self, address: str, identity: str, text: str) -> httpx.Response:
        return await self.client.post(
            f"{address}/chat/messages", json={"id": identity, "text": text}, headers=self._headers
        )

    async def insist(self, addresses: list[str], identity: str, text: str, tries: int = 40) -> list[dict[str, Any]]:
        """As a browser does: the same message again, anywhere, until it is answered."""
        said = "nothing"
        for number in range(tries):
            try:
                response = await self.say(addresses[number % len(addresses)], identity, text)
                if response.status_code == 200:
                    return list(response.json()["messages"])
                said = str(response.status_code)
                assert response.status_code in (429, 500, 503), response.text
            except httpx.TransportError as error:
                said = type(error).__name__
            await asyncio.sleep(0.25)
        raise AssertionError(f"never answered; the last time: {said}")

    async def history(self, address: str) -> list[dict[str, Any]]:
        response = await self.client.get(f"{address}/chat/messages", headers=self._headers)
        assert response.status_code == 200, response.text
        return list(response.json()["messages"])

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}
