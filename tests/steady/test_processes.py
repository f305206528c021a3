"""Several processes on the real PostgreSQL and Redis: in order, each message once, none lost."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import signal
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from bot.database.engine import make_engine
from bot.database.mending import Withdrawal
from bot.database.migrate import upgrade
from bot.database.models import Base
from bot.settings import ROOT, Settings
from tests.database.fixtures import postgresql  # noqa: F401
from tests.engine.conftest import Toy, toy  # noqa: F401
from tests.steady.processes import Visitor, copy_content, environment_of, servers
from tests.steady.services import Corner, redis_corner  # noqa: F401

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow]

PROCESSES, CONVERSATIONS, EACH = 3, 200, 6


@pytest.fixture
def database(postgresql: str) -> str:  # noqa: F811
    """The address of a PostgreSQL database with empty tables."""
    engine = make_engine(postgresql)
    upgrade(engine)
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name != "content_version":
                connection.execute(sa.delete(table))
    engine.dispose()
    return postgresql


async def children(task: str, given: list[dict[str, Any]], kill_after: float = 0.0) -> list[list[list[Any]]]:
    """Run one process for each; what they said. The last is killed some seconds after the start where asked for."""
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.steady.child", task, json.dumps(what),
            cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**20,
        )
        for what in given
    ]  # fmt: skip

    async def said(process: asyncio.subprocess.Process) -> list[list[Any]]:
        assert process.stdout
        return [json.loads(line) async for line in process.stdout if line.endswith(b"\n")]

    for process in started:
        assert process.stdout and process.stdin
        assert json.loads(await asyncio.wait_for(process.stdout.readline(), 60))[1] == "ready"
    for process in started:
        assert process.stdin
        process.stdin.write(b"go\n")
    reading = [asyncio.create_task(said(process)) for process in started]
    if kill_after:
        await asyncio.sleep(kill_after)
        started[-1].send_signal(signal.SIGKILL)
    async with asyncio.timeout(180):
        told = list(await asyncio.gather(*reading))
        for process in started:
            await process.wait()
    return told


def dealt(seed: int) -> list[list[tuple[str, str]]]:
    """The messages of all conversations, each with an id of its own, dealt out to the processes."""
    dice = random.Random(seed)
    hands: list[list[tuple[str, str]]] = [[] for _ in range(PROCESSES)]
    for conversation in range(CONVERSATIONS):
        for number in range(EACH):
            hands[dice.randrange(PROCESSES)].append((f"telegram-{conversation}", f"m{conversation}-{number}"))
    for hand in hands:
        dice.shuffle(hand)
    return hands


async def test_the_lock_numbers_and_everybody_keeps_to_it(
    toy: Toy,  # noqa: F811
    database: str,
    redis_corner: Corner,  # noqa: F811
) -> None:
    """Hundreds of conversations, the messages of each sent to different processes at the same moment."""
    hands = dealt(1)
    common = {
        "redis": redis_corner.address, "prefix": redis_corner.prefix, "database": database, "model": str(toy.model)
    }  # fmt: skip
    told = await children("dialogue", [{**common, "messages": hand} for hand in hands])
    assert all(lines[-1][1] == "done" for lines in told), "a process failed"
    numbered: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for _, conversation, number, message in (line for lines in told for line in lines if len(line) == 4):
        numbered[conversation].append((number, message))
    handled: dict[str, list[str]] = defaultdict(list)
    engine = make_engine(database)
    with engine.connect() as connection:
        events = sa.text("SELECT sender_id, data FROM events WHERE type_name = 'user' ORDER BY id")
        for conversation, data in connection.execute(events):
            handled[conversation].append(json.loads(data)["message_id"])
    engine.dispose()
    assert Counter(m for hand in hands for _, m in hand) == Counter(m for ms in handled.values() for m in ms)
    assert {c: [m for _, m in sorted(tickets)] for c, tickets in numbered.items()} == handled
    hopped = sum(
        len({n for n, hand in enumerate(hands) for c, _ in hand if c == conversation}) > 1 for conversation in handled
    )
    print(f"\n{len(handled)} conversations, {sum(map(len, handled.values()))} messages in {PROCESSES} processes, "
          f"{hopped} conversations in more than one: in the order of their tickets, each once, none lost")  # fmt: skip


@pytest.mark.parametrize("kill_after", [0.0, 0.8], ids=["", "one process is killed"])
async def test_the_queue_numbers_and_everybody_keeps_to_it(database: str, kill_after: float) -> None:
    hands = dealt(2)
    given = [{"database": database, "holder": f"p{n}", "messages": hand} for n, hand in enumerate(hands)]
    told = await children("queue", given, kill_after)
    engine = make_engine(database)
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT conversation, key, state FROM channel_arrivals ORDER BY id")).all()
        left = connection.scalar(sa.text("SELECT count(*) FROM channel_deliveries WHERE state <> 'sent'"))
    engine.dispose()
    taken: dict[str, list[str]] = defaultdict(list)
    for conversation, key, state in rows:
        assert state == "done", "a message was acknowledged and not handled"
        taken[conversation].append(key)
    lines = sorted(line for lines in told for line in lines if len(line) == 4)
    handled: dict[str, list[str]] = defaultdict(list)
    for _, conversation, words, what in lines:
        # Who is killed between saying so and recording it leaves it to another one, at once after.
        if what == "handled" and (not handled[conversation] or handled[conversation][-1] != words):
            handled[conversation].append(words)
    sent = Counter(words for _, _, words, what in lines if what == "sent")
    if not kill_after:
        assert sum(map(len, taken.values())) == CONVERSATIONS * EACH
        assert set(sent.values()) == {1}
    assert left == 0
    # A message that comes after later ones were handled cannot go before them: each process numbers as it takes in.
    assert {c: sorted(m) for c, m in handled.items()} == {c: sorted(m) for c, m in taken.items()}
    assert sum(handled[c] == taken[c] for c in taken) == len(taken)
    assert set(sent) == {key for keys in taken.values() for key in keys}
    twice = sum(count > 1 for count in sent.values())
    assert twice <= 1, "more was sent twice than what the killed process had in its hands"


async def test_whole_bots_share_conversations_content_and_models(
    trained: Settings,
    database: str,
    redis_corner: Corner,  # noqa: F811
    tmp_path: Path,
) -> None:
    """Two whole servers: talk that hops between them, new content and a new model while people talk."""
    copy_content(trained, database)
    models = tmp_path / "models"
    shutil.copytree(trained.models, models)
    environment = environment_of(
        trained, tmp_path, database, EVENKEEL_MODELS=str(models),
        REDIS_URL=redis_corner.address, REDIS_PREFIX=redis_corner.prefix, LOG_LEVEL="info",
    )  # fmt: skip
    async with servers(2, environment, tmp_path) as both, httpx.AsyncClient(timeout=30) as client:
        addresses = [server.address for server in both]
        people = [await Visitor.arrive(client, addresses[n % 2]) for n in range(40)]

        async def talk(person: Visitor, number: int) -> list[list[dict[str, Any]]]:
            first, other = addresses[number % 2], addresses[1 - number % 2]
            said = [await person.insist([first, other], "1", "can i take xanax with ketamine")]
            both_at_once = await asyncio.gather(
                person.insist([first, other], "2", "and alcohol?"), person.insist([other, first], "3", "i want to die")
            )
            return [*said, *both_at_once]

        talked = await asyncio.gather(*(talk(person, number) for number, person in enumerate(people)))
        for first, second, third in talked:
            assert first[0]["kind"] == "answer" and first[0]["topic"] == "interactions"
            assert third[0]["kind"] == "safety" and third[0]["contacts"]
            assert second
        for person in people:
            history = await person.history(addresses[0])
            assert Counter(m["from"] for m in history)["visitor"] == 3
            assert history == await person.history(addresses[1])
        await _new_content(client, addresses, people[0], database)
        await _new_model(environment, addresses, both, people, models)


async def _new_content(client: httpx.AsyncClient, addresses: list[str], person: Visitor, database: str) -> None:
    engine = make_engine(database)
    with engine.begin() as connection:
        off = {"scope": "topic", "name": "dependence_and_misuse", "by": "a test", "why": "a test"}
        connection.execute(sa.insert(Withdrawal).values(off))
        connection.execute(sa.text("UPDATE content_version SET version = version + 1"))
    engine.dispose()
    began = asyncio.get_running_loop().time()
    for number, address in enumerate(addresses):
        for attempt in range(40):
            (said, *_) = await person.insist([address], f"c{number}-{attempt}", "is ketamine addictive")
            if "check" in said["lead"].lower() or said["kind"] != "answer":
                break
            await asyncio.sleep(0.3)
        else:
            raise AssertionError("a process still gives what was switched off")
    assert asyncio.get_running_loop().time() - began < 12


async def _new_model(
    environment: dict[str, str], addresses: list[str], both: list[Any], people: list[Visitor], models: Path
) -> None:
    """A model is taken in while everybody talks: nobody is lost, and both processes load it; a forged one is not."""
    stop, answers = asyncio.Event(), Counter[str]()

    async def go_on(person: Visitor, number: int) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            (said, *_) = await person.insist(
                [addresses[(number + turn) % 2]], f"r{turn}", "how long does a session last"
            )
            answers[said["kind"]] += 1
            await asyncio.sleep(0.2)

    talking = [asyncio.create_task(go_on(person, number)) for number, person in enumerate(people[:10])]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "model", "accept", str(models / "dialogue.tar.gz"), cwd=ROOT, env=environment
    )
    assert await process.wait() == 0
    async with asyncio.timeout(90):
        while not all("New models are in use" in server.log.read_text() for server in both):
            await asyncio.sleep(0.3)
    stop.set()
    await asyncio.gather(*talking)
    assert set(answers) == {"answer"}, answers
    (models / "dialogue.tar.gz").write_bytes(b"from somebody else")
    manifest = Path(environment["EVENKEEL_VAR"]) / "models.json"
    manifest.write_text(manifest.read_text() + "\n")  # noticed, and checked against what lies there now
    async with asyncio.timeout(60):
        while not all("ModelError" in server.log.read_text() for server in both):
            await asyncio.sleep(0.3)
    for address in addresses:
        (said, *_) = await people[0].insist([address], f"after-{address[-5:]}", "how long does a session last")
        assert said["kind"] == "answer"
