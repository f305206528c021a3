"""What no test reaches, and which intents get mixed up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.dialogues.reached import Reached
from bot.dialogues.rules import Rule


@dataclass(frozen=True)
class Coverage:
    """How far the tests reach.

    Attributes:
        intents: (intent, tests that reach it), those that the fewest reach first.
        rules: (rule, tests that reach it), likewise; stories among them.
        passages: (topic, passages, those that a test reaches), in the order of topics.
        tests: how many tests there are; had: how many of them have been had at all.
    """

    intents: tuple[tuple[str, int], ...]
    rules: tuple[tuple[Rule, int], ...]
    passages: tuple[tuple[str, int, int], ...]
    tests: int
    had: int


@dataclass(frozen=True)
class MixedUp:
    """Sentences that were held back from learning, of one intent, and understood as another."""

    labelled: str
    understood: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Mixing:
    """Which intents get mixed up, measured `at`; `totals` says how many sentences of each were tried."""

    at: datetime
    totals: Mapping[str, int]
    pairs: tuple[MixedUp, ...]

    def pair(self, labelled: str, understood: str) -> MixedUp | None:
        """One cell of the matrix, where there is anything in it."""
        return next((p for p in self.pairs if (p.labelled, p.understood) == (labelled, understood)), None)

    @property
    def intents(self) -> list[str]:
        """The intents that are mixed up with any other, those with the most sentences first."""
        found: Counter[str] = Counter()
        for pair in self.pairs:
            found[pair.labelled] += len(pair.sentences)
            found[pair.understood] += len(pair.sentences)
        return [name for name, _ in found.most_common()]


def coverage(
    tests: Iterable[str],
    reached: Mapping[str, Reached],
    rules: Sequence[Rule],
    passages: Mapping[str, int],
    seen: Mapping[str, int],
) -> Coverage:
    """
    Args:
        tests: ids of the dialogues that there are; reached: what each of them reached when it was had last.
        passages: how many passages each topic has, in the order of topics; seen: how many of them a test reaches.
    """
    present = set(tests)
    had = [what for dialogue, what in reached.items() if dialogue in present]
    intents = {intent for rule in rules for intent in rule.intents}
    by_intent = Counter(intent for what in had for intent in what.intents)
    by_rule = Counter(rule for what in had for rule in what.rules)
    return Coverage(
        tuple(sorted(((name, by_intent[name]) for name in intents), key=lambda one: (one[1], one[0]))),
        tuple(sorted(((rule, by_rule[rule.name]) for rule in rules), key=lambda one: (one[1], one[0].name))),
        tuple((topic, number, seen.get(topic, 0)) for topic, number in passages.items() if number),
        len(present),
        len(had),
    )


def reached_passages(tests: Iterable[str], reached: Mapping[str, Reached]) -> set[str]:
    """The passages that any of these tests reaches."""
    return {passage for test in tests if test in reached for passage in reached[test].passages}


def read_mixing(path: Path) -> Mixing | None:
    """What `make evaluate` wrote (bot.training.evaluation.write_mixed_up); None where it has not been run."""
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    pairs = tuple(MixedUp(p["labelled"], p["understood"], tuple(p["sentences"])) for p in written["mixed"])
    return Mixing(datetime.fromisoformat(written["at"]), written["totals"], pairs)
