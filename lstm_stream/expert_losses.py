"""How wrong each expert was of late, at a few horizons.

Letters: S series, N of them, E experts, K scored horizons, H horizons, O open forecasts of a series.
"""

from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Floats, Halves, Wholes, fill, narrowed
from lstm_stream.compiled import compiled

SCORED = (1, 2, 5, 9, 15, 22, 45, 93, 185)
"""Horizons at which errors are kept; none is a multiple of a usual season (4, 6, 7, 8, 12, 24). At whole seasons ahead
last value is right, and horizons between must not be taken for these."""
LOSS_SPAN = (500.0, 10.0)
"""Memory of squared errors in steps, and what each step of the horizon adds: errors further ahead overlap more."""
REGRET_SPAN = (100.0, 20.0)
"""The same of regrets."""
RATE = (16.0, -0.35)
"""How much of its weight (as a power of e) an expert loses whose errors are twice as much like the combination's, and
the power of the horizon that this goes by: regrets further ahead are less sure."""
POWER = (4.0, 0.15)
"""Of the inverse loss, and the power of the horizon that this goes by."""
FLAT = np.float32(2.0)
"""Squared errors of the combination, in move scales, until which regrets count for little."""
TINY = np.float32(1e-6)


def scored_horizons(horizon: int) -> tuple[int, ...]:
    """The horizons up to the longest at which errors are kept."""
    return tuple(scored for scored in SCORED if scored <= horizon)


class Scoring(NamedTuple):
    """Which horizons are scored (K,), and how each horizon (H,) lies between two of them."""

    horizon: Wholes  # (K,)
    first: Wholes  # (K,) where open forecasts of each lie
    loss_span: Floats  # (K,) steps
    regret_span: Floats  # (K,) steps
    power: Floats  # (K,) of the inverse loss
    rate: Floats  # (K,) of regret
    lower: Wholes  # (H,) index of the scored horizon below
    upper: Wholes  # (H,) and above
    part: Floats  # (H,) how far it lies between, over the logarithm; at most 1

    @classmethod
    def of(cls, horizon: int) -> "Scoring":
        """Of so many horizons."""
        scored, ahead = np.asarray(scored_horizons(horizon)), np.arange(1, horizon + 1)
        upper = np.minimum(np.searchsorted(scored, ahead), len(scored) - 1)
        lower = np.maximum(upper - 1, 0)
        width = np.log(scored[upper] / scored[lower])
        part = np.where(width > 0, np.log(ahead / scored[lower]) / np.where(width > 0, width, 1.0), 0.0)
        single = np.float32
        return cls(
            horizon=scored,
            first=np.cumsum(scored) - scored,
            loss_span=(LOSS_SPAN[0] + LOSS_SPAN[1] * scored).astype(single),
            regret_span=(REGRET_SPAN[0] + REGRET_SPAN[1] * scored).astype(single),
            power=(POWER[0] * scored ** POWER[1]).astype(single),
            rate=(RATE[0] * scored ** RATE[1]).astype(single),
            lower=lower,
            upper=upper,
            part=np.minimum(part, 1.0).astype(single),
        )


class Combination(NamedTuple):
    """Discounted squared errors of each expert of each series at a few horizons, from which weights follow.

    A weight is the loss to the power of -4, further ahead of more: near enough to picking the best, and still the
    mean of those as good (Bates and Granger 1969, "The combination of forecasts"; Stock and Watson 2004 discount past
    errors, with powers of -1 and -2). Then an expert gains that errs where the combination does not, and one loses
    that errs as it does: by a step of exponentiated gradient on its regret (Kivinen and Warmuth 1997; Gaillard, Stoltz
    and van Erven 2014 on why the slope of the combination's loss rather than an expert's own finds the best
    combination). Scored horizons share half of their evidence with their neighbours; between two of them weights are
    interpolated over the logarithm of the horizon.

    Trust is how much of the weight is not left to the first expert (the last value): where the combination is no
    better than the first alone, as for prices, the first has it all, for weights that follow noise cost some per cent
    (Timmermann 2006, "Forecast combinations"). Between two scored horizons the larger trust holds: a whole season ahead
    the last value is right, and just before that it is not.
    """

    open: Halves  # (S, E, O) moves in spreads; of scored horizon k and step t at first[k] + t % k
    loss: Floats  # (S, E, K) discounted sum of squared errors, in move scales
    mass: Floats  # (S, E, K) discounted number of them
    regret: Floats  # (S, E, K) sum of the combination's error times how much further the expert's lies out
    own: Floats  # (S, K) sum of the combination's squared errors
    first: Floats  # (S, K) sum of the first expert's
    lstm_share: Floats  # (S,) weight of the experts that need the network, in the newest forecast

    @classmethod
    def empty(cls, experts: int, horizon: int) -> "Combination":
        """Of no series."""
        scored = scored_horizons(horizon)
        by_expert, by_horizon = np.zeros((0, experts, len(scored)), np.float32), np.zeros((0, len(scored)), np.float32)
        return cls(
            open=np.zeros((0, experts, sum(scored)), np.uint16),
            loss=by_expert,
            mass=by_expert,
            regret=by_expert,
            own=by_horizon,
            first=by_horizon,
            lstm_share=np.zeros(0, np.float32),
        )


@compiled
def forget_losses(combination: Combination, i: int) -> None:
    """Forget how wrong the experts of a series were."""
    for e in range(combination.loss.shape[1]):
        _forget_losses_of(combination, i, e)
    fill(combination.own[i], 0.0)
    fill(combination.first[i], 0.0)


@compiled
def begin_expert(combination: Combination, i: int, e: int) -> None:
    """Take an expert of a series for another one than before, of which nothing is known and nothing is open."""
    _forget_losses_of(combination, i, e)
    fill(combination.open[i, e], narrowed(np.float32(np.nan)))


@compiled
def _forget_losses_of(combination: Combination, i: int, e: int) -> None:
    fill(combination.loss[i, e], 0.0)
    fill(combination.mass[i, e], 0.0)
    fill(combination.regret[i, e], 0.0)


def gains(combination: Combination, rows: Wholes) -> Floats:
    """Logarithm of how many times as large the first expert's loss is as the combination's, (N, K)."""
    return np.log((combination.first[rows] + FLAT) / (combination.own[rows] + FLAT))
