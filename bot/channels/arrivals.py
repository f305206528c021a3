"""What a webhook brings, the same for every platform."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from bot.errors import EvenkeelError

#: text and button reach the dialogue; start opens the chat; other is what a person sent that holds no text.
Kind = Literal["text", "button", "start", "other"]


class Forged(EvenkeelError):
    """A request that does not carry the platform's signature, or carries an old one."""


class Malformed(EvenkeelError):
    """A genuine request that cannot be read."""


@dataclass(frozen=True)
class Arrival:
    """One message of one person.

    Attributes:
        message_id: the platform's, by which a repetition is known.
        person: the platform's id of the person, or of chat and person in a group.
        address: what the platform needs to reply.
        text: what was written; button: the key of a choice that was pressed.
        sent: the platform's own order within the conversation.
        signal: what the platform needs to show that it was read, or that we are typing.
        group: others read along.
        extra: more that the platform's own module wants to know when the message is handled.
    """

    message_id: str
    person: str
    address: dict[str, Any]
    kind: Kind
    text: str = ""
    button: str = ""
    sent: float | None = None
    country: str | None = None
    locale: str | None = None
    group: bool = False
    signal: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
