"""Says whether what a thing was made from has changed, so that nothing is made twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


def fingerprint(paths: Iterable[Path], *more: str) -> str:
    """A digest of the contents and names of files, folders whole, and of further words."""
    digest = hashlib.sha256("\n".join(more).encode())
    for path in sorted(_files(paths)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir():
            yield from (p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        elif path.exists():
            yield path


class Stamps:
    """Remembers in one small file under `var/` which fingerprints the finished steps were made from."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            known = {}
        self._known: dict[str, str] = known if isinstance(known, dict) else {}

    def is_current(self, step: str, mark: str) -> bool:
        """Whether `step` was finished for `mark`."""
        return self._known.get(step) == mark

    def finished(self, step: str, mark: str) -> None:
        """Note that `step` is done for `mark`; written at once, whole or not at all."""
        self._known[step] = mark
        beside = self._path.with_suffix(".new")
        beside.write_text(json.dumps(self._known, indent=1), encoding="utf-8")
        beside.replace(self._path)
