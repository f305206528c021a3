"""Training data for Rasa: the sentences of `data/nlu`, and the phrasings of the questions that passages answer.

Rasa reads and checks YAML in pure Python, which takes most of a minute for twelve thousand sentences; its own
`rasa data validate` still reads the same files in its own way.
"""

from __future__ import annotations

from pathlib import Path

from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.articles.source_files import read_content
from bot.training.sentences import Sentence, read_sentences

#: The `voice` of phrasings that stand in articles.
PHRASING = "phrasing"


class Importer(RasaFileImporter):
    """Rasa's file importer with a faster way to read sentences, and the articles' phrasings beside them."""

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


def _example(sentence: Sentence) -> Message:
    message = Message.build(sentence.text, sentence.intent)
    given = {"aspect": sentence.aspect, "voice": sentence.voice, "family": sentence.family}
    message.set("metadata", {"intent": given})
    return message
