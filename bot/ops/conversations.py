"""What is known of each conversation, for the list that staff filter, and figures by day that outlive it. No text.

Called in the transaction in which replies or ratings are stored, so that list, counts and conversations agree.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.database.models import ContentVersion, now
from bot.database.staff import Conversation, DailyFigure
from bot.ops.counts import add_counts, count_messages
from bot.ops.problems import forget_words, note_problems

#: Upper ends, in seconds, of the steps in which the time of turns is counted; the last one is open.
STEPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
SLOWER = "seconds>5.0"
#: Column of the list -> kind of message that it counts.
_COUNTED = {"answers": "answer", "clarifications": "clarify", "fallbacks": "fallback"}
_FACTS = ("safety", "language", "country")


@dataclass(frozen=True)
class About:
    """What is known of a turn besides its replies.

    Attributes:
        country, locale: what the page or the platform says of the person (ISO 3166, BCP 47).
        seconds: from the message to its reply.
        listed: False where the person asked that nothing is kept: then nothing is listed either.
    """

    country: str | None = None
    locale: str | None = None
    seconds: float | None = None
    listed: bool = True


def record_turn(
    connection: sa.Connection,
    conversation: str,
    channel: str,
    messages: Sequence[Mapping[str, Any]],
    about: About | None = None,
) -> None:
    """Count one turn, whose replies are `messages` as `Message.to_dict` gives them (no commit).

    What is not listed is counted turn by turn, but not as a conversation: nothing tells that two turns belong together.
    """
    about = about or About()
    count_messages(connection, channel, messages)
    counted = Counter(message["kind"] for message in messages)
    if about.seconds is not None:
        counted[step_of(about.seconds)] += 1
    if about.listed:
        note_problems(connection, conversation, channel, messages)
        counted["conversations"] += _note(connection, conversation, channel, messages, about)
    else:
        unlist(connection, [conversation])
    _add(connection, channel, counted)


def record_rating(connection: sa.Connection, conversation: str, channel: str, old: bool | None, new: bool) -> None:
    """Count a rating; `old` is what the same person said of the same message before (no commit)."""
    if old is new:
        return
    row = sa.update(Conversation).where(Conversation.id == conversation)
    changes: dict[str, Any] = {_rated(new): Conversation.__table__.c[_rated(new)] + 1}
    if old is not None:
        changes[_rated(old)] = Conversation.__table__.c[_rated(old)] - 1
    connection.execute(row.values(**changes))
    _add(connection, channel, Counter({_rated(new): 1} if old is None else {_rated(new): 1, _rated(old): -1}))


def unlist(connection: sa.Connection, conversations: Iterable[str]) -> None:
    """Take conversations out of the list, with tags and notes, and their words out of the queue (no commit)."""
    gone = list(conversations)
    forget_words(connection, gone)
    connection.execute(sa.delete(Conversation).where(Conversation.id.in_(gone)))


def step_of(seconds: float) -> str:
    """The name of the figure in which a turn of so many seconds is counted."""
    return next((f"seconds<={step}" for step in STEPS if seconds <= step), SLOWER)


def _note(
    connection: sa.Connection, conversation: str, channel: str, messages: Sequence[Mapping[str, Any]], about: About
) -> int:
    """Add the turn to the row of its conversation; 1 when the row is new."""
    kinds = Counter(message["kind"] for message in messages)
    counted = {name: kinds[kind] for name, kind in _COUNTED.items()}
    danger = [str(message.get("category") or "") for message in messages if message["kind"] == "safety"]
    facts = {
        "safety": danger[-1] if danger else "",
        "language": language_of(messages, about.locale),
        "country": (about.country or "").upper()[:2],
    }
    moment = now()
    turn = {f"new_{name}": value for name, value in {"last": moment, **counted, **facts}.items()}
    if connection.execute(_ONE_MORE, {"its_id": conversation, **turn}).rowcount:
        return 0
    first = {"id": conversation, "ref": secrets.token_hex(6), "channel": channel, "started": moment, "last": moment}
    connection.execute(_FIRST, {**first, "turns": 1, "helpful": 0, "unhelpful": 0, **counted, **facts})
    return 1


def _one_more() -> sa.Update:
    """Adds a turn to a row; a fact that is not known this time stays as it was."""
    columns = Conversation.__table__.c
    new = {name: sa.bindparam(f"new_{name}", type_=columns[name].type) for name in ("last", *_COUNTED, *_FACTS)}
    changes: dict[str, Any] = {"last": new["last"], "turns": columns.turns + 1}
    changes |= {name: columns[name] + new[name] for name in _COUNTED}
    changes |= {name: sa.func.coalesce(sa.func.nullif(new[name], ""), columns[name]) for name in _FACTS}
    return sa.update(Conversation).where(columns.id == sa.bindparam("its_id")).values(**changes)


#: Made once: making statements costs more than running them, and they run in every turn.
_ONE_MORE, _FIRST = _one_more(), sa.insert(Conversation)
_VERSION = sa.select(ContentVersion.version)


def language_of(messages: Sequence[Mapping[str, Any]], locale: str | None) -> str:
    """The language that the bot answered in where it is not English, else that of the person's browser or app."""
    answered = next((str(message["lang"]) for message in messages if message.get("lang", "en") != "en"), "")
    return (answered or (locale or "")).partition("-")[0].partition("_")[0].lower()[:8]


def _rated(helpful: bool) -> str:
    return "helpful" if helpful else "unhelpful"


def _add(connection: sa.Connection, channel: str, counted: Mapping[str, int]) -> None:
    content = connection.scalar(_VERSION) or 0
    same = {"day": now().date().isoformat(), "channel": channel, "content": content}
    rows = [{**same, "name": name, "number": number} for name, number in sorted(counted.items()) if number]
    add_counts(connection, DailyFigure, rows)
