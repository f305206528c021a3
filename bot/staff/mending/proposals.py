"""Sentences that somebody wants the bot to learn: proposed by one person, accepted by another.

A phrasing of a passage helps at once. A training sentence of an intent waits until `python -m bot mending sentences`
writes it to `data/nlu`, from where the next training takes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.database.engine import write_transaction, writing
from bot.database.mending import Proposal
from bot.database.models import Passage, now
from bot.language.text import fold
from bot.staff.audit import write_audit
from bot.staff.mending.editing import Editing, NotPossible
from bot.staff.roles import Account
from bot.training.sentences import read_sentences

#: The `voice` of sentences that come from here.
VOICE = "asked"
SHORTEST, LONGEST = 2, 200
_PAGE = 25
_HEAD = "  - intent: {intent}\n    metadata: {{aspect: {aspect}, voice: " + VOICE + "}}\n    examples: |\n"


@dataclass(frozen=True)
class Proposed:
    """A proposal in the list. `about` is an intent with its aspect, or a passage."""

    id: int
    text: str
    intent: str | None
    aspect: str | None
    passage: str | None
    author: int
    author_name: str
    at: datetime
    state: str
    decided_by: str | None
    decided: datetime | None
    why: str | None

    @property
    def about(self) -> str:
        """What it is proposed for."""
        return f"passage {self.passage}" if self.passage else f"{self.intent} · {self.aspect}"


@dataclass(frozen=True)
class Known:
    """The training sentences that there are: aspects of each intent, and what each sentence is."""

    aspects: Mapping[str, tuple[str, ...]]
    meant: Mapping[str, str]

    def problem(self, text: str, intent: str, aspect: str) -> str | None:
        """Why `text` cannot be proposed for this intent; None when it can."""
        if aspect not in self.aspects.get(intent, ()):
            return "Please choose one of the listed meanings."
        meant = self.meant.get(normal(text))
        if meant == f"{intent}/{aspect}":
            return "The bot has learned this sentence already."
        return f"The bot has learned this sentence as {meant}; it cannot mean two things." if meant else None


@dataclass
class Exported:
    """What an export did: sentences written, by file."""

    written: dict[str, int] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The report for a person."""
        if not self.written:
            return ["No sentence waits to be written."]
        return [f"{number} sentences written to {name}" for name, number in sorted(self.written.items())]


def normal(text: str) -> str:
    """What is left of a sentence when case, signs and blanks do not count."""
    return " ".join(re.findall(r"\w+", fold(text).replace("'", "")))


def tidy(text: str) -> str:
    """A sentence in one line.

    Raises:
        NotPossible: it is too short or too long, or would be read as an annotation.
    """
    text = " ".join(text.split())
    if not SHORTEST <= len(text) <= LONGEST:
        raise NotPossible(f"Please give a sentence of {SHORTEST} to {LONGEST} characters.")
    if re.search(r"\]\s*[({]", text) or not re.search(r"\w", text):
        raise NotPossible("Please write it as a person would, without brackets.")
    return text


class Proposals:
    """Reads and writes them; every method blocks."""

    def __init__(self, engine: sa.Engine, editing: Editing) -> None:
        self._engine, self._editing = engine, editing

    def sentence(self, staff: Account, text: str, intent: str, aspect: str, known: Known) -> int:
        """Propose a training sentence; its number. Raises NotPossible where it makes no sense."""
        text = tidy(text)
        if problem := known.problem(text, intent, aspect):
            raise NotPossible(problem)
        return self._add(staff, text, intent=intent, aspect=aspect)

    def phrasing(self, staff: Account, text: str, passage: str) -> int:
        """Propose a way of asking for a passage; its number. Raises NotPossible where there is no such passage."""
        return self._add(staff, tidy(text), passage_id=passage)

    def _add(self, staff: Account, text: str, **about: str) -> int:
        with writing(self._engine) as connection, Session(connection) as session:
            if "passage_id" in about and session.get(Passage, about["passage_id"]) is None:
                raise NotPossible("There is no such passage.")
            same = [getattr(Proposal, name) == value for name, value in about.items()]
            query = sa.select(Proposal.id).where(Proposal.text == text, Proposal.state.in_(["waiting", "accepted"]))
            if session.scalar(query.where(*same)) is not None:
                raise NotPossible("Somebody has proposed this already.")
            row = Proposal(text=text, author=staff.id, author_name=staff.name, **about)
            session.add(row)
            session.flush()
            subject = about.get("passage_id") or f"{about['intent']}/{about['aspect']}"
            write_audit(connection, staff, "proposed a sentence", f"proposal {row.id}", subject)
            session.commit()
            return row.id

    def get(self, number: int) -> Proposed | None:
        """One of them."""
        with self._engine.connect() as connection:
            row = connection.execute(_PROPOSALS.where(Proposal.id == number)).one_or_none()
        return Proposed(**row._mapping) if row else None

    def list(self, state: str = "waiting", before: int | None = None) -> tuple[list[Proposed], int | None]:
        """Those in `state`, the newest first, and the key of the next page."""
        query = _PROPOSALS.where(Proposal.state == state).order_by(Proposal.id.desc())
        if before is not None:
            query = query.where(Proposal.id < before)
        with self._engine.connect() as connection:
            rows = [Proposed(**row._mapping) for row in connection.execute(query.limit(_PAGE + 1))]
        return rows[:_PAGE], rows[_PAGE - 1].id if len(rows) > _PAGE else None

    def decide(self, staff: Account, number: int, *, accept: bool, why: str = "") -> bool:
        """Accept or refuse a proposal; True when what visitors get has changed by it.

        Raises:
            NotPossible: it is `staff`'s own, it is decided, or the passage cannot take it.
        """
        with write_transaction(self._engine) as connection, Session(connection) as session:
            row = session.get(Proposal, number)
            if row is None or row.state != "waiting":
                raise NotPossible("Somebody has decided this already.")
            if accept and row.author == staff.id:
                raise NotPossible("You proposed this, so somebody else must accept it.")
            row.state = "accepted" if accept else "refused"
            row.decided_by, row.decided, row.why = staff.name, now(), why[:500] or None
            write_audit(connection, staff, f"{row.state} a sentence", f"proposal {number}")
            changed = accept and row.passage_id is not None
            if changed:
                assert row.passage_id is not None
                author = {str(row.author): row.author_name}
                self._editing.add_phrasing(session, staff, row.passage_id, row.text, author)
            session.commit()
        return changed


_PROPOSALS = sa.select(
    Proposal.id,
    Proposal.text,
    Proposal.intent,
    Proposal.aspect,
    Proposal.passage_id.label("passage"),
    Proposal.author,
    Proposal.author_name,
    Proposal.at,
    Proposal.state,
    Proposal.decided_by,
    Proposal.decided,
    Proposal.why,
)


@lru_cache(maxsize=2)
def known_sentences(folder: Path) -> Known:
    """What the sentences in `folder` (`data/nlu`) are; read once, which takes some seconds."""
    aspects: dict[str, dict[str, None]] = {}
    meant: dict[str, str] = {}
    for sentence in read_sentences(folder):
        aspects.setdefault(sentence.intent, {})[sentence.aspect] = None
        meant.setdefault(normal(sentence.text), sentence.label)
    return Known({intent: tuple(sorted(found)) for intent, found in sorted(aspects.items())}, meant)


def export(engine: sa.Engine, folder: Path) -> Exported:
    """Write every accepted training sentence to its file in `folder`, once; all else in the files stays as it is."""
    report = Exported()
    with write_transaction(engine) as connection, Session(connection) as session:
        accepted = sa.select(Proposal).where(Proposal.state == "accepted", Proposal.intent.is_not(None))
        for row in session.scalars(accepted.order_by(Proposal.id)).all():
            assert row.intent is not None and row.aspect is not None
            path = folder / f"{row.intent}.yml"
            before = path.read_text(encoding="utf-8") if path.exists() else 'version: "3.1"\n\nnlu:\n'
            path.write_text(with_sentence(before, row.intent, row.aspect, row.text), encoding="utf-8")
            row.state = "exported"
            report.written[path.name] = report.written.get(path.name, 0) + 1
        session.commit()
    return report


def accepted_file(engine: sa.Engine) -> str:
    """The accepted training sentences that are in no file yet, as one file in the form of `data/nlu`."""
    content = 'version: "3.1"\n\nnlu:\n'
    with engine.connect() as connection:
        query = sa.select(Proposal.intent, Proposal.aspect, Proposal.text)
        for row in connection.execute(query.where(Proposal.state == "accepted", Proposal.intent.is_not(None))):
            content = with_sentence(content, str(row.intent), str(row.aspect), row.text)
    return content


def with_sentence(content: str, intent: str, aspect: str, text: str) -> str:
    """The file `content` with one more sentence, in its place in the group of what people asked."""
    content = content if content.endswith("\n") else content + "\n"
    head, line = _HEAD.format(intent=intent, aspect=aspect), f"      - {text}\n"
    start = content.find(head)
    if start < 0:
        return content + head + line
    begin = start + len(head)
    group = re.compile(r"(?:      - .*\n)*").match(content, begin)
    assert group is not None  # the pattern matches nothing as well
    sentences = sorted({*group[0].splitlines(keepends=True), line})
    return content[:begin] + "".join(sentences) + content[group.end() :]
