"""`make chaos`: everything that can break is broken while people talk, and counted. ARGS=--soak runs 20 quiet minutes.

Needs PostgreSQL and Redis (TEST_POSTGRESQL_URL, TEST_REDIS_URL, else those of this machine) and a trained bot. They are
broken by a proxy of our own: the services themselves go on. All traffic stays on this machine. The last line is one
JSON object; the exit code is 1 where a promise was not kept.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import resource
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from bot.database.engine import make_engine
from bot.settings import ROOT, Settings
from tests.platforms.bots import copy_database
from tests.steady.processes import Server, Visitor, copy_content, environment_of, servers
from tests.steady.proxy import Proxy

_POSTGRESQL = os.environ.get("TEST_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
_REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")

#: Processes that are killed in turn.
_PROCESSES = 6
QUESTIONS = ("what is ketamine", "can i take xanax with it", "how long does a session last", "and alcohol?")
DANGER = "i want to kill myself"
#: What an answer to a danger must hold where there is no contact: a number to call.
NUMBERS = ("999", "911", "112", "116 123", "988")


@dataclass
class Count:
    """What happened in one part, and what should not have."""

    name: str
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def check(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.wrong.append(otherwise)

    def report(self) -> dict[str, Any]:
        seconds = round(time.monotonic() - self.began, 1)
        counts = ", ".join(f"{number} {name}" for name, number in sorted(self.seen.items()))
        print(f"{'FAILED' if self.wrong else 'kept  '}  {self.name} ({seconds} s): {counts}", flush=True)
        for problem in self.wrong[:10]:
            print(f"        {problem}", flush=True)
        return {"seconds": seconds, "wrong": len(self.wrong), **self.seen}


@dataclass
class Place:
    """Services behind proxies, and what the trained bot needs."""

    trained: Settings
    folder: Path
    database: str
    direct: str
    redis: str
    prefix: str
    before_database: Proxy
    before_redis: Proxy

    def environment(self, **more: str) -> dict[str, str]:
        shared = {"REDIS_URL": self.redis, "REDIS_PREFIX": self.prefix, **more}
        return environment_of(self.trained, self.folder, self.database, **shared)


@contextlib.asynccontextmanager
async def place() -> AsyncIterator[Place]:
    """A database and a corner of Redis of our own, each behind a proxy."""
    import redis

    trained, name, prefix = Settings.read(), f"evenkeel_chaos_{secrets.token_hex(4)}", f"chaos-{secrets.token_hex(4)}:"
    server = sa.create_engine(_POSTGRESQL, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    direct, address = sa.make_url(_POSTGRESQL).set(database=name), sa.make_url(_REDIS)
    proxies = [Proxy(direct.host or "127.0.0.1", direct.port or 5432), Proxy(address.host or "", address.port or 6379)]
    ports = [await proxy.start() for proxy in proxies]
    hidden = direct.set(host="127.0.0.1", port=ports[0]).render_as_string(hide_password=False)
    through = address.set(host="127.0.0.1", port=ports[1]).render_as_string(hide_password=False)
    with tempfile.TemporaryDirectory() as folder:
        plain = direct.render_as_string(hide_password=False)
        await asyncio.to_thread(copy_content, trained, plain)
        try:
            yield Place(trained, Path(folder), hidden, plain, through, prefix, *proxies)
        finally:
            for proxy in proxies:
                await proxy.stop()
            with server.connect() as connection:
                connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
            server.dispose()
            client = redis.Redis.from_url(_REDIS)
            for key in client.scan_iter(f"{prefix}*"):
                client.delete(key)
            client.close()


# -- what must hold ----------------------------------------------------------------------------------------------


def check_stored(count: Count, database: str) -> None:
    """Every message that was taken in was answered once, and the dialogue had it at most once."""
    engine = make_engine(database)
    with engine.connect() as connection:
        unanswered = connection.scalar(
            sa.text(
                "SELECT count(*) FROM chat_messages v WHERE direction = 'visitor' AND NOT EXISTS (SELECT 1 FROM "
                "chat_messages b WHERE b.session_id = v.session_id AND b.answers = v.client_id)"
            )
        )
        rows = connection.execute(
            sa.text("SELECT session_id, answers, count(*) FROM chat_messages WHERE direction = 'bot' GROUP BY 1, 2")
        ).all()
        events = connection.execute(sa.text("SELECT sender_id, data FROM events WHERE type_name = 'user'")).all()
    engine.dispose()
    handled = Counter((sender, json.loads(data).get("message_id")) for sender, data in events)
    count.seen["messages stored"] = len(rows)
    count.seen["handled by the dialogue twice"] = sum(number > 1 for number in handled.values())
    count.check(not unanswered, f"{unanswered} messages were taken in and never answered")
    count.check(all(number == 1 for number in handled.values()), "the dialogue handled a message twice")


async def check_histories(count: Count, address: str, people: list[Visitor], said: list[list[str]]) -> None:
    """Everybody sees what they said and nothing of others."""
    seen: set[str] = set()
    for person, own in zip(people, said, strict=True):
        history = await person.history(address)
        texts = [message["text"] for message in history if message["from"] == "visitor"]
        count.check(sorted(texts) == sorted(own), f"somebody's history holds {len(texts)} of {len(own)} messages")
        ids = {message["id"] for message in history if message["from"] == "bot"}
        count.check(not ids & seen, "a reply stands in two people's histories")
        seen |= ids


def helps(response: httpx.Response) -> bool:
    """Whether somebody in danger was told whom to call."""
    if response.status_code == 200:
        return any(m["kind"] == "safety" and m["contacts"] for m in response.json()["messages"])
    return any(number in response.text for number in NUMBERS)


async def danger(count: Count, person: Visitor, address: str, identity: str) -> None:
    """Somebody in danger writes now, whatever is broken."""
    try:
        began = time.monotonic()
        response = await person.say(address, identity, DANGER)
        count.seen["dangers"] += 1
        count.seen["dangers answered with contacts"] += response.status_code == 200
        count.check(helps(response), f"a danger got no number ({response.status_code})")
        count.check(time.monotonic() - began < 15, "a danger waited too long")
    except httpx.TransportError as error:
        count.check(False, f"a danger got no answer ({type(error).__name__})")


# -- killed ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def zygote(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[str]]:
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.steady.zygote"],
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
        assert process.stdout
        if process.stdout.readline().strip() != "ready":
            raise SystemExit(f"The small bot could not be started: {log.read_text()[-800:]}")
        try:
            yield process
        finally:
            process.kill()


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
    ended = asyncio.Event()
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
            said: list[list[str]] = [[] for _ in people]

            async def talk(number: int) -> None:
                turn = 0
                while not ended.is_set():
                    turn += 1
                    words = f"hello {number} {turn}"
                    said[number].append(words)
                    where = dice.sample(addresses, len(addresses))
                    await people[number].insist(where, f"m{turn}", words, tries=1000)
                    count.seen["messages"] += 1

            talking = [asyncio.create_task(talk(number)) for number in range(len(people))]
            for number in range(kills):
                await asyncio.sleep(0.1 + dice.random() * 0.5)
                which = number % _PROCESSES
                with contextlib.suppress(ProcessLookupError):
                    os.kill(children[which], signal.SIGKILL)
                count.seen["kills"] += 1
                children[which] = await start(ports[which])
            ended.set()
            for result in await asyncio.gather(*talking, return_exceptions=True):
                count.check(not isinstance(result, BaseException), repr(result))
            await check_histories(count, addresses[0], people, said)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
    check_stored(count, at.direct)
    return count.report()


def _toy_model(folder: Path) -> Path:
    import shutil

    toy = folder / "toy"
    shutil.copytree(ROOT / "tests" / "engine" / "toy", toy)
    done = subprocess.run(
        [sys.executable, "-m", "bot", "rasa", "train", "--fixed-model-name", "toy"],
        cwd=toy, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr[-800:])
    return toy / "models" / "toy.tar.gz"


# -- services that break -----------------------------------------------------------------------------------------


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
            over, said = asyncio.Event(), [[] for _ in people]  # type: ignore[var-annotated]

            async def talk(
                number: int, people: list[Visitor], said: list[list[str]], over: asyncio.Event, count: Count
            ) -> None:
                turn = 0
                while not over.is_set():
                    turn += 1
                    words = QUESTIONS[(number + turn) % len(QUESTIONS)]
                    said[number].append(words)
                    where = [addresses[(number + turn) % 2], addresses[(number + turn + 1) % 2]]
                    messages = await people[number].insist(where, f"m{turn}", words, tries=150)
                    count.seen["messages"] += 1
                    count.seen["answered without the dialogue"] += messages[0]["lead"].startswith("Something")
                    await asyncio.sleep(0.1)

            talking = [asyncio.create_task(talk(n, people, said, over, count)) for n in range(len(people))]
            breaking_now = asyncio.create_task(breaking(proxy))
            turn = 0
            while not breaking_now.done():
                turn += 1
                await danger(count, in_danger[turn % 4], addresses[turn % 2], f"d{turn}")
                await asyncio.sleep(0.4)
            await breaking_now
            began = time.monotonic()
            messages = await people[0].insist(addresses, "afterwards", QUESTIONS[0], tries=150)
            said[0].append(QUESTIONS[0])
            count.seen["seconds until answers are back"] = round(time.monotonic() - began)
            count.check(messages[0]["kind"] == "answer", "afterwards there was no answer")
            over.set()
            for result in await asyncio.gather(*talking, return_exceptions=True):
                count.check(not isinstance(result, BaseException), repr(result))
            for person in in_danger:  # what a browser does once it is told to come back
                for number in range(1, turn + 1):
                    if in_danger.index(person) == number % 4:
                        await person.insist(addresses, f"d{number}", DANGER, tries=100)
            await check_histories(count, addresses[0], people, said)
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


async def corrupt_model(at: Place) -> dict[str, Any]:
    """A model that somebody else put there: the start is refused in a sentence."""
    import shutil

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
            wanted = (
                asked.only.split(",") if asked.only else ["killed", "services", "overload", "actions", "disk", "model"]
            )
            if "killed" in wanted:
                reports["killed"] = await killed(at, asked.kills, asked.seed)
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
            if "model" in wanted:
                reports["model"] = await corrupt_model(at)
    wrong = sum(report["wrong"] for report in reports.values())
    print(json.dumps({"wrong": wrong, **reports}))
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how often a process is killed")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="has a run again")
    parser.add_argument("--only", default="", help="parts, with commas: killed,services,overload,actions,disk,model")
    parser.add_argument("--soak", type=float, nargs="?", const=20.0, default=0.0, help="minutes; nothing else then")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
