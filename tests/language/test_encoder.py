"""Embeddings: unit length, the same for a text whatever stands beside it, made without the network."""

from __future__ import annotations

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bot.language.encoder import ENCODER, Encoder
from bot.settings import ROOT

VOCABULARY = ROOT / "data" / "vocabulary" / "bert-base-uncased.txt"
MODEL = VOCABULARY.parent.parent / ENCODER
TEXTS = [
    "what is ketamine",
    "can i take alprazolam with ketamine",
    "🙂",
    "",
    "¿qué es un ataque de pánico?",
    "a " * 300,
]


def test_shape_type_and_length(encoder: Encoder) -> None:
    rows = encoder.encode(TEXTS)
    assert rows.shape == (len(TEXTS), encoder.dim)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_a_text_has_the_same_vector_alone_and_in_company(encoder: Encoder) -> None:
    together = encoder.encode(TEXTS)
    for text, row in zip(TEXTS, together, strict=True):
        assert np.allclose(encoder.encode([text])[0], row, atol=1e-5)
        assert np.allclose(encoder.encode_one(text), row, atol=1e-5)


def test_near_in_meaning_is_near(encoder: Encoder) -> None:
    one, near, far = encoder.encode(["does ketamine raise blood pressure", "is my blood pressure going up on ketamine",
                                     "what is the capital of france"])  # fmt: skip
    assert one @ near > 0.6 > one @ far + 0.2


def test_another_language_is_near_too(encoder: Encoder) -> None:
    one, near, far = encoder.encode(["i want to die", "quiero morir", "the weather is nice"])
    assert one @ near > one @ far + 0.1


def test_a_remembered_vector_cannot_be_changed(encoder: Encoder) -> None:
    vector = encoder.encode_one("what is ketamine")
    with pytest.raises(ValueError, match="read-only"):
        vector[0] = 1


def test_a_single_text_is_encoded_once(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder.forget()
    calls: list[list[str]] = []
    encode = encoder.encode
    monkeypatch.setattr(encoder, "encode", lambda texts: calls.append(list(texts)) or encode(texts))
    encoder.encode_one("a text that is new")
    encoder.encode_one("a text that is new")
    encoder.forget()
    encoder.encode_one("a text that is new")
    assert calls == [["a text that is new"]] * 2


def test_only_so_many_texts_are_remembered() -> None:
    class Quick(Encoder):
        def encode(self, texts):  # type: ignore[no-untyped-def]
            made.extend(texts)
            return np.ones((len(texts), self.dim), dtype=np.float32)

    made: list[str] = []
    few = Quick(VOCABULARY, MODEL, remembered=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        few.encode_one(text)
    assert made == ["a", "b", "c", "b"], "the one asked for longest ago makes room"


def test_what_stands_after_128_tokens_is_not_read(encoder: Encoder) -> None:
    """For the part that reads English; why long texts are screened in windows."""
    long = "this helps " * 100
    one, other = encoder.encode([long + "yes", long + "no"])
    assert np.allclose(one[:384], other[:384], atol=1e-6)
    short = "this helps " * 40
    one, other = encoder.encode([short + "yes", short + "no"])
    assert not np.allclose(one[:384], other[:384], atol=1e-6)


def test_threads_do_not_disturb_each_other(encoder: Encoder) -> None:
    texts = [f"is number {n} safe" for n in range(12)]
    alone = [encoder.encode([text])[0] for text in texts]
    with ThreadPoolExecutor(4) as threads:
        at_once = list(threads.map(lambda text: encoder.encode([text])[0], texts))
    assert np.allclose(alone, at_once, atol=1e-5)


def test_the_name_changes_with_the_weights_and_the_vocabulary(tmp_path: Path) -> None:
    """Wherever they differ: fine-tuned weights have the size, and the first part, of those before."""
    model = MODEL
    weights = bytearray(model.read_bytes())
    weights[len(weights) * 3 // 4] ^= 1
    other_weights = tmp_path / "model.onnx"
    other_weights.write_bytes(weights)
    other_words = tmp_path / "words.txt"
    other_words.write_text(VOCABULARY.read_text(encoding="utf-8") + "ketamine\n", encoding="utf-8")
    name = Encoder(VOCABULARY, MODEL).name
    assert name == Encoder(VOCABULARY, model).name, "the same file has the same name"
    assert len({name, Encoder(VOCABULARY, other_weights).name, Encoder(other_words, MODEL).name}) == 3


def test_loading_and_encoding_need_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"the network was wanted: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert Encoder(VOCABULARY, MODEL).encode(["what is ketamine"]).shape == (1, Encoder.dim)


def test_serving_multiplies_in_one_thread():
    """In a process of its own: the limit holds for the whole process."""
    code = (
        "from bot.language.encoder import one_thread_for_matrices\n"
        "from threadpoolctl import threadpool_info\n"
        "one_thread_for_matrices()\n"
        "print({i['num_threads'] for i in threadpool_info() if i['user_api'] == 'blas'})\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "{1}"
