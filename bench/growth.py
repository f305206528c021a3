"""What growth costs us: `python -m bench.growth`. More passages, longer conversations, more of them, more intents.

A turn goes through the whole application in process (chat API, screen, dialogue, store, database). What is given is
the median of its processor time, which changes little while a machine does other work. The last line is a JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import statistics
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bench import plot
from bench.driving import without_end
from bench.figures import table
from bench.material import HERE, gather, read_conversations, write_sentences
from bench.processes import BenchError, spend
from bench.sides import copy_database, environment
from bot.settings import ROOT, Settings
from bot.training.sentences import Sentence

PASSAGES = (0, 1_000, 5_000, 10_000)
TURNS = (10, 30, 100, 300, 1_000)
OPEN = (1, 100, 1_000, 5_000)
INTENTS = (15, 30, 45, 60)
#: Turns that are timed at each point.
TIMED = 40
#: Sentences that each number of intents is learned from.
LEARNED = 2_000
#: How far a made passage's vectors lie from those of the passage that it is made from (length of the noise).
_NOISE = 0.5
#: What people say between questions.
_SHORT = ("thanks", "tell me more", "where is that from", "ok")

Point = tuple[int, dict[str, float]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all, or with `--one` a single point in this process; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description="Measure what growth costs.")
    parser.add_argument("--one", nargs=2, metavar=("WHAT", "RESULT"), help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    settings = Settings.read()
    if asked.one:
        what, result = asked.one
        name, _, number = what.partition("=")
        Path(result).write_text(json.dumps(_ONE[name](settings, int(number or 0))), encoding="utf-8")
        return 0
    try:
        series = _all(settings)
    except BenchError as error:
        print(f"evenkeel: {error}", file=sys.stderr)
        return 1
    for one in series:
        names = list(one["points"][0][1])
        print(f"{one['title']}\n")
        print(table([one["x"], *names], [[f"{x:,}", *(f"{y[n]:.1f}" for n in names)] for x, y in one["points"]]), "\n")
    plot.growth(HERE / "growth.svg", series)
    print(json.dumps({one["title"]: one["points"] for one in series}))
    return 0


def _all(settings: Settings) -> list[dict[str, Any]]:
    work = settings.var / "bench" / "growth"
    passages = [tuple(point) for number in PASSAGES for point in _elsewhere(work, settings, f"passages={number}")]
    return [
        {"title": "Passages", "x": "passages", "points": passages},
        {
            "title": "Length of a conversation",
            "x": "turns",
            "points": _elsewhere(work, settings, "length"),
        },
        {
            "title": "Open conversations",
            "x": "conversations",
            "points": _elsewhere(work, settings, "open"),
        },
        {"title": "Intents", "x": "intents", "points": _elsewhere(work, settings, "intents")},
    ]


def _elsewhere(work: Path, settings: Settings, what: str) -> list[Any]:
    """Points that are measured in a process of their own, on a copy of the database."""
    print(f"evenkeel: Growth, {what}.", file=sys.stderr, flush=True)
    var, result = work / "var", work / "result.json"
    var.mkdir(parents=True, exist_ok=True)
    copy_database(settings.var / "evenkeel.db", var / "evenkeel.db")
    given = environment(
        EVENKEEL_VAR=str(var),
        EVENKEEL_MODELS=str(settings.models),
        SECRET_KEY="for measuring",
        SESSION_LIMIT="100000",
        ADDRESS_LIMIT="1000000",
        STAFF_CONSOLE="off",
    )
    command = [sys.executable, "-m", "bench.growth", "--one", what, str(result)]
    spend(command, ROOT, given, work / f"{what.partition('=')[0]}.log")
    return list(json.loads(result.read_text(encoding="utf-8")))


# -- what is measured in a process of its own ---------------------------------------------------------------------


class Talk:
    """The application in this process, asked through its chat API; times are processor seconds."""

    def __init__(self, settings: Settings) -> None:
        import httpx

        from bot.app import build
        from bot.service import Bot

        bot = Bot(settings)
        bot.start()
        transport = httpx.ASGITransport(app=build(settings, bot))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://bench", timeout=60)
        self._questions = _questions()

    async def begin(self) -> str:
        """A new conversation."""
        return str((await self._client.post("/chat/sessions", json={})).json()["token"])

    async def say(self, token: str, text: str) -> float:
        """Say `text`; the seconds it took."""
        asked, headers = {"id": uuid.uuid4().hex, "text": text}, {"Authorization": f"Bearer {token}"}
        began = time.process_time()
        answer = await self._client.post("/chat/messages", json=asked, headers=headers)
        took = time.process_time() - began
        answer.raise_for_status()
        return took

    async def ask(self, token: str) -> float:
        """The next question that was not asked before."""
        return await self.say(token, next(self._questions))


def _questions() -> Iterator[str]:
    for turns in without_end(read_conversations()):
        yield from (text for text in turns if len(text) > 25)


def _passages(settings: Settings, number: int) -> list[Point]:
    from bot.ops.memory import resident

    there = grow(settings.var / "evenkeel.db", number)
    talk = Talk(settings)

    async def measure() -> list[float]:
        for _ in range(10):
            await talk.ask(await talk.begin())
        return [await talk.ask(await talk.begin()) for _ in range(TIMED)]

    return [(there, {"a question, ms": _median(asyncio.run(measure())), "memory, MB": resident()})]


def _length(settings: Settings, _: int) -> list[Point]:
    talk = Talk(settings)

    async def measure() -> list[Point]:
        token, said, points = await talk.begin(), 0, []
        for turns in TURNS:
            while said < turns - 8:
                said += 1
                await talk.say(token, _SHORT[said % len(_SHORT)])
            # Around the point, questions and short turns alternate.
            asked, short = [], []
            for _ in range(4):
                asked.append(await talk.ask(token))
                short.append(await talk.say(token, _SHORT[said % len(_SHORT)]))
                said += 2
            points.append((said, {"a question, ms": _median(asked), "a short turn, ms": _median(short)}))
        return points

    return asyncio.run(measure())


def _open(settings: Settings, _: int) -> list[Point]:
    from bot.ops.memory import resident

    talk = Talk(settings)

    async def measure() -> list[Point]:
        tokens: list[str] = []
        points = []
        for number in OPEN:
            while len(tokens) < number:
                tokens.append(await talk.begin())
                await talk.say(tokens[-1], "hello")
            chosen = np.random.default_rng(number).integers(0, number, TIMED)
            times = [await talk.ask(tokens[one]) for one in chosen]
            points.append((number, {"a question, ms": _median(times), "memory, MB": resident()}))
        return points

    return asyncio.run(measure())


def _intents(settings: Settings, _: int) -> list[Point]:
    from bot.engine import compat, quiet

    compat.prepare()
    quiet.configure()
    from bot.language.reader import shared_reader

    shared_reader(settings.data).encoder.keep_all()
    sentences = gather(settings.data, LEARNED, 1).learned
    # The embeddings are made once here, so that what differs between the points is what the intents cost.
    shared_reader(settings.data).read_many([s.text for s in sentences])
    work, questions = settings.var / "intents", _questions()
    return [_of_intents(regrouped(sentences, number), number, work / str(number), questions) for number in INTENTS]


def _of_intents(sentences: Sequence[Sentence], number: int, folder: Path, questions: Iterator[str]) -> Point:
    """A bot with so many intents, each with a rule, trained and asked questions that nobody has read yet."""
    from rasa.model_training import train

    from bot.engine.engine import Engine, Turn

    write_sentences(sentences, folder / "nlu")
    names = sorted({s.intent for s in sentences})
    domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8")) | {"intents": names}
    (folder / "domain.yml").write_text(yaml.safe_dump(domain), encoding="utf-8")
    rules = [{"rule": name, "steps": [{"intent": name}, {"action": "action_answer"}]} for name in names]
    (folder / "rules.yml").write_text(yaml.safe_dump({"version": "3.1", "rules": rules}), encoding="utf-8")
    began = time.process_time()
    train(
        domain=str(folder / "domain.yml"),
        config=str(ROOT / "config.yml"),
        training_files=[str(folder / "nlu"), str(folder / "rules.yml")],
        output=str(folder),
        force_training=True,
        fixed_model_name="grown",
    )
    trained = time.process_time() - began
    engine = Engine(folder)
    engine.start()

    async def ask(conversation: int) -> float:
        began = time.process_time()
        await engine.handle(Turn(f"grown-{conversation}", next(questions), message_id=uuid.uuid4().hex))
        return time.process_time() - began

    async def measure() -> list[float]:
        for n in range(10):
            await ask(n)
        return [await ask(n) for n in range(10, 10 + TIMED)]

    return number, {"a question without screen, ms": _median(asyncio.run(measure())), "training, s": trained}


_ONE = {"passages": _passages, "length": _length, "open": _open, "intents": _intents}


# -- how things are made to grow ----------------------------------------------------------------------------------


def regrouped(sentences: Sequence[Sentence], number: int) -> list[Sentence]:
    """`sentences` under `number` made-up intents of like size; what has one intent and aspect stays together."""
    labels: dict[str, int] = defaultdict(int)
    for sentence in sentences:
        labels[sentence.label] += 1
    sizes = [0] * number
    intent_of = {}
    for label in sorted(labels, key=lambda name: (-labels[name], name)):
        smallest = sizes.index(min(sizes))
        intent_of[label] = f"intent_{smallest + 1:02}"
        sizes[smallest] += labels[label]
    return [replace(s, intent=intent_of[s.label]) for s in sentences]


def grow(database: Path, wanted: int) -> int:
    """Fill `database` with passages like those it has, until there are `wanted`; how many there are then."""
    rng = np.random.default_rng(7)
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(
            "SELECT r.*, p.article_id, p.position FROM passage_revisions r JOIN passages p ON p.id = r.passage_id "
            "WHERE r.state = 'published' ORDER BY r.id"
        ).fetchall()
        vectors = {row["revision_id"]: row for row in connection.execute("SELECT * FROM embeddings")}
        next_id = connection.execute("SELECT max(id) FROM passage_revisions").fetchone()[0]
        there = len(rows)
        while rows and there < wanted:
            row = rows[there % len(rows)]
            there, next_id = there + 1, next_id + 1
            name = f"{row['passage_id'][:100]}-{there}"
            _insert(connection, "passages", {"id": name, "article_id": row["article_id"], "position": there})
            copied = {k: row[k] for k in row.keys() if k not in ("article_id", "position")}  # noqa: SIM118
            _insert(connection, "passage_revisions", copied | {"id": next_id, "passage_id": name})
            of = vectors[row["id"]]
            moved = {kind: _moved(of[kind], of["dim"], rng) for kind in ("questions", "text")}
            _insert(
                connection,
                "embeddings",
                {"revision_id": next_id, "encoder": of["encoder"], "dim": of["dim"], **moved},
            )
    return there


def _insert(connection: sqlite3.Connection, into: str, values: dict[str, Any]) -> None:
    names, places = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {into} ({names}) VALUES ({places})", list(values.values()))


def _moved(stored: bytes, dim: int, rng: np.random.Generator) -> bytes:
    """Stored vectors, each a little elsewhere, of length 1 again."""
    rows = np.frombuffer(stored, dtype="<f4").reshape(-1, dim)
    noise = rng.standard_normal(rows.shape).astype("<f4")
    moved = rows + _NOISE * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    return np.ascontiguousarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype="<f4").tobytes()


def _median(seconds: Sequence[float]) -> float:
    return round(1000 * statistics.median(seconds), 2)


if __name__ == "__main__":
    sys.exit(main())
