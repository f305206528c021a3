"""Trains the screen's classifier from data/nlu and data/screen, and says how well it does on what it has not seen.

    python -m bot evaluate       # learns without what is held back, and reports
    python -m bot.screen.train   # the same; writes the thresholds that it chose, and the weights that are released
    python -m bot train          # learns from every sentence here, with the thresholds of data/screen/thresholds.json

The released weights (data/screen/released) spare every set-up two minutes, and what was measured is what runs, on every
machine. Where sentences, patterns or the encoder have changed since, set-up learns from what is there.

Held back for the report and the thresholds are a fifth of the wording families (across languages), and a fifth of the
voices. The sentence encoder has not learned from these voices either; it has from some of the families.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
import warnings
import zlib
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.language.networks import Floats, Layers
from bot.screen import ngrams
from bot.screen.classifier import CLASSES, SCALE, Classifier, features, foreign_features, likeliest
from bot.screen.findings import CATEGORIES
from bot.screen.patterns import Patterns
from bot.training.sentences import HELD_VOICES, Sentence, read_sentences

#: Intents of the training sentences that are something to find; everything else is harmless.
INTENTS = {
    "crisis_selfharm": "crisis_selfharm",
    "medical_emergency": "medical_emergency",
    "urgent_care": "urgent_care",
    "panic_now": "panic_now",
    "ask_dosing": "refuse_dosing",
}
#: Highest share of harmless held-back sentences that may be taken for each category: ordinary ones, near misses.
BUDGET = {
    "medical_emergency": (0.004, 0.012),
    "crisis_selfharm": (0.004, 0.012),
    "urgent_care": (0.006, 0.02),
    "panic_now": (0.004, 0.01),
    "refuse_dosing": (0.012, 0.02),
}
FOLDS = 5
HIDDEN, EPOCHS, SEED = 128, 14, 11
JOINT_NETWORKS, FOREIGN_NETWORKS = 8, 1
#: No threshold lies outside these, however the held-back sentences fall. They are lower where a miss does most harm;
#: below them few more dangers are found, and more than 3 % of ordinary questions alarm.
LOWEST = 0.35
HIGHEST = {
    "crisis_selfharm": 0.49,
    "medical_emergency": 0.55,
    "panic_now": 0.5,
    "urgent_care": 0.58,
    "refuse_dosing": 0.58,
}

Mask = npt.NDArray[np.bool_]
#: For plainly English texts and for others, the score from which a category counts.
Thresholds = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Line:
    """One line of the report: `right` of `of`."""

    what: str
    right: int
    of: int

    def __str__(self) -> str:
        low, high = wilson(self.right, self.of)
        return (
            f"{self.what:52} {self.right:5}/{self.of:<5} {self.right / max(1, self.of):.3f}  ({low:.3f} to {high:.3f})"
        )


@dataclass
class Report:
    """How well the classifier does on what it has not seen; `str` is a table with 95 % Wilson intervals."""

    lines: list[Line] = field(default_factory=list)
    seconds: float = 0.0

    def share(self, what: str) -> float:
        """The share of the line `what`."""
        line = next(line for line in self.lines if line.what == what)
        return line.right / max(1, line.of)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.lines), f"{self.seconds:.0f} s"])


@dataclass(frozen=True)
class Corpus:
    """All training sentences with what the networks read of them, and the patterns that gave the signs and views."""

    patterns: Patterns
    sentences: list[Sentence]
    vectors: Floats
    signs: Floats
    views: list[str]
    labels: npt.NDArray[np.int64]
    english: Mask
    near: Mask

    @property
    def harmless(self) -> Mask:
        return np.asarray(self.labels == 0)


@dataclass(frozen=True)
class Trial:
    """What came of learning without what is held back."""

    report: Report
    thresholds: Thresholds


def train(data: Path, out: Path, corpus: Corpus | None = None) -> None:
    """Learn from every sentence and save into `out`, with the thresholds that the last trial chose.

    Args:
        data: the data folder; out: folder of the weights.
        corpus: what `read_corpus` gave, where it is there already.

    Raises:
        OSError, ValueError: the thresholds cannot be read.
    """
    corpus = corpus or read_corpus(data)
    everything = np.ones(len(corpus.sentences), dtype=np.bool_)
    learned = replace(fit(corpus, everything), thresholds=read_thresholds(data))
    learned.save(out, learned_from(data))


def take_released(data: Path, out: Path) -> bool:
    """Copy the released weights into `out`, if they were learned from what `data` holds now; returns whether."""
    released = data / "screen" / "released"
    try:
        about = json.loads((released / "model.json").read_text(encoding="utf-8"))
        if about["learned_from"] != learned_from(data) or about["thresholds"] != read_thresholds(data):
            return False
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(released, out)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def learned_from(data: Path) -> str:
    """A digest of what the weights depend on: dangers and near misses with their labels, patterns, encoder, names, and
    the settings of learning.

    The ordinary questions of data/nlu are not in it: of twenty thousand a few more or fewer change nothing that can be
    told from chance, and who adds a phrasing should not wait for the screen. Nor is the code.
    """
    settings = (HIDDEN, EPOCHS, SEED, JOINT_NETWORKS, FOREIGN_NETWORKS, SCALE, ngrams.BUCKETS, CLASSES)
    made_with = ("lexicon/*.yml", "encoder/*.onnx")
    files = [data / "screen" / "patterns.yml", *(file for of in made_with for file in sorted(data.glob(of)))]
    digest = hashlib.sha256(repr(settings).encode())
    for path in files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    told = [s for s in _sentences(data) if s.intent in INTENTS or s.near_miss or s.family]
    for one in sorted(map(repr, told)):
        digest.update(one.encode())
    return digest.hexdigest()


def read_thresholds(data: Path) -> Thresholds:
    """The thresholds that stand in data/screen/thresholds.json."""
    found: Thresholds = json.loads((data / "screen" / "thresholds.json").read_text(encoding="utf-8"))
    return found


def try_out(data: Path, corpus: Corpus | None = None) -> Trial:
    """Learn without what is held back, choose thresholds on it, and report how it does there; arguments as `train`."""
    began = time.perf_counter()
    corpus = corpus or read_corpus(data)
    family, voice = held_families(corpus.sentences), held_voices(corpus.sentences)
    held = (family == 0) | voice
    trial = fit(corpus, ~held)
    scores = {
        english: trial.probabilities(corpus.vectors, corpus.signs, corpus.views, english=english)
        for english in (True, False)
    }
    thresholds = {
        "english": choose_thresholds(scores[True], corpus, held & corpus.english),
        "foreign": choose_thresholds(scores[False], corpus, held & ~corpus.english),
    }
    trial = replace(trial, thresholds=thresholds)
    report = Report()
    for what, mask in (("family", family == 0), ("voice", voice)):
        report.lines += lines(trial, scores, corpus, mask, what)
    report.seconds = time.perf_counter() - began
    return Trial(report, thresholds)


def read_corpus(data: Path) -> Corpus:
    """The sentences of data/nlu, data/screen/sentences and data/screen/languages, embedded by the shared reader."""
    from bot.language.reader import shared_reader

    patterns = Patterns(data / "screen" / "patterns.yml")
    sentences = _sentences(data)
    readings = shared_reader(data).read_many([s.text for s in sentences])
    looked = [patterns.look(reading) for reading in readings]
    signs = np.asarray([patterns.signs(stretches) for _, stretches in looked], dtype=np.float32)
    x = np.asarray([reading.vector for reading in readings], dtype=np.float32)
    labels = np.asarray([CLASSES.index(INTENTS.get(s.intent, CLASSES[0])) for s in sentences])
    return Corpus(
        patterns,
        sentences,
        x,
        signs,
        [view for view, _ in looked],
        labels,
        np.asarray([s.lang == "en" for s in sentences]),
        np.asarray([s.near_miss for s in sentences]),
    )


def _sentences(data: Path) -> list[Sentence]:
    folders = ("nlu", "screen/sentences", "screen/languages")
    return [sentence for folder in folders for sentence in read_sentences(data / folder)]


def held_families(sentences: Sequence[Sentence], folds: int = FOLDS) -> npt.NDArray[np.int64]:
    """The fold of each sentence; a wording family stays together, also across languages."""
    return np.asarray([zlib.crc32(_family(s).encode()) % folds for s in sentences])


def _family(sentence: Sentence) -> str:
    intent = sentence.intent if sentence.intent in INTENTS else "harmless"
    if sentence.family:
        return f"{intent}/{sentence.family}"
    return f"{sentence.intent}/{sentence.aspect}"


def held_voices(sentences: Sequence[Sentence]) -> Mask:
    """The sentences of the voices that the sentence encoder has not learned from either."""
    return np.asarray([s.voice in HELD_VOICES for s in sentences])


def fit(corpus: Corpus, rows: Mask) -> Classifier:
    """A classifier without thresholds, trained on `rows`."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    x, y = features(corpus.vectors[rows], corpus.signs[rows]), corpus.labels[rows]
    f = foreign_features(corpus.vectors[rows])
    pieces = ngrams.matrix([view for view, taken in zip(corpus.views, rows, strict=True) if taken])
    wanted: list[tuple[Any, int, dict[str, Any]]] = [
        *((x, SEED + n, {}) for n in range(JOINT_NETWORKS)),
        *((f, SEED + n, {}) for n in range(FOREIGN_NETWORKS)),
        (pieces, SEED, {"hidden": (), "alpha": 1e-5, "learning_rate_init": 2e-2, "batch_size": 256}),
    ]
    # Two side by side on one thread each: their matrices are too small to be shared out between threads.
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings(), ThreadPoolExecutor(2) as pool:
        # Stopped early on purpose: longer training only copies the sentences.
        warnings.simplefilter("ignore", ConvergenceWarning)
        learned = list(pool.map(lambda one: _network(one[0], y, one[1], **one[2]), wanted))
    joint, foreign = learned[:JOINT_NETWORKS], learned[JOINT_NETWORKS:-1]
    return Classifier(corpus.patterns.sign_names, tuple(joint), tuple(foreign), learned[-1], {})


def _network(
    x: Any, y: npt.NDArray[np.int64], seed: int, hidden: tuple[int, ...] = (HIDDEN,), **settings: Any
) -> Layers:
    from sklearn.neural_network import MLPClassifier

    chosen = {"alpha": 1e-2, "learning_rate_init": 1e-3, "batch_size": 128, **settings}
    net = MLPClassifier(hidden, max_iter=EPOCHS, random_state=seed, **chosen).fit(x, y)
    return Layers(
        tuple((w.astype(np.float32), b.astype(np.float32)) for w, b in zip(net.coefs_, net.intercepts_, strict=True))
    )


def choose_thresholds(probabilities: Floats, corpus: Corpus, rows: Mask) -> dict[str, float]:
    """The lowest score of each category that keeps within BUDGET on the harmless of `rows`."""
    of: dict[str, tuple[list[float], list[float]]] = {category: ([], []) for category in CATEGORIES}
    ordinary, near = rows & corpus.harmless & ~corpus.near, rows & corpus.harmless & corpus.near
    for mask, kind in ((ordinary, 0), (near, 1)):
        for row in probabilities[mask]:
            category, score = likeliest(row)
            of[category][kind].append(score)
    return {
        category: round(
            float(
                min(
                    HIGHEST[category],
                    max(
                        LOWEST,
                        *(
                            _threshold(scores, budget * int(mask.sum()))
                            for scores, budget, mask in zip(
                                of[category], BUDGET[category], (ordinary, near), strict=True
                            )
                        ),
                    ),
                )
            ),
            4,
        )
        for category in CATEGORIES
    }


def _threshold(scores: list[float], allowed: float) -> float:
    ordered = sorted(scores, reverse=True)
    return ordered[int(allowed)] + 1e-4 if int(allowed) < len(ordered) else 0.0


def lines(classifier: Classifier, scores: dict[bool, Floats], corpus: Corpus, rows: Mask, what: str) -> list[Line]:
    """Recall by category and by language, false alarms among the harmless, on `rows`."""
    found = [
        classifier.verdict(scores[bool(english)][i], english=bool(english)).category
        for i, english in enumerate(corpus.english)
    ]
    right: dict[str, list[bool]] = defaultdict(list)
    for i in np.flatnonzero(rows):
        label, lang = CLASSES[corpus.labels[i]], corpus.sentences[i].lang
        if label != CLASSES[0]:
            ok = found[i] == label or (label == "urgent_care" and found[i] == "medical_emergency")
            right[f"held back by {what}: {label}, {lang if lang == 'en' else 'other languages'}"].append(ok)
            right[f"held back by {what}: {label}, any danger seen"].append(found[i] is not None)
            if lang != "en":
                right[f"held back by {what}: {lang}"].append(ok)
        else:
            kind = "near misses" if corpus.near[i] else "ordinary" if lang == "en" else "other languages"
            right[f"held back by {what}: false alarms, {kind}"].append(found[i] in CATEGORIES[:2])
    return [Line(name, sum(values), len(values)) for name, values in sorted(right.items())]


def wilson(right: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    if not of:
        return 0.0, 1.0
    p, n = right / of, of
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def release(data: Path, var: Path) -> Report:
    """Choose the thresholds and make the weights that are released; both are written into `data`.

    Args:
        var: where embeddings are kept from one run to the next.
    """
    from bot.language.reader import shared_reader
    from bot.training.embeddings import kept_embeddings

    with kept_embeddings(shared_reader(data).encoder, var):
        corpus = read_corpus(data)
        found = try_out(data, corpus)
        thresholds = json.dumps(found.thresholds, indent=1) + "\n"
        (data / "screen" / "thresholds.json").write_text(thresholds, encoding="utf-8")
        train(data, data / "screen" / "released", corpus)
    return found.report


if __name__ == "__main__":
    from bot.settings import Settings

    settings = Settings.read()
    print(release(settings.data, settings.var))
