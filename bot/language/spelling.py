"""Misspelt names of drugs ("zanax", "ketamin", "lamictol") and no ordinary words.

Only for words that stand in no list of ordinary words: a name of five letters or more, within one edit up to
seven letters and two above (optimal string alignment, so a swap of neighbours is one edit), with the same
first letter or one that is known to be swapped. Two names equally near are no match.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import OSA

_SHORTEST = 5
_SWAPPED_FIRST = ({"x", "z"}, {"f", "p"}, {"c", "k"}, {"c", "s"}, {"j", "g"})
_ENDINGS = ("s", "es", "ed", "d", "ing", "er", "ly", "'s", "ness", "ish", "able")


def ordinary_words(vocabulary: Path) -> frozenset[str]:
    """The whole words of a WordPiece vocabulary file: some 20,000 frequent English words and names."""
    lines = vocabulary.read_text(encoding="utf-8").splitlines()
    return frozenset(word for word in lines if word.isalpha() and word.isascii() and len(word) > 1)


class Speller:
    """Finds the one name that a misspelt word stands for."""

    def __init__(self, names: Mapping[str, tuple[str, str]], ordinary: frozenset[str] | set[str]) -> None:
        """
        Args:
            names: written form -> (kind, canonical name), single words.
            ordinary: words that are never a misspelling, lower case.
        """
        self._names = {name: value for name, value in names.items() if len(name) >= _SHORTEST and name.isalpha()}
        self._by_first: dict[str, list[str]] = {}
        for name in self._names:
            for first in {name[0], *(swap for pair in _SWAPPED_FIRST if name[0] in pair for swap in pair)}:
                self._by_first.setdefault(first, []).append(name)
        self._ordinary = ordinary

    def is_ordinary(self, word: str) -> bool:
        """Whether `word`, or what is left without a common ending, is an ordinary word."""
        if word in self._ordinary:
            return True
        for ending in _ENDINGS:
            stem = word.removesuffix(ending)
            if (
                stem != word
                and len(stem) > 2
                and (stem in self._ordinary or stem + "e" in self._ordinary or stem[:-1] in self._ordinary)
            ):
                return True
        return word.endswith("ies") and word[:-3] + "y" in self._ordinary

    def correct(self, word: str) -> tuple[str, str] | None:
        """(kind, canonical name) of the one name that `word` (lower case) misspells, or None."""
        if len(word) < _SHORTEST or not word.isalpha() or self.is_ordinary(word):
            return None
        singular = word.removesuffix("s")
        best: tuple[int, set[tuple[str, str]]] = (99, set())
        for attempt in {word, singular}:
            if len(attempt) < _SHORTEST:
                continue
            allowed = 1 if len(attempt) <= 7 else 2
            candidates = self._by_first.get(attempt[0], [])
            for name, distance, _ in process.extract(
                attempt, candidates, scorer=OSA.distance, score_cutoff=allowed, limit=4
            ):
                if distance < best[0]:
                    best = (int(distance), {self._names[name]})
                elif distance == best[0]:
                    best[1].add(self._names[name])
        return next(iter(best[1])) if len(best[1]) == 1 else None
