"""The quantile tracker: estimates of quantiles of errors, moved by each error that comes.

A few fixed levels are tracked, whatever levels are asked for. Their quantiles are a centre, the median, and gaps from
each of them to the next one outwards, which are kept as logarithms. So they never cross.

    q[0] = centre,  q[j] = q[j-1] + n[j] exp(g[j])    the side above; the one below is its mirror image
    n[j]                                              the gap of normal errors: where a new series starts
    s[j]                                              share of errors that are to lie beyond q[j]

An error z says

    centre += rate * (1[z > centre] - 1/2)
    g[j]   += rate[j] * (1[z > q[j]] - s[j] / s[j-1])    where z > q[j-1], that is where it says anything

As the centre and the logarithms stay bounded, these steps add up to almost nothing in the long run. So half of all
errors lie beyond the centre, of these the right share beyond the next quantile, and so on: each level has its share,
whatever the errors do. That is the argument of Gibbs and Candès 2021, "Adaptive conformal inference under distribution
shift", and of the quantile tracker of Angelopoulos, Candès and Tibshirani 2023, "Conformal PID control for time series
prediction". That trackers of several levels must be kept in order by something that does not turn one level's errors
into another's steps is shown in Ding, Gibbs and Tibshirani 2025, "Calibrated multi-level quantile forecasting".

Any other level lies between two tracked ones, where a normal distribution would have it. So the quantile of a level is
the same whatever other levels are asked for.

Letters: K tracked levels, J gaps of one side, L levels asked for; `...`: any axes before.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Floats, Wholes, fill
from lstm_stream.compiled import compiled

SHARES = (0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.01, 0.001)
"""Of errors that lie beyond each tracked quantile, from the centre outwards, (1 + J)."""
GAPS = len(SHARES) - 1
"""Of one side, J."""
LEVELS = (*SHARES[:0:-1], *(1.0 - share for share in SHARES))
"""The tracked levels, (K,)."""
CENTRE_RATE = 0.01
"""Step of the centre, in sizes of errors. At twice this the median is up to .2 % (MAE) worse than the mean where the
mean needs no correction; at half of it, its coverage is half a point further off where it does need one."""
GAP_RATE = 0.012
"""Step of the logarithm of a gap next to the centre; further out, where fewer errors tell, it is larger. At twice this
the 90 % interval is about 1 % worse by its score; at half of it, young series' intervals are .3 points further off."""
SMALLEST_GAP, LARGEST_GAP = -7.0, 5.0
"""Logarithms, beyond those of normal errors."""


def normal_quantiles(levels: tuple[float, ...]) -> Floats:
    """Quantiles (L,) of normal errors whose mean absolute size is 1."""
    return np.asarray([1.2533 * NormalDist().inv_cdf(level) for level in levels], np.float32)


NORMAL_GAPS = tuple(np.diff(normal_quantiles(LEVELS[GAPS:])).tolist())
"""The gaps of normal errors, (J,)."""
RATIOS = tuple(np.divide(SHARES[1:], SHARES[:-1]).tolist())
"""Which share of the errors beyond a tracked quantile is to lie beyond the next one, (J,)."""
GAP_RATES = tuple((GAP_RATE * np.sqrt(SHARES[0] / np.asarray(SHARES[:-1]))).tolist())
"""(J,): steps larger by the root of how many fewer errors make one."""


class Between(NamedTuple):
    """Where levels lie: after which tracked one, and which part of the way to the next; beyond 0 to 1, in a tail."""

    below: Wholes  # (L,)
    part: Floats  # (L,)

    @classmethod
    def of(cls, levels: tuple[float, ...]) -> "Between":
        """Of these levels."""
        below = np.clip(np.searchsorted(LEVELS, levels, "right") - 1, 0, len(LEVELS) - 2)
        part = [_part(level, LEVELS[k], LEVELS[k + 1]) for level, k in zip(levels, below, strict=True)]
        return cls(below, np.asarray(part, np.float32))


def _part(level: float, lower: float, upper: float) -> float:
    """Of the way from a tracked level to the next: as of normal errors, in the tails as of exponential ones."""
    if level < lower:
        return float(np.log(level / lower) / np.log(upper / lower))
    if level > upper:
        return float(np.log((1.0 - level) / (1.0 - lower)) / np.log((1.0 - upper) / (1.0 - lower)))
    here, begin, end = normal_quantiles((level, lower, upper)).astype(np.float64)
    return float((here - begin) / (end - begin))


@compiled
def write_tracked(centre: float, gaps: Floats, quantiles: Floats) -> None:
    """Write the quantiles of `LEVELS` (K,), of a centre and logarithms of gaps beyond normal ones (2, J)."""
    below = above = centre
    quantiles[GAPS] = centre
    for j in range(GAPS):
        below -= np.float32(NORMAL_GAPS[j]) * math.exp(gaps[0, j])
        above += np.float32(NORMAL_GAPS[j]) * math.exp(gaps[1, j])
        quantiles[GAPS - 1 - j], quantiles[GAPS + 1 + j] = below, above


@compiled
def add_pulls(error: float, quantiles: Floats, weight: float, pulls: Floats) -> float:
    """Add which way an error says that the tracked quantiles (K,) told of it should move, as steps of rate 1.

    To those of the gaps (2, J), below and above, outwards; returns that of the centre.
    """
    above = error > quantiles[GAPS]
    side = 1 if above else 0
    direction = 1 if above else -1
    for j in range(GAPS):
        further = quantiles[GAPS + direction * (j + 1)]
        beyond = error > further if above else not error > further
        pulls[side, j] += weight * ((np.float32(1.0) if beyond else np.float32(0.0)) - np.float32(RATIOS[j]))
        if not beyond:
            break
    return weight * (np.float32(0.5) if above else np.float32(-0.5))


@compiled
def move_gaps(gaps: Floats, pulls: Floats) -> None:
    """Let gaps (2, J) follow what errors said of them (2, J)."""
    for side in range(2):
        for j in range(GAPS):
            gap = gaps[side, j] + np.float32(GAP_RATES[j]) * pulls[side, j]
            gaps[side, j] = min(max(gap, np.float32(SMALLEST_GAP)), np.float32(LARGEST_GAP))
        fill(pulls[side], 0.0)


@compiled
def quantile_at(between: Between, k: int, quantiles: Floats) -> float:
    """The quantile of the k-th of the levels asked for, of the tracked ones (K,); in order if the levels are."""
    lower, upper = quantiles[between.below[k]], quantiles[between.below[k] + 1]
    line = lower + between.part[k] * (upper - lower)
    return min(line, upper) if between.part[k] <= 1 else line
