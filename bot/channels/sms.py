"""How long a text message is, and how to keep it short: 3GPP TS 23.038 (the 7-bit alphabet) and 23.040 (parts).

A message in the 7-bit alphabet has 160 signs, or 153 in each part of several; with one sign outside it, 70 or 67.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

from bot.channels.rendering import utf16

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")
_INSTEAD = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-", "‑": "-",
        "−": "-", "…": "...", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "•": "-", "·": "-", "×": "x", "≥": ">=",
        "≤": "<=", "±": "+/-", "½": "1/2", "¼": "1/4", "™": "", "®": "", "©": "(c)", "µ": "u", "μ": "u", "°": " deg",
        "\t": " ", "`": "'", "´": "'", "\u200b": "", "\ufeff": "", "²": "2", "³": "3", "→": "->",
    }
)  # fmt: skip


def plain_signs(text: str) -> str:
    """`text` in the 7-bit alphabet as far as its letters can be written in it; other scripts stay as they are."""
    return "".join(_sign(character) for character in text.translate(_INSTEAD))


def _sign(character: str) -> str:
    if character in _BASIC or character in _EXTENDED:
        return character
    bare = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    return bare if bare and all(c in _BASIC or c in _EXTENDED for c in bare) else character


def is_plain(text: str) -> bool:
    """Whether `text` can be sent in the 7-bit alphabet."""
    return all(character in _BASIC or character in _EXTENDED for character in text)


def segments(text: str) -> int:
    """How many parts `text` is sent (and paid for) in."""
    if is_plain(text):
        length = len(text) + sum(character in _EXTENDED for character in text)
        return 1 if length <= 160 else -(-length // 153)
    length = utf16(text)
    return 1 if length <= 70 else -(-length // 67)


def fitting(sentences: Sequence[str], fits: Callable[[str], bool]) -> int:
    """How many of the first sentences fit together, at least none."""
    taken = 0
    while taken < len(sentences) and fits(" ".join(sentences[: taken + 1])):
        taken += 1
    return taken
