"""A database as it is after long use: conversations, figures and passages in numbers, with nobody's words in them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from bot.database.dialogues import DialogueResult, DialogueRun, StaffDialogue
from bot.database.engine import writing
from bot.database.mending import MendingItem, MendingTheme
from bot.database.models import (
    Article,
    ChatMessage,
    ChatSession,
    ContentVersion,
    DailyCount,
    Event,
    Feedback,
    Passage,
    PassageRevision,
    Topic,
    now,
)
from bot.database.staff import Conversation, ConversationTag, DailyFigure, StaffAudit
from bot.ops.conversations import STEPS
from bot.staff.roles import Account

_BATCH = 5_000
_TOPICS = ("interactions", "side_effects", "what_to_expect", "effectiveness", "coping_with_panic")
_CHANNELS = ("web", "web", "web", "telegram", "whatsapp")
_LANGUAGES = ("en", "en", "en", "en", "es", "de", "fr", "")
_KINDS = ("answer",) * 14 + ("clarify",) * 2 + ("fallback",) * 2 + ("safety", "smalltalk")
_DANGERS = ("crisis_selfharm", "medical_emergency", "urgent_care", "panic_now")
_DISCLAIMER = "This is information, not medical advice. Ask a doctor or pharmacist about your own case."


def seed_conversations(engine: sa.Engine, number: int, days: int = 30) -> None:
    """Add `number` conversations of the last `days` days, and the figures of those days."""
    dice = random.Random(7)
    figures: Counter[tuple[str, str, int, str]] = Counter()
    counts: Counter[tuple[str, str, str, str, str]] = Counter()
    moment = now()
    with writing(engine) as connection:
        if connection.scalar(sa.select(ContentVersion.version)) is None:
            connection.execute(sa.insert(ContentVersion).values(id=1, version=1))
        made_up = sa.select(sa.func.count()).select_from(Conversation).where(Conversation.ref < "00001")
        before = connection.scalar(made_up) or 0
    for start in range(before, before + number, _BATCH):
        rows: dict[type, list[dict[str, Any]]] = {table: [] for table in _TABLES}
        for place in range(start, min(before + number, start + _BATCH)):
            began = moment - timedelta(seconds=dice.random() * days * 86_400)
            _conversation(dice, place, began, rows, figures, counts)
        with writing(engine) as connection:
            for table, values in rows.items():
                if values:
                    connection.execute(sa.insert(table), values)
    with writing(engine) as connection:
        _many(connection, DailyFigure, ("day", "channel", "content", "name", "number"), figures)
        _many(connection, DailyCount, ("day", "channel", "kind", "category", "topic", "messages"), counts)
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("ANALYZE")


_TABLES = (ChatSession, Conversation, ChatMessage, Feedback, ConversationTag, Event)


def _conversation(
    dice: random.Random, place: int, began: datetime, rows: Any, figures: Counter[Any], counts: Counter[Any]
) -> None:
    channel, language = dice.choice(_CHANNELS), dice.choice(_LANGUAGES)
    key, kinds = f"{channel}-{place:040x}", [dice.choice(_KINDS) for _ in range(dice.choice((1, 1, 2, 3)))]
    day, content = began.date().isoformat(), 1 if place % 3 else 2
    danger = dice.choice(_DANGERS) if "safety" in kinds else ""
    rating = dice.random()
    if channel == "web":
        rows[ChatSession].append({"id": key, "created": began, "last_seen": began, "locale": language, "keep": True})
    for turn, kind in enumerate(kinds):
        at, client_id = began + timedelta(seconds=40 * turn), f"turn-{turn}"
        topic = dice.choice(_TOPICS) if kind == "answer" else ""
        reply = _reply(f"{place}-{turn}", kind, danger if kind == "safety" else None, topic or None, at)
        _tell(rows, channel, key, client_id, f"A question about topic {place % 97}.", reply, at)
        for name in (kind, f"seconds<={dice.choice(STEPS[:5])}"):
            figures[day, channel, content, name] += 1
        counts[day, channel, kind, reply["category"] or "", topic] += 1
    if rating > 0.8:
        rows[Feedback].append({"message_id": f"{place}-0", "helpful": rating > 0.86, "at": began})
        figures[day, channel, content, "helpful" if rating > 0.86 else "unhelpful"] += 1
    figures[day, channel, content, "conversations"] += 1
    rows[Conversation].append(
        {
            "id": key, "ref": f"{place:012x}", "channel": channel, "language": language, "country": "",
            "started": began, "last": began + timedelta(seconds=40 * (len(kinds) - 1)), "turns": len(kinds),
            "answers": kinds.count("answer"), "clarifications": kinds.count("clarify"),
            "fallbacks": kinds.count("fallback"), "safety": danger, "helpful": int(rating > 0.86),
            "unhelpful": int(0.8 < rating <= 0.86), "reviewed": began if place % 5 == 0 else None,
        }
    )  # fmt: skip
    if place % 50 == 0:
        rows[ConversationTag].append({"conversation_id": key, "tag": dice.choice(("wording", "missing answer"))})


def _tell(rows: Any, channel: str, key: str, client_id: str, words: str, reply: dict[str, Any], at: datetime) -> None:
    said = {
        "event": "user", "text": words, "message_id": client_id,
        "parse_data": {"intent": {"name": "ask_interactions", "confidence": 0.9}},
    }  # fmt: skip
    rows[Event].append({"sender_id": key, "type_name": "user", "timestamp": at.timestamp(), "data": json.dumps(said)})
    if channel == "web":
        visitor = {"direction": "visitor", "client_id": client_id, "answers": None, "payload": None, "text": words}
        bot = {"direction": "bot", "client_id": None, "answers": client_id, "payload": reply, "text": None}
        rows[ChatMessage] += [
            {"session_id": key, "at": at, "handled": True, "keep": True, **one} for one in (visitor, bot)
        ]
    else:
        data = json.dumps({"event": "bot", "data": {"custom": reply}})
        rows[Event].append({"sender_id": key, "type_name": "bot", "timestamp": at.timestamp(), "data": data})


def _reply(name: str, kind: str, category: str | None, topic: str | None, at: datetime) -> dict[str, Any]:
    return {
        "id": name, "kind": kind, "category": category, "topic": topic, "lang": "en",
        "lead": "The first paragraph of a reply, about as long as they usually are in this place, and a bit more.",
        "details": ["A second paragraph that says more about it."] if kind == "answer" else [],
        "at": at.isoformat(timespec="seconds"), "disclaimer": _DISCLAIMER,
    }  # fmt: skip


def _many(connection: sa.Connection, table: Any, names: Sequence[str], counted: Counter[Any]) -> None:
    rows = [dict(zip(names, (*key, number), strict=True)) for key, number in counted.items()]
    statement = (insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql)(table)
    added = {names[-1]: getattr(table, names[-1]) + statement.excluded[names[-1]]}
    if rows:
        connection.execute(statement.on_conflict_do_update(index_elements=list(names[:-1]), set_=added), rows)


def seed_log(engine: sa.Engine, account: Account, lines: int) -> None:
    """Add `lines` readings of conversations to the log."""
    values = [
        {"account_id": account.id, "who": account.name, "verb": "read", "subject": f"conversation {line:012x}"}
        for line in range(lines)
    ]
    with writing(engine) as connection:
        connection.execute(sa.insert(StaffAudit), values)


def seed_passages(engine: sa.Engine, number: int, per_article: int = 10) -> None:
    """Add `number` published passages, each with an older revision."""
    with writing(engine) as connection:
        if connection.scalar(sa.select(Topic.name).where(Topic.name == "made_up")) is None:
            topic = sa.insert(Topic).values(
                name="made_up", position=1_000, title="Made up", aspects={"general": "General"}
            )
            connection.execute(topic)
        for table, rows in _passages(number, per_article):
            connection.execute(sa.insert(table), rows)


def _passages(number: int, per_article: int) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    articles = [f"made-up-{place}" for place in range(-(-number // per_article))]
    yield (
        Article,
        [{"id": one, "title": f"Article {one}", "topic": "made_up", "review_state": "unreviewed"} for one in articles],
    )
    places = [(f"made-up-passage-{place}", articles[place // per_article], place) for place in range(number)]
    yield Passage, [{"id": name, "article_id": article, "position": place} for name, article, place in places]
    yield PassageRevision, [
        {
            "passage_id": name, "number": revision, "state": state, "title": f"Passage {place}",
            "lead": f"The first paragraph of passage {place}.", "details": ["A second one."], "aspects": ["general"],
            "drugs": [], "questions": [f"question {place} one", f"question {place} two"], "facts": [],
        }
        for name, _, place in places
        for revision, state in ((1, "retired"), (2, "published"))
    ]  # fmt: skip


def seed_tests(engine: sa.Engine, runs: int = 100, tests: int = 100) -> None:
    """Add tests that staff saved, and runs of all of them; every seventh test differs."""
    names = [f"test {place:03}" for place in range(tests)]
    turns = [{"say": "can i take zoloft", "expect": {"topic": "interactions", "sources": True}}] * 4
    about = {"created_by": "Ada", "changed_by": "Ada"}
    shown = {"words": "“can i take zoloft”", "expect": turns[0]["expect"], "shown": "A reply. " * 60, "problems": []}
    differs = {**shown, "problems": [["topic", "topic is safety, expected interactions"]]}
    reached = {"intents": ["ask_interactions"], "passages": ["made-up-passage-1"], "rules": ["Small talk"]}
    with writing(engine) as connection:
        rows = [{"file": "flow", "name": name, "body": {"name": name, "turns": turns}, **about} for name in names]
        connection.execute(sa.insert(StaffDialogue), rows)
        for run in range(1, runs + 1):
            tested = {"by": "Ada", "total": tests, "model": "dialogue", "content_version": 1, "drafts": False}
            connection.execute(sa.insert(DialogueRun).values(id=run, ended=now(), **tested))
            results = [
                {
                    "run_id": run,
                    "dialogue": f"flow/{name}",
                    "state": "passed" if place % 7 else "failed",
                    "turns": [shown if place % 7 else differs] * 4,
                    "reached": reached,
                    "milliseconds": 12.5,
                }
                for place, name in enumerate(names)
            ]
            connection.execute(sa.insert(DialogueResult), results)


def seed_problems(engine: sa.Engine, number: int, per_theme: int = 40) -> None:
    """Add `number` problems of the conversations that are there, in themes, half of them answered."""
    moment, kinds = now(), ("fallback", "clarify", "refusal", "not_helpful")
    with writing(engine) as connection:
        keys = connection.scalars(sa.select(Conversation.id).order_by(Conversation.id).limit(number)).all()
        themes = [
            {
                "id": place + 1, "kind": "gap", "name": f"Theme {place}", "items": per_theme, "waiting": per_theme // 2,
                "last": moment - timedelta(minutes=place),
            }
            for place in range(-(-number // per_theme))
        ]  # fmt: skip
        problems = [
            {
                "kind": kinds[place % len(kinds)], "message_id": f"problem-{place}", "channel": "web",
                "conversation": keys[place % len(keys)], "text": f"A question about matter {place % 89}.",
                "at": moment - timedelta(minutes=place),
                "theme_id": place // per_theme + 1, "answer": None if place % 2 else "ignored",
            }
            for place in range(number)
        ]  # fmt: skip
        connection.execute(sa.insert(MendingTheme), themes)
        connection.execute(sa.insert(MendingItem), problems)
