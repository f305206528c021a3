"""The errors this project raises itself: a base and few children, each with a sentence for a person."""

from __future__ import annotations


class EvenkeelError(Exception):
    """Base of all errors raised here; its text is a full sentence that says what to do."""


class SettingError(EvenkeelError):
    """A setting has a value that cannot be used; names the setting, the value and what it may be."""


class ContentError(EvenkeelError):
    """A data file is wrong; names the file and, where known, the line."""

    def __init__(self, path: object, line: int | None, problem: str) -> None:
        where = f"{path}:{line}" if line else str(path)
        super().__init__(f"{where}: {problem}")
        self.path, self.line, self.problem = str(path), line, problem


class DatabaseError(EvenkeelError):
    """The database cannot be used; says which, why, and what to do."""


class EngineError(EvenkeelError):
    """The dialogue engine could not load its model or could not answer."""


class OvertakenError(EngineError):
    """Another process wrote into the conversation while this one was handling a message of it: nothing was kept."""


class HandledError(EngineError):
    """This message has been handled before: nothing was done."""


class ModelError(EngineError):
    """A model file is not the one that was trained or accepted here."""
