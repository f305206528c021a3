"""What has changed between two revisions, word by word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from bot.articles.source_files import Section

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """Some words that stayed, came or went."""

    change: Literal["same", "added", "removed"]
    text: str


@dataclass(frozen=True)
class Change:
    """A part of a passage that is not as it was: its name and the pieces of both forms."""

    part: str
    pieces: tuple[Piece, ...]


def words(before: str, after: str) -> tuple[Piece, ...]:
    """The pieces of `before` and `after`, in the order of reading."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    pieces: list[Piece] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(Piece("same", "".join(old[a:b])))
            continue
        if a < b:
            pieces.append(Piece("removed", "".join(old[a:b])))
        if c < d:
            pieces.append(Piece("added", "".join(new[c:d])))
    return tuple(pieces)


def lines(before: Sequence[str], after: Sequence[str]) -> tuple[Piece, ...]:
    """The entries of two lists, each a piece of its own."""
    pieces: list[Piece] = []
    for kind, a, b, c, d in SequenceMatcher(None, list(before), list(after), autojunk=False).get_opcodes():
        if kind == "equal":
            pieces += [Piece("same", text) for text in before[a:b]]
        else:
            pieces += [Piece("removed", text) for text in before[a:b]]
            pieces += [Piece("added", text) for text in after[c:d]]
    return tuple(pieces)


def between(before: Section | None, after: Section) -> tuple[Change, ...]:
    """Every part of the passage that differs; all of them where there was none before."""
    old = before or Section(after.id, "", (), (), (), (), (), "", ())
    texts = (
        ("Title", old.title, after.title),
        ("First paragraph", old.lead, after.lead),
        ("Further paragraphs", "\n\n".join(old.details), "\n\n".join(after.details)),
    )
    changes = [Change(name, words(a, b)) for name, a, b in texts if a != b]
    lists = (
        ("Ways of asking", old.questions, after.questions),
        ("Sources", old.sources, after.sources),
        ("Facts", old.facts, after.facts),
        ("Aspects", old.aspects, after.aspects),
        ("Medicines", old.drugs, after.drugs),
    )
    return tuple(changes + [Change(name, lines(a, b)) for name, a, b in lists if a != b])
