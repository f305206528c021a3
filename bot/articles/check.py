"""What the shipped content must fulfil; `python -m bot articles check` and the tests use the same functions.

Each function takes the content (and the tables of `data/content_rules/`, where every exception stands with its
reason) and returns the problems it finds, with the file to open. An exception that nothing needs is a problem too.
"""

from __future__ import annotations

import hashlib
import re
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.articles import do_not_say
from bot.articles.do_not_say import Problem
from bot.articles.readability import grade
from bot.articles.source_files import (
    GENERAL_KNOWLEDGE,
    MOST_SOURCES,
    ArticleFile,
    Content,
    Section,
    load_yaml,
    read_content,
    render_article,
)

MOST_LEAD_WORDS, MOST_DETAIL_WORDS = 60, 150
LEAD_GRADE, DETAIL_GRADE, MEDIAN_LEAD_GRADE, MOST_EXCEPTIONS = 9.0, 11.0, 7.0, 0.05
LEAST_PASSAGES, LEAST_INTERACTIONS = 170, 50
LEAST_PHRASINGS, MOST_DRUGS, MOST_TITLE = 6, 6, 60
SUBJECT = ("ketamine", "esketamine")

_FIGURES = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15",
    "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19", "twenty": "20", "thirty": "30",
    "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90", "hundred": "100",
    "thousand": "1000", "dozen": "12", "twice": "2", "half": "half", "quarter": "quarter", "thirds": "third",
}  # fmt: skip
#: Words that are more often something else than a figure.
_NO_FIGURES = frozenset({"zero", "one"})
_FIGURE = re.compile(r"\d[\d,]*(?:\.\d+)?|[A-Za-z]+")
_POINTING = re.compile(r"\b(the|these|those|between|of|all|both|either) (two|three|four|five)\b", re.I)


@dataclass(frozen=True)
class Tables:
    """`data/content_rules/`: each exception with its reason."""

    facts_not_carried: dict[str, str]
    figures: dict[str, dict[str, str]]
    read_twice_facts: tuple[str, ...]
    read_twice: dict[str, str]
    reading: dict[str, str]
    rules: tuple[do_not_say.Rule, ...]
    folder: Path


def read_tables(folder: Path) -> Tables:
    """The tables in `folder` (ContentError)."""

    def table(name: str, key: str) -> Any:
        return load_yaml(folder / name, dict).get(key) or {}

    return Tables(
        facts_not_carried=table("facts_not_carried.yml", "facts"),
        figures={
            passage: {str(figure): reason for figure, reason in figures.items()}
            for passage, figures in table("figures.yml", "passages").items()
        },
        read_twice_facts=tuple(fact for group in table("read_twice.yml", "facts") for fact in group["ids"]),
        read_twice={name: str(value) for name, value in table("read_twice.yml", "passages").items()},
        reading=table("reading.yml", "exceptions"),
        rules=do_not_say.read_rules(folder / "do_not_say.yml"),
        folder=folder,
    )


def check(data: Path) -> list[Problem]:
    """All problems of the content under `data`.

    Raises:
        ContentError: a file cannot even be read.
    """
    content, tables = read_content(data), read_tables(data / "content_rules")
    return [
        *lengths(content),
        *coverage(content),
        *facts_carried(content, tables),
        *figures(content, tables),
        *reading(content, tables),
        *phrasings(content),
        *titles(content),
        *drugs(content),
        *general_knowledge(content),
        *sources(content),
        *read_twice(content, tables),
        *layout(content),
        *do_not_say.problems(do_not_say.everything_said(content, data), tables.rules),
    ]


def _at(article: ArticleFile, section: Section) -> str:
    return f"{article.path}:{section.line} {section.id}"


def _unneeded(tables: Tables, file: str, names: Iterable[str]) -> list[Problem]:
    return [Problem(str(tables.folder / file), "exception not needed", name) for name in sorted(names)]


def lengths(content: Content) -> list[Problem]:
    """Leads and details that are too long for a telephone."""
    found = []
    for article, section in content.passages():
        lead, details = len(section.lead.split()), len(" ".join(section.details).split())
        if lead > MOST_LEAD_WORDS:
            found.append(Problem(_at(article, section), "lead too long", f"{lead} words, at most {MOST_LEAD_WORDS}"))
        if details > MOST_DETAIL_WORDS:
            found.append(
                Problem(_at(article, section), "details too long", f"{details} words, at most {MOST_DETAIL_WORDS}")
            )
    return found


def coverage(content: Content) -> list[Problem]:
    """Aspects that no passage has first, passages with too many of them, and too few passages."""
    found = []
    first = {(article.topic, section.aspects[0]) for article, section in content.passages()}
    for topic in content.topics.values():
        for aspect in topic.aspects:
            if (topic.name, aspect) not in first:
                found.append(Problem("articles", "no passage", f"none has {topic.name}/{aspect} as its first aspect"))
    for article, section in content.passages():
        if len(section.aspects) > 3:
            found.append(Problem(_at(article, section), "too many aspects", ", ".join(section.aspects)))
    counts = [(len(content.passages()), LEAST_PASSAGES, "passages")]
    interactions = sum(article.topic == "interactions" for article, _ in content.passages())
    counts.append((interactions, LEAST_INTERACTIONS, "passages about interactions"))
    found += [Problem("articles", "too few", f"{n} {what}, at least {least}") for n, least, what in counts if n < least]
    return found


def facts_carried(content: Content, tables: Tables) -> list[Problem]:
    """Facts that no passage carries and that are not listed with a reason."""
    carried = {fact for _, section in content.passages() for fact in section.facts}
    missing = set(content.facts) - carried - set(tables.facts_not_carried)
    found = [Problem(f"facts/{content.facts[fact].file}", "fact in no passage", fact) for fact in sorted(missing)]
    gone = {fact for fact in tables.facts_not_carried if fact in carried or fact not in content.facts}
    return found + _unneeded(tables, "facts_not_carried.yml", gone)


def figures_in(text: str) -> list[str]:
    """The figures in `text`: numbers without their commas, and small numbers written as words."""
    words = (match[0].lower() for match in _FIGURE.finditer(_POINTING.sub("", text)))
    return [
        word.rstrip(",").replace(",", "") if word[0].isdigit() else _FIGURES[word]
        for word in words
        if word[0].isdigit() or (word in _FIGURES and word not in _NO_FIGURES)
    ]


def figures(content: Content, tables: Tables) -> list[Problem]:
    """Figures of a passage that stand in none of its facts and are no year of their sources."""
    found, needed = [], set()
    for article, section in content.passages():
        known = {figure for fact in section.facts for figure in figures_in(content.facts[fact].everything)}
        known |= {word for fact in section.facts for word in ("1",) if "once" in content.facts[fact].everything.lower()}
        known |= {
            str(content.sources[source].year) for fact in section.facts for source in content.fact_sources.get(fact, ())
        }
        for figure in sorted(set(figures_in(section.text())) - known):
            if figure in tables.figures.get(section.id, {}):
                needed.add((section.id, figure))
            else:
                found.append(Problem(_at(article, section), "figure in none of its facts", figure))
    listed = {(passage, figure) for passage, entries in tables.figures.items() for figure in entries}
    return found + _unneeded(tables, "figures.yml", (f"{passage}: {figure}" for passage, figure in listed - needed))


def names_in(content: Content) -> frozenset[str]:
    """The single words that name a drug, a class or the bot's own subject."""
    listed = {name.lower() for entry in content.drugs for name in (entry.name, *(name for _, name in entry.names))}
    return frozenset({name for name in listed if re.fullmatch(r"[a-z][a-z-]+", name)} | {*SUBJECT, "spravato"})


def reading(content: Content, tables: Tables) -> list[Problem]:
    """Texts that take more years of school than the ceilings allow, exceptions apart."""
    names, found, needed, leads = names_in(content), [], set(), []
    for article, section in content.passages():
        lead, details = grade(section.lead, names), grade("\n".join(section.details), names)
        leads.append(lead)
        for part, value, ceiling in (("lead", lead, LEAD_GRADE), ("details", details, DETAIL_GRADE)):
            if value > ceiling and section.id in tables.reading:
                needed.add(section.id)
            elif value > ceiling:
                found.append(
                    Problem(_at(article, section), f"{part} too hard to read", f"grade {value:.1f} above {ceiling:g}")
                )
    if leads and statistics.median(leads) > MEDIAN_LEAD_GRADE:
        found.append(
            Problem("articles", "leads too hard to read", f"their median grade is {statistics.median(leads):.1f}")
        )
    if len(tables.reading) > MOST_EXCEPTIONS * len(leads):
        found.append(Problem(str(tables.folder / "reading.yml"), "too many exceptions", str(len(tables.reading))))
    return found + _unneeded(tables, "reading.yml", set(tables.reading) - needed)


def phrasing_key(question: str) -> str:
    """What makes two phrasings the same one: the words, without case, marks and articles."""
    words = re.sub(r"[^a-z0-9 ]", " ", question.lower().replace("'", "").replace("’", "")).split()
    return " ".join(word for word in words if word not in ("a", "an", "the"))


def phrasings(content: Content) -> list[Problem]:
    """Passages with few phrasings, and phrasings that two passages share."""
    found, seen = [], defaultdict(list)
    for article, section in content.passages():
        if len(section.questions) < LEAST_PHRASINGS:
            found.append(Problem(_at(article, section), "too few phrasings", f"{len(section.questions)}"))
        for question in section.questions:
            seen[phrasing_key(question)].append((article, section, question))
    for users in seen.values():
        for article, section, question in users[1:]:
            found.append(Problem(_at(article, section), f"phrasing shared with {users[0][1].id}", question))
    return found


def titles(content: Content) -> list[Problem]:
    """Titles that two passages share (they stand on buttons) or that are too long for one."""
    found: list[Problem] = []
    seen: dict[str, str] = {}
    for article, section in content.passages():
        first = seen.setdefault(section.title.lower(), section.id)
        if first != section.id:
            found.append(Problem(_at(article, section), f"title shared with {first}", section.title))
        if len(section.title) > MOST_TITLE:
            found.append(Problem(_at(article, section), "title too long", section.title))
    return found


def drugs(content: Content) -> list[Problem]:
    """Names under `drugs` that the lexicon does not know, and too many of them."""
    known = {entry.name for entry in content.drugs} | set(SUBJECT)
    found = []
    for article, section in content.passages():
        found += [
            Problem(_at(article, section), "not in the lexicon", name) for name in section.drugs if name not in known
        ]
        if len(section.drugs) > MOST_DRUGS:
            found.append(
                Problem(_at(article, section), "too many drugs", f"{len(section.drugs)}, at most {MOST_DRUGS}")
            )
    return found


def general_knowledge(content: Content) -> list[Problem]:
    """Passages with a fact that was read on no page which do not say so, or which have no other fact."""
    found = []
    for article, section in content.passages():
        guesses = [fact for fact in section.facts if not content.facts[fact].verified]
        if guesses and GENERAL_KNOWLEDGE not in section.text().lower():
            found.append(Problem(_at(article, section), "general knowledge not said to be", ", ".join(guesses)))
        if len(guesses) == len(section.facts):
            found.append(Problem(_at(article, section), "general knowledge stands alone", ", ".join(guesses)))
    return found


def sources(content: Content) -> list[Problem]:
    """Passages without a source, with one that is none of their facts', or without any of a fact's."""
    found = []
    for article, section in content.passages():
        where = _at(article, section)
        resting = {source for fact in section.facts for source in content.fact_sources.get(fact, ())}
        if not section.sources:
            found.append(Problem(where, "no source", section.title))
        for name in section.sources:
            if name not in resting:
                found.append(Problem(where, "source of none of its facts", name))
            if not content.sources[name].publisher:
                found.append(Problem(where, "not a source that can be cited", name))
        if len(section.sources) < MOST_SOURCES:
            found += [
                Problem(where, "none of the sources of a fact", fact)
                for fact in section.facts
                if content.facts[fact].verified and not set(content.fact_sources.get(fact, ())) & set(section.sources)
            ]
    linked = (source for source in content.sources.values() if source.url)
    return found + [
        Problem("sources.yml", "not a web address", s.id) for s in linked if not re.match(r"https?://", s.url or "")
    ]


def text_mark(section: Section) -> str:
    """A short mark of what a reader sees: another text has another mark."""
    return hashlib.sha256(section.text().encode()).hexdigest()[:10]


def read_twice(content: Content, tables: Tables) -> list[Problem]:
    """Passages with a fact that is easily misread which nobody has read a second time as they stand now."""
    found, needed = [], set()
    for article, section in content.passages():
        risky = sorted(set(section.facts) & set(tables.read_twice_facts))
        if risky:
            needed.add(section.id)
            if tables.read_twice.get(section.id) != text_mark(section):
                found.append(Problem(
                    _at(article, section), f"to be read a second time ({', '.join(risky)})",
                    f"then put '{section.id}: {text_mark(section)}' into {tables.folder / 'read_twice.yml'}",
                ))  # fmt: skip
    unknown = set(tables.read_twice_facts) - set(content.facts)
    found += [Problem(str(tables.folder / "read_twice.yml"), "no such fact", fact) for fact in sorted(unknown)]
    return found + _unneeded(tables, "read_twice.yml", set(tables.read_twice) - needed)


def layout(content: Content) -> list[Problem]:
    """Files that are not laid out as `articles export` writes them, which would make noise in Git."""
    return [
        Problem(str(article.path), "layout", "is not as `python -m bot articles check --fix` would write it")
        for article in content.articles
        if article.path.read_text(encoding="utf-8") != render_article(article)
    ]


def fix_layout(data: Path) -> list[str]:
    """Lay out every article file as `articles export` writes it; the names of those that changed."""
    changed = []
    for article in read_content(data).articles:
        written = render_article(article)
        if article.path.read_text(encoding="utf-8") != written:
            article.path.write_text(written, encoding="utf-8")
            changed.append(article.path.name)
    return changed
