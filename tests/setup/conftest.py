"""A small checkout to set up, with a stand-in for uv and for the bot: nothing is downloaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: The interpreter that the environment of these tests was made from.
BASE = Path(sys._base_executable)  # type: ignore[attr-defined]

# Acts as uv does as far as the set-up can see. FAKE_UV names what goes wrong; each call is written to uv.calls.
FAKE_UV = """#!/bin/sh
echo "$*" >> "$CHECKOUT/uv.calls"
case "$*" in
--version) echo "uv 0.13.9 (somewhere)"; exit 0;;
python*) exit 1;;
venv*)
    for venv in "$@"; do :; done
    mkdir -p "$venv/bin" && touch "$venv/pyvenv.cfg"
    cp "$CHECKOUT/fake-python" "$venv/bin/python"
    exit 0;;
esac
case "$FAKE_UV" in
no-network) echo "error: Failed to fetch: https://index.example/simple/x/  cause: dns error" >&2; exit 2;;
full) echo "error: failed to write: No space left on device (os error 28)" >&2; exit 2;;
forbidden) echo "error: failed to create directory: Permission denied (os error 13)" >&2; exit 2;;
changed) echo "error: Hash mismatch for x==1" >&2; exit 1;;
no-wheel) echo "Because odd-one==1 has no wheels with a matching platform tag" >&2; exit 1;;
strange) echo "something new went wrong" >&2; exit 1;;
killed) kill -9 $PPID; exit 1;;
slow) sleep 1;;
esac
exit 0
"""

# A Python that has every package, or one that lacks a library of the system.
FAKE_PYTHON = """#!/bin/sh
case "$*" in *"import numpy"*)
    [ "$FAKE_UV" != does-not-load ] || { echo "ImportError: libodd.so.1: cannot open shared object file" >&2; exit 1; }
    exit 0;;
esac
exec %s "$@"
"""

FAKE_BOT = """
import os, sys
print("bot", *sys.argv[1:], "PORT=" + os.environ.get("PORT", ""), file=sys.stderr)
if sys.argv[1] == "setup":
    print("chatter")
    sys.exit(int(os.environ.get("FAKE_SETUP_CODE", "0")))
if sys.argv[1] == "ask":
    sys.stdout.write("answer to " + (sys.argv[3] if len(sys.argv) > 3 else sys.stdin.read()))
"""


class Checkout:
    """A folder that looks like a fresh clone, and how to start the set-up in it."""

    def __init__(self, folder: Path, tools: Path) -> None:
        self.folder = folder
        self.tools = tools

    @property
    def stamp(self) -> Path:
        return self.folder / ".venv" / "evenkeel-setup.json"

    def start(self, *arguments: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs scripts/run.sh with `arguments` and standard input `text`; `environment` adds to a small fixed one."""
        return subprocess.run(
            ["sh", str(self.folder / "scripts/run.sh"), *arguments],
            input=text, capture_output=True, text=True, timeout=60, check=False,
            env={
                "PATH": f"{self.tools}{os.pathsep}/usr/bin{os.pathsep}/bin",
                "HOME": str(self.folder),
                "CHECKOUT": str(self.folder),
                **environment,
            },
        )  # fmt: skip

    def calls(self) -> list[str]:
        """What uv was asked since the last time this was called, without the questions for its version."""
        file = self.folder / "uv.calls"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [line for line in lines if line != "--version"]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    folder, tools = tmp_path / "checkout", tmp_path / "tools"
    folder.mkdir()
    tools.mkdir()
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".python-versions", "requirements-tools.lock"):
        shutil.copy(ROOT / name, folder)
    (folder / "requirements.lock").write_text("one==1 \\\n    --hash=sha256:00\n")
    (folder / "requirements-dev.lock").write_text("one==1 \\\n    --hash=sha256:00\ntwo==2 \\\n    --hash=sha256:00\n")
    (folder / "bot").mkdir()
    (folder / "bot/__init__.py").touch()
    (folder / "bot/__main__.py").write_text(FAKE_BOT)
    for path, text in ((tools / "uv", FAKE_UV), (folder / "fake-python", FAKE_PYTHON % BASE)):
        path.write_text(text)
        path.chmod(0o755)
    (tools / "python3").symlink_to(BASE)
    return Checkout(folder, tools)
