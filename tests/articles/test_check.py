"""Each rule of the content finds what it is for, and an exception that nothing needs is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.articles import check as checks
from bot.articles.check import Problem, Tables, figures_in, phrasing_key, text_mark
from bot.articles.do_not_say import Said, everything_said, problems, read_rules
from bot.articles.source_files import Content, Section, read_content
from bot.errors import ContentError
from tests.articles.fakes import write_content

TABLES = Tables({}, {}, (), {}, {}, (), Path("rules"))
Change = Callable[[Section], Section]


@pytest.fixture
def content(tmp_path: Path) -> Content:
    return read_content(write_content(tmp_path))


def changed(content: Content, passage: str, **values: object) -> Content:
    """The content with another value in one passage."""
    articles = tuple(
        replace(
            article,
            sections=tuple(replace(s, **values) if s.id == passage else s for s in article.sections),  # type: ignore[arg-type]
        )
        for article in content.articles
    )
    return replace(content, articles=articles)


def found(listed: list[Problem], passage: str = "") -> list[tuple[str, str]]:
    return [(problem.rule, problem.text) for problem in listed if passage in problem.where]


def test_words_are_counted(content: Content) -> None:
    assert checks.lengths(content) == []
    long = changed(content, "feeling-sick", lead="word " * 61, details=("word " * 100, "word " * 51))
    assert found(checks.lengths(long)) == [
        ("lead too long", "61 words, at most 60"),
        ("details too long", "151 words, at most 150"),
    ]


def test_every_topic_and_aspect_has_a_passage_of_its_own(content: Content) -> None:
    few = found(checks.coverage(content))
    assert ("no passage", "none has interactions/general as its first aspect") in few
    assert ("too few", "4 passages, at least 170") in few


def test_facts_are_carried_or_listed(content: Content) -> None:
    less = changed(content, "benzodiazepines-and-ketamine", facts=("int-bzd",))
    assert found(checks.facts_carried(less, TABLES)) == [("fact in no passage", "int-guess")]
    assert checks.facts_carried(less, replace(TABLES, facts_not_carried={"int-guess": "a reason"})) == []
    assert found(checks.facts_carried(content, replace(TABLES, facts_not_carried={"int-guess": "a reason"}))) == [
        ("exception not needed", "int-guess")
    ]


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("41% of 1,200 people", ["41", "1200"]),
        ("in 2018, for 1.5 hours", ["2018", "1.5"]),
        ("twelve people, twice", ["12", "2"]),
        ("one of them, and both of the two", []),
        ("a third try, two thirds", ["2", "third"]),
        ("48 to 61%", ["48", "61"]),
    ],
)
def test_figures_are_found(text: str, figures: list[str]) -> None:
    assert figures_in(text) == figures


def test_a_figure_must_stand_in_a_fact_of_the_passage(content: Content) -> None:
    assert checks.figures(content, TABLES) == []
    wrong = changed(content, "bladder-problems", details=("That was so in 6 of ten people in 2020.",))
    assert found(checks.figures(wrong, TABLES)) == [("figure in none of its facts", "6")]
    assert checks.figures(wrong, replace(TABLES, figures={"bladder-problems": {"6": "a reason"}})) == []
    assert found(checks.figures(content, replace(TABLES, figures={"bladder-problems": {"6": "a reason"}}))) == [
        ("exception not needed", "bladder-problems: 6")
    ]


def test_hard_texts_are_found(content: Content) -> None:
    assert checks.reading(content, TABLES) == []
    hard = "Administration occasionally precipitates considerable somnolence necessitating continuous observation."
    harder = changed(content, "feeling-sick", lead=hard)
    assert [rule for rule, _ in found(checks.reading(harder, TABLES))] == ["lead too hard to read"]
    excused = found(checks.reading(harder, replace(TABLES, reading={"feeling-sick": "a reason"})))
    assert excused == [("too many exceptions", "1")]


def test_phrasings_belong_to_one_passage(content: Content) -> None:
    shared = changed(content, "feeling-sick", questions=("Does Ketamine hurt a bladder?", *"abcde"))
    assert found(checks.phrasings(shared), "feeling-sick") == [
        ("phrasing shared with bladder-problems", "Does Ketamine hurt a bladder?")
    ]
    assert phrasing_key("What's a K-hole?") == phrasing_key("whats the k hole")


def test_titles_are_told_apart(content: Content) -> None:
    assert checks.titles(content) == []
    same = changed(content, "feeling-sick", title="Bladder Problems")
    assert found(checks.titles(same)) == [("title shared with bladder-problems", "Bladder Problems")]


def test_drugs_are_names_of_the_lexicon(content: Content) -> None:
    assert checks.drugs(content) == []
    wrong = changed(content, "feeling-sick", drugs=("xanax", "esketamine"))
    assert found(checks.drugs(wrong)) == [("not in the lexicon", "xanax")]


def test_general_knowledge_says_so_and_never_stands_alone(content: Content) -> None:
    assert found(checks.general_knowledge(content)) == [("general knowledge not said to be", "int-guess")]
    said = changed(content, "benzodiazepines-and-ketamine", details=("This is general knowledge.",))
    assert checks.general_knowledge(said) == []
    alone = changed(said, "benzodiazepines-and-ketamine", facts=("int-guess",))
    assert found(checks.general_knowledge(alone)) == [("general knowledge stands alone", "int-guess")]


def test_sources_are_those_of_the_facts(content: Content) -> None:
    assert checks.sources(content) == []
    assert found(checks.sources(changed(content, "bladder-problems", sources=()))) == [
        ("no source", "Bladder problems"),
        ("none of the sources of a fact", "se-bladder"),
    ]
    assert found(checks.sources(changed(content, "bladder-problems", sources=("label", "book")))) == [
        ("source of none of its facts", "book")
    ]


def test_what_is_easily_misread_is_read_twice_as_it_stands(content: Content) -> None:
    tables = replace(TABLES, read_twice_facts=("int-bzd",))
    section = next(s for _, s in content.passages() if s.id == "benzodiazepines-and-ketamine")
    (problem,) = checks.read_twice(content, tables)
    assert problem.rule == "to be read a second time (int-bzd)" and text_mark(section) in problem.text
    read = replace(tables, read_twice={section.id: text_mark(section)})
    assert checks.read_twice(content, read) == []
    assert len(checks.read_twice(changed(content, section.id, lead="Another text."), read)) == 1
    assert found(checks.read_twice(content, replace(read, read_twice_facts=("gone",)))) == [
        ("no such fact", "gone"),
        ("exception not needed", section.id),
    ]


# -- what must never be said -----------------------------------------------------------------------------------

RULES = """\
rules:
- {id: nap, pattern: sleep it off, unless: never, why: it kills, catches: [Sleep it off.], allowed: {quote: a reason}}
- {id: number, pattern: '\\b911\\b', unless: US, scope: paragraph, why: a country, catches: [Call 911.]}
"""


def test_rules_look_at_sentences_or_paragraphs(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES)
    rules = read_rules(tmp_path / "rules.yml")
    said = [
        Said("a:1", "one", "Never do that. Sleep it off!"),
        Said("a:2", "two", "Never sleep it off."),
        Said("a:3", "quote", "They said: sleep it off."),
        Said("a:4", "four", "In the US it is this. Call 911."),
        Said("a:5", "five", "Call 911."),
    ]
    assert [(p.where, p.rule, p.text) for p in problems(said, rules)] == [
        ("a:1", "nap (it kills)", "Sleep it off!"),
        ("a:5", "number (a country)", "Call 911."),
    ]
    assert "allowance not needed: quote" in str(problems([Said("a:3", "quote", "Nothing.")], rules)[0])


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("why: it kills, ", "", "a rule needs"),
        ("sleep it off,", "'sleep (it off',", "not a regular expression"),
        ("why", "wy", "unknown"),
    ],
)
def test_a_bad_rule_is_named(tmp_path: Path, old: str, new: str, problem: str) -> None:
    (tmp_path / "rules.yml").write_text(RULES.replace(old, new, 1))
    with pytest.raises(ContentError, match=problem):
        read_rules(tmp_path / "rules.yml")


def test_all_that_can_be_said_is_collected(tmp_path: Path, content: Content) -> None:
    (tmp_path / "responses").mkdir()
    (tmp_path / "responses" / "safety.yml").write_text(
        "danger:\n  lead: Call for help.\n  suggestions: [I am fine]\n"
        "responses:\n  utter_x:\n  - text: |\n      One.\n\n      Two.\n"
        "    buttons: [{title: Yes please, payload: /yes now}]\n"
    )
    (tmp_path / "helplines.yml").write_text(
        "countries:\n  US:\n    name: United States\n    crisis:\n"
        "    - {service: A Line, number: '988', text: {number: '1', body: HI}, hours: all day, for: everyone}\n"
    )
    said = {(one.name, one.text) for one in everything_said(content, tmp_path)}
    assert {
        ("danger.lead", "Call for help."),
        ("danger.suggestions", "I am fine"),
        ("utter_x.text", "One."),
        ("utter_x.text", "Two."),
        ("utter_x.buttons.title", "Yes please"),
        ("US", "United States: A Line 988 all day everyone text HI to 1"),
        ("feeling-sick", "Ketamine can make you feel sick."),
        ("side_effects", "Nausea"),
    } <= said
    assert not any("/yes" in text for _, text in said)
