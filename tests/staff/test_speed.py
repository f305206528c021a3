"""Pages stay quick as conversations and passages grow; `tests/staff/measuring.py` measures the full size."""

from __future__ import annotations

from pathlib import Path

from bot.database.engine import make_engine
from bot.database.migrate import upgrade
from tests.staff.measuring import MOST, PATHS, measure, settings_in, within
from tests.staff.seeding import seed_conversations, seed_passages, seed_problems, seed_tests


async def test_no_page_is_slow(tmp_path: Path) -> None:
    """The time of the processor counts: by the clock, whatever else runs on the machine would be measured."""
    settings = settings_in(tmp_path)
    engine = make_engine(settings.database_url)
    upgrade(engine)
    seed_conversations(engine, 4_000)
    seed_passages(engine, 400)
    seed_problems(engine, 800)
    seed_tests(engine, runs=100, tests=20)
    times = await measure(settings, engine, PATHS, 5, 4_000)
    engine.dispose()
    assert len(times) == len(PATHS)
    slow = {one.path: within(one.processor, 0.95) for one in times if within(one.processor, 0.95) > MOST}
    assert slow == {}, "milliseconds; see tests/staff/measuring.py"
