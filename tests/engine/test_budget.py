"""What a turn of the dialogue may cost, as a ratio to a loop that is run in between.

A slower machine slows both down; a slower engine changes the ratio. Reading and embedding are left out: a button's
turn is measured. Figures and how they came about: docs/performance.md.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rasa.shared.core.domain import Domain

from bot.database.engine import make_engine
from bot.database.models import Base
from bot.engine.engine import Engine, Turn
from bot.engine.tracker_store import DatabaseTrackerStore
from bot.settings import Settings

#: Median turn over median loop; about 4 when this was written.
MOST = 7.0
#: Turns around the 90th over turns around the 10th.
MOST_GROWTH = 3.0


@pytest.fixture
def engine(trained: Settings, tmp_path: Path) -> Iterator[Engine]:
    database = make_engine(f"sqlite:///{tmp_path / 'budget.db'}")
    Base.metadata.create_all(database)
    made = Engine(trained.models, tracker_store=DatabaseTrackerStore(Domain.empty(), database))
    made.start()
    yield made
    database.dispose()


def loop() -> float:
    """Processor seconds of a piece of work like a turn's: dictionaries made, written and read."""
    began = time.process_time()
    for n in range(40):
        made = {f"key {i}": [i, str(i), {"n": n}] for i in range(20)}
        assert len(json.loads(json.dumps(made))) == 20
    return time.process_time() - began


@pytest.mark.slow
async def test_a_turn_keeps_its_budget_however_long_the_conversation(engine: Engine) -> None:
    turns, loops = [], []
    for number in range(100):
        choice = {"intent": "thanks" if number % 2 else "tell_more"}
        began = time.process_time()
        await engine.handle(Turn("long", "thanks", choice=choice, message_id=f"m{number}"))
        turns.append(time.process_time() - began)
        loops.append(loop())
    early, late = turns[4:20], turns[80:]
    assert statistics.median(turns[4:]) <= MOST * statistics.median(loops), "docs/performance.md says how to profile"
    assert statistics.median(late) <= MOST_GROWTH * statistics.median(early), "a long conversation costs more"
    print(f"turn over loop {statistics.median(turns[4:]) / statistics.median(loops):.2f}", end=", ")
    print(f"late over early {statistics.median(late) / statistics.median(early):.2f}")
