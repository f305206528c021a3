"""SERVE splits what the bot does over processes, and what they need comes with the part alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.app import build
from bot.errors import EngineError, SettingError
from bot.service import Turn
from bot.settings import PARTS, Settings
from bot.web.commands import Nobody
from tests.channels.fixtures import EchoBot, office, settings_in
from tests.platforms.all import STAND_INS
from tests.web.fixtures import FakeBot, browser, changed

ADDRESSES = {
    "web": ["/", "/chat/openapi.json"],
    "webhooks": ["/webhooks/messenger?hub.mode=x"],
    "staff": ["/staff/sign-in"],
}


@pytest.mark.parametrize("served", [*([part] for part in PARTS), list(PARTS)], ids="+".join)
async def test_each_process_has_its_addresses(tmp_path: Path, engine: sa.Engine, served: list[str]) -> None:
    settings = changed(settings_in(tmp_path), serve=frozenset(served), staff_console=True)
    async with browser(build(settings, FakeBot(engine), engine)) as client:
        for part, addresses in ADDRESSES.items():
            for address in addresses:
                found = (await client.get(address)).status_code != 404
                assert found is (part in served), f"{address} with SERVE={','.join(served)}"
        assert (await client.get("/health/live")).status_code == 200


SERVE = [
    ("", set(PARTS)),
    ("web", {"web"}),
    (" Web, workers ", {"web", "workers"}),
]


@pytest.mark.parametrize(("given", "parts"), SERVE)
def test_what_may_be_listed(tmp_path: Path, given: str, parts: set[str]) -> None:
    assert Settings.read({"EVENKEEL_VAR": str(tmp_path), "SERVE": given}).serve == parts


def test_what_may_not_be_listed(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="SERVE holds 'everything'"):
        Settings.read({"EVENKEEL_VAR": str(tmp_path), "SERVE": "web,everything"})


async def test_one_takes_in_and_another_answers(tmp_path: Path) -> None:
    """Without a bot in the first: what it acknowledged is answered by the second."""
    stand_ins = {kind.name: kind() for kind in STAND_INS}
    them = stand_ins["telegram"]
    answering = EchoBot()
    async with (
        office(tmp_path, bot=Nobody(), stand_ins=stand_ins, working=False) as door,  # type: ignore[arg-type]
        office(tmp_path, bot=answering, stand_ins=stand_ins) as desk,
    ):
        for number in range(5):
            assert (await door.deliver(them.text("77010", f"question {number}"))).status_code == 200
        await desk.quiet()
    assert [turn.text for turn in answering.turns] == [f"question {number}" for number in range(5)]


async def test_who_only_takes_in_answers_nobody() -> None:
    with pytest.raises(EngineError, match="SERVE says so"):
        await Nobody().handle(Turn("web-1", "hello"))
    assert Nobody().wish("web-1") is None and not Nobody().ready
