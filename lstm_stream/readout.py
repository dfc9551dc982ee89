"""Linear readouts of each series, that adapt at once: recursive least squares with a covariance the shard shares.

Letters: S series, N rows of a round, G groups of horizons, Z regressors, P of them without h, H horizons.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Columns, Rows
from lstm_stream.network import Floats, product

EDGES = (1, 2, 4, 8, 16, 24, 48, 96, 192)
"""Horizons up to an edge learn together, from the origin that many steps back."""
PRIOR = 30.0
"""Origins that the weights a series starts from are worth."""
SPAN = 5000.0
"""Memory of a readout, in origins of a series."""
LARGEST_ERROR = 10.0
"""In reaches; an error further than this counts as this."""
CHUNK = 64
"""Rows worked on at a time, so that what lies between two passes stays in the processor's cache."""


def edges(horizon: int) -> tuple[int, ...]:
    """The edges of the groups of 1..H, the last of them H."""
    return (*(edge for edge in EDGES if edge < horizon), horizon)


class Origins(NamedTuple):
    """What each group of horizons learns from: its origin, and what became of it."""

    regressors: Floats  # (N, G, Z)
    targets: Floats  # (N, H) how far values moved, in reaches
    known: npt.NDArray[np.bool_]  # (N, H) origin and target were observed


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

    def learn(self, rows: Rows, origins: Origins, gains: Floats) -> None:
        """Learn from what became of each group's origin.

        Parameters
        ----------
        gains : (P + Z, Z)
            Inverse covariances of the regressors without and with h, of all of them.
        """
        for begin in range(0, len(rows), CHUNK):
            part = slice(begin, begin + CHUNK)
            self._learn(rows[part], Origins(*(array[part] for array in origins)), gains)

    def _learn(self, rows: Rows, origins: Origins, gains: Floats) -> None:
        count, groups, width = origins.regressors.shape
        inputs = self.plain.shape[2]
        gained = product(origins.regressors.reshape(-1, width), gains).reshape(count, groups, -1)
        worth = np.float32(PRIOR) + np.minimum(self.learnt[rows], SPAN).astype(np.float32)
        plain = origins._replace(regressors=np.ascontiguousarray(origins.regressors[:, :, :inputs]))
        self.plain[rows] = _corrected(self.plain[rows], plain, gained[:, :, :inputs], worth)
        self.full[rows] = _corrected(self.full[rows], origins, gained[:, :, inputs:], worth)
        self.learnt[rows] += 1

    def moves(self, rows: Rows, regressors: Floats) -> tuple[Floats, Floats]:
        """How far values (N, H) will move, in reaches, from the regressors (N, Z) of now; by each readout."""
        plain = np.einsum("nhf,nf->nh", self.plain[rows], regressors[:, : self.plain.shape[2]])
        return plain, np.einsum("nhf,nf->nh", self.full[rows], regressors)


def _corrected(weights: Floats, origins: Origins, gained: Floats, worth: Floats) -> Floats:
    """Weights (N, H, F) after a step of recursive least squares."""
    horizon = weights.shape[1]
    z = origins.regressors
    gain = gained / (worth[:, None] + np.einsum("ngf,ngf->ng", z, gained))[:, :, None]
    begin = 0
    for group, end in enumerate(edges(horizon)):
        of_group = weights[:, begin:end]
        told = np.einsum("nhf,nf->nh", of_group, z[:, group])
        error = np.clip(origins.targets[:, begin:end] - told, -LARGEST_ERROR, LARGEST_ERROR)
        of_group += (error * origins.known[:, begin:end])[:, :, None] * gain[:, group, None, :]
        begin = end
    return weights
