"""What is wrong with a draft: the checks of `python -m bot articles check`, for one passage and while it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from bot.articles import check
from bot.articles.readability import grade
from bot.articles.source_files import (
    ID,
    ArticleFile,
    Content,
    ReviewState,
    Section,
    read_drugs,
    read_fact_sources,
    read_facts,
    read_sources,
    read_topics,
)

#: Where the checks say a problem is: in the draft, not in a file.
_HERE = Path("draft")


@dataclass(frozen=True)
class Found:
    """Something wrong. With `must` it cannot be published; else whoever approves has to have looked at it."""

    must: bool
    what: str
    text: str


@dataclass(frozen=True)
class Looked:
    """What was found in a draft, and its figures: words, and years of school (Flesch-Kincaid)."""

    found: tuple[Found, ...]
    lead_words: int
    details_words: int
    lead_grade: float
    details_grade: float

    @property
    def must(self) -> tuple[Found, ...]:
        """What stands in the way of publishing."""
        return tuple(one for one in self.found if one.must)

    @property
    def look(self) -> tuple[Found, ...]:
        """What somebody has to look at."""
        return tuple(one for one in self.found if not one.must)


@dataclass(frozen=True)
class Taken:
    """What other passages have already: phrasings (by `check.phrasing_key`) and titles (lower case), with whose."""

    phrasings: Mapping[str, str]
    titles: Mapping[str, str]


#: What each problem means for a writer, and whether it can be passed. Problems that are not listed must be mended.
_SENTENCES = {
    "lead too long": (True, "The first paragraph is too long for a telephone"),
    "details too long": (True, "The further paragraphs are too long for a telephone"),
    "lead too hard to read": (False, "The first paragraph is hard to read"),
    "details too hard to read": (False, "The further paragraphs are hard to read"),
    "too few phrasings": (True, f"Give at least {check.LEAST_PHRASINGS} ways of asking; there are"),
    "title too long": (True, "The title is too long for a button"),
    "not in the lexicon": (True, "The lexicon does not know this medicine"),
    "too many drugs": (True, "Too many medicines are listed"),
    "figure in none of its facts": (False, "This figure stands in none of the facts chosen below"),
    "source of none of its facts": (False, "None of the facts chosen rests on this source"),
    "none of the sources of a fact": (False, "None of the sources chosen is one of this fact's"),
    "no source": (True, "There is no source"),
    "not a source that can be cited": (True, "This source cannot be cited"),
    "general knowledge not said to be": (
        True,
        "The text must say that this is general knowledge, because no source was read for it",
    ),
    "general knowledge stands alone": (True, "There must be a fact with a source besides general knowledge"),
}


class Checker:
    """Knows the facts, sources and rules of the shipped files; reads them once."""

    def __init__(self, data: Path) -> None:
        """
        Raises:
            ContentError: a file under `data` is wrong.
        """
        facts, sources = read_facts(data / "facts"), read_sources(data / "sources.yml")
        self.content = Content(
            topics=read_topics(data / "topics.yml"),
            facts=facts,
            sources=sources,
            fact_sources=read_fact_sources(data / "fact_sources.yml", facts, sources),
            articles=(),
            drugs=read_drugs(data / "lexicon"),
        )
        self._tables = check.read_tables(data / "content_rules")
        self._names = check.names_in(self.content)

    def general(self, section: Section) -> bool:
        """Whether the passage carries a statement of general knowledge."""
        known = replace(section, facts=tuple(fact for fact in section.facts if fact in self.content.facts))
        return self.content.general(known)

    def look(self, section: Section, topic: str, taken: Taken) -> Looked:
        """Everything that the checks find in `section`, which stands under `topic`."""
        found = [*self._missing(section), *self._unknown(section, topic), *_shared(section, taken)]
        known = replace(
            section,
            facts=tuple(name for name in section.facts if name in self.content.facts),
            sources=tuple(name for name in section.sources if name in self.content.sources),
            line=1,
        )
        article = ArticleFile("draft", "", topic, ReviewState(), (known,), _HERE)
        content = replace(self.content, articles=(article,))
        problems = [
            *check.lengths(content),
            *check.figures(content, self._tables),
            *check.reading(content, self._tables),
            *check.phrasings(content),
            *check.titles(content),
            *check.drugs(content),
            *check.general_knowledge(content),
            *check.sources(content),
        ]
        for problem in problems:
            if problem.where.startswith(f"{_HERE}:"):
                must, sentence = _SENTENCES.get(problem.rule, (True, problem.rule[:1].upper() + problem.rule[1:]))
                found.append(Found(must, sentence, problem.text))
        if set(known.facts) & set(self._tables.read_twice_facts):
            found.append(Found(False, "Read it a second time", "one of its facts is easily misread"))
        found += self._must_not_say(section)
        details = "\n".join(section.details)
        return Looked(
            tuple(dict.fromkeys(found)),
            len(section.lead.split()),
            len(details.split()),
            round(grade(section.lead, self._names), 1),
            round(grade(details, self._names), 1),
        )

    def _missing(self, section: Section) -> list[Found]:
        parts = (
            (section.title, "title", "the words on a button"),
            (section.lead, "first paragraph", "what is said first, or alone"),
            (section.aspects, "aspect", "what about the topic it answers"),
            (section.facts, "fact", "what it says must rest on at least one"),
        )
        return [Found(True, f"There is no {name}", why) for value, name, why in parts if not value]

    def _unknown(self, section: Section, topic: str) -> list[Found]:
        known_aspects = self.content.topics[topic].aspects if topic in self.content.topics else {}
        groups = (
            (section.aspects, known_aspects, "This is no aspect of the topic"),
            (section.facts, self.content.facts, "There is no such fact"),
            (section.sources, self.content.sources, "There is no such source"),
        )
        found = [Found(True, what, name) for names, known, what in groups for name in names if name not in known]
        if len(section.aspects) > 3:
            found.append(Found(True, "At most three aspects", ", ".join(section.aspects)))
        if len(section.sources) > check.MOST_SOURCES:
            found.append(Found(True, f"At most {check.MOST_SOURCES} sources", str(len(section.sources))))
        return found

    def _must_not_say(self, section: Section) -> list[Found]:
        found = []
        for rule in self._tables.rules:
            if section.id in rule.allowed:
                continue
            for paragraph in (section.title, section.lead, *section.details):
                found += [Found(True, f"Must not be said: {rule.why}", said) for said in rule.broken_by(paragraph)]
        return found


def _shared(section: Section, taken: Taken) -> list[Found]:
    found = []
    for question in section.questions:
        owner = taken.phrasings.get(check.phrasing_key(question))
        if owner not in (None, section.id):
            found.append(Found(True, f"This way of asking belongs to {owner}", question))
    owner = taken.titles.get(section.title.lower())
    if owner not in (None, section.id):
        found.append(Found(True, f"This title belongs to {owner}", section.title))
    return found


def is_id(name: str) -> bool:
    """Whether `name` can be the id of a passage: small letters, digits and single hyphens."""
    return len(name) <= 120 and bool(ID.fullmatch(name))


def id_from(title: str) -> str:
    """An id made of the words of a title; may be taken."""
    return "-".join(re.findall(r"[a-z0-9]+", title.lower()))[:100].strip("-")


@lru_cache(maxsize=2)
def shared_checker(data: Path) -> Checker:
    """The checker of this process over the data folder."""
    return Checker(data)
