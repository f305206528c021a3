"""Which messengers there are, and which of them the settings turn on."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from bot.channels.platform import Platform
from bot.settings import Settings


@dataclass(frozen=True)
class Entry:
    """A channel: its name in the settings, its title, where its class is, and its first setting."""

    name: str
    title: str
    where: str
    needs: str


ENTRIES = (
    Entry("telegram", "Telegram", "bot.channels.telegram:Telegram", "TELEGRAM_BOT_TOKEN and TELEGRAM_WEBHOOK_SECRET"),
    Entry("messenger", "Messenger", "bot.channels.messenger:Messenger", "MESSENGER_APP_SECRET and two more"),
    Entry("whatsapp", "WhatsApp", "bot.channels.whatsapp:WhatsApp", "WHATSAPP_APP_SECRET and three more"),
    Entry("twilio", "Twilio", "bot.channels.twilio:Twilio", "TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM"),
    Entry("slack", "Slack", "bot.channels.slack:Slack", "SLACK_SIGNING_SECRET and SLACK_BOT_TOKEN"),
)


def make(entry: Entry, settings: Any) -> Platform:
    """The channel of `entry` with its own settings."""
    module, _, name = entry.where.partition(":")
    platform = getattr(importlib.import_module(module), name)(settings)
    assert isinstance(platform, Platform)
    return platform


def platforms_of(settings: Settings) -> list[Platform]:
    """The channels that are on."""
    on = [(entry, getattr(settings.channels, entry.name)) for entry in ENTRIES]
    return [make(entry, own) for entry, own in on if own is not None]


def summary(settings: Settings) -> list[str]:
    """Lines that say which messengers are on and where, and what the others want."""
    lines, off = [], []
    for entry in ENTRIES:
        own = getattr(settings.channels, entry.name)
        if own is None:
            off.append(entry.title)
        else:
            where = ", ".join(f"{settings.public_url}{path}" for path in make(entry, own).paths)
            lines.append(f"  {entry.title:10} on, webhook {where}")
    if off:
        lines.append(f"  off: {', '.join(off)} (no secrets set; docs/channels/ says how)")
    return lines
