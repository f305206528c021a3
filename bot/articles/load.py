"""Takes the shipped content into the database, in one transaction, and leaves alone what staff changed there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from bot.articles.drugs import write_lexicon
from bot.articles.source_files import (
    ArticleFile,
    Content,
    ReviewState,
    Section,
    content_hash,
    head_hash,
    read_content,
    section_hash,
)
from bot.database.engine import write_transaction
from bot.database.models import (
    PUBLISHED,
    RETIRED,
    Article,
    ContentVersion,
    Embedding,
    Passage,
    PassageRevision,
    PassageRevisionSource,
    Source,
    Topic,
)


@dataclass
class LoadReport:
    """What a load did, by passage id (article ids begin with `article `)."""

    #: The content version after it.
    version: int = 0
    #: The files are the same as at the last load: nothing was looked at.
    same_files: bool = False
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    #: Changed by staff and not in the file: left as it is.
    kept: list[str] = field(default_factory=list)
    #: Changed by staff and in the file too: left as it is, somebody has to choose.
    conflicts: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The report for a person."""
        if self.same_files:
            return [f"The files are the same as at the last load (content version {self.version})."]
        counts = [f"{len(getattr(self, kind))} {kind}" for kind in ("added", "changed", "retired", "unchanged")]
        lines = [f"{', '.join(counts)}; content version {self.version}."]
        lines += [f"  kept, changed by staff: {name}" for name in self.kept]
        lines += [f"  kept, changed by staff, but the file has changed too: {name}" for name in self.conflicts]
        return lines


def load(engine: sa.Engine, data: Path, *, force: bool = False) -> LoadReport:
    """Make the database say what the files under `data` say. Twice is the same as once.

    A passage that staff edited, made or retired is left as it is and reported. A passage that is in no file any
    more is retired. With the same files as last time nothing is read, unless `force`.

    Raises:
        ContentError: a file is wrong; the database has not been touched.
    """
    files = content_hash(data)
    if not force:
        with engine.connect() as connection:
            row = connection.execute(sa.select(ContentVersion.version, ContentVersion.loaded_hash)).first()
        if row and row.loaded_hash == files:
            return LoadReport(version=row.version, same_files=True)
    content = read_content(data)
    with write_transaction(engine) as connection, Session(connection) as session:
        report = _Loader(session, content).run(files)
        session.commit()
    return report


class _Loader:
    """One load: the rows, the files, and the report as it grows."""

    def __init__(self, session: Session, content: Content) -> None:
        self.session, self.content, self.report = session, content, LoadReport()
        self.dirty = False

    def run(self, files: str) -> LoadReport:
        self._topics()
        self._sources()
        self._drugs()
        self.session.flush()
        for article in self.content.articles:
            self._article(article)
        self._passages()
        self.session.flush()
        published = sa.select(PassageRevision.id).where(PassageRevision.state == PUBLISHED)
        self.session.execute(sa.delete(Embedding).where(Embedding.revision_id.not_in(published)))
        self.report.version = _bump(self.session, files, changed=self.dirty)
        return self.report

    def _set(self, row: object, **values: object) -> bool:
        """Set what differs; True when something did."""
        differing = {key: value for key, value in values.items() if getattr(row, key) != value}
        for key, value in differing.items():
            setattr(row, key, value)
        self.dirty = self.dirty or bool(differing)
        return bool(differing)

    def _add(self, row: object) -> None:
        self.session.add(row)
        self.dirty = True

    def _topics(self) -> None:
        known = {row.name: row for row in self.session.scalars(sa.select(Topic))}
        for position, topic in enumerate(self.content.topics.values()):
            values = {"position": position, "title": topic.title, "aspects": dict(topic.aspects)}
            if topic.name not in known:
                self._add(Topic(name=topic.name, **values))
            else:
                row = known[topic.name]
                if list(row.aspects) != list(topic.aspects):
                    row.aspects, self.dirty = dict(topic.aspects), True
                    flag_modified(row, "aspects")  # equal but for the order is a change here
                self._set(row, **values)

    def _sources(self) -> None:
        known = {row.id: row for row in self.session.scalars(sa.select(Source))}
        for entry in self.content.sources.values():
            values = {
                "title": entry.title,
                "publisher": entry.publisher,
                "year": entry.year,
                "url": entry.url,
                "seen": list(entry.seen),
                "official": entry.official,
                "why": entry.why,
            }
            if entry.id in known:
                self._set(known[entry.id], **values)
            else:
                self._add(Source(id=entry.id, **values))

    def _drugs(self) -> None:
        self.dirty = write_lexicon(self.session, self.content.drugs) or self.dirty

    def _article(self, article: ArticleFile) -> None:
        row = self.session.get(Article, article.id)
        found, review = head_hash(article), article.review
        values = {
            "title": article.title,
            "topic": article.topic,
            "review_state": review.state,
            "review_on": review.on,
            "review_by": review.by,
            "review_due": review.due,
        }
        if row is None:
            self._add(Article(id=article.id, shipped_hash=found, edited_by_staff=False, **values))
        elif row.edited_by_staff and any(getattr(row, key) != value for key, value in values.items()):
            (self.report.kept if row.shipped_hash == found else self.report.conflicts).append(f"article {article.id}")
        else:
            self._set(row, shipped_hash=found, edited_by_staff=False, **values)

    def _passages(self) -> None:
        latest = _latest_revisions(self.session)
        rows = {row.id: row for row in self.session.scalars(sa.select(Passage))}
        in_files = set()
        for article in self.content.articles:
            for position, section in enumerate(article.sections):
                in_files.add(section.id)
                if section.id not in rows:
                    self._add(Passage(id=section.id, article_id=article.id, position=position))
                    self.session.flush()
                    self._publish(section, None)
                    self.report.added.append(section.id)
                else:
                    self._set(rows[section.id], article_id=article.id, position=position)
                    self._section(section, latest.get(section.id))
        for passage in sorted(set(rows) - in_files):
            self._absent(passage, latest.get(passage))

    def _section(self, section: Section, revision: PassageRevision | None) -> None:
        """A passage that is both in a file and in the database; `revision` is None where staff only drafted it."""
        found = section_hash(section, self.content.general(section))
        if revision is None:
            self._publish(section, None)
            self.report.added.append(section.id)
        elif revision.edited_by_staff:
            if revision.state == PUBLISHED and self._says(revision, section):
                self._set(revision, shipped_hash=found, edited_by_staff=False)  # exported and committed meanwhile
                self.report.unchanged.append(section.id)
            else:
                (self.report.kept if revision.shipped_hash == found else self.report.conflicts).append(section.id)
        elif revision.shipped_hash != found:
            self._publish(section, revision)
            self.report.changed.append(section.id)
        elif revision.state == RETIRED:
            self._set(revision, state=PUBLISHED)
            self.report.added.append(section.id)
        else:
            self.report.unchanged.append(section.id)

    def _absent(self, passage: str, revision: PassageRevision | None) -> None:
        """A passage that is in the database alone."""
        if revision is None or revision.state == RETIRED:
            return
        if revision.edited_by_staff:
            (self.report.kept if revision.shipped_hash is None else self.report.conflicts).append(passage)
        else:
            self._set(revision, state=RETIRED)
            self.report.retired.append(passage)

    def _publish(self, section: Section, before: PassageRevision | None) -> None:
        general = self.content.general(section)
        if before is not None:
            before.state = RETIRED
            self.session.flush()  # at most one revision may be published at any time
        review = section.review or ReviewState(state="")
        self._add(
            PassageRevision(
                passage_id=section.id,
                number=_next_number(self.session, section.id),
                state=PUBLISHED,
                title=section.title,
                lead=section.lead,
                details=list(section.details),
                aspects=list(section.aspects),
                drugs=list(section.drugs),
                questions=list(section.questions),
                facts=list(section.facts),
                general=general,
                review_state=review.state or None,
                review_on=review.on,
                review_by=review.by,
                review_due=review.due,
                shipped_hash=section_hash(section, general),
                edited_by_staff=False,
                cited=[PassageRevisionSource(position=i, source_id=source) for i, source in enumerate(section.sources)],
            )
        )

    def _says(self, revision: PassageRevision, section: Section) -> bool:
        return section_of(revision) == section


def section_of(revision: PassageRevision) -> Section:
    """The revision as a section of a file."""
    review = None
    if revision.review_state:
        review = ReviewState(revision.review_state, revision.review_on, revision.review_by, revision.review_due)
    return Section(
        id=revision.passage_id,
        title=revision.title,
        aspects=tuple(revision.aspects),
        drugs=tuple(revision.drugs),
        facts=tuple(revision.facts),
        sources=tuple(cited.source_id for cited in revision.cited),
        questions=tuple(revision.questions),
        lead=revision.lead,
        details=tuple(revision.details),
        review=review,
    )


def _latest_revisions(session: Session) -> dict[str, PassageRevision]:
    """The revision of each passage that counts: the published one, else the newest that is not a draft."""
    found: dict[str, PassageRevision] = {}
    ordered = (
        sa.select(PassageRevision)
        .where(PassageRevision.state.in_([PUBLISHED, RETIRED]))
        .order_by(PassageRevision.number)
    )
    for revision in session.scalars(ordered):
        if revision.passage_id not in found or found[revision.passage_id].state != PUBLISHED:
            found[revision.passage_id] = revision
    return found


def _next_number(session: Session, passage: str) -> int:
    most = session.scalar(sa.select(sa.func.max(PassageRevision.number)).where(PassageRevision.passage_id == passage))
    return (most or 0) + 1


def _bump(session: Session, files: str, *, changed: bool) -> int:
    row = session.get(ContentVersion, 1)
    if row is None:
        session.add(ContentVersion(id=1, version=1, loaded_hash=files))
        return 1
    row.version, row.loaded_hash = row.version + int(changed), files
    return row.version


def bump_version(session: Session) -> int:
    """Say that content has changed, so that every process reads it again; for editors. Returns the new version."""
    row = session.get(ContentVersion, 1, with_for_update=True)
    if row is None:
        row = ContentVersion(id=1, version=0, loaded_hash=None)
        session.add(row)
    row.version += 1
    return row.version
