"""The replies of a turn that the dialogue has already taken, read from the conversation's events.

A process that dies after the dialogue has kept a turn and before its replies were stored must not run it again.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from bot.database.models import Event
from bot.message import Message


def replies_to(engine: sa.Engine, conversation: str, message_id: str) -> list[Message] | None:
    """What the bot said to the message `message_id`; None where the dialogue has not taken it."""
    query = (
        sa.select(Event.type_name, Event.data)
        .where(Event.sender_id == conversation, Event.type_name.in_(["user", "bot"]))
        .order_by(Event.id)
    )
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    replies: list[Message] = []
    found = False
    for kind, data in rows:
        event = _object(data)
        if kind == "user":
            if found:
                break
            found = event.get("message_id") == message_id
        elif found:
            said = (event.get("data") or {}).get("custom")
            if isinstance(said, dict):
                replies.append(Message.from_dict(said))
    return replies if found and replies else None


def _object(data: str | None) -> dict[str, Any]:
    try:
        value = json.loads(data or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
