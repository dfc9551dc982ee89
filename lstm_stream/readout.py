"""Linear readouts of each series, that adapt at once: recursive least squares with a covariance the shard shares.

Letters: S series, N rows of a round, G groups of horizons, Z regressors, P of them without h, H horizons.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Columns, Rows
from lstm_stream.network import Floats, product

GROUPS = (4, 24, 96)
"""Horizons up to each learn together, from the origin that many steps back."""
PRIOR = 30.0
"""Origins that the weights a series starts from are worth."""
SPAN = 5000.0
"""Memory of a readout, in origins of a series."""
LARGEST_ERROR = 10.0
"""In reaches; an error further than this counts as this."""
CHUNK = 128
"""Rows worked on at a time, so that what lies between two passes stays in the processor's cache."""


def edges(marks: tuple[int, ...], horizon: int) -> tuple[int, ...]:
    """The marks below a horizon, and it."""
    return (*(mark for mark in marks if mark < horizon), horizon)


class Origins(NamedTuple):
    """What each group of horizons learns from: its origin, and what became of it."""

    regressors: Floats  # (N, 1 + G, Z) of now and of each origin
    targets: Floats  # (N, H) how far values moved, in reaches
    known: Floats  # (N, H) 1 where origin and target were observed, else 0


@dataclass
class Readouts(Columns):
    """Two linear readouts a series: on the inputs of the network, and on these and its hidden state.

    Recursive least squares, except that the covariance of the regressors is the mean one of the shard's series
    (see `Pool`): with G its inverse and n the origins learnt from, the gain is G z / (n + z'Gz). For the only series
    of a shard that is recursive least squares (Plackett 1950; Haykin, Adaptive Filter Theory, chapter 10). A series
    starts from the weights that are best for all.
    """

    learnt: npt.NDArray[np.int64]  # (S,) origins so far
    plain: Floats  # (S, H, P) weights of 1, x
    full: Floats  # (S, H, Z) weights of 1, x, h

    @classmethod
    def empty(cls, horizon: int, inputs: int, units: int) -> "Readouts":
        """The readouts of no series."""
        return cls(
            learnt=np.zeros(0, np.int64),
            plain=np.zeros((0, horizon, 1 + inputs), np.float32),
            full=np.zeros((0, horizon, 1 + inputs + units), np.float32),
        )

    def start(self, rows: Rows, shared: Floats) -> None:
        """Give series that never learnt the weights (2H, Z) that are best for all."""
        new = rows[self.learnt[rows] == 0]
        horizon = self.plain.shape[1]
        self.plain[new] = shared[:horizon, : self.plain.shape[2]]
        self.full[new] = shared[horizon : 2 * horizon]

    def step(self, rows: Rows, origins: Origins, gains: Floats) -> tuple[Floats, Floats]:
        """Learn from what became of each group's origin, and say from now how far values (N, H) will move, in reaches.

        Parameters
        ----------
        gains : (P + Z, Z)
            Inverse covariances of the regressors without and with h, of all of them.

        Returns
        -------
        The moves by the readout on x, and by the one on x and h.
        """
        parts = [slice(begin, begin + CHUNK) for begin in range(0, len(rows), CHUNK)]
        said = [self._step(rows[part], Origins(*(array[part] for array in origins)), gains) for part in parts]
        plain, full = zip(*said, strict=True)
        return np.concatenate(plain), np.concatenate(full)

    def _step(self, rows: Rows, origins: Origins, gains: Floats) -> tuple[Floats, Floats]:
        before = origins.regressors[:, 1:]
        inputs, shape = self.plain.shape[2], before.shape
        gained = product(before.reshape(-1, shape[2]), gains).reshape(*shape[:2], -1)
        worth = np.float32(PRIOR) + np.minimum(self.learnt[rows], SPAN).astype(np.float32)
        self.learnt[rows] += 1
        without = origins._replace(regressors=np.ascontiguousarray(origins.regressors[:, :, :inputs]))
        plain = _corrected(self.plain[rows], without, gained[:, :, :inputs], worth)
        full = _corrected(self.full[rows], origins, gained[:, :, inputs:], worth)
        self.plain[rows], self.full[rows] = plain, full
        return _said(plain, without.regressors[:, 0]), _said(full, origins.regressors[:, 0])


def _corrected(weights: Floats, origins: Origins, gained: Floats, worth: Floats) -> Floats:
    """Weights (N, H, F) after a step of recursive least squares."""
    z = origins.regressors[:, 1:]
    gain = gained / (worth[:, None] + np.einsum("ngf,ngf->ng", z, gained))[:, :, None]
    begin = 0
    for group, end in enumerate(edges(GROUPS, weights.shape[1])):
        of_group = weights[:, begin:end]
        error = origins.targets[:, begin:end] - _said(of_group, z[:, group])
        error = np.clip(error, -LARGEST_ERROR, LARGEST_ERROR) * origins.known[:, begin:end]
        of_group += error[:, :, None] * gain[:, group, None]
        begin = end
    return weights


def _said(weights: Floats, regressors: Floats) -> Floats:
    said: Floats = np.einsum("nhf,nf->nh", weights, regressors)
    return said
