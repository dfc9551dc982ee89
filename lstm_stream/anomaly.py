"""Anomaly score: how far out a value lies in the one-step forecast made before it.

Letters: S series, R levels.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Flags, Floats, Real, Wholes, bounded, positive_ratio, ratio, sort
from lstm_stream.compiled import compiled

LEVELS = (0.5, 0.75, 0.9, 0.97, 0.99, 0.997)
"""Of the quantiles of absolute one-step errors that tell how far out the next one is."""
RATE = 0.05
"""How far a quantile moves on one error, in its logarithm."""
LOWEST = -1.0
"""Of a quantile's logarithm, beyond the normal distribution's: a constant series must not forget that others move."""
TAIL = 4.0
"""Beyond the last quantile, an error twice as large is this power of two as rare."""
REPEAT_SPAN = 1000
"""Memory of how often values repeat, in values."""
AGAIN_SPAN = 50
"""Memory of how often they do once more, in repeats."""
STANDSTILL_SHARE = 0.5
"""Of what a score allows for errors, what it allows for repeats."""
ANOMALOUS = 0.99
"""Of a standstill with a higher score than this is told once."""
WARM = 64
"""One-step errors that must have come before a series is called warm."""
SPAN = 200
"""Memory of mean absolute errors, in errors."""
RECENT_SPAN = 6
"""One-step errors that tell how restless a series is."""
LARGEST_SIZE = 1e36
"""Of errors, in the ring's unit: beyond this there is no room for what stretches it."""


def _normal(levels: tuple[float, ...]) -> Floats:
    """Quantiles of absolute normal errors whose mean is 1."""
    return np.asarray([1.2533 * NormalDist().inv_cdf((1.0 + level) / 2) for level in levels], np.float32)


NORMAL = tuple(_normal(LEVELS).tolist())
"""The quantiles (R,) of absolute normal errors whose mean is 1."""
HAZARDS = tuple(np.diff(-np.log1p(-np.asarray(LEVELS)), prepend=0.0).tolist())
"""How much the logarithm of the share of larger errors falls from each quantile to the next, (R,)."""


class Errors(NamedTuple):
    """One-step errors of each series.

    The score of a value is the share of one-step errors, each over the size expected of it, that are smaller; by a few
    of their quantiles, which follow the errors by gradient steps on the pinball loss. So its share above .99 is 1 % in
    the long run, whatever the errors do. A value that repeats the one before may err little, and yet be rare: the score
    is also as large as values seldom repeat so often, where half as many may be above .99. Of a long standstill is told
    once, and again when it has gone on for as long as would be rare after that.
    """

    scored: Wholes  # (S,) one-step errors so far
    absolute: Floats  # (S, 2) mean absolute one-step error: the model's, the last value's; in the ring's unit
    recent: Floats  # (S,) mean of the last absolute one-step errors, in the ring's unit
    quantiles: Floats  # (S, R) log quantiles of absolute errors over their size, beyond the normal distribution's
    repeats: Floats  # (S, 2) share that repeat the value before, of those after a move; after a repeat, beyond a half
    repeated: Flags  # (S,) whether the newest value repeats the one before
    rarity: Floats  # (S,) logarithm of how rarely values repeat as often as they have since the last move, or score

    @classmethod
    def empty(cls) -> "Errors":
        """Of no series."""
        single = np.zeros(0, np.float32)
        return cls(
            scored=np.zeros(0, np.int64),
            absolute=np.zeros((0, 2), np.float32),
            recent=single,
            quantiles=np.zeros((0, len(LEVELS)), np.float32),
            repeats=np.zeros((0, 2), np.float32),
            repeated=np.zeros(0, np.bool_),
            rarity=single,
        )


@compiled
def score_anomaly(errors: Errors, i: int, error: Real, moved: Real, size: Real) -> Real:
    """Take a one-step error and how far the value moved, in the ring's unit; returns the score, NaN while warming.

    Parameters
    ----------
    size
        The mean absolute error that was to be expected.
    """
    warm, repeated = errors.scored[i] >= WARM, moved == 0
    scaled = ratio(abs(error), size)
    rarity = _rarity(errors, i) if repeated else 0.0
    standstill = 1.0 - math.exp(rarity) / STANDSTILL_SHARE
    score = max(_outlyingness(errors, i, scaled), standstill)
    _keep_sizes(errors, i, abs(error), abs(moved))
    for k in range(len(LEVELS)):
        above = scaled > NORMAL[k] * math.exp(errors.quantiles[i, k])
        pull = RATE * (LEVELS[k] if above else LEVELS[k] - 1.0)
        errors.quantiles[i, k] = max(errors.quantiles[i, k] + pull, LOWEST)
    _learn_repeats(errors, i, repeated)
    errors.rarity[i] = 0.0 if standstill > ANOMALOUS else rarity
    return score if warm else np.nan


@compiled
def _rarity(errors: Errors, i: int) -> Real:
    """Logarithm of how rarely values repeat as often as these."""
    count = float(min(errors.scored[i], REPEAT_SPAN))
    first = (errors.repeats[i, 0] * count + 1.0) / (count + 2.0)
    again = max(0.5 + errors.repeats[i, 1], 1e-6)
    return errors.rarity[i] + math.log(again if errors.repeated[i] else first)


@compiled
def _outlyingness(errors: Errors, i: int, scaled: Real) -> Real:
    """Share of absolute errors that are smaller than one of this size.

    From quantile to quantile it is that of an exponential distribution, beyond the last one of a Pareto distribution.
    """
    quantiles = np.empty(len(LEVELS), np.float32)
    for k in range(len(LEVELS)):
        quantiles[k] = NORMAL[k] * math.exp(errors.quantiles[i, k])
    sort(quantiles)
    below = hazard = 0.0
    for k in range(len(LEVELS)):
        part = (scaled - below) / max(quantiles[k] - below, 1e-9)
        hazard += min(max(part, 0.0), 1.0) * HAZARDS[k]
        below = quantiles[k]
    return -math.expm1(-hazard - TAIL * math.log(max(scaled / below, 1.0)))


@compiled
def _keep_sizes(errors: Errors, i: int, error: Real, moved: Real) -> None:
    errors.scored[i] += 1
    weight = 1.0 / min(errors.scored[i], SPAN)
    errors.absolute[i, 0] += weight * (error - errors.absolute[i, 0])
    errors.absolute[i, 1] += weight * (moved - errors.absolute[i, 1])
    errors.recent[i] += (error - errors.recent[i]) / min(errors.scored[i], RECENT_SPAN)


@compiled
def _learn_repeats(errors: Errors, i: int, repeated: bool) -> None:
    """Learn how often values repeat the one before."""
    came = 1.0 if repeated else 0.0
    if errors.repeated[i]:
        errors.repeats[i, 1] += (came - 0.5 - errors.repeats[i, 1]) / AGAIN_SPAN
    else:
        errors.repeats[i, 0] += (came - errors.repeats[i, 0]) / min(errors.scored[i], REPEAT_SPAN)
    errors.repeated[i] = repeated


@compiled
def restlessness(errors: Errors, i: int, size: Real, least: Real, largest: Real) -> Real:
    """Logarithm of the last one-step errors over their mean size, bounded."""
    if errors.scored[i] == 0:
        return 0.0
    return bounded(math.log(positive_ratio(max(errors.recent[i], least), size)), largest)


@compiled
def change_unit(errors: Errors, i: int, factor: Real) -> None:
    """Take the last errors of a series to be in another unit, that many times as large."""
    errors.recent[i] = min(errors.recent[i] / abs(factor), LARGEST_SIZE)
    for k in range(2):
        errors.absolute[i, k] = min(errors.absolute[i, k] / abs(factor), LARGEST_SIZE)
