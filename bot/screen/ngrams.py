"""Words, word pairs and pieces of words as numbers: what the classifier reads beside meaning and signs.

Meaning blurs rare words and misspellings; pieces of words do not. Hashed (CRC 32), so that no vocabulary is kept.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

#: Number of buckets.
BUCKETS = 1 << 15
_MOST_WORDS = 120
_WORD = re.compile(r"[a-z0-9]+")


@lru_cache(maxsize=20_000)
def _pieces(word: str) -> tuple[int, ...]:
    edged = f"<{word[:24]}>"
    grams = {edged[i : i + n] for n in (3, 4, 5) for i in range(len(edged) - n + 1)} | {edged}
    return tuple(zlib.crc32(gram.encode()) % BUCKETS for gram in grams)


@lru_cache(maxsize=20_000)
def _pair(first: str, second: str) -> int:
    return zlib.crc32(f"{first} {second}".encode()) % BUCKETS


def buckets(view: str) -> npt.NDArray[np.int64]:
    """The buckets that a view (`bot.screen.views.plain_view`) falls into, each once, sorted."""
    words = _WORD.findall(view)[:_MOST_WORDS]
    found = {b for word in words for b in _pieces(word)}
    found.update(_pair(a, b) for a, b in zip(["^", *words], [*words, "$"], strict=True))
    return np.array(sorted(found), dtype=np.int64)


def matrix(views: Sequence[str]):  # type: ignore[no-untyped-def]
    """Rows of length 1 for training, as a scipy sparse matrix of shape (n, BUCKETS)."""
    from scipy.sparse import csr_matrix

    rows = [buckets(view) for view in views]
    starts = np.cumsum([0, *map(len, rows)])
    values = np.concatenate([np.full(len(row), 1 / np.sqrt(max(1, len(row))), dtype=np.float32) for row in rows])
    return csr_matrix((values, np.concatenate(rows), starts), shape=(len(rows), BUCKETS))
