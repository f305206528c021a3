"""`python -m bot model`: take in a model that was trained elsewhere, or check those in use."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from bot.errors import SettingError
from bot.settings import Settings
from bot.training.fingerprint import Stamps
from bot.training.manifest import DIALOGUE, SCREEN, Manifest, digest


def model(arguments: list[str], settings: Settings) -> int:
    """`model accept FILE` or `model check`.

    Raises:
        SettingError: FILE is neither a dialogue model nor the folder of a screen's.
        ModelError: a model in use is not trusted.
    """
    parser = argparse.ArgumentParser(prog="python -m bot model", description="Which model files are trusted here.")
    commands = parser.add_subparsers(dest="command", required=True)
    accept = commands.add_parser("accept", help="trust a model that was trained elsewhere, and serve it")
    accept.add_argument("file", type=Path, help="a dialogue model (.tar.gz), or the folder of a screen's model")
    commands.add_parser("check", help="say whether the models in use are trusted")
    given = parser.parse_args(arguments)
    if given.command == "accept":
        taken = _take_in(given.file, settings)
        print(f"Accepted as {taken.name}, SHA-256 {digest(taken)}. Processes that serve take it within seconds.")
        return 0
    for path in models_of(settings):
        Manifest.of(settings).check(path)
    print("Both models are as they were trained or accepted here.")
    return 0


def models_of(settings: Settings) -> tuple[Path, Path]:
    """The dialogue model and the screen's."""
    return settings.models / DIALOGUE, settings.models / SCREEN


def take_over(stamps: Stamps, marks: dict[str, str], settings: Settings) -> None:
    """Trust the models that were made here before there was a list of those that are trusted.

    Args:
        marks: step -> the fingerprint of what it would be made from now.
    """
    manifest = Manifest.of(settings)
    if not manifest.exists:
        made = zip(("dialogue", "screen"), models_of(settings), strict=True)
        current = [path for step, path in made if stamps.is_current(step, marks.get(step, "")) and path.exists()]
        if current:
            manifest.accept(current)


def _take_in(given: Path, settings: Settings) -> Path:
    if not given.exists() or (given.is_dir() and not (given / "model.json").is_file()):
        raise SettingError(f"{given.name} is neither a model file nor the folder of a screen's model.")
    target = settings.models / (SCREEN if given.is_dir() else DIALOGUE)
    if given.resolve() != target.resolve():
        _put(given, target)
    Manifest.of(settings).accept([target])
    return target


def _put(source: Path, target: Path) -> None:
    """Copy a model to its place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"{target.name}.new")
    if source.is_dir():
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(source, beside)
        shutil.rmtree(target, ignore_errors=True)
    else:
        shutil.copyfile(source, beside)
    beside.replace(target)
