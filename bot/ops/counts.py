"""Counts of what the bot said, by day: they stay when the conversations are deleted, and hold no text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import InstrumentedAttribute

from bot.database.mending import PassageUse
from bot.database.models import DailyCount, now


def count_messages(connection: sa.Connection, channel: str, messages: Iterable[Mapping[str, Any]]) -> None:
    """Add the bot's `messages`, as `Message.to_dict` gives them, to the counts of today (no commit)."""
    said, day = list(messages), now().date().isoformat()
    counted = Counter((m["kind"], m.get("category") or "", m.get("topic") or "") for m in said)
    for (kind, category, topic), number in sorted(counted.items()):
        row = {"day": day, "channel": channel, "kind": kind, "category": category, "topic": topic}
        _add(connection, DailyCount, row, DailyCount.messages, number)
    shown = Counter(passage for m in said for passage in m.get("passages") or ())
    for passage, number in sorted(shown.items()):
        _add(connection, PassageUse, {"day": day, "passage_id": passage}, PassageUse.shown, number)


def _add(
    connection: sa.Connection, table: type, row: Mapping[str, str], count: InstrumentedAttribute[int], number: int
) -> None:
    insert = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
    statement = insert(table).values(**row, **{count.key: number})
    added = {count.key: count + statement.excluded[count.key]}
    connection.execute(statement.on_conflict_do_update(index_elements=list(row), set_=added))
