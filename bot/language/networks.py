"""Small trained networks as plain arrays: used by the intent classifier and the safety screen.

Kept as npz without pickle, so that a file of weights can never execute code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Layers:
    """One trained network: (weights, bias) of each layer; between layers negative values become 0 (ReLU)."""

    layers: tuple[tuple[Floats, Floats], ...]

    def log_odds(self, x: Floats) -> Floats:
        """Unnormalised log-probabilities of every class, shape (n, classes)."""
        for weights, bias in self.layers[:-1]:
            x = np.maximum(_times(x, weights) + bias, 0)
        weights, bias = self.layers[-1]
        return _times(x, weights) + bias


def _times(x: Floats, weights: Floats) -> Floats:
    """The matrix product. For one message without BLAS, whose threads wait for each other on a busy machine."""
    if len(x) == 1 and isinstance(x, np.ndarray):
        return np.einsum("i,ij->j", x[0], weights)[None, :]
    return x @ weights


def softmax(scores: Floats) -> Floats:
    """Rows of probabilities from rows of log-odds."""
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def to_arrays(networks: Iterable[Layers]) -> dict[str, Floats]:
    """Named arrays for `numpy.savez`: "<network>.<layer>.<w or b>"."""
    return {
        f"{n}.{k}.{part}": array
        for n, network in enumerate(networks)
        for k, layer in enumerate(network.layers)
        for part, array in zip("wb", layer, strict=True)
    }


def from_arrays(arrays: Mapping[str, Floats], layers: Sequence[int]) -> tuple[Layers, ...]:
    """The networks that `to_arrays` wrote; `layers` says how many layers each has."""
    return tuple(
        Layers(tuple((arrays[f"{n}.{k}.w"], arrays[f"{n}.{k}.b"]) for k in range(count)))
        for n, count in enumerate(layers)
    )
