"""What problems have in common: questions that are alike, the same answer, the same finding.

Questions are alike when their vectors are (leader clustering: a question joins the nearest theme that is near enough,
else it begins one). A theme is named after words that its questions share. Only words stand in a name that the shipped
content uses itself, or that at least three people used: a name outlives the questions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]

#: From this cosine between a question and the middle of a theme on they are about the same. Of questions on one gap,
#: written by hand, two in three are this near to each other; of phrasings of different passages 4 % within a topic
#: and 0.3 % across topics (2026-11-22). At 0.6 it was one in two, 0.5 % and 0.06 %: too many themes of one question.
ALIKE = 0.5
_SHARED = 3
_MOST_WORDS = 4


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_EMPTY = _words(
    """
    a about after again all also am an and any anyone are as ask at be because been before being but by can cant could
    did do does doing dont for from get give go going got had has have having help her here hi how i id if ill im in
    into is it its ive just know like long make many may me might more much must my need never no not of off ok okay on
    one or our out over please really say should since so some someone something still take taking tell than thank that
    thats the their them then there these they thing think this to told too try use very want was way we well were what
    whats when where which while who why will with without would yes yet you your ketamine
    """
)


class Read(Protocol):
    """A text as the encoder read it: its plain form and its vector of length 1."""

    @property
    def plain(self) -> str: ...

    @property
    def vector(self) -> Vector: ...


class Reads(Protocol):
    """What reads texts (`bot.language.reader.Reader`). `name` identifies the weights."""

    @property
    def name(self) -> str: ...

    def read(self, text: str) -> Read: ...


@dataclass
class Group:
    """The middle of a theme: the sum of its vectors."""

    id: int
    total: Vector


class Groups:
    """All themes of questions that have a middle, in memory while problems are sorted."""

    def __init__(self, groups: Iterable[Group]) -> None:
        self._groups = list(groups)

    def nearest(self, vector: Vector) -> Group | None:
        """The theme that a question belongs to; None where none is near enough."""
        best, found = ALIKE, None
        for group in self._groups:
            likeness = float(group.total @ vector) / max(float(np.linalg.norm(group.total)), 1e-9)
            if likeness >= best:
                best, found = likeness, group
        return found

    def add(self, group: Group) -> None:
        """Know one more."""
        self._groups.append(group)


def words_of(plain: str) -> set[str]:
    """The words of a question that can say what it is about."""
    return {word for word in re.findall(r"[a-z][a-z'-]{2,}", plain.lower())} - _EMPTY


def name_of(questions: Sequence[str], usual: Collection[str]) -> str:
    """A name for a theme with these questions (plain forms); empty where no word may stand in it."""
    counts = Counter(word for question in questions for word in words_of(question))
    allowed = [(word, n) for word, n in counts.items() if word in usual or n >= _SHARED]
    best = sorted(allowed, key=lambda found: (-found[1], found[0]))[:_MOST_WORDS]
    return ", ".join(word for word, _ in best)
