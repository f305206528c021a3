"""`python -m bot memory`: what the resident memory of the serving process consists of, step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.settings import Settings

#: Megabytes that the serving process may take once it has answered.
MOST = 700


def resident() -> float:
    """Megabytes of memory that this process holds now (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("this system does not say how much memory a process holds")


def run(arguments: list[str], settings: Settings) -> int:
    """Load the parts of the server one after the other and print what each adds; 1 when the sum is above `MOST`."""
    parts: dict[str, Any] = {}

    def reader() -> None:
        from bot.language.reader import shared_reader

        parts["reader"] = shared_reader(settings.data)
        parts["reader"].read("what is ketamine")

    def screen() -> None:
        from bot.screen.help import Help
        from bot.screen.screen import Screen

        parts["screen"] = Screen(settings.data, settings.models / "screen"), Help(settings.data, settings)

    def rasa() -> None:
        import bot.engine.engine

        parts["rasa"] = bot.engine.engine

    def model() -> None:
        from bot.terminal.ask import in_memory

        parts["bot"] = in_memory(settings)

    def server() -> None:
        from bot.app import build

        parts["app"] = build(settings, parts["bot"])

    def answers() -> None:
        from bot.service import Turn

        async def ask() -> None:
            for number, text in enumerate(
                ("can i take zoloft with it", "what happens in a session", "i cant go on") * 10
            ):
                await parts["bot"].handle(Turn(f"memory-{number}", text))

        asyncio.run(ask())

    steps: dict[str, Callable[[], None]] = {
        "Python and settings": lambda: None,
        "lexicon (spaCy) and two encoders": reader,
        "safety screen and helplines": screen,
        "import of Rasa and its SDK": rasa,
        "dialogue model, article store": model,
        "web application": server,
        "thirty answers": answers,
    }
    before = 0.0
    for name, step in steps.items():
        step()
        now = resident()
        print(f"  {name:36} {now - before:7.0f} MB")
        before = now
    print(f"  {'together':36} {before:7.0f} MB (at most {MOST})")
    return int(before > MOST)
