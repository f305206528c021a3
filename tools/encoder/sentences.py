"""Writes the sentences that the encoder learns from as JSON Lines: plain text, label, passage.

python -m tools.encoder.sentences OUT.jsonl
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.articles.source_files import read_content
from bot.language.reader import shared_reader
from bot.screen.train import INTENTS, held_families
from bot.settings import ROOT
from bot.training.sentences import HELD_VOICES, read_sentences


def rows(data: Path) -> Iterator[dict[str, Any]]:
    """{"text", "label", "passage", "held"} for every English sentence and phrasing; held ones are for measuring."""
    reader = shared_reader(data)
    sentences = [s for folder in ("nlu", "screen/sentences") for s in read_sentences(data / folder) if s.lang == "en"]
    for sentence, family in zip(sentences, held_families(sentences), strict=True):
        danger = sentence.intent in INTENTS
        held = sentence.voice in HELD_VOICES or (family == 0 and (danger or sentence.near_miss))
        label = sentence.intent if danger else sentence.label
        yield {"text": reader.plain(sentence.text), "label": label, "passage": "", "held": bool(held)}
    for article, passage in read_content(data).passages():
        for text in (*passage.questions, passage.lead):
            label = f"ask_{article.topic}/{passage.aspects[0]}"
            yield {"text": reader.plain(text), "label": label, "passage": passage.id, "held": False}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text("".join(json.dumps(row) + "\n" for row in rows(ROOT / "data")), encoding="utf-8")
