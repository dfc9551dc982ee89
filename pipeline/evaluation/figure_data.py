"""What of an evaluation is kept for its picture. It does not grow with the rows: they are gathered in slots.

Letters: N observations of a batch, E experts, H horizons, Q quantiles, B slots, S series.
"""

from typing import NamedTuple

import numpy as np

from lstm_stream import Expert, ExpertForecasts, Forecasts
from pipeline.evaluation.actuals import Actuals, Floats, Integers
from pipeline.evaluation.log import Log

DRAWN = 3  # series whose forecasts are drawn at most
FANS = 3  # forecasts of each that are drawn
SLOTS = 500
WINDOW = 1 / 50  # of the scored rows: what a rolling error is the mean of
HORIZON = 24  # the longest whose errors and weights are followed


class Fan(NamedTuple):
    """A forecast to be drawn, in the series' own unit."""

    origin: int  # row
    mean: Floats  # (H,)
    quantiles: Floats  # (H, Q)


class Drawing(NamedTuple):
    """One series' last scored rows, and some forecasts of them."""

    name: str
    first_row: int
    values: Floats
    fans: list[Fan]


class Picture(NamedTuple):
    """What there is to draw.

    Attributes
    ----------
    drawings
        Series with forecasts.
    rows : (B,)
        Where each slot ends.
    scored
        The first row that is scored, of any series.
    horizon
        What follows is of this many steps.
    step
        Seconds from row to row; 0: not known.
    window
        Rows that a rolling error is the mean of.
    mae : (B,) each
        Rolling mean absolute error over steps 1 to ``horizon`` and all series, in their units, by forecaster; NaN
        where nothing was scored.
    weights : (E, B)
        The experts' mean weights for step ``horizon``; NaN where there was no forecast.
    drifts
        Rows at which the model had noticed a drift, one a slot at most.
    """

    drawings: list[Drawing]
    rows: Floats
    scored: int
    horizon: int
    step: float
    window: int
    mae: dict[str, Floats]
    weights: Floats
    drifts: list[int]


class FigureData:
    """Watches a run.

    Parameters
    ----------
    actuals
        What came.
    horizon
        Steps of the forecasts, H.
    """

    def __init__(self, actuals: Actuals, horizon: int) -> None:
        self._actuals = actuals
        self._horizon = horizon
        self._followed = min(horizon, HORIZON)
        self._end = int(actuals.score_to.max())
        self._slots = min(SLOTS, self._end)
        drawn = np.flatnonzero(actuals.score_from < actuals.score_to)[:DRAWN].tolist()
        self._fans: dict[int, list[Fan]] = {index: [] for index in drawn}
        self._errors: dict[str, _Sums] = {}
        self._weights = np.zeros((len(Expert), self._slots))
        self._weighed = np.zeros(self._slots)
        self._noticed = 0  # drifts
        self._drifts: dict[int, int] = {}  # the first row of each slot with one

    def draw(self, batch: Log, forecasts: Forecasts, by_expert: ExpertForecasts) -> None:
        """Take the model's forecasts (N,) of a batch."""
        self.compare("model", batch, forecasts.mean)
        self._add_fans(batch, forecasts)
        self._add_weights(batch, by_expert)
        self._add_drifts(batch, forecasts)

    def compare(self, name: str, batch: Log, mean: Floats) -> None:
        """Take another forecaster's means (N, H) of a batch."""
        sums = self._errors.setdefault(name, _Sums(np.zeros(self._slots), np.zeros(self._slots)))
        scored = self._actuals.scored(batch.series, batch.rows)
        series, rows = batch.series[scored], batch.rows[scored]
        targets = self._actuals.targets(series, rows, self._followed)
        errors = np.abs(mean[scored, : self._followed] - targets) / self._actuals.unit[series, np.newaxis]
        known = np.isfinite(targets)
        slots = self._slot(rows)
        np.add.at(sums.total, slots, np.where(known, errors, 0).sum(axis=1))
        np.add.at(sums.steps, slots, known.sum(axis=1))

    def picture(self, log: Log) -> Picture:
        """All that was taken so far."""
        scored = int(self._actuals.score_from.min())
        span = max(1, round((self._end - scored) * WINDOW * self._slots / self._end))
        with np.errstate(invalid="ignore"):
            weights = self._weights / self._weighed
        return Picture(
            drawings=[self._drawing(log.names[index], index) for index in self._fans],
            rows=np.arange(1, self._slots + 1) * self._end / self._slots,
            scored=scored,
            horizon=self._followed,
            step=log.step,
            window=round(span * self._end / self._slots),
            mae={name: sums.rolling(span) for name, sums in self._errors.items()},
            weights=weights,
            drifts=list(self._drifts.values()),
        )

    def _slot(self, rows: Integers) -> Integers:
        return rows * self._slots // self._end

    def _add_fans(self, batch: Log, forecasts: Forecasts) -> None:
        """The last ones of the first series, two horizons apart."""
        left = self._actuals.score_to[batch.series] - 1 - batch.rows
        wanted = np.isin(left, self._horizon * (2 * np.arange(FANS) + 1)) & np.isin(batch.series, list(self._fans))
        wanted &= self._actuals.scored(batch.series, batch.rows)
        for place in np.flatnonzero(wanted):
            fan = Fan(int(batch.rows[place]), forecasts.mean[place].copy(), forecasts.quantiles[place].copy())
            self._fans[int(batch.series[place])].append(fan)

    def _add_weights(self, batch: Log, by_expert: ExpertForecasts) -> None:
        weights = by_expert.weights[:, :, self._followed - 1]  # (N, E)
        slots = self._slot(batch.rows)
        np.add.at(self._weights.T, slots, weights)
        np.add.at(self._weighed, slots, weights.sum(axis=1))

    def _add_drifts(self, batch: Log, forecasts: Forecasts) -> None:
        noticed = np.maximum.accumulate(np.append(self._noticed, forecasts.drifts))
        self._noticed = int(noticed[-1])
        for row in batch.rows[np.diff(noticed) > 0].tolist():
            self._drifts.setdefault(row * self._slots // self._end, row)

    def _drawing(self, name: str, index: int) -> Drawing:
        end, first = int(self._actuals.score_to[index]), int(self._actuals.first[index])
        begin = max(0, end - (2 * FANS + 1) * self._horizon)
        return Drawing(name, begin, self._actuals.values[first + begin : first + end], self._fans[index])


class _Sums(NamedTuple):
    """Of absolute errors, by the slot of the origin."""

    total: Floats  # (B,)
    steps: Floats  # (B,) how many

    def rolling(self, span: int) -> Floats:
        """Mean over so many slots up to each; NaN until so many have been scored."""
        means = np.full(len(self.steps), np.nan)
        scored = np.flatnonzero(self.steps)
        if len(scored):
            first, end = scored[0] + span - 1, scored[-1] + 1
            totals, counts = (np.convolve(one, np.ones(span))[first:end] for one in self)
            means[first:end] = totals / np.maximum(counts, 1)
        return means
