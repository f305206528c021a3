"""Processes that die while people talk to them: small bots hundreds of times, whole ones a dozen times."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from bot.settings import ROOT
from tests.steady.counting import Count, Crowd, Place, check_histories, check_stored, danger
from tests.steady.processes import Visitor, servers

#: Processes that are killed in turn.
_PROCESSES = 6


@contextlib.contextmanager
def zygote(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[str]]:
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.steady.zygote"],
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
            start_new_session=True,
        )  # fmt: skip
        assert process.stdout
        if process.stdout.readline().strip() != "ready":
            raise SystemExit(f"The small bot could not be started: {log.read_text()[-800:]}")
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # it, and all that it has made
            process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def killed(at: Place, kills: int, seed: int) -> dict[str, Any]:
    """Processes are killed again and again, at random moments; people insist until they are answered.

    There are so many that one lives longer than a dead one's tickets do: else nobody would ever be answered.
    """
    count, dice = Count(f"killed at random moments of a message (seed {seed})"), random.Random(seed)
    model = await asyncio.to_thread(_toy_model, at.folder)
    ports = [free_port() for _ in range(_PROCESSES)]
    addresses = [f"http://127.0.0.1:{port}" for port in ports]
    with zygote(at.environment(TOY_MODEL=str(model), LOG_LEVEL="error"), at.folder / "zygote.log") as maker:
        assert maker.stdin and maker.stdout

        async def start(port: int) -> int:
            assert maker.stdin and maker.stdout
            maker.stdin.write(f"{port}\n")
            maker.stdin.flush()
            child = int(await asyncio.to_thread(maker.stdout.readline))
            async with asyncio.timeout(60):
                while True:
                    with contextlib.suppress(OSError):
                        _, writer = await asyncio.open_connection("127.0.0.1", port)
                        writer.close()
                        return child
                    await asyncio.sleep(0.02)

        children = [await start(port) for port in ports]
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(timeout=10, limits=limits) as client:
            people = [await Visitor.arrive(client, addresses[n % _PROCESSES]) for n in range(40)]
            crowd = Crowd(
                count, people, lambda turn: dice.sample(addresses, len(addresses)),
                lambda number, turn: f"hello {number} {turn}", tries=1000, pause=0,
            )  # fmt: skip
            async with crowd:
                for number in range(kills):
                    await asyncio.sleep(0.1 + dice.random() * 0.5)
                    which = number % _PROCESSES
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(children[which], signal.SIGKILL)
                    count.seen["kills"] += 1
                    children[which] = await start(ports[which])
            await check_histories(count, addresses[0], people, crowd.said)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
    check_stored(count, at.direct)
    count.check(count.seen["messages"] > 2 * kills, "so few were answered that this says nothing")
    return count.report()


async def whole_bots_killed(at: Place, kills: int, seed: int) -> dict[str, Any]:
    """Two bots with everything in them; one is killed while the other answers, and started again."""
    count, dice = Count(f"whole bots killed (seed {seed})"), random.Random(seed)
    async with servers(2, at.environment(), at.folder) as both, httpx.AsyncClient(timeout=15) as client:
        people = [await Visitor.arrive(client, both[n % 2].address) for n in range(8)]
        in_danger = await Visitor.arrive(client, both[0].address)
        crowd = Crowd(count, people, lambda turn: [both[turn % 2].address, both[(turn + 1) % 2].address])
        async with crowd:
            for number in range(kills):
                await asyncio.sleep(0.5 + dice.random())
                dead, living = both[number % 2], both[(number + 1) % 2]
                await dead.kill()
                count.seen["kills"] += 1
                await danger(count, in_danger, living.address, f"d{number}")
                await dead.start()
        await check_histories(count, both[0].address, people, crowd.said)
    check_stored(count, at.direct)
    count.check(count.seen["messages"] > 10 * kills, "so few were answered that this says nothing")
    return count.report()


def _toy_model(folder: Path) -> Path:
    toy = folder / "toy"
    shutil.copytree(ROOT / "tests" / "engine" / "toy", toy)
    done = subprocess.run(
        [sys.executable, "-m", "bot", "rasa", "train", "--fixed-model-name", "toy"],
        cwd=toy, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr[-800:])
    return toy / "models" / "toy.tar.gz"
