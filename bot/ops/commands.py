"""`python -m bot privacy`: delete what is over, or one conversation."""

from __future__ import annotations

import argparse

from bot.settings import Settings


def run(arguments: list[str], settings: Settings) -> int:
    """`privacy sweep` or `privacy forget SESSION`."""
    parser = argparse.ArgumentParser(prog="python -m bot privacy", description="Delete what people wrote.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sweep", help="delete everything that is older than RETENTION_DAYS")
    forget = commands.add_parser("forget", help="delete one conversation")
    forget.add_argument("session", help="its key, as the events table shows it in sender_id")
    given = parser.parse_args(arguments)

    from bot.channels.retention import forget_people, sweep_people
    from bot.database.engine import make_engine
    from bot.database.migrate import upgrade
    from bot.ops.retention import forget_conversations, sweep

    engine = make_engine(settings.database_url)
    upgrade(engine)
    if given.command == "sweep":
        swept = sweep(engine, settings.retention_days)
        on_messengers = sweep_people(engine, settings.retention_days)
        print(
            f"Deleted {len(swept.conversations) + len(on_messengers)} conversations, {swept.events} events, "
            f"{swept.reasons} reasons of feedback."
        )
    else:
        forget_people(engine, [given.session])
        forget_conversations(engine, [given.session])
        print("Deleted: nothing of that conversation is left in the database.")
    engine.dispose()
    return 0
