"""Puts the gaps back into words that were run together ("iwanttodie")."""

from __future__ import annotations

from collections.abc import Collection

_LONGEST = 14
_MOST = 300


class Segmenter:
    """Splits runs of letters into known words, with the fewest words and letters left over."""

    def __init__(self, words: Collection[str]) -> None:
        self._words = frozenset(word for word in words if 2 <= len(word) <= _LONGEST) | {"i", "a", "u"}

    def segment(self, text: str) -> str:
        """`text` with every run of letters of more than five split; runs that cannot be split stay."""
        return " ".join(self._split(run) if len(run) > 5 and run.isalpha() else run for run in text.split())

    def _split(self, run: str) -> str:
        run = run[:_MOST]
        # best[i]: (letters not in any word, number of words, where the last word begins) for the first i letters
        best: list[tuple[int, int, int]] = [(0, 0, 0)]
        for end in range(1, len(run) + 1):
            skip = best[end - 1]
            choice = (skip[0] + 1, skip[1] + 1, end - 1)
            for start in range(max(0, end - _LONGEST), end):
                if run[start:end] in self._words:
                    left, count, _ = best[start]
                    choice = min(choice, (left, count + 1, start))
            best.append(choice)
        parts, at = [], len(run)
        while at:
            parts.append(run[best[at][2] : at])
            at = best[at][2]
        return " ".join(reversed(parts))
