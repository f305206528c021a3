"""What the bot must never say: the rules of `data/content_rules/do_not_say.yml`, over every text it can say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.articles.source_files import Content, load_yaml
from bot.errors import ContentError

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+")
_UNSAID = frozenset(
    {"payload", "name", "id", "url", "image", "custom", "fact", "seen", "checked", "languages", "condition"}
)


@dataclass(frozen=True)
class Said:
    """A paragraph that the bot can say: `name` is the passage's or response's, `where` the file (and line)."""

    where: str
    name: str
    text: str


@dataclass(frozen=True)
class Problem:
    """What is wrong with a text; `where` says which file to open."""

    where: str
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.rule}: {self.text}"


@dataclass(frozen=True)
class Rule:
    """One rule; the file says what its parts mean."""

    id: str
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None
    whole_paragraph: bool
    why: str
    catches: tuple[str, ...]
    allowed: Mapping[str, str]

    def broken_by(self, paragraph: str) -> Iterator[str]:
        """The pieces of `paragraph` that break the rule."""
        for piece in (paragraph,) if self.whole_paragraph else _SENTENCE_END.split(paragraph):
            if self.pattern.search(piece) and not (self.unless and self.unless.search(piece)):
                yield piece


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules in `path` (ContentError where one lacks a part or is no regular expression)."""
    return tuple(_rule(path, entry) for entry in load_yaml(path, dict)["rules"])


def _rule(path: Path, entry: Mapping[str, Any]) -> Rule:
    name = entry.get("id", entry)
    unknown = set(entry) - {"id", "pattern", "scope", "unless", "why", "catches", "allowed"}
    if unknown or not {"id", "pattern", "why", "catches"} <= entry.keys():
        raise ContentError(path, None, f"{name}: a rule needs id, pattern, why and catches; unknown: {sorted(unknown)}")
    try:
        pattern = re.compile(entry["pattern"], re.I | re.S)
        unless = re.compile(entry["unless"], re.I | re.S) if entry.get("unless") else None
    except re.error as error:
        raise ContentError(path, None, f"{name}: not a regular expression: {error}") from error
    whole = entry.get("scope", "sentence") == "paragraph"
    return Rule(name, pattern, unless, whole, entry["why"], tuple(entry["catches"]), entry.get("allowed") or {})


def problems(said: Iterable[Said], rules: Iterable[Rule]) -> list[Problem]:
    """Every sentence in `said` that breaks a rule, and every allowance that nothing needs any more."""
    texts = list(said)
    found: list[Problem] = []
    for rule in rules:
        needed = set()
        for one in texts:
            for piece in rule.broken_by(one.text):
                needed.add(one.name)
                if one.name not in rule.allowed:
                    found.append(Problem(one.where, f"{rule.id} ({rule.why})", piece))
        known = {one.name for one in texts}
        for name in rule.allowed:
            if name in known and name not in needed:
                found.append(Problem("data/content_rules/do_not_say.yml", rule.id, f"allowance not needed: {name}"))
    return found


def everything_said(content: Content, data: Path, root: Path | None = None) -> Iterator[Said]:
    """Every text that the bot can say: passages, responses of `data/responses/` and `domain.yml`, helplines."""
    for article, section in content.passages():
        for text in (section.title, section.lead, *section.details):
            yield Said(f"{article.path}:{section.line}", section.id, text)
        yield Said(str(article.path), article.id, article.title)
    for topic in content.topics.values():
        for text in (topic.title, *topic.aspects.values()):
            yield Said(str(data / "topics.yml"), topic.name, text)
    for path in sorted((data / "responses").rglob("*.yml")):
        tree = load_yaml(path, dict)
        yield from _strings(path, tree.pop("responses", {}))
        yield from _strings(path, tree)
    domain = (root or data.parent) / "domain.yml"
    if domain.exists():
        yield from _strings(domain, load_yaml(domain, dict).get("responses") or {})
    if (data / "helplines.yml").exists():
        yield from _helplines(data / "helplines.yml")


def _strings(path: Path, tree: Any, name: str = "") -> Iterator[Said]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key not in _UNSAID:
                yield from _strings(path, value, f"{name}.{key}" if name else str(key))
    elif isinstance(tree, list):
        for value in tree:
            yield from _strings(path, value, name)
    elif isinstance(tree, str) and re.search(r"[A-Za-z]", tree):
        for paragraph in re.split(r"\n\s*\n", tree):
            yield Said(str(path), name, " ".join(paragraph.split()))


def _helplines(path: Path) -> Iterator[Said]:
    """Each entry as it is printed: with its country."""
    for code, country in load_yaml(path, dict)["countries"].items():
        for group in ("emergency", "poison", "crisis"):
            for entry in country.get(group) or ():
                words = [entry.get(key) for key in ("service", "number", "hours", "region", "for")]
                text = entry.get("text") or {}
                words += [f"text {text['body'] or ''} to {text['number']}"] if text else []
                yield Said(str(path), code, f"{country['name']}: " + " ".join(str(word) for word in words if word))
