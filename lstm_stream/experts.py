"""Who has a say in the forecast, and what the experts say that go on from the last values.

Letters: S series, E experts, H horizons.
"""

from enum import IntEnum, auto
from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Floats, Real, Wholes
from lstm_stream.compiled import compiled
from lstm_stream.history import History, back
from lstm_stream.scale import Scale, persistence
from lstm_stream.similar_seasons import LASTING

MOMENTUM = 0.5
"""What is left of the last move at the next step."""
LEVEL_WEIGHT, TREND_WEIGHT, DAMPING = 0.8, 0.2, 0.8
"""Of Holt's linear trend (Gardner and McKenzie 1985)."""


class Expert(IntEnum):
    """In the order of the weights of the combination."""

    LAST_VALUE = 0
    SHARED_ON_LAGS = auto()
    """The global regression on the last values and the features of the series itself."""
    SEASONAL = auto()
    """The value a season (a day) before."""
    PROFILE_SHORT = auto()
    """Back to the mean of the last seasons at this time of the season."""
    PROFILE_LONG = auto()
    """The same of a longer season (a week)."""
    DOUBLE_SEASONAL = auto()
    """The profile of the longer season, off it by as much as a shorter one before and as now."""
    SIMILAR_SEASONS = auto()
    """What followed the seasons that went like the last one."""
    TREND = auto()
    """Damped trend."""
    MOMENTUM = auto()
    """On by half as much each step as the step before."""
    REVERTING = auto()
    """Back to the level of the last days, at the pace of the series' own autocorrelation."""
    AUTOREGRESSION = auto()
    """The series' own regression on its last values and those a season ago."""
    GROUP = auto()
    """What `SHARED_ON_LAGS` says, corrected by what the other series of the same events did."""
    PRETRAINED = auto()
    """The network that was trained on generated series, and does not learn."""
    LSTM = auto()
    """The head of the network that learns."""
    READOUT_ON_HIDDEN = auto()
    """The combination of the experts that need no network, corrected by the series' own readout."""
    SHARED_ON_HIDDEN = auto()
    """The same, corrected by the global regression on features and hidden state."""
    SHARED_ON_ALL = auto()
    """The same, corrected by the global regression on last values, features and hidden state."""


EXPERTS = len(Expert)
PRETRAINED, LSTM = int(Expert.PRETRAINED), int(Expert.LSTM)
"""The first expert that needs a network, and the first that needs the one that learns; the others follow them."""
SHARED_ON_LAGS, GROUP = int(Expert.SHARED_ON_LAGS), int(Expert.GROUP)
SEASONAL, SIMILAR_SEASONS, TREND, AUTOREGRESSION = (
    int(expert) for expert in (Expert.SEASONAL, Expert.SIMILAR_SEASONS, Expert.TREND, Expert.AUTOREGRESSION)
)
"""The first of those that repeat what was a season ago, and of those that go on from the last values alone."""
BY_THE_LONGER_SEASON = (int(Expert.PROFILE_LONG), int(Expert.DOUBLE_SEASONAL))
OF_THE_LSTM = slice(Expert.PRETRAINED, len(Expert))
FITTED = (Expert.LAST_VALUE, Expert.SHARED_ON_LAGS, *list(Expert)[OF_THE_LSTM])
PRETRAINED_LOSS = 0.3


def assumed_losses(scored: Wholes) -> Floats:
    """Losses (E, K) in squared move scales at scored horizons (K,), assumed before there are any.

    Those that fit something start even. The pretrained network starts ahead of them, but not one step ahead, where the
    last value is hard to beat.
    """
    losses = np.full((len(Expert), len(scored)), 2.5, np.float32)
    losses[list(FITTED)] = 1.6
    losses[Expert.PRETRAINED, scored > 1] = PRETRAINED_LOSS
    return losses


class Courses(NamedTuple):
    """By how much of a move experts go on, at each horizon (H,)."""

    damped: Floats  # of the trend
    momentum: Floats  # of the last move
    lasting: Floats  # of the distance from a similar season

    @classmethod
    def of(cls, horizon: int) -> "Courses":
        """Of so many horizons."""
        ahead = np.arange(1, horizon + 1)
        damped, momentum = (np.cumsum(left**ahead).astype(np.float32) for left in (DAMPING, MOMENTUM))
        return cls(damped, momentum, (LASTING**ahead).astype(np.float32))


class Smoothers(NamedTuple):
    """Level and trend of each series, in the ring's unit."""

    trend: Floats  # (S, 2) level, trend

    @classmethod
    def empty(cls) -> "Smoothers":
        """Of no series."""
        return cls(np.zeros((0, 2), np.float32))


@compiled
def smooth(smoothers: Smoothers, i: int, value: Real) -> None:
    """Take the newest value."""
    level, trend = smoothers.trend[i, 0], np.float32(DAMPING) * smoothers.trend[i, 1]
    off = value - (level + trend)
    smoothers.trend[i, 0] = level + trend + np.float32(LEVEL_WEIGHT) * off
    smoothers.trend[i, 1] = trend + np.float32(LEVEL_WEIGHT * TREND_WEIGHT) * off


@compiled
def smooth_again(smoothers: Smoothers, history: History, i: int, length: int) -> None:
    """Start again from the last so many values; the newest is still to be taken."""
    oldest = back(history, i, length - 1)
    smoothers.trend[i, 0], smoothers.trend[i, 1] = oldest, 0.0
    for lag in range(length - 2, 0, -1):
        smooth(smoothers, i, back(history, i, lag))


@compiled
def say_going_on(smoothers: Smoothers, history: History, scale: Scale, courses: Courses, i: int, moves: Floats) -> None:
    """Write how far values will move (3, H) by the experts from `TREND` to `REVERTING`, in the ring's unit."""
    value = back(history, i, 0)
    level, trend = smoothers.trend[i, 0] - value, smoothers.trend[i, 1]
    last = value - back(history, i, 1) if history.age[i] > 1 else np.float32(0.0)
    down, left, persistent = scale.level[i] - value, np.float32(1.0), persistence(scale, history, i)
    for h in range(moves.shape[1]):
        moves[0, h] = level + trend * courses.damped[h]
        moves[1, h] = last * courses.momentum[h]
        left *= persistent
        moves[2, h] = down * (np.float32(1.0) - left)
