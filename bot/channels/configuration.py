"""The settings of the messengers: a channel is on when all of its settings are there, off when none is.

Half of them stop the start with a sentence. The environment is handed in by `bot.settings`, its only reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.errors import SettingError

_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")
_BASE = re.compile(r"https?://[^\s?#]+")
_NUMBER = re.compile(r"(whatsapp:)?\+?[0-9]{3,15}")
_VERSION = re.compile(r"v\d{1,3}\.\d")


@dataclass(frozen=True)
class TelegramSettings:
    """From @BotFather, and a secret of our own that Telegram sends back with each webhook."""

    bot_token: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    api_base: str


@dataclass(frozen=True)
class MessengerSettings:
    """Of a Meta app with the Messenger product, and of the page it answers for."""

    app_secret: str = field(repr=False)
    page_token: str = field(repr=False)
    verify_token: str = field(repr=False)
    #: With the version of the Graph API at the end.
    api_base: str


@dataclass(frozen=True)
class WhatsAppSettings:
    """Of a Meta app with the WhatsApp product, and of the number it answers from."""

    app_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    phone_number_id: str
    verify_token: str = field(repr=False)
    api_base: str


@dataclass(frozen=True)
class TwilioSettings:
    """Of a Twilio account, and the numbers (`whatsapp:+44…` or `+44…`) it answers from."""

    account_sid: str
    auth_token: str = field(repr=False)
    numbers: tuple[str, ...]
    api_base: str


@dataclass(frozen=True)
class SlackSettings:
    """Of a Slack app with a bot user."""

    signing_secret: str = field(repr=False)
    bot_token: str = field(repr=False)
    api_base: str


@dataclass(frozen=True)
class ChannelSettings:
    """Each channel's settings, or None where it is off."""

    telegram: TelegramSettings | None = None
    messenger: MessengerSettings | None = None
    whatsapp: WhatsAppSettings | None = None
    twilio: TwilioSettings | None = None
    slack: SlackSettings | None = None

    @classmethod
    def read(cls, env: Mapping[str, str]) -> ChannelSettings:
        """The channels' settings of `env`.

        Raises:
            SettingError: half of a channel's settings, or a value that cannot be used.
        """
        return cls(_telegram(env), _messenger(env), _whatsapp(env), _twilio(env), _slack(env))


def _telegram(env: Mapping[str, str]) -> TelegramSettings | None:
    base = _base(env, "TELEGRAM_API_BASE", "https://api.telegram.org")
    given = _all_or_none(env, "Telegram", "TELEGRAM_BOT_TOKEN", "TELEGRAM_WEBHOOK_SECRET")
    if given is None:
        return None
    token, secret = given
    if not _SECRET.fullmatch(secret):
        raise SettingError(
            "TELEGRAM_WEBHOOK_SECRET must be 16 to 256 letters, digits, _ and -: Telegram takes no other signs."
        )
    return TelegramSettings(token, secret, base)


def _messenger(env: Mapping[str, str]) -> MessengerSettings | None:
    base = _graph(env, "MESSENGER_API_BASE")
    given = _all_or_none(env, "Messenger", "MESSENGER_APP_SECRET", "MESSENGER_PAGE_TOKEN", "MESSENGER_VERIFY_TOKEN")
    return None if given is None else MessengerSettings(given[0], given[1], given[2], base)


def _whatsapp(env: Mapping[str, str]) -> WhatsAppSettings | None:
    base = _graph(env, "WHATSAPP_API_BASE")
    names = ("WHATSAPP_APP_SECRET", "WHATSAPP_ACCESS_TOKEN", "WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_VERIFY_TOKEN")
    given = _all_or_none(env, "WhatsApp", *names)
    if given is None:
        return None
    if not re.fullmatch(r"\w{1,64}", given[2]):
        raise SettingError(
            f"WHATSAPP_PHONE_NUMBER_ID is {given[2]!r}, but it must be the id that Meta shows for the number."
        )
    return WhatsAppSettings(given[0], given[1], given[2], given[3], base)


def _twilio(env: Mapping[str, str]) -> TwilioSettings | None:
    base = _base(env, "TWILIO_API_BASE", "https://api.twilio.com")
    given = _all_or_none(env, "Twilio", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM")
    if given is None:
        return None
    sid, token, listed = given
    numbers = tuple(number.strip() for number in listed.split(",") if number.strip())
    for number in numbers:
        if not _NUMBER.fullmatch(number):
            raise SettingError(
                f"TWILIO_FROM holds {number!r}, but each number must look like +15551234567 or whatsapp:+15551234567."
            )
    return TwilioSettings(sid, token, numbers, base)


def _slack(env: Mapping[str, str]) -> SlackSettings | None:
    base = _base(env, "SLACK_API_BASE", "https://slack.com/api")
    given = _all_or_none(env, "Slack", "SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN")
    return None if given is None else SlackSettings(given[0], given[1], base)


def _all_or_none(env: Mapping[str, str], channel: str, *names: str) -> list[str] | None:
    values = {name: (env.get(name) or "").strip() for name in names}
    missing = [name for name, value in values.items() if not value]
    if len(missing) == len(names):
        return None
    if missing:
        there = ", ".join(name for name in names if name not in missing)
        raise SettingError(
            f"{channel} has only half of its settings: {there} is set, {' and '.join(missing)} is not. "
            f"Set all of {', '.join(names)}, or none to leave {channel} off."
        )
    return list(values.values())


def _base(env: Mapping[str, str], name: str, default: str) -> str:
    given = (env.get(name) or "").strip()
    if given and not _BASE.fullmatch(given):
        raise SettingError(f"{name} is {given!r}, but it must be an address that begins with https:// or http://.")
    return (given or default).rstrip("/")


def _graph(env: Mapping[str, str], name: str) -> str:
    """The address of Meta's Graph API, with its version at the end."""
    base = _base(env, name, "https://graph.facebook.com")
    return base if _VERSION.fullmatch(base.rpartition("/")[2]) else f"{base}/{_version(env)}"


def _version(env: Mapping[str, str]) -> str:
    given = (env.get("META_GRAPH_VERSION") or "").strip() or "v26.0"
    if not _VERSION.fullmatch(given):
        raise SettingError(f"META_GRAPH_VERSION is {given!r}, but it must be a version of the Graph API such as v26.0.")
    return given
