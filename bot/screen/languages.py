"""Which language a message is in, told offline: by its script, by common words, and by py3langid's n-grams.

py3langid (BSD, model in its wheel) is asked only when the words are not plainly English.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

#: Languages that fixed wording exists for, besides English.
NAMED = ("es", "fr", "de", "pt", "it", "pl", "ar", "hi", "zh")
#: Told apart from these, so that a Dutch message is not answered in German.
_OTHERS = (
    "nl",
    "ru",
    "uk",
    "sv",
    "da",
    "no",
    "fi",
    "tr",
    "ro",
    "cs",
    "hu",
    "el",
    "he",
    "fa",
    "ur",
    "bn",
    "ja",
    "ko",
    "vi",
    "id",
    "tl",
    "sw",
    "th",
)
#: Words from which on the language of the reply is certain enough to leave English out.
CERTAIN_FROM = 4

_SCRIPTS = (
    ("zh", re.compile("[\u3400-\u9fff]")),
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("bn", re.compile("[\u0980-\u09ff]")),
)
_PERSIAN, _URDU = re.compile("[پچژگ]"), re.compile("[ٹڈڑںےہھ]")
_WORD = re.compile(r"[^\W\d_]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that English shares with nobody below, and that hardly any English message is without.
_ENGLISH = _words(
    """
    the a an and or but if is are was were be been being am do does did done have has had will would can could
    should may might must i you he she it we they me him her us them my your his our their this that these those
    what which who whom whose when where why how not no yes of in on at to from for with without about after before
    during since by as so than then too very just only also again there here all any some more most much many other
    another get got getting go going gonna wanna want need know think feel feels feeling help please thanks thank
    hello hi hey ok okay im ive ill dont cant wont isnt doesnt didnt its thats whats hes shes theyre u r ur pls
    ketamine spravato esketamine panic attack attacks anxiety session infusion treatment drug drugs take taking took
    safe side effects
    """
)
# Words of the Latin-script languages that are frequent there and no English words.
_MARKERS: dict[str, frozenset[str]] = {
    "es": _words(
        """
        que quiero no puedo me estoy esta mi mis soy muy ya por para pero como porque con una los las el del esto
        eso tengo hay mas hoy nada vivir morir matarme vida ayuda hijo hija amigo ketamina despues tomar toma puede
        siento duele pecho respirar quitarme acabar ataque panico sin se le su ha he
        """
    ),
    "fr": _words(
        """
        je j ne pas que qui est suis mon ma mes vie veux peux plus vais en finir mourir tuer avec pour dans une les
        des du sur moi ca c cest jai ai tout toujours aide fils fille ami ketamine apres prendre prend peut sens
        poitrine respirer crise il elle mal jours fin mettre comment combien quoi sans
        """
    ),
    "de": _words(
        """
        ich nicht will mich mir mein meine bin ist und der die das ein eine kann kein keine mehr habe hab nach mit
        zu auf leben sterben umbringen hilfe sohn tochter freund ketamin nehmen schmerzen brust atmen was wie wenn
        aber auch noch schon sie er es im am den dem panikattacke gerade
        """
    ),
    "pt": _words(
        """
        eu nao nem quero posso estou esta minha meu sou muito ja por para mas como porque com uma os as do da isso
        tenho ha mais hoje nada viver morrer vida ajuda filho filha amigo cetamina depois tomar toma pode sinto dor
        peito respirar acabar ataque panico sem se ele ela voce consigo vou
        """
    ),
    "it": _words(
        """
        io non voglio posso sono sto mia mio molto gia per ma come perche con una gli le dello della questo ho piu
        oggi niente vivere morire uccidermi vita aiuto figlio figlia amico ketamina dopo prendere puo sento petto
        respirare farla finita attacco panico senza si lui lei che mi ha di il la
        """
    ),
    "pl": _words(
        """
        nie chce sie moge jestem mam moj moja moje bardzo juz dla ale jak bo z jest to na w do zyc umrzec zabic
        zycie pomocy syn corka przyjaciel ketamina ketamine po wziac moze czuje klatce oddychac co czy tak mnie mi
        ze panika atak teraz on ona
        """
    ),
    "nl": _words(
        """
        ik niet wil mijn ben een het de en kan geen meer heb hij zij leven dood hulp zoon dochter vriend ketamine
        mij me na met naar op wat hoe maar ook nog
        """
    ),
    "hi": _words(
        """
        mai main mujhe mera meri hai hain nahi nahin nhi kya kaise kar raha rahi rha rhi ho hu hoon hun se ko ka ki
        ke mein me aur bhi ab marna mar jana chahta chahti jeena zindagi jaan saans dard maut khud madad dost bhai
        behen koi kuch sab bahut itna wo woh usko usne mere liye kyun kab
        """
    ),
}
_SHARED = _ENGLISH & frozenset().union(*_MARKERS.values())


@dataclass(frozen=True)
class Language:
    """How a text reads.

    Attributes:
        code: ISO 639-1 or "unknown"; certain: enough words to reply in that language alone.
        plainly_english: nothing in it speaks for another language.
        readable: holds at least one word that is known, or is in another script; code and key mashing do not.
    """

    code: str
    certain: bool
    plainly_english: bool
    readable: bool = True


class LanguageIdentifier:
    """Thread-safe. `ordinary` are English words, which spare most messages the n-grams."""

    def __init__(self, ordinary: Collection[str] = ()) -> None:
        self._ordinary = frozenset(ordinary)
        self._lock = threading.Lock()
        self._ngrams: Any = None
        self.identify = lru_cache(maxsize=512)(self._identify)

    def _identify(self, folded: str) -> Language:
        """The language of a folded text (`bot.language.text.fold`)."""
        words = _WORD.findall(folded.replace("'", ""))
        if not words:
            return Language("en", True, True, readable=False)
        letters = "".join(words)
        if not letters.isascii():
            script = _script(letters)
            if script:
                return Language(
                    script,
                    script in NAMED and (len(words) >= CERTAIN_FROM or (script == "zh" and len(letters) >= 4)),
                    False,
                )
        scores = {code: sum(word in marks for word in words) for code, marks in _MARKERS.items()}
        # Words that are English too ("on", "me", "do") say little by themselves, and more beside others.
        own = {code: sum(word in marks and word not in _ENGLISH for word in words) for code, marks in _MARKERS.items()}
        best = max(scores, key=lambda code: (own[code] > 0, scores[code]))
        strange, english = (
            scores[best] if own[best] else 0,
            sum(word in _ENGLISH and word not in _SHARED for word in words),
        )
        if letters.isascii() and english > strange and 4 * english >= len(words):
            return Language("en", True, True)
        known = sum(word in _ENGLISH or word in self._ordinary for word in words)
        code = self._by_ngrams(folded)
        if (strange >= 2 and strange > english and scores.get(code, 0) < strange) or (
            code not in ("en", best) and strange and len(words) < CERTAIN_FROM
        ):
            code = best
        elif (
            code != "en"
            and not own.get(code)
            and letters.isascii()
            and (english or len(words) < CERTAIN_FROM or known > 0.8 * len(words))
        ) or (code != "en" and english > scores.get(code, 0)):
            code = "en"
        plainly = code == "en" and not strange and known >= 0.5 * len(words) and letters.isascii()
        return Language(
            code if code in NAMED or code == "en" else "unknown",
            len(words) >= CERTAIN_FROM,
            plainly,
            not letters.isascii() or bool(known or strange),
        )

    def _by_ngrams(self, text: str) -> str:
        with self._lock:
            if self._ngrams is None:
                from py3langid.langid import MODEL_FILE
                from py3langid.langid import LanguageIdentifier as Ngrams

                self._ngrams = Ngrams.from_pickled_model(MODEL_FILE)
                self._ngrams.set_languages(["en", *NAMED, *_OTHERS])
            return str(self._ngrams.classify(text[:2_000])[0])


def _script(letters: str) -> str | None:
    counts = {code: len(pattern.findall(letters)) for code, pattern in _SCRIPTS}
    best = max(counts, key=lambda code: counts[code])
    if counts[best] * 2 < len(letters) and not (best == "zh" and counts[best]):
        return None
    if counts["ja"]:
        return "unknown"
    if best == "ar" and (_PERSIAN.search(letters) or _URDU.search(letters)):
        return "unknown"
    return best if best in NAMED else "unknown"
