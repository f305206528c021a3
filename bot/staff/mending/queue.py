"""The queue of what went wrong: read, sorted into themes, looked at, answered.

What is noted while people talk (bot.ops.problems) has no words and no theme yet; `sort_new` gives it both. Every
method is one short transaction and belongs into a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.database.engine import writing
from bot.database.mending import MendingItem, MendingTheme
from bot.database.models import Passage, PassageRevision, now
from bot.database.staff import Conversation
from bot.ops.problems import note
from bot.staff.audit import write_audit
from bot.staff.mending.editing import NotPossible
from bot.staff.mending.themes import Group, Groups, Reads, name_of
from bot.staff.mending.transcript import Told, around, asked, told
from bot.staff.roles import Account

#: What a problem can be, and how the console calls it.
KINDS = {
    "fallback": "Not understood",
    "not_helpful": "Not helpful",
    "clarify": "Asked back",
    "refusal": "Declined",
    "safety": "Safety",
    "flag": "Flagged by staff",
}
#: What can be done about one.
ANSWERS = {
    "linked": "linked to a passage",
    "proposed": "sentence proposed",
    "drafted": "new draft",
    "ignored": "ignored",
}
_PAGE = 25
#: A theme that nothing was added to for this long takes nothing up any more.
_LASTS = timedelta(days=180)
_NAMED_FROM = 30
_UNNAMED = "Questions without a name yet"


@dataclass(frozen=True)
class Theme:
    """A theme in the list. `example` is what somebody asked last, as long as it is kept."""

    id: int
    kind: str
    name: str
    items: int
    waiting: int
    last: datetime
    example: str | None


@dataclass(frozen=True)
class Item:
    """A problem. `ref` is what the console calls the conversation; None once it has been deleted."""

    id: int
    kind: str
    at: datetime
    channel: str
    text: str | None
    reason: str | None
    topic: str | None
    category: str | None
    passage: str | None
    theme: int | None
    theme_name: str | None
    answer: str | None
    answered_by: str | None
    answered: datetime | None
    note: str | None
    conversation: str | None
    message_id: str | None
    ref: str | None


@dataclass(frozen=True)
class Listing:
    """Some of a list; `older` is the key of the next page, None at its end."""

    rows: Sequence[Any]
    older: str | None


class Queue:
    """Reads and writes it."""

    def __init__(self, engine: sa.Engine, reader: Callable[[], Reads], usual: Collection[str] = ()) -> None:
        """
        Args:
            reader: gives what reads what people wrote; asked once there is something to read.
            usual: words that may stand in the name of a theme, whoever used them.
        """
        self._engine, self._make_reader, self._usual = engine, reader, usual

    @cached_property
    def reader(self) -> Reads:
        """What reads what people wrote."""
        return self._make_reader()

    # -- sorting -----------------------------------------------------------------------------------------------

    @staticmethod
    def has_new(engine: sa.Engine) -> bool:
        """Whether there is something to sort."""
        with engine.connect() as connection:
            query = sa.select(MendingItem.id).where(MendingItem.theme_id.is_(None)).limit(1)
            return connection.execute(query).first() is not None

    def sort_new(self, most: int = 50) -> int:
        """Give words and themes to at most `most` problems that have none; how many there were."""
        with self._engine.connect() as connection:
            query = sa.select(MendingItem.__table__).where(MendingItem.theme_id.is_(None)).order_by(MendingItem.id)
            rows = connection.execute(query.limit(most)).all()
            said = {row.id: self._asked(connection, row) for row in rows}
        if not rows:
            return 0
        to_read = {row.id: said[row.id] for row in rows if not _says_its_theme(row)}
        read = {number: self.reader.read(text) for number, text in to_read.items() if text}
        with writing(self._engine) as connection, Session(connection) as session:
            groups = self._groups(session) if read else Groups(())
            touched: set[int] = set()
            for row in rows:
                item = session.get(MendingItem, row.id)
                if item is None or item.theme_id is not None:  # another process was quicker, or it was deleted
                    continue
                kept = item.conversation is not None
                item.text = said[row.id] if kept else None
                reading = read.get(row.id) if kept else None
                theme = self._theme_of(session, item, groups, reading.vector if reading else None)
                item.theme_id = theme.id
                theme.items += 1
                theme.waiting += item.answer is None
                theme.last = max(theme.last, item.at)
                touched.add(theme.id)
            session.flush()
            for number in touched:
                self._name(session, number)
            session.commit()
        return len(rows)

    @staticmethod
    def _asked(connection: sa.Connection, row: Any) -> str | None:
        if row.conversation is None or row.message_id is None:
            return None
        return asked(told(connection, row.conversation), row.message_id)

    def _groups(self, session: Session) -> Groups:
        query = sa.select(MendingTheme.id, MendingTheme.centre).where(
            MendingTheme.centre.is_not(None),
            MendingTheme.encoder == self.reader.name,
            MendingTheme.last > now() - _LASTS,
        )
        return Groups(Group(row.id, np.frombuffer(row.centre, "<f4").copy()) for row in session.execute(query))

    def _theme_of(self, session: Session, item: MendingItem, groups: Groups, vector: Any) -> MendingTheme:
        if item.kind == "safety":
            return _keyed(session, "safety", item.category or "", (item.category or "danger").replace("_", " "))
        if item.kind == "not_helpful" and item.passage_id:
            return _keyed(session, "passage", item.passage_id, _title(session, item.passage_id))
        if vector is None:
            return _keyed(session, "gap", f"no words {item.kind}", f"{KINDS[item.kind]}, words deleted")
        nearest = groups.nearest(vector)
        if nearest is None:
            theme = MendingTheme(kind="gap", name=_UNNAMED, encoder=self.reader.name, items=0, waiting=0, last=item.at)
            session.add(theme)
            session.flush()
            nearest = Group(theme.id, np.zeros_like(vector))
            groups.add(nearest)
        nearest.total += vector
        found = session.get_one(MendingTheme, nearest.id)
        found.centre = np.ascontiguousarray(nearest.total, dtype="<f4").tobytes()
        return found

    def _name(self, session: Session, number: int) -> None:
        theme = session.get_one(MendingTheme, number)
        if theme.kind != "gap" or theme.key or theme.named_by_staff or theme.items > _NAMED_FROM:
            return
        query = sa.select(MendingItem.text).where(MendingItem.theme_id == number, MendingItem.text.is_not(None))
        texts = session.scalars(query.limit(_NAMED_FROM)).all()
        theme.name = name_of([self.reader.read(text).plain for text in texts if text], self._usual) or theme.name

    # -- looking -----------------------------------------------------------------------------------------------

    def themes(self, *, kind: str = "", waiting: bool = True, before: str = "") -> Listing:
        """Themes with the most that waits first.

        Args:
            kind: gap, passage or safety; empty: all.
            waiting: only those in which something waits for an answer.
            before: the key of a page.
        """
        t = MendingTheme
        query = sa.select(t).order_by(t.waiting.desc(), t.last.desc(), t.id.desc())
        if kind:
            query = query.where(t.kind == kind)
        if waiting:
            query = query.where(t.waiting > 0)
        if key := _key(before, 3):
            number, at, last = int(key[0]), datetime.fromisoformat(key[1]), int(key[2])
            query = query.where(
                sa.or_(
                    t.waiting < number,
                    sa.and_(t.waiting == number, t.last < at),
                    sa.and_(t.waiting == number, t.last == at, t.id < last),
                )
            )
        with self._engine.connect() as connection, Session(connection) as session:
            rows = session.scalars(query.limit(_PAGE + 1)).all()
            shown = rows[:_PAGE]
            examples = _examples(session, [row.id for row in shown])
            found = [
                Theme(row.id, row.kind, row.name, row.items, row.waiting, row.last, examples.get(row.id))
                for row in shown
            ]
        end = shown[-1] if len(rows) > _PAGE else None
        return Listing(found, f"{end.waiting}~{end.last.isoformat()}~{end.id}" if end else None)

    def theme(self, number: int) -> Theme | None:
        """One theme."""
        with self._engine.connect() as connection, Session(connection) as session:
            row = session.get(MendingTheme, number)
            if row is None:
                return None
            example = _examples(session, [number]).get(number)
            return Theme(row.id, row.kind, row.name, row.items, row.waiting, row.last, example)

    def items(
        self, *, theme: int | None = None, kind: str = "", channel: str = "", waiting: bool = True, before: str = ""
    ) -> Listing:
        """Problems, the newest first."""
        i = MendingItem
        query = _ITEMS.order_by(i.at.desc(), i.id.desc())
        if theme is not None:
            query = query.where(i.theme_id == theme)
        if kind:
            query = query.where(i.kind == kind)
        if channel:
            query = query.where(i.channel == channel)
        if waiting:
            query = query.where(i.answer.is_(None))
        if key := _key(before, 2):
            at, last = datetime.fromisoformat(key[0]), int(key[1])
            query = query.where(sa.or_(i.at < at, sa.and_(i.at == at, i.id < last)))
        with self._engine.connect() as connection:
            rows = [Item(**row._mapping) for row in connection.execute(query.limit(_PAGE + 1))]
        end = rows[_PAGE - 1] if len(rows) > _PAGE else None
        return Listing(rows[:_PAGE], f"{end.at.isoformat()}~{end.id}" if end else None)

    def item(self, number: int) -> Item | None:
        """One problem."""
        with self._engine.connect() as connection:
            row = connection.execute(_ITEMS.where(MendingItem.id == number)).one_or_none()
        return Item(**row._mapping) if row else None

    def around(self, item: Item) -> list[Told]:
        """What was said before and after, masked; empty once it has been deleted."""
        if item.conversation is None:
            return []
        with self._engine.connect() as connection:
            return around(told(connection, item.conversation), item.message_id)

    # -- answering ---------------------------------------------------------------------------------------------

    def answer(self, staff: Account, numbers: Collection[int], answer: str, said: str = "") -> int:
        """Say what was done about these problems; how many of them nobody had answered before.

        Args:
            answer: one of ANSWERS; said: a note for colleagues.
        """
        assert answer in ANSWERS
        with writing(self._engine) as connection:
            waiting = (MendingItem.id.in_(list(numbers)), MendingItem.answer.is_(None))
            counts = connection.execute(
                sa.select(MendingItem.theme_id, sa.func.count()).where(*waiting).group_by(MendingItem.theme_id)
            ).all()
            connection.execute(
                sa.update(MendingItem)
                .where(*waiting)
                .values(answer=answer, answered_by=staff.name, answered=now(), note=said[:500] or None)
            )
            for theme, number in counts:
                left = {"waiting": MendingTheme.__table__.c.waiting - number}
                connection.execute(sa.update(MendingTheme).where(MendingTheme.id == theme).values(**left))
            done = sum(number for _, number in counts)
            write_audit(connection, staff, "answered problems", f"{done} {ANSWERS[answer]}", f"themes {_named(counts)}")
        return done

    def waiting_in(self, theme: int) -> list[int]:
        """The numbers of all problems of a theme that nobody has answered."""
        with self._engine.connect() as connection:
            query = sa.select(MendingItem.id).where(MendingItem.theme_id == theme, MendingItem.answer.is_(None))
            return list(connection.scalars(query))

    def conversation(self, ref: str) -> str:
        """The key of the conversation that the console calls `ref`.

        Raises:
            NotPossible: there is none (any more).
        """
        with self._engine.connect() as connection:
            found = connection.scalar(sa.select(Conversation.id).where(Conversation.ref == ref))
        if found is None:
            raise NotPossible("That conversation has been deleted.")
        return found

    def open_again(self, staff: Account, number: int) -> None:
        """Take an answer back."""
        with writing(self._engine) as connection, Session(connection) as session:
            item = session.get(MendingItem, number)
            if item is None or item.answer is None:
                return
            item.answer = item.answered_by = item.answered = None
            if item.theme_id is not None:
                session.get_one(MendingTheme, item.theme_id).waiting += 1
            write_audit(connection, staff, "opened a problem again", f"problem {number}")
            session.commit()

    def rename(self, staff: Account, number: int, name: str) -> None:
        """Give a theme a name that stays."""
        with writing(self._engine) as connection:
            named = {"name": name[:200], "named_by_staff": True}
            connection.execute(sa.update(MendingTheme).where(MendingTheme.id == number).values(**named))
            write_audit(connection, staff, "named a theme", f"theme {number}", name)

    def flag(self, staff: Account, conversation: str, message_id: str, said: str) -> None:
        """Put one reply of the bot into the queue by hand.

        Raises:
            NotPossible: there is no such reply any more.
        """
        with writing(self._engine) as connection:
            found = next(
                (t.message for t in told(connection, conversation) if t.message and t.message.get("id") == message_id),
                None,
            )
            if found is None:
                raise NotPossible("That reply has been deleted.")
            channel = connection.scalar(sa.select(Conversation.channel).where(Conversation.id == conversation))
            note(connection, "flag", conversation, channel or "web", found, said[:500] or None)
            write_audit(connection, staff, "flagged a reply", f"message {message_id}")


_ITEMS = (
    sa.select(
        MendingItem.id,
        MendingItem.kind,
        MendingItem.at,
        MendingItem.channel,
        MendingItem.text,
        MendingItem.reason,
        MendingItem.topic,
        MendingItem.category,
        MendingItem.passage_id.label("passage"),
        MendingItem.theme_id.label("theme"),
        MendingTheme.name.label("theme_name"),
        MendingItem.answer,
        MendingItem.answered_by,
        MendingItem.answered,
        MendingItem.note,
        MendingItem.conversation,
        MendingItem.message_id,
        Conversation.ref,
    )
    .outerjoin(MendingTheme, MendingTheme.id == MendingItem.theme_id)
    .outerjoin(Conversation, Conversation.id == MendingItem.conversation)
)


def _says_its_theme(item: Any) -> bool:
    """Whether a problem's kind is enough to sort it, whatever was written."""
    return item.kind == "safety" or (item.kind == "not_helpful" and bool(item.passage_id))


def _key(given: str, parts: int) -> list[str] | None:
    """The parts of the key of a page; None where it is none."""
    key = given.split("~")
    try:
        if (
            len(key) == parts
            and datetime.fromisoformat(key[-2])
            and all(int(part) >= 0 for part in (key[0:-2] + key[-1:]))
        ):
            return key
    except ValueError:
        return None
    return None


def _named(counts: Sequence[Any]) -> str:
    return ", ".join(str(theme) for theme, _ in counts[:20])


def _keyed(session: Session, kind: str, key: str, name: str) -> MendingTheme:
    """The theme of everything with this key."""
    key = f"{kind} {key}"[:160]
    theme = session.scalar(sa.select(MendingTheme).where(MendingTheme.key == key))
    if theme is None:
        theme = MendingTheme(kind=kind, key=key, name=name[:200], items=0, waiting=0, last=now())
        session.add(theme)
        session.flush()
    return theme


def _title(session: Session, passage: str) -> str:
    query = sa.select(PassageRevision.title).join(Passage, Passage.id == PassageRevision.passage_id)
    title = session.scalar(query.where(Passage.id == passage).order_by(PassageRevision.number.desc()).limit(1))
    return title or passage


def _examples(session: Session, themes: Sequence[int]) -> dict[int, str]:
    """What was asked last in each theme."""
    i = MendingItem
    newest = (
        sa.select(i.theme_id, sa.func.max(i.id).label("id"))
        .where(i.theme_id.in_(themes), i.text.is_not(None))
        .group_by(i.theme_id)
        .subquery()
    )
    query = sa.select(i.theme_id, i.text).join(newest, newest.c.id == i.id)
    return {row.theme_id: row.text for row in session.execute(query)}
