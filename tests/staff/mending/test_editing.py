"""From draft to published: nobody approves their own, nothing is lost, and loading files overwrites none of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.articles.load import load
from bot.articles.ranking import Query
from bot.articles.store import ArticleStore
from bot.database.models import PUBLISHED, PassageRevision
from bot.language.reader import Reader
from bot.message import Review
from bot.staff.audit import read_audit
from bot.staff.mending.catalogue import Catalogue
from bot.staff.mending.editing import Draft, Editing, NotPossible
from bot.staff.roles import Account, Role
from tests.articles.fakes import edit
from tests.staff.mending.conftest import People

PASSAGE = "ketamine-bladder-signs"
WORDS = "Tell your clinic about bladder pain at once. So says this test."


@pytest.fixture
def store(engine: sa.Engine, reader: Reader) -> ArticleStore:
    return ArticleStore(engine, reader)


def begun(editing: Editing, staff: Account, passage: str = PASSAGE) -> Draft:
    found = editing.draft(editing.begin(staff, passage))
    assert found is not None
    return found


def again(editing: Editing, draft: Draft) -> Draft:
    found = editing.draft(draft.id)
    assert found is not None
    return found


def waiting(editing: Editing, staff: Account, lead: str = WORDS) -> Draft:
    """A draft of `staff` that waits for approval."""
    draft = begun(editing, staff)
    editing.save(staff, draft, replace(draft.section, lead=lead), "plainer")
    editing.send(staff, again(editing, draft))
    return again(editing, draft)


def published(editing: Editing, author: Account, clinician: Account, lead: str = WORDS) -> Draft:
    """What `author` wrote and `clinician` approved, for visitors."""
    draft = waiting(editing, author, lead)
    editing.approve(clinician, draft, date(2030, 1, 2))
    draft = again(editing, draft)
    editing.publish(author, draft)
    return draft


def test_a_draft_changes_nothing_for_visitors(editing: Editing, ed: Account, store: ArticleStore) -> None:
    before = store.passage(PASSAGE)
    waiting(editing, ed)
    assert not store.refresh_if_changed()
    assert store.passage(PASSAGE) == before


def test_what_is_published_is_answered_at_once_and_names_the_clinician(
    editing: Editing, ed: Account, cleo: Account, store: ArticleStore, reader: Reader
) -> None:
    store.refresh()
    published(editing, ed, cleo)
    assert store.refresh_if_changed()
    passage = store.passage(PASSAGE)
    assert passage.lead == WORDS
    assert passage.review == Review("reviewed", date.today().isoformat(), "Dr Cleo")
    question = "what are the signs of ketamine bladder"
    assert store.search(Query(question, reader.read(question).vector))[0].passage.lead == WORDS


def test_loading_the_files_never_overwrites_what_staff_published(
    engine: sa.Engine, editing: Editing, ed: Account, cleo: Account, store: ArticleStore, own_data: Path
) -> None:
    load(engine, own_data, force=True)
    published(editing, ed, cleo)
    assert PASSAGE in load(engine, own_data, force=True).kept
    file = own_data / "articles" / "side-effects-bladder.md"
    edit(file, "title: Signs of bladder problems", "title: Other words in the file")
    assert PASSAGE in load(engine, own_data).conflicts
    store.refresh_if_changed()
    assert store.passage(PASSAGE).lead == WORDS


def test_loading_keeps_a_passage_that_staff_made_or_retired(
    engine: sa.Engine, editing: Editing, ed: Account, cleo: Account, store: ArticleStore, own_data: Path
) -> None:
    number = editing.begin_new(ed, "a-new-one", "side-effects-bladder", "A new one", ("is there a new one",))
    draft = editing.draft(number)
    assert draft is not None
    old = begun(editing, ed, "ketamine-bladder-risk").section
    new = replace(old, id="a-new-one", title="A new one", questions=("is there a new one",), lead="Here it is.")
    editing.save(ed, draft, new, "")
    editing.send(ed, again(editing, draft))
    editing.approve(cleo, again(editing, draft))
    editing.publish(ed, again(editing, draft))
    editing.retire(ed, PASSAGE, "doubtful")
    assert load(engine, own_data, force=True).kept == [PASSAGE, "a-new-one"]
    store.refresh()
    assert store.passage("a-new-one").lead == "Here it is."
    with pytest.raises(KeyError):
        store.passage(PASSAGE)


def test_nobody_approves_their_own_words(editing: Editing, people: People, ed: Account) -> None:
    both = people("Bo", Role.editor, Role.clinician)
    draft = waiting(editing, both)
    with pytest.raises(NotPossible, match="You wrote some of this"):
        editing.approve(both, draft)
    with pytest.raises(NotPossible, match="Only a clinician"):
        editing.approve(ed, draft)
    with pytest.raises(NotPossible, match="Only a clinician"):
        editing.approve(people("Ada", Role.admin), draft)


def test_every_author_counts_and_new_words_need_a_new_approval(
    editing: Editing, ed: Account, cleo: Account, people: People
) -> None:
    draft = waiting(editing, ed)
    editing.save(cleo, draft, draft.section, "a comma")
    draft = again(editing, draft)
    assert set(draft.authors.values()) == {"Ed", "Dr Cleo"}
    editing.send(ed, draft)
    with pytest.raises(NotPossible, match="You wrote some of this"):
        editing.approve(cleo, again(editing, draft))
    editing.approve(people("Dr Dee", Role.clinician), again(editing, draft))
    editing.save(ed, again(editing, draft), draft.section, "")
    with pytest.raises(NotPossible, match="A clinician has to approve"):
        editing.publish(ed, again(editing, draft))


def test_nothing_is_published_without_approval(editing: Editing, ed: Account, cleo: Account) -> None:
    draft = begun(editing, ed)
    with pytest.raises(NotPossible, match="Nobody has asked"):
        editing.approve(cleo, draft)
    with pytest.raises(NotPossible, match="A clinician has to approve"):
        editing.publish(ed, draft)


def test_two_people_do_not_overwrite_each_other(editing: Editing, ed: Account, cleo: Account) -> None:
    first = begun(editing, ed)
    second = begun(editing, cleo)
    assert second.id == first.id
    editing.save(ed, first, first.section, "")
    with pytest.raises(NotPossible, match="Somebody else has changed"):
        editing.save(cleo, second, second.section, "")


def test_what_was_published_meanwhile_is_not_undone(editing: Editing, ed: Account, cleo: Account) -> None:
    draft = waiting(editing, ed)
    editing.approve(cleo, draft)
    current = editing._engine
    with current.connect() as connection:
        one = connection.scalar(
            sa.select(PassageRevision.id).where(
                PassageRevision.passage_id == PASSAGE, PassageRevision.state == PUBLISHED
            )
        )
    editing.retire(ed, PASSAGE, "a while")
    editing.roll_back(ed, PASSAGE, int(one or 0), "back")
    assert again(editing, draft).outdated
    with pytest.raises(NotPossible, match="Other words were published"):
        editing.publish(ed, again(editing, draft))


def test_rolling_back_brings_words_and_review_back_as_a_new_revision(
    engine: sa.Engine, editing: Editing, ed: Account, cleo: Account, store: ArticleStore
) -> None:
    before = store.passage(PASSAGE)
    published(editing, ed, cleo)
    editing.roll_back(ed, PASSAGE, before.revision, "the new words were wrong")
    store.refresh()
    after = store.passage(PASSAGE)
    assert (after.lead, after.review) == (before.lead, before.review)
    assert after.revision != before.revision
    shown = Catalogue(engine).passage(PASSAGE)
    assert shown is not None
    assert [one.state for one in shown.revisions] == ["published", "retired", "retired"]
    with pytest.raises(NotPossible, match="Only words that were published"):
        editing.roll_back(ed, PASSAGE, after.revision, "it is published")


def test_a_phrasing_is_found_at_once_and_takes_no_review_away(
    engine: sa.Engine, editing: Editing, ed: Account, cleo: Account, store: ArticleStore, reader: Reader
) -> None:
    published(editing, ed, cleo)
    draft = begun(editing, ed)
    store.refresh()
    asked = "zebra stripes in the loo"
    with engine.begin() as connection, Session(connection) as session:
        editing.add_phrasing(session, cleo, PASSAGE, asked, {str(ed.id): ed.name})
        session.commit()
    assert store.refresh_if_changed()
    best = store.search(Query(asked, reader.read(asked).vector))[0].passage
    assert (best.id, best.lead, best.review.by) == (PASSAGE, WORDS, "Dr Cleo")
    # An open draft goes on from there, and does not take the new way of asking away again.
    now = again(editing, draft)
    assert asked in now.section.questions
    assert not now.outdated


@pytest.mark.parametrize(("scope", "name"), [("passage", PASSAGE), ("topic", "side_effects")])
def test_switched_off_is_not_shown_and_nothing_else_takes_its_place(
    editing: Editing, ed: Account, store: ArticleStore, reader: Reader, scope: str, name: str
) -> None:
    question = "ketamine bladder signs"
    before = store.search(Query(question, reader.read(question).vector))
    editing.switch(ed, scope, name, "somebody doubts it", off=True)
    assert store.refresh_if_changed()
    with pytest.raises(KeyError):
        store.passage(PASSAGE)
    assert PASSAGE not in [card.id for card in store.cards()]
    after = store.search(Query(question, reader.read(question).vector))
    assert [hit.passage.id for hit in after] == [hit.passage.id for hit in before]
    hidden = [hit.passage for hit in after if hit.passage.withdrawn]
    assert PASSAGE in [passage.id for passage in hidden]
    assert {(passage.lead, passage.details) for passage in hidden} == {("", ())}
    editing.switch(ed, scope, name, "it is right", off=False)
    store.refresh_if_changed()
    assert store.passage(PASSAGE).lead


def test_a_draft_that_is_thrown_away_is_gone(engine: sa.Engine, editing: Editing, ed: Account) -> None:
    number = editing.begin_new(ed, "a-new-one", "side-effects-bladder", "A new one")
    draft = editing.draft(number)
    assert draft is not None
    editing.throw_away(ed, draft)
    assert editing.draft(number) is None
    assert Catalogue(engine).passage("a-new-one") is None
    editing.throw_away(ed, begun(editing, ed))
    shown = Catalogue(engine).passage(PASSAGE)
    assert shown is not None and shown.published is not None


@pytest.mark.parametrize("name", ["Not An Id", "", PASSAGE, "a--b"])
def test_ids_that_cannot_be_used(editing: Editing, ed: Account, name: str) -> None:
    with pytest.raises(NotPossible, match="short name"):
        editing.begin_new(ed, name, "side-effects-bladder", "A title")


def test_every_step_is_in_the_log(engine: sa.Engine, editing: Editing, ed: Account, cleo: Account) -> None:
    published(editing, ed, cleo)
    editing.switch(ed, "passage", PASSAGE, "a doubt", off=True)
    told = [(entry.who, entry.verb) for entry in read_audit(engine)][:6]
    assert told == [
        ("Ed", "switched off"),
        ("Ed", "published"),
        ("Dr Cleo", "approved"),
        ("Ed", "asked for approval"),
        ("Ed", "saved a draft"),
        ("Ed", "began a draft"),
    ]
