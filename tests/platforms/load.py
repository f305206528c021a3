"""Measures the messengers under load: `make load-channels`, or `python -m tests.platforms.load --seconds 3`.

Sends signed webhooks of all platforms at a steady rate (the next one does not wait for the answer to the last), one
in a hundred of them from somebody in a crisis, and watches what arrives at the stand-ins until nothing is left.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bot.settings import ROOT
from tests.platforms.everything import application, environment, free_socket, make, served
from tests.platforms.standin import Shown, StandIn

_MARK = re.compile(r"mark (\d+)")
PEOPLE, CRISIS_EVERY = 3000, 100


@dataclass
class Figures:
    """What was seen: times in seconds after the start, by the number of the message."""

    sent: dict[int, float] = field(default_factory=dict)
    acknowledged: dict[int, float] = field(default_factory=dict)
    replied: dict[int, float] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)
    crises: set[int] = field(default_factory=set)
    twice: int = 0

    def saw(self, shown: Shown) -> None:
        """Note what somebody was shown."""
        found = _MARK.search(shown.text)
        if found:
            self.twice += int(found[1]) in self.replied
            self.replied.setdefault(int(found[1]), time.perf_counter())

    def result(self, rate: int, seconds: float, ended: float) -> dict[str, Any]:
        """The figures that are reported, in milliseconds and seconds."""
        acks = sorted(self.acknowledged[n] - self.sent[n] for n in self.acknowledged)
        waits = {
            name: sorted(self.replied[n] - self.acknowledged[n] for n in self.replied if (n in self.crises) == crisis)
            for name, crisis in (("crisis", True), ("other", False))
        }
        return {
            "webhooks": len(self.sent),
            "per_second": rate,
            "accepted": sum(status == 200 for status in self.statuses.values()),
            "ack_p50_ms": round(1000 * at(acks, 0.5), 1),
            "ack_p99_ms": round(1000 * at(acks, 0.99), 1),
            "ack_max_ms": round(1000 * at(acks, 1.0), 1),
            "replied": len(self.replied),
            "lost": len(set(self.acknowledged) - set(self.replied)),
            "twice": self.twice,
            "backlog_at_the_end": sum(moment > ended for moment in self.replied.values())
            + len(self.sent)
            - len(self.replied),
            "worked_off_after_s": round(max(self.replied.values(), default=ended) - ended, 1),
            "crisis_reply_p50_s": round(at(waits["crisis"], 0.5), 2),
            "crisis_reply_p99_s": round(at(waits["crisis"], 0.99), 2),
            "other_reply_p50_s": round(at(waits["other"], 0.5), 2),
            "other_reply_p99_s": round(at(waits["other"], 0.99), 2),
            "seconds": seconds,
        }


def at(values: list[float], share: float) -> float:
    """The value below which `share` of the sorted `values` lie."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


async def measure(rate: int, seconds: float, patience: float, database: str = "", real: bool = False) -> dict[str, Any]:
    """Put the load on an application in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        platforms, own = free_socket(), free_socket()
        port = own.getsockname()[1]
        own.close()
        base = f"http://127.0.0.1:{port}"
        stand_ins = make(base)
        settings = {
            "EVENKEEL_VAR": folder,
            "SECRET_KEY": "for measuring",
            "SESSION_LIMIT": "100000",
            **environment(f"http://127.0.0.1:{platforms.getsockname()[1]}", base),
        }
        if database:
            settings["DATABASE_URL"] = database
        async with served(application(stand_ins), platforms):
            command = [sys.executable, "-m", "tests.platforms.serve", str(port), *(["--real"] if real else [])]
            process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True
            )
            try:
                assert process.stdout is not None
                await asyncio.to_thread(process.stdout.readline)
                return await _load(base, stand_ins, rate, seconds, patience, process.pid)
            finally:
                process.terminate()
                await asyncio.to_thread(process.wait)


def computed(process: int) -> float:
    """Seconds of computing that a process has used; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _load(
    base: str, stand_ins: dict[str, StandIn], rate: int, seconds: float, patience: float, process: int
) -> dict[str, Any]:
    figures = Figures()
    names = list(stand_ins)

    class Watched(list[Shown]):
        def append(self, shown: Shown) -> None:
            figures.saw(shown)

    for stand_in in stand_ins.values():
        stand_in.shown = Watched()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(number: int) -> None:
            crisis = number % CRISIS_EVERY == 50
            words = "i want to die" if crisis else "what are the side effects"
            if crisis:
                figures.crises.add(number)
            person = str(447_000_000_000 + number % PEOPLE + (PEOPLE if crisis else 0))
            webhook = stand_ins[names[number % len(names)]].text(person, f"{words} mark {number}", number + 1)
            figures.sent[number] = time.perf_counter()
            try:
                async with session.post(base + webhook.path, data=webhook.body, headers=webhook.headers) as response:
                    await response.read()
                    figures.statuses[number] = response.status
            except (aiohttp.ClientError, TimeoutError):
                figures.statuses[number] = 0  # not accepted: a platform would send it again
                return
            if response.status == 200:
                figures.acknowledged[number] = time.perf_counter()

        began, own, theirs = time.perf_counter(), time.process_time(), computed(process)
        tasks = []
        for number in range(int(rate * seconds)):
            wait = began + number / rate - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(one(number)))
        await asyncio.gather(*tasks)
        ended = time.perf_counter()
        used = {
            "server_cpu_s": round(computed(process) - theirs, 2),
            "sender_cpu_s": round(time.process_time() - own, 2),
        }
        used |= {"sending_took_s": round(ended - began, 1), "load_average": round(os.getloadavg()[0], 1)}
        while len(figures.replied) < len(figures.acknowledged) and time.perf_counter() < ended + patience:
            await asyncio.sleep(0.1)
    return figures.result(rate, seconds, ended) | used


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the messengers under load.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=200, help="webhooks a second")
    parser.add_argument("--patience", type=float, default=600.0, help="seconds to wait until the backlog is worked off")
    parser.add_argument("--database", default="", help="DATABASE_URL; a new SQLite file when left out")
    parser.add_argument("--real", action="store_true", help="let the trained bot answer, where there is one")
    given = parser.parse_args()
    figures = asyncio.run(measure(given.rate, given.seconds, given.patience, given.database, given.real))
    print(json.dumps(figures))
    return (
        0 if figures["lost"] == 0 and figures["accepted"] == figures["webhooks"] and figures["ack_p99_ms"] < 500 else 1
    )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(ROOT)))
    raise SystemExit(main())
