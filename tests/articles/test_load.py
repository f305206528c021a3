"""Loading is idempotent, whole, and leaves alone what staff changed; exporting writes it back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.articles.export import export, stored_articles
from bot.articles.load import LoadReport, bump_version, load, section_of
from bot.articles.source_files import read_content
from bot.database.models import (
    PUBLISHED,
    RETIRED,
    Article,
    OtherName,
    Passage,
    PassageRevision,
    PassageRevisionSource,
    Source,
)
from bot.errors import ContentError
from tests.articles.fakes import edit, write_content

PASSAGES = ["benzodiazepines-and-ketamine", "interaction-nothing-found", "bladder-problems", "feeling-sick"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_content(tmp_path / "data")


def staff_edits(engine: sa.Engine, passage: str, **values: object) -> None:
    """What the console does when somebody publishes an edit."""
    with Session(engine) as session:
        old = session.scalars(
            sa.select(PassageRevision).where(PassageRevision.passage_id == passage, PassageRevision.state == PUBLISHED)
        ).one()
        old.state = RETIRED
        session.flush()
        kept = ("title", "lead", "details", "aspects", "drugs", "questions", "facts", "general", "shipped_hash")
        session.add(
            PassageRevision(
                **{**{name: getattr(old, name) for name in kept}, **values},
                passage_id=passage,
                number=old.number + 1,
                state=PUBLISHED,
                edited_by_staff=True,
                cited=[PassageRevisionSource(position=c.position, source_id=c.source_id) for c in old.cited],
            )
        )
        bump_version(session)
        session.commit()


def published(engine: sa.Engine) -> dict[str, PassageRevision]:
    with Session(engine, expire_on_commit=False) as session:
        rows = session.scalars(sa.select(PassageRevision).where(PassageRevision.state == PUBLISHED)).all()
        return {row.passage_id: row for row in rows}


def counts(engine: sa.Engine) -> dict[str, int]:
    with engine.connect() as connection:
        tables = (Article, Passage, PassageRevision, PassageRevisionSource, Source, OtherName)
        return {t.__tablename__: connection.scalar(sa.select(sa.func.count()).select_from(t)) for t in tables}


def test_the_first_load_takes_everything(database: sa.Engine, data: Path) -> None:
    report = load(database, data)
    assert (report.added, report.version) == (PASSAGES, 1)
    assert counts(database) == {
        "articles": 2,
        "passages": 4,
        "passage_revisions": 4,
        "passage_revision_sources": 5,
        "sources": 2,
        "other_names": 4,
    }
    row = published(database)["benzodiazepines-and-ketamine"]
    assert (row.general, row.drugs, row.review_state) == (True, ["benzodiazepine"], None)
    assert {section_of_all(database)[name] for name in PASSAGES} == {s for _, s in read_content(data).passages()}


def section_of_all(engine: sa.Engine) -> dict[str, object]:
    with Session(engine) as session:
        rows = session.scalars(sa.select(PassageRevision).where(PassageRevision.state == PUBLISHED))
        return {row.passage_id: section_of(row) for row in rows}


def test_twice_is_the_same_as_once(database: sa.Engine, data: Path) -> None:
    load(database, data)
    before = counts(database)
    assert load(database, data).same_files
    again = load(database, data, force=True)
    assert (again.same_files, again.unchanged, again.version) == (False, PASSAGES, 1)
    assert counts(database) == before


def test_a_changed_passage_is_a_new_revision(database: sa.Engine, data: Path) -> None:
    load(database, data)
    edit(data / "articles/side-effects.md", "That was so in 5 of 10 people.", "That was so in many people.")
    report = load(database, data)
    assert (report.changed, report.version) == (["bladder-problems"], 2)
    row = published(database)["bladder-problems"]
    assert (row.number, row.details[0]) == (2, "That was so in many people.")


def test_a_passage_gone_from_the_files_is_retired_and_comes_back(database: sa.Engine, data: Path) -> None:
    load(database, data)
    path = data / "articles/side-effects.md"
    whole = path.read_text()
    path.write_text(whole[: whole.index("## feeling-sick")])
    assert load(database, data).retired == ["feeling-sick"]
    assert "feeling-sick" not in published(database)
    assert load(database, data, force=True).version == 2
    path.write_text(whole)
    report = load(database, data)
    assert (report.added, report.version) == (["feeling-sick"], 3)
    assert published(database)["feeling-sick"].number == 1


def test_a_passage_may_move_to_another_article(database: sa.Engine, data: Path) -> None:
    load(database, data)
    path = data / "articles/side-effects.md"
    head, bladder, sick = path.read_text().partition("## bladder-problems")[0], *path.read_text().split("## ")[1:]
    (data / "articles/nausea.md").write_text(head + "## " + sick)
    path.write_text(head + "## " + bladder)
    report = load(database, data)
    assert (report.added, report.changed, report.retired, report.version) == ([], [], [], 2)
    assert {article.id: [s.id for s in article.sections] for article in stored_articles(database)}["nausea"] == [
        "feeling-sick"
    ]


CHANGES: list[tuple[str, str, str, str]] = [
    ("a source", "sources.yml", "title: The book", "title: The other book"),
    ("a name of a drug", "lexicon/drugs.yml", "xanax", "xanax xr"),
    ("a topic's title", "topics.yml", "Nausea", "Feeling sick"),
    ("the order of aspects", "topics.yml", "bladder: Bladder, nausea: Nausea", "nausea: Nausea, bladder: Bladder"),
    ("an article's title", "articles/side-effects.md", "title: Side effects", "title: Unwanted effects"),
    (
        "a fact made general",
        "facts/facts.yaml",
        "statement: It can make you sick., verified: true",
        "statement: It can make you sick., verified: false",
    ),
]


@pytest.mark.parametrize(("name", "old", "new"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_every_change_raises_the_version_once(
    sqlite_database: sa.Engine, data: Path, name: str, old: str, new: str
) -> None:
    load(sqlite_database, data)
    edit(data / name, old, new)
    assert load(sqlite_database, data).version == 2
    assert load(sqlite_database, data, force=True).version == 2


def test_a_comment_in_a_file_does_not_raise_the_version(sqlite_database: sa.Engine, data: Path) -> None:
    load(sqlite_database, data)
    (data / "sources.yml").write_text("# a comment\n" + (data / "sources.yml").read_text())
    report = load(sqlite_database, data)
    assert (report.same_files, report.version) == (False, 1)


def test_a_bad_file_changes_nothing(database: sa.Engine, data: Path) -> None:
    load(database, data)
    before = counts(database), section_of_all(database)
    edit(data / "articles/medicines.md", "Nothing reliable was found", "Nothing at all was found")
    edit(data / "articles/side-effects.md", "aspects: [nausea]", "aspects: [naussea]")
    with pytest.raises(ContentError, match=r"side-effects.md:26"):
        load(database, data)
    assert (counts(database), section_of_all(database)) == before


def test_a_load_cut_short_changes_nothing(database: sa.Engine, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import bot.articles.load as module

    def cut(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_bump", cut)
    with pytest.raises(KeyboardInterrupt):
        load(database, data)
    assert set(counts(database).values()) == {0}


# -- what staff changed ----------------------------------------------------------------------------------------


def test_what_staff_changed_is_kept_and_reported(database: sa.Engine, data: Path) -> None:
    load(database, data)
    staff_edits(database, "bladder-problems", lead="Staff wrote this.")
    report = load(database, data, force=True)
    assert (report.kept, report.conflicts, report.version) == (["bladder-problems"], [], 2)
    edit(data / "articles/side-effects.md", "Ketamine can hurt the bladder.", "The file says this now.")
    for _ in range(2):
        report = load(database, data, force=True)
        assert (report.kept, report.conflicts, report.changed) == ([], ["bladder-problems"], [])
    assert published(database)["bladder-problems"].lead == "Staff wrote this."
    assert any("the file has changed too: bladder-problems" in line for line in report.lines())


def test_staff_text_that_came_back_by_the_file_belongs_to_the_file_again(database: sa.Engine, data: Path) -> None:
    load(database, data)
    staff_edits(database, "bladder-problems", lead="Staff wrote this.")
    assert export(database, data / "articles").written == ["side-effects.md"]
    report = load(database, data)
    assert (report.kept, report.conflicts, report.version) == ([], [], 3)
    edit(data / "articles/side-effects.md", "Staff wrote this.", "The file again.")
    assert load(database, data).changed == ["bladder-problems"]


def retire(session: Session) -> None:
    row = session.scalars(sa.select(PassageRevision).where(PassageRevision.passage_id == "feeling-sick")).one()
    row.state, row.edited_by_staff = RETIRED, True


def add_passage(session: Session) -> None:
    session.add(Passage(id="by-staff", article_id="side-effects", position=9))
    session.flush()
    session.add(
        PassageRevision(
            passage_id="by-staff",
            number=1,
            state=PUBLISHED,
            title="T",
            lead="L",
            details=[],
            aspects=["nausea"],
            drugs=[],
            questions=["q"],
            facts=["se-nausea"],
            general=False,
            edited_by_staff=True,
        )
    )


def retitle(session: Session) -> None:
    row = session.get_one(Article, "side-effects")
    row.title, row.edited_by_staff = "By staff", True


STAFF: list[tuple[Callable[[Session], None], str]] = [
    (retire, "feeling-sick"),
    (add_passage, "by-staff"),
    (retitle, "article side-effects"),
]


@pytest.mark.parametrize(("change", "name"), STAFF, ids=[row[0].__name__ for row in STAFF])
def test_other_changes_of_staff_are_kept_too(
    sqlite_database: sa.Engine, data: Path, change: Callable[[Session], None], name: str
) -> None:
    load(sqlite_database, data)
    with Session(sqlite_database) as session:
        change(session)
        session.commit()
    before = section_of_all(sqlite_database)
    report = load(sqlite_database, data, force=True)
    assert (report.kept, report.conflicts, report.version) == ([name], [], 1)
    assert section_of_all(sqlite_database) == before


def test_a_draft_waits_while_its_passage_is_loaded(sqlite_database: sa.Engine, data: Path) -> None:
    load(sqlite_database, data)
    with Session(sqlite_database) as session:
        draft = PassageRevision(
            passage_id="feeling-sick",
            number=2,
            state="draft",
            title="T",
            lead="L",
            details=[],
            aspects=["nausea"],
            drugs=[],
            questions=["q"],
            facts=[],
            edited_by_staff=True,
        )
        session.add(draft)
        session.commit()
    edit(data / "articles/side-effects.md", "Ketamine can make you feel sick.", "Ketamine may make you feel sick.")
    report: LoadReport = load(sqlite_database, data)
    assert report.changed == ["feeling-sick"]
    assert published(sqlite_database)["feeling-sick"].number == 3


# -- export ----------------------------------------------------------------------------------------------------


def test_unchanged_files_keep_their_bytes(database: sa.Engine, data: Path) -> None:
    path = data / "articles/side-effects.md"
    path.write_text(
        path.read_text()
        .replace("Ketamine can hurt the bladder.", "Ketamine can hurt\nthe bladder.")
        .replace("title: Bladder problems", "title:   'Bladder problems'")
    )
    before = {p.name: p.read_bytes() for p in data.glob("articles/*.md")}
    load(database, data)
    report = export(database, data / "articles")
    assert (report.written, report.removed, report.same) == ([], [], 2)
    assert {p.name: p.read_bytes() for p in data.glob("articles/*.md")} == before


def test_only_the_changed_passage_is_written_anew(sqlite_database: sa.Engine, data: Path) -> None:
    path = data / "articles/side-effects.md"
    edit(path, "Ketamine can hurt the bladder.", "Ketamine can hurt\nthe bladder.")
    load(sqlite_database, data)
    before = path.read_text()
    staff_edits(sqlite_database, "feeling-sick", lead="Staff: wrote this.")
    export(sqlite_database, data / "articles")
    assert path.read_text() == before.replace("Ketamine can make you feel sick.", "Staff: wrote this.")


def test_an_export_to_an_empty_folder_can_be_loaded(database: sa.Engine, data: Path, tmp_path: Path) -> None:
    load(database, data)
    export(database, tmp_path / "out")
    assert {p.name: p.read_text() for p in (tmp_path / "out").iterdir()} == {
        p.name: p.read_text() for p in data.glob("articles/*.md")
    }


def test_an_article_without_published_passages_is_removed(sqlite_database: sa.Engine, data: Path) -> None:
    load(sqlite_database, data)
    with Session(sqlite_database) as session:
        for row in session.scalars(
            sa.select(PassageRevision).join(Passage).where(Passage.article_id == "side-effects")
        ):
            row.state, row.edited_by_staff = RETIRED, True
        session.commit()
    assert export(sqlite_database, data / "articles").removed == ["side-effects.md"]
    assert not (data / "articles/side-effects.md").exists()
