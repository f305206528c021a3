"""What no test reaches, and which intents get mixed up."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.requests import Request

from bot.staff.console import Console, Page, missing, page
from bot.staff.roles import Account, Role
from bot.staff.testing import content
from bot.staff.testing.coverage import Mixing, coverage, reached_passages, read_mixing
from bot.staff.testing.words import intent_in_words

#: Passages on a page; rows and columns of the matrix.
_MOST, _MOST_INTENTS = 50, 20


@page("/coverage", role=Role.tester, title="What tests reach", nav="Test")
async def show(request: Request, staff: Account, console: Console) -> Page:
    """Intents, rules, stories and passages, and how many tests reach each."""
    return Page("coverage/show.html", **await asyncio.to_thread(_covered, console))


@page("/coverage/passages", role=Role.tester, title="Passages that no test reaches")
async def passages(request: Request, staff: Account, console: Console) -> Page:
    """The passages of a topic (of all without one) that no test reaches."""
    topic, after = request.query_params.get("topic", ""), request.query_params.get("after", "")
    return Page("coverage/passages.html", **await asyncio.to_thread(_unreached, console, topic, after))


@page("/mixed", role=Role.tester, title="What gets mixed up", nav="Test")
async def mixed(request: Request, staff: Account, console: Console) -> Page:
    """Which intents are taken for which, as a matrix; a cell opens its sentences."""
    mixing = await asyncio.to_thread(_mixing, console)
    topics = await asyncio.to_thread(content.topics, console.engine)
    intents = mixing.intents[:_MOST_INTENTS] if mixing else []
    cells = {(pair.labelled, pair.understood): len(pair.sentences) for pair in mixing.pairs} if mixing else {}
    names = {name: intent_in_words(name, topics) for name in intents}
    return Page("coverage/mixed.html", mixing=mixing, intents=intents, names=names, cells=cells)


@page("/mixed/{labelled}/{understood}", role=Role.tester, title="Sentences that were mixed up")
async def cell(request: Request, staff: Account, console: Console) -> Page:
    """The sentences of one intent that were understood as another."""
    mixing = await asyncio.to_thread(_mixing, console)
    labelled, understood = request.path_params["labelled"], request.path_params["understood"]
    pair = mixing.pair(labelled, understood) if mixing else None
    if mixing is None or pair is None:
        raise missing("pair of intents")
    topics = await asyncio.to_thread(content.topics, console.engine)
    names = {name: intent_in_words(name, topics) for name in (labelled, understood)}
    opposite = mixing.pair(understood, labelled)
    return Page("coverage/cell.html", pair=pair, opposite=opposite, names=names, total=mixing.totals.get(labelled, 0))


def _mixing(console: Console) -> Mixing | None:
    return read_mixing(console.settings.var / "figures" / "mixed_up.json")


def _covered(console: Console) -> dict[str, Any]:
    desk = console.desk
    topics = content.topics(console.engine)
    tests, reached = [kept.dialogue.id for kept in desk.dialogues.all()], desk.runs.reached()
    there = content.counted(console.engine)
    seen = content.counted(console.engine, reached_passages(tests, reached))
    covered = coverage(tests, reached, desk.rules, {topic: there.get(topic, 0) for topic in topics}, seen)
    examples = _examples(console.settings.data / "nlu")
    names = {name: intent_in_words(name, topics) for name, _ in covered.intents}
    return {"covered": covered, "topics": topics, "names": names, "examples": examples}


@lru_cache(maxsize=4)
def _examples(folder: Path) -> dict[str, str]:
    """The first sentence of each intent; a file is called as its intent, and reading all of them takes seconds."""
    found = {}
    for path in folder.glob("*.yml"):
        with path.open(encoding="utf-8") as lines:
            sentence = next((line for line in lines if line.strip().startswith("- ") and "- intent:" not in line), "")
        found[path.stem] = sentence.strip().removeprefix("- ")
    return found


def _unreached(console: Console, topic: str, after: str) -> dict[str, Any]:
    desk = console.desk
    seen = reached_passages([kept.dialogue.id for kept in desk.dialogues.all()], desk.runs.reached())
    left = content.without(console.engine, seen, topic, after, _MOST + 1)
    topics = content.topics(console.engine)
    following = left[_MOST - 1].id if len(left) > _MOST else ""
    return {"passages": left[:_MOST], "topic": topic, "topics": topics, "next": following}
