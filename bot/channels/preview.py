"""What each channel would show of a passage, for staff; and every passage on every channel, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.channels.configuration import (
    MessengerSettings,
    SlackSettings,
    TelegramSettings,
    TwilioSettings,
    WhatsAppSettings,
)
from bot.channels.messenger import Messenger
from bot.channels.platform import Platform
from bot.channels.rendering import Part
from bot.channels.slack import Slack
from bot.channels.telegram import Telegram
from bot.channels.twilio import Twilio
from bot.channels.whatsapp import WhatsApp
from bot.message import Message


@dataclass(frozen=True)
class Screen:
    """Somebody's screen: a channel, and an address on it."""

    name: str
    title: str
    platform: Platform
    address: Mapping[str, Any]


#: Nobody is written to: these know how to render, and no secret.
SCREENS = (
    Screen("telegram", "Telegram", Telegram(TelegramSettings("0:preview", "preview", "http://localhost")), {"chat": 1}),
    Screen("messenger", "Messenger", Messenger(MessengerSettings("-", "-", "-", "http://localhost")), {"user": "1"}),
    Screen("whatsapp", "WhatsApp", WhatsApp(WhatsAppSettings("-", "-", "1", "-", "http://localhost")), {"number": "1"}),
    Screen(
        "twilio-whatsapp", "WhatsApp over Twilio", Twilio(TwilioSettings("-", "-", (), "http://localhost")),
        {"to": "whatsapp:+1", "from": "whatsapp:+2"},
    ),
    Screen(
        "sms", "SMS over Twilio", Twilio(TwilioSettings("-", "-", (), "http://localhost")), {"to": "+1", "from": "+2"}
    ),
    Screen("slack", "Slack", Slack(SlackSettings("-", "-", "http://localhost")), {"channel": "D1"}),
)  # fmt: skip


def shown(message: Message, screen: Screen) -> list[Part]:
    """What somebody sees of `message`; on SMS also what each MORE brings."""
    parts, rest = screen.platform.shortened(message, screen.address)
    while rest is not None:
        more, rest = screen.platform.more(rest)
        parts = [*parts, *more]
    return parts


def as_lines(parts: list[Part], screen: Screen) -> list[str]:
    """The parts as text for a terminal."""
    lines = []
    for number, part in enumerate(parts, 1):
        lines.append(f"-- {screen.title}, message {number} of {len(parts)}, {len(part.text)} characters --")
        lines += [part.text, *(f"   [ {choice.label} ]" for choice in part.choices), ""]
    return lines
