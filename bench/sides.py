"""The two sides, and the floor: how each is trained, started, asked and stopped."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from bench.processes import BenchError, Program, Spent, free_port, megabytes, resident, spend
from bot.settings import ROOT
from scripts.setup_parts.dotenv import read as read_dotenv

#: Says one thing in a conversation that was opened and gives the replies.
Say = Callable[[str], Awaitable[list[dict[str, Any]]]]
#: Seconds that a side may take until its first answer, and for one answer.
PATIENCE, ONE_ANSWER = 300.0, 60.0
#: Nothing of these reaches what is measured.
_OURS_ALONE = ("EVENKEEL_", "DATABASE_URL", "REDIS_URL", "EVENT_BROKER_URL", "ACTION_ENDPOINT", "PORT", "HOST")


def environment(**more: str) -> dict[str, str]:
    """What programs are started with: this process's environment without settings of the bot, and `more`."""
    own = (*_OURS_ALONE, *read_dotenv(ROOT / ".env"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return kept | {"RASA_TELEMETRY_ENABLED": "false"} | more


class Side(ABC):
    """Something that answers over HTTP, in one or more processes."""

    name = ""

    def __init__(self, work: Path) -> None:
        """
        Args:
            work: folder for what this side makes; emptied of nothing.
        """
        self.work = work
        self._programs: list[Program] = []
        self._bases: list[str] = []
        work.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def start(self, processes: int = 1) -> None:
        """Start the programs, `processes` of them serving; returns at once."""

    @abstractmethod
    async def open(self, client: aiohttp.ClientSession, number: int) -> Say:
        """Begin conversation `number`; it stays with one of the serving processes."""

    def stop(self) -> None:
        """End the programs."""
        for program in self._programs:
            program.stop()
        self._programs, self._bases = [], []

    def resident(self) -> float:
        """Megabytes of memory that all programs hold."""
        return resident([program.pid for program in self._programs])

    async def first_answer(self, client: aiohttp.ClientSession, text: str) -> None:
        """Ask `text` until every serving process has answered it.

        Raises:
            BenchError: a program ended, or it takes longer than `PATIENCE`.
        """
        until = time.monotonic() + PATIENCE
        for number in range(len(self._bases)):
            while True:
                for program in self._programs:
                    program.check()
                try:
                    say = await self.open(client, number)
                    if await say(text):
                        break
                except (aiohttp.ClientError, TimeoutError, ValueError):
                    pass
                if time.monotonic() > until:
                    raise BenchError(f"{self.name} has not answered after {PATIENCE:.0f} s.")
                await asyncio.sleep(0.05)

    def _run(self, command: list[str], folder: Path, given: Mapping[str, str], log: str) -> None:
        self._programs.append(Program(command, folder, given, self.work / log))

    def _base(self, number: int) -> str:
        return self._bases[number % len(self._bases)]


class Ours(Side):
    """This project: one application that does everything, with its database."""

    name = "Evenkeel"

    def __init__(self, work: Path, database: Path, data: Path = ROOT / "data") -> None:
        """
        Args:
            database: the SQLite file with the content; each start works on a copy of it.
            data: the data folder that it serves from.
        """
        super().__init__(work)
        self.models, self._database, self._data = work / "models", database, data

    def train(self, learned: Path) -> Spent:
        """Train screen and dialogue model from the data folder `learned`."""
        # Those of an earlier training would save most of the work of this one.
        for kept in (self.work / "var").glob("embeddings-*"):
            kept.unlink()
        given = self._given(EVENKEEL_DATA=str(learned))
        return spend([sys.executable, "-m", "bot", "train"], ROOT, given, self.work / "train.log")

    def start(self, processes: int = 1) -> None:
        copy_database(self._database, self.work / "var" / "evenkeel.db")
        for _ in range(processes):
            port = free_port()
            given = self._given(EVENKEEL_DATA=str(self._data), PORT=str(port))
            self._run([sys.executable, "-m", "bot", "serve"], ROOT, given, "serve.log")
            self._bases.append(f"http://127.0.0.1:{port}")

    async def open(self, client: aiohttp.ClientSession, number: int) -> Say:
        base = self._base(number)
        token = (await _post(client, f"{base}/chat/sessions", {}))["token"]
        headers = {"Authorization": f"Bearer {token}"}

        async def say(text: str) -> list[dict[str, Any]]:
            asked = {"id": uuid.uuid4().hex, "text": text}
            return list((await _post(client, f"{base}/chat/messages", asked, headers))["messages"])

        return say

    def _given(self, **more: str) -> dict[str, str]:
        return environment(
            EVENKEEL_VAR=str(self.work / "var"),
            EVENKEEL_MODELS=str(self.models),
            SECRET_KEY="for measuring",
            SESSION_LIMIT="100000",
            ADDRESS_LIMIT="1000000",
            **more,
        )


class Peer(Side):
    """Stock Rasa's own server, and our actions on an action server, in our environment."""

    name = "stock Rasa"

    def __init__(self, work: Path, python: Path, database: Path) -> None:
        """
        Args:
            work: Rasa's project folder (`bench.material.write_for_peer`).
            python: of stock Rasa's environment; database: as for `Ours`, for the actions.
        """
        super().__init__(work)
        self._rasa, self._database = python.with_name("rasa"), database
        self.model = work / "models" / "stock.tar.gz"

    def train(self) -> Spent:
        """Train with Rasa's own command."""
        command = [str(self._rasa), "train", "--fixed-model-name", "stock", "--force"]
        return spend(command, self.work, environment(), self.work / "train.log")

    def start(self, processes: int = 1) -> None:
        copy_database(self._database, self.work / "var" / "evenkeel.db")
        actions = free_port()
        given = environment(EVENKEEL_VAR=str(self.work / "var"), SECRET_KEY="for measuring")
        self._run([sys.executable, "-m", "bot", "actions", str(actions)], ROOT, given, "actions.log")
        endpoints = self.work / "endpoints.yml"
        endpoints.write_text(f'action_endpoint:\n  url: "http://127.0.0.1:{actions}/webhook"\n', encoding="ascii")
        for _ in range(processes):
            port = free_port()
            command = [str(self._rasa), "run", "--enable-api", "-i", "127.0.0.1", "--port", str(port)]
            command += ["--model", str(self.model), "--endpoints", str(endpoints), "--credentials", "credentials.yml"]
            self._run(command, self.work, environment(), "serve.log")
            self._bases.append(f"http://127.0.0.1:{port}")

    async def open(self, client: aiohttp.ClientSession, number: int) -> Say:
        base, sender = self._base(number), uuid.uuid4().hex

        async def say(text: str) -> list[dict[str, Any]]:
            said = await _post(client, f"{base}/webhooks/rest/webhook", {"sender": sender, "message": text})
            return [message.get("custom") or message for message in said]

        return say

    async def intent(self, client: aiohttp.ClientSession, text: str) -> str:
        """The likeliest intent of `text`; where Rasa is unsure and calls it a fallback, the one it thought of first."""
        parsed = await _post(client, f"{self._base(0)}/model/parse", {"text": text})
        ranking = [r["name"] for r in parsed.get("intent_ranking") or [] if r["name"] != "nlu_fallback"]
        return str(ranking[0] if ranking else parsed["intent"]["name"])


class Floor(Side):
    """A server that embeds what it is told with every encoder in use, and echoes it (bench/floor.py)."""

    name = "floor"

    def start(self, processes: int = 1) -> None:
        for _ in range(processes):
            port = free_port()
            self._run([sys.executable, "-m", "bench.floor", str(port)], ROOT, environment(), "floor.log")
            self._bases.append(f"http://127.0.0.1:{port}")

    async def open(self, client: aiohttp.ClientSession, number: int) -> Say:
        base = self._base(number)

        async def say(text: str) -> list[dict[str, Any]]:
            return [await _post(client, base, {"text": text})]

        return say


def our_intents(ours: Ours, texts: list[str]) -> list[str]:
    """The intents that our trained bot, screen included, gives to `texts` (bench/judge.py).

    Raises:
        BenchError: it failed.
    """
    asked, told = ours.work / "asked.json", ours.work / "told.json"
    asked.write_text(json.dumps(texts), encoding="utf-8")
    copy_database(ours._database, ours.work / "var" / "evenkeel.db")
    command = [sys.executable, "-m", "bench.judge", str(asked), str(told)]
    spend(command, ROOT, ours._given(EVENKEEL_DATA=str(ours._data)), ours.work / "judge.log")
    return list(json.loads(told.read_text(encoding="utf-8")))


def model_size(side: Ours | Peer) -> float:
    """Megabytes of what training made."""
    return megabytes([side.models if isinstance(side, Ours) else side.model])


def copy_database(database: Path, to: Path) -> None:
    """A fresh copy, without the conversations of an earlier run."""
    to.parent.mkdir(parents=True, exist_ok=True)
    for left in to.parent.glob(f"{to.name}*"):
        left.unlink()
    shutil.copy(database, to)


async def _post(
    client: aiohttp.ClientSession, url: str, data: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Any:
    """The answer; who is told to come back later (503) does so after the time that was named, as a browser would."""
    timeout = aiohttp.ClientTimeout(total=ONE_ANSWER)
    while True:
        async with client.post(url, json=data, headers=headers, timeout=timeout) as response:
            if response.status != 503 or "Retry-After" not in response.headers:
                response.raise_for_status()
                return await response.json()
            wait = float(response.headers["Retry-After"])
        await asyncio.sleep(wait)
