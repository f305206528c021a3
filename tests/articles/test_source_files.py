"""Files are read as they are meant, and a bad one is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.articles.source_files import (
    content_hash,
    parse_article,
    read_content,
    render_article,
    render_section,
    section_hash,
)
from bot.errors import ContentError
from tests.articles.fakes import INTERACTIONS, SIDE_EFFECTS, edit, write_content

PATH = Path("side-effects.md")


def test_an_article_is_read_whole() -> None:
    article = parse_article(SIDE_EFFECTS, PATH)
    assert (article.id, article.title, article.topic, article.review.due) == (
        "side-effects",
        "Side effects",
        "side_effects",
        "2027-05-22",
    )
    first, second = article.sections
    assert (first.id, first.line, first.aspects, first.drugs) == ("bladder-problems", 8, ("bladder",), ())
    assert first.questions == ("does ketamine hurt the bladder", "bladder pain: is it the infusion")
    assert (first.lead, first.details) == (
        "Ketamine can hurt the bladder.",
        ("That was so in 5 of 10 people.", "Tell the clinic."),
    )
    assert (second.sources, second.details) == (("book", "label"), ())


@pytest.mark.parametrize("text", [SIDE_EFFECTS, INTERACTIONS], ids=["plain", "reviewed"])
def test_the_written_form_is_the_read_one(text: str) -> None:
    article = parse_article(text, PATH)
    assert render_article(article) == text
    assert render_article(article, article) == text


def test_line_breaks_in_paragraphs_and_windows_line_ends_do_not_matter() -> None:
    odd = SIDE_EFFECTS.replace("Ketamine can hurt the bladder.", "Ketamine can hurt\n  the bladder.").replace(
        "\n", "\r\n"
    )
    assert parse_article(odd, PATH) == parse_article(SIDE_EFFECTS, PATH)


@pytest.mark.parametrize(
    "question", ["no", "1737", "null", "a: b", "- x", "# x", "it's", '"said"', "what? [now]", "yes, {a}", "a #b", "é ’"]
)
def test_any_phrasing_survives_writing_and_reading(question: str) -> None:
    section = parse_article(
        SIDE_EFFECTS.replace("will ketamine make me sick", "'" + question.replace("'", "''") + "'"), PATH
    ).sections[1]
    assert section.questions == (question,)
    head = SIDE_EFFECTS[: SIDE_EFFECTS.index("## ")]
    assert parse_article(head + render_section(section), PATH).sections == (section,)


def test_the_hash_is_of_what_is_said_not_of_how_it_is_laid_out() -> None:
    first = parse_article(SIDE_EFFECTS, PATH).sections[0]
    moved = parse_article(SIDE_EFFECTS.replace("\n\nThat was", "\n\n\nThat  was"), PATH).sections[0]
    changed = parse_article(SIDE_EFFECTS.replace("That was", "This was"), PATH).sections[0]
    assert section_hash(first, False) == section_hash(moved, False) != section_hash(changed, False)
    assert section_hash(first, False) != section_hash(first, True)


WRONG = [
    # old text, new text, line, part of the sentence
    ("---\ntitle: Side effects", "title: Side effects", 1, "must begin with front matter"),
    ("topic: side_effects\n", "", 1, "lacks topic"),
    ("review: unreviewed", "review: fine", 4, "must be unreviewed or reviewed"),
    ("review: unreviewed", "review: reviewed", 4, "needs review_on and review_by"),
    ("2027-05-22", "May 2027", 5, "must be a date"),
    ("review_due: 2027-05-22", "due: 2027-05-22", 5, "unknown key 'due'"),
    ("## feeling-sick", "## Feeling sick", 26, "small letters"),
    ("aspects: [nausea]\n", "", 26, "aspects is missing"),
    ("aspects: [nausea]", "aspects: nausea", 30, "must be a list"),
    ("aspects: [nausea]", "aspects: [nausea, nausea]", 30, "twice"),
    ("aspects: [nausea]", "aspects: [nausea", 31, "not valid YAML"),
    ("aspects: [nausea]", "aspects: [nausea]\naspects: [bladder]", 31, "stands twice"),
    ("title: Feeling sick", "titel: Feeling sick", 29, "unknown key 'titel'"),
    ("title: Feeling sick", "title: [a, b]", 29, "must be one line"),
    ("  - will ketamine make me sick", "  - will\n  - ''", 33, "empty entry"),
    ("\nKetamine can make you feel sick.\n", "\n", 26, "no lead"),
    ("## feeling-sick\n\n```yaml", "## feeling-sick\n\nyaml", 26, "block of ```yaml"),
    ("sources: [book, label]", "sources: [a, b, c, d, e, f, g]", 32, "more than 6 sources"),
]


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"), WRONG, ids=[row[3] + " " + row[1].strip()[:20] for row in WRONG]
)
def test_a_bad_file_names_its_line(old: str, new: str, line: int, problem: str) -> None:
    assert old in SIDE_EFFECTS
    with pytest.raises(ContentError, match=problem) as caught:
        parse_article(SIDE_EFFECTS.replace(old, new, 1), PATH)
    assert (caught.value.line, caught.value.path) == (line, str(PATH))


DANGLING = [
    ("articles/side-effects.md", "topic: side_effects", "topic: sides", "no topic 'sides'"),
    ("articles/side-effects.md", "aspects: [nausea]", "aspects: [weight]", "'weight' is not in the aspects"),
    ("articles/side-effects.md", "facts: [se-nausea]", "facts: [se-naussea]", "'se-naussea' is not in facts/"),
    ("articles/side-effects.md", "sources: [book, label]", "sources: [boook]", "'boook' is not in sources.yml"),
    ("articles/side-effects.md", "## feeling-sick", "## bladder-problems", "is taken by side-effects.md:8"),
    ("fact_sources.yml", "se-nausea: [book", "se-nausea: [boook", "'boook' is not in sources.yml"),
    ("fact_sources.yml", "se-nausea", "se-naussea", "no fact 'se-naussea'"),
    ("lexicon/drugs.yml", "[benzodiazepine]", "[benzo]", "no class 'benzo'"),
    ("lexicon/drugs.yml", "- {name: lithium", "- {nam: lithium", "that each have a name"),
    ("topics.yml", "title: Side effects", "titel: Side effects", "must have a title"),
    ("sources.yml", "title: The book", "titel: The book", "needs id and title"),
    ("facts/facts.yaml", "statement: Nobody knows.", "text: Nobody", "must have id, statement"),
]


@pytest.mark.parametrize(("name", "old", "new", "problem"), DANGLING, ids=[row[3] for row in DANGLING])
def test_references_between_files_are_looked_up(tmp_path: Path, name: str, old: str, new: str, problem: str) -> None:
    edit(write_content(tmp_path) / name, old, new)
    with pytest.raises(ContentError, match=problem):
        read_content(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (write_content(tmp_path) / "sources.yml").unlink()
    with pytest.raises(ContentError, match=r"sources\.yml: this file is missing"):
        read_content(tmp_path)


def test_the_hash_of_all_files_sees_every_byte(tmp_path: Path) -> None:
    before = content_hash(write_content(tmp_path))
    assert content_hash(tmp_path) == before
    edit(tmp_path / "lexicon/drugs.yml", "xans", "xanz")
    assert content_hash(tmp_path) != before
