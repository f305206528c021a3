"""Counts of what the bot said, by day: they stay when the conversations are deleted, and hold no text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from bot.database.models import DailyCount, now


def count_messages(connection: sa.Connection, channel: str, messages: Iterable[Mapping[str, Any]]) -> None:
    """Add the bot's `messages`, as `Message.to_dict` gives them, to the counts of today (no commit)."""
    counted = Counter((m["kind"], m.get("category") or "", m.get("topic") or "") for m in messages)
    insert = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
    for (kind, category, topic), number in sorted(counted.items()):
        row = {"day": now().date().isoformat(), "channel": channel, "kind": kind, "category": category, "topic": topic}
        statement = insert(DailyCount).values(**row, messages=number)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=list(row), set_={"messages": DailyCount.messages + statement.excluded.messages}
            )
        )
