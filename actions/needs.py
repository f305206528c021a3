"""What actions need, made when first asked for: the SDK imports every file here and builds every action itself.

Tests put their own in with `use`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
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
#: For the turn that is being handled alone: other turns run at the same time.
_this_turn: ContextVar[Needs | None] = ContextVar("_this_turn", default=None)
#: What the drafts were laid over, and the needs with them.
_drafts: tuple[Needs, Needs] | None = None


def use(needs: Needs | None) -> None:
    """Let actions use `needs` from now on; None goes back to those of the settings."""
    global _given
    _given = needs


@contextmanager
def using(given: Needs) -> Iterator[None]:
    """Within it, actions that this task runs use `given`; those of other tasks go on as before."""
    token = _this_turn.set(given)
    try:
        yield
    finally:
        _this_turn.reset(token)


def with_drafts() -> Needs:
    """What actions use while drafts are tried: the same, but the store shows them. Kept until `drop_drafts`."""
    global _drafts
    if _drafts is None or _drafts[0] is not (_given or _from_settings()):
        given = _given or _from_settings()
        _drafts = given, replace(given, store=given.store.with_drafts())
    return _drafts[1]


def drop_drafts() -> None:
    """Give back the memory that trying drafts took."""
    global _drafts
    _drafts = None


def needs() -> Needs:
    """What actions of this process use."""
    return _this_turn.get() or _given or _from_settings()
