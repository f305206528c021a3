"""A key for each use, derived from the one master key of the settings (HKDF, RFC 5869, SHA-256)."""

from __future__ import annotations

import hashlib
import hmac

from bot.settings import Settings

_SALT = b"evenkeel"


class Keys:
    """Derived keys. New signatures use the current master key; the previous one is still accepted for reading."""

    def __init__(self, secret_key: str, previous: str = "") -> None:
        self._masters = [secret.encode() for secret in (secret_key, previous) if secret]

    @classmethod
    def of(cls, settings: Settings) -> Keys:
        """The keys of `settings.secret_key` and `settings.secret_key_previous`."""
        return cls(settings.secret_key, settings.secret_key_previous)

    def current(self, use: str) -> bytes:
        """The 32-byte key for `use`, such as "session token"."""
        return self.all(use)[0]

    def all(self, use: str) -> list[bytes]:
        """The keys for `use`, the current one first."""
        return [hkdf(master, salt=_SALT, info=use.encode()) for master in self._masters]


def hkdf(secret: bytes, *, salt: bytes, info: bytes, length: int = 32) -> bytes:
    """`length` bytes (at most 8160) derived from `secret` for the purpose `info`."""
    extracted = hmac.digest(salt, secret, hashlib.sha256)
    block, output = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(extracted, block + info + bytes([counter]), hashlib.sha256)
        output += block
    return output[:length]
