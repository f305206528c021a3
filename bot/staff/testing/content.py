"""What is published, as far as the pages about tests need it: read from the database, a page's worth at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.database.models import PUBLISHED, Article, ContentVersion, Passage, PassageRevision, Topic


@dataclass(frozen=True)
class Listed:
    """A published passage in a list. `example`: one way of asking for it."""

    id: str
    title: str
    topic: str
    example: str


def topics(engine: sa.Engine) -> dict[str, str]:
    """Name and title of every topic, in the order of menus."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(Topic.name, Topic.title).order_by(Topic.position)).all()
    return {row.name: row.title for row in rows}


def titles(engine: sa.Engine, passages: Iterable[str]) -> dict[str, str]:
    """The titles of these passages: of the newest revision, since a draft may be what is tried."""
    wanted = list(passages)
    if not wanted:
        return {}
    r = PassageRevision
    query = sa.select(r.passage_id, r.title).where(r.passage_id.in_(wanted)).order_by(r.number)
    with engine.connect() as connection:
        return {row.passage_id: row.title for row in connection.execute(query)}


def counted(engine: sa.Engine, among: Collection[str] | None = None) -> dict[str, int]:
    """How many published passages each topic has, in no order; of those `among` some alone where they are given."""
    query = _published(Article.topic, sa.func.count().label("number")).group_by(Article.topic)
    if among is not None:
        query = query.where(PassageRevision.passage_id.in_(among))
    with engine.connect() as connection:
        return {row.topic: row.number for row in connection.execute(query)}


def without(engine: sa.Engine, seen: Collection[str], topic: str, after: str, most: int) -> list[Listed]:
    """The first `most` published passages that are not `seen`, of a topic (of all: ""), whose ids come after one."""
    r = PassageRevision
    query = _published(r.passage_id, r.title, Article.topic, r.questions)
    query = query.where(r.passage_id.not_in(seen), r.passage_id > after)
    if topic:
        query = query.where(Article.topic == topic)
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(r.passage_id).limit(most)).all()
    return [Listed(row.passage_id, row.title, row.topic, next(iter(row.questions), row.title)) for row in rows]


def version(engine: sa.Engine) -> int:
    """The version of the content."""
    with engine.connect() as connection:
        return connection.scalar(sa.select(ContentVersion.version)) or 0


def _published(*columns: Any) -> Any:
    return (
        sa.select(*columns)
        .select_from(PassageRevision)
        .join(Passage, Passage.id == PassageRevision.passage_id)
        .join(Article, Article.id == Passage.article_id)
        .where(PassageRevision.state == PUBLISHED)
    )
