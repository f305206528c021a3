"""What many tests share: Rasa made importable, and the one reader of this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine

from bot.engine import compat
from bot.language.encoder import Encoder
from bot.language.lexicon import Lexicon
from bot.language.reader import Reader, shared_reader
from bot.service import Bot
from bot.settings import ROOT, Settings

# Before any module of bot.nlu or bot.engine is imported, as `python -m bot` does it.
compat.prepare()


@pytest.fixture(scope="session")
def data() -> Path:
    """The shipped data files."""
    return ROOT / "data"


@pytest.fixture
def early_in_a_minute() -> Iterator[None]:
    """The clock goes on from a minute's first second.

    Limits count by the minutes of the clock: where one ends between two messages, one more is let through.
    """
    with time_machine.travel(datetime.now(UTC).replace(second=1, microsecond=0), tick=True):
        yield


@pytest.fixture(scope="session")
def reader(data: Path) -> Reader:
    """The reader that the whole process shares, over the shipped data; its encoder loads on first use."""
    return shared_reader(data)


@pytest.fixture(scope="session")
def lexicon(reader: Reader) -> Lexicon:
    return reader.lexicon


@pytest.fixture(scope="session")
def encoder(reader: Reader) -> Encoder:
    return reader.encoder


@pytest.fixture(scope="session")
def offline(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], Path]:
    """Environment of a command that may not leave this machine, and the file that says where it wanted to go."""
    log = tmp_path_factory.mktemp("offline") / "wanted.log"
    log.touch()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("EVENKEEL_", "RASA_"))},
        "PYTHONPATH": os.pathsep.join([str(ROOT / "tests" / "engine" / "offline"), str(ROOT)]),
        "EVENKEEL_OFFLINE_LOG": str(log),
        "EVENKEEL_VAR": str(log.parent / "var"),
        "OMP_NUM_THREADS": "1",
        "MPLCONFIGDIR": str(log.parent / "matplotlib"),
    }
    return environment, log


@pytest.fixture(scope="session")
def trained() -> Settings:
    """Settings of a bot that `make setup` made.

    Tests that need it are skipped where it has not been made yet, and fail there when CI is true.
    """
    settings = Settings.read()
    parts = [settings.models / "dialogue.tar.gz", settings.models / "screen"]
    if settings.database_url.startswith("sqlite:///"):
        parts.append(Path(settings.database_url.removeprefix("sqlite:///")))
    lacking = [path.name for path in parts if not path.exists()]
    if lacking:
        reason = f"not made yet: {', '.join(lacking)} (make setup)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return settings


@pytest.fixture(scope="session")
def trained_bot(trained: Settings) -> Bot:
    """The trained bot, with conversations in memory and nothing stored."""
    from bot.terminal.ask import in_memory

    bot = in_memory(trained)
    assert bot._screen and bot._screen.complete, "the screen's weights do not fit its patterns (make train)"
    return bot
