"""A conversation as it was told, from wherever it is kept: the web chat's messages, or the dialogue's events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from bot.database.models import ChatMessage, Event
from bot.ops.masking import mask


@dataclass(frozen=True)
class Told:
    """One message. `message` is the bot's, as `Message.to_dict` gives it; None for a visitor's. `text` is masked."""

    text: str
    at: datetime
    message: dict[str, Any] | None = None


def told(connection: sa.Connection, conversation: str) -> list[Told]:
    """The messages of `conversation` in their order; empty where it has been deleted."""
    return _web(connection, conversation) or _events(connection, conversation)


def asked(lines: Sequence[Told], message_id: str) -> str | None:
    """What the visitor had written before the bot's message `message_id`; None where that message is not there."""
    before = None
    for line in lines:
        if line.message is None:
            before = line.text
        elif line.message.get("id") == message_id:
            return before
    return None


def around(lines: Sequence[Told], message_id: str | None, most: int = 4) -> list[Told]:
    """The lines near the message: up to `most` before the question and as many after the reply."""
    place = next((i for i, line in enumerate(lines) if line.message and line.message.get("id") == message_id), None)
    if place is None:
        return list(lines[-2 * most :])
    return list(lines[max(place - 1 - most, 0) : place + 1 + most])


def _web(connection: sa.Connection, conversation: str) -> list[Told]:
    m = ChatMessage
    query = sa.select(m.direction, m.client_id, m.answers, m.payload, m.text, m.at)
    rows = connection.execute(query.where(m.session_id == conversation).order_by(m.id)).all()
    replies: dict[str | None, list[Told]] = {}
    for row in rows:
        if row.direction == "bot" and row.payload:
            said = Told(str(row.payload.get("lead") or ""), row.at, row.payload)
            replies.setdefault(row.answers, []).append(said)
    lines: list[Told] = []
    for row in rows:
        if row.direction == "visitor":
            lines += [Told(mask(row.text or ""), row.at), *replies.get(row.client_id, [])]
    return lines


def _events(connection: sa.Connection, conversation: str) -> list[Told]:
    query = sa.select(Event.type_name, Event.timestamp, Event.data)
    wanted = (Event.sender_id == conversation, Event.type_name.in_(["user", "bot"]))
    lines = []
    for row in connection.execute(query.where(*wanted).order_by(Event.id)):
        event, at = json.loads(row.data or "{}"), datetime.fromtimestamp(row.timestamp or 0, UTC)
        if row.type_name == "user":
            lines.append(Told(mask(event.get("text") or ""), at))
        elif custom := (event.get("data") or {}).get("custom"):
            lines.append(Told(str(custom.get("lead") or ""), at, custom))
    return lines
