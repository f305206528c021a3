"""All settings, read once from the environment and refused early, in a sentence.

This is the only module besides `bot.engine.compat` that reads the environment. Everything else is handed
the frozen `Settings` object.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.channels.configuration import ChannelSettings
from bot.errors import SettingError

ROOT = Path(__file__).resolve().parent.parent

#: What SERVE may list: the chat API and pages; taking in what messengers send; answering it; the staff console.
PARTS = ("web", "webhooks", "workers", "staff")

_DATABASE = re.compile(r"(sqlite|postgresql(\+psycopg)?)://")
_REDIS = re.compile(r"rediss?://")
_BROKER = re.compile(r"amqps?://[^/\s]+")
_PREFIX = re.compile(r"[\w:.-]{1,60}$")
_CONTACT = re.compile(r"(tel:|mailto:|https:).+")
_HTTP = re.compile(r"https?://[^/\s]+")
#: Characters of a SECRET_KEY that nobody guesses.
_LONG_ENOUGH = 32
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True)
class Settings:
    """What an operator can choose; `Settings.read` says what each may be."""

    #: Folder for everything that is made at run time: database, keys, caches. Never in Git.
    var: Path
    #: SQLAlchemy address of the one database: articles, conversations, feedback.
    database_url: str
    #: Address of a Redis that all processes share; empty: each counts for itself.
    redis_url: str
    #: Folder of the trained Rasa models.
    models: Path
    #: Folder of the shipped data files.
    data: Path
    #: Address to listen on, and the port.
    host: str
    port: int
    #: The address that visitors use, without a slash at the end.
    public_url: str
    #: Master key; a key for each use is derived from it (bot.web.keys).
    secret_key: str
    #: The key before the last rotation, accepted for reading; empty when there was none.
    secret_key_previous: str
    #: URL of a remote action server; empty: actions run in process.
    action_endpoint: str
    #: Days that what people wrote is kept; 0: gone when the session ends.
    retention_days: int
    #: Origins of pages that may use the chat API, besides the bot's own.
    allowed_origins: tuple[str, ...]
    #: True lets pages without an origin (sandboxed frames) use the chat API.
    allow_null_origin: bool
    #: True lets search engines list articles that no clinician has reviewed yet.
    index_unreviewed: bool
    #: Who runs this bot, how to reach them (tel:, mailto: or https:), when, and their country (ISO 3166, two letters).
    operator_name: str
    operator_contact: str
    operator_hours: str
    operator_country: str
    #: Messages a minute that one session, and one network address, may send.
    session_limit: int
    address_limit: int
    #: Number of proxies in front whose X-Forwarded-For is believed.
    trusted_proxies: int
    #: Bearer token that /metrics asks for; empty: only requests from this machine itself are answered.
    metrics_token: str
    #: The staff console: on, off, or (None) on where only this machine can reach it, else once there is an admin.
    staff_console: bool | None = None
    #: What this process does of all that the bot does; all of it unless parts are to scale apart.
    serve: frozenset[str] = frozenset(PARTS)
    #: How log lines are written, "text" or "json", and from which level on our own are.
    log_format: str = "text"
    log_level: str = "warning"
    #: OpenTelemetry collector that traces are sent to (OTLP over HTTP); empty: there are none.
    traces: str = ""
    #: True: the start is refused where something is not fit for the public (bot.settings.unfit).
    production: bool = False
    #: RabbitMQ that events for other systems go to; empty: there are none.
    event_broker_url: str = ""
    #: What all our keys in that Redis begin with.
    redis_prefix: str = "evenkeel:"
    #: The messengers that are on.
    channels: ChannelSettings = field(default_factory=ChannelSettings)

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """The settings of `environment` (os.environ when None).

        Makes `var/` and the secret key where they do not exist yet.

        Raises:
            SettingError: a value cannot be used; the text names the setting, the value and what it may be.
        """
        env = os.environ if environment is None else environment
        var = Path(env.get("EVENKEEL_VAR") or ROOT / "var").resolve()
        var.mkdir(parents=True, exist_ok=True)
        port = _whole(env, "PORT", 8080, low=0, high=65535)
        settings = cls(
            var=var,
            database_url=_matching(
                env,
                "DATABASE_URL",
                f"sqlite:///{var / 'evenkeel.db'}",
                _DATABASE,
                "an address that begins with sqlite:// or postgresql://",
            ),
            redis_url=_matching(env, "REDIS_URL", "", _REDIS, "an address that begins with redis:// or rediss://"),
            models=Path(env.get("EVENKEEL_MODELS") or ROOT / "models"),
            data=Path(env.get("EVENKEEL_DATA") or ROOT / "data"),
            host=env.get("HOST", "127.0.0.1"),
            port=port,
            public_url=(env.get("PUBLIC_URL") or f"http://localhost:{port}").rstrip("/"),
            secret_key=env.get("SECRET_KEY") or _kept_key(var / "secret_key"),
            secret_key_previous=env.get("SECRET_KEY_PREVIOUS", ""),
            action_endpoint=env.get("ACTION_ENDPOINT", ""),
            retention_days=_whole(env, "RETENTION_DAYS", 30, low=0, high=3650),
            allowed_origins=tuple(_origins(env.get("ALLOWED_ORIGINS", ""))),
            allow_null_origin=_switch(env, "ALLOW_NULL_ORIGIN", False),
            index_unreviewed=_switch(env, "INDEX_UNREVIEWED", False),
            operator_name=env.get("OPERATOR_NAME", ""),
            operator_contact=_matching(
                env, "OPERATOR_CONTACT", "", _CONTACT, "an address that begins with tel:, mailto: or https:"
            ),
            operator_hours=env.get("OPERATOR_HOURS", ""),
            operator_country=_matching(
                env, "OPERATOR_COUNTRY", "", _COUNTRY, "a country code of two capital letters such as GB"
            ),
            session_limit=_whole(env, "SESSION_LIMIT", 30, low=1, high=100_000),
            address_limit=_whole(env, "ADDRESS_LIMIT", 120, low=1, high=1_000_000),
            trusted_proxies=_whole(env, "TRUSTED_PROXIES", 0, low=0, high=10),
            metrics_token=env.get("METRICS_TOKEN", ""),
            staff_console=_switch(env, "STAFF_CONSOLE", False) if env.get("STAFF_CONSOLE") else None,
            production=_switch(env, "PRODUCTION", False),
            serve=_parts(env.get("SERVE", "")),
            log_format=_one_of(env, "LOG_FORMAT", ("text", "json")),
            log_level=_one_of(env, "LOG_LEVEL", ("warning", "info", "debug", "error")),
            traces=_matching(env, "TRACES", "", _HTTP, "an address that begins with http:// or https://"),
            event_broker_url=_secret_address(env, "EVENT_BROKER_URL", _BROKER, "amqp:// or amqps:// and a host"),
            redis_prefix=_matching(env, "REDIS_PREFIX", "evenkeel:", _PREFIX, "letters, digits and : . _ - only"),
            channels=ChannelSettings.read(env),
        )
        if settings.production and (reasons := unfit(settings, env)):
            raise SettingError(f"PRODUCTION is on, but {'; '.join(reasons)}.")
        return settings

    @property
    def only_this_machine(self) -> bool:
        """Whether the server listens to this machine alone."""
        return self.host in ("127.0.0.1", "localhost", "::1")


def unfit(settings: Settings, env: Mapping[str, str]) -> list[str]:
    """What must not be offered to the public as it is set, each as half a sentence; empty: nothing."""
    reasons = []
    if len(env.get("SECRET_KEY", "")) < _LONG_ENOUGH:
        reasons.append(f"SECRET_KEY must be given, with at least {_LONG_ENOUGH} characters")
    if not settings.public_url.startswith("https://"):
        reasons.append(
            f"PUBLIC_URL is {settings.public_url!r}: it must begin with https://, or all can be read on the way"
        )
    elif not settings.trusted_proxies:
        reasons.append("TRUSTED_PROXIES is 0: all visitors would share one limit, that of the proxy that speaks https")
    if settings.staff_console and not settings.public_url.startswith("https://"):
        reasons.append("STAFF_CONSOLE is on without https: passwords could be read on the way")
    if settings.allow_null_origin:
        reasons.append("ALLOW_NULL_ORIGIN is on: any page can make itself one without an origin")
    if settings.metrics_token and len(settings.metrics_token) < 16:
        reasons.append("METRICS_TOKEN has fewer than 16 characters")
    return reasons


def _whole(env: Mapping[str, str], name: str, default: int, *, low: int, high: int) -> int:
    given = env.get(name, "")
    if not given:
        return default
    if not given.isdecimal() or not low <= int(given) <= high:
        raise SettingError(f"{name} is {given!r}, but it must be a whole number from {low} to {high}.")
    return int(given)


def _switch(env: Mapping[str, str], name: str, default: bool) -> bool:
    given = env.get(name, "").lower()
    if given in ("", "0", "1", "true", "false", "yes", "no", "on", "off"):
        return default if not given else given in ("1", "true", "yes", "on")
    raise SettingError(f"{name} is {given!r}, but it must be on or off.")


def _matching(env: Mapping[str, str], name: str, default: str, pattern: re.Pattern[str], may_be: str) -> str:
    given = env.get(name, "")
    if given and not pattern.match(given):
        raise SettingError(f"{name} is {given!r}, but it must be {may_be}.")
    return given or default


def _secret_address(env: Mapping[str, str], name: str, pattern: re.Pattern[str], begins_with: str) -> str:
    """As `_matching`, but what was given may hold a password and is not said."""
    given = env.get(name, "")
    if given and not pattern.match(given):
        raise SettingError(f"{name} must be an address that begins with {begins_with}.")
    return given


def _one_of(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """What was chosen; the first where nothing was."""
    given = env.get(name, "").lower() or choices[0]
    if given not in choices:
        raise SettingError(f"{name} is {given!r}, but it must be one of {', '.join(choices)}.")
    return given


def _parts(given: str) -> frozenset[str]:
    parts = frozenset(part.strip() for part in given.lower().split(",") if part.strip())
    if unknown := sorted(parts - set(PARTS)):
        raise SettingError(
            f"SERVE holds {unknown[0]!r}, but it may list {', '.join(PARTS)}; left out, it is all of them."
        )
    return parts or frozenset(PARTS)


def _origins(given: str) -> list[str]:
    origins = [origin.strip().rstrip("/") for origin in given.split(",") if origin.strip()]
    for origin in origins:
        if not re.fullmatch(r"https?://[^/\s*]+", origin):
            raise SettingError(
                f"ALLOWED_ORIGINS holds {origin!r}, but each origin must look like https://clinic.example,"
                " without a path or *."
            )
    return origins


def _kept_key(path: Path) -> str:
    """The key in `path`, made there (readable by the owner alone) when the file does not exist."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        key = secrets.token_urlsafe(48)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:  # another process made it meanwhile
            return path.read_text(encoding="ascii").strip()
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key)
        return key
