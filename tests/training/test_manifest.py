"""A model file is served if it was trained or accepted here, and not otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.errors import ModelError, SettingError
from bot.settings import Settings
from bot.training.accepting import model, models_of, take_over
from bot.training.fingerprint import Stamps
from bot.training.manifest import Manifest, digest


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation with two small models."""
    made = Settings.read(
        {"EVENKEEL_VAR": str(tmp_path / "var"), "EVENKEEL_MODELS": str(tmp_path / "models"), "SECRET_KEY": "a secret"}
    )
    dialogue, screen = models_of(made)
    screen.mkdir(parents=True)
    dialogue.write_bytes(b"a model")
    (screen / "model.json").write_text("{}")
    (screen / "weights.npz").write_bytes(b"weights")
    return made


@pytest.fixture
def manifest(settings: Settings) -> Manifest:
    made = Manifest.of(settings)
    made.accept(models_of(settings))
    return made


def test_what_was_accepted_is_trusted(settings: Settings, manifest: Manifest) -> None:
    for path in models_of(settings):
        manifest.check(path)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d, s: d.write_bytes(b"another"), id="another file"),
        pytest.param(lambda d, s: d.write_bytes(b""), id="cut off"),
        pytest.param(lambda d, s: d.unlink(), id="gone"),
    ],
)
def test_another_dialogue_model_is_not(
    settings: Settings, manifest: Manifest, change: Callable[[Path, Path], None]
) -> None:
    change(*models_of(settings))
    with pytest.raises(ModelError, match="model accept"):
        manifest.check(models_of(settings)[0])


@pytest.mark.parametrize("name", ["weights.npz", "model.json", "one-more"])
def test_another_file_in_the_screen_is_not(settings: Settings, manifest: Manifest, name: str) -> None:
    screen = models_of(settings)[1]
    (screen / name).write_bytes(b"from somebody else")
    assert not manifest.trusts(screen)


def test_without_a_list_nothing_is_trusted(settings: Settings) -> None:
    assert not any(Manifest.of(settings).trusts(path) for path in models_of(settings))


def test_a_list_that_somebody_else_wrote_is_refused(settings: Settings, manifest: Manifest) -> None:
    path = settings.var / "models.json"
    written = json.loads(path.read_text())
    models_of(settings)[0].write_bytes(b"another")
    written["files"]["dialogue.tar.gz"] = digest(models_of(settings)[0])
    path.write_text(json.dumps(written))
    with pytest.raises(ModelError, match="forged"):
        manifest.check(models_of(settings)[0])
    path.write_text("{")
    with pytest.raises(ModelError, match="damaged"):
        manifest.check(models_of(settings)[0])


def test_a_new_secret_reads_what_the_one_before_signed(settings: Settings, manifest: Manifest) -> None:
    from dataclasses import replace

    rotated = replace(settings, secret_key="a new one", secret_key_previous=settings.secret_key)
    assert Manifest.of(rotated).trusts(models_of(settings)[0])
    assert not Manifest.of(replace(rotated, secret_key_previous="")).trusts(models_of(settings)[0])


def test_a_new_list_is_noticed(settings: Settings, manifest: Manifest) -> None:
    before = manifest.state
    assert before and manifest.state == before
    manifest.accept(models_of(settings))
    assert manifest.state != before


# -- the command -------------------------------------------------------------------------------------------------


def test_a_copied_model_is_taken_in(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "copied.tar.gz").write_bytes(b"trained elsewhere")
    assert model(["accept", str(tmp_path / "copied.tar.gz")], settings) == 0
    dialogue, screen = models_of(settings)
    assert dialogue.read_bytes() == b"trained elsewhere"
    assert digest(dialogue) in capsys.readouterr().out
    assert model(["accept", str(screen)], settings) == 0
    assert model(["check"], settings) == 0


def test_what_is_no_model_is_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "nothing.tar.gz", tmp_path / "empty"):
        with pytest.raises(SettingError, match=path.name):
            model(["accept", str(path)], settings)
    with pytest.raises(ModelError):
        model(["check"], settings)


def test_models_from_before_the_list_are_taken_over_once(settings: Settings) -> None:
    stamps = Stamps(settings.var / "made.json")
    stamps.finished("dialogue", "1", 1.0)
    stamps.finished("screen", "1", 1.0)
    take_over(stamps, {"dialogue": "1", "screen": "2"}, settings)  # the screen would be made again in any case
    dialogue, screen = models_of(settings)
    assert Manifest.of(settings).trusts(dialogue) and not Manifest.of(settings).trusts(screen)
    dialogue.write_bytes(b"exchanged later")
    take_over(stamps, {"dialogue": "1", "screen": "1"}, settings)
    assert not Manifest.of(settings).trusts(dialogue)
