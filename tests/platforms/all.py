"""Every stand-in there is."""

from __future__ import annotations

from tests.platforms.messenger import MessengerStandIn
from tests.platforms.slack import SlackStandIn
from tests.platforms.standin import StandIn
from tests.platforms.telegram import TelegramStandIn
from tests.platforms.twilio import TwilioStandIn
from tests.platforms.whatsapp import WhatsAppStandIn

STAND_INS: tuple[type[StandIn], ...] = (
    TelegramStandIn,
    MessengerStandIn,
    WhatsAppStandIn,
    TwilioStandIn,
    SlackStandIn,
)
