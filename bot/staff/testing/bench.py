"""The phrase bench: what the bot makes of sentences now, many at a time."""

from __future__ import annotations

import asyncio
import csv
import io
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.dialogues.running import Explainer
from bot.service import Reasons, Turn

#: How many sentences are looked at in one go, and how long one may be.
MOST, LONGEST = 200, 2_000
_NEAREST = 5


@dataclass(frozen=True)
class Row:
    """A sentence, what it would get, and what is nearest to it.

    Attributes:
        got: the kind of reply, or the category where there is one.
        passage: the passage that is shown; empty where none is.
        intents: (intent, share); passages: (passage, score); both the nearest first.
    """

    text: str
    got: str
    passage: str
    intents: tuple[tuple[str, float], ...]
    passages: tuple[tuple[str, float], ...]


def sentences(text: str) -> list[str]:
    """The lines of a text, without the empty ones; no more and none longer than is looked at."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [line[:LONGEST] for line in lines if line][:MOST]


async def look(bot: Explainer, texts: Iterable[str]) -> list[Row]:
    """A row for each sentence, each on its own."""
    rows = []
    for text in texts:
        await asyncio.sleep(0)  # whoever else waits for the event loop goes first
        key = f"bench-{uuid.uuid4().hex}"
        messages, reasons = await bot.explain(Turn(key, text))
        await bot.forget(key)
        shown = [passage for message in messages for passage in message.passages]
        got = messages[0].category or messages[0].kind
        rows.append(
            Row(text, got, next(iter(shown), ""), _intents(reasons), await asyncio.to_thread(_passages, text, reasons))
        )
    return rows


def as_csv(rows: Sequence[Row]) -> str:
    """The rows as a table for a spreadsheet."""
    out = io.StringIO()
    write = csv.writer(out)
    numbers = range(1, _NEAREST + 1)
    write.writerow(
        ["sentence", "reply", "passage"]
        + [f"{what} {n}{of}" for n in numbers for what, of in (("intent", ""), ("intent", " share"))]
        + [f"{what} {n}{of}" for n in numbers for what, of in (("passage", ""), ("passage", " score"))]
    )
    for row in rows:
        write.writerow([_cell(row.text), row.got, row.passage, *_flat(row.intents, ".4f"), *_flat(row.passages, ".3f")])
    return out.getvalue()


def _flat(pairs: Sequence[tuple[str, float]], form: str) -> list[str]:
    cells = [cell for name, value in pairs for cell in (name, format(value, form))]
    return cells + [""] * (2 * _NEAREST - len(cells))


def _cell(text: str) -> str:
    """A sentence that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text


def _intents(reasons: Reasons) -> tuple[tuple[str, float], ...]:
    ranking = list(reasons.parse.get("intent_ranking") or [])[:_NEAREST]
    return tuple((str(r["name"]), float(r["confidence"])) for r in ranking)


def _passages(text: str, reasons: Reasons) -> tuple[tuple[str, float], ...]:
    """The nearest passages, also where none of them was looked for: a greeting, a danger."""
    weighed = list(reasons.trace.get("passages") or [])
    if weighed:
        return tuple((str(p["id"]), float(p["score"])) for p in weighed[:_NEAREST])
    from actions.deciding import decide
    from actions.needs import needs
    from actions.turn import Turn as Said

    if "aspects" not in reasons.parse:  # not read by the pipeline: too long, a command, or the dialogue failed
        return ()
    ranked = decide(Said.read(reasons.parse), needs()).ranked
    return tuple((r.passage.id, float(r.score)) for r in ranked[:_NEAREST])
