"""Numbers known with each observation.

Letters: S series, N rows of a round, C covariates.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Columns, Rows
from lstm_stream.network import Floats

SPAN = 1000
"""Memory of the scale, in values."""
OUTLIER = 10.0
"""In spreads: no value moves the scale further than this."""
LARGEST_VALUE = 1e30
"""In size; a number further out counts as this."""
LARGEST = 5.0
"""In spreads: what is shown is clipped at this."""


@dataclass
class Covariates(Columns):
    """The running scale of each series' covariates."""

    seen: npt.NDArray[np.int64]  # (S, C) values so far
    level: npt.NDArray[np.float64]  # (S, C) running mean
    spread: npt.NDArray[np.float64]  # (S, C) running mean absolute deviation

    @classmethod
    def empty(cls, count: int) -> "Covariates":
        """Of no series, with so many covariates."""
        return cls(np.zeros((0, count), np.int64), np.zeros((0, count)), np.zeros((0, count)))

    def inputs(self, rows: Rows, values: npt.NDArray[np.float64]) -> Floats:
        """Take the covariates (N, C) of each of these series, NaN where one is not known.

        Returns
        -------
        (N, 2C): each in its own spreads, 0 where it is not known or never changed; and whether it is not known.
        """
        known = np.isfinite(values)
        values = np.clip(values, -LARGEST_VALUE, LARGEST_VALUE)
        self._rescale(rows, np.where(known, values, 0.0), known)
        spread = self.spread[rows]
        off = np.where(known & (spread > 0), values - self.level[rows], 0.0)
        scaled = np.clip(off / np.where(spread > 0, spread, 1.0), -LARGEST, LARGEST)
        return np.concatenate([scaled, ~known], 1, dtype=np.float32, casting="same_kind")

    def _rescale(self, rows: Rows, values: npt.NDArray[np.float64], known: npt.NDArray[np.bool_]) -> None:
        seen = self.seen[rows] + known
        self.seen[rows] = seen
        weight = np.where(known, 1.0 / np.clip(seen, 1, SPAN), 0.0)
        bound = np.where((seen > 1) & (self.spread[rows] > 0), OUTLIER * self.spread[rows], np.inf)
        off = np.clip(values - self.level[rows], -bound, bound)
        self.level[rows] += weight * off
        self.spread[rows] += weight * (np.where(seen > 1, np.abs(off), 0.0) - self.spread[rows])
