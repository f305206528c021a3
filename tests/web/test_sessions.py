"""Keys and tokens."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine

from bot.web import sessions
from bot.web.keys import Keys, hkdf
from bot.web.sessions import LIFETIME, Tokens

# RFC 5869, appendix A.1 to A.3
VECTORS = [
    (
        "basic",
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        42,
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        "long",
        bytes(range(0x50)).hex(),
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        82,
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9"
        "aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    (
        "empty",
        "0b" * 22,
        "",
        "",
        42,
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]


@pytest.mark.parametrize(
    ("secret", "salt", "info", "length", "expected"), [row[1:] for row in VECTORS], ids=[row[0] for row in VECTORS]
)
def test_hkdf(secret: str, salt: str, info: str, length: int, expected: str) -> None:
    made = hkdf(bytes.fromhex(secret), salt=bytes.fromhex(salt), info=bytes.fromhex(info), length=length)
    assert made.hex() == expected


def test_a_key_for_each_use() -> None:
    keys = Keys("new", "old")
    assert len({keys.current("a"), keys.current("b"), *keys.all("a"), *Keys("other").all("a")}) == 4
    assert len(keys.all("a")) == 2 and len(Keys("new").all("a")) == 1


def test_a_token_opens_its_conversation() -> None:
    tokens = Tokens(Keys("secret"))
    token, conversation, _ = tokens.mint()
    assert tokens.conversation(token) == conversation
    assert conversation.startswith("web-")


def test_tokens_are_unguessable() -> None:
    """192 random bits: 32 characters of base 64."""
    assert len({Tokens(Keys("secret")).mint()[0] for _ in range(200)}) == 200
    session = sessions.read_signed(
        sessions._signer(Keys("secret").current("session token")), Tokens(Keys("secret")).mint()[0]
    )
    assert len(session) == 32


def test_the_conversation_does_not_give_the_session_away() -> None:
    token, conversation, _ = Tokens(Keys("secret")).mint()
    assert conversation.removeprefix("web-") not in token


def test_rotation() -> None:
    token, conversation, _ = Tokens(Keys("old")).mint()
    assert Tokens(Keys("new", "old")).conversation(token) == conversation
    assert Tokens(Keys("new")).conversation(token) is None


@pytest.mark.parametrize("change", ["", "x", "é", "\x00", "." * 300], ids=ascii)
def test_forged_tokens(change: str) -> None:
    tokens = Tokens(Keys("secret"))
    token, _, _ = tokens.mint()
    assert tokens.conversation(change) is None
    assert not change or tokens.conversation(token + change) is None
    middle = len(token) // 2
    assert tokens.conversation(token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]) is None


def test_a_token_for_something_else() -> None:
    """A form's token is signed for forms."""
    from itsdangerous import URLSafeTimedSerializer

    other = URLSafeTimedSerializer(Keys("secret").current("form"), salt=b"form").dumps("session")
    assert Tokens(Keys("secret")).conversation(str(other)) is None


def test_expiry() -> None:
    tokens = Tokens(Keys("secret"))
    with time_machine.travel(datetime.now(UTC).replace(microsecond=0), tick=False) as clock:
        token, conversation, _ = tokens.mint()
        clock.shift(LIFETIME)
        assert tokens.conversation(token) == conversation
        clock.shift(2)
        assert tokens.conversation(token) is None


@pytest.mark.parametrize("seconds", [2, 100_000])
def test_a_clock_that_is_behind(seconds: int) -> None:
    """Two machines' clocks are never quite the same, and one may be set back: nobody loses their conversation."""
    tokens = Tokens(Keys("secret"))
    with time_machine.travel(datetime.now(UTC)) as clock:
        token, conversation, _ = tokens.mint()
        clock.shift(-seconds)
        assert tokens.conversation(token) == conversation
