"""Plain functions on text: what a person typed, made safe to handle and easy to compare.

`clean` is what the rest of the program sees and stores; `fold` is for comparing only and never shown.
"""

from __future__ import annotations

import re
import unicodedata

#: Characters kept of one message; a longer one is screened whole but not answered (CONTRACT "Chat API").
MOST_CHARACTERS = 2_000

# Format characters (zero-width, direction marks, soft hyphen, tags) and controls carry no meaning here and
# are used to hide words from filters.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
_QUOTES = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‐": "-", "‑": "-"}
)

# Letters of other scripts that are drawn like Latin ones (the frequent part of Unicode's confusables list,
# https://www.unicode.org/reports/tr39/). Only applied to words that mix them with Latin letters.
_LOOK_ALIKE = str.maketrans(
    "аеорсухіјѕԁһкмтвнгпАВЕКМНОРСТУХІЈЅαεικνορτυχβγηκωΑΒΕΖΗΙΚΜΝΟΡΤΥΧɑɡıℓ",
    "aeopcyxijsdhkmtbhrnABEKMHOPCTYXIJSaeiknoptuxbynkwABEZHIKMNOPTYXagil",
)
_LOOK_ALIKE_LETTERS = frozenset(chr(code) for code in _LOOK_ALIKE)


def clean(text: str) -> str:
    """`text` without invisible characters, controls and lone surrogates, white space folded to single blanks.

    Compatible forms (full-width, mathematical and circled letters) become their plain letters (NFKC).
    """
    # An acute accent that stands alone serves as an apostrophe; NFKC would make a blank of it.
    text = _SURROGATE.sub("\ufffd", text).replace("´", "'")
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    return _SPACE.sub(" ", _INVISIBLE.sub("", text)).strip()


def fold(text: str) -> str:
    """`clean(text)` in lower case, without accents, with straight quotes and look-alike letters made Latin.

    Letters of other scripts stay when their word is really of that script, so that Russian stays Russian.
    """
    text = clean(text).translate(_QUOTES).lower()
    return " ".join(filter(None, map(_fold_word, text.split(" "))))


def _fold_word(word: str) -> str:
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFD", word)
    word = "".join(c for c in decomposed if not unicodedata.combining(c) or not c.isprintable() or ord(c) > 0x36F)
    letters = [c for c in word if c.isalpha()]
    strange = [c for c in letters if c in _LOOK_ALIKE_LETTERS]
    if strange and len(strange) < len(letters) and any(c.isascii() for c in letters):
        word = word.translate(_LOOK_ALIKE)
    return word


def windows(text: str, words: int = 70, overlap: int = 20) -> list[str]:
    """`text` in overlapping pieces of at most `words` words, for an encoder that reads 128 tokens at a time."""
    parts = text.split()
    if len(parts) <= words:
        return [text]
    step = words - overlap
    return [" ".join(parts[i : i + words]) for i in range(0, max(1, len(parts) - overlap), step)]
