"""The arithmetic of the measurements: what was timed becomes figures, these become ratios, and both a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.screen.train import wilson

#: What each ratio should reach (above 1: better than the peer), and the most that a turn may cost over the floor.
WANTED = {
    "p50_c1": 4.5,
    "p95_c16": 1.0,
    "throughput_c16": 4.5,
    "rss": 1.8,
    "start": 4.0,
    "train": 8.0,
    "install": 2.5,
}
WANTED_FLOOR = 2.5


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that `share` of them do not exceed (nearest rank); NaN where there are none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass
class Load:
    """What was seen of one side at one number of conversations at once: seconds of each turn, and how all took."""

    seconds: list[float] = field(default_factory=list)
    #: Seconds that the rounds took, from the first request to the last answer.
    clock: float = 0.0
    #: Turns that got no reply.
    silent: int = 0

    def add(self, other: Load) -> None:
        """Take in what a further round saw."""
        self.seconds += other.seconds
        self.clock += other.clock
        self.silent += other.silent

    def milliseconds(self, share: float) -> float:
        """A percentile of the turns."""
        return 1000 * percentile(self.seconds, share)

    @property
    def throughput(self) -> float:
        """Turns a second."""
        return len(self.seconds) / self.clock if self.clock else math.nan

    def to_dict(self) -> dict[str, float]:
        """The figures that are reported."""
        return {
            "turns": len(self.seconds),
            "p50_ms": round(self.milliseconds(0.5), 2),
            "p95_ms": round(self.milliseconds(0.95), 2),
            "p99_ms": round(self.milliseconds(0.99), 2),
            "turns_a_second": round(self.throughput, 2),
            "silent": self.silent,
        }


@dataclass
class Figures:
    """All that is known of one side. What was not measured is NaN.

    Attributes:
        loads: by the number of conversations at once; kinds: how many replies were of which kind.
        cold, warm: seconds from starting the processes to the first answer.
        rss: megabytes of memory that all processes together hold after the load.
        train_clock, train_processor: seconds of training, by the clock and of processors.
        model, installed: megabytes on disk.
        right, judged: intents of held-back sentences that were recognised, and how many were asked for.
    """

    loads: dict[int, Load] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    cold: float = math.nan
    warm: float = math.nan
    rss: float = math.nan
    train_clock: float = math.nan
    train_processor: float = math.nan
    model: float = math.nan
    installed: float = math.nan
    right: int = 0
    judged: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The figures that are reported; those that were not measured are null."""
        return {
            "loads": {str(at_once): load.to_dict() for at_once, load in self.loads.items()},
            "kinds": dict(sorted(self.kinds.items())),
            "start_cold_s": _or_none(self.cold),
            "start_warm_s": _or_none(self.warm),
            "rss_mb": _or_none(self.rss),
            "train_clock_s": _or_none(self.train_clock),
            "train_processor_s": _or_none(self.train_processor),
            "model_mb": _or_none(self.model),
            "installed_mb": _or_none(self.installed),
            "intents_right": self.right,
            "intents_judged": self.judged,
        }


def ratios(ours: Figures, peer: Figures) -> dict[str, float | None]:
    """How many times better than the peer we are; above 1 is better, None where a side was not measured.

    Start is the worse of cold and warm, training the worse of clock and processors: neither is flattered by whatever
    else the machine was doing.
    """
    return {
        "p50_c1": _ratio(_at(peer, 1).milliseconds(0.5), _at(ours, 1).milliseconds(0.5)),
        "p95_c16": _ratio(_at(peer, 16).milliseconds(0.95), _at(ours, 16).milliseconds(0.95)),
        "throughput_c16": _ratio(_at(ours, 16).throughput, _at(peer, 16).throughput),
        "rss": _ratio(peer.rss, ours.rss),
        "start": _worse(_ratio(peer.cold, ours.cold), _ratio(peer.warm, ours.warm)),
        "train": _worse(_ratio(peer.train_clock, ours.train_clock), _ratio(peer.train_processor, ours.train_processor)),
        "install": _ratio(peer.installed, ours.installed),
    }


def over_floor(ours: Figures, floor: Load) -> float | None:
    """How many times the floor's median turn ours is."""
    return _ratio(_at(ours, 1).milliseconds(0.5), floor.milliseconds(0.5))


def short(ratio: Mapping[str, float | None], floor: float | None) -> list[str]:
    """What does not reach what is wanted, in a few words each; what was not measured is left out."""
    found = []
    for name, wanted in WANTED.items():
        got = ratio.get(name)
        if got is not None and got < wanted:
            found.append(f"{name} {got:.2f}, wanted {wanted}")
    if floor is not None and floor > WANTED_FLOOR:
        found.append(f"p50_over_floor {floor:.2f}, wanted at most {WANTED_FLOOR}")
    return found


def rows(ours: Figures, peer: Figures) -> list[tuple[str, str, str, str]]:
    """The table: what, ours, the peer's, and how many times better we are. What was not measured is left out."""
    found: list[tuple[str, str, str, str]] = []

    def row(what: str, mine: float, theirs: float, unit: str, digits: int = 1, more_is_better: bool = False) -> None:
        if math.isnan(mine) and math.isnan(theirs):
            return
        ratio = _ratio(mine, theirs) if more_is_better else _ratio(theirs, mine)
        found.append((what, _shown(mine, unit, digits), _shown(theirs, unit, digits), f"{ratio:.2f}" if ratio else ""))

    for at_once in sorted(ours.loads.keys() | peer.loads.keys()):
        a, b = _at(ours, at_once), _at(peer, at_once)
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            row(f"turn, {name}, {at_once} at once", a.milliseconds(share), b.milliseconds(share), "ms")
        row(f"throughput, {at_once} at once", a.throughput, b.throughput, "turns/s", more_is_better=True)
    row("first answer after a cold start", ours.cold, peer.cold, "s")
    row("first answer after a warm start", ours.warm, peer.warm, "s")
    row("memory of all processes", ours.rss, peer.rss, "MB", 0)
    row("training, by the clock", ours.train_clock, peer.train_clock, "s", 0)
    row("training, processor time", ours.train_processor, peer.train_processor, "s", 0)
    row("model on disk", ours.model, peer.model, "MB")
    row("installed on disk", ours.installed, peer.installed, "MB", 0)
    if ours.judged or peer.judged:
        found.append(("intents of held-back sentences", accuracy(ours), accuracy(peer), ""))
    return found


def accuracy(side: Figures) -> str:
    """The share of intents that were right, with its 95 % interval."""
    if not side.judged:
        return "not measured"
    low, high = wilson(side.right, side.judged)
    return f"{side.right / side.judged:.3f} ({low:.3f} to {high:.3f})"


def table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose columns line up."""
    all_lines = [list(heads), *map(list, lines)]
    widths = [max(len(line[column]) for line in all_lines) for column in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(all_lines[0]), rule, *map(line, all_lines[1:])])


def _at(side: Figures, at_once: int) -> Load:
    return side.loads.get(at_once) or Load()


def _ratio(above: float, below: float) -> float | None:
    if math.isnan(above) or math.isnan(below) or not below:
        return None
    return round(above / below, 3)


def _worse(one: float | None, other: float | None) -> float | None:
    known = [ratio for ratio in (one, other) if ratio is not None]
    return min(known) if known else None


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 2)


def _shown(value: float, unit: str, digits: int) -> str:
    return "not measured" if math.isnan(value) else f"{value:.{digits}f} {unit}"
