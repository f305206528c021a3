"""The one score over all passages, in numpy alone.

A question is compared with every passage at once: one product of the matrix of all vectors with the question's
vector gives its cosine with each phrasing and each text; the classifier's distribution, the names that were
asked about and the conversation add to it. Nothing here knows a database or a text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float32]

#: The topic whose passages must be about the drug that was asked about, and the passage for a drug that none covers.
INTERACTIONS, NOTHING_FOUND = "interactions", "interaction-nothing-found"
#: Names of the bot's own subject: asked about in every question, so no reason to prefer a passage.
SUBJECT = frozenset({"ketamine", "esketamine"})

#: Above this many vectors a first look in fewer dimensions chooses the passages that are compared in full: one
#: product over 9,000 rows of 896 numbers takes 1-2 ms, over 90,000 rows 17-21 ms, and waits for memory.
_MANY_VECTORS = 6_000
_FIRST_LOOK_DIM = 128
_FULL_LOOKS = 80
_MOST_ASPECTS = 3
#: How far below a bound a score is put.
_BELOW = 1e-3


class NamedDrug(Protocol):
    """A drug or class in a question: its name and every class it belongs to, the nearest first."""

    @property
    def name(self) -> str: ...

    @property
    def classes(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Query:
    """A question in all the forms that the score looks at.

    Attributes:
        text: what was asked, for whoever reads a log of scores.
        vector: its embedding by the store's encoder, shape (dim,), length 1.
        intents: probability of each intent, `ask_<topic>` among them; empty when there was no classifier.
        aspects: probability of each (topic, aspect); empty when there was no classifier.
        drugs: drugs and classes named in it; ketamine itself is ignored.
        context_topic, context_passage: what the turn before was about, when this question leans on it.
    """

    text: str
    vector: Vectors
    intents: Mapping[str, float] = field(default_factory=dict)
    aspects: Mapping[tuple[str, str], float] = field(default_factory=dict)
    drugs: tuple[NamedDrug, ...] = ()
    context_topic: str | None = None
    context_passage: str | None = None


@dataclass(frozen=True)
class Weights:
    """How much each part counts. A cosine runs from about 0.2 (unrelated) to 1; log probabilities from 0 down.

    Attributes:
        question: times the best cosine with a phrasing of the passage.
        second: times the mean of the two best, so that one odd phrasing counts a little less than two.
        text: times the cosine with lead and details.
        same: added where the words are a phrasing of the passage: an editor has said that they find it, and no
            likelihood of a topic speaks against that …
        same_from: … in full at a cosine of 1, and not at all below this one.
        intent: times log P(ask_topic), which is not taken below log(`floor`).
        aspect: times log P(topic, aspect) of the passage's likeliest aspect, not below log(`floor`).
        later_aspect: a passage's second and third aspect count as this share of their probability.
        floor: the smallest probability that is told from none.
        drug: added for a passage that names the very drug; a share of it for one of its classes.
        nearest_class: that share for the most specific class of the drug.
        farther_class: each wider class counts as this share of the one before.
        beside_others: what remains of a class's share in a passage that also names particular drugs not asked about.
        narrower: the share for a passage about a member of the class that was asked about.
        other_drug: taken from a passage about other drugs than those asked about.
        unasked_drug: taken from a passage about a drug when the question names none …
        sure: … less from this best cosine on, and nothing at 1.
        context_topic: added for a passage of the topic of the turn before.
        context_article: added for the passages of the same article as that of the turn before …
        said_already: … and taken from that passage itself: who asks on has just read it.
    """

    question: float = 1.0
    second: float = 0.3
    text: float = 0.8
    same: float = 4.0
    same_from: float = 0.97
    intent: float = 0.4
    aspect: float = 0.12
    later_aspect: float = 0.7
    floor: float = 1e-3
    drug: float = 0.7
    nearest_class: float = 0.85
    farther_class: float = 0.7
    beside_others: float = 0.75
    narrower: float = 0.4
    other_drug: float = 0.8
    unasked_drug: float = 0.3
    sure: float = 0.85
    context_topic: float = 0.1
    context_article: float = 0.025
    said_already: float = 0.25


@dataclass(frozen=True)
class Entry:
    """What the index has to know of a passage. `questions` holds a vector for each phrasing, `text` one."""

    id: str
    article: str
    topic: str
    aspects: tuple[str, ...]
    drugs: tuple[str, ...]
    questions: Vectors
    text: Vectors


@dataclass(frozen=True)
class Scored:
    """A passage's place in the index, its score and what that is made of; the parts add up to the score."""

    place: int
    score: float
    parts: Mapping[str, float]


class Index:
    """All published passages, ready to be ranked. Never changed once built; safe to share between threads."""

    def __init__(
        self, entries: Sequence[Entry], dim: int, classes: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        """
        Args:
            entries: the passages; each must have at least one phrasing.
            dim: length of every vector.
            classes: every class of each drug and class, the nearest first.

        Raises:
            ValueError: a vector has another length, or a passage no phrasing.
        """
        self.ids = tuple(entry.id for entry in entries)
        self.place = {name: i for i, name in enumerate(self.ids)}
        counts = np.array([len(entry.questions) for entry in entries], dtype=np.intp)
        if not counts.all():
            raise ValueError(f"{self.ids[int(counts.argmin())]} has no phrasing")
        #: Rows: all phrasings, passage by passage, then all texts. The only copy of the vectors in the process.
        self.matrix: Vectors = np.empty((int(counts.sum()) + len(entries), dim), dtype=np.float32)
        at = 0
        for entry in entries:
            self.matrix[at : at + len(entry.questions)] = entry.questions
            at += len(entry.questions)
        self._phrasings = at
        for i, entry in enumerate(entries):
            self.matrix[at + i] = entry.text
        self.matrix.setflags(write=False)
        self._counts = counts
        self._starts = (
            np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.intp) if entries else np.empty(0, np.intp)
        )
        self._first_look = _FirstLook(self.matrix) if len(self.matrix) > _MANY_VECTORS else None
        self._read_labels(entries, classes or {})

    def __len__(self) -> int:
        return len(self.ids)

    def _read_labels(self, entries: Sequence[Entry], classes: Mapping[str, tuple[str, ...]]) -> None:
        topics = sorted({entry.topic for entry in entries})
        self._topics = topics
        self._topic = np.array([topics.index(entry.topic) for entry in entries], dtype=np.intp)
        pairs = sorted({(entry.topic, aspect) for entry in entries for aspect in entry.aspects})
        number = {pair: i for i, pair in enumerate(pairs)}
        self._pairs = pairs
        self._aspects = np.full((len(entries), _MOST_ASPECTS), len(pairs), dtype=np.intp)
        for i, entry in enumerate(entries):
            for j, aspect in enumerate(entry.aspects[:_MOST_ASPECTS]):
                self._aspects[i, j] = number[entry.topic, aspect]
        self._by_article = _places(entry.article for entry in entries)
        self._article = tuple(entry.article for entry in entries)
        drugs = [tuple(name for name in entry.drugs if name not in SUBJECT) for entry in entries]
        self._by_drug = _places(drugs)
        wider = [{w for name in names for w in classes.get(name, ())} - set(names) for names in drugs]
        self._by_wider = _places(wider)
        self._groups = frozenset(group for wider in classes.values() for group in wider)
        self._particular = np.array([sum(name not in self._groups for name in names) for names in drugs], dtype=np.intp)
        self._has_drugs = np.array([bool(names) for names in drugs], dtype=bool)
        self._specific = self._has_drugs & np.array(["general" not in entry.aspects for entry in entries], dtype=bool)
        self._interactions = np.array([entry.topic == INTERACTIONS for entry in entries], dtype=bool)

    # -- ranking ------------------------------------------------------------------------------------------------

    def rank(self, query: Query, weights: Weights, most: int = 5) -> list[Scored]:
        """The `most` best passages, best first; equal scores in the order of the index.

        Raises:
            ValueError: the query's vector has another length than the index's.
        """
        if query.vector.shape != (self.matrix.shape[1],):
            raise ValueError(f"the question's vector has shape {query.vector.shape}, not ({self.matrix.shape[1]},)")
        if not len(self):
            return []
        drugs = tuple(drug for drug in query.drugs if drug.name not in SUBJECT)
        cover = self._cover(drugs, weights) if drugs else None
        labels = {
            "intent": self._intent(query, weights),
            "aspect": self._aspect(query, weights),
            "context": self._context(query, weights),
        }
        parts, total = self._add_up(self._similarities(query.vector), labels, cover, weights)
        places = _best(total, _FULL_LOOKS if self._first_look else most)
        if self._first_look:
            places = self._look_again(query.vector, places, parts, labels, cover, weights)[:most]
            total = np.sum(list(parts.values()), axis=0)
        return [Scored(int(i), float(total[i]), {name: float(part[i]) for name, part in parts.items()}) for i in places]

    def _similarities(self, vector: Vectors) -> tuple[Scores, Scores, Scores]:
        """For each passage: the best cosine with a phrasing, the mean of the two best, the cosine with its text."""
        cosines = self._first_look.cosines(vector) if self._first_look else self.matrix @ vector
        return (*_two_best(cosines[: self._phrasings], self._starts, self._counts), cosines[self._phrasings :])

    def _add_up(
        self,
        similarities: tuple[Scores, Scores, Scores],
        labels: Mapping[str, Scores],
        cover: Scores | None,
        weights: Weights,
        among: npt.NDArray[np.intp] | slice = slice(None),
    ) -> tuple[dict[str, Scores], Scores]:
        best, mean, text = similarities
        parts = {"question": weights.question * best + weights.second * mean, "text": weights.text * text}
        parts["same"] = weights.same * np.clip((best - weights.same_from) / (1 - weights.same_from), 0, 1)
        parts |= {name: part[among] for name, part in labels.items()}
        parts["drug"] = self._drug(best, cover, weights, among)
        total: Scores = np.sum(list(parts.values()), axis=0)
        if cover is not None:
            self._bound(parts, total, cover, weights, among)
        return parts, total

    def _intent(self, query: Query, weights: Weights) -> Scores:
        if not query.intents:
            return np.zeros(len(self), np.float32)
        likely = [max(query.intents.get(f"ask_{topic}", 0.0), weights.floor) for topic in self._topics]
        return (weights.intent * np.log(np.array(likely, dtype=np.float32)))[self._topic]

    def _aspect(self, query: Query, weights: Weights) -> Scores:
        if not query.aspects:
            return np.zeros(len(self), np.float32)
        likely = np.array([query.aspects.get(pair, 0.0) for pair in self._pairs] + [0.0], dtype=np.float32)[
            self._aspects
        ]
        likely[:, 1:] *= weights.later_aspect
        found: Scores = weights.aspect * np.log(np.maximum(likely.max(axis=1), weights.floor))
        return found

    def _context(self, query: Query, weights: Weights) -> Scores:
        added = np.zeros(len(self), np.float32)
        if query.context_topic in self._topics:
            added[self._topic == self._topics.index(str(query.context_topic))] += weights.context_topic
        place = self.place.get(query.context_passage or "")
        if place is not None:
            added[self._by_article[self._article[place]]] += weights.context_article
            added[place] -= weights.context_article + weights.said_already
        return added

    def _cover(self, drugs: Sequence[NamedDrug], weights: Weights) -> Scores:
        """How well each passage covers the drugs asked about: 1 names each, 0 none of them or their classes."""
        cover = np.zeros(len(self), np.float32)
        others = self._particular.copy()
        for name in {drug.name for drug in drugs} - self._groups:
            others[self._by_drug.get(name, [])] -= 1
        of_class = np.where(others > 0, weights.beside_others, 1).astype(np.float32)
        for drug in drugs:
            one = np.zeros(len(self), np.float32)
            one[self._by_wider.get(drug.name, [])] = weights.narrower
            share = weights.nearest_class
            for group in drug.classes:
                places = self._by_drug.get(group, [])
                one[places] = np.maximum(one[places], share * of_class[places])
                share *= weights.farther_class
            named = self._by_drug.get(drug.name, [])
            one[named] = of_class[named] if drug.name in self._groups else 1.0
            cover += one
        return cover / len(drugs)

    def _drug(
        self, best: Scores, cover: Scores | None, weights: Weights, among: npt.NDArray[np.intp] | slice
    ) -> Scores:
        if cover is None:
            doubt = np.clip((1 - best) / (1 - weights.sure), 0, 1)
            return np.where(self._specific[among], -weights.unasked_drug * doubt, 0).astype(np.float32)
        missed = self._has_drugs[among] & (cover[among] == 0)
        return (weights.drug * cover[among] - weights.other_drug * missed).astype(np.float32)

    def _bound(
        self,
        parts: dict[str, Scores],
        total: Scores,
        cover: Scores,
        weights: Weights,
        among: npt.NDArray[np.intp] | slice,
    ) -> None:
        """See to it that an answer on interactions is about a drug that was asked about, or says that nothing is known.

        The passage that covers the drugs best, or where none does the one that says that nothing was found, gets
        the score of the best match among all interactions, whatever drug that is about: "can i take X with it" is
        the same question for every X. What covers none of the drugs is put below the honest passage. The
        differences are booked under `drug`, so that the parts still add up.
        """
        honest = self.place.get(NOTHING_FOUND)
        here = np.arange(len(self))[among]
        places = np.flatnonzero(self._interactions[among])
        own = np.flatnonzero(here == honest) if honest is not None else here[:0]
        if not len(own):
            return
        covers = cover[among][places] > 0
        other = ~covers & self._has_drugs[among][places]
        covering = places[covers]
        chosen = covering[total[covering].argmax()] if len(covering) else own[0]
        match = float(np.where(covers | (places == chosen), -np.inf, total[places] + weights.other_drug * other).max())
        wrong = places[~covers & (places != own[0])]
        changed = np.zeros_like(total)
        changed[chosen] = max(match + _BELOW - float(total[chosen]), 0)
        changed[wrong] = np.minimum(total[own[0]] + changed[own[0]] - _BELOW - total[wrong], 0)
        parts["drug"] += changed
        total += changed

    def _look_again(
        self,
        vector: Vectors,
        places: npt.NDArray[np.intp],
        parts: dict[str, Scores],
        labels: Mapping[str, Scores],
        cover: Scores | None,
        weights: Weights,
    ) -> npt.NDArray[np.intp]:
        """Score `places` with the whole vectors; writes into `parts` and returns the places, best first."""
        nothing = self.place.get(NOTHING_FOUND)
        if nothing is not None and nothing not in places:
            places = np.append(places, nothing)
        counts = self._counts[places]
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.intp)
        rows = np.repeat(self._starts[places] - starts, counts) + np.arange(counts.sum())
        similarities = (
            *_two_best(self.matrix[rows] @ vector, starts, counts),
            self.matrix[self._phrasings + places] @ vector,
        )
        exact, total = self._add_up(similarities, labels, cover, weights, places)
        for name, part in exact.items():
            parts[name][places] = part
        return places[_best(total, len(places))]


class _FirstLook:
    """The vectors in the directions in which they differ most: an approximate cosine for a seventh of the work."""

    def __init__(self, matrix: Vectors) -> None:
        sample = matrix[:: max(1, len(matrix) // 8192)]
        _, directions = np.linalg.eigh(sample.T @ sample)
        self._directions = np.ascontiguousarray(directions[:, -_FIRST_LOOK_DIM:], dtype=np.float32)
        self._matrix = matrix @ self._directions

    def cosines(self, vector: Vectors) -> Scores:
        found: Scores = self._matrix @ (vector @ self._directions)
        return found


def _two_best(cosines: Scores, starts: npt.NDArray[np.intp], counts: npt.NDArray[np.intp]) -> tuple[Scores, Scores]:
    """The best of each group and the mean of its two best (of a single one: itself)."""
    best = np.maximum.reduceat(cosines, starts)
    others = np.where(cosines == np.repeat(best, counts), -np.inf, cosines)
    second = np.maximum.reduceat(others, starts)
    return best, np.where(np.isfinite(second), (best + second) / 2, best).astype(np.float32)


def _best(scores: Scores, most: int) -> npt.NDArray[np.intp]:
    """The places of the `most` highest scores, highest first, ties in order."""
    if most < len(scores):
        edge = np.partition(scores, len(scores) - most)[len(scores) - most]
        places = np.flatnonzero(scores >= edge)
    else:
        places = np.arange(len(scores))
    return places[np.argsort(-scores[places], kind="stable")][:most]


def _places(values: Any) -> dict[str, list[int]]:
    """Where each value stands; a value may be one name or several."""
    found: dict[str, list[int]] = {}
    for i, value in enumerate(values):
        for name in (value,) if isinstance(value, str) else value:
            found.setdefault(name, []).append(i)
    return found
