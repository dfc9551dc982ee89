"""Live scores: forecasts that went out, held against the values that came.

They are for whoever watches the model, and no part of its state: no forecast depends on them, and no dump holds them.
To cost little, a few horizons stand for all, and the first series of a bank for the others.

Letters: N observations of a call, R series that are scored, K scored horizons, O forecasts of a series that wait for
their values, B buckets of horizons.
"""

import math
from typing import NamedTuple

import numpy as np

from lstm_stream.arithmetic import Doubles, Real, Wholes
from lstm_stream.columns import grown
from lstm_stream.compiled import compiled, entry
from lstm_stream.forecasts import Forecasts
from lstm_stream.grid import FORECAST
from lstm_stream.references import References, refer

BUCKETS = {"1": 1, "2-8": 8, "9-24": 24, "25-96": 96, "97-": 1 << 62}
"""The last horizon of each bucket."""
SCORED = (1, 2, 4, 8, 16, 24, 48, 96, 192, 384, 768)
"""Horizons that are scored, of those that are forecast."""
MOST_SERIES = 4096
MOST_BYTES = 8 << 20
"""Of the forecasts that wait: with a far horizon fewer series are scored."""
LARGEST = 50.0
"""In scales: a width or an error beyond this counts as this, so that one absurd value does not drown all others."""
MICROSECONDS = 1e6
COLUMNS = 6
"""Of what waits of a forecast; 8 bytes each."""


class Layout(NamedTuple):
    """What is scored of each series."""

    horizon: Wholes  # (K,)
    place: Wholes  # (K,) of the first of its h forecasts that wait
    bucket: Wholes  # (K,)

    @classmethod
    def of(cls, horizon: int) -> "Layout":
        """Of forecasts so many steps ahead."""
        scored = np.asarray([h for h in SCORED if h <= horizon])
        return cls(scored, np.cumsum(scored) - scored, np.searchsorted(list(BUCKETS.values()), scored))


class Waiting(NamedTuple):
    """Forecasts that wait for their values; that of horizon h and step t lies at place + t % h."""

    made: Wholes  # (R, O) step of its origin, counted from 1; 0: there is none
    mean: Doubles  # (R, O)
    lower: Doubles  # (R, O) lowest quantile
    upper: Doubles  # (R, O) highest quantile
    latest: Doubles  # (R, O) last known value at the origin
    scale: Doubles  # (R, O) of the series at the origin
    step: Wholes  # (R,) steps of the series so far
    time: Wholes  # (R,) of the last one, microseconds
    value: Doubles  # (R,) last known value; NaN before the first

    @classmethod
    def empty(cls, layout: Layout) -> "Waiting":
        """Of no series."""
        kept = np.zeros((0, int(layout.horizon.sum())))
        whole = np.zeros(0, np.int64)
        return cls(kept.astype(np.int64), kept, kept, kept, kept, kept, whole, whole, np.zeros(0))


class Scores(NamedTuple):
    """Sums over scored values, by bucket of horizons; widths and errors in the scale of their series."""

    scored: Doubles  # (B,) how many
    covered: Doubles  # (B,) of these between the outermost quantiles
    width: Doubles  # (B,) distance of these two
    error: Doubles  # (B,) absolute, of the mean
    error_of_last_value: Doubles  # (B,) absolute, of the last known value in its place

    @classmethod
    def zeros(cls) -> "Scores":
        """Of nothing."""
        return cls(*np.zeros((5, len(BUCKETS))))

    def plus(self, other: "Scores") -> "Scores":
        """The sums of both."""
        return Scores(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def buckets(horizon: int) -> tuple[str, ...]:
    """Names of the buckets that forecasts of so many steps have.

    Examples
    --------
    >>> buckets(1), buckets(12)
    (('1',), ('1', '2-8', '9-24'))
    """
    last = int(np.searchsorted(list(BUCKETS.values()), horizon))
    return tuple(BUCKETS)[: last + 1]


class LiveScores:
    """Holds the forecasts of a bank against what comes.

    Parameters
    ----------
    horizon
        Steps that a forecast tells.

    Examples
    --------
    >>> from lstm_stream import Bank, Hyperparameters
    >>> bank, scores = Bank(Hyperparameters(horizon=2)), LiveScores(2)
    >>> times, values = np.arange(200) * 3_600_000_000, np.arange(200) % 2.0
    >>> forecasts = bank.observe(["a"] * 200, times, values)
    >>> scores.score(np.zeros(200, np.int64), times, values, forecasts).scored.tolist()
    [135.0, 134.0, 0.0, 0.0, 0.0]
    """

    def __init__(self, horizon: int) -> None:
        self._layout = Layout.of(horizon)
        self._waiting, self._refer = Waiting.empty(self._layout), References()
        self._most = max(1, min(MOST_SERIES, MOST_BYTES // (8 * COLUMNS * int(self._layout.horizon.sum()))))

    def score(self, rows: Wholes, times: Wholes, values: Doubles, forecasts: Forecasts) -> Scores:
        """Score what came, and keep the forecasts made from it.

        Parameters
        ----------
        rows : (N,)
            The series of each observation, by its number in the bank.
        times, values : (N,)
            Microseconds since the epoch; finite, or NaN where missing.
        forecasts
            What the bank said.
        """
        scores = Scores.zeros()
        if len(rows):
            self._make_room(int(rows.max()) + 1)
            come = Come(rows, times, values)
            hold(self._refer(self._layout), self._refer(self._waiting), refer(come), refer(forecasts), refer(scores))
        return scores

    def _make_room(self, series: int) -> None:
        room, wanted = len(self._waiting.step), min(series, self._most)
        if wanted > room:
            self._waiting = grown(self._waiting, min(max(wanted, 2 * room), self._most))


class Come(NamedTuple):
    """What came."""

    rows: Wholes  # (N,)
    times: Wholes  # (N,)
    values: Doubles  # (N,)


@entry
def hold(layout: Layout, waiting: Waiting, come: Come, forecasts: Forecasts, scores: Scores) -> None:
    """Score each value, then keep what is forecast from it."""
    for n in range(len(come.rows)):
        i = come.rows[n]
        if i < len(waiting.step) and forecasts.outcome[n] == FORECAST:
            _advance(waiting, i, come.times[n], forecasts.step[n], forecasts.restart[n])
            if not math.isnan(come.values[n]):
                _score(layout, waiting, i, come.values[n], scores)
                waiting.value[i] = come.values[n]
            _keep(layout, waiting, i, n, forecasts)


@compiled
def _advance(waiting: Waiting, i: int, time: int, step: Real, restart: bool) -> None:
    """Move on to the step of the newest observation, past those that are missing."""
    if restart or waiting.step[i] == 0:
        for place in range(waiting.made.shape[1]):
            waiting.made[i, place] = 0
        waiting.step[i], waiting.value[i] = 1, np.nan
    else:
        gap = time - waiting.time[i]
        waiting.step[i] += max(1, int(np.rint(gap / (step * MICROSECONDS)))) if step > 0 else 1
    waiting.time[i] = time


@compiled
def _score(layout: Layout, waiting: Waiting, i: int, value: Real, scores: Scores) -> None:
    """Hold a value against the forecasts that were made for it."""
    t = waiting.step[i]
    for k in range(len(layout.horizon)):
        h = layout.horizon[k]
        place, bucket = layout.place[k] + t % h, layout.bucket[k]
        if t > h and waiting.made[i, place] == t - h:
            lower, upper, scale = waiting.lower[i, place], waiting.upper[i, place], waiting.scale[i, place]
            scores.scored[bucket] += 1
            if lower <= value <= upper:
                scores.covered[bucket] += 1
            scores.width[bucket] += min((upper - lower) / scale, LARGEST)
            scores.error[bucket] += min(abs(value - waiting.mean[i, place]) / scale, LARGEST)
            scores.error_of_last_value[bucket] += min(abs(value - waiting.latest[i, place]) / scale, LARGEST)


@compiled
def _keep(layout: Layout, waiting: Waiting, i: int, n: int, forecasts: Forecasts) -> None:
    """Keep the n-th forecast until its values come; one of a warming series, or without a scale, is not scored."""
    t, last = waiting.step[i], forecasts.quantiles.shape[2] - 1
    counts = forecasts.scale[n] > 0 and not forecasts.warming[n] and not math.isnan(waiting.value[i])
    for k in range(len(layout.horizon)):
        h = layout.horizon[k]
        place = layout.place[k] + t % h
        waiting.made[i, place] = t if counts else 0
        waiting.mean[i, place] = forecasts.mean[n, h - 1]
        waiting.lower[i, place] = forecasts.quantiles[n, h - 1, 0]
        waiting.upper[i, place] = forecasts.quantiles[n, h - 1, last]
        waiting.latest[i, place] = waiting.value[i]
        waiting.scale[i, place] = forecasts.scale[n]
