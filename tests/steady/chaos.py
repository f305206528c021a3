"""`make chaos`: everything that can break is broken while people talk, and counted. ARGS=--soak runs 20 quiet minutes.

Needs PostgreSQL and Redis (TEST_POSTGRESQL_URL, TEST_REDIS_URL, else those of this machine) and a trained bot. They are
broken by a proxy of our own: the services themselves go on. All traffic stays on this machine. The last line is one
JSON object; the exit code is 1 where a promise was not kept.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import secrets
import shutil
import sys
import time
from typing import Any

import httpx

from bot.settings import ROOT
from tests.platforms.bots import copy_database
from tests.steady.counting import (
    DANGER,
    QUESTIONS,
    Count,
    Crowd,
    Place,
    check_histories,
    check_stored,
    danger,
    helps,
    place,
)
from tests.steady.killing import killed, whole_bots_killed
from tests.steady.processes import Server, Visitor, environment_of, servers
from tests.steady.proxy import Proxy

#: The parts, in their order.
PARTS = ("killed", "whole", "services", "overload", "actions", "disk", "clock", "model")
#: Seconds by which the clocks of the two processes go on, or back: of both, or of one of them.
_JUMPS = ((3600, 3600), (-3600, -3600), (-93_600, -93_600), (93_600, 93_600), (600, 0), (-1200, 0), (600, 0))


async def broken(at: Place, both: list[Server], client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    """Database and Redis are cut, away, and slow, while people talk and some are in danger."""
    addresses = [server.address for server in both]

    async def cut(proxy: Proxy) -> None:
        for _ in range(20):
            proxy.cut()
            await asyncio.sleep(0.25)

    async def away(proxy: Proxy) -> None:
        async with proxy.gone():
            await asyncio.sleep(6)

    async def slow(proxy: Proxy) -> None:
        proxy.delay = 0.15
        await asyncio.sleep(6)
        proxy.delay = 0.0

    reports = {}
    for service, proxy in (("database", at.before_database), ("redis", at.before_redis)):
        for fault, breaking in (("cut", cut), ("gone and back", away), ("slow", slow)):
            count = Count(f"{service} {fault}")
            people = [await Visitor.arrive(client, addresses[n % 2]) for n in range(12)]
            in_danger = [await Visitor.arrive(client, addresses[n % 2]) for n in range(4)]
            crowd = Crowd(count, people, lambda turn: [addresses[turn % 2], addresses[(turn + 1) % 2]])
            async with crowd:
                breaking_now = asyncio.create_task(breaking(proxy))
                turn = 0
                while not breaking_now.done():
                    turn += 1
                    await danger(count, in_danger[turn % 4], addresses[turn % 2], f"d{turn}")
                    await asyncio.sleep(0.4)
                await breaking_now
                began = time.monotonic()
                messages = await people[0].insist(addresses, "afterwards", QUESTIONS[0], tries=150)
                crowd.said[0].append(QUESTIONS[0])
                count.seen["seconds until answers are back"] = round(time.monotonic() - began)
                count.check(messages[0]["kind"] == "answer", "afterwards there was no answer")
            for person in in_danger:  # what a browser does once it is told to come back
                for number in range(1, turn + 1):
                    if in_danger.index(person) == number % 4:
                        await person.insist(addresses, f"d{number}", DANGER, tries=100)
            await check_histories(count, addresses[0], people, crowd.said)
            check_stored(count, at.direct)
            reports[f"{service} {fault}"] = count.report()
    return reports


async def overload(both: list[Server], client: httpx.AsyncClient, at: Place) -> dict[str, Any]:
    """Ten times what two processes can carry, all at once."""
    count = Count("overload")
    addresses = [server.address for server in both]
    people = [await Visitor.arrive(client, addresses[n % 2]) for n in range(60)]
    began = time.monotonic()
    for turn in range(3):
        await asyncio.gather(*(p.insist([addresses[n % 2]], f"w{turn}", QUESTIONS[0]) for n, p in enumerate(people)))
    capacity = 180 / (time.monotonic() - began)
    count.seen["messages a second that it carries"] = round(capacity)
    number = min(3000, int(capacity * 10 * 3))
    count.seen["messages sent in 3 s"] = number

    async def one(index: int) -> None:
        await asyncio.sleep(3 * index / number)
        who, where, is_danger = people[index % len(people)], addresses[index % 2], index % 20 == 0
        try:
            response = await who.say(where, f"o{index}", DANGER if is_danger else QUESTIONS[index % len(QUESTIONS)])
        except httpx.TransportError as error:
            count.seen[f"{type(error).__name__}"] += 1
            count.check(not is_danger, "a danger got no answer")
            return
        count.seen[str(response.status_code)] += 1
        if response.status_code == 200:
            lead = response.json()["messages"][0]["lead"]
            count.seen["answered without the dialogue"] += lead.startswith("Something")
        else:
            count.check(response.status_code in (429, 503), f"an answer with status {response.status_code}")
            count.check("retry-after" in response.headers, f"{response.status_code} without Retry-After")
        if is_danger:
            count.seen["dangers"] += 1
            count.check(helps(response), f"a danger got no number ({response.status_code})")

    await asyncio.gather(*(one(index) for index in range(number)))
    began = time.monotonic()
    (said, *_) = await people[0].insist(addresses, "after", QUESTIONS[0])
    count.seen["seconds until answers are back"] = round(time.monotonic() - began)
    count.check(said["kind"] == "answer", "afterwards there was no answer")
    return count.report()


async def action_server(at: Place, client: httpx.AsyncClient) -> dict[str, Any]:
    """An action server that never answers, and one that is not there."""
    count = Count("action server slow or dead")

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(never, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    for name, address in (("slow", f"http://127.0.0.1:{port}/webhook"), ("dead", "http://127.0.0.1:9/webhook")):
        async with servers(1, at.environment(ACTION_ENDPOINT=address), at.folder) as (server,):
            person = await Visitor.arrive(client, server.address)
            began = time.monotonic()
            response = await person.say(server.address, "1", QUESTIONS[0])
            count.check(response.status_code == 200, f"{name}: a question got {response.status_code}")
            count.check(time.monotonic() - began < 8, f"{name}: a person waited {time.monotonic() - began:.1f} s")
            await danger(count, person, server.address, "2")
            count.seen[name] += 1
    silent.close()
    return count.report()


async def disk_full(at: Place, client: httpx.AsyncClient) -> dict[str, Any]:
    """No file can grow any more: what a full disk does to SQLite. Then there is room again."""
    count = Count("disk full (SQLite)")
    address = await asyncio.to_thread(copy_database, at.trained, at.folder)
    environment = environment_of(at.trained, at.folder, address)
    async with servers(1, environment, at.folder) as (server,):
        person, other = [await Visitor.arrive(client, server.address) for _ in range(2)]
        await person.insist([server.address], "1", QUESTIONS[0])
        assert server.process is not None
        _, most = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1024, most))
        for turn in range(20):
            response = await person.say(server.address, f"full-{turn}", QUESTIONS[turn % 4])
            count.seen[str(response.status_code)] += 1
            count.check(response.status_code in (200, 503), f"an answer with status {response.status_code}")
            count.check(response.status_code == 200 or "retry-after" in response.headers, "503 without Retry-After")
        for turn in range(5):
            await danger(count, other, server.address, f"danger-{turn}")
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (most, most))
        for turn in range(20):
            await person.insist([server.address], f"full-{turn}", QUESTIONS[turn % 4])
            count.seen["answered once there was room"] += 1
        history = await person.history(server.address)
        asked = [message["id"] for message in history if message["from"] == "visitor"]
        count.check(len(asked) == len(set(asked)) == 21, f"the history holds {len(asked)} messages of 21")
    return count.report()


async def clocks_set(at: Place, client: httpx.AsyncClient) -> dict[str, Any]:
    """The clocks of both processes, or of one alone, go on or back by minutes and by a day while people talk."""
    count = Count("clock jumping")
    async with servers(2, at.environment(), at.folder, "tests.steady.jumping") as both:
        addresses = [server.address for server in both]
        people = [await Visitor.arrive(client, addresses[n % 2]) for n in range(8)]
        in_danger = await Visitor.arrive(client, addresses[0])
        crowd = Crowd(count, people, lambda turn: [addresses[turn % 2], addresses[(turn + 1) % 2]])
        async with crowd:
            for number, jumps in enumerate(_JUMPS):
                for server, seconds in zip(both, jumps, strict=True):
                    server.tell(str(seconds))
                count.seen["jumps"] += 1
                before = count.seen["messages"]
                await danger(count, in_danger, addresses[number % 2], f"d{number}")
                await asyncio.sleep(4)
                count.check(count.seen["messages"] > before, f"nobody was answered after a jump of {jumps} s")
        count.check(count.seen["seconds that one waited at most"] < 15, "somebody waited for the clock")
        await check_histories(count, addresses[0], people, crowd.said)
    check_stored(count, at.direct)
    return count.report()


async def corrupt_model(at: Place) -> dict[str, Any]:
    """A model that somebody else put there: the start is refused in a sentence."""
    count = Count("model file corrupt")
    models = at.folder / "models"
    shutil.copytree(at.trained.models, models)
    (models / "dialogue.tar.gz").write_bytes(b"from somebody else")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "serve", cwd=ROOT, env=at.environment(EVENKEEL_MODELS=str(models)),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, errors = await asyncio.wait_for(process.communicate(), 90)
    count.seen["starts refused"] = int(process.returncode != 0)
    count.check(process.returncode != 0, "it started")
    count.check(b"model accept" in errors and b"Traceback" not in errors, errors[-300:].decode())
    return count.report()


async def soak(at: Place, minutes: float) -> dict[str, Any]:
    """Two processes answer steadily; their memory must stay flat once they are warm."""
    count = Count(f"soak of {minutes:g} minutes")
    async with servers(2, at.environment(), at.folder) as both, httpx.AsyncClient(timeout=30) as client:
        addresses, end = [server.address for server in both], time.monotonic() + minutes * 60
        measured: list[tuple[float, float]] = []

        async def talk(number: int) -> None:
            while time.monotonic() < end:
                person = await Visitor.arrive(client, addresses[number % 2])
                for turn in range(12):
                    words = DANGER if turn == 7 else f"{QUESTIONS[turn % len(QUESTIONS)]} {turn % 3 * '!'}"
                    await person.insist([addresses[(number + turn) % 2]], f"m{turn}", words)
                    count.seen["messages"] += 1
                    await asyncio.sleep(0.5)

        talking = [asyncio.create_task(talk(number)) for number in range(6)]
        while time.monotonic() < end:
            await asyncio.sleep(min(30, max(1, end - time.monotonic())))
            measured.append((time.monotonic() - count.began, sum(server.memory for server in both)))
        await asyncio.gather(*talking)
        warm = [memory for _, memory in measured[len(measured) // 4 :]]
        third = max(1, len(warm) // 3)
        early, late = sum(warm[:third]) / third, sum(warm[-third:]) / third
        count.seen["MB of both, early"], count.seen["MB of both, late"] = round(early), round(late)
        count.check(late - early < 0.03 * early, f"memory grew from {early:.0f} to {late:.0f} MB")
    check_stored(count, at.direct)
    return count.report()


async def run(asked: argparse.Namespace) -> int:
    """Everything, one after the other; the exit code."""
    reports: dict[str, Any] = {}
    async with place() as at:
        if asked.soak:
            reports["soak"] = await soak(at, asked.soak)
        else:
            wanted = asked.only.split(",") if asked.only else PARTS
            if "killed" in wanted:
                reports["killed"] = await killed(at, asked.kills, asked.seed)
            if "whole" in wanted:
                reports["whole bots killed"] = await whole_bots_killed(at, max(2, asked.kills // 16), asked.seed)
            async with httpx.AsyncClient(timeout=40, limits=httpx.Limits(max_connections=800)) as client:
                if {"services", "overload"} & set(wanted):
                    async with servers(2, at.environment(), at.folder) as both:
                        if "services" in wanted:
                            reports |= await broken(at, both, client)
                        if "overload" in wanted:
                            reports["overload"] = await overload(both, client, at)
                if "actions" in wanted:
                    reports["action server"] = await action_server(at, client)
                if "disk" in wanted:
                    reports["disk full"] = await disk_full(at, client)
                if "clock" in wanted:
                    reports["clock jumping"] = await clocks_set(at, client)
            if "model" in wanted:
                reports["model"] = await corrupt_model(at)
    wrong = sum(report["wrong"] for report in reports.values())
    print(json.dumps({"wrong": wrong, **reports}))
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how often a process is killed")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="has a run again")
    parser.add_argument("--only", default="", help=f"parts, with commas: {','.join(PARTS)}")
    parser.add_argument("--soak", type=float, nargs="?", const=20.0, default=0.0, help="minutes; nothing else then")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
