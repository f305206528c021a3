"""`python -m bot mending sentences|links`: what of mending is done at the terminal."""

from __future__ import annotations

import argparse
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy as sa

    from bot.settings import Settings


def run(arguments: list[str], settings: Settings) -> int:
    """Run one of the sub-commands; 0, or 1 when `links` found an address that needs somebody."""
    parser = argparse.ArgumentParser(prog="python -m bot mending", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    sentences = commands.add_parser("sentences", help="write the accepted sentences to the files that training reads")
    sentences.add_argument("--to", type=Path, metavar="FOLDER", help="another folder than data/nlu")
    links = commands.add_parser("links", help="visit the sources' addresses (needs a network)")
    links.add_argument("--older", type=int, default=90, metavar="DAYS", help="only those not visited for so long (90)")
    given = parser.parse_args(arguments)
    if given.command == "sentences":
        from bot.staff.mending.proposals import export

        print("\n".join(export(_database(settings), given.to or settings.data / "nlu").lines()))
        return 0
    from bot.staff.mending.links import check_links

    found = check_links(_database(settings), older=timedelta(days=given.older), told=print)
    print(", ".join(f"{number} {what}" for what, number in sorted(found.items())) or "No address is due.")
    return 1 if set(found) - {"ok"} else 0


def _database(settings: Settings) -> sa.Engine:
    from bot.database.engine import make_engine
    from bot.database.migrate import upgrade

    engine = make_engine(settings.database_url)
    upgrade(engine)
    return engine
