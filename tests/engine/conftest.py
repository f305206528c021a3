"""A toy bot, trained by Rasa's own command, with the network beyond this machine cut off."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.database.fixtures import database, empty_database, postgresql, sqlite_database  # noqa: F401

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Toy:
    """A copy of tests/engine/toy with a trained model, and a way to run commands in it."""

    folder: Path
    model: Path
    run: Callable[..., subprocess.CompletedProcess[str]]
    offline_log: Path


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory, offline: tuple[dict[str, str], Path]) -> Toy:
    """The toy bot, trained once."""
    folder = tmp_path_factory.mktemp("toy") / "bot"
    shutil.copytree(HERE / "toy", folder)
    environment, log = offline

    def run(*arguments: str, said: str | None = None, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        given = {"stdin": subprocess.DEVNULL} if said is None else {"input": said}
        return subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds, **given,
        )  # fmt: skip

    done = run("rasa", "train", "--fixed-model-name", "toy")
    assert done.returncode == 0, done.stdout + done.stderr
    return Toy(folder, folder / "models" / "toy.tar.gz", run, log)
