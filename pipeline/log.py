"""A whole file's observations in the order in which a model is shown them.

Letters: N observations, S series, C covariates.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.scoring import Floats, Integers, season_of
from pipeline.tables import Table


class Log(NamedTuple):
    """Observations, each row of a series its next step.

    Attributes
    ----------
    names : (S,)
        The series.
    together
        How many observations an event holds at most: the series of one event inform each other.
    series, rows, times, values : (N,)
        Of each observation: which series, its how manyth row, time in microseconds, value (NaN: missing).
    events : (N,)
        Which event each observation came in, never falling.
    covariates : (N, C)
        Numbers known with it, NaN where one is not.
    """

    names: tuple[str, ...]
    together: int
    series: Integers
    rows: Integers
    times: Integers
    values: Floats
    events: Integers
    covariates: Floats

    def cut(self, use: npt.NDArray[np.bool_] | slice) -> "Log":
        """Some of the observations."""
        return self._replace(
            series=self.series[use],
            rows=self.rows[use],
            times=self.times[use],
            values=self.values[use],
            events=self.events[use],
            covariates=self.covariates[use],
        )

    def batches(self, size: int) -> Iterator["Log"]:
        """The whole log in parts of about so many observations, none of which ends within an event."""
        begin = 0
        while begin < len(self.events):
            last = min(begin + size, len(self.events)) - 1
            end = int(np.searchsorted(self.events, self.events[last], "right"))
            yield self.cut(slice(begin, end))
            begin = end

    @property
    def step(self) -> float:
        """Seconds from one row to the next, the median of the first series; 0 where it has one row."""
        times = self.times[self.series == 0]
        return float(np.median(np.diff(times))) / 1e6 if len(times) > 1 else 0.0

    @property
    def season(self) -> int:
        """Steps of the season that the step suggests."""
        return season_of(self.step)


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
        together=table.together,
        series=series,
        rows=rows,
        times=times,
        values=np.array([each.value for each in observations], np.float64),
        events=np.arange(len(observations)) // table.together,
        covariates=_covariates(table),
    )


def _count_up(series: Integers) -> Integers:
    """How often each entry's series occurred before it."""
    order = np.argsort(series, kind="stable")
    counts = np.bincount(series)
    rows = np.empty_like(series)
    rows[order] = np.arange(len(series)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows


def _covariates(table: Table) -> Floats:
    """Those of each observation (N, C)."""
    count = len(table.fields.covariates)
    if not count:
        return np.empty((table.observations, 0))
    known = [event.covariates for event in table.events() for _ in event.values]
    return np.array(known, np.float64).reshape(-1, count)
