"""What every channel promises, shown on every channel against its stand-in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.channels.fixtures import DISCLAIMER, office
from tests.platforms.all import STAND_INS

CHANNELS = [stand_in.name for stand_in in STAND_INS]
pytestmark = pytest.mark.parametrize("channel", CHANNELS)


async def test_a_question_is_answered(tmp_path: Path, channel: str) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins[channel]
        response = await here.deliver(them.text("4477", "what are the side effects?"))
        assert response.status_code == 200
        await here.quiet()
        assert them.refused == []
        assert [shown.to for shown in them.shown] == ["4477"] * len(them.shown)
        intro, answer = them.shown
        assert "computer program" in intro.text or "a program" in intro.text
        assert "You said: what are the side effects?" in answer.text
        assert answer.text.endswith(DISCLAIMER)
