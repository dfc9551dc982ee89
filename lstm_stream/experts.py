"""Who has a say in the forecast.

Letters: S series, E experts, H horizons.
"""

from enum import IntEnum, auto

import numpy as np

from lstm_stream.arithmetic import Floats, Wholes
from lstm_stream.compiled import compiled
from lstm_stream.history import History, back
from lstm_stream.scale import Scale, persistence

LASTING = 0.5
"""What is left of the last move at the next step."""


class Expert(IntEnum):
    """In the order of the weights of the combination."""

    LAST_VALUE = 0
    SHARED_ON_LAGS = auto()
    """The global regression on the last values and the features of the series itself."""
    PROFILE_SHORT = auto()
    """Back to the mean of the last seasons at this time of the season."""
    PROFILE_LONG = auto()
    """The same of a longer season (a week)."""
    DOUBLE_SEASONAL = auto()
    """The profile of the longer season, off it by as much as a shorter one before and as now."""
    SIMILAR_SEASONS = auto()
    """What followed the seasons that went like the last one."""
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


EXPERTS = len(Expert)
PRETRAINED, LSTM = int(Expert.PRETRAINED), int(Expert.LSTM)
"""The first expert that needs a network, and the first that needs the one that learns; the others follow them."""
SHARED_ON_LAGS, GROUP = int(Expert.SHARED_ON_LAGS), int(Expert.GROUP)
PROFILE_SHORT, SIMILAR_SEASONS = int(Expert.PROFILE_SHORT), int(Expert.SIMILAR_SEASONS)
MOMENTUM, AUTOREGRESSION = int(Expert.MOMENTUM), int(Expert.AUTOREGRESSION)
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


@compiled
def say_going_on(history: History, scale: Scale, i: int, moves: Floats) -> None:
    """Write how far values will move (2, H) by `MOMENTUM` and `REVERTING`, in the ring's unit."""
    value = back(history, i, 0)
    last = value - back(history, i, 1) if history.age[i] > 1 else np.float32(0.0)
    down, persistent = scale.level[i] - value, persistence(scale, history, i)
    gone, left, lasting = np.float32(0.0), np.float32(1.0), np.float32(1.0)
    for h in range(moves.shape[1]):
        lasting *= np.float32(LASTING)
        gone += lasting
        left *= persistent
        moves[0, h] = last * gone
        moves[1, h] = down * (np.float32(1.0) - left)
