"""What is chosen at a release and stands in files: `python -m bot evaluate` says when it no longer serves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import bot.screen.train as screen_train
import bot.training.commands as module
from bot.screen.findings import CATEGORIES
from bot.screen.train import Line, Report, Trial, read_thresholds
from bot.settings import ROOT, Settings


def test_the_screen_has_a_threshold_for_everything_it_finds() -> None:
    found = read_thresholds(ROOT / "data")
    assert set(found) == {"english", "foreign"}
    for of in found.values():
        assert set(of) == set(CATEGORIES)
        assert all(screen_train.LOWEST <= score <= screen_train.HIGHEST for score in of.values())


def test_the_temperature_is_the_one_that_training_takes() -> None:
    assert 0.6 <= module.configured_temperature() <= 3


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
