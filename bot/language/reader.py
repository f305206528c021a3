"""Reads a text once for everybody: folded, its names found, put into plain words, and embedded.

Screen, intent classifier and search all take a `Reading`; none of them encodes by itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.language.encoder import Encoder, Vectors, shared_encoder
from bot.language.lexicon import Lexicon, Mention
from bot.language.spelling import ordinary_words
from bot.language.text import fold

_WORD = re.compile(r"[a-z]+")
_SHORTEST = 5


@dataclass(frozen=True)
class Reading:
    """What was read in a text.

    Attributes:
        text: as given; folded: see `bot.language.text.fold`.
        plain: the folded text with names of drugs made generic and misspelt words mended; this is embedded.
        mentions: the names found.
        vector: joint embedding of `plain`, shape (Encoder.dim,), length 1.
    """

    text: str
    folded: str
    plain: str
    mentions: tuple[Mention, ...]
    vector: Vectors


class Reader:
    """Encoder, lexicon and spelling together. Thread-safe, remembers the last texts."""

    def __init__(self, encoder: Encoder, lexicon: Lexicon, ordinary: frozenset[str], usual: Sequence[str]) -> None:
        """
        Args:
            encoder, lexicon: what they say.
            ordinary: words that are never mended.
            usual: words that people use here, the most frequent first; a misspelt word may become one of them.
        """
        self.encoder, self.lexicon = encoder, lexicon
        self._ordinary = ordinary
        self._rank = {word: i for i, word in enumerate(usual)}
        self._by_first: dict[str, list[str]] = {}
        for word in usual:
            if len(word) >= _SHORTEST - 1:
                self._by_first.setdefault(word[0], []).append(word)
        self._mended = lru_cache(maxsize=4096)(self._mend)
        digest = hashlib.sha256(" ".join(usual).encode()).hexdigest()[:8]
        self.name = f"{encoder.name}-{digest}"
        self.dim = encoder.dim

    def read(self, text: str) -> Reading:
        """The reading of one text."""
        folded, mentions = fold(text), self.lexicon.find(text)
        plain = self._plain(folded, mentions)
        return Reading(text, folded, plain, mentions, self.encoder.encode_one(plain))

    def read_many(self, texts: Sequence[str]) -> list[Reading]:
        """The readings of many texts, encoded together; for training and loading content."""
        folded = [fold(text) for text in texts]
        mentions = [self.lexicon.find(text) for text in texts]
        plain = [self._plain(f, m) for f, m in zip(folded, mentions, strict=True)]
        vectors = self.encoder.encode(plain)
        return [Reading(*row) for row in zip(texts, folded, plain, mentions, vectors, strict=True)]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Embeddings of the plain form of `texts`, shape (n, dim): what the article store keeps of its passages."""
        return self.encoder.encode([self.plain(text) for text in texts])

    def plain(self, text: str) -> str:
        """What is embedded of `text`: folded, names made generic, misspelt words mended."""
        return self._plain(fold(text), self.lexicon.find(text))

    def forget(self) -> None:
        """Drop the remembered texts."""
        self.encoder.forget()
        self.lexicon.find.cache_clear()
        self._mended.cache_clear()

    def _plain(self, folded: str, mentions: Iterable[Mention]) -> str:
        parts: list[str] = []
        at = 0
        for mention in mentions:
            name = _plain_name(mention)
            if name is None or mention.start < at:
                continue
            parts += [folded[at : mention.start], name]
            at = mention.end
        return _WORD.sub(lambda match: self._mended(match[0]), "".join([*parts, folded[at:]]))

    def _mend(self, word: str) -> str:
        if len(word) < _SHORTEST or word in self._ordinary or word in self._rank:
            return word
        allowed = 1 if len(word) <= 7 else 2
        near = process.extract(
            word, self._by_first.get(word[0], []), scorer=OSA.distance, score_cutoff=allowed, limit=5
        )
        if not near:
            return word
        closest = near[0][1]
        return min((name for name, distance, _ in near if distance == closest), key=self._rank.__getitem__)


def _plain_name(mention: Mention) -> str | None:
    """What to write for a mention; None leaves the person's own words."""
    if mention.kind == "drug":
        return mention.name
    if mention.kind == "ketamine":
        # The spray is asked about in its own way (taste, monitoring, insurance): it keeps its own word.
        return "spravato" if mention.name == "esketamine" and mention.surface.startswith("sp") else mention.name
    return mention.name if mention.found == "spelling" else None


@lru_cache(maxsize=1)
def shared_reader(data: Path) -> Reader:
    """The one reader of this process, over the data folder `data`."""
    vocabulary = data / "vocabulary" / "bert-base-uncased.txt"
    usual = (data / "vocabulary" / "usual-words.txt").read_text(encoding="utf-8").split()
    return Reader(shared_encoder(data), Lexicon(data / "lexicon", vocabulary), ordinary_words(vocabulary), usual)
