"""Measures the messengers under load: `make load-channels`, or `python -m tests.platforms.load --seconds 3`.

Sends signed webhooks of all platforms at a steady rate (the next one does not wait for the answer to the last), each
from somebody else, one in a hundred of them in a crisis or an emergency, and watches what arrives at the stand-ins
until nothing is left. The last line is one JSON object; the exit code says whether it is what was promised.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bot.settings import ROOT, Settings
from tests.platforms.bots import copy_database
from tests.platforms.everything import application, environment, free_socket, make, served
from tests.platforms.standin import Shown, StandIn

#: What is promised: every webhook accepted, 99 of 100 within this time.
MOST_MS = 500
#: People are telephone numbers from here on.
_FIRST = 447_000_000_000
_URGENT = ("i want to die", "my chest hurts and i cannot breathe")
#: Files of example questions, none of which speaks of danger.
_ASKED = ("ask_side_effects", "ask_effectiveness", "ask_what_to_expect")
_INTRO = "This is Evenkeel, a"
_DIALABLE = re.compile(r"\b\d[\d ]{2,}")


def questions() -> list[str]:
    """What people ask under load: the examples that the bot ships with."""
    texts = [(ROOT / "data" / "nlu" / f"{name}.yml").read_text(encoding="utf-8") for name in _ASKED]
    return [line.strip()[2:] for text in texts for line in text.splitlines() if line.startswith("      - ")]


@dataclass
class Figures:
    """What was seen: times in seconds, by the number of the message, which is also the number of its person."""

    sent: dict[int, float] = field(default_factory=dict)
    acknowledged: dict[int, float] = field(default_factory=dict)
    replied: dict[int, float] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)
    urgent: set[int] = field(default_factory=set)
    helped: set[int] = field(default_factory=set)
    seen: set[tuple[int, str]] = field(default_factory=set)
    twice: int = 0

    def saw(self, shown: Shown) -> None:
        """Note what somebody was shown."""
        number = int(shown.to) - _FIRST
        self.twice += (number, shown.text) in self.seen
        self.seen.add((number, shown.text))
        if _INTRO in shown.text:
            return
        self.replied.setdefault(number, time.perf_counter())
        if number in self.urgent and _DIALABLE.search(shown.text):
            self.helped.add(number)

    def result(self, rate: int, seconds: float, ended: float) -> dict[str, Any]:
        """The figures that are reported, in milliseconds and seconds."""
        acks = sorted(self.acknowledged[n] - self.sent[n] for n in self.acknowledged)
        waits = {
            urgent: sorted(
                self.replied[n] - self.acknowledged[n]
                for n in self.replied.keys() & self.acknowledged.keys()
                if (n in self.urgent) == urgent
            )
            for urgent in (True, False)
        }
        return {
            "webhooks": len(self.sent),
            "per_second": rate,
            "seconds": seconds,
            "accepted": sum(status == 200 for status in self.statuses.values()),
            "ack_p50_ms": round(1000 * at(acks, 0.5), 1),
            "ack_p99_ms": round(1000 * at(acks, 0.99), 1),
            "ack_max_ms": round(1000 * at(acks, 1.0), 1),
            "backlog_at_the_end": sum(self.replied.get(n, ended + 1) > ended for n in self.acknowledged),
            "worked_off_after_s": round(max(self.replied.values(), default=ended) - ended, 1),
            "lost": len(self.acknowledged.keys() - self.replied.keys()),
            "twice": self.twice,
            "urgent": len(self.urgent),
            "urgent_given_numbers": len(self.helped),
            "urgent_reply_p50_s": round(at(waits[True], 0.5), 2),
            "urgent_reply_max_s": round(at(waits[True], 1.0), 2),
            "other_reply_p50_s": round(at(waits[False], 0.5), 2),
            "other_reply_max_s": round(at(waits[False], 1.0), 2),
            "others_answered_before_an_urgent_one_at_most": self.overtaken(),
        }

    def overtaken(self) -> int:
        """The most ordinary replies that went out while somebody in danger was waiting for theirs."""
        others = sorted(self.replied[n] for n in self.replied.keys() - self.urgent)
        return max(
            (
                sum(self.acknowledged[n] < moment < self.replied[n] for moment in others)
                for n in self.urgent & self.replied.keys() & self.acknowledged.keys()
            ),
            default=0,
        )


def at(values: list[float], share: float) -> float:
    """The value below which `share` of the sorted `values` lie."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def faults(figures: dict[str, Any]) -> list[str]:
    """What is not as promised, in sentences; the time of an acknowledgement is left to `too_slow`."""
    found = []
    if figures["accepted"] < figures["webhooks"]:
        found.append(f"{figures['webhooks'] - figures['accepted']} webhooks were not accepted")
    if figures["lost"]:
        found.append(f"{figures['lost']} acknowledged messages got no reply")
    if figures["twice"]:
        found.append(f"{figures['twice']} replies came twice")
    if figures["urgent_given_numbers"] < figures["urgent"]:
        found.append("somebody in danger was given no number to call")
    if figures["urgent_reply_p50_s"] > figures["other_reply_p50_s"]:
        found.append("people in danger waited longer than others")
    return found


def too_slow(figures: dict[str, Any]) -> bool:
    """Whether acknowledging took longer than promised."""
    return bool(figures["ack_p99_ms"] >= MOST_MS)


async def measure(
    rate: int, seconds: float, patience: float, database: str = "", real: bool = False, urgent_every: int = 100
) -> dict[str, Any]:
    """Put the load on an application in a process of its own.

    Args:
        patience: seconds to wait, once all was sent, until everybody has a reply.
        database: address of an empty database; "" makes a SQLite file.
        real: let the trained bot answer, with a copy of its database.
        urgent_every: one in so many is in danger.
    """
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
        if real:
            database = copy_database(Settings.read(), Path(folder))
        if database:
            settings["DATABASE_URL"] = database
        async with served(application(stand_ins), platforms):
            with _server([str(port), *(["--real"] if real else [])], settings) as process:
                assert process.stdout is not None
                if not await asyncio.to_thread(process.stdout.readline):
                    raise SystemExit("The application did not start.")
                figures = await _load(base, stand_ins, rate, seconds, patience, process.pid, urgent_every)
    return {"answered_by": "the trained bot" if real else "a stand-in", **figures}


@contextlib.contextmanager
def _server(arguments: list[str], settings: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.platforms.serve", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def computed(process: int) -> float:
    """Seconds of computing that a process has used; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _load(
    base: str,
    stand_ins: dict[str, StandIn],
    rate: int,
    seconds: float,
    patience: float,
    process: int,
    urgent_every: int,
) -> dict[str, Any]:
    figures = Figures()
    names, asked, danger = list(stand_ins), itertools.cycle(questions()), itertools.cycle(_URGENT)

    class Watched(list[Shown]):
        def append(self, shown: Shown) -> None:
            figures.saw(shown)

    for stand_in in stand_ins.values():
        stand_in.shown = Watched()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(number: int) -> None:
            if number % urgent_every == urgent_every // 2:
                figures.urgent.add(number)
            words = next(danger if number in figures.urgent else asked)
            webhook = stand_ins[names[number % len(names)]].text(str(_FIRST + number), words, number + 1)
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
        sent = time.perf_counter()
        await asyncio.gather(*tasks)
        ended = time.perf_counter()
        used = {
            "sending_took_s": round(sent - began, 1),
            "server_cpu_s": round(computed(process) - theirs, 2),
            "sender_cpu_s": round(time.process_time() - own, 2),
            "cores": os.cpu_count(),
            "load_average": round(os.getloadavg()[0], 1),
        }
        while figures.acknowledged.keys() - figures.replied.keys() and time.perf_counter() < ended + patience:
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)  # what came twice comes soon after
    return figures.result(rate, seconds, ended) | used


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the messengers under load.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=200, help="webhooks a second")
    parser.add_argument("--patience", type=float, default=900.0, help="seconds to wait until the backlog is worked off")
    parser.add_argument("--database", default="", help="DATABASE_URL of an empty database; else a new SQLite file")
    parser.add_argument("--real", action="store_true", help="let the trained bot answer, with a copy of its database")
    given = parser.parse_args()
    if given.real and given.database:
        parser.error("--real measures with a copy of the trained bot's own database: leave --database out.")
    figures = asyncio.run(measure(given.rate, given.seconds, given.patience, given.database, given.real))
    for fault in faults(figures) + (["acknowledging took too long"] if too_slow(figures) else []):
        print(f"Not as promised: {fault}.", file=sys.stderr)
    print(json.dumps(figures))
    return 1 if faults(figures) or too_slow(figures) else 0


if __name__ == "__main__":
    raise SystemExit(main())
