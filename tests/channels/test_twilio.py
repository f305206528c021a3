"""What only Twilio has: opting out, several numbers, proxies, three segments and MORE."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.channels.countries import country_of
from bot.channels.sms import segments
from bot.channels.twilio import without_stop
from bot.database.models import ChannelDelivery, ChannelPerson, now
from bot.message import Flow, Message, Suggestion
from tests.channels.fixtures import DISCLAIMER, EchoBot, Office, answer, danger, office
from tests.platforms.twilio import NUMBERS, TwilioStandIn

ANN = "14155550111"


async def say(here: Office, text: str, **fields: str) -> str:
    """Text us; the last reply, or nothing where there is none."""
    them = here.stand_ins["twilio"]
    assert isinstance(them, TwilioStandIn)
    before = len(them.shown)
    assert (await here.deliver(them.message(ANN, text, **fields))).status_code == 200
    await here.quiet()
    assert them.refused == []
    return "\n".join(shown.text for shown in them.shown[before:])


class HelpfulBot(EchoBot):
    """Finds danger in a bare HELP, as the screen may."""

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.words = words

    async def handle(self, turn: Any) -> list[Message]:
        self.turns.append(turn)
        return [danger()] if (turn.text or "").lower() in self.words else [answer(f"You said: {turn.text}")]


async def test_the_first_message_says_what_stop_does(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        said = await say(here, "hello")
        intro = said.split("You said")[0]
        assert "STOP to get no more messages" in intro and "HELP" in intro and "no clinician" in intro
        assert "kept 30 days" in intro and "delete" in intro
        assert segments(here.stand_ins["twilio"].shown[0].text) <= 3


@pytest.mark.parametrize("word", ["STOP", "stop", "Stop.", "END", "unsubscribe", "CANCEL", "QUIT", "stopall"])
async def test_stop_stops_and_start_starts(tmp_path: Path, word: str) -> None:
    async with office(tmp_path) as here:
        await say(here, "hello")
        assert "no more messages" in await say(here, word)
        assert await say(here, "are you there?") == ""
        assert "911" in await say(here, "i want to die"), "help is given all the same"
        assert "messages from Evenkeel again" in await say(here, "START")
        assert "You said: and now?" in await say(here, "and now?")


async def test_words_around_stop_are_no_opting_out(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        for text in ("should i stop my ssri", "stop please", "yes", "start", "the end"):
            assert f"You said: {text}" in await say(here, text)


async def test_what_twilio_answered_itself_is_not_answered_twice(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await say(here, "hello")
        assert await say(here, "Arret", OptOutType="STOP") == ""
        assert await say(here, "hello?") == ""
        assert await say(here, "START", OptOutType="START") == ""
        assert "hello again" in await say(here, "hello again")


async def test_help_holds_the_numbers_and_the_way_out(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await say(here, "hello")
        said = await say(here, "HELP")
        assert "911" in said and "988" in said and "STOP" in said
        assert len(here.bot.turns) == 2, "the screen has seen it"


async def test_the_screen_looks_at_words_first(tmp_path: Path) -> None:
    async with office(tmp_path, HelpfulBot("help", "stop")) as here:
        said = await say(here, "help")
        assert said.startswith("You do not have to be alone")
        said = await say(here, "STOP")
        assert said.startswith("You do not have to be alone") and "no more messages" in said


async def test_an_opted_out_person_stays_so_after_everything_is_deleted(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await say(here, "hello")
        await say(here, "STOP")
        await say(here, "delete my data")
        with here.engine.connect() as connection:
            person = connection.execute(sa.select(ChannelPerson.__table__)).one()
        assert person.opted_out is not None and person.address is None


async def test_more_brings_the_details_with_the_disclaimer(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await say(here, "hello")
        short = await say(here, "what about xanax")
        assert segments(short) <= 3 and "Source: A Journal" in short and short.endswith(DISCLAIMER)
        details = await say(here, "more")
        assert "They also add to sleepiness." in details and "https://example.org/paper" in details
        assert details.endswith(DISCLAIMER)
        assert len(here.bot.turns) == 2
        await say(here, "More")
        assert len(here.bot.turns) == 3, "nothing is left, so the dialogue is asked"


async def test_a_reply_leaves_from_the_number_that_was_written_to(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins["twilio"]
        assert isinstance(them, TwilioStandIn)
        for number in NUMBERS:
            await here.deliver(them.message(ANN, "hello", to=number))
            await here.quiet()
        assert them.left_from[0] == NUMBERS[0] and them.left_from[-1] == NUMBERS[1]


async def test_whatsapp_over_twilio(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        them = here.stand_ins["twilio"]
        assert isinstance(them, TwilioStandIn)
        them.prefix = "whatsapp:"
        said = await say(here, "what about xanax")
        assert "1. What about alcohol?" in said and "MORE" not in said
        assert them.left_from[-1] == f"whatsapp:{NUMBERS[0]}"
        assert "no more messages" in await say(here, "stop")


async def test_a_day_after_the_last_message_whatsapp_is_not_written_to(tmp_path: Path) -> None:
    async with office(tmp_path, working=False) as here:
        them = here.stand_ins["twilio"]
        assert isinstance(them, TwilioStandIn)
        for them.prefix in ("whatsapp:", ""):
            await here.deliver(them.message(ANN, "hello"))
        with here.engine.begin() as connection:
            connection.execute(sa.update(ChannelPerson).values(last_seen=now() - timedelta(hours=25)))
        async with here.messengers.working():
            await here.quiet()
        with here.engine.connect() as connection:
            states = connection.execute(sa.select(ChannelDelivery.state)).scalars().all()
        assert sorted(states) == ["dead", "dead", "sent", "sent"]


@pytest.mark.parametrize(
    ("public", "entered", "headers"),
    [
        ("https://bot.test", "https://bot.test/webhooks/twilio", {}),
        ("https://bot.test", "https://bot.test:443/webhooks/twilio", {}),
        (
            "http://localhost:8080",
            "https://proxy.test/webhooks/twilio",
            {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "proxy.test"},
        ),
        ("http://localhost:8080", "https://other.test/webhooks/twilio", {"Host": "other.test"}),
    ],
    ids=["public address", "with its port", "told by the proxy", "the host it passes on"],
)
async def test_the_signature_holds_behind_a_proxy(
    tmp_path: Path, public: str, entered: str, headers: dict[str, str]
) -> None:
    async with office(tmp_path, working=False, PUBLIC_URL=public) as here:
        them = here.stand_ins["twilio"]
        assert isinstance(them, TwilioStandIn)
        them.entered = entered
        webhook = them.message(ANN, "hello")
        response = await here.client.post(webhook.path, headers={**webhook.headers, **headers}, content=webhook.body)
        assert response.status_code == 200
        them.entered = "https://evil.test/webhooks/twilio"
        assert (await here.deliver(them.message(ANN, "hello"))).status_code == 403


def test_no_exercise_offers_the_word_stop() -> None:
    step = Message(
        "m",
        "safety",
        'Breathe in slowly. You can write "stop" at any time.',
        "panic_now",
        details=("Say stop if it does not help.", "Breathe out."),
        flow=Flow("panic", 1, 5),
        suggestions=(Suggestion("1", "Next"), Suggestion("2", "It does not help"), Suggestion("3", "Stop")),
    )
    told = without_stop(step)
    assert told.lead == "Breathe in slowly." and told.details == ("Breathe out.",)
    assert [s.title for s in told.suggestions] == ["Next", "It does not help", "End the exercise"]


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+14155550111", "US"),
        ("whatsapp:+447700900222", "GB"),
        ("16135550111", "CA"),
        ("+18765550111", None),
        ("+353861234567", "IE"),
        ("+18005550111", None),
        ("85258", None),
        ("", None),
    ],
)
def test_a_number_hints_at_a_country(number: str, country: str | None) -> None:
    assert country_of(number) == country
