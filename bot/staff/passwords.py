"""Passwords: argon2id with the parameters that RFC 9106 gives for machines with little memory (64 MB, 3 passes)."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

#: Characters of a password. Length is what counts (NIST SP 800-63B); no rule asks for special signs.
SHORTEST, LONGEST = 12, 200
_MANY_THE_SAME = 5

_hasher = PasswordHasher()
#: Checked where there is no such account, so that the time does not tell.
_NOBODYS = _hasher.hash("nobody's password")


def hash_password(password: str) -> str:
    """The hash to be stored, with its parameters and salt. Takes some 50 ms and 64 MB."""
    return _hasher.hash(password)


def is_password(stored: str | None, password: str) -> bool:
    """Whether `password` is the one of `stored`; as slow for None, which it never is."""
    try:
        _hasher.verify(stored or _NOBODYS, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def problem_with(password: str, *names: str) -> str:
    """What is wrong with a new password, in a sentence; empty where nothing is.

    Args:
        names: what it must not consist of, such as the name of its owner.
    """
    if len(password) < SHORTEST:
        return f"Please use at least {SHORTEST} characters: three or four words are easy to remember."
    if len(password) > LONGEST:
        return f"Please use at most {LONGEST} characters."
    plain = password.casefold()
    if len(set(plain)) < _MANY_THE_SAME:
        return "That is nearly always the same character. Please use three or four words."
    for name in (*names, "evenkeel", "password"):
        if name and len(plain.replace(name.casefold(), "")) < SHORTEST // 2:
            return "That is too near to a name or a usual password. Please use three or four words."
    return ""
