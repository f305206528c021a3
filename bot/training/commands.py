"""`python -m bot setup`: what is missing or out of date is made; `train`, `evaluate`, `vocabulary`."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bot.settings import ROOT, Settings
from bot.training.fingerprint import Stamps, fingerprint

#: The file that the dialogue model is saved as.
MODEL = "dialogue"


def setup(arguments: list[str], settings: Settings) -> int:
    """Database, content, screen and dialogue model: each is made unless it is there and nothing has changed."""
    steps = _steps(settings)
    stamps = Stamps(settings.var / "made.json")
    waiting = [
        (name, mark, there, make)
        for name, about, mark, there, make in steps
        if not (stamps.is_current(name, mark) and there())
    ]
    abouts = {name: (about) for name, about, *_ in steps}
    if waiting:
        _share_embeddings(settings)
    for number, (name, mark, _, make) in enumerate(waiting, 1):
        with _telling(f"[{number}/{len(waiting)}] {abouts[name]}"):
            make()
        stamps.finished(name, mark)
    return 0


def train(arguments: list[str], settings: Settings) -> int:
    """Train screen and dialogue model, even if nothing has changed."""
    _share_embeddings(settings)
    stamps = Stamps(settings.var / "made.json")
    for name, about, mark, _, make in _steps(settings):
        if name in ("screen", "dialogue"):
            with _telling(about):
                make()
            stamps.finished(name, mark)
    return 0


#: What must be reached on voices that were held back; a ratchet, raised when the figures rise.
FLOORS = {"topic": 0.80, "aspect": 0.91, "drug": 0.88, "oos": 0.87, "smalltalk": 0.72, "dosing": 0.66}


def evaluate(arguments: list[str], settings: Settings) -> int:
    """Print figures on held-back voices and draw the confusion matrix; 1 when a floor is missed."""
    from bot.engine import compat

    compat.prepare()
    from actions.needs import needs
    from bot.training.evaluation import draw_confusion, held_back

    parser = argparse.ArgumentParser(prog="python -m bot evaluate", description=evaluate.__doc__)
    parser.add_argument("--misses", type=int, default=0)
    options = parser.parse_args(arguments)
    report = held_back(needs())
    print(report)
    for figure, misses in report.misses.items():
        for why in misses[: options.misses]:
            print(f"  {figure} miss  {why}")
    draw_confusion(report.pairs, settings.var / "figures" / "confusion.png")
    print(f"  confusion matrix: {settings.var.name}/figures/confusion.png")
    print(
        (settings.models / "screen" / "report.txt").read_text(encoding="utf-8")
        if (settings.models / "screen" / "report.txt").exists()
        else ""
    )
    short = {name: floor for name, floor in FLOORS.items() if report.share(name) < floor}
    for name, floor in short.items():
        print(f"short of its floor: {name} {report.share(name):.3f} < {floor}")
    return 1 if short else 0


def vocabulary(arguments: list[str], settings: Settings) -> int:
    """Make `data/vocabulary/usual-words.txt` again."""
    from bot.training.vocabulary import write_usual_words

    print(f"{write_usual_words(settings.data)} words", file=sys.stderr)
    return 0


Step = tuple[str, str, str, Callable[[], bool], Callable[[], None]]


def _share_embeddings(settings: Settings) -> None:
    """Screen, content and dialogue model are made from the same sentences: embed each once."""
    from bot.language.reader import shared_reader

    shared_reader(settings.data).encoder.keep_all()


def _steps(settings: Settings) -> list[Step]:
    """(name, what is said, fingerprint, whether the result is there, how it is made), in order."""
    data, code = settings.data, ROOT / "bot"
    reading = [code / "language", data / "lexicon", data / "vocabulary", data / "encoder"]
    content = [
        data / "articles",
        data / "sources.yml",
        data / "fact_sources.yml",
        data / "topics.yml",
        code / "articles",
        code / "database",
        *reading,
    ]
    screen = [data / "nlu", data / "screen", code / "screen", *reading]
    dialogue = [
        data / "nlu",
        data / "articles",  # their phrasings teach intents (bot/nlu/importer.py)
        data / "stories",
        ROOT / "domain.yml",
        ROOT / "config.yml",
        code / "nlu",
        code / "engine" / "compat.py",
        *reading,
    ]
    database = settings.database_url
    return [
        (
            "content",
            "Database and articles (about 30 s)",
            fingerprint(content, database),
            lambda: _database_is_there(settings),
            lambda: _load_content(settings),
        ),
        (
            "screen",
            "Safety screen (about 40 s)",
            fingerprint(screen),
            lambda: (settings.models / "screen").is_dir(),
            lambda: _train_screen(settings),
        ),
        (
            "dialogue",
            "Dialogue model (about 70 s)",
            fingerprint(dialogue),
            lambda: (settings.models / f"{MODEL}.tar.gz").is_file(),
            lambda: _train_dialogue(settings),
        ),
    ]


def _database_is_there(settings: Settings) -> bool:
    path = settings.database_url.removeprefix("sqlite:///")
    return not settings.database_url.startswith("sqlite:///") or Path(path).is_file()


def _load_content(settings: Settings) -> None:
    from bot.articles.load import load
    from bot.articles.store import embed_missing
    from bot.database.engine import make_engine
    from bot.database.migrate import upgrade
    from bot.language.reader import shared_reader

    engine = make_engine(settings.database_url)
    upgrade(engine)
    report = load(engine, settings.data)
    counts = {"new": report.added, "changed": report.changed, "retired": report.retired}
    said = ", ".join(f"{len(ids)} {what}" for what, ids in counts.items() if ids) or "nothing new"
    print(f" {said} …", end="", file=sys.stderr)
    for name in report.conflicts:
        print(f"\n  {name} was edited by staff and differs from its file: left as it is.", file=sys.stderr)
    embed_missing(engine, shared_reader(settings.data))


def _train_screen(settings: Settings) -> None:
    from bot.screen.train import train as train_screen

    train_screen(settings.data, settings.models / "screen")


def _train_dialogue(settings: Settings) -> None:
    from bot.engine.learning import learn

    learn(settings.data, settings.models, MODEL)


@contextlib.contextmanager
def _telling(what: str) -> Iterator[None]:
    """Say what begins, and how long it took when it has ended."""
    print(f"  {what} …", end="", file=sys.stderr, flush=True)
    began = time.perf_counter()
    try:
        yield
    except BaseException:
        print(" failed", file=sys.stderr)
        raise
    print(f" done in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
