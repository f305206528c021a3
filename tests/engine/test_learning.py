"""Training by the application: quiet where it goes well, a sentence where it does not."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

import bot.engine.learning as module
from bot.engine.learning import learn
from bot.errors import EngineError
from tests.engine.conftest import HERE

pytestmark = pytest.mark.compat


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The toy bot laid out as the project is, in the place of the project; two intents, so that it is quick."""
    folder = tmp_path / "project"
    (folder / "data" / "nlu").mkdir(parents=True)
    (folder / "data" / "stories").mkdir()
    for name in ("domain.yml", "config.yml"):
        shutil.copy(HERE / "toy" / name, folder)
    shutil.copy(HERE / "toy" / "data" / "nlu.yml", folder / "data" / "nlu")
    shutil.copy(HERE / "toy" / "data" / "rules.yml", folder / "data" / "stories")
    monkeypatch.setattr(module, "ROOT", folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return folder


def test_it_learns_and_says_nothing(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = os.getcwd()
    model = learn(project / "data", project / "models", "toy")
    assert model == project / "models" / "toy.tar.gz"
    assert model.is_file()
    assert os.getcwd() == before
    assert capfd.readouterr() == ("", "")


def test_a_rule_that_contradicts_another_is_said(project: Path) -> None:
    rules = project / "data" / "stories" / "rules.yml"
    more = "\n  - rule: greet otherwise\n    steps: [{intent: greet}, {action: utter_panic}]\n"
    rules.write_text(rules.read_text(encoding="utf-8") + more, encoding="utf-8")
    with pytest.raises(EngineError, match="greet otherwise"):
        learn(project / "data", project / "models", "toy")
    assert not (project / "models" / "toy.tar.gz").exists()
