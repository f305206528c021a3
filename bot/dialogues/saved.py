"""Saved dialogues: conversations with what is expected of them, as files that people can read.

A file holds the dialogues of one flow:

    # What the file is about.
    dialogues:
      - name: another medicine after one
        country: GB                       # optional, as the page or platform would say it
        channel: telegram                 # optional: web without it
        locale: en-GB                     # optional: the language of the page or the platform
        fails: why                        # optional: it is known to fail, and the test tells when it no longer does
        turns:
          - say: can i take xanax with ketamine
            expect: {topic: interactions, passage: benzodiazepines-and-ketamine, sources: true}
          - press: "Drinking alcohol"     # the words on a button of the reply before
            expect: {topic: interactions, says: [alcohol], never: [mg]}

What may be expected of a turn stands in `bot.dialogues.expectations`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bot import quick_yaml
from bot.dialogues.expectations import EXPECTATIONS
from bot.errors import ContentError
from bot.settings import ROOT

#: Where the files are. `make test` has every dialogue in them.
FOLDER = ROOT / "tests" / "dialogues"
#: The file that what staff save goes to, unless they name another.
STAFF_FILE = "staff"
_FILE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,59}")
_WIDTH = 110


@dataclass(frozen=True)
class SavedTurn:
    """One turn: what is said, or which button is pressed, and what is expected of the reply."""

    say: str | None
    press: str | None
    expect: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The turn in a line for people."""
        return f"“{self.say}”" if self.press is None else f"[{self.press}]"


@dataclass(frozen=True)
class SavedDialogue:
    """A conversation with its name, unique within its file."""

    file: str
    name: str
    turns: tuple[SavedTurn, ...]
    country: str | None = None
    channel: str = "web"
    fails: str = ""
    locale: str | None = None

    @property
    def id(self) -> str:
        """File and name."""
        return f"{self.file}/{self.name}"


# -- reading -----------------------------------------------------------------------------------------------------


def read(path: Path) -> list[SavedDialogue]:
    """The dialogues in a file.

    Raises:
        ContentError: the file is not as described above; names it and the dialogue.
    """
    return parse(path.read_text(encoding="utf-8"), path)


def read_all(folder: Path = FOLDER) -> list[SavedDialogue]:
    """The dialogues of all files in a folder, in the order of files; none where there is no such folder.

    Raises:
        ContentError: as `read`.
    """
    return [dialogue for path in sorted(folder.glob("*.yml")) for dialogue in read(path)]


def parse(text: str, path: Path) -> list[SavedDialogue]:
    """The dialogues in the text of a file that is, or is to be, at `path`.

    Raises:
        ContentError: as `read`.
    """
    try:
        content = quick_yaml.load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ContentError(path, mark.line + 1 if mark else None, f"not valid YAML: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("dialogues"), list):
        raise ContentError(path, None, "must have a list named dialogues")
    found = [dialogue(path, entry) for entry in content["dialogues"]]
    names = [one.name for one in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ContentError(path, None, f"more than one dialogue is named {', '.join(twice)}")
    return found


def dialogue(path: Path, entry: Any) -> SavedDialogue:
    """The dialogue that an entry of a file describes.

    Raises:
        ContentError: as `read`.
    """
    if not isinstance(entry, dict) or not entry.get("name") or not isinstance(entry.get("turns"), list):
        raise ContentError(path, None, f"every dialogue needs a name and turns: {str(entry)[:80]}")
    name = str(entry["name"])
    _only(path, name, entry, {"name", "turns", "country", "channel", "locale", "fails"})
    for key in ("country", "channel", "locale"):
        if not isinstance(entry.get(key, ""), str):
            raise ContentError(path, None, f"{name}: put {entry[key]!r} in quotes, or YAML makes something else of it")
    turns = tuple(_turn(path, name, turn) for turn in entry["turns"])
    if not turns:
        raise ContentError(path, None, f"{name}: has no turns")
    return SavedDialogue(
        path.stem,
        name,
        turns,
        entry.get("country"),
        entry.get("channel", "web"),
        str(entry.get("fails", "")),
        entry.get("locale"),
    )


def _turn(path: Path, name: str, turn: Any) -> SavedTurn:
    if not isinstance(turn, dict) or ("say" in turn) == ("press" in turn):
        raise ContentError(path, None, f"{name}: every turn either says or presses something")
    _only(path, name, turn, {"say", "press", "expect"})
    expect = turn.get("expect") or {}
    _only(path, name, expect, set(EXPECTATIONS))
    for key in ("say", "press"):
        if not isinstance(turn.get(key, ""), str):
            raise ContentError(path, None, f"{name}: put {turn[key]!r} in quotes, or YAML makes something else of it")
    return SavedTurn(turn.get("say"), turn.get("press"), expect)


def _only(path: Path, name: str, given: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise ContentError(path, None, f"{name}: {', '.join(unknown)} is not one of {', '.join(sorted(known))}")


# -- writing -----------------------------------------------------------------------------------------------------


def entry(dialogue: SavedDialogue) -> dict[str, Any]:
    """The dialogue as plain types, as it stands in a file; the inverse of `dialogue`."""
    about = {
        "country": dialogue.country,
        "channel": dialogue.channel if dialogue.channel != "web" else None,
        "locale": dialogue.locale,
        "fails": dialogue.fails,
    }
    return {
        "name": dialogue.name,
        **{name: value for name, value in about.items() if value},
        "turns": [
            {
                **({"say": turn.say} if turn.press is None else {"press": turn.press}),
                **({"expect": dict(turn.expect)} if turn.expect else {}),
            }
            for turn in dialogue.turns
        ],
    }


def as_text(dialogue: SavedDialogue) -> str:
    """The dialogue as lines of a file, indented as an entry of its list."""
    about = entry(dialogue)
    lines = [f"  - name: {_flow(about.pop('name'))}"]
    turns = about.pop("turns")
    lines += [f"    {name}: {_flow(value)}" for name, value in about.items()]
    lines.append("    turns:")
    for turn in turns:
        expect = turn.pop("expect", None)
        ((name, words),) = turn.items()
        lines.append(f"      - {name}: {_flow(words)}")
        if expect:
            lines += _expected(expect)
    return "\n".join(lines) + "\n"


def as_file(dialogues: Sequence[SavedDialogue], about: str) -> str:
    """A whole file; `about` says in a line what is in it."""
    return f"# {' '.join(about.split())}\ndialogues:\n" + "\n".join(as_text(one) for one in dialogues)


def put(text: str, new: SavedDialogue) -> str:
    """The text of a file with a dialogue added, or put in the place of the one of its name; all else stays as it is.

    Raises:
        ContentError: the text is not that of a file of dialogues.
    """
    path = Path(f"{new.file}.yml")
    names = [one.name for one in parse(text, path)]
    if new.name not in names:
        return text.rstrip("\n") + "\n\n" + as_text(new)
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    nodes = next(value for key, value in root.value if key.value == "dialogues").value
    place = names.index(new.name)
    lines = text.splitlines(keepends=True)
    first = nodes[place].start_mark.line
    last = nodes[place + 1].start_mark.line if place + 1 < len(nodes) else len(lines)
    while last > first + 1 and not lines[last - 1].split("#")[0].strip():
        last -= 1  # blank lines and comments before the next one are the next one's
    return "".join([*lines[:first], as_text(new), *lines[last:]])


def usable_file(name: str) -> bool:
    """Whether a file may be called this, without its ending."""
    return bool(_FILE_NAME.fullmatch(name))


def _expected(expect: Mapping[str, Any]) -> list[str]:
    short = f"        expect: {_flow(expect)}"
    if len(short) <= _WIDTH:
        return [short]
    return ["        expect:", *(f"          {name}: {_flow(value)}" for name, value in expect.items())]


def _flow(value: Any) -> str:
    """A value in one line of YAML."""
    dumped = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=100_000)
    return dumped.removesuffix("\n").removesuffix("\n...")
