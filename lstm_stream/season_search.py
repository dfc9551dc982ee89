"""Seasons that are no calendar's: a machine's cycle, a batch every 50 minutes.

Letters: N values that are looked at.
"""

import numpy as np

from lstm_stream.arithmetic import Flag, Floats, Real, Whole
from lstm_stream.compiled import compiled
from lstm_stream.history import History, back
from lstm_stream.scale import Scale
from lstm_stream.seasons import AHEAD, LONG

FIRST, EVERY = 48, 512
"""Steps until the first look; the next ones come after twice as many, in the end after so many more."""
LATER = 4
"""A series takes one of the first looks later than that, by up to one in so many of the steps until then."""
MOST = 1024
"""Values that are looked at, at most."""
SEASONS = 3
"""That must have been seen."""
NEAR, ALIKE = 0.5, 1.1
"""How far values lie off those of a season before, as a part of how far they lie off those of half of it or less; and
how much further they may lie than at the best lag, for a shorter one to be taken."""


@compiled
def look_for_season(history: History, scale: Scale, i: int, identity: int) -> Flag:
    """At some steps, look for the season of a series for which the calendar knows no longer one; it is that then.

    Looks of many series that began together fall on different steps, as a look takes ten times as long as a step.

    The season is the lag at which values differ the least, by the average magnitude difference function (Ross et al.
    1974), if they differ much more at shorter ones. A wrong season does little harm, as its experts get no weight.

    Parameters
    ----------
    identity
        A number for the series that depends on its name alone.

    Returns
    -------
    Whether it is another one than before.
    """
    lived = history.age[i] - scale.born[i]
    if (scale.lags[i, LONG] != 0 and scale.found[i] == 0) or not is_due(lived, identity):
        return False
    values = np.empty(min(min(lived, history.ring.shape[1]), MOST), np.float32)
    for k in range(len(values)):
        values[k] = back(history, i, k)
    season, off = _season(values)
    if season == 0 or season == scale.found[i]:
        return False
    _take(scale, i, season, off)
    return True


@compiled
def is_due(lived: int, identity: int) -> Flag:
    """Whether a series looks for its season after so many steps."""
    turn = np.int64(np.uint64(identity) % np.uint64(EVERY))
    if lived >= EVERY:
        return lived % EVERY == turn
    look = FIRST
    while look <= lived:
        if lived == look + turn % (look // LATER):
            return True
        look *= 2
    return False


@compiled
def _season(values: Floats) -> tuple[Whole, Real]:
    """The season of values (N,), and how far they lie off those of a season before; 0: there is none."""
    longest = len(values) // SEASONS
    off = np.zeros(longest + 1, np.float32)
    best, least, widest = 0, np.float32(np.inf), np.float32(0.0)
    for lag in range(1, longest + 1):
        total = np.float32(0.0)
        for k in range(len(values) - lag):
            total += abs(values[k] - values[k + lag])
        off[lag] = total / np.float32(len(values) - lag)
        if off[lag] < NEAR * widest and off[lag] < least:
            best, least = lag, off[lag]
        widest = max(widest, off[lag])
    widest = np.float32(0.0)
    for lag in range(1, best):
        if off[lag] < NEAR * widest and off[lag] <= ALIKE * least and off[lag] <= off[lag + 1]:
            return lag, off[lag]
        widest = max(widest, off[lag])
    return best, least


@compiled
def _take(scale: Scale, i: int, season: int, off: Real) -> None:
    scale.found[i] = season
    for k in range(1 + len(AHEAD)):
        scale.lags[i, LONG + k] = season if k == 0 else -AHEAD[k - 1] % season
        scale.difference[i, LONG + k] = off
