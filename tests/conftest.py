"""What many tests share: Rasa made importable, and the one reader of this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.engine import compat
from bot.language.encoder import Encoder
from bot.language.lexicon import Lexicon
from bot.language.reader import Reader, shared_reader
from bot.settings import ROOT

# Before any module of bot.nlu or bot.engine is imported, as `python -m bot` does it.
compat.prepare()


@pytest.fixture(scope="session")
def data() -> Path:
    """The shipped data files."""
    return ROOT / "data"


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
