"""Both layers as trained by set-up, the patterns alone, and the safety replies."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.language.reader import Reader
from bot.screen.help import Help
from bot.screen.patterns import Patterns
from bot.screen.screen import Screen
from bot.settings import Settings


@pytest.fixture(scope="session")
def weights() -> Path:
    """The folder of the trained weights."""
    folder = Settings.read().models / "screen"
    if not (folder / "weights.npz").is_file():
        pytest.skip("the screen is not trained yet; run: make setup")
    return folder


@pytest.fixture(scope="session")
def screen(data: Path, weights: Path, reader: Reader) -> Screen:
    """The screen as it is served."""
    trained = Screen(data, weights, reader)
    assert trained.complete, "the weights do not load; run: python -m bot train"
    return trained


@pytest.fixture(scope="session")
def patterns_alone(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Screen:
    """The screen when its weights are gone and nothing can be embedded."""
    return Screen(data, tmp_path_factory.mktemp("no-weights"), _Broken())


@pytest.fixture(scope="session")
def patterns(data: Path) -> Patterns:
    return Patterns(data / "screen" / "patterns.yml")


@pytest.fixture(scope="session")
def help_(data: Path) -> Help:
    return Help(data)


class _Broken:
    """A reader whose encoder does not work."""

    def read(self, text: str) -> object:
        raise RuntimeError("no encoder")

    def read_many(self, texts: object) -> object:
        raise RuntimeError("no encoder")
