"""river's own forecasters, one model a series, to measure against.

What they get wrong stops nothing: where a model raises an error or foresees what is no number, or one absurdly far
off, the last value stands in for it, and that is counted.

Letters: N observations of a call, H horizons.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from river import linear_model, optim, preprocessing, time_series

from pipeline.evaluation.actuals import Floats, Integers

STRIDE = 23
"""A forecast of more than one step is made at every so manyth row only, as SNARIMAX needs long for it; a prime, so that
the origins go round every season."""
ABSURD = 1e3
"""How far off the last value, in standard deviations of the series so far, no forecast is believed."""
UNSOUND = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a model may raise."""

Make = Callable[[], time_series.base.Forecaster]


class Foreseen(NamedTuple):
    """Forecasts after each of N observations."""

    mean: Floats  # (N, H); but for the first step NaN where only that was asked for
    whole: npt.NDArray[np.bool_]  # (N,) all steps were asked for
    fell_back: npt.NDArray[np.bool_]  # (N,) the last value stands in


class Peer:
    """A model for each series.

    Parameters
    ----------
    make
        Makes one that has seen nothing.
    horizon
        Steps ahead, H.
    """

    def __init__(self, make: Make, horizon: int) -> None:
        self._make = make
        self._horizon = horizon
        self._guarded: dict[int, _Guarded] = {}

    def observe(self, series: Integers, rows: Integers, values: Floats) -> Foreseen:
        """Take values (N,) of these series (N,), each at this row of its own (N,), in order, and forecast from each."""
        whole = rows % STRIDE == 0
        mean = np.full((len(series), self._horizon), np.nan)
        fell_back = np.zeros(len(series), np.bool_)
        for place, (index, value) in enumerate(zip(series.tolist(), values.tolist(), strict=True)):
            steps = self._horizon if whole[place] else 1
            mean[place, :steps], fell_back[place] = self._of(index).take(value, steps)
        return Foreseen(mean, whole, fell_back)

    def _of(self, index: int) -> "_Guarded":
        if index not in self._guarded:
            self._guarded[index] = _Guarded(self._make())
        return self._guarded[index]


class _Guarded:
    """One series' model, and what is known of the series to tell what is absurd."""

    def __init__(self, model: time_series.base.Forecaster) -> None:
        self._model = model
        self._last = math.nan
        self._expected = math.nan  # what was foreseen of the next value
        self._seen, self._level, self._squares = 0, 0.0, 0.0

    def take(self, value: float, steps: int) -> tuple[list[float], bool]:
        """Forecasts of so many steps, and whether the last value stands in for them.

        In the place of a missing value the model learns what it foresaw, so that its seasons keep their places.
        """
        if math.isnan(value):
            value = self._expected
        if math.isnan(value):
            return [0.0] * steps, True
        self._remember(value)
        ahead = self._ahead(steps)
        believed = len(ahead) == steps and all(self._believable(one) for one in ahead)
        ahead = ahead if believed else [value] * steps
        self._expected = ahead[0]
        return ahead, not believed

    def _ahead(self, steps: int) -> list[float]:
        """What the model says; nothing where it fails."""
        try:
            self._model.learn_one(self._last)
            return [float(one) for one in self._model.forecast(steps)]
        except UNSOUND:
            return []

    def _remember(self, value: float) -> None:
        """Welford's running variance."""
        self._seen += 1
        off = value - self._level
        self._level += off / self._seen
        self._squares += off * (value - self._level)
        self._last = value

    def _believable(self, ahead: float) -> bool:
        spread = math.sqrt(self._squares / self._seen) or abs(self._last) or 1.0
        return math.isfinite(ahead) and abs(ahead - self._last) <= ABSURD * spread


def makers(season: int) -> Mapping[str, Make]:
    """How to make each peer, for series whose season has so many steps."""
    return MappingProxyType({"snarimax": lambda: _snarimax(season), "holt_winters": lambda: _holt_winters(season)})


def _snarimax(season: int) -> time_series.base.Forecaster:
    """On twelve differences and that of a season ago; all scaled, as without it the regression does not converge."""
    regression = linear_model.LinearRegression(optimizer=optim.SGD(0.01), clip_gradient=1.0)
    scaled = preprocessing.StandardScaler() | preprocessing.TargetStandardScaler(regression)
    return time_series.SNARIMAX(p=12, d=1, q=0, m=season, sp=1, regressor=scaled)


def _holt_winters(season: int) -> time_series.base.Forecaster:
    """With weights that stay stable over long seasons; larger ones make its errors grow without bound."""
    if season == 1:
        return time_series.HoltWinters(alpha=0.3, beta=0.001)
    return time_series.HoltWinters(alpha=0.3, beta=0.001, gamma=0.3, seasonality=season)
