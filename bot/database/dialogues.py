"""The tables of saved dialogues: what staff saved until it is exported, and what came of having them again.

Nothing here is a visitor's: runs have saved dialogues alone, in conversations that live in memory.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from bot.database.models import Base, now


class StaffDialogue(Base):
    """A dialogue that staff saved and that is not in its file yet, or not like this."""

    __tablename__ = "staff_dialogues"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: The file that it belongs in, without its ending; and its name, unique in that file.
    file: Mapped[str] = mapped_column(sa.String(60))
    name: Mapped[str] = mapped_column(sa.String(200))
    #: As it will stand in the file (bot.dialogues.saved.entry).
    body: Mapped[dict[str, Any]]
    created: Mapped[datetime] = mapped_column(default=now)
    created_by: Mapped[str] = mapped_column(sa.String(120))
    changed: Mapped[datetime] = mapped_column(default=now)
    changed_by: Mapped[str] = mapped_column(sa.String(120))

    __table_args__ = (sa.UniqueConstraint("file", "name"),)


class DialogueRun(Base):
    """Some saved dialogues had one after the other."""

    __tablename__ = "dialogue_runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    started: Mapped[datetime] = mapped_column(default=now)
    #: Null while it goes on, and for ever where the server stopped meanwhile.
    ended: Mapped[datetime | None]
    by: Mapped[str] = mapped_column(sa.String(120))
    #: How many dialogues it is to have.
    total: Mapped[int]
    #: What was tested: the name of the model and the version of the content.
    model: Mapped[str] = mapped_column(sa.String(120))
    content_version: Mapped[int]
    #: Whether drafts were tried instead of what is published.
    drafts: Mapped[bool] = mapped_column(default=False)


class DialogueResult(Base):
    """What came of one dialogue in a run."""

    __tablename__ = "dialogue_results"

    run_id: Mapped[int] = mapped_column(sa.ForeignKey("dialogue_runs.id", ondelete="CASCADE"), primary_key=True)
    #: File and name of the dialogue.
    dialogue: Mapped[str] = mapped_column(sa.String(300), primary_key=True)
    #: passed, failed, known (fails as it says), mended (says that it fails, and does not) or broken (an error).
    state: Mapped[str] = mapped_column(sa.String(10))
    #: The turns with what was expected, what was not met and what was shown (bot.staff.testing.runs).
    turns: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON)
    #: Intents, passages and rules that it reached (bot.dialogues.reached).
    reached: Mapped[dict[str, Any]]
    milliseconds: Mapped[float] = mapped_column(sa.Float)
    at: Mapped[datetime] = mapped_column(default=now)

    __table_args__ = (
        sa.CheckConstraint(sa.column("state").in_(["passed", "failed", "known", "mended", "broken"]), name="state"),
        sa.Index("ix_dialogue_results_dialogue", "dialogue", "run_id"),
    )
