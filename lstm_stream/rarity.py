"""How rare an absolute error is, or any value, by quantiles of those before it.

The quantiles follow the errors by gradient steps on the pinball loss. Letters: R levels.
"""

import math

import numpy as np

from lstm_stream.arithmetic import Floats, Real, sort
from lstm_stream.compiled import compiled
from lstm_stream.quantiles import normal_quantiles

LEVELS = (0.5, 0.75, 0.9, 0.97, 0.99, 0.997)
"""Of the quantiles of absolute errors that tell how far out the next one is."""
RATE = 0.03
"""How far a quantile moves on one error, in its logarithm."""
LOWEST = -1.0
"""Of a quantile's logarithm, beyond the normal distribution's: a constant series must not forget that others move."""
TAIL = 4.0
"""Beyond the last quantile, an error twice as large is this power of two as rare."""
NORMAL = tuple(normal_quantiles(tuple((1.0 + level) / 2 for level in LEVELS)).tolist())
"""The quantiles (R,) of absolute normal errors whose mean is 1."""
HAZARDS = tuple(np.diff(-np.log1p(-np.asarray(LEVELS)), prepend=0.0).tolist())
"""How much the logarithm of the share of larger errors falls from each quantile to the next, (R,)."""


@compiled
def tail_hazard(logarithms: Floats, scaled: Real) -> Real:
    """Minus the logarithm of the share of absolute errors that are larger than one of this size, from which it learns.

    Parameters
    ----------
    logarithms : (R,)
        Of the quantiles, beyond `NORMAL`; they move.
    scaled
        The error, over a mean size.
    """
    quantiles = np.empty(len(LEVELS), np.float32)
    for k in range(len(LEVELS)):
        quantiles[k] = NORMAL[k] * math.exp(logarithms[k])
        pull = RATE * (LEVELS[k] if scaled > quantiles[k] else LEVELS[k] - 1.0)
        logarithms[k] = max(logarithms[k] + pull, LOWEST)
    return hazard_of(scaled, quantiles, HAZARDS, TAIL)


@compiled
def hazard_of(value: Real, quantiles: Floats, gaps: tuple[Real, ...], tail: Real) -> Real:
    """Minus the logarithm of the share of values that are larger than this one, by quantiles, which it sorts.

    From quantile to quantile it is that of an exponential distribution, beyond the last one of a Pareto distribution.

    Parameters
    ----------
    quantiles, gaps : (R,)
        And how much that logarithm falls from each to the next.
    tail
        Beyond the last quantile, a value e times as large is this power of e as rare.
    """
    sort(quantiles)
    below = hazard = 0.0
    for k in range(len(gaps)):
        part = (value - below) / max(quantiles[k] - below, 1e-9)
        hazard += min(max(part, 0.0), 1.0) * gaps[k]
        below = quantiles[k]
    return hazard + tail * math.log(max(value / below, 1.0))
