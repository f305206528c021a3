"""`python -m bot dialogues`."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from bot.__main__ import COMMANDS
from bot.dialogues import saved
from bot.dialogues.saved import SavedDialogue, SavedTurn
from bot.settings import Settings
from bot.staff.testing import commands, dialogues
from bot.staff.testing.dialogues import Dialogues
from tests.staff.tested_bot import TestedBot

GOOD = SavedDialogue("flow", "good", (SavedTurn("hello", None, {"kind": "smalltalk"}),))
BAD = SavedDialogue("flow", "bad", (SavedTurn("hello", None, {"kind": "answer"}),))


@pytest.fixture(autouse=True)
def bot(monkeypatch: pytest.MonkeyPatch) -> TestedBot:
    bot = TestedBot()
    monkeypatch.setattr(commands, "in_memory", lambda settings: bot)
    return bot


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "dialogues"
    folder.mkdir()
    (folder / "flow.yml").write_text(saved.as_file([GOOD, BAD], "A flow."), encoding="utf-8")
    monkeypatch.setattr(dialogues.Dialogues.__init__, "__defaults__", (folder,))
    monkeypatch.setattr(commands, "read_all", lambda: saved.read_all(folder))
    return folder


def test_it_is_a_command() -> None:
    assert COMMANDS["dialogues"][0] == "bot.staff.testing.commands:run"


def test_what_is_not_as_expected_is_printed(
    settings: Settings, engine: sa.Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run(["run"], settings) == 1
    assert "kind is smalltalk, expected answer" in capsys.readouterr().out
    assert commands.run(["run", "flow/good"], settings) == 0
    assert capsys.readouterr().out.endswith("1 dialogues, 0 to look at\n")
    assert commands.run(["run", "no such"], settings) == 1


def test_what_staff_saved_is_exported(
    settings: Settings, engine: sa.Engine, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Dialogues(engine).save(SavedDialogue("staff", "new", (SavedTurn("hello", None),)), "Ada")
    assert commands.run(["export"], settings) == 0
    assert capsys.readouterr().out == "dialogues/staff.yml\n"
    assert saved.read(folder / "staff.yml")[0].name == "new"
    assert commands.run(["export"], settings) == 0
    assert capsys.readouterr().out == "Nothing is new.\n"


def test_stories_for_rasa(settings: Settings, bot: TestedBot, tmp_path: Path) -> None:
    read = {"text": "hello", "metadata": {}, "parse_data": {"intent": {"name": "greet"}, "aspects": [], "entities": []}}
    bot.past = {
        "flow/good": [{"event": "user", **read}, {"event": "action", "name": "action_smalltalk"}],
        "flow/bad": [{"event": "user", **read, "metadata": {"finding": {}}, "parse_data": {"intent": {"name": "x"}}}],
    }
    path = tmp_path / "test_stories.yml"
    assert commands.run(["rasa", str(path)], settings) == 0
    stories = yaml.safe_load(path.read_text(encoding="utf-8"))["stories"]
    assert [story["story"] for story in stories] == ["flow/good", "flow/bad"]
    assert commands.run(["rasa", "--words", str(path)], settings) == 0
    (story,) = yaml.safe_load(path.read_text(encoding="utf-8"))["stories"]
    assert story["steps"] == [{"user": "hello", "intent": "greet"}, {"action": "action_smalltalk"}]
