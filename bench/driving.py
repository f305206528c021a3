"""Has conversations with a side: so many at once, each turn after the answer to the last, no text twice."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import aiohttp

from bench.figures import Load
from bench.sides import Side

#: What may stand before and after whatever is said. A conversation is had in one manner; every manner is another text,
#: because our reader and scikit-learn's and Rasa's own caches would answer what they have read before from memory.
OPENERS = (
    "",
    "so, ",
    "right, ",
    "um, ",
    "well, ",
    "okay so ",
    "just wondering, ",
    "quick one: ",
    "hi again, ",
    "sorry, ",
    "me again, ",
    "actually, ",
    "one more thing, ",
    "hm, ",
    "listen, ",
    "right then, ",
    "to be honest, ",
    "look, ",
    "anyway, ",
    "by the way, ",
)
CLOSERS = ("", " please", " now", " if you know", "?", " then", "...", " i mean", " really", " at all")


def manners() -> int:
    """In how many manners a conversation can be had."""
    return len(OPENERS) * len(CLOSERS)


def in_manner(text: str, manner: int) -> str:
    """`text` as somebody says it who talks in manner number `manner`."""
    return OPENERS[manner % len(OPENERS)] + text + CLOSERS[manner // len(OPENERS) % len(CLOSERS)]


def without_end(conversations: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """All conversations in one manner, then all in the next; repeats itself once there is no further manner."""
    for manner in itertools.cycle(range(manners())):
        for turns in conversations:
            yield [in_manner(text, manner) for text in turns]


async def drive(side: Side, told: Iterator[list[str]], at_once: int, turns: int, kinds: Counter[str]) -> Load:
    """Have `turns` turns with `side`, `at_once` conversations at a time.

    Args:
        told: where the next conversation comes from.
        kinds: counts the replies by their kind.
    """
    load, left, number = Load(), turns, itertools.count()

    async def talk(client: aiohttp.ClientSession) -> None:
        nonlocal left
        while left > 0:
            say = await side.open(client, next(number))
            for text in next(told):
                if left <= 0:
                    return
                left -= 1
                began = time.perf_counter()
                replies = await say(text)
                load.seconds.append(time.perf_counter() - began)
                load.silent += not replies
                kinds[str(replies[-1].get("kind", "other")) if replies else "none"] += 1

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        began = time.perf_counter()
        await asyncio.gather(*(talk(client) for _ in range(at_once)))
        load.clock = time.perf_counter() - began
    return load
