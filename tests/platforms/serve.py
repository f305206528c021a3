"""The whole application in a process of its own, against stand-ins: `python -m tests.platforms.serve PORT [--real]`."""

from __future__ import annotations

import sys

from bot.app import build
from bot.settings import Settings
from bot.web.commands import listen, serve
from tests.platforms.bots import WorkingBot, real_bot


def main() -> None:
    """Serve until stopped, with every setting from the environment."""
    settings = Settings.read()
    bot = real_bot(settings) if "--real" in sys.argv else WorkingBot()
    if bot is None:
        raise SystemExit("Nothing is trained here: `make setup` does it.")
    serve(build(settings, bot), listen("127.0.0.1", int(sys.argv[1])), settings)


if __name__ == "__main__":
    main()
