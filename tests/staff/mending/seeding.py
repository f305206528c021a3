"""A week of mending, for pictures: problems in themes, drafts on their way, sentences that wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.database.engine import writing
from bot.database.mending import MendingItem, SourceCheck
from bot.database.models import PUBLISHED, Feedback, PassageRevision, Source, now
from bot.database.staff import StaffAccount
from bot.ops.problems import note_rating
from bot.staff.mending.checks import shared_checker
from bot.staff.mending.editing import Editing
from bot.staff.mending.proposals import Proposals
from bot.staff.mending.queue import Queue
from bot.staff.roles import Account, Role
from tests.staff.mending.test_queue import Reads, ask

BLADDER = "ketamine-bladder-signs"
_ASKED = (
    ("can i fly home after a session", "fallback", 6),
    ("is it fine to fly after a session", "fallback", 3),
    ("does the nose spray taste of anything", "clarify", 4),
    ("may i keep my hearing aids in during it", "refusal", 2),
    ("chest hurts and arm is numb", "safety", 1),
)


def seed_mending(engine: sa.Engine, data: Path) -> dict[str, int]:
    """Fill the queue, the drafts and the proposals; the numbers of a problem and of a draft to look at."""
    editing, queue = Editing(engine, shared_checker(data)), Queue(engine, Reads, {"fly", "session", "spray", "taste"})
    ed, cleo = _account(engine, "Ed Moran", Role.editor), _account(engine, "Dr Cleo Hart", Role.clinician)
    for text, kind, often in _ASKED:
        for number in range(often):
            about = {"category": {"safety": "medical_emergency", "refusal": "out_of_scope"}.get(kind)}
            ask(engine, f"web-{kind}-{number}-{len(text)}", text, kind, **about)  # type: ignore[arg-type]
    question = "why am i up all night running to the loo"
    lead = "Trouble sleeping was not much more common with the esketamine spray (Spravato) than with a dummy spray."
    about = {"topic": "side_effects", "passages": ("ketamine-sleep",)}
    message = ask(engine, "web-night", question, "answer", lead=lead, **about)
    with engine.begin() as connection:
        told = {"id": message, "topic": "side_effects", "passages": ["ketamine-sleep"]}
        note_rating(connection, "web-night", "web", told, "I asked about going to the loo", helpful=False)
    while queue.sort_new():
        pass
    draft = _draft(editing, ed)
    proposals = Proposals(engine, editing)
    proposals.phrasing(ed, question, BLADDER)
    proposals.phrasing(cleo, "do i need to pee more on the spray", BLADDER)
    _rate(engine)
    with engine.connect() as connection:
        problem = connection.scalar(sa.select(MendingItem.id).where(MendingItem.kind == "not_helpful"))
    return {"problem": int(problem or 0), "draft": draft}


def _account(engine: sa.Engine, name: str, *roles: Role) -> Account:
    login = name.lower().replace(" ", "-")
    with writing(engine) as connection:
        values = {"login": login, "name": name, "password_hash": "none", "roles": list(roles), "active": True}
        made = connection.execute(sa.insert(StaffAccount).values(**values)).inserted_primary_key
    assert made is not None
    return Account(made[0], login, name, frozenset(roles))


def _draft(editing: Editing, ed: Account) -> int:
    """A draft that waits for approval."""
    number = editing.begin(ed, BLADDER)
    draft = editing.draft(number)
    assert draft is not None
    lead = f"{draft.section.lead} Getting up at night to pee can be one of them."
    editing.save(ed, draft, replace(draft.section, lead=lead), "Says that the night belongs to it: somebody asked")
    draft = editing.draft(number)
    assert draft is not None
    editing.send(ed, draft)
    return number


def _rate(engine: sa.Engine) -> None:
    """What people thought of two answers, and what was found at two addresses."""
    with engine.begin() as connection, Session(connection) as session:
        published = sa.select(PassageRevision.id).where(PassageRevision.state == PUBLISHED)
        for passage, good, bad in ((BLADDER, 9, 2), ("ketamine-sleep", 2, 6)):
            revision = session.scalar(published.where(PassageRevision.passage_id == passage))
            for place in range(good + bad):
                reason = "too short" if place == good else None
                row = Feedback(
                    message_id=f"{passage}-{place}", revision_id=revision, helpful=place < good, reason=reason
                )
                session.add(row)
        linked = session.scalars(sa.select(Source).where(Source.url.is_not(None)).order_by(Source.id).limit(12)).all()
        for place, source in enumerate(linked):
            found, status = ("gone", 404) if place == 3 else ("moved", 301) if place == 7 else ("ok", 200)
            session.add(
                SourceCheck(
                    source_id=source.id,
                    at=now() - timedelta(days=3),
                    found=found,
                    status=status,
                    moved_to=f"{source.url}/new" if found == "moved" else None,
                    url=source.url or "",
                )
            )
        session.commit()
