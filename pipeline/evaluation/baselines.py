"""What any model has to beat: last value and seasonal naive.

Letters: N observations of a call, H horizons, P steps of a season.
"""

from typing import NamedTuple

import numpy as np

from pipeline.evaluation.actuals import Floats, Integers


class SeasonalNaive:
    """What came a season before, or the last known value where that is missing. A season of 1 is last value.

    Parameters
    ----------
    horizon
        Steps ahead, H.
    season
        Steps of a season, P.
    """

    def __init__(self, horizon: int, season: int) -> None:
        steps = np.arange(1, horizon + 1)
        self._ago = season * -(-steps // season) - steps  # (H,): how long before the origin, 0 .. P - 1
        self._unknown = _Past(np.full(season, np.nan), 0.0)
        self._pasts: dict[int, _Past] = {}

    def observe(self, series: Integers, values: Floats) -> Floats:
        """Take values (N,) of these series (N,) in order, and forecast from each, (N, H)."""
        mean = np.empty((len(series), len(self._ago)))
        for index in np.unique(series).tolist():
            own = np.flatnonzero(series == index)
            mean[own] = self._forecast(index, values[own])
        return mean

    def _forecast(self, index: int, values: Floats) -> Floats:
        past = self._pasts.get(index, self._unknown)
        known = np.concatenate([past.values, values])  # (P + N,)
        places = len(past.values) + np.arange(len(values))[:, np.newaxis] - self._ago  # (N, H)
        last = _last_known(past.last, values)
        self._pasts[index] = _Past(known[len(values) :], float(last[-1]))
        return np.where(np.isfinite(known[places]), known[places], last[:, np.newaxis])


class _Past(NamedTuple):
    values: Floats  # (P,), NaN where missing
    last: float  # the newest that is not missing


def _last_known(before: float, values: Floats) -> Floats:
    """Each value, or the newest before it that is not missing."""
    known = np.concatenate([[before], values])
    places = np.where(np.isfinite(known), np.arange(len(known)), 0)
    return known[np.maximum.accumulate(places)][1:]
