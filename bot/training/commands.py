"""`python -m bot setup`: what is missing or out of date is made; `train`, `evaluate`, `vocabulary`."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.settings import ROOT, Settings
from bot.training.accepting import models_of, take_over
from bot.training.fingerprint import Stamps, fingerprint
from bot.training.manifest import Manifest
from bot.training.telling import Say, expected, telling

#: The file that the dialogue model is saved as.
MODEL = "dialogue"


def setup(arguments: list[str], settings: Settings) -> int:
    """Database, content, screen and dialogue model: each is made unless it is there and nothing has changed.

    Raises:
        TrainingError: the screen or the dialogue model could not be made.
    """
    with _alone(settings.var):
        steps, stamps = _steps(settings), Stamps(settings.var / "made.json")
        take_over(stamps, {step.name: step.mark for step in steps}, settings)
        _make([s for s in steps if not (stamps.is_current(s.name, s.mark) and s.is_there())], stamps, settings)
    return 0


def train(arguments: list[str], settings: Settings) -> int:
    """Train screen and dialogue model, even if nothing has changed."""
    with _alone(settings.var):
        steps = [step for step in _steps(settings, anew=True) if step.name in ("screen", "dialogue")]
        _make(steps, Stamps(settings.var / "made.json"), settings)
    return 0


#: What must be reached on voices that were held back; a ratchet, raised when the figures rise.
FLOORS = {"topic": 0.80, "aspect": 0.92, "drug": 0.88, "oos": 0.87, "smalltalk": 0.80, "dosing": 0.74}
#: The same of the screen's classifier alone, and how many of the harmless it may alarm at most.
SCREEN_FLOORS = {
    "held back by voice: crisis_selfharm, any danger seen": 0.87,
    "held back by voice: medical_emergency, any danger seen": 0.89,
    "held back by voice: panic_now, any danger seen": 0.90,
}
SCREEN_CEILINGS = {
    "held back by voice: false alarms, ordinary": 0.03,
    "held back by voice: false alarms, near misses": 0.06,
}
#: How far what was chosen at the last release (temperature, thresholds) may lie from what would be chosen now.
_STALE = 0.1


def evaluate(arguments: list[str], settings: Settings) -> int:
    """Print figures on held-back voices and draw the confusion matrix; 1 when one is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m bot evaluate", description=evaluate.__doc__)
    parser.add_argument("--misses", type=int, default=0)
    options = parser.parse_args(arguments)
    with _embeddings(settings):
        faults = [*_evaluate_dialogue(settings, options.misses), *_evaluate_screen(settings)]
    for fault in faults:
        print(f"not as it must be: {fault}")
    return 1 if faults else 0


def _evaluate_dialogue(settings: Settings, most_misses: int) -> list[str]:
    from bot.engine import compat

    compat.prepare()
    from actions.needs import needs
    from bot.training.evaluation import draw_confusion, held_back, write_mixed_up

    report = held_back(needs())
    print(report)
    for figure, misses in report.misses.items():
        for why in misses[:most_misses]:
            print(f"  {figure} miss  {why}")
    draw_confusion(report.pairs, settings.var / "figures" / "confusion.png")
    print(f"  confusion matrix: {settings.var.name}/figures/confusion.png")
    write_mixed_up(report, settings.var / "figures" / "mixed_up.json")
    faults = [f"{name} {report.share(name):.3f} < {low}" for name, low in FLOORS.items() if report.share(name) < low]
    if abs(report.temperature - configured_temperature()) > _STALE:
        faults.append(f"the temperature in config.yml, where {report.temperature:.2f} fits")
    return faults


def _evaluate_screen(settings: Settings) -> list[str]:
    from bot.screen.train import read_thresholds, try_out

    trial = try_out(settings.data)
    print(f"The screen's classifier alone (95 % Wilson interval)\n{trial.report}")
    share, standing = trial.report.share, read_thresholds(settings.data)
    far = [
        f"{kind} {name} {score}"
        for kind, chosen in trial.thresholds.items()
        for name, score in chosen.items()
        if abs(score - standing[kind][name]) > _STALE
    ]
    return [
        *(f"{line} {share(line):.3f} < {low}" for line, low in SCREEN_FLOORS.items() if share(line) < low),
        *(f"{line} {share(line):.3f} > {high}" for line, high in SCREEN_CEILINGS.items() if share(line) > high),
        *(f"data/screen/thresholds.json, where {one} fits: run python -m bot.screen.train" for one in far),
    ]


def configured_temperature() -> float:
    """The classifier's temperature in config.yml."""
    import yaml

    pipeline = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))["pipeline"]
    return float(next(part["temperature"] for part in pipeline if "temperature" in part))


def vocabulary(arguments: list[str], settings: Settings) -> int:
    """Make `data/vocabulary/usual-words.txt` again."""
    from bot.training.vocabulary import write_usual_words

    print(f"{write_usual_words(settings.data)} words", file=sys.stderr)
    return 0


@dataclass(frozen=True)
class Step:
    """One thing that set-up makes.

    Attributes:
        name: under which it is remembered; about: what people are told that is made.
        usually: how long it takes where it was never made before.
        mark: the fingerprint of what it is made from.
        is_there: whether the result is there; make: makes it and may say lines.
    """

    name: str
    about: str
    usually: str
    mark: str
    is_there: Callable[[], bool]
    make: Callable[[Say], None]


def _make(steps: list[Step], stamps: Stamps, settings: Settings) -> None:
    if not steps:
        return
    with _embeddings(settings):
        for number, step in enumerate(steps, 1):
            began = time.monotonic()
            how_long = expected(stamps.seconds(step.name), step.usually)
            with telling(f"[{number}/{len(steps)}] {step.about}", how_long) as say:
                step.make(say)
            stamps.finished(step.name, step.mark, time.monotonic() - began)


@contextlib.contextmanager
def _alone(var: Path) -> Iterator[None]:
    """One set-up at a time; the system frees the lock however the process ends."""
    with (var / "made.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("evenkeel: Another set-up is running; waiting for it to finish.", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _embeddings(settings: Settings) -> contextlib.AbstractContextManager[None]:
    """Screen, content and dialogue model are made from the same sentences: each is embedded once while this lasts."""
    from bot.language.reader import shared_reader
    from bot.training.embeddings import kept_embeddings

    return kept_embeddings(shared_reader(settings.data).encoder, settings.var)


def _steps(settings: Settings, *, anew: bool = False) -> list[Step]:
    """All that set-up makes, in order; `anew` does not take the released weights of the screen."""
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
    database, trusted = settings.database_url, Manifest.of(settings)
    return [
        Step(
            "content",
            "Database and articles",
            "usually 20 s to a minute",
            fingerprint(content, database),
            lambda: _database_is_there(settings),
            lambda say: _load_content(settings, say),
        ),
        Step(
            "screen",
            "Safety screen",
            "a second; 1 to 3 minutes where sentences or patterns were changed",
            fingerprint(screen),
            lambda: trusted.trusts(models_of(settings)[1]),
            lambda say: _make_screen(settings, say, anew=anew),
        ),
        Step(
            "dialogue",
            "Dialogue model",
            "usually 1 to 3 minutes",
            fingerprint(dialogue),
            lambda: trusted.trusts(models_of(settings)[0]),
            lambda say: _train_dialogue(settings),
        ),
    ]


def _database_is_there(settings: Settings) -> bool:
    path = settings.database_url.removeprefix("sqlite:///")
    return not settings.database_url.startswith("sqlite:///") or Path(path).is_file()


def _load_content(settings: Settings, say: Say) -> None:
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
    say(f"articles: {said}")
    for name in report.conflicts:
        say(f"{name} was edited by staff and differs from its file: left as it is.")
    embed_missing(engine, shared_reader(settings.data))


def _make_screen(settings: Settings, say: Say, *, anew: bool) -> None:
    from bot.screen.train import take_released
    from bot.screen.train import train as train_screen

    made = settings.models / "screen"
    if anew or not take_released(settings.data, made):
        if not anew:
            say("The released weights were learned from something else than data/ holds now: learning from that.")
        train_screen(settings.data, made)
    Manifest.of(settings).accept([made])


def _train_dialogue(settings: Settings) -> None:
    from bot.engine.learning import learn

    Manifest.of(settings).accept([learn(settings.data, settings.models, MODEL)])
