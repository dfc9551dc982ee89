"""What the errors of experts count as, from which the combination learns who is right.

Letters: E experts, K scored horizons, H horizons.
"""

import numpy as np

from lstm_stream.arithmetic import Floats, Real, Whole, bounded, positive_ratio, widened
from lstm_stream.compiled import compiled
from lstm_stream.expert_losses import Combination, Scoring
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
        See `score_experts`.
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


@compiled
def write_errors(
    combination: Combination,
    scoring: Scoring,
    i: int,
    t: int,
    moved: Floats,
    unit: Floats,
    scale: Floats,
    largest: Real,
    errors: Floats,
) -> None:
    """Write the errors (E, K) of what was said of step t, in move scales.

    What nobody foresaw tells nothing of who is right: of an error that all have in common counts no more than the usual
    bound, and an expert that erred further than that differs from the others by as much.
    """
    for k in range(errors.shape[1]):
        ahead = scoring.horizon[k]
        slot = scoring.first[k] + t % ahead
        came, per_spread = moved[ahead - 1], np.float32(1.0) / positive_ratio(scale[ahead - 1], unit[ahead - 1])
        least = np.float32(np.inf)
        for e in range(errors.shape[0]):
            errors[e, k] = (came - widened(combination.open[i, e, slot])) * per_spread
            if abs(errors[e, k]) < least:
                least = abs(errors[e, k])
        unforeseen = max(least - np.float32(LARGEST_ERROR), np.float32(0.0))
        for e in range(errors.shape[0]):
            error = errors[e, k]
            errors[e, k] = bounded(error - (unforeseen if error > 0 else -unforeseen), largest)
