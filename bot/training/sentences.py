"""Reads the training sentences of `data/nlu` (Rasa's own YAML form) quickly and without Rasa."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.errors import ContentError

#: Voices that are held back wherever figures are measured: nothing that is measured has learned from them, the
#: sentence encoder included. About a fifth of our own sentences.
HELD_VOICES = frozenset({"british", "chatty", "long", "minimised", "slang", "teen", "telegraphic"})

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Sentence:
    """One training sentence.

    Attributes:
        text: what a person might write; intent: what it is.
        aspect: what about it; voice: in whose manner; family: the way of saying (danger and near misses);
        near_miss: frightening words, no danger; lang: ISO 639-1.
    """

    text: str
    intent: str
    aspect: str = ""
    voice: str = ""
    family: str = ""
    near_miss: bool = False
    lang: str = "en"

    @property
    def label(self) -> str:
        """ "intent/aspect"."""
        return f"{self.intent}/{self.aspect}"


def read_sentences(folder: Path) -> list[Sentence]:
    """All sentences of the files in `folder`, in the order of files and lines.

    Raises:
        ContentError: a file is not valid; names it and, where known, the line.
    """
    return [sentence for path in sorted(folder.glob("*.yml")) for sentence in _read(path)]


def _read(path: Path) -> Iterator[Sentence]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ContentError(
            path, mark.line + 1 if mark else None, f"not valid YAML: {getattr(error, 'problem', error)}"
        ) from error
    for group in content.get("nlu", []):
        if "intent" not in group or not isinstance(group.get("examples"), str):
            raise ContentError(path, None, "every group needs an intent and examples")
        given = group.get("metadata") or {}
        for number, line in enumerate(group["examples"].splitlines(), 1):
            if not line.strip():
                continue
            if not line.startswith("- "):
                raise ContentError(path, None, f"{group['intent']}, line {number} of a group: must begin with '- '")
            yield Sentence(
                line[2:].strip(),
                group["intent"],
                str(given.get("aspect", "")),
                str(given.get("voice", "")),
                str(given.get("family", "")),
                bool(given.get("near_miss", False)),
                str(given.get("lang", "en")),
            )
