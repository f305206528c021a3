"""Reads and writes the shipped content: `data/articles/*.md` and the small files beside them.

A file is one article: front matter between lines of `---`, then one `## id` section a passage, which is a
fenced yaml block (title, aspects, drugs, facts, sources, questions), a lead, and further paragraphs of details.
All problems are raised as ContentError with the file and the line. All YAML scalars are taken as the text that
stands there, so `no` and `1737` are words here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bot.errors import ContentError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_HEAD = re.compile(r"---\n(.*?)^---\n", re.S | re.M)
_SECTION = re.compile(r"^## ", re.M)
_BLOCK = re.compile(r"\s*```yaml\n(.*?)^```[ \t]*\n", re.S | re.M)
_REVIEW_KEYS = ("review", "review_on", "review_by", "review_due")
_HEAD_KEYS = ("title", "topic", *_REVIEW_KEYS)
_LIST_KEYS = ("aspects", "drugs", "facts", "sources", "questions")
_SECTION_KEYS = ("title", *_LIST_KEYS, *_REVIEW_KEYS)
#: The words by which a passage says that no source was read for something.
GENERAL_KNOWLEDGE = "general knowledge"
#: As many sources a passage shows.
MOST_SOURCES = 6


@dataclass(frozen=True)
class ReviewState:
    """`state` is unreviewed or reviewed; `on` and `due` are ISO dates, `by` a name."""

    state: str = "unreviewed"
    on: str | None = None
    by: str | None = None
    due: str | None = None


@dataclass(frozen=True)
class Section:
    """One passage as a file has it; `review` is None where the article's holds. `line` and `raw` are not compared."""

    id: str
    title: str
    aspects: tuple[str, ...]
    drugs: tuple[str, ...]
    facts: tuple[str, ...]
    sources: tuple[str, ...]
    questions: tuple[str, ...]
    lead: str
    details: tuple[str, ...]
    review: ReviewState | None = None
    line: int = field(default=0, compare=False)
    raw: str = field(default="", compare=False, repr=False)

    def text(self) -> str:
        """All words that a reader sees."""
        return "\n".join((self.title, self.lead, *self.details))


@dataclass(frozen=True)
class ArticleFile:
    """One file; its id is the file's name without `.md`."""

    id: str
    title: str
    topic: str
    review: ReviewState
    sections: tuple[Section, ...]
    path: Path = field(default=Path(), compare=False)
    raw_head: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True)
class TopicEntry:
    """A topic of `data/topics.yml`; `aspects` maps each name to its human title, in order."""

    name: str
    title: str
    aspects: Mapping[str, str]


@dataclass(frozen=True)
class SourceEntry:
    """A source of `data/sources.yml`. Without a publisher it stands for "no page was read" and is never cited."""

    id: str
    title: str
    publisher: str
    year: int | None = None
    url: str | None = None
    seen: tuple[str, ...] = ()
    official: bool = False
    why: str | None = None


@dataclass(frozen=True)
class Fact:
    """A statement of `data/facts/`; `verified` False is general knowledge that was read on no page."""

    id: str
    statement: str
    verified: bool
    file: str
    #: Statement, caution, what it applies to and matching names: all text in which a figure of a passage may stand.
    everything: str = field(repr=False, default="")


@dataclass(frozen=True)
class DrugEntry:
    """A drug or (with `is_class`) a class; `within` are its classes, `names` pairs of kind and name."""

    name: str
    is_class: bool
    within: tuple[str, ...]
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Content:
    """Everything that `articles load` puts into the database."""

    topics: Mapping[str, TopicEntry]
    facts: Mapping[str, Fact]
    sources: Mapping[str, SourceEntry]
    fact_sources: Mapping[str, tuple[str, ...]]
    articles: tuple[ArticleFile, ...]
    drugs: tuple[DrugEntry, ...]

    def general(self, section: Section) -> bool:
        """Whether the passage carries a statement of general knowledge: an unverified fact, or one it says is such."""
        said = GENERAL_KNOWLEDGE in section.text().lower()
        return said or any(not self.facts[fact].verified for fact in section.facts)

    def passages(self) -> list[tuple[ArticleFile, Section]]:
        """Every passage with its article."""
        return [(article, section) for article in self.articles for section in article.sections]


def content_hash(data: Path) -> str:
    """A hash over the bytes of all files that `read_content` reads."""
    digest = hashlib.sha256(b"1")  # goes up with the way they are read
    for path in _content_files(data):
        digest.update(f"{path.relative_to(data).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _content_files(data: Path) -> list[Path]:
    single = [
        data / name
        for name in ("topics.yml", "sources.yml", "fact_sources.yml", "lexicon/drugs.yml", "lexicon/classes.yml")
    ]
    return (
        [path for path in single if path.exists()]
        + sorted(data.glob("facts/*.yaml"))
        + sorted(data.glob("articles/*.md"))
    )


def read_content(data: Path) -> Content:
    """All content under the folder `data`, with every reference between the files looked up.

    Raises:
        ContentError: the first problem met; names the file and, for articles, the line.
    """
    topics, facts, sources = (
        read_topics(data / "topics.yml"),
        read_facts(data / "facts"),
        read_sources(data / "sources.yml"),
    )
    content = Content(
        topics=topics,
        facts=facts,
        sources=sources,
        fact_sources=read_fact_sources(data / "fact_sources.yml", facts, sources),
        articles=tuple(read_article(path) for path in sorted((data / "articles").glob("*.md"))),
        drugs=read_drugs(data / "lexicon"),
    )
    _check_references(content)
    return content


def _check_references(content: Content) -> None:
    seen: dict[str, str] = {}
    for article in content.articles:
        topic = content.topics.get(article.topic)
        if topic is None:
            raise ContentError(article.path, 1, f"there is no topic {article.topic!r} in topics.yml")
        for section in article.sections:
            if section.id in seen:
                raise ContentError(article.path, section.line, f"the id {section.id} is taken by {seen[section.id]}")
            seen[section.id] = f"{article.path.name}:{section.line}"
            for names, known, place in (
                (section.aspects, topic.aspects, f"the aspects of {topic.name} in topics.yml"),
                (section.facts, content.facts, "facts/"),
                (section.sources, content.sources, "sources.yml"),
            ):
                missing = [name for name in names if name not in known]
                if missing:
                    raise ContentError(article.path, section.line, f"{section.id}: {missing[0]!r} is not in {place}")


# -- articles --------------------------------------------------------------------------------------------------


def read_article(path: Path) -> ArticleFile:
    """The article in `path`.

    Raises:
        ContentError: the file is not as described at the top of this module.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ContentError(path, None, "is not UTF-8 text") from error
    return parse_article(text, path)


def parse_article(text: str, path: Path) -> ArticleFile:
    """The article with the words `text`; `path` gives its id and is named in errors (ContentError)."""
    if not ID.fullmatch(path.stem):
        raise ContentError(path, None, "the file's name must be small letters, digits and single hyphens")
    text = text.replace("\r\n", "\n")
    text = text if text.endswith("\n") else text + "\n"
    head = _HEAD.match(text)
    if not head:
        raise ContentError(path, 1, "must begin with front matter between two lines of ---")
    values, lines = _mapping(head[1], 2, path, _HEAD_KEYS)
    for key in ("title", "topic", "review"):
        if not values.get(key):
            raise ContentError(path, 1, f"the front matter lacks {key}")
    starts = [match.start() for match in _SECTION.finditer(text, head.end())]
    before = text[head.end() : starts[0] if starts else len(text)]
    if before.strip() or not starts:
        raise ContentError(
            path, text.count("\n", 0, head.end()) + 1, "after the front matter a section '## id' must follow"
        )
    pieces = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    sections = tuple(
        _parse_section(piece, text.count("\n", 0, start) + 1, path) for piece, start in zip(pieces, starts, strict=True)
    )
    return ArticleFile(
        path.stem, values["title"], values["topic"], _review(values, lines, path), sections, path, text[: starts[0]]
    )


def _parse_section(raw: str, line: int, path: Path) -> Section:
    heading, _, rest = raw.partition("\n")
    passage = heading[3:].strip()
    if not ID.fullmatch(passage):
        raise ContentError(path, line, f"the id {passage!r} must be small letters, digits and single hyphens")
    block = _BLOCK.match(rest)
    if not block:
        raise ContentError(path, line, f"{passage}: the heading must be followed by a block of ```yaml … ```")
    values, lines = _mapping(block[1], line + 1 + rest.count("\n", 0, block.start(1)), path, _SECTION_KEYS)
    for key in ("title", "aspects", "facts", "questions"):
        if not values.get(key):
            raise ContentError(path, line, f"{passage}: {key} is missing")
    if len(values.get("sources", ())) > MOST_SOURCES:
        raise ContentError(path, lines["sources"], f"{passage}: more than {MOST_SOURCES} sources")
    for key in _LIST_KEYS:
        twice = {v for v in values.get(key, ()) if values[key].count(v) > 1}
        if twice:
            raise ContentError(path, lines[key], f"{passage}: {key} has {min(twice)!r} twice")
    paragraphs = [" ".join(p.split()) for p in re.split(r"\n\s*\n", rest[block.end() :]) if p.strip()]
    if not paragraphs:
        raise ContentError(path, line, f"{passage}: there is no lead after the yaml block")
    return Section(
        id=passage,
        title=values["title"],
        **{key: tuple(values.get(key, ())) for key in _LIST_KEYS},
        lead=paragraphs[0],
        details=tuple(paragraphs[1:]),
        review=_review(values, lines, path) if "review" in values else None,
        line=line,
        raw=raw,
    )


def _mapping(text: str, first_line: int, path: Path, known: Sequence[str]) -> tuple[dict[str, Any], dict[str, int]]:
    """The keys of a YAML mapping with their values (text, or a list of texts) and their lines in the file."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise ContentError(path, first_line + (mark.line if mark else 0), f"not valid YAML: {problem}") from error
    if not isinstance(node, yaml.MappingNode):
        raise ContentError(path, first_line, "here must be lines of 'key: value'")
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        line, key = first_line + key_node.start_mark.line, key_node.value
        if key not in known:
            raise ContentError(path, line, f"unknown key {key!r}; known here: {', '.join(known)}")
        if key in values:
            raise ContentError(path, line, f"the key {key!r} stands twice")
        values[key] = _texts(value_node, line, path, key) if key in _LIST_KEYS else _text(value_node, line, path, key)
        lines[key] = line
    return values, lines


def _text(node: Any, line: int, path: Path, key: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise ContentError(path, line, f"{key} must be one line of text")
    return " ".join(str(node.value).split())


def _texts(node: Any, line: int, path: Path, key: str) -> list[str]:
    if not isinstance(node, yaml.SequenceNode):
        raise ContentError(path, line, f"{key} must be a list")
    texts = [_text(item, item.start_mark.line - node.start_mark.line + line, path, key) for item in node.value]
    if not all(texts):
        raise ContentError(path, line, f"{key} has an empty entry")
    return texts


def _review(values: Mapping[str, str], lines: Mapping[str, int], path: Path) -> ReviewState:
    review = ReviewState(*(values.get(key) or None for key in _REVIEW_KEYS))  # type: ignore[arg-type]
    if review.state not in ("unreviewed", "reviewed"):
        raise ContentError(path, lines["review"], f"review is {review.state!r}, but it must be unreviewed or reviewed")
    if review.state == "reviewed" and not (review.on and review.by):
        raise ContentError(path, lines["review"], "a reviewed text needs review_on and review_by")
    for key, date in (("review_on", review.on), ("review_due", review.due)):
        if date and not _DATE.fullmatch(date):
            raise ContentError(path, lines[key], f"{key} is {date!r}, but it must be a date such as 2027-05-22")
    return review


# -- writing ---------------------------------------------------------------------------------------------------


def render_article(article: ArticleFile, existing: ArticleFile | None = None) -> str:
    """The article as a file. What stands equal in `existing` keeps its very bytes."""
    same_head = existing is not None and (existing.title, existing.topic, existing.review) == (
        article.title,
        article.topic,
        article.review,
    )
    head = existing.raw_head if existing and same_head else _render_head(article)
    known = {section: section.raw for section in existing.sections} if existing else {}
    parts = [known.get(section) or render_section(section) for section in article.sections]
    return head + "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _render_head(article: ArticleFile) -> str:
    lines = [f"title: {_scalar(article.title)}", f"topic: {article.topic}", *_render_review(article.review)]
    return "\n".join(["---", *lines, "---", "", ""])


def _render_review(review: ReviewState) -> list[str]:
    values = (review.state, review.on, review.by, review.due)
    return [f"{key}: {_scalar(value)}" for key, value in zip(_REVIEW_KEYS, values, strict=True) if value]


def render_section(section: Section) -> str:
    """The passage in the one form that `articles export` writes."""
    lines = [f"title: {_scalar(section.title)}"]
    for key in ("aspects", "drugs", "facts", "sources"):
        names = getattr(section, key)
        if names:
            lines.append(f"{key}: [{', '.join(_scalar(name, flow=True) for name in names)}]")
    lines += _render_review(section.review) if section.review else []
    lines += ["questions:", *(f"  - {_scalar(question)}" for question in section.questions)]
    return "\n".join(
        [f"## {section.id}", "", "```yaml", *lines, "```", "", "\n\n".join((section.lead, *section.details)), ""]
    )


def _scalar(text: str, *, flow: bool = False) -> str:
    """`text` as a YAML scalar, plain where every reader takes it for that same text."""
    if not (flow and re.search(r"[,\[\]{}]", text)):
        try:
            if yaml.load(f"- {text}", Loader=_Loader) == [text] or _DATE.fullmatch(text):
                return text
        except yaml.YAMLError:
            pass
    return json.dumps(text, ensure_ascii=False)


def section_hash(section: Section, general: bool) -> str:
    """Identifies what a file says in a section, however it is laid out."""
    review = section.review and (section.review.state, section.review.on, section.review.by, section.review.due)
    return _hash(
        [
            section.title,
            section.aspects,
            section.drugs,
            section.facts,
            section.sources,
            section.questions,
            section.lead,
            section.details,
            review,
            general,
        ]
    )


def head_hash(article: ArticleFile) -> str:
    """Identifies what a file says in its front matter."""
    review = article.review
    return _hash([article.title, article.topic, review.state, review.on, review.by, review.due])


def _hash(values: list[Any]) -> str:
    return hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest()


# -- the files beside the articles -----------------------------------------------------------------------------


def read_topics(path: Path) -> dict[str, TopicEntry]:
    """Topics by name, in order (ContentError)."""
    topics = {}
    for name, entry in load_yaml(path, dict).items():
        if not isinstance(entry, dict) or not entry.get("title") or not isinstance(entry.get("aspects"), dict):
            raise ContentError(path, None, f"{name} must have a title and aspects")
        topics[name] = TopicEntry(name, entry["title"], {str(k): str(v) for k, v in entry["aspects"].items()})
    return topics


def read_facts(folder: Path) -> dict[str, Fact]:
    """Facts by id (ContentError)."""
    facts: dict[str, Fact] = {}
    for path in sorted(folder.glob("*.yaml")):
        for entry in load_yaml(path, list):
            if not isinstance(entry, dict) or not {"id", "statement", "verified"} <= entry.keys():
                raise ContentError(path, None, "each fact must have id, statement and verified")
            around = (entry.get(key) or "" for key in ("applies_to", "caution"))
            everything = " ".join([entry["statement"], *around, *map(str, entry.get("members") or ())])
            facts[entry["id"]] = Fact(entry["id"], entry["statement"], bool(entry["verified"]), path.name, everything)
    return facts


def read_sources(path: Path) -> dict[str, SourceEntry]:
    """Sources by id (ContentError)."""
    names = set(SourceEntry.__dataclass_fields__)
    sources = {}
    for entry in load_yaml(path, list):
        if not isinstance(entry, dict) or not all(entry.get(key) for key in ("id", "title")):
            raise ContentError(path, None, f"a source needs id and title: {entry!r}")
        if set(entry) - names:
            raise ContentError(path, None, f"{entry['id']}: unknown key {min(set(entry) - names)!r}")
        if entry["id"] in sources:
            raise ContentError(path, None, f"the id {entry['id']} stands twice")
        sources[entry["id"]] = SourceEntry(
            **{**entry, "publisher": entry.get("publisher") or "", "seen": tuple(entry.get("seen") or ())}
        )
    return sources


def read_fact_sources(
    path: Path, facts: Mapping[str, Fact], sources: Mapping[str, SourceEntry]
) -> dict[str, tuple[str, ...]]:
    """The ids of each fact's sources, the main one first (ContentError)."""
    found = {}
    for fact, listed in (load_yaml(path, dict).get("facts") or {}).items():
        if fact not in facts:
            raise ContentError(path, None, f"there is no fact {fact!r}")
        missing = [source for source in listed or () if source not in sources]
        if missing:
            raise ContentError(path, None, f"{fact}: {missing[0]!r} is not in sources.yml")
        found[fact] = tuple(listed or ())
    return found


def read_drugs(lexicon: Path) -> tuple[DrugEntry, ...]:
    """Classes, then drugs, of `classes.yml` and `drugs.yml` (ContentError)."""
    classes = [
        DrugEntry(
            e["name"], True, tuple(e.get("parents") or ()), tuple(("other", str(n)) for n in e.get("other") or ())
        )
        for e in _named(lexicon / "classes.yml")
    ]
    known = {entry.name for entry in classes}
    drugs = []
    for entry in _named(lexicon / "drugs.yml"):
        names = [
            (kind, str(n))
            for kind, key in (("brand", "brands"), ("street", "street"), ("other", "other"))
            for n in entry.get(key) or ()
        ]
        drugs.append(DrugEntry(entry["name"], False, tuple(entry.get("classes") or ()), tuple(names)))
    for found in (*classes, *drugs):
        missing = [name for name in found.within if name not in known]
        if missing:
            raise ContentError(lexicon / "drugs.yml", None, f"{found.name}: no class {missing[0]!r} in classes.yml")
    return (*classes, *drugs)


def _named(path: Path) -> list[dict[str, Any]]:
    entries = load_yaml(path, list)
    if not all(isinstance(entry, dict) and entry.get("name") for entry in entries):
        raise ContentError(path, None, "must be a list of entries that each have a name")
    return entries


def load_yaml(path: Path, kind: type) -> Any:
    """What stands in the YAML file `path`, which must be a `kind`: list or dict (ContentError)."""
    try:
        loaded = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError as error:
        raise ContentError(path, None, "this file is missing") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ContentError(
            path, mark.line + 1 if mark else None, f"not valid YAML: {getattr(error, 'problem', error)}"
        ) from error
    if not isinstance(loaded, kind):
        raise ContentError(path, None, f"must be a {'list' if kind is list else 'mapping'}")
    return loaded
