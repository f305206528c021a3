"""`python -m bot articles load|export|check|list`: the article store at the terminal."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy as sa

    from bot.settings import Settings


def run(arguments: list[str], settings: Settings) -> int:
    """Run one of the sub-commands; 0, or 1 when `check` finds a problem, `load` leaves a conflict to be settled or
    `list` knows no such topic.

    Raises:
        ContentError: a file is wrong; names it and its line.
    """
    given = _parser().parse_args(arguments)
    return int({"load": _load, "export": _export, "check": _check, "list": _list}[given.command](given, settings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot articles", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    load = commands.add_parser("load", help="take the files into the database; what staff changed there is kept")
    load.add_argument("--force", action="store_true", help="look at every passage even if no file has changed")
    export = commands.add_parser("export", help="write what is published in the database to the files")
    export.add_argument("--to", type=Path, metavar="FOLDER", help="another folder than data/articles")
    check = commands.add_parser("check", help="say what is wrong with the files")
    check.add_argument("--fix", action="store_true", help="first lay out the files as export writes them")
    shown = commands.add_parser("list", help="show what is published in the database")
    shown.add_argument("topic", nargs="?", help="only of this topic")
    return parser


def _database(settings: Settings) -> sa.Engine:
    from bot.database.engine import make_engine
    from bot.database.migrate import upgrade

    engine = make_engine(settings.database_url)
    upgrade(engine)
    return engine


def _load(given: argparse.Namespace, settings: Settings) -> int:
    from bot.articles.load import load

    report = load(_database(settings), settings.data, force=given.force)
    print("\n".join(report.lines()))
    return 1 if report.conflicts else 0


def _export(given: argparse.Namespace, settings: Settings) -> int:
    from bot.articles.export import export

    report = export(_database(settings), given.to or settings.data / "articles")
    print("\n".join(report.lines()))
    return 0


def _check(given: argparse.Namespace, settings: Settings) -> int:
    from bot.articles.check import check, fix_layout

    for name in fix_layout(settings.data) if given.fix else ():
        print(f"laid out anew: {name}")
    problems = check(settings.data)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems." if problems else "No problems.", file=sys.stderr)
    return 1 if problems else 0


def _list(given: argparse.Namespace, settings: Settings) -> int:
    from bot.articles.export import stored_articles

    stored = stored_articles(_database(settings))
    articles = [article for article in stored if given.topic in (None, article.topic)]
    if stored and not articles:
        topics = ", ".join(sorted({article.topic for article in stored}))
        print(f"There is no article of the topic {given.topic!r}; there are {topics}.", file=sys.stderr)
        return 1
    for article in articles:
        print(f"{article.topic}  {article.id}: {article.title}")
        for section in article.sections:
            about = ", ".join((*section.aspects, *section.drugs))
            print(f"    {section.id}  {section.title}  [{about}]")
    print(f"{sum(len(a.sections) for a in articles)} passages in {len(articles)} articles.", file=sys.stderr)
    return 0
