"""The store of passages as it will be once the drafts are published: for people who test, never for visitors."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from bot.articles.store import ArticleStore, Snapshot, embed, embed_missing, read_content
from bot.database.models import DRAFT, PUBLISHED, ContentVersion, PassageRevision, PassageRevisionSource

#: What of a draft can be seen in an answer or has a part in finding it.
_SEEN = ("title", "lead", "details", "questions", "aspects", "drugs", "facts", "general", "review_state", "review_due")


@dataclass(frozen=True)
class _Draft:
    """A draft as its vectors are made from it; `seen` is all that can change in it."""

    id: int
    passage: str
    title: str
    lead: str
    details: list[str]
    questions: list[str]
    seen: tuple[Any, ...]


class DraftStore(ArticleStore):
    """An `ArticleStore` in which the newest draft of a passage stands in the place of what is published.

    The vectors of drafts are made when they are read and kept in memory alone: a draft may still change.
    """

    def _read(self) -> Snapshot | None:
        drafts = _newest(self._engine)
        embed_missing(self._engine, self._encoder)
        made = embed(drafts, self._encoder) if drafts else []
        snapshot = read_content(self._engine, self._encoder, {d.passage: v for d, v in zip(drafts, made, strict=True)})
        return snapshot and replace(snapshot, version=_numbered(snapshot.version, drafts))

    def _stored_version(self) -> int:
        with self._engine.connect() as connection:
            version = connection.scalar(sa.select(ContentVersion.version)) or 0
        return _numbered(version, _newest(self._engine))


def _numbered(version: int, drafts: list[_Draft]) -> int:
    """A number that is another one whenever the content or a draft has changed."""
    return (version << 32) + zlib.crc32(repr([(draft.id, draft.seen) for draft in drafts]).encode())


def _newest(engine: sa.Engine) -> list[_Draft]:
    """The newest draft of each passage that is newer than what is published of it, in the order of passages."""
    r = PassageRevision
    published = dict[str, int]()
    with engine.connect() as connection:
        rows = {row.passage_id: row for row in connection.execute(_DRAFTS)}
        if rows:
            numbers = sa.select(r.passage_id, r.number).where(r.state == PUBLISHED, r.passage_id.in_(rows))
            published = {row.passage_id: row.number for row in connection.execute(numbers)}
        newer = [row for name, row in rows.items() if row.number > published.get(name, 0)]
        cited = connection.execute(
            sa.select(PassageRevisionSource.revision_id, PassageRevisionSource.source_id)
            .where(PassageRevisionSource.revision_id.in_([row.id for row in newer]))
            .order_by(PassageRevisionSource.revision_id, PassageRevisionSource.position)
        ).all()
    return [
        _Draft(
            row.id,
            row.passage_id,
            row.title,
            row.lead,
            row.details,
            row.questions or [row.title],  # one without a phrasing yet is found by its title
            (*(getattr(row, name) for name in _SEEN), [source for one, source in cited if one == row.id]),
        )
        for row in newer
    ]


#: All drafts; of one passage the newest comes last.
_DRAFTS = (
    sa.select(
        PassageRevision.id,
        PassageRevision.passage_id,
        PassageRevision.number,
        *(getattr(PassageRevision, name) for name in _SEEN),
    )
    .where(PassageRevision.state == DRAFT)
    .order_by(PassageRevision.passage_id, PassageRevision.number)
)
