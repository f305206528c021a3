"""What our bot takes sentences for, each on its own: `python -m bench.judge TEXTS.json INTENTS.json`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from bot.service import Turn
from bot.settings import Settings
from bot.terminal.ask import in_memory


async def intents(texts: list[str], settings: Settings) -> list[str]:
    """The intents that a whole turn, screen included, settles on."""
    bot = in_memory(settings)
    found = []
    for number, text in enumerate(texts):
        _, reasons = await bot.explain(Turn(f"judge-{number}", text, channel="bench"))
        found.append(str((reasons.parse.get("intent") or {}).get("name") or ""))
        await bot.forget(f"judge-{number}")
    return found


if __name__ == "__main__":
    asked, told = map(Path, sys.argv[1:])
    answer = asyncio.run(intents(json.loads(asked.read_text(encoding="utf-8")), Settings.read()))
    told.write_text(json.dumps(answer), encoding="utf-8")
