"""What a fold measures for whoever watches the daemon, and how it gets into the metrics once it is committed."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream import Scores, buckets
from pipeline.metrics import Metrics

MILLISECONDS, MICROSECONDS = 1e3, 1e6  # in a second


class Measures(NamedTuple):
    """Measured in one fold, or in several.

    Attributes
    ----------
    origins
        Times of the forecasts that go out, microseconds since the epoch.
    records
        Kafka's times of the records, milliseconds since the epoch; without those that have none.
    surprises
        Of the observations that have one.
    scores
        Forecasts held against what came.
    """

    origins: npt.NDArray[np.int64]
    records: npt.NDArray[np.int64]
    surprises: npt.NDArray[np.float64]
    scores: Scores

    @classmethod
    def nothing(cls) -> "Measures":
        """Of no record."""
        whole = np.zeros(0, np.int64)
        return cls(whole, whole, np.zeros(0), Scores.zeros())


def joined(each: Iterable[Measures]) -> Measures:
    """Several as one."""
    origins, records, surprises, scores = zip(Measures.nothing(), *each, strict=True)
    total = Scores.zeros()
    for one in scores:
        total = total.plus(one)
    return Measures(np.concatenate(origins), np.concatenate(records), np.concatenate(surprises), total)


def begin(metrics: Metrics, horizon: int) -> None:
    """Let the counters of each bucket of horizons stand at 0."""
    _add(metrics, Scores.zeros(), buckets(horizon))


def count(metrics: Metrics, measures: Measures, horizon: int, now: float) -> None:
    """Take what was committed into the metrics.

    Parameters
    ----------
    horizon
        Steps that a forecast tells.
    now
        The time of the commit, seconds since the epoch. Who is ahead of it counts as of now.
    """
    metrics.event_to_commit_seconds.observe_all(np.maximum(now - measures.origins / MICROSECONDS, 0.0))
    metrics.record_to_commit_seconds.observe_all(np.maximum(now - measures.records / MILLISECONDS, 0.0))
    metrics.surprise.observe_all(measures.surprises)
    if measures.scores.scored.any():
        _add(metrics, measures.scores, buckets(horizon))


def _add(metrics: Metrics, scores: Scores, names: Iterable[str]) -> None:
    columns = zip(names, *(column.tolist() for column in scores), strict=False)  # no more buckets than there are names
    for horizon, scored, covered, width, error, error_of_last_value in columns:
        metrics.scored.labels(horizon).inc(scored)
        metrics.covered.labels(horizon).inc(covered)
        metrics.interval_width.labels(horizon).inc(width)
        metrics.absolute_error.labels(horizon, "forecast").inc(error)
        metrics.absolute_error.labels(horizon, "last_value").inc(error_of_last_value)
