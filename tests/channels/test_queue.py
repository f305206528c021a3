"""What the durable queue promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from bot.channels.client import CLOSED
from bot.channels.dead import listed, resend
from bot.channels.queue import (
    MOST_DEATHS,
    Buried,
    Dropped,
    Filed,
    Handled,
    Later,
    Outgoing,
    Person,
    Queue,
    Sent,
    Step,
    ToHandle,
    ToSend,
)
from bot.channels.retention import sweep_people
from bot.database.models import ChannelArrival, ChannelDelivery, ChannelPerson, now

MakeQueue = Callable[..., Queue]


def filed(number: int, person: str = "ann", **what: Any) -> Filed:
    """The message `number` of a person."""
    return Filed("telegram", [f"key {number}"], [f"telegram-{person}"], b"address", b"body %d" % number, **what)


@pytest.fixture
def make_queue(queue_database: sa.Engine) -> MakeQueue:
    """Makes a queue on the database, as another process would."""

    def make(holder: str, lease: float = 60.0) -> Queue:
        return Queue(queue_database, holder, timedelta(seconds=lease))

    return make


def had(claimed: tuple[Person, Step] | None) -> tuple[str, Step]:
    """Whose turn it is, and what is to be done."""
    assert claimed is not None
    return claimed[0].conversation.removeprefix("telegram-"), claimed[1]


def handled(queue: Queue, *replies: bytes, person: str = "ann", **what: Any) -> ToSend:
    """Take the person's next message and answer it; the first reply is on its way."""
    whose, step = had(queue.claim("telegram"))
    assert whose == person and isinstance(step, ToHandle)
    following = queue.advance(f"telegram-{person}", answered(step, *replies, **what))
    assert following is not None and isinstance(following[1], ToSend)
    return following[1]


def answered(step: Step, *replies: bytes, **what: Any) -> Handled:
    """What becomes of a message with these replies."""
    return Handled(step.id, [Outgoing(reply, "answer") for reply in replies], **what)


def states(engine: sa.Engine, table: type = ChannelDelivery) -> list[str]:
    with engine.connect() as connection:
        columns = table.__table__.c
        return list(connection.execute(sa.select(columns.state).order_by(columns.id)).scalars())


def test_a_message_is_taken_in_once_whoever_brings_it(make_queue: MakeQueue) -> None:
    queues = [make_queue(f"process {n}") for n in range(4)]
    batches = [[filed(n, f"person {n % 7}") for n in (range(40) if odd else reversed(range(40)))] for odd in (0, 1)] * 2
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda queue, batch: queue.take_in(batch), queues, batches))
    assert sum(map(sum, results)) == 40
    assert queues[0].backlog() == {"telegram": 40}
    assert queues[0].take_in([filed(3), filed(99)]) == [False, True]


def test_no_two_have_the_same_conversation(make_queue: MakeQueue) -> None:
    make_queue("front").take_in([filed(n, f"person {n}") for n in range(12)])
    queues = [make_queue(f"process {n}") for n in range(4)]

    def all_of(queue: Queue) -> list[str]:
        found = []
        while (claimed := queue.claim("telegram")) is not None:
            found.append(claimed[0].conversation)
        return found

    with ThreadPoolExecutor(4) as pool:
        found = [name for names in pool.map(all_of, queues) for name in names]
    assert sorted(found) == sorted(f"telegram-person {n}" for n in range(12))


def test_the_platforms_order_holds_within_a_conversation(make_queue: MakeQueue) -> None:
    queue = make_queue("one")
    queue.take_in([filed(1, sent=20.0), filed(2, sent=10.0), filed(3)])
    bodies = []
    claimed = queue.claim("telegram")
    while claimed is not None:
        assert isinstance(claimed[1], ToHandle)
        bodies.append(claimed[1].body)
        claimed = queue.advance("telegram-ann", answered(claimed[1]))
    assert bodies == [b"body 2", b"body 1", b"body 3"]
    assert queue.backlog() == {}


def test_who_is_in_danger_is_next_and_alone_when_it_is_busy(make_queue: MakeQueue) -> None:
    queue = make_queue("one")
    queue.take_in([filed(1, "ann"), filed(2, "ben"), filed(3, "eve", urgent=True)])
    assert had(queue.claim("telegram", True))[0] == "eve"
    assert queue.claim("telegram", True) is None
    assert had(queue.claim("telegram"))[0] == "ann"
    assert queue.claim("slack") is None


def test_a_later_message_in_danger_makes_the_conversation_urgent(make_queue: MakeQueue) -> None:
    queue = make_queue("one")
    queue.take_in([filed(1, "ann"), filed(2, "ben")])
    queue.take_in([filed(3, "ben", urgent=True)])
    assert had(queue.claim("telegram", True))[0] == "ben"


def test_replies_go_out_in_order_and_are_forgotten_once_sent(make_queue: MakeQueue, queue_database: sa.Engine) -> None:
    queue = make_queue("one")
    queue.take_in([filed(1)])
    first = handled(queue, b"one", b"two")
    assert first.request == b"one"
    _, second = had(queue.advance("telegram-ann", Sent(first.id)))
    assert isinstance(second, ToSend) and second.request == b"two"
    assert queue.advance("telegram-ann", Sent(second.id)) is None
    assert queue.seconds_to_next("telegram") is None
    with queue_database.connect() as connection:
        assert connection.execute(sa.select(ChannelDelivery.request)).scalars().all() == [None, None]
        assert connection.execute(sa.select(ChannelArrival.body)).scalars().all() == [None]


def test_what_is_put_off_waits_and_the_lock_is_given_back(make_queue: MakeQueue) -> None:
    queue, other = make_queue("one"), make_queue("other")
    queue.take_in([filed(1)])
    step = handled(queue, b"one")
    assert queue.advance("telegram-ann", Later(step, 60.0, "HTTP 429")) is None
    assert other.claim("telegram") is None
    wait = other.seconds_to_next("telegram")
    assert wait is not None and 0 < wait <= 60
    assert queue.advance("telegram-ann", Later(step, 0.0, "HTTP 429", maybe=True)) is None, "the lock is not ours"


def test_a_lock_runs_out_and_what_was_under_way_is_marked(make_queue: MakeQueue) -> None:
    dead, other = make_queue("dead", lease=0.0), make_queue("other")
    dead.take_in([filed(1)])
    step = handled(dead, b"one")
    _, again = had(other.claim("telegram"))
    assert isinstance(again, ToSend) and (again.id, again.request) == (step.id, b"one")
    assert again.perhaps_sent and again.attempt == 2


def test_a_renewed_lock_does_not_run_out(make_queue: MakeQueue) -> None:
    queue, other = make_queue("one", lease=0.0), make_queue("other")
    queue.take_in([filed(1)])
    had(queue.claim("telegram"))
    queue._lease = timedelta(seconds=60)
    queue.renew(["telegram-ann"])
    assert other.claim("telegram") is None


@pytest.mark.parametrize("looked_before", [True, False], ids=["it runs", "it starts afterwards"])
def test_a_clock_that_is_set_back_keeps_nobody_waiting(make_queue: MakeQueue, looked_before: bool) -> None:
    """What came, is to be sent or is held by a dead process waits for a moment that comes a day later."""
    with time_machine.travel(now(), tick=True) as clock:
        queue, dead = make_queue("one", lease=0.05), make_queue("dead", lease=0.05)
        if looked_before:
            queue.claim("telegram")
        queue.take_in([filed(1), filed(2, "ben"), filed(3, "cid")])
        put_off = handled(queue, b"reply")
        queue.advance("telegram-ann", Later(put_off, 30.0, "HTTP 429"))
        assert had(dead.claim("telegram"))[0] == "ben"
        clock.shift(timedelta(days=-1))
        first = queue if looked_before else make_queue("another", lease=0.05)
        found = [had(first.claim("telegram"))]
        time.sleep(0.06)  # the time that a living process has to renew its lock
        found += [had(first.claim("telegram", held=[f"telegram-{found[0][0]}"]))]
        found += [had(first.claim("telegram", held=[f"telegram-{who}" for who, _ in found]))]
        assert {who for who, _ in found} == {"ann", "ben", "cid"}
        assert next(step for who, step in found if who == "ann") == ToSend(put_off.id, b"reply", "answer", 2, False)


def test_a_clock_that_runs_brings_nothing_forward(make_queue: MakeQueue) -> None:
    queue = make_queue("one")
    queue.take_in([filed(1)])
    queue.advance("telegram-ann", Later(handled(queue, b"reply"), 3599.0, "HTTP 429"))
    assert queue.claim("telegram") is None and make_queue("new").claim("telegram") is None


def test_a_process_that_was_held_up_does_not_begin_again_with_what_it_works_on(make_queue: MakeQueue) -> None:
    queue, other = make_queue("one", lease=0.0), make_queue("other")
    queue.take_in([filed(1)])
    had(queue.claim("telegram"))
    held = ["telegram-ann"]
    assert queue.claim("telegram", held=held) is None and queue.claim("telegram", True, held) is None
    assert queue.seconds_to_next("telegram", held) is None, "nor does it look again and again"
    assert queue.seconds_to_next("telegram") == 0.0
    assert other.claim("telegram") is not None, "but another process may"


def test_who_lost_the_lock_cannot_reopen_what_the_other_has_sent(
    make_queue: MakeQueue, queue_database: sa.Engine
) -> None:
    slow, other = make_queue("slow", lease=0.0), make_queue("other")
    slow.take_in([filed(1)])
    step = handled(slow, b"one")
    _, again = had(other.claim("telegram"))
    assert other.advance("telegram-ann", Sent(again.id)) is None
    for became in (Later(step, 0.0, "ReadTimeout", maybe=True), Buried(step, "HTTP 400"), Dropped(step.id, "blocked")):
        assert slow.advance("telegram-ann", became) is None
        assert states(queue_database) == ["sent"]
    assert other.claim("telegram") is None


def test_a_reply_that_the_platform_took_counts_also_from_who_lost_the_lock(
    make_queue: MakeQueue, queue_database: sa.Engine
) -> None:
    slow, other = make_queue("slow", lease=0.0), make_queue("other")
    slow.take_in([filed(1)])
    step = handled(slow, b"one")
    _, again = had(other.claim("telegram"))
    assert slow.advance("telegram-ann", Sent(step.id)) is None
    assert states(queue_database) == ["sent"]
    assert isinstance(again, ToSend)


def test_a_message_that_two_have_handled_is_answered_once(make_queue: MakeQueue, queue_database: sa.Engine) -> None:
    slow, other = make_queue("slow", lease=0.0), make_queue("other")
    slow.take_in([filed(1)])
    _, one = had(slow.claim("telegram"))
    _, two = had(other.claim("telegram"))
    assert isinstance(two, ToHandle) and two.id == one.id and two.attempt == 2
    assert slow.advance("telegram-ann", answered(one, b"from the slow one")) is None
    _, reply = had(other.advance("telegram-ann", answered(two, b"from the other")))
    assert isinstance(reply, ToSend) and reply.request == b"from the slow one"
    assert states(queue_database) == ["sending"]


def test_a_message_that_ends_every_process_is_put_aside(make_queue: MakeQueue, queue_database: sa.Engine) -> None:
    queue = make_queue("one", lease=0.0)
    queue.take_in([filed(1), filed(2)])
    for _ in range(MOST_DEATHS):
        assert isinstance(had(queue.claim("telegram"))[1], ToHandle)
    _, step = had(queue.claim("telegram"))
    assert isinstance(step, ToHandle) and step.body == b"body 2"
    assert states(queue_database, ChannelArrival) == ["dead", "waiting"]


def test_what_was_given_up_is_listed_and_tried_again(make_queue: MakeQueue, queue_database: sa.Engine) -> None:
    queue = make_queue("one")
    queue.take_in([filed(1)])
    step = handled(queue, b"one")
    assert queue.advance("telegram-ann", Buried(step, "HTTP 400")) is None
    (letter,) = listed(queue_database)
    assert (letter.id, letter.error, letter.attempts) == (f"r{step.id}", "HTTP 400", 1)
    assert resend(queue_database, ["r0", "x"]) == (0, 0)
    assert resend(queue_database, [letter.id]) == (1, 0)
    _, again = had(queue.claim("telegram"))
    assert isinstance(again, ToSend) and again.request == b"one"


def test_what_came_a_day_too_late_waits_for_the_person(make_queue: MakeQueue, queue_database: sa.Engine) -> None:
    queue = make_queue("one")
    queue.take_in([filed(1)])
    queue.advance("telegram-ann", Buried(handled(queue, b"one"), CLOSED))
    with queue_database.begin() as connection:
        connection.execute(sa.update(ChannelPerson).values(last_seen=now() - timedelta(hours=25)))
    assert resend(queue_database) == (0, 1)
    queue.take_in([filed(2)])
    assert resend(queue_database) == (1, 0)


def test_who_opts_out_gets_nothing_that_still_waits(make_queue: MakeQueue, queue_database: sa.Engine) -> None:
    queue = make_queue("one")
    queue.take_in([filed(1), filed(2)])
    first = handled(queue, b"one")
    queue.advance("telegram-ann", Later(first, 60.0, "HTTP 500"), last=True)
    _, step = had(queue.claim("telegram"))
    gone = Handled(step.id, [Outgoing(b"no more", "smalltalk")], changes={"opted_out": now()}, drop_waiting=True)
    _, reply = had(queue.advance("telegram-ann", gone))
    assert isinstance(reply, ToSend) and reply.request == b"no more"
    assert states(queue_database) == ["dropped", "sending"]


def test_forgetting_leaves_the_key_of_the_message_alone(make_queue: MakeQueue, queue_database: sa.Engine) -> None:
    queue = make_queue("one")
    queue.take_in([filed(1)])
    reply = handled(queue, b"deleted", wish="forget")
    assert queue.advance("telegram-ann", Sent(reply.id)) is None
    with queue_database.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(ChannelPerson)) == 0
        assert connection.scalar(sa.select(sa.func.count()).select_from(ChannelDelivery)) == 0
        assert connection.execute(sa.select(ChannelArrival.conversation, ChannelArrival.body)).all() == [(None, None)]
    assert queue.take_in([filed(1)]) == [False]


def test_the_sweep_takes_what_is_over(make_queue: MakeQueue, queue_database: sa.Engine) -> None:
    queue = make_queue("one")
    queue.take_in([filed(1, "ann"), filed(2, "ben")])
    queue.advance("telegram-ann", Sent(handled(queue, b"one").id))
    assert sweep_people(queue_database, 30) == []
    assert sweep_people(queue_database, 30, now() + timedelta(days=31)) == ["telegram-ann"], "ben still waits"
