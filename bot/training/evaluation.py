"""Figures on sentences that the model has not seen: whole voices are held back, a fifth of our own sentences.

Also here: Wilson intervals, calibration, and the confusion matrix as a picture.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from actions.deciding import Decision, Limits, decide, named_in
from actions.needs import Needs
from actions.turn import TOPIC_PREFIX, Turn
from bot.training.sentences import HELD_VOICES, Sentence, read_sentences

if TYPE_CHECKING:
    from bot.nlu.classifier import Model  # imports Rasa, which bot.engine.compat must prepare first

SMALLTALK = frozenset(
    {
        "greet",
        "goodbye",
        "thanks",
        "chitchat",
        "ask_bot_identity",
        "ask_capabilities",
        "delete_my_data",
        "talk_to_person",
    }
)
DANGERS = frozenset({"crisis_selfharm", "medical_emergency", "urgent_care", "panic_now"})


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953); (0, 1) for none."""
    if not total:
        return 0.0, 1.0
    p, n = hits / total, total
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass
class Report:
    """Counts of hits by figure, the misses, and how well probabilities match."""

    hits: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    misses: dict[str, list[str]] = field(default_factory=dict)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: (labelled, understood) -> the sentences; of all intents, those that were understood as well.
    understood: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    calibration: list[tuple[float, float, int]] = field(default_factory=list)
    calibration_error: float = 0.0
    #: The temperature that was fitted.
    temperature: float = 1.0

    def add(self, figure: str, right: bool, why: str) -> None:
        """Count one case."""
        self.total[figure] += 1
        self.hits[figure] += right
        if not right:
            self.misses.setdefault(figure, []).append(why)

    def share(self, figure: str) -> float:
        """The share of hits."""
        return self.hits[figure] / self.total[figure] if self.total[figure] else float("nan")

    def __str__(self) -> str:
        lines = ["Held back by voice (95 % Wilson interval)"]
        for name in self.total:
            low, high = wilson(self.hits[name], self.total[name])
            lines.append(
                f"  {name:10} {self.share(name):.3f}  [{low:.3f}, {high:.3f}]  {self.hits[name]}/{self.total[name]}"
            )
        lines.append(f"  expected calibration error {self.calibration_error:.3f}, temperature {self.temperature:.2f}")
        lines += [f"    said {said:.2f}  was right {right:.2f}  ({n})" for said, right, n in self.calibration]
        return "\n".join(lines)


def turns_of(sentences: Sequence[Sentence], needs: Needs, model: Model) -> list[Turn]:
    """The turns that the classifier makes of lone sentences."""
    from bot.nlu.features import vector_of

    readings = needs.reader.read_many([s.text for s in sentences])
    probabilities = model.probabilities(np.vstack([vector_of(r) for r in readings]))
    names, intents = model.intents(probabilities)
    turns = []
    for reading, p, of_intents in zip(readings, probabilities, intents, strict=True):
        best = int(of_intents.argmax())
        aspects = {
            (intent.removeprefix(TOPIC_PREFIX), aspect): float(q)
            for label, q in zip(model.classes, p, strict=True)
            for intent, _, aspect in [label.partition("/")]
            if intent.startswith(TOPIC_PREFIX) and q > 1e-4
        }
        turns.append(
            Turn(
                reading.text,
                names[best],
                float(of_intents[best]),
                dict(zip(names, map(float, of_intents), strict=True)),
                aspects,
                reading.mentions,
            )
        )
    return turns


def score(sentences: Sequence[Sentence], turns: Sequence[Turn], decisions: Sequence[Decision]) -> Report:
    """Count what was decided about `sentences` against their labels."""
    report = Report()
    said: list[tuple[float, bool]] = []
    for sentence, turn, decision in zip(sentences, turns, decisions, strict=True):
        chosen = turn.intent if not _asks(turn.intent) else None
        shown = decision.ranked[0].passage if decision.kind == "answer" and decision.ranked and chosen is None else None
        got = f"{TOPIC_PREFIX}{shown.topic}" if shown else (chosen or decision.kind)
        why = f"{sentence.text!r}: {sentence.label}, got {got} {shown.id if shown else ''}"
        report.understood.setdefault((sentence.intent, turn.intent), []).append(sentence.text)
        if sentence.intent in SMALLTALK:
            report.add("smalltalk", turn.intent in SMALLTALK, why)
        elif sentence.intent == "out_of_scope":
            report.add("oos", shown is None and turn.intent not in DANGERS, why)
        elif sentence.intent == "ask_dosing":
            report.add("dosing", turn.intent == "ask_dosing", why)
        elif _asks(sentence.intent) and sentence.intent != "follow_up":
            topic = sentence.intent.removeprefix(TOPIC_PREFIX)
            right = shown is not None and shown.topic == topic
            report.add("topic", right, why)
            report.pairs[sentence.intent, got] += 1
            if right and shown:
                report.add("aspect", sentence.aspect in shown.aspects, why)
            asked = [m for m in turn.mentions if m.kind in ("drug", "class")]
            if sentence.label == "ask_interactions/specific" and asked:
                names = named_in(decision.ranked[0], asked)[0] if right else []
                report.add("drug", any(n in names for m in asked for n in m.names), why)
        said.append((turn.confidence, turn.intent == sentence.intent))
    report.calibration, report.calibration_error = calibration(said)
    return report


def _asks(intent: str) -> bool:
    return intent in ("out_of_scope", "follow_up") or (
        intent.startswith(TOPIC_PREFIX)
        and intent not in ("ask_dosing", "ask_source", "ask_bot_identity", "ask_capabilities")
    )


def calibration(said: Sequence[tuple[float, bool]], bins: int = 10) -> tuple[list[tuple[float, float, int]], float]:
    """Reliability by tenths of confidence, and the expected calibration error (Naeini et al. 2015)."""
    rows, error = [], 0.0
    for low in range(bins):
        group = [(p, right) for p, right in said if low / bins <= p < (low + 1) / bins or (low == bins - 1 and p >= 1)]
        if group:
            mean, share = float(np.mean([p for p, _ in group])), float(np.mean([r for _, r in group]))
            rows.append((mean, share, len(group)))
            error += abs(mean - share) * len(group) / len(said)
    return rows, error


def held_back(needs: Needs, *, limits: Limits | None = None) -> Report:
    """Train without the held-out voices and score what the bot would decide about their sentences.

    Args:
        needs: store, reader and wording; the store must be loaded.
    """
    sentences, kept, x = split(needs)
    model = learned(kept, x)
    turns = turns_of(sentences, needs, model)
    decisions = [decide(turn, needs, limits) for turn in turns]
    report = score(sentences, turns, decisions)
    report.temperature = model.temperature
    return report


def split(needs: Needs) -> tuple[list[Sentence], list[Sentence], np.ndarray]:
    """(held-out sentences, sentences to learn from with the articles' phrasings, features of the latter)."""
    from bot.nlu.features import vector_of
    from bot.nlu.importer import phrasings

    own = [s for s in read_sentences(needs.settings.data / "nlu") if s.intent not in DANGERS]
    kept = [s for s in own if s.voice not in HELD_VOICES] + phrasings(needs.settings.data)
    held = [s for s in own if s.voice in HELD_VOICES and s.intent != "follow_up"]
    x = np.vstack([vector_of(r) for r in needs.reader.read_many([s.text for s in kept])])
    return held, kept, x


def learned(kept: Sequence[Sentence], x: np.ndarray) -> Model:
    """The classifier that these sentences make."""
    from bot.nlu.classifier import ROUNDS, STRENGTH, train

    labels, voices = [s.label for s in kept], [s.voice for s in kept]
    return train(x, labels, voices, strength=STRENGTH, rounds=ROUNDS)


def write_mixed_up(report: Report, path: Path) -> None:
    """Write which intents were taken for which, with the sentences that were, for the staff console.

    JSON: {"at", "totals": {intent: sentences}, "mixed": [{"labelled", "understood", "sentences"}]}, the largest first.
    """
    totals: Counter[str] = Counter()
    for (labelled, _), sentences in report.understood.items():
        totals[labelled] += len(sentences)
    mixed = [
        {"labelled": labelled, "understood": understood, "sentences": sorted(sentences)}
        for (labelled, understood), sentences in report.understood.items()
        if labelled != understood
    ]
    mixed.sort(key=lambda pair: (-len(pair["sentences"]), pair["labelled"], pair["understood"]))
    written = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "totals": dict(totals), "mixed": mixed}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(written, indent=1, ensure_ascii=False), encoding="utf-8")


def draw_confusion(pairs: Mapping[tuple[str, str], int], path: Path) -> None:
    """A picture of which topic was taken for which: a row a label, a column an answer, shares of the row."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = sorted({a for a, _ in pairs})
    columns = sorted({b for _, b in pairs}, key=lambda b: (b not in rows, b))
    table = np.array([[pairs.get((a, b), 0) for b in columns] for a in rows], dtype=float)
    shares = table / table.sum(axis=1, keepdims=True)
    figure, axes = pyplot.subplots(figsize=(11, 7))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(columns)), [c.removeprefix(TOPIC_PREFIX) for c in columns], rotation=60, ha="right")
    axes.set_yticks(range(len(rows)), [r.removeprefix(TOPIC_PREFIX) for r in rows])
    for i, j in np.argwhere(table > 0):
        axes.text(
            j,
            i,
            f"{int(table[i, j])}",
            ha="center",
            va="center",
            fontsize=7,
            color="white" if shares[i, j] > 0.5 else "black",
        )
    axes.set_xlabel("answered as")
    axes.set_ylabel("labelled")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    pyplot.close(figure)
