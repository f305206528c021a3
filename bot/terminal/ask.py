"""`python -m bot ask`: one question with its reasons, or JSON Lines in and out.

The lines are those of the contract in docs/architecture.md, "ask in JSON Lines". Conversations live in memory
for one run; nothing is stored, counted or published.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

from bot.channels.plain import as_text
from bot.message import Message
from bot.service import Bot, Reasons, Turn
from bot.settings import Settings


def run(arguments: list[str], settings: Settings) -> int:
    """Ask what follows, or every line of standard input; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bot ask", description=__doc__)
    parser.add_argument("text", nargs="*", help="the question; without one, JSON Lines are read")
    parser.add_argument("--country", help="ISO 3166 code of the country the person is in, such as GB")
    options = parser.parse_args(arguments)
    bot = in_memory(settings)
    if options.text:
        return asyncio.run(_explain(bot, " ".join(options.text), options.country))
    asyncio.run(_answer_lines(bot, sys.stdin, sys.stdout))
    return 0


def in_memory(settings: Settings) -> Bot:
    """A started bot that keeps conversations in memory alone."""
    from bot.engine.engine import Engine

    bot = Bot(settings, Engine(settings.models, settings.action_endpoint))
    bot.start()
    return bot


async def _answer_lines(bot: Bot, lines: Iterable[str], out: TextIO) -> None:
    for request in _requests(lines, out):
        began = time.perf_counter()
        country = request.get("country")
        turn = Turn(
            conversation=str(request.get("conversation") or uuid.uuid4().hex),
            text=str(request.get("text") or ""),
            channel=str(request.get("channel") or "ask"),
            country=country if isinstance(country, str) else None,
            message_id=str(request.get("id") or ""),
        )
        messages, reasons = await bot.explain(turn)
        milliseconds = (time.perf_counter() - began) * 1000
        if bot.wish(turn.conversation) == "forget":
            await bot.forget(turn.conversation)
        print(
            json.dumps(as_line(request.get("id"), turn.text or "", messages, reasons, milliseconds)),
            file=out,
            flush=True,
        )


def _requests(lines: Iterable[str], out: TextIO) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise ValueError("not an object")
        except ValueError as error:
            print(f"line {number}: {error}", file=sys.stderr)
            print(json.dumps({"id": None, "error": f"line {number} is not a JSON object"}), file=out, flush=True)
            continue
        yield request


def as_line(name: Any, text: str, messages: Sequence[Message], reasons: Reasons, milliseconds: float) -> dict[str, Any]:
    """One answer as the contract has it. With a danger beside a question, kind and category are the danger's."""
    first = messages[0]
    shown = next((m for m in messages if m.kind == "answer"), first)
    last = messages[-1]
    intent = dict(reasons.parse.get("intent") or {})
    return {
        "id": name,
        "text": text,
        "replies": [as_text(message) for message in messages],
        "kind": first.kind,
        "category": first.category,
        "topic": shown.topic,
        "aspects": list(shown.aspects),
        "drugs": list(shown.drugs),
        "passages": [p for m in messages for p in m.passages],
        "suggestions": [s.title for m in messages for s in m.suggestions],
        "disclaimer": bool(last.disclaimer) and as_text(last).endswith(last.disclaimer),
        "intent": {"name": intent.get("name"), "confidence": intent.get("confidence")},
        "latency_ms": round(milliseconds, 2),
    }


async def _explain(bot: Bot, text: str, country: str | None) -> int:
    turn = Turn(conversation="ask", text=text, country=country, channel="ask")
    await bot.explain(Turn(conversation="warm", text="what is ketamine"))
    messages, reasons = await bot.explain(turn)
    for message in messages:
        print(as_text(message), end="\n\n")
    for line in reasons_as_text(reasons):
        print(line)
    return 0


def reasons_as_text(reasons: Reasons) -> Iterator[str]:
    """Why, in lines for a person."""
    yield "Why"
    found = reasons.finding
    yield (
        f"  screen    {found['category']} ({found['layer']}, {found['confidence']:.2f})"
        if found
        else "  screen    nothing"
    )
    ranking = list(reasons.parse.get("intent_ranking") or [])[:4]
    yield "  intent    " + ", ".join(f"{r['name']} {r['confidence']:.2f}" for r in ranking)
    aspects = list(reasons.parse.get("aspects") or [])[:3]
    yield "  aspect    " + ", ".join(f"{a['intent']}/{a['aspect']} {a['confidence']:.2f}" for a in aspects)
    entities = [f"{e['value']} ({e['entity']}, {e.get('found', '')})" for e in reasons.parse.get("entities") or []]
    yield "  names     " + (", ".join(entities) or "none")
    for p in list(reasons.trace.get("passages") or [])[:5]:
        parts = " ".join(f"{name} {value:+.2f}" for name, value in p["parts"].items())
        yield f"  passage   {p['score']:+.3f}  {p['id']}  ({parts})"
    yield "  time      " + ", ".join(f"{name} {value * 1000:.1f} ms" for name, value in reasons.seconds.items())
