"""Installs locked packages: with uv, which is fetched where it is missing, or else with pip."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Iterator, Union

from . import failures
from .console import Console
from .pythons import Python

#: Versions of uv that were tried with this project's locks: from the first, up to but not including the second.
UV_RANGE = ((0, 5, 0), (1, 0, 0))


class Workshop:
    """Where the set-up works and what it tells people with."""

    def __init__(self, root: Path, var: Path, console: Console, environment: dict[str, str]) -> None:
        #: The checkout; the folder of what is made at run time; how to tell people; what programs are started with.
        self.root, self.var, self.console, self.environment = root, var, console, environment
        self.log = var / "setup.log"
        #: Descriptor of the lock on this checkout, while it is held.
        self.lock: int | None = None

    def run(self, command: list[str], doing: str, seconds: float, folder: Path | None = None) -> None:
        """Runs `command`, showing `doing`.

        Raises:
            Failure: it failed; the sentence says why as far as its output tells.
        """
        code, output = self.try_to_run(command, doing, seconds)
        if code:
            raise failures.of_output(output, doing, folder or self.root, self.log)

    def try_to_run(self, command: list[str], doing: str, seconds: float) -> tuple[int, str]:
        """The same, giving the exit code and the output instead of raising."""
        return self.console.run(
            command,
            doing=doing,
            seconds=seconds,
            log=self.log,
            environment=self.environment,
            folder=self.root,
            # A program that outlives a killed set-up goes on holding the lock, so that no second one meets it.
            keep_open=() if self.lock is None else (self.lock,),
        )


class Uv:
    """Installs with uv: quick, and exactly what a lock names, removing what it does not name."""

    name = "uv"
    exact = True

    def __init__(self, program: str, workshop: Workshop) -> None:
        self.program, self._workshop = program, workshop

    def make(self, python: Python, venv: Path) -> None:
        """Makes an empty environment at `venv`."""
        command = [self.program, "venv", "--quiet", "--python", str(python.executable), str(venv)]
        self._workshop.run(command, "Making the Python environment", 2, venv)

    def install(self, venv: Path, lock: Path, seconds: float) -> None:
        """Makes `venv` hold what `lock` names and nothing else; sync never looks at what packages require."""
        command = [
            self.program, "pip", "sync", "--require-hashes", "--only-binary", ":all:", "--compile-bytecode",
            "--python", str(venv / "bin/python"), str(lock),
        ]  # fmt: skip
        self._workshop.run(command, f"Installing {count(lock)} packages", seconds, venv)


class Pip:
    """Installs with the pip of the environment, for places where uv cannot be had."""

    name = "pip"
    exact = False

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    def make(self, python: Python, venv: Path) -> None:
        """Makes an environment at `venv` that holds pip alone."""
        command = [str(python.executable), "-I", "-m", "venv", str(venv)]
        self._workshop.run(command, "Making the Python environment", 8, venv)

    def install(self, venv: Path, lock: Path, seconds: float) -> None:
        """Adds what `lock` names to `venv`. Rasa's bound on the Python version is ignored, on purpose."""
        command = [
            str(venv / "bin/python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps",
            "--require-hashes", "--ignore-requires-python", "--only-binary", ":all:", "-r", str(lock),
        ]  # fmt: skip
        self._workshop.run(command, f"Installing {count(lock)} packages with pip", 3 * seconds, venv)


Installer = Union[Uv, Pip]


def count(lock: Path) -> int:
    """The number of packages that `lock` names."""
    return len(re.findall(r"^[A-Za-z0-9]", lock.read_text(encoding="utf-8"), re.MULTILINE))


def choose(workshop: Workshop, python: Python, forced: str = "") -> Installer:
    """The installer to use: uv from PATH, uv fetched before, uv fetched now, or pip.

    Args:
        forced: "uv" or "pip" where somebody insists (EVENKEEL_INSTALLER).

    Raises:
        Failure: none can be had.
    """
    if forced == "pip":
        return Pip(workshop)
    program = find_uv(workshop) or _fetch_uv(workshop, python, must=forced == "uv")
    return Uv(program, workshop) if program else Pip(workshop)


def find_uv(workshop: Workshop) -> str | None:
    """A uv of a version that fits, on PATH or fetched before; None when there is none."""
    for program in _uv_candidates(workshop):
        try:
            said = subprocess.run(
                [program, "--version"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=20,
                env=workshop.environment,
            ).stdout.decode()
        except (OSError, subprocess.SubprocessError):
            continue
        version = re.match(r"uv (\d+)\.(\d+)\.(\d+)", said)
        if version and UV_RANGE[0] <= tuple(map(int, version.groups())) < UV_RANGE[1]:
            return program
    return None


def fetch_python(workshop: Workshop, version: str) -> None:
    """Has uv, where there is one, fetch a Python of `version`; whether it worked shows when one is looked for again."""
    program = find_uv(workshop)
    if program:
        workshop.try_to_run([program, "python", "install", version], f"Fetching Python {version}", 20)


def _uv_candidates(workshop: Workshop) -> Iterator[str]:
    for folder in workshop.environment.get("PATH", "").split(os.pathsep):
        found = shutil.which("uv", path=folder) if folder else None
        if found:
            yield found
    yield str(_uv_home(workshop) / "bin" / "uv")


def _uv_home(workshop: Workshop) -> Path:
    return workshop.var / "tools" / f"uv-{_pinned_uv(workshop)}"


def _pinned_uv(workshop: Workshop) -> str:
    lock = (workshop.root / "requirements-tools.lock").read_text(encoding="utf-8")
    return lock.partition("uv==")[2].split()[0]


def _fetch_uv(workshop: Workshop, python: Python, must: bool) -> str | None:
    """Has pip put the pinned uv into var/tools; None when pip cannot get it, unless it `must`."""
    home = _uv_home(workshop)
    partial = home.with_name(home.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    pip = _any_pip(workshop, python)
    if not pip:
        raise failures.no_installer(python.executable)
    doing = "Fetching the installer uv"
    code, output = workshop.try_to_run(
        [
            *pip, "install", "--disable-pip-version-check", "--no-input", "--no-deps", "--require-hashes",
            "--only-binary", ":all:", "--target", str(partial), "-r", str(workshop.root / "requirements-tools.lock"),
        ],
        doing, 6,
    )  # fmt: skip
    if code == 0:
        shutil.rmtree(home, ignore_errors=True)
        partial.rename(home)
        return find_uv(workshop)
    failure = failures.of_output(output, doing, workshop.var, workshop.log)
    if must or not failures.without_uv_it_may_work(output):
        raise failure
    workshop.console.say("uv is not to be had here; going on with pip, which takes a few minutes longer.")
    return None


def _any_pip(workshop: Workshop, python: Python) -> list[str] | None:
    """A command that runs some pip: the Python's own, or that of a small environment made for it."""
    own = [str(python.executable), "-m", "pip"]
    if subprocess.run([*own, "--version"], capture_output=True, env=workshop.environment).returncode == 0:
        return own
    helper = workshop.var / "tools" / "pip"
    made = subprocess.run(
        [str(python.executable), "-I", "-m", "venv", "--clear", str(helper)],
        capture_output=True,
        env=workshop.environment,
    )
    return [str(helper / "bin/python"), "-m", "pip"] if made.returncode == 0 else None
