"""Signed tokens of web sessions: the only key to a conversation, and never stored.

A token holds an unguessable session id. The database knows a conversation by a keyed hash of that id alone, so
that nobody who reads the database can speak for a visitor.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

from bot.web.keys import Keys

#: How long a session lasts from its start.
LIFETIME = timedelta(hours=24)
_FORM = re.compile(r"[A-Za-z0-9._-]{1,256}")


class Tokens:
    """Mints and reads session tokens."""

    def __init__(self, keys: Keys) -> None:
        self._signers = [_signer(key) for key in keys.all("session token")]
        self._conversation_keys = keys.all("conversation")

    def mint(self) -> tuple[str, str, datetime]:
        """A new token, the key of its conversation, and when both expire (UTC)."""
        session = secrets.token_urlsafe(24)
        token = self._signers[0].dumps(session)
        assert isinstance(token, str)
        return token, _conversation(self._conversation_keys[0], session), datetime.now(UTC) + LIFETIME

    def conversation(self, token: str) -> str | None:
        """The key of the conversation that `token` opens; None where it is forged, expired or malformed."""
        if not _FORM.fullmatch(token):  # the signer would overlook signs that it does not know
            return None
        for signer, key in zip(self._signers, self._conversation_keys, strict=True):
            session = read_signed(signer, token)
            if isinstance(session, str):
                return _conversation(key, session)
        return None


def read_signed(signer: URLSafeTimedSerializer, token: str) -> Any:
    """What was signed within the last `LIFETIME`; None where it was not, or longer ago.

    One from the future counts: another machine's clock is ahead, or ours was set back. The library refuses it.
    """
    try:
        told, signed = signer.loads(token, return_timestamp=True)
    except BadData:
        return None
    return told if datetime.now(UTC) - signed <= LIFETIME else None


def _signer(key: bytes) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        key, salt=b"session", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
    )


def _conversation(key: bytes, session: str) -> str:
    return "web-" + hmac.digest(key, session.encode(), hashlib.sha256).hex()[:40]
