"""What only one of the other platforms has."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.responses import JSONResponse

from bot.channels.client import CLOSED
from bot.database.models import ChannelDelivery, ChannelPerson, now
from tests.channels.fixtures import office
from tests.platforms.slack import SlackStandIn
from tests.platforms.standin import Fault, Refused
from tests.platforms.telegram import TelegramStandIn
from tests.platforms.whatsapp import WhatsAppStandIn

ANN, BEN = "14155550111", "447700900222"


# -- Telegram --------------------------------------------------------------------------------------------------


async def test_start_gets_the_introduction_alone(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins["telegram"]
        for text in ("/start", "/start campaign-7"):
            await here.deliver(them.text(ANN, text))
            await here.quiet()
        assert here.bot.turns == [] and "computer program" in them.shown[0].text


async def test_a_slash_in_an_address_stays(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await here.deliver(here.stand_ins["telegram"].text(ANN, "is https://x.org/bottle true?"))
        await here.quiet()
        assert here.bot.turns[0].text == "is https://x.org/bottle true?"


async def test_a_pressed_button_is_answered_to_telegram(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins["telegram"]
        await here.deliver(them.press(ANN, "s-1"))
        await here.quiet()
        assert them.signals[0] == "answerCallbackQuery" and "sendChatAction" in them.signals


async def test_in_a_group_only_when_addressed_and_keyed_by_person(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins["telegram"]
        assert isinstance(them, TelegramStandIn)
        telegram = here.messengers.platforms["telegram"]
        await here.until(lambda: telegram.username)
        reply = {"reply_to_message": {"from": {"id": 777000, "is_bot": True}, "message_id": 5}}
        await here.deliver(them.group(ANN, "who knows about ketamine?"))
        await here.deliver(them.group(ANN, "@EvenkeelBot what are the side effects?"))
        await here.deliver(them.group(BEN, "and for how long?", **reply))
        await here.deliver(them.text(ANN, "in private"))
        await here.quiet()
        assert sorted(turn.text for turn in here.bot.turns) == [
            "and for how long?",
            "in private",
            "what are the side effects?",
        ]
        assert len({turn.conversation for turn in here.bot.turns}) == 3
        assert [s.to for s in them.shown].count("-100500") == 4
        assert any("Everybody here can read this" in s.text for s in them.shown)
        with here.engine.connect() as connection:
            assert sorted(connection.execute(sa.select(ChannelPerson.keep)).scalars()) == [False, False, True]


async def test_somebody_who_blocked_the_bot_is_no_dead_letter(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins["telegram"]

        async def blocked(*_: object) -> None:
            raise Refused("Forbidden: bot was blocked by the user", 403)

        them.send = blocked  # type: ignore[method-assign, assignment]
        await here.deliver(them.text(ANN, "hello"))
        await here.quiet()
        with here.engine.connect() as connection:
            assert set(connection.execute(sa.select(ChannelDelivery.state)).scalars()) == {"dropped"}


# -- Messenger and WhatsApp ------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["messenger", "whatsapp"])
async def test_the_address_is_verified_with_the_token_alone(tmp_path: Path, channel: str) -> None:
    async with office(tmp_path, working=False) as here:

        async def ask(token: str) -> tuple[int, str]:
            query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "1158201444"}
            response = await here.client.get(f"/webhooks/{channel}", params=query)
            return response.status_code, response.text

        assert await ask("stand-in-verify-token") == (200, "1158201444")
        for wrong in ("", "stand-in-verify-toke", "other"):
            status, text = await ask(wrong)
            assert status == 403 and "1158201444" not in text
        assert (await here.client.get(f"/webhooks/{channel}")).status_code == 403


@pytest.mark.parametrize("channel", ["messenger", "whatsapp"])
async def test_a_day_after_the_last_message_nobody_is_written_to(tmp_path: Path, channel: str) -> None:
    async with office(tmp_path, working=False) as here:
        await here.deliver(here.stand_ins[channel].text(ANN, "hello"))
        with here.engine.begin() as connection:
            connection.execute(sa.update(ChannelPerson).values(last_seen=now() - timedelta(hours=25)))
        async with here.messengers.working():
            await here.quiet()
        with here.engine.connect() as connection:
            rows = connection.execute(sa.select(ChannelDelivery.state, ChannelDelivery.error)).all()
        assert {row.state for row in rows} == {"dead"} and "a day" in rows[0].error
        assert here.stand_ins[channel].shown == []


@pytest.mark.parametrize(
    ("channel", "status", "error"),
    [
        ("messenger", 400, {"code": 10, "error_subcode": 2018278}),
        ("whatsapp", 400, {"code": 131047}),
        ("twilio", 400, {"code": 63016}),
    ],
)
async def test_a_day_that_is_over_by_the_platforms_clock_is_told_as_such(
    tmp_path: Path, channel: str, status: int, error: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins[channel]
        body = error if channel == "twilio" else {"error": {"message": "too late", **error}}
        monkeypatch.setattr(them, "problem", lambda *_: JSONResponse(body, status))
        them.faults.append(Fault(status))
        await here.deliver(them.text(ANN, "hello"))
        await here.quiet()
        with here.engine.connect() as connection:
            found = connection.execute(sa.select(ChannelDelivery.state, ChannelDelivery.error)).all()
        assert ("dead", CLOSED) in [tuple(row) for row in found]


async def test_somebody_whose_number_is_hidden_is_the_same_person(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins["whatsapp"]
        assert isinstance(them, WhatsAppStandIn)
        words = {"type": "text", "text": {"body": "hello"}, "from_user_id": "IE.1410018717833190"}
        known, hidden = them.message(ANN, **words), them.message(ANN, **words)
        del hidden["from"]
        for message in (known, hidden):
            await here.deliver(them.changes(them.value(messages=[message])))
            await here.quiet()
        assert them.refused == []
        assert [turn.country for turn in here.bot.turns] == ["US", "IE"]
        assert len({turn.conversation for turn in here.bot.turns}) == 1
        assert [shown.to for shown in them.shown] == [ANN, ANN, "IE.1410018717833190"]


@pytest.mark.parametrize("channel", ["messenger", "whatsapp"])
async def test_read_and_typing_are_shown(tmp_path: Path, channel: str) -> None:
    async with office(tmp_path) as here:
        await here.deliver(here.stand_ins[channel].text(ANN, "hello"))
        await here.quiet()
        assert here.stand_ins[channel].signals[:2] in (["mark_seen", "typing_on"], ["read and typing"])


async def test_get_started_gets_the_introduction(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins["messenger"]
        postback = them.event(ANN, postback={"mid": "m_1", "payload": "get_started", "title": "Get Started"})  # type: ignore[attr-defined]
        await here.deliver(them.page(postback))  # type: ignore[attr-defined]
        await here.quiet()
        assert "computer program" in them.shown[0].text and here.bot.turns == []


# -- Slack -----------------------------------------------------------------------------------------------------


async def test_slack_checks_the_address_by_a_signed_challenge(tmp_path: Path) -> None:
    async with office(tmp_path, working=False) as here:
        them = here.stand_ins["slack"]
        webhook = them.signed(b'{"type":"url_verification","challenge":"3eZbrw1aB","token":"x"}')
        response = await here.deliver(webhook)
        assert response.json() == {"challenge": "3eZbrw1aB"}
        for forged in them.forged(webhook):
            assert (await here.deliver(forged)).status_code == 403


async def test_a_retry_of_slack_is_a_repetition_whatever_its_reason(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins["slack"]
        assert isinstance(them, SlackStandIn)
        await here.deliver(them.text(ANN, "once", 77))
        await here.quiet()
        for reason in ("http_timeout", "http_error"):
            again = them.event(
                them.direct(ANN, "once"), 77, **{"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": reason}
            )
            assert (await here.deliver(again)).status_code == 200
        await here.quiet()
        assert len(here.bot.turns) == 1


async def test_a_mention_is_answered_in_its_thread(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins["slack"]
        assert isinstance(them, SlackStandIn)
        await here.deliver(them.mention(ANN, "what is a k-hole? &lt;3"))
        await here.quiet()
        assert here.bot.turns[0].text == "what is a k-hole? <3"
        assert them.shown[0].to == "C0GENERAL" and "Everybody here can read this" in them.shown[0].text


async def test_what_slack_refuses_in_its_own_way_is_given_up(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins["slack"]

        async def archived(*_: object) -> None:
            raise Refused("is_archived")

        them.send = archived  # type: ignore[method-assign, assignment]
        await here.deliver(them.text(ANN, "hello"))
        await here.quiet()
        with here.engine.connect() as connection:
            found = connection.execute(sa.select(ChannelDelivery.state, ChannelDelivery.error)).all()
        assert {tuple(row) for row in found} == {("dead", "is_archived")}


async def test_signs_that_mean_something_to_slack_are_written_out(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins["slack"]
        await here.deliver(them.text(ANN, "is <!channel> & <b> safe?"))
        await here.quiet()
        assert "is &lt;!channel&gt; &amp; &lt;b&gt; safe?" in them.shown[-1].text
