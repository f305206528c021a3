"""Requests that are refused, and how: one error with a status, a code for programs and a sentence for people."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

#: Goes with every error that a visitor may see.
EMERGENCY = "In an emergency call your local emergency number (911 US, 999 UK, 112 EU)."


class Refusal(Exception):
    """A request that is answered with an error.

    Attributes:
        status: the HTTP status.
        code: a word for programs, stable.
        sentence: what to say to a person.
        headers: further headers of the answer, such as Retry-After.
    """

    def __init__(self, status: int, code: str, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.sentence, self.headers = status, code, sentence, dict(headers or {})


def bad(sentence: str) -> Refusal:
    """400: the request cannot be understood."""
    return Refusal(400, "bad_request", sentence)


def no_session() -> Refusal:
    """401: the token is missing, forged or expired, or its conversation is over."""
    return Refusal(
        401,
        "no_session",
        "This conversation has ended. Please start a new one.",
        {"WWW-Authenticate": 'Bearer realm="chat"'},
    )


def too_many(seconds: int) -> Refusal:
    """429: the next try is allowed after `seconds`."""
    return Refusal(
        429,
        "too_many",
        f"That was many messages at once. Please wait {seconds} seconds. {EMERGENCY}",
        {"Retry-After": str(seconds)},
    )


def not_ready(seconds: int = 5) -> Refusal:
    """503: the bot cannot answer now."""
    return Refusal(
        503,
        "not_ready",
        f"The bot cannot answer at the moment. Please try again shortly. {EMERGENCY}",
        {"Retry-After": str(seconds)},
    )


def as_json(status: int, code: str, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The error as the chat API gives it."""
    return JSONResponse({"error": {"code": code, "message": sentence}}, status, headers)


async def refused(request: Request, error: Exception) -> Response:
    """Starlette's handler for `Refusal` in the chat API."""
    assert isinstance(error, Refusal)
    return as_json(error.status, error.code, error.sentence, error.headers)
