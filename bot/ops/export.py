"""All that is kept of one conversation, for somebody who asks what is stored of them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.database.mending import MendingItem
from bot.database.models import (
    ChannelArrival,
    ChannelDelivery,
    ChannelPerson,
    ChatMessage,
    ChatSession,
    Event,
    Feedback,
    WaitingEvent,
)
from bot.database.staff import Conversation, ConversationNote, ConversationTag

#: Where something of a conversation is kept, and by which column its key stands there.
PLACES: dict[str, Any] = {
    "session": ChatSession.id,
    "messages": ChatMessage.session_id,
    "person": ChannelPerson.conversation,
    "arrivals": ChannelArrival.conversation,
    "deliveries": ChannelDelivery.conversation,
    "dialogue": Event.sender_id,
    "listed": Conversation.id,
    "tags": ConversationTag.conversation_id,
    "notes": ConversationNote.conversation_id,
    "problems": MendingItem.conversation,
    "events": WaitingEvent.conversation,
}


def everything_about(engine: sa.Engine, conversation: str) -> dict[str, list[dict[str, Any]]]:
    """Table by table, as plain JSON types. What is encrypted is not opened: it is an address, or on its way."""
    told: dict[str, list[dict[str, Any]]] = {}
    with engine.connect() as connection:
        for name, column in PLACES.items():
            rows = connection.execute(sa.select(column.class_.__table__).where(column == conversation)).mappings()
            told[name] = [{key: _plain(value) for key, value in row.items()} for row in rows]
        ids = [message["payload"]["id"] for message in told["messages"] if message["payload"]]
        ids += [item["message_id"] for item in told["problems"] if item["message_id"]]
        rated = sa.select(Feedback.__table__).where(Feedback.message_id.in_(ids))
        told["feedback"] = [{key: _plain(value) for key, value in row._mapping.items()}
                            for row in connection.execute(rated)]  # fmt: skip
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return "[encrypted]"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, str) and value.startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
