"""Which model files this installation trusts: their SHA-256 sums, under an HMAC of a key derived from SECRET_KEY.

A model holds no code, but whoever can exchange it decides what people in danger are told. Training writes the list, and
`python -m bot model accept FILE` takes in a file that was trained elsewhere. It lies under `var/`, with what is
this installation's own. A process that serves looks at it every few seconds: a new list means new models.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from bot.errors import ModelError
from bot.settings import Settings
from bot.web.keys import Keys

#: What is trusted, by these names.
DIALOGUE, SCREEN = "dialogue.tar.gz", "screen"
_USE = "model manifest"


class Manifest:
    """The list in one file."""

    def __init__(self, path: Path, keys: Sequence[bytes]) -> None:
        """
        Args:
            keys: the current one first; the list is written under that, and read under any.
        """
        self._path, self._keys = path, list(keys)

    @classmethod
    def of(cls, settings: Settings) -> Manifest:
        """The list of this installation."""
        return cls(settings.var / "models.json", Keys.of(settings).all(_USE))

    @property
    def exists(self) -> bool:
        """Whether there is a list at all."""
        return self._path.exists()

    @property
    def state(self) -> str:
        """Another word for every list that was ever written; empty where there is none."""
        try:
            about = self._path.stat()
        except FileNotFoundError:
            return ""
        return f"{about.st_ino} {about.st_mtime_ns} {about.st_size}"

    def accept(self, paths: Iterable[Path]) -> None:
        """Trust these files and folders as they are now, besides what is trusted already."""
        try:
            known = self._known()
        except ModelError:  # forged or damaged: nothing of it is worth keeping
            known = {}
        known.update({path.name: digest(path) for path in paths})
        written = {"files": dict(sorted(known.items())), "hmac": self._sign(known, self._keys[0])}
        beside = self._path.with_suffix(".new")
        beside.write_text(json.dumps(written, indent=1), encoding="utf-8")
        beside.replace(self._path)

    def check(self, path: Path) -> None:
        """Nothing where the file or folder is trusted as it is.

        Raises:
            ModelError: it is not, or the list is not ours.
        """
        expected = self._known().get(path.name)
        if expected is None or not path.exists() or not hmac.compare_digest(expected, digest(path)):
            raise ModelError(
                f"The model {path.name} is not the one that was trained or accepted here. If it comes from you, "
                "`python -m bot model accept FILE` takes it in; else `make train` makes another."
            )

    def trusts(self, path: Path) -> bool:
        """Whether `check` says nothing."""
        try:
            self.check(path)
        except ModelError:
            return False
        return True

    def _known(self) -> dict[str, str]:
        try:
            written = json.loads(self._path.read_text(encoding="utf-8"))
            files = {str(name): str(value) for name, value in written["files"].items()}
            given = str(written["hmac"])
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ModelError(f"The list of trusted models, {self._path.name}, is damaged: run `make train`.") from None
        if not any(hmac.compare_digest(given, self._sign(files, key)) for key in self._keys):
            raise ModelError(
                f"The list of trusted models, {self._path.name}, was written under another SECRET_KEY or was forged: "
                "run `make train`, or `python -m bot model accept FILE` for a file that you trust."
            )
        return files

    @staticmethod
    def _sign(files: dict[str, str], key: bytes) -> str:
        return hmac.new(key, json.dumps(files, sort_keys=True).encode(), hashlib.sha256).hexdigest()


def digest(path: Path) -> str:
    """The SHA-256 sum of a file, or of the names and sums of the files of a folder."""
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    names = sorted(p for p in path.rglob("*") if p.is_file())
    lines = [f"{digest(p)}  {p.relative_to(path).as_posix()}" for p in names]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
