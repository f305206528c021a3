"""Says whether what a thing was made from has changed, so that nothing is made twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any


def fingerprint(paths: Iterable[Path], *more: str) -> str:
    """A digest of the contents and names of files, folders whole, and of further words."""
    digest = hashlib.sha256("\n".join(more).encode())
    for path in sorted(_files(paths)):
        about = path.stat()
        digest.update(path.name.encode() + b"\0" + _content(path, about.st_mtime_ns, about.st_size))
    return digest.hexdigest()


@lru_cache(maxsize=4096)
def _content(path: Path, changed: int, size: int) -> bytes:
    """A digest of one file, made once for all that is made from it: the encoder's weights are many megabytes."""
    return hashlib.sha256(path.read_bytes()).digest()


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir():
            yield from (p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        elif path.exists():
            yield path


class Stamps:
    """Remembers in one small file under `var/` which fingerprints the finished steps were made from, and how long
    each took."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            known = {}
        steps = known.items() if isinstance(known, dict) else ()
        self._known: dict[str, dict[str, Any]] = {step: made for step, made in steps if isinstance(made, dict)}

    def is_current(self, step: str, mark: str) -> bool:
        """Whether `step` was finished for `mark`."""
        return self._known.get(step, {}).get("mark") == mark

    def seconds(self, step: str) -> float | None:
        """How long `step` took when it was last finished here; None when it never was."""
        seconds = self._known.get(step, {}).get("seconds")
        return float(seconds) if isinstance(seconds, int | float) else None

    def finished(self, step: str, mark: str, seconds: float) -> None:
        """Note that `step` is done for `mark` and took `seconds`; written at once, whole or not at all."""
        self._known[step] = {"mark": mark, "seconds": round(seconds, 1)}
        beside = self._path.with_suffix(".new")
        beside.write_text(json.dumps(self._known, indent=1), encoding="utf-8")
        beside.replace(self._path)
