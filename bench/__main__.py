"""Measures the bot beside stock Rasa: `make bench`, or `python -m bench --quick`.

Both sides learn from the same sentences, are asked the same in the same run, in turns, and run on the same machine.
What people should read are tables; the last line of the output is one JSON object. Standard error says what goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import platform
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from bench import figures as sums
from bench import plot
from bench.driving import drive, without_end
from bench.figures import Figures, Load
from bench.material import HERE, Material, gather, read_conversations, write_for_peer, write_for_us
from bench.processes import BenchError, Spent, drop_from_memory
from bench.sides import Floor, Ours, Peer, Side, model_size, our_intents
from bench.stock import environment as stock
from bot.settings import ROOT, Settings

LEVELS = (1, 16, 64)
#: Turns a round at each number of conversations at once.
TURNS = {1: 60, 16: 160, 64: 256}
WARM_UP = 40

_ABOUT = """
Both learned from {learned} of {of} sentences, chosen so that every intent and aspect keeps its share: all of them
would take DIET hours on two cores. The rules are the project's; it has no stories, so that TED has nothing to learn.
Accuracy is on voices that neither side learned from; where Rasa calls a sentence a fallback, what it thought of first
is counted. The peer's action server counts as the peer's. Its conversations are in memory, ours in the database.
Kinds of replies, ours: {ours}; the peer's: {peer}.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    asked = _parser().parse_args(arguments)
    settings = Settings.read()
    work = settings.var / "bench"
    try:
        result = _Run(asked, settings, work).all()
    except BenchError as error:
        print(f"evenkeel: {error}", file=sys.stderr)
        return 1
    (work / "result.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(json.dumps(result))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the bot beside stock Rasa.")
    parser.add_argument("--quick", action="store_true", help="keep the peer's trained model, if there is one")
    parser.add_argument("--sentences", type=int, default=2000, help="about how many both sides learn from; 0: all")
    parser.add_argument("--judged", type=int, default=1500, help="about how many held-back sentences judge; 0: all")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side is driven at each level")
    parser.add_argument("--starts", type=int, default=2, help="how often each side is started cold, and warm")
    return parser


class _Run:
    """One run of all measurements."""

    def __init__(self, asked: argparse.Namespace, settings: Settings, work: Path) -> None:
        self._asked, self._settings, self._work = asked, settings, work
        self._database = settings.var / "evenkeel.db"
        self._conversations = read_conversations()
        self._told = without_end(self._conversations)
        self._ours, self._peer = Figures(), Figures()
        self._floor = Load()
        self._notes: list[str] = []

    def all(self) -> dict[str, Any]:
        """Everything, in order; what is reported.

        Raises:
            BenchError: something could not be measured.
        """
        if not self._database.is_file():
            raise BenchError("There is no content to answer from: run `make setup`.")
        python = stock.ensure(self._work)
        data = self._settings.data
        material = gather(data, self._asked.sentences, self._asked.judged)
        ours, peer = Ours(self._work / "ours", self._database, data), Peer(self._work / "stock", python, self._database)
        floor = Floor(self._work / "floor")
        self._train(ours, peer, material)
        self._sizes(ours, peer, python)
        asyncio.run(self._starts(ours, peer, python))
        asyncio.run(self._one_each(ours, peer, floor))
        asyncio.run(self._judge(ours, peer, material))
        two = asyncio.run(self._two_each(ours, peer))
        return self._tell(material, two)

    # -- steps ---------------------------------------------------------------------------------------------------

    def _train(self, ours: Ours, peer: Peer, material: Material) -> None:
        mark = _mark(material)
        learned = self._work / "data"
        write_for_us(material, self._settings.data, learned)
        _say(f"Training our side on {len(material.learned)} sentences.")
        spent = ours.train(learned)
        self._ours.train_clock, self._ours.train_processor = spent.clock, spent.processor
        record = peer.work / "training.json"
        kept = _record(record) if self._asked.quick and peer.model.is_file() else None
        if kept is None:
            write_for_peer(material, self._settings.data, peer.work, "http://127.0.0.1:5055/webhook")
            _say("Training stock Rasa on the same: this takes minutes.")
            took = peer.train()
            kept = {"clock": took.clock, "processor": took.processor, "mark": mark}
            record.write_text(json.dumps(kept), encoding="ascii")
        elif kept["mark"] != mark:
            self._notes.append("The peer's kept model was trained on other sentences than these: run without --quick.")
        theirs = Spent(float(kept["clock"]), float(kept["processor"]))
        self._peer.train_clock, self._peer.train_processor = theirs.clock, theirs.processor

    def _sizes(self, ours: Ours, peer: Peer, python: Path) -> None:
        self._ours.model, self._peer.model = model_size(ours), model_size(peer)
        own = Path(sysconfig.get_paths()["purelib"])
        theirs = python.parents[1] / "lib" / f"python{stock.VERSION}" / "site-packages"
        self._ours.installed = stock.installed_size(ROOT / "requirements.lock", own)
        self._peer.installed = stock.installed_size(stock.LOCK, theirs)

    async def _starts(self, ours: Ours, peer: Peer, python: Path) -> None:
        own = [Path(sysconfig.get_paths()["purelib"]), Path(sysconfig.get_paths()["stdlib"])]
        project = [ROOT / name for name in ("bot", "actions", "data")] + [self._database]
        read = {
            ours.name: [*own, *project, ours.work],
            # Its actions run in our environment.
            peer.name: [python.parents[1], python.resolve().parents[1] / "lib", *own, *project, peer.work],
        }
        cold: dict[str, list[float]] = {ours.name: [], peer.name: []}
        warm: dict[str, list[float]] = {ours.name: [], peer.name: []}
        for number in range(self._asked.starts):
            for side in _in_turns([ours, peer], number):
                _say(f"Starting {side.name}, cold and then warm.")
                drop_from_memory(read[side.name])
                cold[side.name].append(await _start(side, self._conversations[0][1]))
                warm[side.name].append(await _start(side, self._conversations[0][1]))
        for side, figures in ((ours, self._ours), (peer, self._peer)):
            figures.cold = sums.percentile(cold[side.name], 0.5)
            figures.warm = sums.percentile(warm[side.name], 0.5)

    async def _one_each(self, ours: Ours, peer: Peer, floor: Floor) -> None:
        _say("Driving both sides, one serving process each, in turns.")
        known: dict[str, Figures] = {ours.name: self._ours, peer.name: self._peer}
        floors = Figures()
        await _drive_all({ours: self._ours, peer: self._peer, floor: floors}, 1, self._told, self._asked.rounds, LEVELS)
        self._floor = floors.loads[1]
        for name, figures in known.items():
            if any(load.silent for load in figures.loads.values()):
                self._notes.append(
                    f"{name} left {sum(load.silent for load in figures.loads.values())} turns unanswered."
                )

    async def _judge(self, ours: Ours, peer: Peer, material: Material) -> None:
        _say(f"Asking both for the intents of {len(material.held)} held-back sentences.")
        texts, right = [s.text for s in material.held], [s.intent for s in material.held]
        self._ours.judged = self._peer.judged = len(texts)
        self._ours.right = _agree(our_intents(ours, texts), right)
        peer.start()
        try:
            async with aiohttp.ClientSession() as client:
                await peer.first_answer(client, self._conversations[0][1])
                self._peer.right = _agree([await peer.intent(client, text) for text in texts], right)
        finally:
            peer.stop()

    async def _two_each(self, ours: Ours, peer: Peer) -> tuple[Figures, Figures]:
        _say("Driving both sides, two serving processes each.")
        mine, theirs = Figures(), Figures()
        await _drive_all({ours: mine, peer: theirs}, 2, self._told, max(1, self._asked.rounds - 1), LEVELS)
        return mine, theirs

    # -- what is told --------------------------------------------------------------------------------------------

    def _tell(self, material: Material, two: tuple[Figures, Figures]) -> dict[str, Any]:
        ours, peer = self._ours, self._peer
        ratio, floor = sums.ratios(ours, peer), sums.over_floor(ours, self._floor)
        floor_ms = self._floor.milliseconds(0.5)
        learned = len(material.learned)
        heads = ("", "Evenkeel", "stock Rasa", "times better")
        print(f"One serving process each ({platform.machine()}, {os.cpu_count()} cores)\n")
        print(sums.table(heads, sums.rows(ours, peer)))
        print(
            f"\nFloor (an echo and one embedding by both encoders), one at once: p50 {floor_ms:.1f} ms; ours is ",
            end="",
        )
        print(f"{floor:.2f} times that." if floor else "not known.")
        print("\nTwo serving processes each\n")
        print(sums.table(heads, sums.rows(*two)))
        print(_ABOUT.format(learned=learned, of=material.of, ours=dict(ours.kinds), peer=dict(peer.kinds)))
        for line in [*self._notes, *(f"Short: {line}." for line in sums.short(ratio, floor))]:
            print(line)
        plot.report(HERE / "report.svg", ours, peer, floor_ms, ratio)
        return {
            "ratio": ratio,
            "floor": {"p50_over_floor": floor, "p50_ms": round(floor_ms, 2)},
            "ours": ours.to_dict(),
            "peer": peer.to_dict(),
            "two": {"ours": two[0].to_dict(), "peer": two[1].to_dict()},
            "sentences": {"learned": learned, "of": material.of, "judged": len(material.held)},
            "machine": {
                "cores": os.cpu_count(),
                "python": platform.python_version(),
                "load": round(os.getloadavg()[0], 1),
            },
            "notes": self._notes,
        }


async def _start(side: Side, text: str) -> float:
    """Seconds from starting `side` to its first answer; it is stopped again."""
    began = time.perf_counter()
    side.start()
    try:
        async with aiohttp.ClientSession() as client:
            await side.first_answer(client, text)
        return time.perf_counter() - began
    finally:
        side.stop()


async def _drive_all(
    sides: dict[Any, Figures], processes: int, told: Iterator[list[str]], rounds: int, levels: Sequence[int]
) -> None:
    """Start `sides` and drive them in turns; fills in loads, kinds and memory. The floor only has one at once."""
    try:
        async with aiohttp.ClientSession() as client:
            for side in sides:
                side.start(processes)
                await side.first_answer(client, "is anybody there")
        for side in sides:  # what is loaded on first use is no turn's fault
            await drive(side, told, 4, WARM_UP, Counter())
        for number in range(rounds):
            for level in levels:
                present = [side for side in sides if level == 1 or not isinstance(side, Floor)]
                # The same texts for all; none of them was sent before.
                texts = [next(told) for _ in range(TURNS[level] + level)]
                for side in _in_turns(present, number):
                    kinds: Counter[str] = Counter()
                    load = await drive(side, iter(texts), level, TURNS[level], kinds)
                    sides[side].loads.setdefault(level, Load()).add(load)
                    sides[side].kinds = dict(Counter(sides[side].kinds) + kinds)
        for side, figures in sides.items():
            figures.rss = side.resident()
    finally:
        for side in sides:
            side.stop()


def _in_turns(sides: Sequence[Any], number: int) -> list[Any]:
    """`sides`, another one first each time."""
    first = number % len(sides)
    return [*sides[first:], *sides[:first]]


def _agree(said: Sequence[str], right: Sequence[str]) -> int:
    return sum(a == b for a, b in zip(said, right, strict=True))


def _mark(material: Material) -> str:
    """What a model of the peer is made from."""
    parts = [repr(material.learned), *(path.read_text(encoding="utf-8") for path in _made_from())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _made_from() -> list[Path]:
    own = [HERE / "stock" / name for name in ("config.yml", "rules.yml", "requirements.lock")]
    return [*own, ROOT / "domain.yml", *sorted((ROOT / "data" / "stories").glob("*.yml"))]


def _record(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"clock", "processor", "mark"} <= found.keys() else None


def _say(text: str) -> None:
    print(f"evenkeel: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
