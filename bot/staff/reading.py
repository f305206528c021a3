"""Finding and reading conversations, and what staff put on them. Everything here blocks; call it in a thread.

A conversation is called by its `ref`, a random name that means nothing once it has been deleted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.database.engine import writing
from bot.database.models import Event, Feedback, now
from bot.database.staff import Conversation, ConversationNote, ConversationTag, StaffAccount, StaffAudit
from bot.message import Message
from bot.staff.audit import write_audit
from bot.staff.queries import distinct
from bot.staff.roles import Account
from bot.web.store import ChatStore

#: Conversations on a page of the list, and messages of one that are shown at a time.
MOST, MOST_MESSAGES = 50, 100
#: Conversations are counted up to here; more are "over 1,000".
COUNTED = 1_000
#: Looking at the same conversation again within this time is one reading.
_ONE_READING = timedelta(minutes=10)
_LONGEST_TAG = 40
#: Lines of the log in which an earlier reading is looked for.
_LINES = 100

_ROW = Conversation.__table__
#: What the list can be cut down to, by name: the words for it, and the condition.
KINDS: Mapping[str, tuple[str, sa.ColumnElement[bool]]] = {
    "fallback": ("Not understood", _ROW.c.fallbacks > 0),
    "unhelpful": ("Rated not helpful", _ROW.c.unhelpful > 0),
    "safety": ("Safety", _ROW.c.safety != ""),
    "clarify": ("Asked back", _ROW.c.clarifications > 0),
}


#: An event of the dialogue: its kind, when it was, and what it holds.
_Stored = tuple[str, float | None, Any]


@dataclass(frozen=True)
class Wanted:
    """What the list is cut down to; empty: not at all."""

    kind: str = ""
    channel: str = ""
    language: str = ""
    #: "no": not reviewed yet; "yes": reviewed.
    reviewed: str = ""
    tag: str = ""
    first: date | None = None
    last: date | None = None

    def query(self) -> dict[str, str]:
        """The filter as it stands in an address."""
        given = {
            "kind": self.kind, "channel": self.channel, "language": self.language, "reviewed": self.reviewed,
            "tag": self.tag, "first": self.first.isoformat() if self.first else "",
            "last": self.last.isoformat() if self.last else "",
        }  # fmt: skip
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True)
class Row:
    """A conversation in the list."""

    ref: str
    channel: str
    language: str
    country: str
    started: datetime
    last: datetime
    turns: int
    answers: int
    clarifications: int
    fallbacks: int
    safety: str
    helpful: int
    unhelpful: int
    reviewed: datetime | None
    tags: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Where the row stands in the list, for the address of the next page."""
        return _key(self.last, self.ref)


@dataclass(frozen=True)
class Said:
    """A message of a conversation: a visitor's `text`, or the bot's `message`.

    Attributes:
        intent, confidence: what the visitor's message was understood as.
        helpful, reason: how the visitor rated the bot's message.
    """

    at: datetime | None
    text: str = ""
    message: Message | None = None
    intent: str = ""
    confidence: float | None = None
    helpful: bool | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Note:
    """What somebody of staff wrote about a conversation."""

    id: int
    by: int
    who: str
    at: datetime
    text: str


@dataclass(frozen=True)
class Shown:
    """A conversation as its page shows it. `earlier` is how many messages stand before the first of `said`."""

    row: Row
    said: Sequence[Said]
    earlier: int
    notes: Sequence[Note]
    reviewed_by: str | None


class Conversations:
    """The conversations of the web chat and of the messengers."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    # -- the list ----------------------------------------------------------------------------------------------

    def find(
        self, wanted: Wanted, *, before: str = "", after: str = "", most: int = MOST
    ) -> tuple[list[Row], bool, bool]:
        """Conversations, the one used last first; and whether there are newer and older ones than these.

        Args:
            before, after: the key of a row; only older, or only newer ones than that.
        """
        newer_first = not after
        query = self._select(wanted)
        if edge := _edge(before or after):
            place = sa.tuple_(_ROW.c.last, _ROW.c.ref)
            query = query.where(place < sa.tuple_(*edge) if newer_first else place > sa.tuple_(*edge))
        order = (_ROW.c.last.desc(), _ROW.c.ref.desc()) if newer_first else (_ROW.c.last, _ROW.c.ref)
        with self._engine.connect() as connection:
            found = connection.execute(query.order_by(*order).limit(most + 1)).all()
            more, found = len(found) > most, found[:most]
            if not newer_first:
                found = found[::-1]
            tags = self._tags(connection, [row.id for row in found])
        rows = [_row(row, tags.get(row.id, ())) for row in found]
        return (rows, bool(edge), more) if newer_first else (rows, more, bool(edge))

    def count(self, wanted: Wanted) -> int:
        """How many there are, counted up to one more than `COUNTED`."""
        some = self._select(wanted, sa.literal(1)).limit(COUNTED + 1).subquery()
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0

    def choices(self) -> tuple[list[str], list[str], list[str]]:
        """The channels, languages and tags that there are."""
        with self._engine.connect() as connection:
            return (
                distinct(connection, _ROW.c.channel),
                distinct(connection, _ROW.c.language),
                distinct(connection, ConversationTag.__table__.c.tag),
            )

    def _select(self, wanted: Wanted, *columns: Any) -> sa.Select[Any]:
        query: sa.Select[Any] = sa.select(*columns) if columns else sa.select(_ROW)
        query = query.select_from(_ROW)
        if wanted.kind in KINDS:
            query = query.where(KINDS[wanted.kind][1])
        for column, value in ((_ROW.c.channel, wanted.channel), (_ROW.c.language, wanted.language)):
            if value:
                # Beside a kind the index of that kind is the one to take, since it is much the shorter; SQLite takes
                # the other where it can.
                query = query.where((column + "" if wanted.kind in KINDS else column) == value)
        if wanted.reviewed:
            no = _ROW.c.reviewed.is_(None)
            query = query.where(no if wanted.reviewed == "no" else sa.not_(no))
        if wanted.tag:
            tagged = sa.select(ConversationTag.conversation_id).where(ConversationTag.tag == wanted.tag)
            query = query.where(_ROW.c.id.in_(tagged))
        if wanted.first:
            query = query.where(_ROW.c.last >= _midnight(wanted.first))
        if wanted.last:
            query = query.where(_ROW.c.last < _midnight(wanted.last) + timedelta(days=1))
        return query

    def _tags(self, connection: sa.Connection, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        query = sa.select(ConversationTag.conversation_id, ConversationTag.tag)
        rows = connection.execute(query.where(ConversationTag.conversation_id.in_(ids)).order_by(ConversationTag.tag))
        tags: dict[str, tuple[str, ...]] = {}
        for conversation, tag in rows:
            tags[conversation] = (*tags.get(conversation, ()), tag)
        return tags

    # -- one of them -------------------------------------------------------------------------------------------

    def read(self, staff: Account, ref: str, *, until: int | None = None) -> Shown | None:
        """A conversation with what was said in it; None where there is none (any more). Written into the log.

        Args:
            until: show only what stands before this message; None: the newest messages.
        """
        with self._engine.connect() as connection:
            row = connection.execute(
                sa.select(_ROW, StaffAccount.name.label("reviewer"))
                .outerjoin(StaffAccount, StaffAccount.id == _ROW.c.reviewed_by)
                .where(_ROW.c.ref == ref)
            ).one_or_none()
            if row is None:
                return None
            tags = self._tags(connection, [row.id])
            notes = connection.execute(
                sa.select(
                    ConversationNote.id, ConversationNote.account_id, StaffAccount.name, ConversationNote.at,
                    ConversationNote.text,
                )
                .join(StaffAccount, StaffAccount.id == ConversationNote.account_id)
                .where(ConversationNote.conversation_id == row.id)
                .order_by(ConversationNote.id)
            ).all()  # fmt: skip
        said = self.said(row.id, row.channel)
        end = len(said) if until is None else max(0, min(until, len(said)))
        start = max(0, end - MOST_MESSAGES)
        self._log_reading(staff, f"conversation {ref}")
        return Shown(
            _row(row, tags.get(row.id, ())), said[start:end], start, [Note(*note) for note in notes], row.reviewer
        )

    def said(self, conversation: str, channel: str) -> list[Said]:
        """All that was said in a conversation, the oldest first; the visitor's words as they are kept, masked."""
        with self._engine.connect() as connection:
            query = sa.select(Event.type_name, Event.timestamp, Event.data).where(
                Event.sender_id == conversation, Event.type_name.in_(["user", "bot"])
            )
            rows = connection.execute(query.order_by(Event.id)).all()
        events: list[_Stored] = [(kind, at, _event(data)) for kind, at, data in rows]
        told = _from_web(ChatStore(self._engine, 1), conversation, events) if channel == "web" else _from_events(events)
        return self._rated(told)

    def key_of(self, ref: str) -> tuple[str, str] | None:
        """The key of the conversation and its channel."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(_ROW.c.id, _ROW.c.channel).where(_ROW.c.ref == ref)).one_or_none()
        return (row.id, row.channel) if row else None

    def place_of(self, ref: str) -> str | None:
        """Where the conversation stands in the list (`Row.key`); None where there is none."""
        with self._engine.connect() as connection:
            last = connection.scalar(sa.select(_ROW.c.last).where(_ROW.c.ref == ref))
        return _key(last, ref) if last else None

    def _rated(self, said: list[Said]) -> list[Said]:
        ids = [one.message.id for one in said if one.message]
        ratings: dict[str, Any] = {}
        with self._engine.connect() as connection:
            for start in range(0, len(ids), 500):
                query = sa.select(Feedback.message_id, Feedback.helpful, Feedback.reason)
                found = connection.execute(query.where(Feedback.message_id.in_(ids[start : start + 500])))
                ratings |= {rating.message_id: rating for rating in found}
        return [_with_rating(one, ratings.get(one.message.id)) if one.message else one for one in said]

    def _log_reading(self, staff: Account, subject: str) -> None:
        newest = sa.select(StaffAudit.verb, StaffAudit.subject).where(
            StaffAudit.account_id == staff.id, StaffAudit.at > now() - _ONE_READING
        )
        with writing(self._engine) as connection:
            lines = connection.execute(newest.order_by(StaffAudit.id.desc()).limit(_LINES)).all()
            if ("read", subject) not in [tuple(line) for line in lines]:
                write_audit(connection, staff, "read", subject)

    # -- marks -------------------------------------------------------------------------------------------------

    def review(self, staff: Account, ref: str, done: bool) -> bool:
        """Mark a conversation as reviewed by `staff`, or as not reviewed; False: there is none."""
        values = {"reviewed": now() if done else None, "reviewed_by": staff.id if done else None}
        with writing(self._engine) as connection:
            changed = connection.execute(sa.update(Conversation).where(Conversation.ref == ref).values(**values))
            if changed.rowcount:
                write_audit(connection, staff, "reviewed" if done else "not reviewed", f"conversation {ref}")
            return changed.rowcount > 0

    def tag(self, staff: Account, ref: str, tag: str, on: bool = True) -> bool:
        """Put a tag on a conversation, or take it off; False: there is no such conversation, or no such tag."""
        tag = clean_tag(tag)
        found = self.key_of(ref)
        if found is None or not tag:
            return False
        this = (ConversationTag.conversation_id == found[0], ConversationTag.tag == tag)
        with writing(self._engine) as connection:
            connection.execute(sa.delete(ConversationTag).where(*this))
            if on:
                connection.execute(sa.insert(ConversationTag).values(conversation_id=found[0], tag=tag))
            write_audit(connection, staff, "tagged" if on else "took a tag off", f"conversation {ref}", tag)
        return True

    def note(self, staff: Account, ref: str, text: str) -> bool:
        """Write a note; False: there is no such conversation."""
        found = self.key_of(ref)
        if found is None:
            return False
        with writing(self._engine) as connection:
            written = sa.insert(ConversationNote).values(
                conversation_id=found[0], account_id=staff.id, at=now(), text=text
            )
            connection.execute(written)
            write_audit(connection, staff, "wrote a note", f"conversation {ref}")
        return True

    def delete_note(self, staff: Account, ref: str, note: int) -> bool:
        """Delete one's own note; False: there is none."""
        with writing(self._engine) as connection:
            gone = connection.execute(
                sa.delete(ConversationNote).where(ConversationNote.id == note, ConversationNote.account_id == staff.id)
            )
            if gone.rowcount:
                write_audit(connection, staff, "deleted a note", f"conversation {ref}")
            return gone.rowcount > 0


def _with_rating(said: Said, rating: Any) -> Said:
    return replace(said, helpful=rating.helpful, reason=rating.reason) if rating else said


def clean_tag(tag: str) -> str:
    """A tag as it is kept: lower case, single spaces, at most 40 characters."""
    return " ".join(tag.lower().split())[:_LONGEST_TAG].strip()


def _row(row: Any, tags: tuple[str, ...]) -> Row:
    return Row(**{name: getattr(row, name) for name in Row.__dataclass_fields__ if name != "tags"}, tags=tags)


def _key(last: datetime, ref: str) -> str:
    return f"{last:%Y%m%d%H%M%S%f}-{ref}"


def _edge(key: str) -> tuple[sa.BindParameter[Any], sa.BindParameter[Any]] | None:
    """The place in the list that a key names; None where it is no key."""
    at, _, ref = key.partition("-")
    try:
        moment = datetime.strptime(at, "%Y%m%d%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        return None
    return sa.bindparam(None, moment, _ROW.c.last.type), sa.bindparam(None, ref, _ROW.c.ref.type)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _from_web(store: ChatStore, conversation: str, events: Sequence[_Stored]) -> list[Said]:
    """The conversation as the web chat keeps it, with what the dialogue made of each message."""
    understood = {data.get("message_id"): _intent(data) for kind, _, data in events if kind == "user"}
    said = []
    for told in store.history(conversation):
        at = _moment(told.get("at"))
        if told["from"] == "visitor":
            intent, confidence = understood.get(told["id"], ("", None))
            said.append(Said(at, text=told["text"], intent=intent, confidence=confidence))
        else:
            said.append(Said(at, message=_message(told)))
    return said


def _from_events(events: Sequence[_Stored]) -> list[Said]:
    """The conversation as the dialogue keeps it: messengers have no other record."""
    said = []
    for kind, at, data in events:
        moment = datetime.fromtimestamp(at, UTC) if at else None
        if kind == "user" and data.get("text"):
            intent, confidence = _intent(data)
            said.append(Said(moment, text=data["text"], intent=intent, confidence=confidence))
        elif kind == "bot" and (custom := (data.get("data") or {}).get("custom")):
            said.append(Said(moment, message=_message(custom)))
    return said


def _event(data: str | None) -> Any:
    """What an event holds; nothing where it cannot be read, so that the rest of the conversation can."""
    try:
        return json.loads(data or "{}")
    except ValueError:
        return {}


def _intent(data: Mapping[str, Any]) -> tuple[str, float | None]:
    intent = (data.get("parse_data") or {}).get("intent") or {}
    return str(intent.get("name") or ""), intent.get("confidence")


def _message(stored: Mapping[str, Any]) -> Message:
    """A stored message; what was added to it on the way (who said it, a wish) is not part of it."""
    return Message.from_dict({name: value for name, value in stored.items() if name in Message.__dataclass_fields__})


def _moment(at: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(at) if at else None
    except (TypeError, ValueError):
        return None
