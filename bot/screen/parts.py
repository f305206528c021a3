"""Takes a message apart: what it states beside what it asks, and whether there is anything in it but code.

People put both into one breath ("i have crushing chest pain, can i take aspirin"). Read as a whole it looks like a
question; the statement alone does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SENTENCE = re.compile(r"[.!?;:\n\r()…。！？]+")
_CLAUSE = re.compile(
    r",|"
    # Where a question begins without a comma: "… can i take", "… is that ok", "… how long".
    r"\s(?=(?:(?:and|but|also|so|then|or|btw)\s)?(?:"
    r"(?:can|could|should|would|may|will|does)\s(?:i|we|you|it|that|this|they|he|she|ketamine|ket|spravato)\s|"
    r"(?:do|did)\s(?:i|we|you|they)\s|(?:is|was)\s(?:it|that|this|there|ketamine)\s|are\s(?:there|you|these|they)\s|"
    r"am\si\s|(?:what|how|why|which)\s(?:is|are|do|does|should|can|could|now|long|much|many|about|kind|else)\b))|"
    # Where a statement begins after a question: "… because my chest", "… and im shaking", "… i have".
    r"\s(?=(?:because|cos|cuz|coz|bc|and|but|plus|also|now)\s(?:i|im|ive|i'm|i've|my|he|hes|he's|she|shes|she's|we)\b)|"
    r"(?<!\bcan)(?<!\bshould)(?<!\bdo)(?<!\bif)(?<!\bwhen)(?<!\bthat)(?<!\bwhy)(?<!\bbefore)(?<!\bafter)(?<!\bwhile)(?<!\bonce)(?<!\bcase)(?<!\bsince)"
    r"\s(?=(?:i have|i've got|ive got|i am|i'm|im|i cant|i can't|i cannot)\s)"
)
_QUESTION = re.compile(
    r"^(?:(?:and|but|also|so|then|or|btw|because|hi|hello|hey|please)\s+)*(?:"
    r"(?:can|could|should|would|may|might|must|will|shall|do|does|did|is|are|am|was|were)(?:n'?t)?\s+"
    r"(?:i|we|you|it|this|that|they|he|she|there|these|the|my|any|anyone|anybody|people|some\w+|an?|k|ket|ketamine|"
    r"spravato|esketamine|panic|side|\w+ing)\b|"
    r"(?:has|have|had)(?:n'?t)?\s+(?:i|you|we|they|he|she|anyone|anybody)\b|"
    r"what|whats|what's|how|hows|why|when|where|which|who|whose|any (?:tips|advice|idea)|if|whether)\b"
)
# What follows a question after a comma goes on with it ("can it cause chest pain, fainting"), unless it begins so.
_STATES = re.compile(
    r"(?:(?:because|cos|cuz|coz|bc|and|but|plus|also|now|so|since|as)\s)*(?:i|i'\w+|im|ive|id|my|our|we|he|he's|hes|his|"
    r"she|she's|shes|her|they|theyre|their|the|there|there's|theres|it|its|it's|half|one|just|had|got|took)\b"
)
# A question about what was stated beside it ("is that panic"): the two belong together.
_POINTS_BACK = re.compile(
    r"(?:\w+ )?(?:(?:is|was|are|were|could|can|does|do|did|might|would|will|should)\s"
    r"(?:that|this|it|these|those|they)\b|"
    r"should i (?:be )?(?:worr|concern)|what(?:'?s| is| was| could| does| causes)\s(?:that|this|it)\b|(?:and )?why\b)"
)
# A call, an assignment, a template, a path of names: no sentence is written with these inside its words.
_CODE = re.compile(r"\S*(?:[={}<>$\\]|\w[(\[]|::|\w\.\w+\()\S*|(?:^|\s)/[a-z_]+\S*", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Parts:
    """A message taken apart.

    Attributes:
        stated: (statement, the sentence that it stands in) for every run of words between questions.
        asked: the questions.
    """

    stated: tuple[tuple[str, str], ...]
    asked: tuple[str, ...]

    @property
    def asks_of_something_else(self) -> bool:
        """Whether a question is about something else than what is stated."""
        return any(not _POINTS_BACK.match(question) for question in self.asked)


def take_apart(folded: str) -> Parts:
    """What `folded` (`bot.language.text.fold`) states and what it asks."""
    found: list[tuple[str, str]] = []
    asked: list[str] = []
    for sentence in _SENTENCE.split(folded):
        stated: list[str] = []
        after_question = False
        for part in map(str.strip, _CLAUSE.split(sentence)):
            goes_on = after_question and not stated and not _STATES.match(part)
            if not _QUESTION.match(part):
                if not goes_on:
                    stated.append(part)
                continue
            after_question = True
            asked.append(part)
            found.append((" ".join(stated), sentence))
            stated = []
        found.append((" ".join(stated), sentence))
    return Parts(tuple((part.strip(), sentence) for part, sentence in found if part.strip()), tuple(asked))


def is_code_alone(text: str) -> bool:
    """Whether nothing is left of `text` without calls, assignments, templates and commands: no words to understand."""
    rest, codes = _CODE.subn(" ", text)
    return codes > 0 and len(_WORD.findall(rest)) < 2
