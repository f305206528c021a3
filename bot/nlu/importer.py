"""Training data for Rasa: the sentences of `data/nlu`, and the phrasings of the questions that passages answer.

Rasa reads and checks YAML in pure Python, which takes most of a minute for twelve thousand sentences; its own
`rasa data validate` still reads the same files in its own way.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.shared.utils.common import cached_method

from bot.articles.source_files import read_content
from bot.training.sentences import Sentence, read_sentences

#: The `voice` of phrasings that stand in articles.
PHRASING = "phrasing"


class Importer(RasaFileImporter):
    """Rasa's file importer with a faster way to read sentences, and the articles' phrasings beside them."""

    @cached_method
    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        """All sentences and phrasings as training examples, the group's metadata on each."""
        folders = sorted({Path(path).parent for path in self._nlu_files})
        sentences = [s for folder in folders for s in read_sentences(folder)]
        data = folders[0].parent if folders else None
        if data is not None and (data / "articles").is_dir():
            sentences += phrasings(data)
        return TrainingData([_example(s) for s in sentences])


def phrasings(data: Path) -> list[Sentence]:
    """The phrasings in `data/articles` as sentences of their topic's intent; a phrasing that stands twice once."""
    found: dict[str, Sentence] = {}
    for article in read_content(data).articles:
        for passage in article.sections:
            for question in passage.questions:
                found.setdefault(
                    question.lower(), Sentence(question, f"ask_{article.topic}", passage.aspects[0], PHRASING)
                )
    return list(found.values())


class Example(Message):
    """A training example that costs little where Rasa passes it on.

    Rasa copies every example deeply, and works out its fingerprint anew, each time two sets are merged (nine times in a
    training): half a minute for twenty thousand. What is in `data` and `features` is replaced and never changed in
    place, so that containers of its own suffice for a copy, and an intent that is set to what it is changes nothing.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        copied = type(self)(dict(self.data), set(self.output_properties), self.time, list(self.features))
        copied._cached_fingerprint = self._cached_fingerprint
        return copied

    def set(self, prop: str, info: Any, add_to_output: bool = False) -> None:
        """As in Rasa."""
        if add_to_output or not isinstance(info, str) or self.data.get(prop) != info:
            super().set(prop, info, add_to_output)


def _example(sentence: Sentence) -> Message:
    message = Example.build(sentence.text, sentence.intent)
    given = {"aspect": sentence.aspect, "voice": sentence.voice, "family": sentence.family}
    message.set("metadata", {"intent": given})
    return message
