"""How the content is: what needs a person, by reason. Everything is read from the database; nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from bot.database.mending import MendingTheme, PassageUse, SourceCheck
from bot.database.models import (
    PUBLISHED,
    Article,
    Feedback,
    Passage,
    PassageRevision,
    PassageRevisionSource,
    Source,
    now,
)
from bot.staff.mending.links import STALE_AFTER

#: A passage that was not shown for this long is unused; one published since then cannot be.
UNUSED_AFTER = timedelta(days=90)
#: Fewer ratings say nothing; below this share of helpful ones a passage is badly rated.
ENOUGH_RATINGS, GOOD_SHARE = 5, 0.5
_SOON = timedelta(days=30)
#: Rows of a list on one page.
SHOWN = 50


@dataclass(frozen=True)
class Row:
    """A passage, source or theme that needs somebody: its id, its title and why."""

    id: str
    title: str
    why: str


@dataclass(frozen=True)
class Concern:
    """A reason to look at content, with how many rows have it and the first of them."""

    name: str
    title: str
    what: str
    kind: str
    count: int
    rows: tuple[Row, ...]


#: Name -> (title, what it means, what its rows are).
CONCERNS = {
    "due": ("Review is due", "A clinician has to read these again now or within 30 days.", "passage"),
    "never": ("Never reviewed", "No clinician has read these yet.", "passage"),
    "gaps": ("Questions without an answer", "People asked this and got no answer.", "theme"),
    "rated": (
        "Badly rated",
        f"At least {ENOUGH_RATINGS} people rated the words of today, and fewer than half found them helpful.",
        "passage",
    ),
    "unused": ("Not used", f"Nobody was shown these in the last {UNUSED_AFTER.days} days.", "passage"),
    "links": ("Links to look at", "The address has moved or gone, or refused our visit.", "source"),
    "unchecked": (
        "Links not checked",
        f"Nobody has visited these addresses for {STALE_AFTER.days} days. "
        "Where there is a network, python -m bot mending links does.",
        "source",
    ),
    "unofficial": ("Sources that are not official", "Cited, but not by a regulator, journal or health body.", "source"),
}


class Health:
    """Reads it; every method blocks."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def overview(self) -> list[Concern]:
        """Every concern with its count and its first rows."""
        return [self.concern(name, most=5) for name in CONCERNS]

    def concern(self, name: str, *, most: int = SHOWN, skip: int = 0) -> Concern:
        """One concern with `most` rows after the first `skip` (KeyError for one that there is not)."""
        title, what, kind = CONCERNS[name]
        query = _QUERIES[name]()
        with self._engine.connect() as connection:
            count = connection.scalar(sa.select(sa.func.count()).select_from(query.order_by(None).subquery())) or 0
            rows = connection.execute(query.limit(most).offset(skip)).all() if count else []
        return Concern(name, title, what, kind, count, tuple(_row(name, row) for row in rows))


def _row(name: str, row: Any) -> Row:
    if name == "due":
        why = f"due on {row.due}"
    elif name == "rated":
        why = f"{row.good} of {row.rated} found it helpful"
    elif name == "gaps":
        why = f"asked {row.items} times, {row.waiting} not answered yet"
    elif name == "links":
        why = (
            f"{row.found}{f', now at {row.moved_to}' if row.moved_to else ''}{f' ({row.status})' if row.status else ''}"
        )
    elif name == "unchecked":
        why = "never visited" if row.at is None else f"last visited {row.at.date().isoformat()}"
    elif name == "unofficial":
        why = f"cited by {row.cited} passages"
    else:
        why = row.article
    return Row(str(row.id), row.title, why)


def _passages(*more: Any) -> sa.Select[Any]:
    """Everything published: passage, title, article, and when its review is due."""
    due = sa.case((PassageRevision.review_state.is_not(None), PassageRevision.review_due), else_=Article.review_due)
    state = sa.func.coalesce(PassageRevision.review_state, Article.review_state)
    return (
        sa.select(
            Passage.id,
            PassageRevision.title,
            Article.title.label("article"),
            due.label("due"),
            state.label("review"),
            *more,
        )
        .join(PassageRevision, sa.and_(PassageRevision.passage_id == Passage.id, PassageRevision.state == PUBLISHED))
        .join(Article, Article.id == Passage.article_id)
    )


def _due() -> sa.Select[Any]:
    query = _passages().order_by(sa.text("due"), Passage.id)
    columns = query.selected_columns
    until = (now() + _SOON).date().isoformat()
    return query.where(columns.review == "reviewed", columns.due <= until)


def _never() -> sa.Select[Any]:
    query = _passages().order_by(Passage.id)
    return query.where(query.selected_columns.review == "unreviewed")


def _unused() -> sa.Select[Any]:
    since = now() - UNUSED_AFTER
    shown = sa.exists().where(PassageUse.passage_id == Passage.id, PassageUse.day >= since.date().isoformat())
    return _passages().where(~shown, PassageRevision.created < since).order_by(Passage.id)


def _rated() -> sa.Select[Any]:
    good = sa.func.sum(sa.case((Feedback.helpful, 1), else_=0))
    rated = (
        sa.select(Feedback.revision_id, sa.func.count().label("rated"), good.label("good"))
        .where(Feedback.revision_id.is_not(None))
        .group_by(Feedback.revision_id)
        .having(sa.func.count() >= ENOUGH_RATINGS, good < GOOD_SHARE * sa.func.count())
        .subquery()
    )
    query = _passages(rated.c.rated, rated.c.good).join(rated, rated.c.revision_id == PassageRevision.id)
    return query.order_by(rated.c.rated.desc(), Passage.id)


def _gaps() -> sa.Select[Any]:
    t = MendingTheme
    columns: tuple[Any, ...] = (t.id, t.name.label("title"), t.items, t.waiting)
    return sa.select(*columns).where(t.kind == "gap", t.waiting > 0).order_by(t.waiting.desc(), t.id)


def _cited() -> sa.Select[Any]:
    """Every source that something published cites, and by how many passages."""
    cited = (
        sa.select(PassageRevisionSource.source_id, sa.func.count().label("cited"))
        .join(PassageRevision, PassageRevision.id == PassageRevisionSource.revision_id)
        .where(PassageRevision.state == PUBLISHED)
        .group_by(PassageRevisionSource.source_id)
        .subquery()
    )
    columns = (Source.id, Source.title, cited.c.cited, SourceCheck.at, SourceCheck.found, SourceCheck.status)
    return (
        sa.select(*columns, SourceCheck.moved_to)
        .join(cited, cited.c.source_id == Source.id)
        .outerjoin(SourceCheck, sa.and_(SourceCheck.source_id == Source.id, SourceCheck.url == Source.url))
        .order_by(cited.c.cited.desc(), Source.id)
    )


def _links() -> sa.Select[Any]:
    return _cited().where(SourceCheck.found.in_(["moved", "gone", "refused", "unreachable"]))


def _unchecked() -> sa.Select[Any]:
    stale = sa.or_(SourceCheck.at.is_(None), SourceCheck.at < now() - STALE_AFTER)
    return _cited().where(Source.url.is_not(None), stale)


def _unofficial() -> sa.Select[Any]:
    return _cited().where(Source.official.is_(False))


_QUERIES = {
    "due": _due,
    "never": _never,
    "gaps": _gaps,
    "rated": _rated,
    "unused": _unused,
    "links": _links,
    "unchecked": _unchecked,
    "unofficial": _unofficial,
}


def ratings(engine: sa.Engine, revisions: Sequence[int]) -> dict[int, tuple[int, int]]:
    """What people thought of each of these revisions: (helpful, not helpful)."""
    query = (
        sa.select(Feedback.revision_id, Feedback.helpful, sa.func.count())
        .where(Feedback.revision_id.in_(list(revisions)))
        .group_by(Feedback.revision_id, Feedback.helpful)
    )
    found: dict[int, tuple[int, int]] = {}
    with engine.connect() as connection:
        rows: Sequence[Any] = connection.execute(query).all()
        for revision, helpful, number in rows:
            good, bad = found.get(revision, (0, 0))
            found[revision] = (good + number, bad) if helpful else (good, bad + number)
    return found
