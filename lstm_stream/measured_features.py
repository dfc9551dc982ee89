"""How the features of a step are measured; see `features` for which there are.

Letters: P marked horizons, H horizons.
"""

import math

import numpy as np

from lstm_stream.arithmetic import Floats, Wholes, bounded, halved, ratio
from lstm_stream.compiled import compiled
from lstm_stream.features import CALENDAR, OF_THE_SERIES
from lstm_stream.history import History, back
from lstm_stream.readout import LAGS
from lstm_stream.scale import Scale, difference, spread_of
from lstm_stream.seasons import DAY, DIFFERENCES, SECOND

LARGEST = 5.0
"""Features are bounded at this."""
LEAST_DIFFERENCE = 1e-3
"""In spreads: a usual difference counts for at least this."""
LARGEST_LAG = 10.0
"""In spreads."""


@compiled
def write_own(history: History, scale: Scale, i: int, time: int, observed: bool, features: Floats) -> None:
    """Write what the newest step tells of the series itself, without covariates."""
    spread = spread_of(scale, history, i)
    features[0] = ratio(back(history, i, 0) - scale.level[i], spread)
    for k in range(DIFFERENCES):
        usual = max(scale.difference[i, k], np.float32(LEAST_DIFFERENCE) * spread)
        features[1 + k] = ratio(difference(scale, history, i, k), usual)
    _write_calendar(time, features[1 + DIFFERENCES : 1 + DIFFERENCES + CALENDAR])
    features[OF_THE_SERIES - 1] = 0.0 if observed else 1.0
    round_features(features[:OF_THE_SERIES])


@compiled
def round_features(features: Floats) -> None:
    """Bound some features, and round them to half precision; what is no number becomes 0."""
    for k in range(len(features)):
        feature = np.float32(0.0) if math.isnan(features[k]) else features[k]
        features[k] = halved(bounded(feature, np.float32(LARGEST)))


@compiled
def _write_calendar(time: int, calendar: Floats) -> None:
    """Two harmonics of the day and of the week, of a time in microseconds: their sines, then their cosines."""
    for k in range(CALENDAR // 2):
        length = (DAY if k < 2 else 7 * DAY) * SECOND
        angle = 2 * math.pi * (1 + k % 2) * (time % length) / length
        calendar[k], calendar[CALENDAR // 2 + k] = math.sin(angle), math.cos(angle)


@compiled
def write_lags(history: History, scale: Scale, i: int, origin: int, lags: Floats) -> None:
    """Write how far the value so many steps before the newest lies from those before it and from the level.

    (LAGS + 1,), in spreads of now; 0 where the series had not begun.
    """
    kept, age = history.ring.shape[1], history.age[i]
    value, spread = back(history, i, origin), spread_of(scale, history, i)
    place = (age - 1 - origin) % kept
    for k in range(LAGS):
        place = place - 1 if place > 0 else kept - 1
        off = value - history.ring[i, place] if origin + k + 1 < age else np.float32(0.0)
        lags[k] = bounded(ratio(off, spread), np.float32(LARGEST_LAG))
    lags[LAGS] = bounded(ratio(value - scale.level[i], spread), np.float32(LARGEST_LAG))


@compiled
def write_marked(moves: Floats, marks: Wholes, features: Floats) -> None:
    """Write moves (H,) in the marked horizons (P,) as features (P,)."""
    for p in range(len(marks)):
        features[p] = halved(bounded(moves[marks[p] - 1], np.float32(LARGEST)))
