"""The whole application on a port, with all channels at work: the demonstration page, and a second of load."""

from __future__ import annotations

import pytest

from tests.platforms.demo import COLUMNS, run
from tests.platforms.load import faults, measure


async def test_the_demonstration_shows_every_channel() -> None:
    demo = await run(0, once="what are the side effects?")
    for column in COLUMNS:
        told = "\n".join(what if isinstance(what, str) else what.text for _, what in demo.lines[column])
        assert "You asked: what are the side effects?" in told, column
    assert all(stand_in.refused == [] for stand_in in demo.stand_ins.values())


@pytest.mark.slow
async def test_a_second_of_load_loses_nothing() -> None:
    # How long acknowledging takes is measured by `make load-channels`: one cold second says nothing of it.
    figures = await measure(rate=200, seconds=1, patience=300, urgent_every=20)
    print(figures)
    assert figures["webhooks"] == 200 and figures["urgent"] == 10
    assert faults(figures) == []
