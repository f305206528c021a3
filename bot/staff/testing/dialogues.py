"""Saved dialogues as the console has them: those in files, and those that staff saved and nobody has exported yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa

from bot.database.dialogues import StaffDialogue
from bot.database.engine import writing
from bot.database.models import now
from bot.dialogues import saved
from bot.dialogues.saved import FOLDER, SavedDialogue

_COLUMNS = (
    StaffDialogue.id,
    StaffDialogue.file,
    StaffDialogue.name,
    StaffDialogue.body,
    StaffDialogue.changed,
    StaffDialogue.changed_by,
)


@dataclass(frozen=True)
class Kept:
    """A dialogue and where it is kept.

    Attributes:
        row: its number in the database; None: it is in a file alone.
        new: whether the file does not have it yet, or has it otherwise.
        changed, by: when staff saved it last, and who.
    """

    dialogue: SavedDialogue
    row: int | None = None
    new: bool = False
    changed: datetime | None = None
    by: str = ""


class Dialogues:
    """All saved dialogues. Blocks: call it in a thread."""

    def __init__(self, engine: sa.Engine, folder: Path = FOLDER) -> None:
        self._engine, self.folder = engine, folder

    def all(self) -> list[Kept]:
        """Every dialogue, in the order of their ids; one that staff changed instead of the file's.

        Raises:
            ContentError: a file is wrong.
        """
        found = {dialogue.id: Kept(dialogue) for dialogue in self._in_files()}
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(*_COLUMNS)).all()
        for row in rows:
            dialogue = _dialogue(row)
            in_file = found.get(dialogue.id)
            new = in_file is None or in_file.dialogue != dialogue
            found[dialogue.id] = Kept(dialogue, row.id, new, row.changed, row.changed_by)
        return sorted(found.values(), key=lambda kept: kept.dialogue.id)

    def one(self, name: str) -> Kept | None:
        """The dialogue with this id ("file/name"), or None."""
        return next((kept for kept in self.all() if kept.dialogue.id == name), None)

    def save(self, dialogue: SavedDialogue, by: str) -> None:
        """Keep a dialogue; one of its id is replaced."""
        entry = saved.entry(dialogue)
        same = sa.and_(StaffDialogue.file == dialogue.file, StaffDialogue.name == dialogue.name)
        changed = {"body": entry, "changed": now(), "changed_by": by}
        with writing(self._engine) as connection:
            if not connection.execute(sa.update(StaffDialogue).where(same).values(**changed)).rowcount:
                connection.execute(
                    sa.insert(StaffDialogue).values(
                        file=dialogue.file, name=dialogue.name, created=now(), created_by=by, **changed
                    )
                )

    def remove(self, row: int) -> str | None:
        """Drop what staff saved under this number; what is in files stays. Its id, or None where there was none."""
        with writing(self._engine) as connection:
            columns = sa.select(StaffDialogue.file, StaffDialogue.name)
            found = connection.execute(columns.where(StaffDialogue.id == row)).first()
            connection.execute(sa.delete(StaffDialogue).where(StaffDialogue.id == row))
        return f"{found.file}/{found.name}" if found else None

    def export(self) -> list[Path]:
        """Write every dialogue that is new or changed into its file, and keep it in the database no longer.

        Returns:
            The files that were written.
        """
        files = sorted({kept.dialogue.file for kept in self.all() if kept.new})
        written = [self.folder / f"{file}.yml" for file in files]
        for path in written:
            path.write_text(self.text_of(path.stem), encoding="utf-8")
        self.settle()
        return written

    def text_of(self, file: str) -> str:
        """The text of a file with every dialogue of it that is new or changed; empty where there is no such file."""
        path = self.folder / f"{file}.yml"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for kept in self.all():
            if kept.new and kept.dialogue.file == file:
                about = "Saved by staff in the console."
                text = saved.put(text, kept.dialogue) if text else saved.as_file([kept.dialogue], about)
        return text

    def settle(self) -> None:
        """Drop what is in its file like this by now: from then on the file has the say."""
        same = [kept.row for kept in self.all() if kept.row is not None and not kept.new]
        if same:
            with writing(self._engine) as connection:
                connection.execute(sa.delete(StaffDialogue).where(StaffDialogue.id.in_(same)))

    def _in_files(self) -> Sequence[SavedDialogue]:
        paths = sorted(self.folder.glob("*.yml"))
        return _read(tuple((path, path.stat().st_mtime_ns) for path in paths))


@lru_cache(maxsize=4)
def _read(files: tuple[tuple[Path, int], ...]) -> Sequence[SavedDialogue]:
    """The dialogues of files; read again once one was written."""
    return [dialogue for path, _ in files for dialogue in saved.read(path)]


def _dialogue(row: sa.Row) -> SavedDialogue:
    return replace(saved.dialogue(Path(f"{row.file}.yml"), row.body), file=row.file)
