"""A linear readout of each series, that adapt at once: recursive least squares with a covariance the shard shares.

Letters: S series, N rows of a round, G groups of horizons, Z regressors, R of them 1, x and h, H horizons, K marked
ones.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Columns, Rows
from lstm_stream.network import Floats, product

GROUPS = (4, 24, 96)
"""Horizons up to each learn together, from the origin that many steps back."""
MARKS = (1, 2, 4, 8, 16, 24, 48, 96, 192)
"""Horizons that have weights; between two of them what is said is interpolated."""
PRIOR = 30.0
"""Origins that the weights a series starts from are worth."""
SPAN = 5000.0
"""Memory of a readout, in origins of a series."""
ALARMED = 0.1
"""What a full alarm leaves of the memory."""
LARGEST_ERROR = 10.0
"""In reaches; an error further than this counts as this."""
LAGS = 24
"""y[t] - y[t-k] for k from 1 to this."""
ONE = LAGS + 1
"""Which of the regressors [lags, y[t] - level, 1, x, h] is always 1."""
CHUNK = 64
"""Rows worked on at a time, so that what lies between two passes stays in the processor's cache."""


def edges(marks: tuple[int, ...], horizon: int) -> tuple[int, ...]:
    """The marks below a horizon, and it."""
    return (*(mark for mark in marks if mark < horizon), horizon)


class Origins(NamedTuple):
    """What each group of horizons learns from: its origin, and what became of it."""

    regressors: Floats  # (N, 1 + G, Z) of now and of each origin
    targets: Floats  # (N, H) how far values lay off what was said, in reaches
    known: Floats  # (N, H) 1 where origin and target were observed, else 0

    def part(self, rows: slice) -> "Origins":
        """Of some of the rows."""
        return Origins(self.regressors[rows], self.targets[rows], self.known[rows])


@dataclass
class Readouts(Columns):
    """A linear readout a series, of the inputs x of the network and its hidden state h.

    Recursive least squares, except that the covariance of the regressors is the mean one of the shard's series
    (see `Pool`): with G its inverse and n the origins learnt from, the gain is G z / (n + z'Gz). For the only series
    of a shard that is recursive least squares (Plackett 1950; Haykin, Adaptive Filter Theory, chapter 10). A series
    starts from the weights that are best for all.
    """

    learnt: npt.NDArray[np.int64]  # (S,) steps so far
    weights: Floats  # (S, K, R)

    @classmethod
    def empty(cls, horizon: int, inputs: int, units: int) -> "Readouts":
        """The readouts of no series."""
        return cls(
            learnt=np.zeros(0, np.int64),
            weights=np.zeros((0, len(edges(MARKS, horizon)), 1 + inputs + units), np.float32),
        )

    def start(self, rows: Rows, weights: Floats) -> None:
        """Give series that never learnt the weights (H, R) that are best for all."""
        marks = np.asarray(edges(MARKS, len(weights)))
        self.weights[rows[self.learnt[rows] == 0]] = weights[marks - 1]

    def step(self, rows: Rows, origins: Origins, gains: Floats, alarm: float = 0.0) -> Floats:
        """Learn from what became of each group's origin, and say from now how far values lie off what was said, (N, H).

        In reaches.

        Parameters
        ----------
        gains : (R, R)
            Inverse covariance of the regressors.
        alarm
            0 to 1: how much has changed of late; the more, the shorter the memory.
        """
        worth = np.float32(PRIOR) + np.minimum(self.learnt[rows], SPAN * ALARMED**alarm).astype(np.float32)
        self.learnt[rows] += 1
        read = np.ascontiguousarray(origins.regressors[:, :, ONE : ONE + self.weights.shape[2]])
        horizon = origins.targets.shape[1]
        marks = np.asarray(edges(MARKS, horizon))
        own = Origins(read, origins.targets[:, marks - 1], origins.known[:, marks - 1])
        parts = [slice(begin, begin + CHUNK) for begin in range(0, len(rows), CHUNK)]
        told = [self._step(rows[part], own.part(part), gains, worth[part], marks) for part in parts]
        return between(np.concatenate(told), marks, horizon)

    def _step(self, rows: Rows, origins: Origins, gains: Floats, worth: Floats, marks: npt.NDArray[np.int64]) -> Floats:
        """What is said for the marked horizons (N, K) after learning."""
        new = _corrected(self.weights[rows], origins, gains, worth, marks)
        self.weights[rows] = new
        return _said(new, origins.regressors[:, 0])


def between(said: Floats, marks: npt.NDArray[np.int64], horizon: int) -> Floats:
    """What is said for all horizons (N, H), of what is for the marked ones (N, K); the first is 1, the last H."""
    ahead = np.arange(1, horizon + 1)
    upper = np.searchsorted(marks, ahead)
    lower = np.maximum(upper - 1, 0)
    part = ((ahead - marks[lower]) / np.maximum(marks[upper] - marks[lower], 1)).astype(np.float32)
    below, above = np.take(said, lower, 1), np.take(said, upper, 1)
    told: Floats = below + part * (above - below)
    return told


def _corrected(weights: Floats, origins: Origins, gains: Floats, worth: Floats, marks: npt.NDArray[np.int64]) -> Floats:
    """Weights (N, K, F) after a step of recursive least squares."""
    z = origins.regressors[:, 1:]
    gained = product(z.reshape(-1, z.shape[2]), gains).reshape(z.shape)
    gain = gained / (worth[:, None] + np.einsum("ngf,ngf->ng", z, gained))[:, :, None]
    begin = 0
    for group, end in enumerate(np.searchsorted(marks, edges(GROUPS, int(marks[-1])), "right").tolist()):
        of_group = weights[:, begin:end]
        error = origins.targets[:, begin:end] - _said(of_group, z[:, group])
        error = np.clip(error, -LARGEST_ERROR, LARGEST_ERROR) * origins.known[:, begin:end]
        of_group += error[:, :, None] * gain[:, group, None]
        begin = end
    return weights


def _said(weights: Floats, regressors: Floats) -> Floats:
    said: Floats = np.einsum("nhf,nf->nh", weights, regressors)
    return said
