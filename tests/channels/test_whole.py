"""The whole application on a port, with all channels at work: the demonstration page, and three seconds of load."""

from __future__ import annotations

import os

import pytest

from tests.platforms.demo import COLUMNS, run
from tests.platforms.load import faults, measure, too_slow


async def test_the_demonstration_shows_every_channel() -> None:
    demo = await run(0, once="what are the side effects?")
    for column in COLUMNS:
        told = "\n".join(what if isinstance(what, str) else what.text for _, what in demo.lines[column])
        assert "You asked: what are the side effects?" in told, column
    assert all(stand_in.refused == [] for stand_in in demo.stand_ins.values())


@pytest.mark.slow
async def test_three_seconds_of_load_lose_nothing() -> None:
    figures = await measure(rate=200, seconds=3, patience=300)
    print(figures)
    assert figures["webhooks"] == 600 and figures["urgent"] == 6
    assert faults(figures) == []
    if os.getloadavg()[0] < (os.cpu_count() or 1):  # a time says something only where the machine is free for it
        assert not too_slow(figures)
