"""A whole file's observations in the order in which a model is shown them.

Letters: N observations, S series, C covariates.
"""

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.evaluation.actuals import Floats, Integers
from pipeline.files.file_options import Fields, FileOptions
from pipeline.files.rhythm import Rhythm, rhythm_of
from pipeline.files.tables import Table, survey
from pipeline.files.telling import told_of


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
    said_rhythm, said_season
        What is known of steps and seasons already; None, 0: they are found out.
    """

    names: tuple[str, ...]
    together: int
    series: Integers
    rows: Integers
    times: Integers
    values: Floats
    events: Integers
    covariates: Floats
    said_rhythm: Rhythm | None = None
    said_season: int = 0

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
    def rhythm(self) -> Rhythm:
        """What lies between its rows."""
        return self.said_rhythm or rhythm_of(self.series, self.times)

    @property
    def step(self) -> float:
        """Seconds from one row to the next, the median; 0 where there are no two."""
        return self.rhythm.step

    @property
    def season(self) -> int:
        """Steps of the season that was named, or that the step suggests."""
        return self.said_season or self.rhythm.season


def read_log(table: Table, season: int = 0) -> Log:
    """A whole table in memory; rows of one series and time stamp are put a microsecond apart.

    Parameters
    ----------
    table
        The file.
    season
        Steps of a season; 0: those that the step suggests.
    """
    place = {name: index for index, name in enumerate(table.series)}
    series, times, values = array("q"), array("q"), array("d")
    for each in table.read():
        series.append(place[each.series])
        times.append(each.time)
        values.append(each.value)
    return Log(
        names=table.series,
        together=table.together,
        series=np.array(series),
        rows=rows_of(np.array(series)),
        times=_apart(np.array(series), np.array(times)),
        values=np.array(values),
        events=np.arange(len(values)) // table.together,
        covariates=_covariates(table),
        said_rhythm=table.rhythm,
        said_season=season,
    )


class Past(NamedTuple):
    """What an evaluation is of.

    Attributes
    ----------
    name
        Of the file or topic.
    log
        What it holds.
    told
        How it was read, in a line, and what was left out, in others.
    """

    name: str
    log: Log
    told: tuple[str, ...]


def read_file(path: Path, fields: Fields, options: FileOptions, season: int = 0) -> Past:
    """A file, as `read_log`; raises TableError."""
    table = survey(path, fields, options)
    return Past(path.name, read_log(table, season), tuple(told_of(table, season)))


def _apart(series: Integers, times: Integers) -> Integers:
    """Times that rise within each series."""
    order = np.argsort(series, kind="stable")
    ends = np.flatnonzero(np.diff(series[order])) + 1
    apart = np.empty_like(times)
    for own in np.split(order, ends):
        rows = np.arange(len(own))
        apart[own] = np.maximum.accumulate(times[own] - rows) + rows
    return apart


def rows_of(series: Integers) -> Integers:
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
