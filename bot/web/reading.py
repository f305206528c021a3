"""Reading a request's body: never more than allowed, never for ever, and refused in a sentence."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from bot.web.refusals import Refusal, bad

#: Bytes that a body may have; CONTRACT, "Chat API".
MOST_BYTES = 512 * 1024
_SECONDS = 15


async def read_body(request: Request) -> bytes:
    """The body of `request`, at most `MOST_BYTES`.

    Raises:
        Refusal: 413 when it is longer, 408 when it takes too long, 400 when the sender went away.
    """
    given = request.headers.get("content-length", "0")
    if given.isdecimal() and int(given[:20]) > MOST_BYTES:
        raise _too_long()
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise _too_long()
    except TimeoutError:
        raise Refusal(408, "too_slow", "The message took too long to arrive. Please send it again.") from None
    except ClientDisconnect:
        raise bad("The request ended early.") from None
    return bytes(body)


def _too_long() -> Refusal:
    return Refusal(413, "too_long", "That is too much text. Please send one short question.", {"Connection": "close"})


async def read_json(request: Request, *, empty: bool = False) -> dict[str, Any]:
    """The JSON object in the body; an empty body is an empty object when `empty`.

    Raises:
        Refusal: as `read_body`, and 400 when it is not a JSON object sent as application/json.
    """
    body = await read_body(request)
    if empty and not body:
        return {}
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise bad("Send JSON, with Content-Type: application/json.")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise bad("The body is not JSON.") from None
    if not isinstance(data, dict):
        raise bad("The body must be a JSON object.")
    return data


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form sent in the ordinary way; the last one of a name counts.

    Raises:
        Refusal: as `read_body`, and 400 when it is not such a form.
    """
    body = await read_body(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise bad("Please use the form on the page.")
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="replace")
    except ValueError:
        raise bad("Please use the form on the page.") from None
    return dict(fields)
