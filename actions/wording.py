"""Reads the fixed wording in `data/responses/`; nothing that a visitor reads stands in code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from bot import quick_yaml
from bot.errors import ContentError


@dataclass(frozen=True)
class Wording:
    """One fixed message: its words and the buttons below it."""

    lead: str
    suggestions: tuple[str, ...] = ()


class Responses:
    """All fixed wording, by its path of names ("smalltalk", "greet")."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            ContentError: a file is not valid YAML; names it.
        """
        self._texts: dict[str, Any] = {}
        for path in sorted(folder.glob("*.yml")):
            try:
                self._texts.update(quick_yaml.load(path.read_text(encoding="utf-8")) or {})
            except yaml.YAMLError as error:
                raise ContentError(path, None, f"not valid YAML: {error}") from error

    def text(self, *names: str) -> str:
        """The plain text at `names` (KeyError when there is none)."""
        found: Any = self._texts
        for name in names:
            found = found[name]
        return str(found).strip()

    def list(self, *names: str) -> tuple[str, ...]:
        """The texts at `names`, in order (KeyError when there are none)."""
        found: Any = self._texts
        for name in names:
            found = found[name]
        return tuple(str(text).strip() for text in found)

    def wording(self, *names: str) -> Wording:
        """The message at `names` (KeyError when there is none)."""
        found: Any = self._texts
        for name in names:
            found = found[name]
        return Wording(str(found["lead"]).strip(), tuple(found.get("suggestions", ())))

    def __contains__(self, names: tuple[str, ...]) -> bool:
        found: Any = self._texts
        for name in names:
            if not isinstance(found, dict) or name not in found:
                return False
            found = found[name]
        return True


@lru_cache(maxsize=2)
def responses(folder: Path) -> Responses:
    """The wording in `folder`, read once."""
    return Responses(folder)
