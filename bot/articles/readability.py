"""The Flesch-Kincaid grade of a text: the years of school that reading it takes.

Kincaid and others (1975), Research Branch Report 8-75, Naval Technical Training Command:
0.39 × words per sentence + 11.8 × syllables per word - 15.59. As in Flesch's own rule, a colon or semicolon ends a
unit too. Syllables are counted by pyphen's patterns; names of drugs and classes count as two, since a reader either
knows a name or passes over it, whatever its length.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

import pyphen

_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
_SENTENCE_END = re.compile(r"(?<=[.!?:;])[\"'”’)]*\s+")
_SYLLABLES_OF_A_NAME = 2


def grade(text: str, names: Collection[str] = ()) -> float:
    """The grade of `text`; 0 for one without words.

    Args:
        text: one or more paragraphs.
        names: words, lower case, that count as two syllables.
    """
    words = _WORD.findall(text)
    if not words:
        return 0.0
    sentences = [part for part in _SENTENCE_END.split(text.strip()) if _WORD.search(part)]
    syllables = sum(_syllables(word.lower().strip("'’"), names) for word in words)
    return 0.39 * len(words) / max(len(sentences), 1) + 11.8 * syllables / len(words) - 15.59


def _syllables(word: str, names: Collection[str]) -> int:
    if word in names or (word.endswith("s") and word[:-1] in names):
        return min(_SYLLABLES_OF_A_NAME, _hyphenated(word))
    return _hyphenated(word)


@lru_cache(maxsize=8192)
def _hyphenated(word: str) -> int:
    return sum(len(_patterns().positions(part)) + 1 for part in word.split("-") if part)


@lru_cache(maxsize=1)
def _patterns() -> pyphen.Pyphen:
    return pyphen.Pyphen(lang="en_US")
