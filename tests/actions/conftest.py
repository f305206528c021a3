"""A store with some thirty of the shipped passages, and a way to run an action over a turn made by hand."""

from __future__ import annotations

import re
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import needs as needs_module
from actions.needs import Needs
from actions.turn import Turn
from actions.wording import responses
from bot.articles.load import load
from bot.articles.store import ArticleStore, Passage
from bot.database.engine import make_engine
from bot.database.models import Base
from bot.language.lexicon import Lexicon
from bot.language.reader import Reader
from bot.message import Message
from bot.screen.help import Help
from bot.settings import ROOT, Settings

#: Files of data/articles, and which of their passages (all without any).
KEPT: dict[str, tuple[str, ...]] = {
    "interactions-general": (
        "medicine-list-for-clinic", "stop-medicines-before-ketamine", "interaction-nothing-found",
    ),
    "interactions-benzodiazepines": (
        "benzodiazepines-and-ketamine", "benzodiazepines-sedation", "benzodiazepine-taken-today",
    ),
    "interactions-antidepressants": ("antidepressants-and-ketamine", "ssris-and-ketamine", "maois-and-ketamine"),
    "interactions-alcohol": (),
    "session-before": ("preparing-for-a-session", "what-staff-check-before-a-session"),
    "session-after": (),
    "side-effects-bladder": ("ketamine-bladder-signs", "ketamine-bladder-risk", "ketamine-bladder-healing"),
    "panic-duration-and-causes": ("how-long-panic-attacks-last", "panic-attack-triggers"),
    "how-it-works-brain": ("how-ketamine-works", "ketamine-new-connections"),
}  # fmt: skip


def _some_content(folder: Path) -> Path:
    """A data folder with the passages of `KEPT`, everything else as it is shipped."""
    (folder / "articles").mkdir(parents=True)
    for path in (ROOT / "data").iterdir():
        if path.name != "articles":
            (folder / path.name).symlink_to(path)
    for name, kept in KEPT.items():
        source = ROOT / "data" / "articles" / f"{name}.md"
        if not kept:
            shutil.copy(source, folder / "articles")
            continue
        head, *sections = re.split(r"(?m)^(?=## )", source.read_text(encoding="utf-8"))
        chosen = [section for section in sections if section.split("\n", 1)[0].removeprefix("## ") in kept]
        assert len(chosen) == len(kept), f"{name}: not all of {kept} are there"
        (folder / "articles" / source.name).write_text(head + "".join(chosen), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def some_needs(tmp_path_factory: pytest.TempPathFactory, reader: Reader) -> Needs:
    """What actions need, over a small store of real passages."""
    folder = tmp_path_factory.mktemp("actions")
    data = _some_content(folder / "data")
    engine = make_engine(f"sqlite:///{folder / 'small.db'}")
    Base.metadata.create_all(engine)
    load(engine, data)
    settings = Settings.read({"EVENKEEL_VAR": str(folder / "var"), "EVENKEEL_DATA": str(data)})
    store = ArticleStore(engine, reader)
    return Needs(settings, store, reader, responses(ROOT / "data" / "responses"), Help(ROOT / "data", settings))


@pytest.fixture
def needs(some_needs: Needs) -> Iterator[Needs]:
    """The same, used by every action for as long as the test runs."""
    needs_module.use(some_needs)
    yield some_needs
    needs_module.use(None)


@pytest.fixture
def passages(some_needs: Needs) -> list[Passage]:
    return [some_needs.store.passage(card.id) for card in some_needs.store.cards()]


@dataclass(frozen=True)
class Said:
    """What an action said and what it remembers."""

    messages: list[Message]
    slots: dict[str, Any]

    @property
    def only(self) -> Message:
        (message,) = self.messages
        return message


def turn_of(
    lexicon: Lexicon,
    text: str,
    intents: dict[str, float] | None = None,
    aspects: dict[tuple[str, str], float] | None = None,
    **more: Any,
) -> Turn:
    """A turn as the pipeline would hand it over, its probabilities given by hand."""
    ranking = dict(sorted((intents or {}).items(), key=lambda item: -item[1]))
    best = next(iter(ranking), "")
    return Turn(text, best, ranking.get(best, 0.0), ranking, aspects or {}, lexicon.find(text), **more)


def tracker_of(turn: Turn) -> Tracker:
    """The tracker that an action is handed for `turn`."""
    latest = {
        "text": turn.text,
        "intent": {"name": turn.intent, "confidence": turn.confidence},
        "intent_ranking": [{"name": name, "confidence": p} for name, p in turn.intents.items()],
        "aspects": [{"intent": f"ask_{t}", "aspect": a, "confidence": p} for (t, a), p in turn.aspects.items()],
        "entities": [
            {"entity": m.kind, "value": m.name, "classes": list(m.classes), "surface": m.surface,
             "start": m.start, "end": m.end, "found": m.found}
            for m in turn.mentions
        ],
        "choice": dict(turn.choice),
    }  # fmt: skip
    user = {"event": "user", "text": turn.text, "metadata": dict(turn.metadata)}
    return Tracker("c", dict(turn.slots), latest, [user, {"event": "action", "name": "x"}], False, None, {}, "x")


@pytest.fixture
def run(needs: Needs, lexicon: Lexicon) -> Callable[..., Awaitable[Said]]:
    """Runs an action over a turn: `await run(ActionAnswer(), "what is it", {"ask_side_effects": 0.9})`."""

    async def act(action: Any, text: str, intents: Any = None, aspects: Any = None, **more: Any) -> Said:
        dispatcher = CollectingDispatcher()
        events = await action.run(dispatcher, tracker_of(turn_of(lexicon, text, intents, aspects, **more)), {})
        messages = [Message.from_dict(sent["custom"]) for sent in dispatcher.messages]
        return Said(messages, {event["name"]: event["value"] for event in events})

    return act
