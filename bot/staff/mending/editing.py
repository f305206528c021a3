"""Passages from draft to published and back: every change is a revision, and nobody approves their own.

    writing -> waiting -> approved -> published
                  \\-> sent_back -> writing

Words reach visitors by `publish` (approved by a clinician who wrote none of it), `roll_back` (published before) and
`add_phrasing` (a way of asking, which nobody is shown). `articles load` never overwrites any of them: each revision
is marked as the staff's and keeps the mark of the file that it was made from. Every function is one transaction,
writes into the log of the console, and belongs into a thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.articles.load import bump_version, section_of
from bot.articles.source_files import Section
from bot.database.engine import write_transaction
from bot.database.mending import RevisionWork, Withdrawal
from bot.database.models import (
    DRAFT,
    PUBLISHED,
    RETIRED,
    Article,
    Embedding,
    Passage,
    PassageRevision,
    PassageRevisionSource,
    Topic,
    now,
)
from bot.errors import EvenkeelError
from bot.staff.audit import write_audit
from bot.staff.mending.checks import Checker, is_id
from bot.staff.roles import Account, Role

#: When a reviewed passage is to be read again, where the clinician says nothing else.
REVIEW_AFTER = timedelta(days=182)


class NotPossible(EvenkeelError):
    """Something that cannot be done with a passage as it is; a sentence for a person."""


@dataclass(frozen=True)
class Draft:
    """A revision that is not published yet.

    Attributes:
        id: of the revision; section: its words; topic, article: where it stands.
        state: writing, waiting, sent_back or approved; version: changes with every saving.
        based_on: the revision that was published when it was begun; current: the one that is published now.
        authors: names by account id.
    """

    id: int
    section: Section
    topic: str
    article: str
    state: str
    version: str
    based_on: int | None
    current: int | None
    authors: Mapping[str, str]
    why: str
    answer: str
    approver_name: str | None
    approved: datetime | None

    @property
    def outdated(self) -> bool:
        """Whether something else was published since it was begun."""
        return self.based_on != self.current

    def written_by(self, staff: Account) -> bool:
        """Whether `staff` had a hand in it."""
        return str(staff.id) in self.authors


class Editing:
    """Changes passages in the database."""

    def __init__(self, engine: sa.Engine, checker: Checker) -> None:
        self._engine, self._checker = engine, checker

    # -- drafts ------------------------------------------------------------------------------------------------

    def draft(self, revision: int) -> Draft | None:
        """The draft with this number; None where it has been published or thrown away."""
        with self._engine.connect() as connection, Session(connection) as session:
            row = session.get(PassageRevision, revision)
            work = session.get(RevisionWork, revision)
            if row is None or work is None or row.state != DRAFT:
                return None
            article = row.passage.article
            return Draft(
                row.id,
                section_of(row),
                article.topic,
                article.id,
                work.state,
                work.changed.isoformat(),
                work.based_on,
                _published_id(session, row.passage_id),
                dict(work.authors),
                work.why,
                work.answer,
                work.approver_name,
                work.approved,
            )

    def begin(self, staff: Account, passage: str) -> int:
        """The number of the open draft of `passage`: the one that is there, or a new one with the words of today.

        Raises:
            NotPossible: there is no such passage.
        """
        with write_transaction(self._engine) as connection, Session(connection) as session:
            there = session.scalar(
                sa.select(PassageRevision.id)
                .join(RevisionWork, RevisionWork.revision_id == PassageRevision.id)
                .where(PassageRevision.passage_id == passage, PassageRevision.state == DRAFT)
            )
            if there is not None:
                return int(there)
            row = _copy(session, _latest(session, passage))
            session.add(row)
            session.flush()
            _work(session, row, staff, based_on=_published_id(session, passage))
            write_audit(connection, staff, "began a draft", f"passage {passage}", f"revision {row.number}")
            session.commit()
            return row.id

    def begin_new(self, staff: Account, passage: str, article: str, title: str, questions: tuple[str, ...] = ()) -> int:
        """The number of the first draft of a new passage in `article`.

        Raises:
            NotPossible: the id cannot be used or is taken, or there is no such article.
        """
        if not is_id(passage):
            raise NotPossible("The short name must be small letters, digits and single hyphens.")
        with write_transaction(self._engine) as connection, Session(connection) as session:
            if session.get(Article, article) is None:
                raise NotPossible("There is no such article.")
            if session.get(Passage, passage) is not None:
                raise NotPossible(f"The short name {passage} is taken. Please choose another one.")
            last = session.scalar(sa.select(sa.func.max(Passage.position)).where(Passage.article_id == article))
            session.add(Passage(id=passage, article_id=article, position=(last if last is not None else -1) + 1))
            session.flush()
            empty = Section(passage, title, (), (), (), (), questions, "", ())
            row = _row(empty, number=1)
            session.add(row)
            session.flush()
            _work(session, row, staff, based_on=None)
            write_audit(connection, staff, "began a draft", f"passage {passage}", "a new passage")
            session.commit()
            return row.id

    def save(self, staff: Account, draft: Draft, section: Section, why: str) -> None:
        """Keep new words. Whoever saves is an author from now on; an approval of other words is gone.

        Raises:
            NotPossible: somebody else has saved it since `draft` was read, or it is published.
        """
        with write_transaction(self._engine) as connection, Session(connection) as session:
            row, work = self._same(session, draft)
            for name, value in _words(section).items():
                setattr(row, name, value)
            row.general = self._checker.general(section)
            row.cited.clear()
            session.flush()
            row.cited.extend(_cited(section))
            work.authors = {**work.authors, str(staff.id): staff.name}
            work.why, work.state, work.changed = why[:1000], "writing", now()
            work.approver = work.approver_name = work.approved = None
            row.review_state = row.review_on = row.review_by = row.review_due = None
            write_audit(connection, staff, "saved a draft", f"passage {row.passage_id}", f"revision {row.number}")
            session.commit()

    def throw_away(self, staff: Account, draft: Draft) -> None:
        """Delete a draft; a passage that has nothing else goes with it. Raises NotPossible as `save`."""
        with write_transaction(self._engine) as connection, Session(connection) as session:
            row, work = self._same(session, draft)
            passage = row.passage
            write_audit(connection, staff, "threw a draft away", f"passage {passage.id}", f"revision {row.number}")
            session.delete(work)
            session.flush()
            session.delete(row)
            session.flush()
            if not session.scalar(sa.select(sa.func.count()).where(PassageRevision.passage_id == passage.id)):
                session.expire(passage)
                session.delete(passage)
            session.commit()

    def send(self, staff: Account, draft: Draft) -> None:
        """Ask for approval. Raises NotPossible as `save`."""
        self._move(staff, draft, "waiting", "asked for approval")

    def send_back(self, staff: Account, draft: Draft, answer: str) -> None:
        """Say what has to change. Raises NotPossible as `save`."""
        self._move(staff, draft, "sent_back", "sent a draft back", answer=answer[:1000])

    def approve(self, staff: Account, draft: Draft, due: date | None = None) -> None:
        """Stand behind the words: from their publication on the answer names `staff` and today.

        Args:
            due: when it is to be read again.

        Raises:
            NotPossible: `staff` is no clinician or wrote some of it, or it does not wait for approval; as `save`.
        """
        if Role.clinician not in staff.roles:
            raise NotPossible("Only a clinician may approve medical text.")
        today = now().date()
        with write_transaction(self._engine) as connection, Session(connection) as session:
            row, work = self._same(session, draft)
            if str(staff.id) in work.authors:
                raise NotPossible("You wrote some of this, so somebody else must approve it.")
            if work.state != "waiting":
                raise NotPossible("Nobody has asked for approval of this draft.")
            row.review_state, row.review_on, row.review_by = "reviewed", today.isoformat(), staff.name
            row.review_due = (due or today + REVIEW_AFTER).isoformat()
            work.state, work.changed = "approved", now()
            work.approver, work.approver_name, work.approved = staff.id, staff.name, now()
            write_audit(connection, staff, "approved", f"passage {row.passage_id}", f"revision {row.number}")
            session.commit()

    def publish(self, staff: Account, draft: Draft) -> int:
        """Let visitors have an approved draft; the new content version.

        Raises:
            NotPossible: it is not approved, or something else was published since it was begun; as `save`.
        """
        with write_transaction(self._engine) as connection, Session(connection) as session:
            row, work = self._same(session, draft)
            if work.state != "approved":
                raise NotPossible("A clinician has to approve this first.")
            if work.based_on != _published_id(session, row.passage_id):
                raise NotPossible("Other words were published since this was begun. Please begin from those.")
            _put_in_place(session, row)
            work.state, work.published, work.publisher_name = "published", now(), staff.name
            write_audit(connection, staff, "published", f"passage {row.passage_id}", f"revision {row.number}")
            version = bump_version(session)
            session.commit()
            return version

    # -- what is published -------------------------------------------------------------------------------------

    def roll_back(self, staff: Account, passage: str, revision: int, why: str) -> int:
        """Publish the words of an earlier revision again, as a new one with the review it had; the content version.

        Raises:
            NotPossible: that revision was never published, or is now.
        """
        with write_transaction(self._engine) as connection, Session(connection) as session:
            old = session.get(PassageRevision, revision)
            if old is None or old.passage_id != passage or old.state != RETIRED:
                raise NotPossible("Only words that were published before can be brought back.")
            row = _copy(session, old)
            row.shipped_hash = _latest(session, passage).shipped_hash
            self._at_once(session, row, staff, why)
            write_audit(connection, staff, "rolled back", f"passage {passage}", f"to revision {old.number}: {why}")
            version = bump_version(session)
            session.commit()
            return version

    def add_phrasing(self, session: Session, staff: Account, passage: str, text: str, author: Mapping[str, str]) -> int:
        """Let a passage be found by another way of asking (no commit); the content version. Its review stays.

        Raises:
            NotPossible: nothing of the passage is published, or it has this phrasing.
        """
        current = session.scalar(_published(passage))
        if current is None:
            raise NotPossible("That passage is not published.")
        if text.lower() in (question.lower() for question in current.questions):
            raise NotPossible("The passage is found by these words already.")
        row = _copy(session, current)
        row.questions = [*row.questions, text]
        begun = sa.select(RevisionWork).where(RevisionWork.based_on == current.id, RevisionWork.state != "published")
        drafts = session.scalars(begun).all()
        self._at_once(session, row, staff, "a way of asking", authors=author)
        for number, work in enumerate(drafts, row.number + 1):  # they would take the new way of asking away again
            draft = session.get_one(PassageRevision, work.revision_id)
            draft.number = number
            draft.questions = [*draft.questions, text]
            work.based_on = row.id
        return bump_version(session)

    def retire(self, staff: Account, passage: str, why: str) -> int:
        """Take a passage away for good, as if it had never been there; the content version.

        Raises:
            NotPossible: nothing of it is published.
        """
        with write_transaction(self._engine) as connection, Session(connection) as session:
            current = session.scalar(_published(passage))
            if current is None:
                raise NotPossible("That passage is not published.")
            current.state, current.edited_by_staff = RETIRED, True
            _forget_vectors(session, current.id)
            write_audit(connection, staff, "retired", f"passage {passage}", why)
            version = bump_version(session)
            session.commit()
            return version

    def switch(self, staff: Account, scope: str, name: str, why: str, *, off: bool) -> int:
        """Stop or begin again to show a passage, or all of a topic, at once; the content version.

        Args:
            scope: "passage" or "topic".

        Raises:
            NotPossible: there is no such passage or topic.
        """
        table: Any = Passage if scope == "passage" else Topic
        with write_transaction(self._engine) as connection, Session(connection) as session:
            if session.get(table, name) is None:
                raise NotPossible(f"There is no such {scope}.")
            there = session.get(Withdrawal, (scope, name))
            if off and there is None:
                session.add(Withdrawal(scope=scope, name=name, by=staff.name, why=why[:500]))
            elif not off and there is not None:
                session.delete(there)
            write_audit(connection, staff, "switched off" if off else "switched on", f"{scope} {name}", why)
            version = bump_version(session)
            session.commit()
            return version

    # -- steps -------------------------------------------------------------------------------------------------

    def _same(self, session: Session, draft: Draft) -> tuple[PassageRevision, RevisionWork]:
        row, work = session.get(PassageRevision, draft.id), session.get(RevisionWork, draft.id)
        if row is None or work is None or row.state != DRAFT:
            raise NotPossible("This draft has been published or thrown away meanwhile.")
        if work.changed.isoformat() != draft.version:
            raise NotPossible("Somebody else has changed this draft meanwhile. Please look at it again.")
        return row, work

    def _move(self, staff: Account, draft: Draft, state: str, verb: str, answer: str = "") -> None:
        with write_transaction(self._engine) as connection, Session(connection) as session:
            row, work = self._same(session, draft)
            work.state, work.answer, work.changed = state, answer, now()
            if state == "sent_back":
                work.approver = work.approver_name = work.approved = None
            write_audit(connection, staff, verb, f"passage {row.passage_id}", f"revision {row.number}")
            session.commit()

    def _at_once(
        self, session: Session, row: PassageRevision, staff: Account, why: str, authors: Mapping[str, str] | None = None
    ) -> None:
        """Publish a row that needs no approval: its words had theirs."""
        session.add(row)
        session.flush()
        work = _work(session, row, staff, based_on=_published_id(session, row.passage_id))
        work.authors = dict(authors or {str(staff.id): staff.name})
        work.why, work.state, work.published, work.publisher_name = why[:1000], "published", now(), staff.name
        _put_in_place(session, row)


def _published(passage: str) -> sa.Select[Any]:
    return sa.select(PassageRevision).where(PassageRevision.passage_id == passage, PassageRevision.state == PUBLISHED)


def _published_id(session: Session, passage: str) -> int | None:
    row = session.scalar(_published(passage))
    return row.id if row else None


def _latest(session: Session, passage: str) -> PassageRevision:
    """The published revision, else the newest that was."""
    row = session.scalar(_published(passage)) or session.scalar(
        sa.select(PassageRevision)
        .where(PassageRevision.passage_id == passage, PassageRevision.state == RETIRED)
        .order_by(PassageRevision.number.desc())
        .limit(1)
    )
    if row is None:
        raise NotPossible("There is no such passage, or nothing of it was ever published.")
    return row


def _words(section: Section) -> dict[str, Any]:
    """The columns of a revision that hold its words."""
    return {
        "title": section.title,
        "lead": section.lead,
        **{name: list(getattr(section, name)) for name in ("details", "aspects", "drugs", "questions", "facts")},
    }


def _cited(section: Section) -> list[PassageRevisionSource]:
    return [PassageRevisionSource(position=i, source_id=name) for i, name in enumerate(section.sources)]


def _row(section: Section, number: int) -> PassageRevision:
    return PassageRevision(
        passage_id=section.id,
        number=number,
        state=DRAFT,
        edited_by_staff=True,
        cited=_cited(section),
        **_words(section),
    )


def _copy(session: Session, old: PassageRevision) -> PassageRevision:
    """A draft with the words, the review and the file's mark of `old`."""
    most = session.scalar(
        sa.select(sa.func.max(PassageRevision.number)).where(PassageRevision.passage_id == old.passage_id)
    )
    row = _row(replace(section_of(old), review=None), (most or 0) + 1)
    row.general, row.shipped_hash = old.general, old.shipped_hash
    row.review_state, row.review_on = old.review_state, old.review_on
    row.review_by, row.review_due = old.review_by, old.review_due
    return row


def _work(session: Session, row: PassageRevision, staff: Account, *, based_on: int | None) -> RevisionWork:
    work = RevisionWork(revision_id=row.id, based_on=based_on, authors={str(staff.id): staff.name})
    session.add(work)
    return work


def _put_in_place(session: Session, row: PassageRevision) -> None:
    """Make `row` the published revision of its passage."""
    before = session.scalar(_published(row.passage_id))
    if before is not None:
        row.shipped_hash = before.shipped_hash
        before.state = RETIRED
        _forget_vectors(session, before.id)
        session.flush()  # at most one revision may be published at any time
    row.state, row.edited_by_staff, row.created = PUBLISHED, True, now()
    session.flush()


def _forget_vectors(session: Session, revision: int) -> None:
    session.execute(sa.delete(Embedding).where(Embedding.revision_id == revision))
