"""The second layer: small trained networks over the shared embedding and the signs that the patterns name.

Two ensembles. `joint` reads both halves of the embedding and the signs; it is asked about every message.
`foreign` reads the multilingual half alone and learned from English and nine more languages; it is asked as well
when a text is not plainly English. Thresholds are chosen by `bot.screen.train` on wordings that were held back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bot.errors import EvenkeelError
from bot.language.encoder import ENGLISH_DIM
from bot.language.networks import Floats, Layers, from_arrays, softmax, to_arrays
from bot.screen import ngrams
from bot.screen.findings import CATEGORIES, Category

#: Classes of the networks: nothing to find, then the categories.
HARMLESS = "harmless"
CLASSES: tuple[str, ...] = (HARMLESS, *CATEGORIES)
#: Embeddings have length 1 and signs are 0 or 1; this brings both to one scale before training.
SCALE = 6.0

#: Weight of the pieces of words beside meaning and signs.
PIECES = 0.3
#: Probability below which the networks see nothing at all, for dangers and for requests that must be declined; and for
#: dangers in a long message, or that a rule is certain of. Chosen on held-back sentences (docs/architecture.md, 11).
TRACE, TRACE_OF_REQUEST, FAINT_TRACE = 0.08, 0.25, 0.03

_EMERGENCY = CLASSES.index("medical_emergency")
_DANGER = [i for i, name in enumerate(CLASSES) if name in CATEGORIES[:4]]


@dataclass(frozen=True)
class Verdict:
    """What the networks say: the likeliest category that reaches its threshold or None, and all probabilities."""

    category: Category | None
    confidence: float
    probabilities: Mapping[str, float]

    def trace(self, category: Category, *, faint: bool = False) -> bool:
        """Whether there is at least a trace of what a rule found; a faint one, where the rule is believed sooner."""
        if category == "refuse_dosing":
            return faint or self.probabilities[category] >= TRACE_OF_REQUEST
        danger = sum(self.probabilities[name] for name in CATEGORIES[:4])
        return danger >= (FAINT_TRACE if faint else TRACE)


@dataclass(frozen=True)
class Classifier:
    """Immutable and thread-safe.

    Attributes:
        signs: names of the indicator features, in order; must be those of the patterns file in use.
        joint, foreign: the two ensembles; pieces: a linear one over `bot.screen.ngrams`, heard with the joint ones.
        thresholds: for plainly English texts and for others, the score from which a category counts.
    """

    signs: tuple[str, ...]
    joint: tuple[Layers, ...]
    foreign: tuple[Layers, ...]
    pieces: Layers
    thresholds: Mapping[str, Mapping[str, float]]

    def probabilities(self, vectors: Floats, signs: Floats, views: Sequence[str], *, english: bool) -> Floats:
        """Probability of each of CLASSES, shape (n, 6), for rows of embeddings and signs, and their views."""
        pieces = np.vstack([self._of_pieces(view) for view in views])
        joint = (1 - PIECES) * self._joint.average(features(vectors, signs)) + PIECES * pieces
        if english:
            return joint
        return (joint + 2 * average(self.foreign, foreign_features(vectors))) / 3

    @cached_property
    def _joint(self) -> SideBySide:
        return SideBySide(self.joint)

    def _of_pieces(self, view: str) -> Floats:
        weights, bias = self.pieces.layers[0]
        buckets = ngrams.buckets(view)
        return softmax((weights[buckets].sum(axis=0) / max(1.0, len(buckets) ** 0.5) + bias)[None, :])

    def verdict(self, probabilities: Floats, *, english: bool, caution: float = 1.0) -> Verdict:
        """What one row of probabilities means; `caution` below 1 lowers every threshold by that factor."""
        category, score = likeliest(probabilities)
        reached = score >= caution * self.thresholds["english" if english else "foreign"][category]
        named = {name: round(float(p), 4) for name, p in zip(CLASSES, probabilities, strict=True)}
        return Verdict(category if reached else None, score, named)

    def save(self, folder: Path, learned_from: str = "") -> None:
        """Write `weights.npz` and `model.json` into `folder`, which is made; `learned_from` is noted in it.

        Weights are kept in 16 bits, which changed no probability of 5,914 sentences by more than 0.0005.
        """
        folder.mkdir(parents=True, exist_ok=True)
        networks = (*self.joint, *self.foreign, self.pieces)
        halves: dict[str, Any] = {name: array.astype(np.float16) for name, array in to_arrays(networks).items()}
        np.savez_compressed(folder / "weights.npz", **halves)
        about = {
            "signs": self.signs,
            "joint": len(self.joint),
            "layers": [len(network.layers) for network in networks],
            "thresholds": self.thresholds,
            "learned_from": learned_from,
        }
        (folder / "model.json").write_text(json.dumps(about, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, signs: Sequence[str]) -> Classifier:
        """What `save` wrote.

        Raises:
            EvenkeelError: the weights were trained with another patterns file.
            OSError, ValueError, KeyError: the files are missing or damaged.
        """
        about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        if tuple(about["signs"]) != tuple(signs):
            raise EvenkeelError("The screen's weights do not fit data/screen/patterns.yml; run: python -m bot train")
        with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
            networks = from_arrays({name: arrays[name].astype(np.float32) for name in arrays}, about["layers"])
        return cls(
            tuple(about["signs"]),
            networks[: about["joint"]],
            networks[about["joint"] : -1],
            networks[-1],
            about["thresholds"],
        )


def likeliest(probabilities: Floats) -> tuple[Category, float]:
    """The category to think of first and its score.

    For a danger the score is the probability that there is any danger at all: which one is a matter of degree. A
    request that must be declined counts for itself.
    """
    danger = float(probabilities[_DANGER].sum())
    declined = float(probabilities[-1])
    if declined > danger:
        return "refuse_dosing", declined
    best = max(_DANGER, key=lambda i: float(probabilities[i]))
    if CLASSES[best] == "urgent_care" and probabilities[_EMERGENCY] * 2 > probabilities[best]:
        best = _EMERGENCY  # calling too early does less harm than calling too late
    return CATEGORIES[best - 1], danger


def features(vectors: Floats, signs: Floats) -> Floats:
    """What the joint networks read."""
    return np.hstack([vectors * SCALE, signs]).astype(np.float32)


def foreign_features(vectors: Floats) -> Floats:
    """What the networks for other languages read: the multilingual half of the embedding."""
    return np.asarray(vectors[:, ENGLISH_DIM:] * (SCALE * 2**0.5), dtype=np.float32)


def average(networks: Sequence[Layers], x: Floats) -> Floats:
    """Mean of the networks' probabilities."""
    return np.asarray(np.mean([softmax(network.log_odds(x)) for network in networks], axis=0), dtype=np.float32)


class SideBySide:
    """Networks of two layers and one shape, computed together: for one row a third of the time of one by one."""

    def __init__(self, networks: Sequence[Layers]) -> None:
        (first, last) = zip(*(network.layers for network in networks), strict=True)
        self._networks = networks
        # Rows are the neurons: a matrix times a vector is what BLAS does fastest for one row, in one thread
        # (bot.language.encoder.one_thread_for_matrices): 12 us for 1,024 neurons, where `Layers` takes 58.
        self._first = np.ascontiguousarray(np.hstack([w for w, _ in first]).T), np.hstack([b for _, b in first])
        self._weights, self._bias = np.stack([w for w, _ in last]), np.stack([b for _, b in last])

    def average(self, x: Floats) -> Floats:
        """As `average`."""
        if len(x) > 1:
            return average(self._networks, x)
        weights, bias = self._first
        hidden = np.maximum(weights @ x[0] + bias, 0).reshape(len(self._networks), -1)
        odds = np.einsum("nh,nhc->nc", hidden, self._weights) + self._bias
        return np.asarray(softmax(odds).mean(axis=0, keepdims=True), dtype=np.float32)
