"""What the network and the regressions read of a step, and which features are where.

The features are, in this order: those of the series itself (B: level, differences, calendar, whether the value is
missing, covariates), the moves by the regression on lags in P marked horizons, those by the combination of the experts
that need no network, and in banks with groups the K corrections by the group and the mean level and differences of
its other members. They are exact in half precision, in which they are kept to learn from.

Letters: F features, B of the series itself, P marked horizons, K corrected ones, H horizons.
"""

from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Wholes
from lstm_stream.readout import edges
from lstm_stream.seasons import DIFFERENCES

MARKS = (1, 2, 4, 8, 24)
"""Horizons up to which the network is told what has been predicted, and the longest."""
CALENDAR = 8
OF_THE_SERIES = 1 + DIFFERENCES + CALENDAR + 1
"""Level, differences, calendar, whether the value is missing."""
POOLED = 3
"""Of the features, whose mean over the other members of the group is one too."""


class Columns(NamedTuple):
    """Which features are where."""

    marks: Wholes  # (P,) the marked horizons
    base: int  # B
    linear: int  # the first of the moves by the regression on lags
    plain: int  # the first of those by the experts that need no network
    corrections: int
    others: int
    total: int  # F

    @classmethod
    def of(cls, horizon: int, covariates: int, corrected: int) -> "Columns":
        """Of a bank; `corrected` is the number of corrected horizons, 0 without groups."""
        marks = np.asarray(edges(MARKS, horizon))
        base = OF_THE_SERIES + 2 * covariates
        plain = base + len(marks)
        corrections = plain + len(marks)
        others = corrections + corrected
        return cls(marks, base, base, plain, corrections, others, others + (POOLED if corrected else 0))
