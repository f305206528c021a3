"""Set-up makes what is missing or out of date, and nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import bot.training.commands as module
from bot.settings import Settings
from bot.training.fingerprint import Stamps, fingerprint
from bot.training.telling import Say


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a project whose data are a file for each purpose."""
    for name in (
        "articles/a.md", "nlu/greet.yml", "stories/panic.yml", "screen/patterns.yml", "lexicon/drugs.yml",
        "vocabulary/words.txt", "encoder/model.onnx", "topics.yml", "sources.yml", "fact_sources.yml",
        "responses/general.yml", "helplines.yml",
    ):  # fmt: skip
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("as it was", encoding="utf-8")
    return Settings.read(
        {name: str(tmp_path / folder) for name, folder in
         {"EVENKEEL_VAR": "var", "EVENKEEL_DATA": "data", "EVENKEEL_MODELS": "models"}.items()}
    )  # fmt: skip


def marks(settings: Settings) -> dict[str, str]:
    """The fingerprint of what each step is made from."""
    return {step.name: step.mark for step in module._steps(settings)}


@pytest.mark.parametrize(
    ("file", "again"),
    [
        pytest.param("articles/a.md", {"content", "dialogue"}, id="articles: their phrasings teach intents too"),
        pytest.param("nlu/greet.yml", {"screen", "dialogue"}, id="sentences"),
        pytest.param("stories/panic.yml", {"dialogue"}, id="rules"),
        pytest.param("screen/patterns.yml", {"screen"}, id="patterns"),
        pytest.param("lexicon/drugs.yml", {"content", "screen", "dialogue"}, id="names: they change what is embedded"),
        pytest.param("vocabulary/words.txt", {"content", "screen", "dialogue"}, id="usual words"),
        pytest.param("encoder/model.onnx", {"content", "screen", "dialogue"}, id="the encoder"),
        pytest.param("topics.yml", {"content"}, id="topics"),
        pytest.param("sources.yml", {"content"}, id="sources"),
        pytest.param("responses/general.yml", set(), id="wording, which is read at start"),
        pytest.param("helplines.yml", set(), id="helplines, which are read at start"),
    ],
)
def test_what_a_change_makes_again(settings: Settings, file: str, again: set[str]) -> None:
    before = marks(settings)
    (settings.data / file).write_text("as it is now", encoding="utf-8")
    after = marks(settings)
    assert {name for name in before if before[name] != after[name]} == again


def test_a_file_more_or_less_is_a_change(settings: Settings) -> None:
    before = marks(settings)
    extra = settings.data / "nlu" / "thanks.yml"
    extra.write_text("", encoding="utf-8")
    assert marks(settings)["dialogue"] != before["dialogue"]
    extra.unlink()
    assert marks(settings) == before


# -- making ------------------------------------------------------------------------------------------------------


@pytest.fixture
def made(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Runs set-up over two small steps; returns which were made. `mark` and `there` are those of the second."""

    def run(mark: str = "1", there: bool = True, fails: str = "") -> list[str]:
        done: list[str] = []

        def make(name: str) -> Callable[[Say], None]:
            def step(say: Say) -> None:
                if name == fails:
                    raise RuntimeError("no space left")
                say(f"{name} says something")
                done.append(name)

            return step

        steps = [
            module.Step("content", "The content", "a moment", "1", lambda: True, make("content")),
            module.Step("dialogue", "The model", "an hour", mark, lambda: there, make("dialogue")),
        ]
        monkeypatch.setattr(module, "_steps", lambda settings: steps)
        monkeypatch.setattr(module, "_embeddings", lambda settings: contextlib.nullcontext())
        try:
            module.setup([], settings)
        except RuntimeError:
            done.append("failed")
        return done

    return run


def test_everything_is_made_once(made: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert made() == ["content", "dialogue"]
    shown = capsys.readouterr()
    assert "[1/2] The content" in shown.err and "[2/2] The model" in shown.err
    assert "content says something" in shown.err
    assert shown.out == "", "standard output is for answers"
    assert made() == []
    assert capsys.readouterr().err == ""


def test_what_changed_is_made_again(made: Callable[..., list[str]]) -> None:
    made()
    assert made(mark="2") == ["dialogue"]
    assert made(mark="2") == []


def test_how_long_it_may_take_is_what_it_took(
    made: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    made()
    assert "The model (an hour)" in capsys.readouterr().err
    made(mark="2")
    assert "The model (1 s the last time)" in capsys.readouterr().err


def test_a_second_set_up_waits_for_the_first(
    settings: Settings, made: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    second = threading.Thread(target=made)
    with module._alone(settings.var):
        second.start()
        second.join(0.5)
        assert second.is_alive() and not (settings.var / "made.json").exists()
        assert "Another set-up is running" in capsys.readouterr().err
    second.join(10)
    assert (settings.var / "made.json").exists()


def test_what_is_gone_is_made_again(made: Callable[..., list[str]]) -> None:
    made()
    assert made(there=False) == ["dialogue"]


def test_what_failed_is_made_the_next_time(made: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert made(fails="dialogue") == ["content", "failed"]
    assert "failed" in capsys.readouterr().err
    assert made() == ["dialogue"], "what was finished before the failure stays"


@pytest.mark.parametrize("damaged", ["", "{", "null", '["a"]', '{"content": "1"}'])
def test_a_damaged_note_of_what_was_made(settings: Settings, made: Callable[..., list[str]], damaged: str) -> None:
    (settings.var / "made.json").write_text(damaged, encoding="utf-8")
    assert made() == ["content", "dialogue"]
    assert made() == []


# -- fingerprints --------------------------------------------------------------------------------------------------


def test_a_fingerprint_is_of_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.txt").write_text("1")
    (tmp_path / "b" / "c.txt").write_text("2")
    first = fingerprint([tmp_path])
    assert fingerprint([tmp_path / "b", tmp_path / "a.txt"]) == fingerprint([tmp_path / "a.txt", tmp_path / "b"])
    assert fingerprint([tmp_path], "sqlite") != first
    (tmp_path / "a.txt").rename(tmp_path / "d.txt")
    assert fingerprint([tmp_path]) != first
    assert fingerprint([tmp_path / "not there"]) == fingerprint([])


def test_a_file_of_the_same_length_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("1")
    before = fingerprint([tmp_path])
    path.write_text("2")
    os.utime(path, ns=(0, 1))  # clocks of file systems are coarse; two writes may fall on one tick
    assert fingerprint([tmp_path]) != before


def test_compiled_python_does_not_count(tmp_path: Path) -> None:
    before = fingerprint([tmp_path])
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_bytes(b"1")
    assert fingerprint([tmp_path]) == before


def test_stamps_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "made.json"
    Stamps(path).finished("content", "1", 12.34)
    Stamps(path).finished("screen", "2", 3)
    again = Stamps(path)
    assert again.is_current("content", "1") and again.is_current("screen", "2")
    assert not again.is_current("content", "2") and not again.is_current("dialogue", "1")
    assert (again.seconds("content"), again.seconds("screen"), again.seconds("dialogue")) == (12.3, 3.0, None)
    assert set(json.loads(path.read_text())) == {"content", "screen"}
