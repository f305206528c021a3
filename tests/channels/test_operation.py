"""Settings, commands, dead letters, retention, rotation of the key, and a process that is really killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from bot.channels import passages
from bot.channels.commands import run
from bot.channels.preview import SCREENS
from bot.channels.retention import sweep_people
from bot.database.engine import make_engine
from bot.database.migrate import upgrade
from bot.database.models import Base, ChannelArrival, ChannelDelivery, ChannelPerson, Event, now
from bot.errors import EvenkeelError, SettingError
from bot.settings import ROOT, Settings
from tests.channels.fixtures import DISCLAIMER, answer, office, settings_in
from tests.platforms.all import STAND_INS
from tests.platforms.everything import application, free_socket, served
from tests.platforms.standin import Fault
from tests.platforms.telegram import TelegramStandIn

ANN = "14155550111"


@pytest.mark.parametrize("stand_in", STAND_INS, ids=lambda s: s.name)
def test_half_of_a_channels_settings_stops_the_start(tmp_path: Path, stand_in: type) -> None:
    for missing in stand_in.environment:
        environment = {name: value for name, value in stand_in.environment.items() if name != missing}
        with pytest.raises(SettingError, match=missing) as error:
            Settings.read({"EVENKEEL_VAR": str(tmp_path), **environment})
        assert not any(value in str(error.value) for value in environment.values()), "a secret in a sentence"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TELEGRAM_WEBHOOK_SECRET", "short"),
        ("TELEGRAM_WEBHOOK_SECRET", "with a blank in the middle"),
        ("TWILIO_FROM", "me"),
        ("SLACK_API_BASE", "slack.com"),
        ("META_GRAPH_VERSION", "26"),
        ("WHATSAPP_PHONE_NUMBER_ID", "a/b"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        settings_in(tmp_path, **{name: value})


async def test_a_channel_without_its_secret_is_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from bot.app import build
    from bot.web.commands import addresses
    from tests.channels.fixtures import EchoBot

    settings = Settings.read({"EVENKEEL_VAR": str(tmp_path), **STAND_INS[0].environment})
    app = build(settings, EchoBot())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bot.test") as client:
        assert (await client.post("/webhooks/messenger", content=b"{}")).status_code == 404
        assert (await client.post("/webhooks/telegram", content=b"{}")).status_code == 403
        assert (await client.get("/webhooks/telegram/set_webhook")).status_code == 404
    told = addresses(settings, 8080)
    assert "Telegram   on, webhook" in told and "off: Messenger, WhatsApp, Twilio, Slack" in told
    assert run([], settings) == 0
    assert "off: Messenger" in capsys.readouterr().out


async def test_the_webhook_is_entered_shown_and_removed_by_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    them, listening = TelegramStandIn(), free_socket()
    address = f"http://127.0.0.1:{listening.getsockname()[1]}/telegram"
    settings = settings_in(tmp_path, TELEGRAM_API_BASE=address)

    async def told(what: str) -> str:
        assert await asyncio.to_thread(run, ["telegram", what], settings) == 0
        return capsys.readouterr().out

    async with served(application({"telegram": them}), listening):
        assert "Webhook: none" in await told("show")
        assert "https://bot.test/webhooks/telegram" in await told("set")
        assert them.webhook is not None
        assert them.webhook["secret_token"] == them.environment["TELEGRAM_WEBHOOK_SECRET"]
        assert them.webhook["allowed_updates"] == ["message", "callback_query"]
        assert "Webhook: https://bot.test/webhooks/telegram" in await told("show")
        assert "no updates any more" in await told("remove")
        assert them.webhook is None
        with pytest.raises(SettingError, match="PUBLIC_URL"):
            local = settings_in(tmp_path, TELEGRAM_API_BASE=address, PUBLIC_URL="http://localhost:8080")
            await asyncio.to_thread(run, ["telegram", "set"], local)


def test_staff_see_a_passage_as_each_channel_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passages, "answers", lambda _: {"xanax-and-ketamine": answer("They add up.")})
    settings = settings_in(tmp_path)
    assert run(["preview", "xanax-and-ketamine"], settings) == 0
    told = capsys.readouterr().out
    assert all(f"-- {screen.title}, message 1 of" in told for screen in SCREENS)
    assert told.count("They add up.") == len(SCREENS)
    assert run(["preview", "xanax-and-ketamine", "--channel", "sms"], settings) == 0
    assert "Telegram" not in capsys.readouterr().out
    with pytest.raises(EvenkeelError, match="perhaps xanax-and-ketamine"):
        run(["preview", "xanax"], settings)
    with pytest.raises(EvenkeelError, match="no channel fax"):
        run(["preview", "xanax-and-ketamine", "--channel", "fax"], settings)


async def test_what_was_given_up_can_be_listed_and_sent_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins["telegram"]
        await here.deliver(them.text(ANN, "first"))
        await here.quiet()
        them.faults.append(Fault(400))
        await here.deliver(them.text(ANN, "second"))
        await here.quiet()
        shown = len(them.shown)
        assert await asyncio.to_thread(run, ["dead", "list"], here.settings) == 0
        listed = capsys.readouterr().out
        assert "telegram" in listed and "HTTP 400" in listed and "second" not in listed and ANN not in listed
        name = listed.split()[0]
        assert await asyncio.to_thread(run, ["dead", "resend", "r999"], here.settings) == 1
        assert await asyncio.to_thread(run, ["dead", "resend", name], here.settings) == 0
        await here.until(lambda: len(them.shown) == shown + 1)
        await here.quiet()
        assert "second" in them.shown[-1].text


async def test_the_secret_key_can_be_changed(tmp_path: Path) -> None:
    stand_ins = {kind.name: kind() for kind in STAND_INS}
    them = stand_ins["telegram"]
    webhook = them.text(ANN, "before")
    async with office(tmp_path, stand_ins=stand_ins) as here:
        await here.deliver(webhook)
        await here.quiet()
        conversation = here.bot.turns[0].conversation
    async with office(
        tmp_path, stand_ins=stand_ins, SECRET_KEY="a new one", SECRET_KEY_PREVIOUS="a secret for tests"
    ) as here:
        await here.deliver(webhook)
        await here.deliver(them.text(ANN, "after"))
        await here.quiet()
        assert [(turn.text, turn.conversation) for turn in here.bot.turns] == [("after", conversation)]


async def test_the_sweep_deletes_what_is_over(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins["telegram"]
        for person in ("1001", "1002"):
            await here.deliver(them.text(person, "hello"))
        await here.quiet()
        old = here.bot.turns[0].conversation
        with here.engine.begin() as connection:
            connection.execute(
                sa.update(ChannelPerson)
                .where(ChannelPerson.conversation == old)
                .values(last_seen=now() - timedelta(days=31))
            )
            connection.execute(sa.insert(Event).values(sender_id=old, type_name="user", timestamp=1.0))
        assert sweep_people(here.engine, 30) == [old]
        with here.engine.connect() as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(ChannelPerson)).scalar() == 1
            assert connection.execute(sa.select(sa.func.count()).select_from(Event)).scalar() == 0
        assert sweep_people(here.engine, 30, now() + timedelta(days=60)) != []
        with here.engine.connect() as connection:
            for table in (ChannelPerson, ChannelArrival, ChannelDelivery):
                assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar() == 0


@pytest.mark.usefixtures("early_in_a_minute")
async def test_too_many_messages_of_one_person_are_passed_over_but_danger_never(tmp_path: Path) -> None:
    async with office(tmp_path, SESSION_LIMIT="3") as here:
        them = here.stand_ins["telegram"]
        for number in range(8):
            await here.deliver(them.text(ANN, f"question {number}"))
        await here.quiet()
        assert len(here.bot.turns) == 3
        assert sum("many messages at once" in shown.text for shown in them.shown) == 1
        await here.deliver(them.text(ANN, "I want to kill myself, I want to die"))
        await here.quiet()
        assert "911" in them.shown[-1].text


PROGRAM = """
import asyncio, json, sys
from datetime import timedelta
from pathlib import Path
from tests.channels.fixtures import office
from tests.platforms.all import STAND_INS

async def main():
    stand_ins = {kind.name: kind() for kind in STAND_INS}
    for them in stand_ins.values():
        them.held["14155550111"] = asyncio.Event()
    async with office(Path(sys.argv[1]), stand_ins=stand_ins, **json.loads(sys.argv[2])) as here:
        here.messengers._queue._lease = timedelta(seconds=1)
        for them in stand_ins.values():
            assert (await here.deliver(them.text("14155550111", "before the end", 900))).status_code == 200
        print("acknowledged", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_process_killed_after_acknowledging_loses_nothing(tmp_path: Path, queue_address: str) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), json.dumps({"DATABASE_URL": queue_address})]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert process.stdout is not None
    line = await asyncio.to_thread(process.stdout.readline)
    assert line.strip() == "acknowledged"
    await asyncio.sleep(0.2)  # replies are under way by now
    process.send_signal(signal.SIGKILL)
    await asyncio.to_thread(process.wait)
    async with office(tmp_path, DATABASE_URL=queue_address) as here:
        for them in here.stand_ins.values():
            await here.deliver(them.text(ANN, "before the end", 900))  # the platforms send it again
        await here.quiet()
        for them in here.stand_ins.values():
            said = [shown.text for shown in them.shown if "You said: before the end" in shown.text]
            assert len(said) == 1, them.name
        with here.engine.connect() as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(ChannelArrival)).scalar() == len(STAND_INS)


def test_tables_are_those_of_the_models(tmp_path: Path) -> None:
    engine = make_engine("sqlite://")
    upgrade(engine)
    assert {table for table in Base.metadata.tables if table.startswith("channel_")} <= set(
        sa.inspect(engine).get_table_names()
    )


async def test_a_turn_that_the_dialogue_has_kept_is_not_run_again(tmp_path: Path) -> None:
    """The process dies after the dialogue has kept a turn and before its replies were stored."""
    async with office(tmp_path, working=False) as here:
        them = here.stand_ins["telegram"]
        await here.deliver(them.text(ANN, "which medicines?"))
        with here.engine.begin() as connection:
            waiting = connection.execute(sa.select(ChannelArrival.__table__)).one()
            connection.execute(sa.update(ChannelArrival).values(attempts=1))
        here.bot.kept[waiting.key] = [answer("Kept before.")]
        async with here.messengers.working():
            await here.quiet()
        assert here.bot.turns == []
        assert "Kept before." in them.shown[-1].text and them.shown[-1].text.endswith(DISCLAIMER)


async def test_nothing_is_kept_longer_than_somebody_wishes(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins["telegram"]
        await here.deliver(them.text(ANN, "hello"))
        await here.quiet()
        here.bot.wishes[here.bot.turns[0].conversation] = "dont_keep"
        await here.deliver(them.text(ANN, "do not keep this"))
        await here.quiet()
        assert sweep_people(here.engine, 30) == []
        assert sweep_people(here.engine, 30, now() + timedelta(hours=2)) == [here.bot.turns[0].conversation]
