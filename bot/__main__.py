"""The commands: `python -m bot COMMAND`. Each lives in the package that does the work and is imported when called."""

from __future__ import annotations

import importlib
import sys

from bot.errors import EvenkeelError

#: Command -> ("module:function" with `function(arguments, settings) -> int`, what it does).
COMMANDS = {
    "setup": ("bot.training.commands:setup", "create the database, load the content and train, where anything changed"),
    "serve": ("bot.web.commands:run", "serve web page, chat API and health"),
    "ask": ("bot.terminal.ask:run", "one question with its reasons, or JSON Lines in and out"),
    "chat": ("bot.terminal.chat:run", "a conversation at the terminal"),
    "train": ("bot.training.commands:train", "train the screen and the dialogue model"),
    "model": ("bot.training.accepting:model", "trust a model file that was trained elsewhere, or check those in use"),
    "evaluate": ("bot.training.commands:evaluate", "figures on sentences that were held back, with a picture"),
    "vocabulary": ("bot.training.commands:vocabulary", "make the list of usual words again"),
    "memory": ("bot.ops.memory:run", "what the memory of the serving process consists of"),
    "articles": ("bot.articles.commands:run", "load, export, check or list the articles"),
    "channels": (
        "bot.channels.commands:run",
        "messengers: which are on, Telegram's webhook, previews, what was given up",
    ),
    "staff": ("bot.staff.commands:run", "staff console: invite somebody, list accounts, switch one off"),
    "mending": (
        "bot.staff.mending.commands:run",
        "write accepted sentences to data/nlu, or visit the sources' addresses",
    ),
    "dialogues": (
        "bot.staff.testing.commands:run",
        "saved dialogues: have them, export those of staff, write them as Rasa's test stories",
    ),
    "privacy": ("bot.ops.commands:run", "remove what is older than the retention, or one conversation or person"),
    "backup": ("bot.ops.commands:backup", "write the whole database to a file"),
    "restore": ("bot.ops.commands:restore", "bring a backup back, without what people have had deleted since"),
    "actions": ("bot.engine.commands:actions", "serve the custom actions for Rasa's own commands"),
    "rasa": ("bot.engine.commands:rasa", "Rasa's own command line on this project: train, shell, test, data …"),
}


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code. An error that we know is one sentence on standard error."""
    if not arguments or arguments[0] not in COMMANDS:
        print("python -m bot COMMAND, where COMMAND is one of", file=sys.stderr)
        for name, (_, what) in COMMANDS.items():
            print(f"  {name:11} {what}", file=sys.stderr)
        return 0 if arguments in ([], ["--help"], ["help"]) else 2
    name, rest = arguments[0], arguments[1:]
    try:
        from bot.settings import Settings

        settings = Settings.read()
        module, _, function = COMMANDS[name][0].partition(":")
        return int(getattr(importlib.import_module(module), function)(rest, settings))
    except EvenkeelError as error:
        print(f"evenkeel: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
