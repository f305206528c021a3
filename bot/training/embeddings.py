"""The embeddings of training sentences and content on disk: what has not changed is not embedded again.

Two files in var/: the texts, one a line, and their vectors as a NumPy array. Nothing that a visitor wrote is in them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bot.language.encoder import Encoder, Vectors

#: No more texts than this are kept, the newest: twice as many as there are (28,000).
_MOST = 60_000


@contextlib.contextmanager
def kept_embeddings(encoder: Encoder, var: Path) -> Iterator[None]:
    """Let `encoder` keep all it encodes while the context lasts, from the last time on and for the next.

    Args:
        var: the folder of what is made; what cannot be read there is made again, what cannot be written is left out.
    """
    stem = var / f"embeddings-{encoder.name}"
    known = _read(stem)
    before = len(known)
    encoder.keep_all(known)
    try:
        yield
    finally:
        if len(known) > before:
            with contextlib.suppress(OSError):
                _write(stem, dict(list(known.items())[-_MOST:]))


def _read(stem: Path) -> dict[str, Vectors]:
    try:
        texts = stem.with_suffix(".txt").read_text(encoding="utf-8").split("\n")
        vectors = np.load(stem.with_suffix(".npy"), allow_pickle=False)
    except (OSError, ValueError):
        return {}
    return dict(zip(texts, vectors, strict=True)) if len(texts) == len(vectors) else {}


def _write(stem: Path, known: dict[str, Vectors]) -> None:
    for old in stem.parent.glob("embeddings-*"):  # of other weights
        old.unlink()
    lines = [text for text in known if "\n" not in text]
    np.save(stem.with_suffix(".npy"), np.array([known[text] for text in lines], dtype=np.float32), allow_pickle=False)
    stem.with_suffix(".txt").write_text("\n".join(lines), encoding="utf-8")
