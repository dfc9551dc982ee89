"""How far out an error of the experts may lie and still count in full.

Letters: S series, H horizons.
"""

import numpy as np

from lstm_stream.arithmetic import Floats, Real, Whole
from lstm_stream.compiled import compiled
from lstm_stream.history import History, back

LARGEST_ERROR, LARGEST_AGAIN = 10.0, 30.0
"""In move scales; an error further than this counts as this. The second holds where values came as far off before: at a
third of it a series that is zero but for 1 % of its values is held to stay where it is after each of these."""
OFTEN = 3
"""Times that values came so far off, apart from each other, until they are held to do so again."""


@compiled
def largest_error(history: History, i: int, level: Real, moved: Floats, unit: Floats, scale: Floats) -> Real:
    """What errors count as that are further out, in move scales (H,).

    One wild value says little of who is right. But of a series that rests but for far moves that come again and again,
    as of a seldom demand or a nightly spike, who foresaw these is what matters.

    Parameters
    ----------
    level
        Of the series.
    moved, unit : (H,)
        How far the value lies from where it was so many steps before, in spreads of then; NaN: not known. These
        spreads, in the ring's unit.
    """
    furthest = move = np.float32(0.0)
    for h in range(len(moved)):
        size = abs(moved[h]) * unit[h]
        if size > furthest * scale[h]:  # not where it is not known
            furthest, move = size / scale[h], size
    often = furthest > LARGEST_ERROR and _times_off(history, i, level, np.float32(0.5) * move) >= OFTEN
    return np.float32(LARGEST_AGAIN if often else LARGEST_ERROR)


@compiled
def _times_off(history: History, i: int, level: Real, far: Real) -> Whole:
    """How many times the values that are kept came further than so far off the level."""
    times, before = 0, False
    for lag in range(min(history.age[i], history.ring.shape[1])):
        now = abs(back(history, i, lag) - level) > far
        times += now and not before
        before = now
    return times
