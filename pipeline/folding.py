"""Folds what a cycle has read, partition by partition, into what the cycle publishes."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from pipeline.cluster import TopicPartition, place
from pipeline.counts import Counts
from pipeline.fates import Fates
from pipeline.fold import Failure, Fold, Publish
from pipeline.held import Held
from pipeline.instruments import Instruments
from pipeline.measures import Measures, count, joined
from pipeline.messages import Outgoing, Record
from pipeline.metrics import Metrics
from pipeline.parts import Parts
from pipeline.publisher import Publication
from pipeline.watchdog import LONG

logger = logging.getLogger(__name__)

MOST_TRACES = 100
"""Tracebacks of a connection; after these, failures are only counted."""


class Folded(NamedTuple):
    """What a cycle's records came to."""

    publication: Publication
    counts: Counts
    faults: Counter[TopicPartition]
    """Failures of the model, of records that are not out already."""
    fates: dict[TopicPartition, Fates]
    measures: Measures


class Folding:
    """Folds records into the shards that are held.

    Parameters
    ----------
    instruments
        What it measures by.
    between
        Called after each part of a long fold.
    """

    def __init__(self, instruments: Instruments, between: Callable[[], None]) -> None:
        self._instruments = instruments
        self._parts = Parts(instruments.clock.now, between)
        self._told: set[tuple[TopicPartition, str | None, str]] = set()

    def fold(
        self,
        gathered: Mapping[TopicPartition, Sequence[Record]],
        held: Mapping[TopicPartition, Held],
        publish: Publish,
    ) -> Folded:
        """Fold the records of the partitions that are held; those of others are dropped.

        Records before the committed offset are folded in silence: what comes of them is out already.
        """
        forecasts: list[Outgoing] = []
        letters: list[Outgoing] = []
        offsets: dict[TopicPartition, int] = {}
        counts, faults, fates = Counts(), Counter[TopicPartition](), dict[TopicPartition, Fates]()
        measures: list[Measures] = []
        for partition, records in gathered.items():
            one = held.get(partition)
            if one is None:
                continue
            out_already = [record for record in records if record.offset < one.committed]
            before = self._fold_one(one, out_already, "none")
            folded = self._fold_one(one, records[len(out_already) :], publish)
            self._tell(partition, (*before.failures, *folded.failures))
            forecasts.extend(folded.forecasts)
            letters.extend(folded.dead_letters)
            counts += folded.counts
            faults[partition] += len(folded.failures)
            fates[partition] = folded.fates
            measures.append(folded.measures)
            one.note_time(records)
            if one.shard.next_offset > one.committed:
                offsets[partition] = one.shard.next_offset
        return Folded(Publication(forecasts, letters, offsets), counts, faults, fates, joined(measures))

    def _fold_one(self, held: Held, records: Sequence[Record], publish: Publish) -> Fold:
        if not records:
            return Fold([], [], Counts(), {})
        with self._instruments.watchdog.watching("fold", LONG):
            folded = self._parts.fold(held.shard, records, publish)
        self._instruments.count_seconds(folded.seconds)
        return folded

    def _tell(self, partition: TopicPartition, failures: Iterable[Failure]) -> None:
        """Log the first failure of the model of each series with its traceback."""
        for failure in failures:
            key = (partition, failure.series, failure.stage)
            if key in self._told or len(self._told) >= MOST_TRACES:
                continue
            self._told.add(key)
            logger.error(
                "%s, offset %d: the model failed (%s); %s; please report this with the record:\n%s",
                place(partition),
                failure.offset,
                failure.stage,
                "this step is left out" if failure.series is None else f"series {failure.series!r} starts anew",
                failure.trace,
            )


def count_committed(metrics: Metrics, folded: Folded, horizon: int, now: float) -> None:
    """Take a cycle that was committed at this time, seconds since the epoch, into the metrics."""
    metrics.commits.inc()
    metrics.last_commit_timestamp_seconds.set(now)
    _count_observations(metrics, folded.counts)
    count(metrics, folded.measures, horizon, now)
    for partition, number in folded.faults.items():
        metrics.faults.labels(partition.topic, str(partition.partition)).inc(number)


def _count_observations(metrics: Metrics, counts: Counts) -> None:
    """Take what became of the observations that were committed into the metrics."""
    metrics.observations.inc(counts.observations)
    metrics.forecasts.inc(counts.forecasts)
    metrics.superseded.inc(counts.superseded)
    metrics.late.inc(counts.late)
    metrics.repeated.inc(counts.repeated)
    metrics.masked_covariates.inc(counts.masked_covariates)
    metrics.out_of_bounds.inc(counts.out_of_bounds)
    for reason, number in counts.dead_letters.items():
        metrics.dead_letters.labels(reason).inc(number)
    for reason, number in counts.skipped.items():
        metrics.skipped.labels(reason).inc(number)
