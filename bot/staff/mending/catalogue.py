"""Passages as the console lists and shows them: what is published, what is being written, and what was before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from bot.articles.check import phrasing_key
from bot.articles.load import section_of
from bot.articles.source_files import Section
from bot.database.mending import RevisionWork, Withdrawal
from bot.database.models import (
    DRAFT,
    PUBLISHED,
    RETIRED,
    Article,
    ContentVersion,
    Feedback,
    Passage,
    PassageRevision,
    Topic,
)
from bot.staff.mending.checks import Taken
from bot.staff.mending.health import ratings

_PAGE = 50
#: What a list of passages can be narrowed to.
STATES = {"published": "Published", "draft": "With a draft", "off": "Switched off", "retired": "Retired"}
#: How far a draft can be.
WORK = {
    "writing": "Being written",
    "waiting": "Waits for approval",
    "sent_back": "Sent back",
    "approved": "Approved, not published",
}


@dataclass(frozen=True)
class Listed:
    """A passage in the list. `state` is published, retired or new; `draft` how far its draft is, None without one."""

    id: str
    title: str
    topic: str
    article: str
    state: str
    off: bool
    review: str
    draft: str | None


@dataclass(frozen=True)
class Revision:
    """The words of a passage at one time, and what became of them; ratings are (helpful, not helpful)."""

    id: int
    number: int
    state: str
    section: Section
    created: datetime
    by_staff: bool
    authors: tuple[str, ...]
    why: str
    approver: str | None
    published: datetime | None
    review: tuple[str, str | None, str | None, str | None]
    rated: tuple[int, int]


@dataclass(frozen=True)
class Shown:
    """A passage with all of its revisions, the newest first. `off` says who switched it off and why."""

    id: str
    topic: str
    topic_title: str
    article: str
    article_title: str
    off: Withdrawn | None
    topic_off: Withdrawn | None
    revisions: tuple[Revision, ...]
    reasons: tuple[str, ...]

    @property
    def published(self) -> Revision | None:
        """What visitors see."""
        return next((one for one in self.revisions if one.state == PUBLISHED), None)

    @property
    def draft(self) -> Revision | None:
        """What is being written."""
        return next((one for one in self.revisions if one.state == DRAFT), None)


@dataclass(frozen=True)
class Withdrawn:
    """Who switched something off, when and why."""

    by: str
    at: datetime
    why: str


@dataclass(frozen=True)
class Work:
    """A draft in the list of drafts."""

    id: int
    passage: str
    title: str
    state: str
    authors: tuple[str, ...]
    changed: datetime
    why: str


@dataclass(frozen=True)
class TopicLine:
    """A topic with what is published under it."""

    name: str
    title: str
    passages: int
    off: Withdrawn | None


class Catalogue:
    """Reads it; every method blocks."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._taken: tuple[int, Taken] | None = None

    def passages(
        self, *, words: str = "", topic: str = "", state: str = "", after: str = ""
    ) -> tuple[list[Listed], str | None]:
        """Passages in the order of their ids, and the key of the next page.

        Args:
            words: a part of the title or the id; topic: its name; state: one of STATES.
            after: the id after which the page begins.
        """
        query = _LIST
        if words:
            some = f"%{_plain(words)}%"
            query = query.where(
                sa.or_(Passage.id.ilike(some, escape="\\"), PassageRevision.title.ilike(some, escape="\\"))
            )
        if topic:
            query = query.where(Article.topic == topic)
        if state == "published":
            query = query.where(PassageRevision.state == PUBLISHED)
        elif state == "retired":
            query = query.where(PassageRevision.state == RETIRED)
        elif state == "draft":
            query = query.where(_DRAFT_STATE.is_not(None))
        elif state == "off":
            query = query.where(_OFF)
        if after:
            query = query.where(Passage.id > after)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(Passage.id).limit(_PAGE + 1)).all()
        listed = [Listed(**row._mapping) for row in rows[:_PAGE]]
        return listed, listed[-1].id if len(rows) > _PAGE else None

    def passage(self, name: str) -> Shown | None:
        """One passage with everything that is known of it."""
        with self._engine.connect() as connection, Session(connection) as session:
            row = session.get(Passage, name)
            if row is None:
                return None
            revisions = sorted(row.revisions, key=lambda one: -one.number)
            works = {
                work.revision_id: work
                for work in session.scalars(
                    sa.select(RevisionWork).where(RevisionWork.revision_id.in_([one.id for one in revisions]))
                )
            }
            rated = ratings(self._engine, [one.id for one in revisions])
            published = [one.id for one in revisions if one.state == PUBLISHED]
            reasons = session.scalars(
                sa.select(Feedback.reason)
                .where(Feedback.revision_id.in_(published), Feedback.helpful.is_(False), Feedback.reason.is_not(None))
                .order_by(Feedback.id.desc())
                .limit(10)
            ).all()
            topic = session.get_one(Topic, row.article.topic)
            return Shown(
                row.id,
                topic.name,
                topic.title,
                row.article.id,
                row.article.title,
                _withdrawn(session, "passage", row.id),
                _withdrawn(session, "topic", topic.name),
                tuple(_revision(one, works.get(one.id), row.article, rated.get(one.id, (0, 0))) for one in revisions),
                tuple(reason for reason in reasons if reason),
            )

    def drafts(self, state: str = "", before: int | None = None) -> tuple[list[Work], int | None]:
        """What is being written, the newest first, and the key of the next page."""
        query = (
            sa.select(PassageRevision, RevisionWork)
            .join(RevisionWork, RevisionWork.revision_id == PassageRevision.id)
            .where(PassageRevision.state == DRAFT)
            .order_by(PassageRevision.id.desc())
        )
        if state:
            query = query.where(RevisionWork.state == state)
        if before is not None:
            query = query.where(PassageRevision.id < before)
        with self._engine.connect() as connection, Session(connection) as session:
            rows = session.execute(query.limit(_PAGE + 1)).all()
            found = [
                Work(r.id, r.passage_id, r.title, w.state, tuple(w.authors.values()), w.changed, w.why)
                for r, w in rows[:_PAGE]
            ]
        return found, found[-1].id if len(rows) > _PAGE else None

    def topics(self) -> list[TopicLine]:
        """All topics in the order of menus."""
        counts = (
            sa.select(Article.topic, sa.func.count().label("passages"))
            .join(Passage, Passage.article_id == Article.id)
            .join(PassageRevision, PassageRevision.passage_id == Passage.id)
            .where(PassageRevision.state == PUBLISHED)
            .group_by(Article.topic)
            .subquery()
        )
        query = (
            sa.select(Topic.name, Topic.title, counts.c.passages)
            .outerjoin(counts, counts.c.topic == Topic.name)
            .order_by(Topic.position)
        )
        with self._engine.connect() as connection, Session(connection) as session:
            return [
                TopicLine(row.name, row.title, row.passages or 0, _withdrawn(session, "topic", row.name))
                for row in session.execute(query)
            ]

    def articles(self) -> list[tuple[str, str, str]]:
        """Every article as (id, title, title of its topic), in the order of topics."""
        query = (
            sa.select(Article.id, Article.title, Topic.title.label("topic"))
            .join(Topic, Topic.name == Article.topic)
            .order_by(Topic.position, Article.title)
        )
        with self._engine.connect() as connection:
            return [(row.id, row.title, row.topic) for row in connection.execute(query)]

    def taken(self) -> Taken:
        """The phrasings and titles of everything that is published; read again when the content has changed."""
        with self._engine.connect() as connection:
            version = connection.scalar(sa.select(ContentVersion.version)) or 0
            if self._taken is None or self._taken[0] != version:
                columns = (PassageRevision.passage_id, PassageRevision.title, PassageRevision.questions)
                rows = connection.execute(sa.select(*columns).where(PassageRevision.state == PUBLISHED)).all()
                phrasings = {phrasing_key(question): row.passage_id for row in rows for question in row.questions}
                titles = {row.title.lower(): row.passage_id for row in rows}
                self._taken = version, Taken(phrasings, titles)
        return self._taken[1]


_OFF = sa.or_(
    sa.exists().where(Withdrawal.scope == "passage", Withdrawal.name == Passage.id),
    sa.exists().where(Withdrawal.scope == "topic", Withdrawal.name == Article.topic),
)
_other = aliased(PassageRevision)
#: How far the draft of a passage is.
_DRAFT_STATE = (
    sa.select(RevisionWork.state)
    .join(_other, _other.id == RevisionWork.revision_id)
    .where(_other.passage_id == Passage.id, _other.state == DRAFT)
    .limit(1)
    .scalar_subquery()
)
#: The revision that stands for a passage in a list: the published one, else the newest.
_NEWEST = (
    sa.select(_other.id)
    .where(_other.passage_id == Passage.id)
    .order_by((_other.state == PUBLISHED).desc(), _other.number.desc())
    .limit(1)
    .scalar_subquery()
)
_LIST: sa.Select[Any] = (
    sa.select(
        Passage.id,
        PassageRevision.title,
        Article.topic,
        Article.title.label("article"),
        PassageRevision.state,
        _OFF.label("off"),
        sa.func.coalesce(PassageRevision.review_state, Article.review_state).label("review"),
        _DRAFT_STATE.label("draft"),
    )
    .select_from(Passage)
    .join(PassageRevision, PassageRevision.id == _NEWEST)
    .join(Article, Article.id == Passage.article_id)
)


def _plain(words: str) -> str:
    """`words` as themselves in a LIKE."""
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _withdrawn(session: Session, scope: str, name: str) -> Withdrawn | None:
    row = session.get(Withdrawal, (scope, name))
    return Withdrawn(row.by, row.at, row.why) if row else None


def _revision(row: PassageRevision, work: RevisionWork | None, article: Article, rated: tuple[int, int]) -> Revision:
    own = row if row.review_state else article
    review = (str(own.review_state), own.review_on, own.review_by, own.review_due)
    return Revision(
        row.id,
        row.number,
        row.state,
        section_of(row),
        row.created,
        row.edited_by_staff,
        tuple(work.authors.values()) if work else (),
        work.why if work else "",
        work.approver_name if work else None,
        work.published if work else None,
        review,
        rated,
    )
