"""A file's observations, and what its forecasts are scored by.

Letters: N observations of a batch.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lstm_stream import Bank, Forecasts
from pipeline.evaluation.actuals import Actuals, Rows, actuals
from pipeline.evaluation.log import Log, read_log
from pipeline.files.tables import survey

BATCH = 512
"""Observations shown at a time."""
ROWS = {
    "ETTh1": Rows(2880, 3600, 14400),
    "ETTh2": Rows(2880, 3600, 14400),
    "ETTm1": Rows(4 * 2880, 4 * 3600, 4 * 14400),
}
"""Rows as published; all other sets are split by the share of a series' own."""


class DataSet(NamedTuple):
    """What is shown, in order, and what is scored of it."""

    name: str
    log: Log
    came: Actuals

    @property
    def grouped(self) -> bool:
        """Whether several series come in one event."""
        return self.log.together > 1


def name_of(path: str | Path) -> str:
    """What a set is called."""
    return Path(path).name.removesuffix(".gz").removesuffix(".csv")


def read(path: str, most_rows: int | None = None) -> DataSet:
    """A set, or no more than so many rows of each of its series."""
    log = read_log(survey(Path(path)))
    if most_rows is not None:
        log = log.cut(log.rows < most_rows)
    return data_set(name_of(path), log, _rows(name_of(path), log))


def data_set(name: str, log: Log, rows: Rows) -> DataSet:
    """A log with what is scored of it, and no row after that."""
    values = [log.values[log.series == index] for index in range(len(log.names))]
    came = actuals(log.names, values, rows, log.season)
    for place, why in came.left_out.items():
        print(f"{name}, {log.names[place]}: left out of the means, {why}", file=sys.stderr)
    return DataSet(name, log.cut(log.rows < came.score_to[log.series]), came)


def _rows(name: str, log: Log) -> Rows:
    published = ROWS.get(name, Rows())
    fits = (published.score_from or 0) < np.bincount(log.series).min()
    return published if fits else Rows()


def show(bank: Bank, batch: Log) -> Forecasts:
    """Show observations to a bank, those of one event together where it has groups."""
    names = [batch.names[index] for index in batch.series]
    return bank.observe(names, batch.times, batch.values, events=batch.events if bank.rules.groups else None)
