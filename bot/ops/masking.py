"""Takes e-mail addresses, telephone numbers and names out of what people write, before it is stored.

`mask` is pure and runs in linear time: it is applied to every message, however long or hostile. It would
rather leave a doubtful number than lose one that matters: doses, years, dates, blood pressures and the short
numbers of emergency and crisis services stay as they are.
"""

from __future__ import annotations

import re

E_MAIL = "[e-mail]"
PHONE = "[phone number]"
NAME = "[name]"

# Possessive quantifiers (++) never give back what they took, so a long run of letters is read once.
_E_MAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]++@[\w-]++(?:\.[\w-]++)++")
_SPELT_E_MAIL = re.compile(
    r"(?<![\w.+%-])[\w.+%-]++ ?(?:\(at\)|\[at\]|\bat\b) ?"
    r"(?:gmail|googlemail|hotmail|outlook|live|yahoo|icloud|aol|proton|protonmail|gmx|btinternet|mail)"
    r"(?:\.| dot | ?\(dot\) ?)[a-z]{2,4}(?:\.[a-z]{2})?\b",
    re.IGNORECASE,
)


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_START = r"(?<![\w.,/$£€+])"
_END = r"(?!\d|[.,]\d)"
_NO_DATE = r"(?!\d{1,2}(?P<between>[./-])\d{1,2}(?P=between)\d{2,4}\b)"
_NO_YEAR = r"(?!(?:19|20)\d\d\b)"
_PHONE = re.compile(
    "|".join(
        (
            r"(?P<abroad>(?<![\w+])(?:\+|" + _START + r"00)[ (]{0,2}\d(?:[ .()/-]{0,3}\d){7,14}(?!\d))",
            r"(?P<trunk>" + _START + _NO_DATE + r"\(?0\d{1,4}\)?(?:[ ./-]{0,2}\d){6,10}(?!\d))",
            r"(?P<american>" + _START + r"(?:1[ .-]{0,2})?\(?[2-9]\d\d\)?[ .-]{0,2}\d{3}[ .-]?\d{4}" + _END + ")",
            r"(?P<plain>" + _START + r"\d{7,15}" + _END + ")",
            r"(?P<halves>" + _START + r"[6-9]\d{4}[ -]\d{5}" + _END + ")",
            r"(?P<local>" + _START + r"[2-9]\d\d-\d{4}" + _END + ")",
            r"(?P<groups>" + _START + _NO_YEAR + r"\d{1,5}(?:[ .-]\d{2,6}){2,6}" + _END + ")",
        )
    )
)
_TOLD_PHONE = re.compile(
    r"\b((?:number|phone|mobile|cell|tel|telephone|whatsapp)(?: no\.?)?(?:['’]s| is)?[:=]? {0,2})"
    r"(\d(?:[ .-]?\d){6,14})(?!\d)",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r" ?(?:mgs?|mcg|µg|μg|ug|g|grams?|kg|kilos?|mls?|millilit\w*|milligrams?|micrograms?|lbs?|%|percent|mmhg|bpm|iu|"
    r"units?|hours?|hrs?|h|minutes?|mins?|seconds?|days?|weeks?|months?|years?|yrs?|times|steps|people|patients|"
    r"dollars|pounds|euros)\b",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")

_NAME_PREFIX = re.compile(
    r"\b(?:my (?:full |first |last |real |sur)?name(?:['’]?s| is|:| =)|i(?:['’]?m| am) called|"
    r"me llamo|mi nombre es|je m['’]appelle|mon nom est|ich heiße|ich heisse|mein name ist|mi chiamo|meu nome é|"
    r"me chamo)\s{1,3}",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_](?:[\w'’-]{0,40}\w)?\.?")
_GAP = re.compile(r"[ \t]{1,3}")
_SPEAKING = re.compile(
    r"\b(this is )([^\W\d_][\w'’.-]{0,40}(?: [^\W\d_][\w'’.-]{0,40}){0,2})( speaking)\b", re.IGNORECASE
)
_PARTICLES = _words("de da dos du di del della van von der den ter bin ibn bint al el la le st mac mc")
_TITLES = _words("mr mrs ms miss mx dr prof")
_AFTER_NAME = _words("and i i'm im my from but aged age")
# What may follow "my name is" without being a name, and what may follow a name without being part of it.
_NO_NAME = _words(
    """
    a about after again age aged all also always am an and anonymous anxiety anxious are as asking at back be
    because been before being but by bye call can could depressed depression did do does doing done dont don't
    dying emergency every feel feeling felt first for from getting give given go going got had has have having
    he hello help her here hey hi him his hope how i i'd i'll i'm i've id if ill im important in infusion into
    irrelevant is isn't it it's its ive just k-hole k ket ketamine know last like looking made me mine most much
    mud my need never new no nobody none not now of off on one only or other our out over overdose overdosed
    pain panic panicking panicky patient please private question really right said scared secret see she should
    since so some someone sometimes speaking spelled spelt spravato sorry started still suicidal take taking
    tell thank thanks that that's the their them then there these they this to today told too took trying
    unimportant up us used very want wanted was we were what what's when where which who why will wish with
    won't would written years yes you your
    """
)


def mask(text: str) -> str:
    """`text` with e-mail addresses, telephone numbers and names that were given as such replaced by placeholders.

    Masking twice changes nothing more. Short service numbers, doses, years, dates and blood pressures stay.
    """
    if "@" in text:
        text = _E_MAIL.sub(E_MAIL, text)
    text = _SPELT_E_MAIL.sub(E_MAIL, text)
    text = _TOLD_PHONE.sub(lambda match: match[1] + PHONE, text)
    text = _PHONE.sub(_phone_or_number, text)
    text = _mask_names(text)
    return _SPEAKING.sub(_speaker, text)


def _phone_or_number(match: re.Match[str]) -> str:
    found, shape = match[0], match.lastgroup
    groups = _DIGITS.findall(found)
    digits = sum(map(len, groups))
    if shape == "abroad":
        return PHONE
    if shape == "trunk":
        return PHONE if digits >= 9 else found
    if _UNIT.match(match.string, match.end()):
        return found
    if len(groups) > 1 and all(group.endswith("0") for group in groups):  # amounts: 100 200 1000
        return found
    if shape == "groups":
        telling = [group for group in groups if len(group) >= 4 and not _is_year(group)]
        return PHONE if telling and 11 <= digits <= 15 else found
    return PHONE


def _is_year(group: str) -> bool:
    return len(group) == 4 and group[:2] in ("19", "20")


def _mask_names(text: str) -> str:
    parts, done = [], 0
    for prefix in _NAME_PREFIX.finditer(text):
        if prefix.start() < done:
            continue
        end = _name_end(text, prefix.end())
        if end > prefix.end():
            parts += [text[done : prefix.end()], NAME]
            done = end
    return "".join(parts) + text[done:]


def _name_end(text: str, start: int) -> int:
    """Where the name that begins at `start` ends; `start` itself when there is none."""
    first = _WORD.match(text, start)
    if not first or _plain(first[0]) in _NO_NAME:
        return start
    end, last = first.end(), first[0]
    for _ in range(4):
        gap = _GAP.match(text, end)
        word = _WORD.match(text, gap.end()) if gap else None
        if not word or not _goes_on(text, last, word):
            break
        end, last = word.end(), word[0]
    return end - 1 if last.endswith(".") and _plain(last) not in _TITLES and len(last) > 2 else end


def _goes_on(text: str, last: str, word: re.Match[str]) -> bool:
    """Whether `word` belongs to the name whose word before it is `last`."""
    plain = _plain(word[0])
    ended = last.endswith(".") and _plain(last) not in _TITLES and len(last) > 2
    if ended or plain in _NO_NAME:
        return False
    if _capital(word[0]) or plain in _PARTICLES or _plain(last) in _PARTICLES | _TITLES:
        return True
    if _capital(last):
        return False
    gap = _GAP.match(text, word.end())
    following = _WORD.match(text, gap.end()) if gap else None
    return following is None or _plain(following[0]) in _AFTER_NAME


def _speaker(match: re.Match[str]) -> str:
    words = match[2].split(" ")
    if any(_plain(word) in _NO_NAME for word in words):
        return match[0]
    return match[1] + NAME + match[3]


def _plain(word: str) -> str:
    return word.rstrip(".").replace("’", "'").lower()


def _capital(word: str) -> bool:
    return word[0].isupper() and not (word.isupper() and len(word) > 2)
