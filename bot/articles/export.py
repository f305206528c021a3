"""Writes the database back to `data/articles/`, so that what staff changed can go into Git."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from bot.articles.load import section_of
from bot.articles.source_files import ArticleFile, ReviewState, Section, read_article, render_article
from bot.database.engine import read_transaction
from bot.database.models import PUBLISHED, Article, Passage, PassageRevision


@dataclass
class ExportReport:
    """Names of the files written and removed, and how many were the same already."""

    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    same: int = 0

    def lines(self) -> list[str]:
        """The report for a person."""
        counts = f"{len(self.written)} files written, {len(self.removed)} removed, {self.same} the same."
        return [
            counts,
            *(f"  written: {name}" for name in self.written),
            *(f"  removed: {name}" for name in self.removed),
        ]


def export(engine: sa.Engine, folder: Path) -> ExportReport:
    """Make the article files in `folder` say what is published in the database.

    A file that says it already is not touched, and in the others every passage that has not changed keeps its
    very bytes. A file whose passages are all retired is removed.

    Raises:
        ContentError: an existing file cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    existing = {path.stem: read_article(path) for path in sorted(folder.glob("*.md"))}
    report = ExportReport()
    articles = {article.id: article for article in stored_articles(engine)}
    for name, article in articles.items():
        if existing.get(name) == article:
            report.same += 1
            continue
        (folder / f"{name}.md").write_text(render_article(article, existing.get(name)), encoding="utf-8")
        report.written.append(f"{name}.md")
    for name in sorted(set(existing) - set(articles)):
        (folder / f"{name}.md").unlink()
        report.removed.append(f"{name}.md")
    return report


def stored_articles(engine: sa.Engine) -> list[ArticleFile]:
    """Every article with a published passage, as files would have them, in the order of their ids."""
    published = (
        sa.select(PassageRevision, Passage.article_id)
        .join(Passage, Passage.id == PassageRevision.passage_id)
        .where(PassageRevision.state == PUBLISHED)
        .order_by(Passage.article_id, Passage.position, Passage.id)
        .options(selectinload(PassageRevision.cited))
    )
    sections: dict[str, list[Section]] = {}
    with read_transaction(engine) as connection, Session(connection) as session:
        for revision, article in session.execute(published):
            sections.setdefault(article, []).append(section_of(revision))
        rows = session.scalars(sa.select(Article).order_by(Article.id)).all()
        return [
            ArticleFile(
                row.id,
                row.title,
                row.topic,
                ReviewState(row.review_state, row.review_on, row.review_by, row.review_due),
                tuple(sections[row.id]),
            )
            for row in rows
            if row.id in sections
        ]
