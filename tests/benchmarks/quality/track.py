"""How a run went, row by row.

Letters: S series, T rows, H horizons.
"""

from typing import NamedTuple

import numpy as np

from lstm_stream import Bank
from pipeline.evaluation.actuals import Floats
from pipeline.evaluation.log import Log
from tests.benchmarks.quality.dataset import BATCH, DataSet, show

HORIZON = 24
HORIZONS = (1, HORIZON)


class Track(NamedTuple):
    """Of the forecasts from each row on; NaN where what they are of did not come."""

    error: Floats  # (S, T, H) absolute, in units
    inside: Floats  # (S, T, H) 1 where it came within the outermost quantiles, else 0
    finite: bool  # all that was forecast


def show_all(bank: Bank, log: Log) -> None:
    """Show a log and look at nothing."""
    for batch in log.batches(BATCH):
        show(bank, batch)


def track(bank: Bank, data: DataSet, since: int = 0) -> Track:
    """Show the rows of a set from one on."""
    log = data.log.cut(data.log.rows >= since)
    shape = (len(log.names), int(log.rows.max()) + 1 - since, HORIZON)
    error, inside, finite = np.full(shape, np.nan), np.full(shape, np.nan), True
    for batch in log.batches(BATCH):
        forecasts = show(bank, batch)
        targets = data.came.targets(batch.series, batch.rows, HORIZON)
        where = batch.series, batch.rows - since
        error[where] = np.abs(forecasts.mean - targets) / data.came.unit[batch.series, None]
        low, high = forecasts.quantiles[:, :, 0], forecasts.quantiles[:, :, -1]
        inside[where] = np.where(np.isnan(targets), np.nan, (low <= targets) & (targets <= high))
        finite = finite and bool(np.isfinite(forecasts.mean).all() and np.isfinite(forecasts.quantiles).all())
    return Track(error, inside, finite)


def by_origin(each: Floats, horizon: int) -> Floats:
    """Mean (T,) over series and steps up to a horizon, of the rows whose steps have all come."""
    mean: Floats = each[:, :, :horizon].mean((0, 2))
    return mean[np.isfinite(mean)]
