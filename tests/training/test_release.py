"""What is chosen at a release and stands in files: `python -m bot evaluate` says when it no longer serves."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import bot.screen.train as screen_train
import bot.training.commands as module
from bot.language.reader import Reader
from bot.screen.findings import CATEGORIES
from bot.screen.screen import Screen
from bot.screen.train import Line, Report, Trial, read_thresholds
from bot.settings import ROOT, Settings
from bot.training.sentences import read_sentences


def test_the_screen_has_a_threshold_for_everything_it_finds() -> None:
    found = read_thresholds(ROOT / "data")
    assert set(found) == {"english", "foreign"}
    for of in found.values():
        assert set(of) == set(CATEGORIES)
        assert all(screen_train.LOWEST <= score <= screen_train.HIGHEST[name] for name, score in of.items())


def test_the_temperature_is_the_one_that_training_takes() -> None:
    assert 0.6 <= module.configured_temperature() <= 3


# -- the screen's released weights -----------------------------------------------------------------------------


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A data folder with a little of everything that the screen learns from, and weights released from it."""
    folder = tmp_path / "data"
    for name in ("nlu", "screen/sentences", "screen/languages", "lexicon", "encoder", "screen/released"):
        (folder / name).mkdir(parents=True)
    (folder / "nlu" / "panic_now.yml").write_text(
        "nlu:\n- intent: panic_now\n  examples: |\n    - hello\n", encoding="utf-8"
    )
    (folder / "screen" / "patterns.yml").write_text("rules: []\n", encoding="utf-8")
    (folder / "screen" / "thresholds.json").write_text('{"english": {"panic_now": 0.5}}', encoding="utf-8")
    (folder / "lexicon" / "drugs.yml").write_text("[]\n", encoding="utf-8")
    (folder / "encoder" / "model.onnx").write_bytes(b"model")
    about = {"learned_from": screen_train.learned_from(folder), "thresholds": read_thresholds(folder)}
    (folder / "screen" / "released" / "model.json").write_text(json.dumps(about), encoding="utf-8")
    (folder / "screen" / "released" / "weights.npz").write_bytes(b"weights")
    return folder


def test_released_weights_are_taken_instead_of_learning(released: Path, tmp_path: Path) -> None:
    made = tmp_path / "models" / "screen"
    made.mkdir(parents=True)
    (made / "left-over").touch()
    assert screen_train.take_released(released, made)
    assert sorted(path.name for path in made.iterdir()) == ["model.json", "weights.npz"]


@pytest.mark.parametrize(
    "file",
    ["nlu/panic_now.yml", "screen/patterns.yml", "screen/thresholds.json", "lexicon/drugs.yml", "encoder/model.onnx"],
)
def test_released_weights_of_something_else_are_not_taken(released: Path, tmp_path: Path, file: str) -> None:
    path = released / file
    path.write_text(path.read_text("utf-8").replace("hello", "hi").replace("0.5", "0.4") + " ", "utf-8")
    assert not screen_train.take_released(released, tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_one_more_ordinary_question_does_not_make_the_screen_learn_again(released: Path, tmp_path: Path) -> None:
    text = "nlu:\n- intent: greet\n  examples: |\n    - good day\n"
    (released / "nlu" / "greet.yml").write_text(text, encoding="utf-8")
    assert screen_train.take_released(released, tmp_path / "made")


@pytest.mark.parametrize("damaged", ["", "[]", "{}", '{"learned_from": 1}'])
def test_damaged_released_weights_are_not_taken(released: Path, tmp_path: Path, damaged: str) -> None:
    (released / "screen" / "released" / "model.json").write_text(damaged, encoding="utf-8")
    assert not screen_train.take_released(released, tmp_path / "made")


def test_set_up_learns_when_the_released_weights_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(Settings.read({"SECRET_KEY": "x"}), var=tmp_path / "var", models=tmp_path / "models")
    settings.var.mkdir()
    learned: list[Path] = []

    def learn(data: Path, out: Path) -> None:
        learned.append(out)
        out.mkdir(parents=True)
        (out / "weights.npz").write_bytes(b"weights")

    monkeypatch.setattr(screen_train, "train", learn)
    for taken, anew, expected in ((False, False, 1), (True, True, 2)):
        monkeypatch.setattr(screen_train, "take_released", lambda data, out, taken=taken: taken)
        said: list[str] = []
        module._make_screen(settings, said.append, anew=anew)
        assert len(learned) == expected and len(said) == (not anew)
        shutil.rmtree(settings.models / "screen")


def test_the_released_weights_still_read_sentences_as_when_they_were_learned(reader: Reader) -> None:
    """A change of how signs or words are read, which their digest does not see, would show here."""
    data = ROOT / "data"
    screen = Screen(data, data / "screen" / "released", reader)
    assert screen.complete, "the released weights do not fit: run python -m bot.screen.train"
    sentences = [s for s in read_sentences(data / "screen" / "sentences") if s.lang == "en"][::97]
    dangers = {"crisis_selfharm", "medical_emergency", "urgent_care", "panic_now"}
    right = [
        ((found := screen.look(reader.read(s.text))) is not None and found.category in dangers) == (s.intent in dangers)
        for s in sentences
        if s.intent != "ask_dosing"
    ]
    assert len(right) > 80 and sum(right) / len(right) > 0.95


def perfect() -> Trial:
    """A trial in which all is as it must be."""
    lines = [Line(name, 10, 10) for name in module.SCREEN_FLOORS] + [
        Line(name, 0, 10) for name in module.SCREEN_CEILINGS
    ]
    return Trial(Report(lines), read_thresholds(ROOT / "data"))


def faults(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(screen_train, "try_out", lambda data: trial)
    return module._evaluate_screen(Settings.read())


def test_nothing_is_wrong_with_a_screen_as_it_must_be(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults(perfect(), monkeypatch) == []


@pytest.mark.parametrize("name", [*module.SCREEN_FLOORS, *module.SCREEN_CEILINGS])
def test_a_screen_that_has_become_worse(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = perfect()
    worse = [Line(line.what, 10 - line.right, 10) if line.what == name else line for line in trial.report.lines]
    (fault,) = faults(replace(trial, report=Report(worse)), monkeypatch)
    assert name in fault


def test_a_threshold_that_no_longer_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = perfect()
    chosen = json.loads(json.dumps(trial.thresholds))
    chosen["foreign"]["panic_now"] -= 0.12
    (fault,) = faults(replace(trial, thresholds=chosen), monkeypatch)
    assert "foreign panic_now" in fault and "python -m bot.screen.train" in fault


@pytest.mark.parametrize(
    ("topic", "temperature", "wanted"),
    [(10, 0.0, []), (5, 0.0, ["topic 0.500"]), (10, 0.2, ["temperature"]), (5, -0.2, ["topic 0.500", "temperature"])],
)
def test_a_dialogue_model_that_has_become_worse(
    topic: int, temperature: float, wanted: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from bot.training import evaluation

    report = evaluation.Report(temperature=module.configured_temperature() + temperature)
    for name in module.FLOORS:
        for n in range(10):
            report.add(name, n < (topic if name == "topic" else 10), "why")
    monkeypatch.setattr(evaluation, "held_back", lambda needs: report)
    monkeypatch.setattr(evaluation, "draw_confusion", lambda pairs, path: None)
    monkeypatch.setattr(evaluation, "write_mixed_up", lambda report, path: None)
    monkeypatch.setattr("actions.needs.needs", lambda: SimpleNamespace())
    found = module._evaluate_dialogue(replace(Settings.read(), var=tmp_path), 0)
    assert len(found) == len(wanted) and all(words in fault for words, fault in zip(wanted, found, strict=True))
