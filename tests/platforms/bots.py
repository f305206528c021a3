"""Bots for measuring and showing: one that costs what the real one costs, and the real one where it is trained."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from bot.errors import EvenkeelError
from bot.message import Contact, Message, Review, SourceRef
from bot.settings import Settings
from bot.training.manifest import Manifest

#: Seconds of computing that a turn of the real bot takes (measured: 8 to 10 ms).
TURN = 0.009


class WorkingBot:
    """Says back what it was asked, after as much computing as a real turn."""

    ready = True

    async def handle(self, turn: Any) -> list[Message]:
        until = time.perf_counter() + TURN
        while time.perf_counter() < until:
            pass
        said = turn.text or f"button {turn.button}"
        if {"die", "breathe"} & set(said.split()):
            contact = Contact("988 Suicide and Crisis Lifeline", "United States", "988")
            return [
                Message("h", "safety", f"Please talk to somebody now. ({said})", "crisis_selfharm", contacts=(contact,))
            ]
        source = SourceRef("A paper", "A journal", 2021, "https://example.org/paper")
        return [
            Message(
                "m", "answer", f"You asked: {said}", topic="safety", details=("A detail. " * 40,), sources=(source,),
                review=Review("unreviewed"), disclaimer="This is information, not medical advice. Please ask a doctor.",
            )
        ]  # fmt: skip

    missing = ()

    async def forget(self, conversation: str) -> None:
        pass

    def wish(self, conversation: str) -> str | None:
        return None


def trust_models(settings: Settings) -> None:
    """Take in the models that are there, for settings with a secret of their own."""
    Manifest.of(settings).accept([settings.models / "dialogue.tar.gz", settings.models / "screen"])


def real_bot(settings: Settings) -> Any:
    """The bot itself, ready; None where nothing has been trained yet."""
    from bot.service import Bot

    try:
        trust_models(settings)
        bot = Bot(settings)
        bot.start()
    except (EvenkeelError, ImportError, FileNotFoundError):
        return None
    return bot if bot.ready else None


def copy_database(settings: Settings, folder: Path) -> str:
    """The address of a copy of the trained bot's database in `folder`: nothing that is tried ends up in its own.

    Raises:
        EvenkeelError: there is none, or it is on a server.
    """
    own = Path(settings.database_url.removeprefix("sqlite:///"))
    if not settings.database_url.startswith("sqlite:///") or not own.is_file():
        raise EvenkeelError(
            "There is no SQLite database to copy: `make setup` makes one where DATABASE_URL is not set."
        )
    copy = folder / "copy.db"
    with closing(sqlite3.connect(own)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return f"sqlite:///{copy}"
