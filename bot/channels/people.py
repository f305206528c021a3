"""Who writes, without knowing who: a keyed hash of the platform's id, and what is needed to reply, encrypted."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.errors import EvenkeelError
from bot.web.keys import Keys

_NONCE = 12


class Pseudonyms:
    """Turns ids of a platform into keys that mean nothing without our own secret."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys.all("channel person")

    def conversations(self, channel: str, person: str) -> list[str]:
        """The keys of the conversation with `person`: by the current secret first, then by the one before it."""
        return [f"{channel}-{_hashed(key, channel, person)[:40]}" for key in self._keys]

    def message(self, channel: str, message_id: str) -> list[str]:
        """The keys by which a message is known again, the current one first."""
        return [_hashed(key, f"{channel} message", message_id) for key in self._keys]


class Seal:
    """Encrypts JSON with AES-256-GCM. What is sealed for one purpose cannot be opened for another."""

    def __init__(self, keys: Keys) -> None:
        self._ciphers = [AESGCM(key) for key in keys.all("channel seal")]

    def close(self, value: Any, about: str) -> bytes:
        """`value` encrypted; `about` (channel, or conversation) must be given again to open it."""
        nonce = secrets.token_bytes(_NONCE)
        text = json.dumps(value, separators=(",", ":")).encode()
        return nonce + self._ciphers[0].encrypt(nonce, text, about.encode())

    def open(self, sealed: bytes, about: str) -> Any:
        """What `close` was given.

        Raises:
            EvenkeelError: it was sealed with a key that we do not have any more, or changed since.
        """
        for cipher in self._ciphers:
            try:
                return json.loads(cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], about.encode()))
            except InvalidTag:
                continue
        raise EvenkeelError(
            "A stored message cannot be read: SECRET_KEY has changed; set SECRET_KEY_PREVIOUS to the one before."
        )


def _hashed(key: bytes, use: str, value: str) -> str:
    return hmac.digest(key, f"{use}\0{value}".encode("utf-8", "surrogatepass"), hashlib.sha256).hex()
