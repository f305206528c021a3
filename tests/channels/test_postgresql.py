"""What does not get lost, come twice or come in another order on SQLite does not on PostgreSQL either."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.channels import fixtures, test_contract

pytestmark = pytest.mark.postgres

#: The promises of tests/channels/test_contract.py that rest on the database.
AGAIN = (
    test_contract.test_a_question_is_answered,
    test_contract.test_a_replayed_request_is_acknowledged_and_not_answered_again,
    test_contract.test_a_duplicate_is_known_in_another_process_and_after_a_restart,
    test_contract.test_messages_of_one_person_are_answered_in_the_platforms_order,
    test_contract.test_many_people_keep_their_order_each,
    test_contract.test_nothing_is_lost_between_acknowledgement_and_reply,
    test_contract.test_a_reply_in_flight_at_the_end_is_marked_and_sent_again,
    test_contract.test_what_the_platform_refuses_is_given_up_loudly,
    test_contract.test_who_is_in_danger_goes_before_who_waits_longer,
    test_contract.test_delete_my_data_leaves_nothing,
)


@pytest.fixture
def on_postgresql(empty_postgresql: str) -> Iterator[None]:
    """Everything that a test of the contract opens is on PostgreSQL."""
    fixtures.COMMON["DATABASE_URL"] = empty_postgresql
    yield
    del fixtures.COMMON["DATABASE_URL"]


@pytest.mark.usefixtures("on_postgresql")
@pytest.mark.parametrize("promise", AGAIN, ids=lambda promise: promise.__name__.removeprefix("test_"))
async def test_the_same_holds_on_postgresql(
    promise: Callable[..., Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    others = set(inspect.signature(promise).parameters) - {"tmp_path", "channel"}
    await promise(tmp_path, "telegram", **{name: request.getfixturevalue(name) for name in others})
