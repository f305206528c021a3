"""What visitors get while the database cannot be used: who is in danger the numbers, everybody else "shortly again"."""

from __future__ import annotations

import logging
from typing import Any

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from bot.ops.logs import describe
from bot.service import Turn
from bot.web.refusals import not_ready, refused

_log = logging.getLogger(__name__)

#: A database that is gone, busy or full.
OUTAGE = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)


def first_aid(bot: Any, conversation: str, text: str, error: Exception) -> list[dict[str, Any]]:
    """The reply to a danger in `text`, made without anything that is stored. It is not stored either.

    Raises:
        Refusal: 503 where there is no danger.
    """
    _log.error("A message could not be stored: %s", describe(error))
    help_at_once = getattr(bot, "first_aid", None)
    messages = help_at_once(Turn(conversation, text)) if help_at_once is not None else []
    if not messages:
        raise not_ready()
    return [message.to_dict() for message in messages]


async def unavailable(request: Request, error: Exception) -> Response:
    """Starlette's handler for `OUTAGE` in the chat API: 503 with Retry-After."""
    _log.error("%s failed: %s", request.method, describe(error))
    return await refused(request, not_ready())
