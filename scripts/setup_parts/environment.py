"""Makes and mends the Python environment that the bot runs in."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator

from . import failures, installer, pythons
from .failures import Failure
from .installer import Workshop

#: The locks by what they are for; the second holds all of the first in the same versions.
LOCKS = {"run": "requirements.lock", "test": "requirements-dev.lock", "audit": "requirements-audit.lock"}

#: Written last, so that its absence tells of a set-up that did not finish.
STAMP = "evenkeel-setup.json"

#: With fewer megabytes than this there is no use in trying; with more it depends on what is in the caches already.
HOPELESS = 300

#: Compiled libraries that fail to load where the machine lacks something that no package brings.
_SMOKE = "import numpy, scipy.linalg, onnxruntime, tokenizers, rapidfuzz, sqlalchemy, psycopg, uvloop, cymem.cymem"
_SMOKE_OF = {"audit": "import pip_audit, cyclonedx"}


class Environment:
    """One environment, such as `.venv`, in one checkout."""

    def __init__(self, workshop: Workshop, folder: str = ".venv") -> None:
        self._workshop = workshop
        self.folder = workshop.root / folder
        self.python = self.folder / "bin" / "python"
        self._stamp = self.folder / STAMP

    def is_ready(self, purpose: str, asked: str | None = None) -> bool:
        """Whether the packages for `purpose` ("run" or "test") are there as locked, in the Python `asked` for."""
        stamp = self._read_stamp()
        return (
            stamp.get(purpose) == self._fingerprint(purpose)
            and self.python.exists()  # follows the link: false as soon as the Python behind it is gone
            and self._same_python(stamp, asked)
        )

    def ensure(self, purpose: str, asked: str | None = None, forced_installer: str = "") -> None:
        """Does whatever is missing so that `is_ready` becomes true; does nothing when it is.

        Raises:
            Failure: it cannot be done.
        """
        if self.is_ready(purpose, asked):
            return
        with self._alone():
            if not self.is_ready(purpose, asked):  # another set-up may have done it while this one waited
                self._set_up(purpose, asked, forced_installer)

    def _set_up(self, purpose: str, asked: str | None, forced_installer: str) -> None:
        workshop, stamp = self._workshop, self._read_stamp()
        python = self._find_python(asked)
        chosen = installer.choose(workshop, python, forced_installer)
        keep = self._is_worth_keeping(stamp, python, asked, chosen)
        if not keep:
            if self.folder.exists() or self.folder.is_symlink():
                workshop.console.say(f"{self.folder.name} is unfinished, broken or out of date; making it anew.")
            self._remove()
            if shutil.disk_usage(workshop.root).free < HOPELESS * 1_000_000:
                raise failures.no_room(workshop.root)
            workshop.console.say(
                f"Using Python {python.version} at {python.executable}; all of it usually takes two to five minutes."
            )
            chosen.make(python, self.folder)
        self._stamp.unlink(missing_ok=True)
        chosen.install(self.folder, workshop.root / LOCKS[purpose], seconds=20 if keep else 60)
        self._check_that_it_loads(purpose)
        made_for = {purpose} if purpose == "audit" else {"run", purpose}
        self._write_stamp(
            {
                "python": stamp["python"] if keep else python.version,
                "installer": chosen.name,
                **{name: self._fingerprint(name) for name in made_for},
            }
        )

    def _is_worth_keeping(
        self,
        stamp: dict[str, str],
        python: pythons.Python,
        asked: str | None,
        chosen: installer.Installer,
    ) -> bool:
        """Whether installing into what is there gives the same as starting anew."""
        there = pythons.probe(str(self.python)) if stamp else None
        if not there or not stamp["python"].startswith(there.minor + "."):
            return False
        if asked and stamp["python"] != python.version:
            return False
        if chosen.name != stamp.get("installer"):
            return False
        # pip removes nothing, so it may only add to an environment that holds a part of the same lock.
        return chosen.exact or stamp.get("run") == self._fingerprint("run")

    def _find_python(self, asked: str | None) -> pythons.Python:
        workshop = self._workshop
        versions = pythons.supported(workshop.root)
        found = pythons.find(versions, workshop.environment, asked)
        if not found and (asked is None or asked in versions):
            installer.fetch_python(workshop, asked or versions[0])
            found = pythons.find(versions, workshop.environment, asked)
        if not found:
            raise failures.no_python(versions, asked)
        return found

    def _check_that_it_loads(self, purpose: str) -> None:
        said = subprocess.run(
            [str(self.python), "-I", "-c", _SMOKE_OF.get(purpose, _SMOKE)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=self._workshop.environment,
        )
        if said.returncode:
            lines = said.stderr.decode("utf-8", "replace").strip().splitlines()
            raise Failure(
                "The packages are installed, but one does not load on this machine: "
                f"{lines[-1] if lines else 'it said nothing'}."
            )

    def _same_python(self, stamp: dict[str, str], asked: str | None) -> bool:
        if Path(sys.executable) == self.python and not stamp["python"].startswith("{}.{}.".format(*sys.version_info)):
            return False  # the system's python3 behind the link has become another version
        if not asked:
            return True
        if asked in pythons.supported(self._workshop.root):
            return stamp["python"].startswith(asked + ".")
        found = pythons.probe(asked)
        return found is not None and found.version == stamp["python"]

    def _fingerprint(self, purpose: str) -> str:
        return hashlib.sha256((self._workshop.root / LOCKS[purpose]).read_bytes()).hexdigest()

    def _read_stamp(self) -> dict[str, str]:
        try:
            stamp = json.loads(self._stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stamp if isinstance(stamp, dict) and "python" in stamp else {}

    def _write_stamp(self, stamp: dict[str, str]) -> None:
        partial = self._stamp.with_suffix(".partial")
        partial.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
        partial.replace(self._stamp)

    def _remove(self) -> None:
        """Moves the environment aside before deleting it, so that a half-deleted one is never taken for a whole one."""
        for left in self.folder.parent.glob(f"{self.folder.name}-old-*"):
            shutil.rmtree(left, ignore_errors=True)
        if self.folder.is_symlink() or self.folder.is_file():
            self.folder.unlink()
        elif self.folder.exists():
            aside = self.folder.with_name(f"{self.folder.name}-old-{os.getpid()}")
            self.folder.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Lets one set-up at a time work on this checkout; the system frees the lock however the processes end."""
        try:
            import fcntl
        except ImportError:
            raise Failure(
                "This system is not supported. Use Linux, macOS, or the Windows Subsystem for Linux."
            ) from None
        with (self._workshop.var / "setup.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._workshop.console.say("Another set-up is running; waiting for it to finish.")
                fcntl.flock(lock, fcntl.LOCK_EX)
            self._workshop.lock = lock.fileno()
            try:
                yield
            finally:
                self._workshop.lock = None
