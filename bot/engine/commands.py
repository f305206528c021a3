"""`python -m bot rasa …`: Rasa's own command line; `python -m bot actions`: our actions for it."""

from __future__ import annotations

import sys
import warnings

from bot.engine import compat
from bot.settings import ROOT, Settings


def rasa(arguments: list[str], settings: Settings) -> int:
    """Run Rasa's command line with `arguments`; returns its exit code."""
    _prepare()
    from rasa.__main__ import main

    sys.argv = ["rasa", *with_our_data(arguments)]
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    return 0


def with_our_data(arguments: list[str]) -> list[str]:
    """`train` and `data validate` read data/nlu and data/stories unless told otherwise: data/ holds other YAML too."""
    trains = arguments[:1] == ["train"] and arguments[1:2] not in (["nlu"], ["core"])
    if (trains or arguments[:2] == ["data", "validate"]) and "--data" not in arguments:
        return [*arguments, "--data", "data/nlu", "data/stories"]
    return arguments


def actions(arguments: list[str], settings: Settings) -> int:
    """Serve `actions/` at HOST, on the port given (5055 otherwise), until stopped.

    The SDK's server asks nobody who they are: where HOST is not this machine, it must be a network of our own.
    """
    _prepare()
    from rasa_sdk.endpoint import create_app

    from bot.language.encoder import one_thread_for_matrices

    one_thread_for_matrices()
    port = int(arguments[0]) if arguments else 5055
    app = create_app("actions")
    app.run(settings.host, port, workers=1)
    return 0


def _prepare() -> None:
    # Rasa and what it was written for warn of their own age on every call.
    warnings.filterwarnings("ignore")
    compat.prepare(terminal=True)
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
