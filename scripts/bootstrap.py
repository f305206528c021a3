"""Sets up what is missing and then runs a command of the bot: `make serve`, `make test` and the others end here.

Needs nothing but the standard library of any Python from 3.8 on. What it does: find a Python that the locked packages
are made for, make `.venv`, install exactly what is locked, have `python -m bot setup` create the database, load the
content and train, and become the command. What has not changed is not done again. All it says goes to standard error.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.setup_parts import dotenv, failures, lock, pythons  # noqa: E402
from scripts.setup_parts.console import Console  # noqa: E402
from scripts.setup_parts.environment import Environment  # noqa: E402
from scripts.setup_parts.failures import Failure  # noqa: E402
from scripts.setup_parts.installer import Workshop  # noqa: E402


class Command(NamedTuple):
    """What one make target needs and runs."""

    #: Which packages: "run", "test" or "audit".
    packages: str
    #: Whether database, content and model must be there.
    bot: bool
    #: Arguments for the environment's Python; empty: nothing to run.
    arguments: list[str]


COMMANDS = {
    "setup": Command("run", True, []),
    "serve": Command("run", True, ["-m", "bot", "serve"]),
    "ask": Command("run", True, ["-m", "bot", "ask"]),
    "chat": Command("run", True, ["-m", "bot", "chat"]),
    "train": Command("run", False, ["-m", "bot", "train"]),
    "evaluate": Command("run", True, ["-m", "bot", "evaluate"]),
    "demo-channels": Command("test", True, ["-m", "tests.platforms.demo"]),
    "load-channels": Command("test", False, ["-m", "tests.platforms.load"]),
    "screenshots": Command("test", True, ["-m", "tests.browser.screenshots"]),
    "test": Command("test", True, ["-m", "scripts.check"]),
    "bench": Command("run", True, ["-m", "bench"]),
    "fuzz": Command("test", True, ["-m", "tests.fuzz"]),
    "chaos": Command("test", True, ["-m", "tests.steady.chaos"]),
    "lint": Command("test", False, ["-m", "scripts.check", "--only", "lint", "--only", "types"]),
    "audit": Command("audit", False, ["-m", "tools.audit"]),
    "test-compat": Command("test", False, ["-m", "pytest", "-m", "compat"]),
}


#: Commands that ARGS goes to.
_TAKES_ARGS = ("test", "test-compat", "audit", "bench")


def main(arguments: list[str] | None = None) -> int:
    """Does what `arguments` name; returns an exit code, or never where the process becomes the command."""
    asked = _parser().parse_args(arguments)
    console = Console()
    try:
        environment = {**dotenv.read(ROOT / ".env"), **_clean(os.environ)}
        var = Path(environment.get("EVENKEEL_VAR") or ROOT / "var").resolve()
        var.mkdir(parents=True, exist_ok=True)
        workshop = Workshop(ROOT, var, console, environment)
        if asked.command == "find":
            return _find(workshop, asked.python)
        if asked.command == "lock":
            return lock.make(workshop, upgrade=asked.upgrade)
        return _run(workshop, COMMANDS[asked.command], asked)
    except Failure as failure:
        console.say(str(failure))
    except OSError as error:
        console.say(str(failures.of_os_error(error, ROOT)))
    except KeyboardInterrupt:
        console.say("Stopped. The same command goes on from here.")
        return 130
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Sets up what is missing and runs a command of the bot.")
    parser.add_argument("command", choices=[*COMMANDS, "find", "lock"])
    parser.add_argument("arguments", nargs="*", help="handed on to the command")
    parser.add_argument("--python", help="a version, command or path to insist on")
    parser.add_argument("--venv", default=".venv", help="folder of the environment")
    parser.add_argument("--upgrade", action="store_true", help="lock: take the newest versions that fit")
    return parser


def _run(workshop: Workshop, command: Command, asked: argparse.Namespace) -> int:
    environment = Environment(workshop, asked.venv)
    environment.ensure(command.packages, asked.python, workshop.environment.get("EVENKEEL_INSTALLER", ""))
    python = str(environment.python)
    if command.bot:
        # Standard input belongs to the command that follows, and so does standard output.
        code = subprocess.run(
            [python, "-m", "bot", "setup"],
            cwd=str(ROOT),
            env=workshop.environment,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
        ).returncode
        if code < 0:
            raise Failure(f"The set-up of the bot was ended by the system (signal {-code}); is there enough memory?")
        if code:
            return code
    if not command.arguments:
        return 0
    os.chdir(ROOT)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(python, [python, *command.arguments, *_handed_on(asked, workshop.environment)], workshop.environment)


def _handed_on(asked: argparse.Namespace, environment: dict[str, str]) -> list[str]:
    """The arguments of the command: its own, TEXT for `ask`, and ARGS for some others."""
    text, more = environment.pop("TEXT", ""), environment.pop("ARGS", "")
    if asked.command == "ask" and text:
        return [*asked.arguments, "--", text]
    return [*asked.arguments, *(shlex.split(more) if asked.command in _TAKES_ARGS else [])]


def _find(workshop: Workshop, python: str | None) -> int:
    """Prints the path of a Python that would be used; the exit code tells whether there is one."""
    found = pythons.find(pythons.supported(ROOT), workshop.environment, python)
    if found:
        print(found.executable)
    return 0 if found else 1


def _clean(environment: os._Environ[str]) -> dict[str, str]:
    """`environment` without what would make one Python look for another one's libraries."""
    unwanted = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")
    return {name: value for name, value in environment.items() if name not in unwanted}


if __name__ == "__main__":
    sys.exit(main())
