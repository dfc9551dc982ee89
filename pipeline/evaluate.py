"""A model's prequential scores on a file, beside last value and seasonal naive; no broker.

Each series' rows are its steps, whatever their time stamps say: the file is read by time stamp, each row is shown
once, and the forecast taken then is scored when its targets are known (`pipeline.scoring` has the definitions).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from pipeline.scoring import HORIZONS, Floats, Integers, Report, Result, Rows, Scorer, Truth, season_of, truth
from pipeline.tables import Table

BATCH = 2048  # observations shown at a time
DRAWN = 3  # series that are drawn at most
FANS = 3  # forecasts of each that are drawn


class Fan(Protocol):
    """N forecasts: ``mean`` (N, H), ``quantiles`` (N, H, Q) in rising order; row i was taken after observation i."""

    @property
    def mean(self) -> Floats: ...

    @property
    def quantiles(self) -> Floats: ...


class Forecaster(Protocol):
    """What can be scored: shown N observations in order, a series perhaps many times, it gives N forecasts."""

    def observe(self, series: Sequence[str], times: Integers, values: Floats) -> Fan: ...


class Points(NamedTuple):
    """A baseline's forecasts, without quantiles."""

    mean: Floats  # (N, H)
    quantiles: Floats  # (N, H, 0)


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
        self._pasts: dict[str, _Past] = {}

    def observe(self, series: Sequence[str], times: Integers, values: Floats) -> Points:
        """Forecast after each of N observations; the time stamps do not matter."""
        mean = np.empty((len(times), len(self._ago)))
        names = np.array(series)
        for name in dict.fromkeys(series):
            own = np.flatnonzero(names == name)
            mean[own] = self._forecast(name, values[own])
        return Points(mean, np.empty((*mean.shape, 0)))

    def _forecast(self, name: str, values: Floats) -> Floats:
        past = self._pasts.get(name, self._unknown)
        known = np.concatenate([past.values, values])  # (P + N,)
        places = len(past.values) + np.arange(len(values))[:, np.newaxis] - self._ago  # (N, H)
        last = _last_known(past.last, values)
        self._pasts[name] = _Past(known[len(values) :], float(last[-1]))
        return np.where(np.isfinite(known[places]), known[places], last[:, np.newaxis])


class _Past(NamedTuple):
    values: Floats  # (P,), NaN where missing
    last: float  # the newest that is not missing


def _last_known(before: float, values: Floats) -> Floats:
    """Each value, or the newest before it that is not missing."""
    known = np.concatenate([[before], values])
    places = np.where(np.isfinite(known), np.arange(len(known)), 0)
    return known[np.maximum.accumulate(places)][1:]


class Log(NamedTuple):
    """A file's observations in the order in which they are shown.

    Attributes
    ----------
    names : (S,)
        The series.
    series, rows, times, values : (N,)
        Of each observation: which series, its how manyth row, time in microseconds, value (NaN: missing).
    """

    names: tuple[str, ...]
    series: Integers
    rows: Integers
    times: Integers
    values: Floats

    def cut(self, use: npt.NDArray[np.bool_] | slice) -> "Log":
        """Some of the observations."""
        return Log(self.names, self.series[use], self.rows[use], self.times[use], self.values[use])


class Drawn(NamedTuple):
    """A forecast to be drawn, in the series' own unit."""

    origin: int  # row
    mean: Floats  # (H,)
    quantiles: Floats  # (H, Q)


class Drawing(NamedTuple):
    """One series' last scored rows, and some forecasts of them."""

    name: str
    first_row: int
    values: Floats
    forecasts: list[Drawn]


class Evaluation(NamedTuple):
    """The report, and what there is to draw: errors by step (H,) of each forecaster, and the model's last forecasts."""

    report: Report
    mae_by_step: dict[str, Floats]
    drawings: list[Drawing]


def read_log(table: Table) -> Log:
    """A whole table in memory; rows of one series and time stamp are put a microsecond apart."""
    place = {name: index for index, name in enumerate(table.series)}
    observations = list(table.read())
    series = np.array([place[each.series] for each in observations], np.int64)
    times = np.array([each.time for each in observations], np.int64)
    rows = _count_up(series)
    for index in range(len(table.series)):
        own = series == index
        times[own] = np.maximum.accumulate(times[own] - rows[own]) + rows[own]
    return Log(
        names=table.series,
        series=series,
        rows=rows,
        times=times,
        values=np.array([each.value for each in observations], np.float64),
    )


def _count_up(series: Integers) -> Integers:
    """How often each entry's series occurred before it."""
    order = np.argsort(series, kind="stable")
    counts = np.bincount(series)
    rows = np.empty_like(series)
    rows[order] = np.arange(len(series)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows


def season_in(log: Log) -> int:
    """Steps of the season that the first series' median step suggests."""
    times = log.times[log.series == 0]
    return season_of(float(np.median(np.diff(times))) / 1e6) if len(times) > 1 else 1


def evaluate(
    log: Log,
    model: Forecaster,
    *,
    horizon: int,
    quantiles: Sequence[float],
    rows: Rows,
    clock: Callable[[], float] = time.perf_counter,
    progress: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Show a log to the model and both baselines, and score their forecasts.

    Parameters
    ----------
    log
        The observations.
    model
        A fresh model, whose forecasts have ``horizon`` steps and these quantiles.
    horizon
        Steps ahead; each of 1, 24 and 48 up to it is scored, and itself.
    quantiles
        Rising, in (0, 1).
    rows
        Which rows give each series' unit, and which are scored; those after them are not shown.
    clock
        Seconds, for the events a second.
    progress
        Told how many observations more have been shown.

    Raises
    ------
    ScoringError
        When a series has too few rows.
    """
    season = season_in(log)
    came = truth(log.names, [log.values[log.series == index] for index in range(len(log.names))], rows, season)
    shown = log.cut(log.rows < came.score_to[log.series])
    horizons = sorted({step for step in (*HORIZONS, horizon) if step <= horizon})
    runs = {
        "model": _Run(model, Scorer(came, horizons, quantiles[-1] - quantiles[0]), clock),
        "last_value": _Run(SeasonalNaive(horizon, 1), Scorer(came, horizons), clock),
        "seasonal_naive": _Run(SeasonalNaive(horizon, season), Scorer(came, horizons), clock),
    }
    easel = _Easel(came, horizon)
    for batch in _batches(shown):
        easel.add(batch, runs["model"].show(batch))
        runs["last_value"].show(batch)
        runs["seasonal_naive"].show(batch)
        progress(len(batch.values))
    report = Report(
        model=runs["model"].result(),
        last_value=runs["last_value"].result(),
        seasonal_naive=runs["seasonal_naive"].result(),
        series=len(log.names),
        rows=int(shown.rows.max()) + 1,
        season=season,
    )
    by_step = {name: run.scorer.mae_by_step() for name, run in runs.items()}
    return Evaluation(report, by_step, easel.drawings(log.names))


def _batches(log: Log) -> Iterator[Log]:
    for first in range(0, len(log.values), BATCH):
        yield log.cut(slice(first, first + BATCH))


class _Run:
    """One forecaster on its way through the log."""

    def __init__(self, forecaster: Forecaster, scorer: Scorer, clock: Callable[[], float]) -> None:
        self._forecaster = forecaster
        self._clock = clock
        self._seconds = 0.0
        self._shown = 0
        self.scorer = scorer

    def show(self, batch: Log) -> Fan:
        names = [batch.names[index] for index in batch.series]
        begin = self._clock()
        fan = self._forecaster.observe(names, batch.times, batch.values)
        self._seconds += self._clock() - begin
        self._shown += len(names)
        self.scorer.add(batch.series, batch.rows, fan.mean, fan.quantiles)
        return fan

    def result(self) -> Result:
        speed = self._shown / self._seconds if self._seconds > 0 else 0.0
        return Result(self.scorer.scores(), round(speed, 1))


class _Easel:
    """Keeps the model's last forecasts of the first series, a horizon apart."""

    def __init__(self, came: Truth, horizon: int) -> None:
        self._truth = came
        self._horizon = horizon
        self._kept: dict[int, list[Drawn]] = {index: [] for index in range(len(came.first))[:DRAWN]}

    def add(self, batch: Log, fan: Fan) -> None:
        left = self._truth.score_to[batch.series] - 1 - batch.rows
        wanted = np.isin(left, self._horizon * (2 * np.arange(FANS) + 1)) & (batch.series < DRAWN)
        wanted &= batch.rows >= self._truth.score_from[batch.series] - 1
        for place in np.flatnonzero(wanted):
            drawn = Drawn(int(batch.rows[place]), fan.mean[place], fan.quantiles[place])
            self._kept[int(batch.series[place])].append(drawn)

    def drawings(self, names: Sequence[str]) -> list[Drawing]:
        return [self._drawing(names[index], index) for index in self._kept]

    def _drawing(self, name: str, index: int) -> Drawing:
        end, first = int(self._truth.score_to[index]), int(self._truth.first[index])
        begin = max(0, end - (2 * FANS + 1) * self._horizon)
        return Drawing(name, begin, self._truth.values[first + begin : first + end], self._kept[index])
