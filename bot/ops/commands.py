"""`python -m bot privacy`, `backup` and `restore`: what is kept of people, and where it goes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import EvenkeelError
from bot.settings import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa


def run(arguments: list[str], settings: Settings) -> int:
    """`privacy sweep`, `forget`, `person` or `export`.

    Raises:
        EvenkeelError: there is no such conversation or channel.
    """
    given = _parser().parse_args(arguments)

    from bot.database.engine import make_engine
    from bot.database.migrate import upgrade
    from bot.ops.export import everything_about

    engine = make_engine(settings.database_url)
    upgrade(engine)
    try:
        if given.command == "sweep":
            print(_swept(engine, settings))
        elif given.command == "person":
            found = _of_person(engine, settings, given.channel, given.id)
            if given.export:
                print(json.dumps([everything_about(engine, each) for each in found], indent=1, ensure_ascii=False))
            else:
                _forget(engine, settings, found)
                print("Deleted: nothing of that person is left in the database, but that they opted out if they did.")
        elif given.command == "forget":
            _forget(engine, settings, [_resolved(engine, settings, given.conversation)])
            print("Deleted: nothing of that conversation is left in the database.")
        else:
            found = [_resolved(engine, settings, given.conversation)]
            print(json.dumps(everything_about(engine, found[0]), indent=1, ensure_ascii=False))
    finally:
        engine.dispose()
    return 0


def backup(arguments: list[str], settings: Settings) -> int:
    """`backup FILE`.

    Raises:
        DatabaseError: it cannot be made.
    """
    parser = argparse.ArgumentParser(prog="python -m bot backup", description="Write the whole database to a file.")
    parser.add_argument("file", type=Path, help="where to; it holds what people wrote, so keep it as safe")
    file = parser.parse_args(arguments).file

    from bot.ops.backup import make

    make(settings.database_url, file)
    print(f"{file}: {file.stat().st_size / 1_000_000:.1f} MB. It is of use only with the SECRET_KEY of today.")
    return 0


def restore(arguments: list[str], settings: Settings) -> int:
    """`restore FILE`.

    Raises:
        DatabaseError: it cannot be brought back; the database is as it was.
    """
    parser = argparse.ArgumentParser(
        prog="python -m bot restore", description="Bring a backup back. Stop the bot first."
    )
    parser.add_argument("file", type=Path, help="made by python -m bot backup")
    file = parser.parse_args(arguments).file

    from bot.ops.backup import restore as bring_back
    from bot.ops.outbox import Outbox

    done = bring_back(settings.database_url, file, settings.retention_days, Outbox.of(settings))
    print(f"The database is again as it was on {done.made:%d %B %Y at %H:%M} UTC.")
    print(f"Deleted from it again: {done.erased} that people had deleted since, {done.swept} whose time was over.")
    if not done.erasures_known:
        print(
            "The database that was replaced could not say what people had deleted since then: if you have requests in "
            "writing, carry them out again with `python -m bot privacy forget` or `person`."
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot privacy", description="What is kept of people.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sweep", help="delete everything that is older than RETENTION_DAYS")
    for name, what in (("forget", "delete one conversation"), ("export", "print all that is kept of one, as JSON")):
        what_of = commands.add_parser(name, help=what)
        what_of.add_argument(
            "conversation", help="its key (sender_id), its name in the staff console, or the visitor's session token"
        )
    person = commands.add_parser("person", help="delete all that is kept of somebody on a messenger")
    person.add_argument("channel", help="telegram, messenger, whatsapp, twilio or slack")
    person.add_argument("id", help="their id there: chat id, page-scoped id, phone number as +44…, team:user")
    person.add_argument("--export", action="store_true", help="print it as JSON instead")
    return parser


def _swept(engine: sa.Engine, settings: Settings) -> str:
    from bot.channels.retention import sweep_people
    from bot.ops.retention import sweep

    swept = sweep(engine, settings.retention_days)
    on_messengers = sweep_people(engine, settings.retention_days)
    return (
        f"Deleted {len(swept.conversations) + len(on_messengers)} conversations, {swept.events} events, "
        f"{swept.reasons} reasons of feedback."
    )


def _forget(engine: sa.Engine, settings: Settings, conversations: Sequence[str]) -> None:
    from bot.channels.retention import forget_people
    from bot.ops.outbox import Outbox
    from bot.ops.retention import forget_conversations

    outbox = Outbox.of(settings)
    forget_people(engine, list(conversations), outbox)
    forget_conversations(engine, conversations, outbox)


def _resolved(engine: sa.Engine, settings: Settings, given: str) -> str:
    """The key of the conversation that is meant by a key, a name in the console, or a session token."""
    import sqlalchemy as sa

    from bot.database.staff import Conversation
    from bot.web.keys import Keys
    from bot.web.sessions import Tokens

    if (of_token := Tokens(Keys.of(settings)).conversation(given)) is not None:
        return of_token
    with engine.connect() as connection:
        of_ref = connection.scalar(sa.select(Conversation.id).where(Conversation.ref == given))
    return of_ref or given


def _of_person(engine: sa.Engine, settings: Settings, channel: str, person: str) -> list[str]:
    """The keys under which somebody may be known: by the secret of today and the one before."""
    from bot.channels.people import Pseudonyms
    from bot.channels.registry import ENTRIES
    from bot.web.keys import Keys

    names = [entry.name for entry in ENTRIES]
    if channel not in names:
        raise EvenkeelError(f"There is no channel {channel!r}: it is one of {', '.join(names)}.")
    return Pseudonyms(Keys.of(settings)).conversations(channel, person)
