"""How long the pages of the console take.

`python -m tests.staff.measuring --conversations 100000 --passages 5000` fills a database of that size, asks for every
page below some times as an admin, and prints the times: by the clock, and of the processor, which says more where other
programs run. The last line is one JSON object. `test_speed.py` does the same in small.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from bot.database.engine import make_engine
from bot.database.migrate import upgrade
from bot.settings import ROOT, Settings
from bot.staff.accounts import Accounts
from bot.staff.roles import Role
from tests.staff.seeding import seed_conversations, seed_log, seed_passages, seed_problems, seed_tests

#: Milliseconds that 95 of 100 requests for a page may take at most.
MOST = 200
#: The pages that are measured; whoever adds a page with a list adds its address.
PATHS = (
    "/staff",
    "/staff?days=365",
    "/staff/figures/days.csv?days=365",
    "/staff/conversations",
    "/staff/conversations?kind=fallback",
    "/staff/conversations?kind=unhelpful&language=de",
    "/staff/conversations?kind=safety&reviewed=no&channel=telegram",
    "/staff/conversations?reviewed=yes",
    "/staff/conversations?tag=wording",
    "/staff/conversations?language=es&channel=whatsapp&first=2020-01-01&last=2035-01-01",
    "/staff/conversations/000000000001",
    "/staff/conversations/000000000004",
    "/staff/tester",
    "/staff/tests",
    "/staff/tests?state=failed",
    "/staff/tests?words=zoloft",
    "/staff/tests/one?test=flow/test 007",
    "/staff/tests/runs",
    "/staff/tests/runs/100",
    "/staff/tests/runs/100?all=1",
    "/staff/tests/runs/100/result?test=flow/test 007",
    "/staff/bench",
    "/staff/coverage",
    "/staff/coverage/passages",
    "/staff/coverage/passages?topic=made_up",
    "/staff/mixed",
    "/staff/replay/000000000001",
    "/staff/people",
    "/staff/log",
    "/staff/log?verb=read",
    "/staff/queue",
    "/staff/queue?show=all&kind=gap",
    "/staff/queue?view=single",
    "/staff/queue?view=single&show=all&kind=fallback&channel=web",
    "/staff/queue/themes/1",
    "/staff/passages",
    "/staff/passages?words=passage&topic=made_up&state=published",
    "/staff/passages?state=draft",
    "/staff/passages/made-up-passage-7",
    "/staff/drafts",
    "/staff/topics",
    "/staff/proposals",
    "/staff/health",
    "/staff/health/never",
    "/staff/health/unused?page=3",
)


@dataclass(frozen=True)
class Times:
    """Milliseconds that requests for one page took: by the clock, and of the processor."""

    path: str
    clock: tuple[float, ...]
    processor: tuple[float, ...]


def within(times: tuple[float, ...], share: float) -> float:
    """The time within which that share of the requests was answered."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


class _Quiet:
    """A bot that is never asked."""

    ready = True

    async def forget(self, conversation: str) -> None:
        """Nothing is kept here."""


async def measure(settings: Settings, engine: sa.Engine, paths: tuple[str, ...], often: int, lines: int) -> list[Times]:
    """Ask for each of `paths` as an admin, `often` times after a first time that does not count.

    Args:
        lines: how many the log has.
    """
    from bot.app import build
    from tests.web.fixtures import browser

    accounts = Accounts(engine)
    everything = [Role.admin, Role.clinician]
    account = accounts.accept(
        accounts.invite(None, everything), login="measure", name="Measure", password="four quiet green boats"
    )
    seed_log(engine, account, lines)
    times = []
    async with browser(build(settings, _Quiet(), engine)) as client:
        client.cookies.set("evenkeel-staff", accounts.begin(account, "measuring"), domain="bot.test")
        for path in paths:
            took = []
            for _ in range(often + 1):
                began, used = time.perf_counter(), time.process_time()
                response = await client.get(path)
                took.append((1000 * (time.perf_counter() - began), 1000 * (time.process_time() - used)))
                assert response.status_code == 200, f"{path}: {response.status_code}"
            clock, processor = zip(*took[1:], strict=True)
            times.append(Times(path, clock, processor))
    return times


def settings_in(folder: Path) -> Settings:
    """Settings of an installation in `folder`."""
    return Settings.read(
        {
            "EVENKEEL_VAR": str(folder),
            "EVENKEEL_DATA": str(ROOT / "data"),
            "PUBLIC_URL": "http://bot.test",
            "SECRET_KEY": "a secret for tests",
        }
    )


def main() -> int:
    """Measure at full size; 1 when a page is slower than it may be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--passages", type=int, default=5_000)
    parser.add_argument("--log", type=int, default=100_000, help="lines of the log")
    parser.add_argument("--often", type=int, default=40, help="requests for each page")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_in(Path(folder))
        engine = make_engine(settings.database_url)
        upgrade(engine)
        began = time.perf_counter()
        seed_conversations(engine, given.conversations)
        seed_passages(engine, given.passages)
        seed_tests(engine)
        seed_problems(engine, given.conversations // 5)
        print(f"{given.conversations} conversations, {given.passages} passages: {time.perf_counter() - began:.0f} s")
        times = asyncio.run(measure(settings, engine, PATHS, given.often, given.log))
        engine.dispose()
    print("  half   95 %   processor, 95 %   (milliseconds)")
    for one in times:
        shown = within(one.clock, 0.5), within(one.clock, 0.95), within(one.processor, 0.95)
        print("{:6.0f} {:6.0f} {:17.0f}   {}".format(*shown, one.path))
    p95 = {one.path: round(within(one.clock, 0.95), 1) for one in times}
    slow = [path for path, took in p95.items() if took > MOST]
    print(json.dumps({"p95_ms": p95, "most_ms": MOST, "slow": slow}))
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
