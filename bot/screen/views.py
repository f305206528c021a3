"""Ways to read a message for the patterns: plain, with disguises undone, and decoded.

People misspell in distress, and hide words from filters on purpose. A view is text in lower case without
apostrophes, its sentences parted by " . ". Views are only compared with patterns and never shown to anybody.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import urllib.parse
from collections.abc import Callable, Iterator

from bot.language.text import clean, fold

_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
_STOP = re.compile(r"[.!?;:\n\r()\[\]|…。！？،؟।]+")
_FRACTION = re.compile(r"(?<=\d)[.,]\d{1,2}(?!\d)")
_SLASH = re.compile(r"(?<!\d)/|/(?!\d)")
# Vowel signs of other scripts are no word characters to `re`, but part of their words.
_OTHER = re.compile("[^\\w%/\x00\u0900-\u0dff\u0e00-\u0e7f]+")
_ARABIC_MARKS = re.compile("[\u0610-\u061a\u0640\u064b-\u065f\u0670]")
_STRETCHED = re.compile(r"(\w)\1{2,}")

# Disguises
_LEET = str.maketrans("013457@$!|€£+", "oieastasilelt")
_LEET_WORD = re.compile(r"[a-z@$!|€£+0-9]{2,30}")
_LEET_SIGN = re.compile(r"[0134578@$!|€£+]")
_PLAIN_WITH_DIGITS = re.compile(
    r"\d.*\d[a-z]{0,3}|\d+[.,]?\d*(mg|mcg|ug|ml|g|kg|k|x|am|pm|hr?s?|mins?|m|s|st|nd|rd|th|yo|yrs?|y|f|c|bpm|lbs?|d|wk?s?|in|cm|mm|iu)?"
    r"|[a-z]{1,3}\d+|cyp\w+|[a-z]+[!|]+|[a-z]+\d{2,}"
)
_INSIDE = re.compile(r"(?<=[a-z0-9])[.*_~#^•·-]{1,3}(?=[a-z0-9])")
_SINGLES = re.compile(r"(?<!\w)\w(?:[\s.*_~,/|•·-]{1,3}\w){3,}(?!\w)")
_WIDE_GAP = re.compile(r"\s{2,}|\s*/\s*")
_HIDDEN_L = re.compile(r"(?<=[a-z])I(?=[a-z]|\b)")
_UPSIDE_DOWN = str.maketrans("ɐqɔpǝɟƃɓɥıᴉɾʞןꞁʅɯuodbɹsʇnʌʍxʎz", "abcdefgghiijklllmnopqrstuvwxyz")
_UPSIDE_MARKS = frozenset("ɐɔǝɟƃɓɥᴉɾʞןꞁʅɯɹʇʌʍʎ")
_PICTURES = str.maketrans(
    {
        "🔫": " gun ",
        "🔪": " knife ",
        "🗡": " knife ",
        "💊": " pills ",
        "⚰": " coffin ",
        "🪦": " grave ",
        "🩸": " blood ",
        "🚑": " ambulance ",
        "🆘": " sos help ",
    }
)
_DIRECTION = re.compile("[\u202d\u202e\u2067]")

# Encodings
_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{12,4000}={0,2}(?![\w+/=-])")
_HEX = re.compile(r"(?<!\w)(?:0x)?[0-9a-fA-F]{2}(?:[\s:,]?(?:0x)?[0-9a-fA-F]{2}){5,2000}(?!\w)")
_BITS = re.compile(r"(?<!\d)[01]{8}(?:\s?[01]{8}){3,500}(?!\d)")
_MORSE_RUN = re.compile(r"[.·\-–/|]{1,5}(?:\s+[.·\-–/|]{1,5}){5,}")
_MORSE = dict(
    zip(
        [
            ".-",
            "-...",
            "-.-.",
            "-..",
            ".",
            "..-.",
            "--.",
            "....",
            "..",
            ".---",
            "-.-",
            ".-..",
            "--",
            "-.",
            "---",
            ".--.",
            "--.-",
            ".-.",
            "...",
            "-",
            "..-",
            "...-",
            ".--",
            "-..-",
            "-.--",
            "--..",
            "/",
            "|",
        ],
        "abcdefghijklmnopqrstuvwxyz  ",
        strict=True,
    )
)
_MOST_DECODED = 4_000
_ROT13_MARKS = re.compile(r"\b(v|gb|gur|naq|zl|jnag|fhvpvqr|zlfrys)\b")


def plain_view(folded: str) -> str:
    """`folded` (see `bot.language.text.fold`) as words, numbers and " . " between sentences."""
    text = _APOSTROPHE.sub("", folded.translate(_PICTURES))
    if not text.isascii():
        text = _ARABIC_MARKS.sub("", text)
    text = _STOP.sub("\x00", _FRACTION.sub("", text))
    text = _OTHER.sub(" ", _SLASH.sub(" ", text)).replace("_", " ").replace("\x00", " . ")
    return " ".join(_STRETCHED.sub(r"\1\1", text).split())


def disguised_views(text: str) -> Iterator[str]:
    """Views of `text` as given with disguises undone; yields none for ordinary writing."""
    folded = fold(text)
    if _STRETCHED.search(folded):
        yield plain_view(_STRETCHED.sub(r"\1", folded))
    undone = _undo(folded)
    if undone != folded:
        yield plain_view(undone)
    singles = _join_singles(text)
    if singles:
        yield singles
    if _HIDDEN_L.search(text):
        yield plain_view(fold(_HIDDEN_L.sub("l", text)))
    if not _UPSIDE_MARKS.isdisjoint(text):
        turned = text.lower().translate(_UPSIDE_DOWN)
        yield plain_view(fold(turned))
        yield plain_view(fold(turned[::-1]))
    if _DIRECTION.search(text):
        yield plain_view(fold(text[::-1]))


def decoded(text: str) -> Iterator[str]:
    """What is written in `text` in base64, hexadecimal or binary numbers, Morse, rot13, percent signs or entities."""
    for pattern, decode in _DECODERS:
        for match in list(pattern.finditer(text))[:5]:
            inner = decode(match[0][:_MOST_DECODED])
            if inner and _readable(inner):
                yield inner
    if "%" in text and (inner := urllib.parse.unquote_plus(text, errors="replace")) != text:
        yield inner
    if "&" in text and (inner := html.unescape(text)) != text:
        yield inner
    if "\\u" in text or "\\x" in text:
        inner = re.sub(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})", lambda m: chr(int(m[1] or m[2], 16)), text)
        yield clean(inner)
    if _ROT13_MARKS.search(text.lower()):
        yield codecs.decode(text, "rot13")


def _undo(folded: str) -> str:
    text = _INSIDE.sub("", folded) if _INSIDE.search(folded) else folded
    if _LEET_SIGN.search(text):
        text = _LEET_WORD.sub(_letters_for_signs, text)
    return text


def _letters_for_signs(match: re.Match[str]) -> str:
    word = match[0]
    if word.isalpha() or not any(c.isalpha() for c in word) or _PLAIN_WITH_DIGITS.fullmatch(word):
        return word
    return word.translate(_LEET)


def _join_singles(text: str) -> str:
    """The letters of words written letter by letter: with gaps between words when the writer left wider ones."""
    found = []
    lowered = _undo(fold_keeping_gaps(text))
    for match in _SINGLES.finditer(lowered):
        words = [re.sub(r"\W|_", "", part) for part in _WIDE_GAP.split(match[0])]
        if any(c.isalpha() for c in match[0]):
            found.append(" ".join(words).translate(_LEET))
            found.append("".join(words).translate(_LEET))
    return " . ".join(found)


def fold_keeping_gaps(text: str) -> str:
    """`fold`, with wide gaps between words kept as two blanks."""
    return "  ".join(fold(part) for part in re.split(r"\s{2,}", text))


def _readable(text: str) -> bool:
    letters = sum(c.isalpha() or c == " " for c in text)
    return len(text) >= 6 and letters >= 0.8 * len(text)


def _base64(run: str) -> str:
    try:
        run = run.replace("-", "+").replace("_", "/").rstrip("=")
        return base64.b64decode(run + "=" * (-len(run) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""


def _hex(run: str) -> str:
    try:
        return bytes.fromhex(re.sub(r"0x|[\s:,]", "", run)).decode("utf-8")
    except ValueError:
        return ""


def _bits(run: str) -> str:
    digits = re.sub(r"\s", "", run)
    return bytes(int(digits[i : i + 8], 2) for i in range(0, len(digits) - 7, 8)).decode("utf-8", "replace")


def _morse(run: str) -> str:
    return "".join(_MORSE.get(sign.replace("·", ".").replace("–", "-"), "") for sign in run.split())


_DECODERS: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (_BASE64, _base64),
    (_HEX, _hex),
    (_BITS, _bits),
    (_MORSE_RUN, _morse),
)
