"""Trains the dialogue model: Rasa's own training, from the project's files."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from bot.engine import compat, quiet
from bot.errors import EngineError
from bot.settings import ROOT


def learn(data: Path, models: Path, name: str) -> Path:
    """Train on the sentences and stories of `data`; returns the model's file, `name`.tar.gz in the folder `models`.

    Raises:
        EngineError: Rasa refused, or made no model.
    """
    compat.prepare()
    warnings.filterwarnings("ignore")
    quiet.configure()
    # Rasa prints its progress; whoever called says what goes on in a line.
    printed = io.StringIO()
    try:
        with _in(ROOT), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            from rasa.model_training import train

            result = train(
                domain=str(ROOT / "domain.yml"),
                config=str(ROOT / "config.yml"),
                training_files=[str(data / "nlu"), str(data / "stories")],
                output=str(models),
                force_training=True,
                fixed_model_name=name,
            )
    except Exception as error:  # a rule that contradicts another, a component that is set up wrongly …
        raise EngineError(f"Training the dialogue model failed: {error}") from error
    if result.code != 0 or not result.model:
        raise EngineError("Training the dialogue model failed; `python -m bot rasa data validate` says more.")
    return Path(result.model)


@contextlib.contextmanager
def _in(folder: Path) -> Iterator[None]:
    """Work in `folder`, where Rasa finds the project's own modules."""
    before = Path.cwd()
    os.chdir(folder)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        os.chdir(before)
