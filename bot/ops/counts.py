"""Counts of what the bot said, by day: they stay when the conversations are deleted, and hold no text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from bot.database.mending import PassageUse
from bot.database.models import Base, DailyCount, now


def count_messages(connection: sa.Connection, channel: str, messages: Iterable[Mapping[str, Any]]) -> None:
    """Add the bot's `messages`, as `Message.to_dict` gives them, to the counts of today (no commit)."""
    said, day = list(messages), now().date().isoformat()
    counted = Counter((m["kind"], m.get("category") or "", m.get("topic") or "") for m in said)
    kinds = [
        {"day": day, "channel": channel, "kind": kind, "category": category, "topic": topic, "messages": number}
        for (kind, category, topic), number in sorted(counted.items())
    ]
    shown = Counter(passage for m in said for passage in m.get("passages") or ())
    uses = [{"day": day, "passage_id": passage, "shown": number} for passage, number in sorted(shown.items())]
    add_counts(connection, DailyCount, kinds)
    add_counts(connection, PassageUse, uses)


def add_counts(connection: sa.Connection, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Add to the numbers in `table` (no commit).

    Args:
        rows: the key of each, and the number that is added: the one column that is not part of the key.
    """
    if rows:
        connection.execute(_statement(table, connection.dialect.name), rows)


@cache
def _statement(table: type[Base], dialect: str) -> sa.Insert:
    """Made once: making it costs more than running it, and it runs in every turn."""
    keys = [column.name for column in table.__table__.primary_key]
    [number] = [column for column in table.__table__.columns if column.name not in keys]
    statement = (insert_sqlite if dialect == "sqlite" else insert_postgresql)(table)
    added = {number.name: number + statement.excluded[number.name]}
    return statement.on_conflict_do_update(index_elements=keys, set_=added)
