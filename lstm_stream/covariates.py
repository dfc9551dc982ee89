"""Numbers known with each observation.

Letters: S series, C covariates.
"""

import math
from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Doubles, Floats, Real, Wholes, bounded
from lstm_stream.compiled import compiled

SPAN = 1000
"""Memory of the scale, in values."""
OUTLIER = 10.0
"""In spreads: no value moves the scale further than this."""
LARGEST = 5.0
"""In spreads: a feature is bounded at this."""
LARGEST_VALUE = 1e30
"""In size; a number further out counts as this."""


class Covariates(NamedTuple):
    """The running scale of each series' covariates, in their own units."""

    seen: Wholes  # (S, C) values so far
    level: Doubles  # (S, C) running mean
    spread: Doubles  # (S, C) running mean absolute deviation

    @classmethod
    def empty(cls, count: int) -> "Covariates":
        """Of no series, with so many covariates."""
        return cls(np.zeros((0, count), np.int64), np.zeros((0, count)), np.zeros((0, count)))


@compiled
def write_covariates(covariates: Covariates, i: int, values: Doubles, told: bool, features: Floats) -> None:
    """Take the covariates (C,), NaN where one is not known or all where none is told, and write their features (2C,).

    Each in its own spreads, 0 where it is not known or never changed; then whether each is not known.
    """
    count = len(values)
    for c in range(count):
        known = told and math.isfinite(values[c])
        features[c], features[count + c] = 0.0, 0.0 if known else 1.0
        if known:
            value = bounded(values[c], LARGEST_VALUE)
            _rescale(covariates, i, c, value)
            spread = covariates.spread[i, c]
            if spread > 0:
                features[c] = bounded((value - covariates.level[i, c]) / spread, LARGEST)


@compiled
def _rescale(covariates: Covariates, i: int, c: int, value: Real) -> None:
    seen, spread = covariates.seen[i, c] + 1, covariates.spread[i, c]
    covariates.seen[i, c] = seen
    weight = 1.0 / min(seen, SPAN)
    off = value - covariates.level[i, c]
    if seen > 1 and spread > 0:
        off = bounded(off, OUTLIER * spread)
    covariates.level[i, c] += weight * off
    covariates.spread[i, c] += weight * ((abs(off) if seen > 1 else 0.0) - spread)
