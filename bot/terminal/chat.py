"""`python -m bot chat`: a conversation at the terminal."""

from __future__ import annotations

import argparse
import asyncio
import uuid

from bot.channels.plain import as_text
from bot.message import Suggestion
from bot.service import Bot, Turn
from bot.settings import Settings
from bot.terminal.ask import in_memory


def run(arguments: list[str], settings: Settings) -> int:
    """Talk until an empty line or the end of input; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bot chat", description=__doc__)
    parser.add_argument("--country", help="ISO 3166 code of the country you are in, such as GB")
    country = parser.parse_args(arguments).country
    bot = in_memory(settings)
    print("Ask about ketamine treatment or panic attacks. A number presses a button; an empty line ends.\n")
    asyncio.run(_talk(bot, country))
    return 0


async def _talk(bot: Bot, country: str | None) -> None:
    conversation, buttons = uuid.uuid4().hex, list[Suggestion]()
    while True:
        try:
            line = (await asyncio.to_thread(input, "> ")).strip()
        except EOFError:
            return
        if not line:
            return
        number = int(line) if line.isdecimal() else 0
        pressed = buttons[number - 1].id if 0 < number <= len(buttons) else None
        turn = Turn(conversation, None if pressed else line, pressed, "terminal", country)
        messages = await bot.handle(turn)
        if bot.wish(conversation) == "forget":
            await bot.forget(conversation)
        buttons = [s for m in messages for s in m.suggestions]
        for message in messages:
            print(f"\n{as_text(message, numbered=True)}\n")
