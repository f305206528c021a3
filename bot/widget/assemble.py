"""Puts the widget's files together as they are served: an entry, the panel's code, a file of texts for each language.

Nothing is translated; comments and needless blanks are left out. Modules are put one after the other, their `import`
and `export` words taken away; what a module imports from `served.js` stands in front. Every address but the entry's
holds a hash of its content, and the entry names the panel's with the full hash: one `integrity` attribute covers both.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
SOURCE, TEXTS = _HERE / "source", _HERE / "texts"

ENTRY = "chat-widget.js"
_ENTRY_MODULES = ("element.js", "chat-widget.js")
_LAUNCHER_WORDS = ("open", "loading", "unloaded", "plain")
_PANEL_MODULES = ("links.js", "conversation.js", "talk.js", "parts.js", "panel.js")
_WORD = re.compile(r"[\w$]")
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)
#: Texts, templates and patterns, which stay as they are; comments; blanks. A `/` without a blank behind it that does
#: not follow a value begins a pattern: the sources are formatted so that this holds.
_TOKEN = re.compile(
    r"""(?P<kept>"(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' | `(?:\\.|[^`\\])*`
        | (?<![\w)\]]) / (?![*/\s]) (?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+ / [a-z]*)
      | (?P<comment>//[^\n]* | /\*.*?\*/)
      | (?P<blank>\s+)
      | (?P<other>[\w$]+ | .)""",
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True)
class File:
    """A file as served; `lasting`: its address holds its hash, so that it never changes."""

    content: bytes
    media_type: str
    lasting: bool


@dataclass(frozen=True)
class Bundle:
    """The files by name, and the entry's `integrity`."""

    files: Mapping[str, File]
    integrity: str

    @property
    def panel(self) -> str:
        """Name of the file with the panel's code."""
        return next(name for name in self.files if name.startswith("panel-"))


def assemble(helplines: Mapping[str, Any], retention_days: int, country: str = "") -> Bundle:
    """The widget for an installation.

    Args:
        helplines: `countries` of data/helplines.yml: their emergency numbers stand in the panel, so that they are in
            view without a request.
        retention_days: how long what people write is kept; 0: not beyond the conversation.
        country: the operator's, for visitors of pages that do not name theirs; "" for none.
    """
    numbers, union = emergency_numbers(helplines)
    texts = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(TEXTS.glob("*.json"))}
    english = texts["en"]
    constants = {
        "COUNTRY": country,
        "DAYS": retention_days,
        "NUMBERS": numbers,
        "UNION": union,
        "PANEL_STYLE": _style("panel.css"),
        "EN": {key: words for key, words in english.items() if key not in _LAUNCHER_WORDS},
    }
    panel = _script(_PANEL_MODULES, constants) + b"export{Panel}\n"
    files = {f"panel-{_short(panel)}.js": File(panel, "text/javascript; charset=utf-8", True)}
    languages: dict[str, dict[str, str]] = {}
    for language, words in texts.items():
        languages[language] = {key: words[key] for key in _LAUNCHER_WORDS}
        if language != "en":
            content = json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode()
            name = f"{language}-{_short(content)}.json"
            files[name] = File(content, "application/json", True)
            languages[language]["at"] = name
    entry = _script(
        _ENTRY_MODULES,
        {
            "PANEL": next(iter(files)),
            "PANEL_HASH": integrity(panel, "sha256"),
            "LANGUAGES": languages,
            "LAUNCHER_STYLE": _style("launcher.css"),
        },
    )
    return Bundle({ENTRY: File(entry, "text/javascript; charset=utf-8", False), **files}, integrity(entry))


def emergency_numbers(countries: Mapping[str, Any]) -> tuple[dict[str, list[str]], list[str]]:
    """Emergency numbers by country code, and the members of the European Union."""
    numbers = {
        code: [str(service["number"]) for service in country.get("emergency") or () if service.get("number")]
        for code, country in countries.items()
    }
    union = [str(code) for code in (countries.get("EU") or {}).get("members", ())]
    return {code: found for code, found in numbers.items() if found}, union


def integrity(content: bytes, method: str = "sha384") -> str:
    """The value of an `integrity` attribute for `content`."""
    return f"{method}-{base64.b64encode(hashlib.new(method, content).digest()).decode()}"


def strip(script: str) -> str:
    """A script without comments and without the blanks that say nothing. Line ends stay where they end a statement."""
    kept: list[str] = []
    blank = ""
    for token in _TOKEN.finditer(script):
        if token["comment"] or token["blank"]:
            blank += "\n" if "\n" in token[0] else " "
            continue
        if kept and ((kept[-1] == "," and token[0] in ")]}") or (kept[-1] == ";" and token[0] == "}")):
            kept.pop()
        before, after = kept[-1][-1] if kept else "\n", token[0][0]
        if "\n" in blank and before not in "{[(,;=>&|?:+\n" and after not in ")]}.?:&|":
            kept.append("\n")
        elif blank and ((_WORD.match(before) and _WORD.match(after)) or (before == after and after in "+-")):
            kept.append(" ")
        kept.append(token[0])
        blank = ""
    return "".join(kept) + "\n"


def _script(modules: Sequence[str], constants: Mapping[str, Any]) -> bytes:
    front = [f"const {name} = {_literal(value)};\n" for name, value in constants.items()]
    parts = [(SOURCE / name).read_text(encoding="utf-8") for name in modules]
    plain = [_EXPORT.sub("", _IMPORT.sub("", part)) for part in parts]
    if any(re.search(r"^(?:import|export)\b", part, re.MULTILINE) for part in plain):
        raise ValueError(f"a module among {', '.join(modules)} imports or exports in a way that is not understood")
    return "".join([*front, *(strip(part) for part in plain)]).encode()


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _style(name: str) -> str:
    """A style sheet without comments and without the blanks, zeros and signs that say nothing."""
    text = re.sub(r"/\*.*?\*/", "", (SOURCE / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r" ?([{};,>]) ?|(?<=:) ", lambda found: found[1] or "", text)
    return re.sub(r"(?<![\w.])0(?=\.\d)", "", text).replace(";}", "}").strip()


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
