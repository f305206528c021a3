"""Small stand-ins: an encoder without a model, and a folder of content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[2]


class FakeEncoder:
    """A text's vector is the sum of a fixed random vector for each of its words: the same words, the same vector."""

    def __init__(self, dim: int = 64, name: str = "fake-1") -> None:
        self.dim, self.name = dim, name
        self.encoded = 0

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.encoded += len(texts)
        rows = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "little")
                row += np.random.default_rng(seed).standard_normal(self.dim).astype(np.float32)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


TOPICS = """\
side_effects:
  title: Side effects
  aspects: {bladder: Bladder, nausea: Nausea}
interactions:
  title: Other medicines
  aspects: {general: In general, specific: A named medicine}
"""
FACTS = """\
- {id: se-bladder, statement: It can hurt the bladder in 5 of 10 people., verified: true}
- {id: se-nausea, statement: It can make you sick., verified: true}
- {id: int-list, statement: Give the full list., verified: true}
- {id: int-bzd, statement: It adds sleepiness., verified: true}
- {id: int-guess, statement: Nobody knows., verified: false}
"""
SOURCES = """\
- {id: label, title: The label, publisher: The agency, year: 2020, url: "https://example.org/label", official: true}
- {id: book, title: The book, publisher: A publisher, year: null, url: null, seen: [], official: false, why: a copy}
"""
FACT_SOURCES = (
    "facts:\n  se-bladder: [label]\n  se-nausea: [book, label]\n  int-list: [label]\n  int-bzd: [label, book]\n"
)
CLASSES = """\
- {name: sedative, other: [sedatives], parents: []}
- {name: benzodiazepine, other: [benzos], parents: [sedative]}
"""
DRUGS = (
    "- {name: alprazolam, classes: [benzodiazepine], brands: [xanax], street: [xans], other: []}\n"
    "- {name: lithium, classes: [], brands: [], street: [], other: []}\n"
)
SIDE_EFFECTS = """\
---
title: Side effects
topic: side_effects
review: unreviewed
review_due: 2027-05-22
---

## bladder-problems

```yaml
title: Bladder problems
aspects: [bladder]
facts: [se-bladder]
sources: [label]
questions:
  - does ketamine hurt the bladder
  - "bladder pain: is it the infusion"
```

Ketamine can hurt the bladder.

That was so in 5 of 10 people.

Tell the clinic.

## feeling-sick

```yaml
title: Feeling sick
aspects: [nausea]
facts: [se-nausea]
sources: [book, label]
questions:
  - will ketamine make me sick
```

Ketamine can make you feel sick.
"""
INTERACTIONS = """\
---
title: Medicines
topic: interactions
review: reviewed
review_on: 2026-01-02
review_by: Dr Example
review_due: 2026-06-01
---

## benzodiazepines-and-ketamine

```yaml
title: Benzodiazepines
aspects: [specific]
drugs: [benzodiazepine]
facts: [int-bzd, int-guess]
sources: [label]
questions:
  - can i take xanax with ketamine
  - benzos and ketamine
```

Benzodiazepines add to the sleepiness from ketamine.

## interaction-nothing-found

```yaml
title: Nothing reliable found
aspects: [specific, general]
facts: [int-list]
sources: [label]
questions:
  - my medicine is not on the list
```

Nothing reliable was found about this medicine.
"""


def write_content(folder: Path) -> Path:
    """A small but whole data folder."""
    files = {
        "topics.yml": TOPICS,
        "sources.yml": SOURCES,
        "fact_sources.yml": FACT_SOURCES,
        "facts/facts.yaml": FACTS,
        "lexicon/classes.yml": CLASSES,
        "lexicon/drugs.yml": DRUGS,
        "articles/side-effects.md": SIDE_EFFECTS,
        "articles/medicines.md": INTERACTIONS,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def edit(path: Path, old: str, new: str) -> None:
    """Replace `old`, which must stand in the file once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (old, text.count(old))
    path.write_text(text.replace(old, new), encoding="utf-8")
