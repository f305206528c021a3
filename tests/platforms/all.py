"""Every stand-in there is."""

from __future__ import annotations

from tests.platforms.standin import StandIn
from tests.platforms.telegram import TelegramStandIn

STAND_INS: tuple[type[StandIn], ...] = (TelegramStandIn,)
