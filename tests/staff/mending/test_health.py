"""What needs somebody is found, and what does not is not; addresses are visited without a network here."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from bot.database.mending import PassageUse, SourceCheck
from bot.database.models import PUBLISHED, Feedback, PassageRevision, Source, now
from bot.errors import EvenkeelError
from bot.ops.counts import count_messages
from bot.staff.mending.health import CONCERNS, Health
from bot.staff.mending.links import check_links

SIGNS = "ketamine-bladder-signs"


@pytest.fixture
def health(engine: sa.Engine) -> Health:
    return Health(engine)


def ids(health: Health, name: str) -> list[str]:
    found = health.concern(name)
    assert found.count == len(found.rows)
    return [row.id for row in found.rows]


def change(engine: sa.Engine, passage: str, **values: object) -> int:
    of_it = (PassageRevision.passage_id == passage, PassageRevision.state == PUBLISHED)
    with engine.begin() as connection:
        connection.execute(sa.update(PassageRevision).where(*of_it).values(**values))
        return int(connection.scalar(sa.select(PassageRevision.id).where(*of_it)) or 0)


def test_reviews(engine: sa.Engine, health: Health) -> None:
    everything = ids(health, "never")
    assert SIGNS in everything and len(everything) == 10
    assert ids(health, "due") == []
    change(engine, SIGNS, review_state="reviewed", review_on="2025-01-01", review_by="Dr", review_due="2025-07-01")
    change(engine, everything[-1], review_state="reviewed", review_on="2026-01-01", review_due="2099-01-01")
    assert ids(health, "due") == [SIGNS]
    assert set(ids(health, "never")) == set(everything) - {SIGNS, everything[-1]}


def test_ratings_of_the_words_of_today(engine: sa.Engine, health: Health) -> None:
    revision = change(engine, SIGNS, general=False)
    rows = [{"message_id": str(n), "revision_id": revision, "helpful": n < 2} for n in range(6)]
    with engine.begin() as connection:
        connection.execute(sa.insert(Feedback), rows[:4])
    assert ids(health, "rated") == []
    with engine.begin() as connection:
        connection.execute(sa.insert(Feedback), rows[4:])
    [row] = health.concern("rated").rows
    assert (row.id, row.why) == (SIGNS, "2 of 6 found it helpful")


def test_unused(engine: sa.Engine, health: Health) -> None:
    assert ids(health, "unused") == [], "what was loaded today cannot have been used"
    with engine.begin() as connection:
        connection.execute(sa.update(PassageRevision).values(created=now() - timedelta(days=100)))
    assert len(ids(health, "unused")) == 10
    with engine.begin() as connection:
        for _ in range(2):
            count_messages(connection, "web", [{"kind": "answer", "passages": [SIGNS]}])
        assert connection.scalar(sa.select(PassageUse.shown)) == 2
    assert SIGNS not in ids(health, "unused") and len(ids(health, "unused")) == 9


def answering(request: httpx.Request) -> httpx.Response:
    """A network in which every address has its own fate, by a number in it."""
    number = sum(request.url.path.encode()) % 5
    if number == 4:
        raise httpx.ConnectError("nobody there")
    status = (200, 404, 301, 403)[number]
    return httpx.Response(status, headers={"Location": "/elsewhere"} if status == 301 else {})


def test_links_are_visited_and_noted(engine: sa.Engine, health: Health) -> None:
    unchecked = health.concern("unchecked").count
    assert unchecked > 3
    told: list[str] = []
    found = check_links(engine, httpx.Client(transport=httpx.MockTransport(answering)), told=told.append)
    assert set(found) == {"ok", "gone", "moved", "refused", "unreachable"}
    assert len(told) == found.total()
    assert ids(health, "unchecked") == []
    problems = health.concern("links")
    assert problems.count > 0
    assert any("moved, now at https://" in row.why and "/elsewhere" in row.why for row in problems.rows) or all(
        "moved" not in row.why for row in problems.rows
    )
    assert check_links(engine, httpx.Client(transport=httpx.MockTransport(answering))).total() == 0
    with engine.begin() as connection:
        connection.execute(sa.update(SourceCheck).values(at=now() - timedelta(days=91)))
    assert len(ids(health, "unchecked")) == unchecked


def test_another_address_has_not_been_visited(engine: sa.Engine, health: Health) -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200)))
    check_links(engine, client)
    with engine.begin() as connection:
        one = connection.scalar(sa.select(Source.id).where(Source.url.is_not(None)).limit(1))
        connection.execute(sa.update(Source).where(Source.id == one).values(url="https://example.org/new"))
    assert check_links(engine, httpx.Client(transport=httpx.MockTransport(answering))).total() == 1


def test_without_a_network_nothing_is_noted(engine: sa.Engine) -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no network")

    with pytest.raises(EvenkeelError, match="is there a network"):
        check_links(engine, httpx.Client(transport=httpx.MockTransport(nobody)))
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(SourceCheck)) == 0


def test_lists_come_in_pages(health: Health) -> None:
    whole = health.concern("never")
    parts = [health.concern("never", most=4, skip=skip) for skip in (0, 4, 8)]
    assert [part.count for part in parts] == [10, 10, 10]
    assert [row for part in parts for row in part.rows] == list(whole.rows)
    assert {concern.name for concern in health.overview()} == set(CONCERNS)
