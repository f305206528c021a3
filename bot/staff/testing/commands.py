"""`python -m bot dialogues`: have saved dialogues, export those of staff, write them as Rasa's own test stories."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.database.engine import make_engine
from bot.dialogues import as_rasa, running
from bot.dialogues.saved import SavedDialogue, read_all
from bot.service import Bot
from bot.settings import Settings
from bot.staff.testing.dialogues import Dialogues
from bot.staff.testing.runs import WRONG, state
from bot.staff.testing.words import STATES
from bot.terminal.ask import in_memory


def run(arguments: list[str], settings: Settings) -> int:
    """Do one of them; returns the exit code: 1 where a dialogue is not as expected."""
    parser = argparse.ArgumentParser(prog="python -m bot dialogues", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    having = commands.add_parser("run", help="have all saved dialogues, those of staff among them, or some")
    having.add_argument("names", nargs="*", help="file/name of a dialogue, or a file")
    commands.add_parser("export", help="write what staff saved into tests/dialogues/")
    stories = commands.add_parser("rasa", help="write the dialogues as test stories for `python -m bot rasa test`")
    stories.add_argument("path", type=Path, help="the file to write")
    stories.add_argument("--words", action="store_true", help="with what is said, where Rasa alone reads it alike")
    options = parser.parse_args(arguments)
    if options.command == "export":
        return _export(settings)
    if options.command == "rasa":
        text = asyncio.run(_stories(in_memory(settings), read_all(), words=options.words))
        options.path.write_text(text, encoding="utf-8")
        return 0
    everything = [kept.dialogue for kept in Dialogues(make_engine(settings.database_url)).all()]
    wanted = set(options.names)
    chosen = [one for one in everything if not wanted or wanted & {one.id, one.file}]
    if not chosen:
        print("evenkeel: There is no such dialogue.", file=sys.stderr)
        return 1
    return asyncio.run(_have(in_memory(settings), chosen))


def _export(settings: Settings) -> int:
    written = Dialogues(make_engine(settings.database_url)).export()
    print("\n".join(f"{path.parent.name}/{path.name}" for path in written) or "Nothing is new.")
    return 0


async def _have(bot: Bot, dialogues: Sequence[SavedDialogue]) -> int:
    wrong = 0
    for dialogue in dialogues:
        _, differences = await running.run(dialogue, bot)
        name = state(dialogue, differences)
        wrong += name in WRONG
        print(f"{STATES[name][0]:20} {dialogue.id}")
        for difference in differences if name == "failed" else ():
            print(f"{'':20}   {difference}")
    print(f"{len(dialogues)} dialogues, {wrong} to look at")
    return int(wrong > 0)


async def _stories(bot: Bot, dialogues: Sequence[SavedDialogue], *, words: bool) -> str:
    stories = []
    for dialogue in dialogues:
        await running.run(dialogue, bot, dialogue.id)
        events = await bot.events(dialogue.id)
        if not words or as_rasa.can_be_classified_anew(events):
            stories.append(as_rasa.story(dialogue.id, events, words=words))
    return as_rasa.stories_file(stories)
