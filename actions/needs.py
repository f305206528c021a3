"""What actions need, made when first asked for: the SDK imports every file here and builds every action itself.

Tests put their own in with `use`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from actions.wording import Responses, responses
from bot.articles.store import ArticleStore
from bot.language.reader import Reader, shared_reader
from bot.screen.help import Help
from bot.settings import Settings


@dataclass(frozen=True)
class Needs:
    """Store, reader, wording, safety replies and settings of this process."""

    settings: Settings
    store: ArticleStore
    reader: Reader
    words: Responses
    help: Help


@lru_cache(maxsize=1)
def _from_settings() -> Needs:
    from bot.database.engine import make_engine

    settings = Settings.read()
    reader = shared_reader(settings.data)
    store = ArticleStore(make_engine(settings.database_url), reader)
    return Needs(settings, store, reader, responses(settings.data / "responses"), Help(settings.data, settings))


_given: Needs | None = None


def use(needs: Needs | None) -> None:
    """Let actions use `needs` from now on; None goes back to those of the settings."""
    global _given
    _given = needs


def needs() -> Needs:
    """What actions of this process use."""
    return _given or _from_settings()
