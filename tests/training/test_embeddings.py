"""What was embedded once is read from disk, as long as the encoder is the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bot.language.encoder import Encoder, Vectors
from bot.training.embeddings import kept_embeddings


@pytest.fixture
def encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were really encoded, by an encoder whose vectors are the lengths of the texts."""
    texts: list[str] = []

    def encode(self: Encoder, given: Sequence[str]) -> Vectors:
        texts.extend(given)
        return np.array([[len(text)] * self.dim for text in given], dtype=np.float32).reshape(-1, self.dim)

    monkeypatch.setattr(Encoder, "_encode", encode)
    return texts


def encoder(folder: Path, weights: str = "weights") -> Encoder:
    (folder / "words.txt").write_text("a", encoding="utf-8")
    (folder / "model.onnx").write_text(weights, encoding="utf-8")
    return Encoder(folder / "words.txt", folder / "model.onnx")


def test_a_text_is_encoded_once(tmp_path: Path, encoded: list[str]) -> None:
    for wanted in (["one", "three"], ["one", "eleven"]):
        fresh = encoder(tmp_path)
        with kept_embeddings(fresh, tmp_path):
            assert fresh.encode(wanted)[:, 0].tolist() == [len(text) for text in wanted]
    assert encoded == ["one", "three", "eleven"]


def test_other_weights_begin_anew(tmp_path: Path, encoded: list[str]) -> None:
    for weights in ("these", "those"):
        fresh = encoder(tmp_path, weights)
        with kept_embeddings(fresh, tmp_path):
            fresh.encode(["one"])
    assert encoded == ["one", "one"]
    assert len(list(tmp_path.glob("embeddings-*"))) == 2, "those of the old weights are gone"


@pytest.mark.parametrize("suffix", [".txt", ".npy"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, encoded: list[str], suffix: str) -> None:
    for _ in range(2):
        fresh = encoder(tmp_path)
        with kept_embeddings(fresh, tmp_path):
            fresh.encode(["one", "three"])
        next(tmp_path.glob(f"embeddings-*{suffix}")).write_text("half of i", encoding="utf-8")
    assert encoded == ["one", "three"] * 2


def test_a_full_disk_stops_nothing(tmp_path: Path, encoded: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    fresh = encoder(tmp_path)
    with kept_embeddings(fresh, tmp_path):
        assert fresh.encode(["one"]).shape == (1, Encoder.dim)
