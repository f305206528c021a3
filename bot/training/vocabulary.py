"""Makes `data/vocabulary/usual-words.txt`: the words that people use here, the most frequent first.

Run after larger changes of sentences or articles: `python -m bot vocabulary`.
"""

from __future__ import annotations

import collections
import re
from pathlib import Path

from bot.language.spelling import ordinary_words
from bot.language.text import fold

_WORD = re.compile(r"[a-z]{4,}")


def usual_words(data: Path, *, ordinary_from: int = 2, others_from: int = 5) -> list[str]:
    """Words of training sentences and articles, most frequent first.

    Args:
        data: the data folder.
        ordinary_from, others_from: how often a word must occur when it is in the list of ordinary words, and
            when it is not (rarer ones may be misspellings that the sentences hold on purpose).
    """
    ordinary = ordinary_words(data / "vocabulary" / "bert-base-uncased.txt")
    counts: collections.Counter[str] = collections.Counter()
    for path in [*sorted((data / "nlu").glob("*.yml")), *sorted((data / "articles").glob("*.md"))]:
        counts.update(_WORD.findall(fold(path.read_text(encoding="utf-8"))))
    kept = [w for w, n in counts.items() if n >= (ordinary_from if w in ordinary else others_from)]
    return sorted(kept, key=lambda w: (-counts[w], w))


def write_usual_words(data: Path) -> int:
    """Write the file; returns how many words it holds."""
    words = usual_words(data)
    (data / "vocabulary" / "usual-words.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    return len(words)
