"""A long fold in parts, so that the worker can do something else in between.

Any split of the log gives the same bytes.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from pipeline.counts import Counts
from pipeline.fates import Fates
from pipeline.fold import Fold, Publish
from pipeline.measures import joined
from pipeline.messages import Outgoing, Record

AIM = 0.25
"""Seconds that a part should take: questions are answered between two."""
LEAST, MOST = 32, 1 << 20
"""Records of a part; parts of fewer cost more than one fold of all (measured: 7 % at 128 records of 52 series, 18 % at
64)."""


class Folding(Protocol):
    """What folds records."""

    def fold(self, records: Sequence[Record], publish: Publish) -> Fold: ...


class Parts:
    """Folds records in parts that take about `AIM` seconds each.

    Parameters
    ----------
    now
        The time in seconds, from any start.
    between
        Called after each part.
    """

    def __init__(self, now: Callable[[], float], between: Callable[[], None]) -> None:
        self._now, self._between = now, between
        self._size = LEAST

    def fold(self, shard: Folding, records: Sequence[Record], publish: Publish) -> Fold:
        """What `shard.fold` would give for all of them at once."""
        return _together(list(self._folds(shard, records, publish)), publish)

    def _folds(self, shard: Folding, records: Sequence[Record], publish: Publish) -> Iterator[Fold]:
        begin = 0
        while begin < len(records):
            started, part = self._now(), records[begin : begin + self._size]
            yield shard.fold(part, publish)
            begin += len(part)
            self._learn(len(part), self._now() - started)
            self._between()

    def _learn(self, records: int, seconds: float) -> None:
        """Twice the size at most: a part may have been quick by chance. A part that was cut short tells nothing."""
        if records < self._size and seconds < AIM:
            return
        size = 2 * records if seconds <= 0 else min(2 * records, int(records * AIM / seconds))
        self._size = min(max(size, LEAST), MOST)


def _together(folds: Sequence[Fold], publish: Publish) -> Fold:
    """Several folds as one."""
    counts = sum((fold.counts for fold in folds), Counts())
    forecasts = [one for fold in folds for one in fold.forecasts]
    if publish == "latest" and len(folds) > 1:
        newest = _newest(forecasts)
        counts = counts + Counts(forecasts=len(newest) - len(forecasts), superseded=len(forecasts) - len(newest))
        forecasts = newest
    stages = dict.fromkeys(stage for fold in folds for stage in fold.seconds)
    return Fold(
        forecasts,
        [one for fold in folds for one in fold.dead_letters],
        counts,
        {stage: sum(fold.seconds.get(stage, 0.0) for fold in folds) for stage in stages},
        tuple(failure for fold in folds for failure in fold.failures),
        _joined([fold.fates for fold in folds]),
        joined(fold.measures for fold in folds),
    )


def _joined(fates: Sequence[Fates]) -> Fates:
    """Fates in the order of the log; the series are those before the first."""
    return Fates(
        tuple(one for each in fates for one in each.each),
        tuple(one for each in fates for one in each.masked),
        fates[0].series if fates else 0,
    )


def _newest(forecasts: Sequence[Outgoing]) -> list[Outgoing]:
    """The last of each series, in the order of the log."""
    newest: dict[bytes | None, Outgoing] = {}
    for one in forecasts:
        newest.pop(one.key, None)
        newest[one.key] = one
    return list(newest.values())
