"""Reading topics without a group: what is committed, up to the end or from now on."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from pipeline.cluster.connection import ClusterError, reason
from pipeline.cluster.consumer import reading, record
from pipeline.cluster.protocols import Outsider
from pipeline.messages import Record
from pipeline.settings import Settings

logger = logging.getLogger("pipeline.cluster")

POLL_MS = 200


def outsider(settings: Settings) -> Outsider:
    """A consumer of no group, which reads what is committed."""
    options = {"isolation_level": "read_committed", "auto_offset_reset": "none", "enable_auto_commit": False}
    return reading(settings.kafka, allow_auto_create_topics=False, **options)


def read_topic(settings: Settings, topic: str, most: int | None = None) -> Iterator[Record]:
    """Read what is committed of a topic, from its start to where it ends now; the order is that of each partition.

    Of more records than `most` the oldest are left out, so that as many of each partition remain, and it is said. A
    transaction that is still open holds readers back; when it lasts longer than a transaction may, what came before it
    is all that is read.
    """
    kafka = settings.kafka
    consumer: Outsider = reading(
        kafka, isolation_level="read_committed", auto_offset_reset="none", enable_auto_commit=False
    )
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        if not partitions:
            raise ClusterError(f"topic `{topic}` is missing; run `lstm-stream topics`, or name another topic")
        consumer.assign(partitions)
        patience = kafka.transaction_timeout + 10.0
        for partition, offset in _firsts(consumer, partitions, most, patience).items():
            consumer.seek(partition, offset)
        yield from _to_the_end(consumer, partitions, patience)
    finally:
        consumer.close()


def _firsts(
    consumer: Outsider, partitions: Sequence[TopicPartition], most: int | None, patience: float
) -> Mapping[TopicPartition, int]:
    """Where to begin to read each partition."""
    begins: Mapping[TopicPartition, int] = consumer.beginning_offsets(partitions)
    if most is None:
        return begins
    ends, each = _ends(consumer, begins, patience), max(1, most // len(partitions))
    firsts = {one: max(begin, ends[one] - each) for one, begin in begins.items()}
    if left := sum(firsts.values()) - sum(begins.values()):
        logger.warning("the oldest %d records are left out, %d of each partition are read", left, each)
    return firsts


def _ends(consumer: Outsider, begins: Mapping[TopicPartition, int], patience: float) -> Mapping[TopicPartition, int]:
    """The end of each partition: the high watermark that a fetch tells.

    Not `end_offsets`: the embedded broker answers it with an offset inside the last batch.
    """
    for partition, offset in begins.items():
        consumer.seek(partition, offset)
    begun = time.monotonic()
    while time.monotonic() - begun < patience:
        consumer.poll(POLL_MS, max_records=1)
        ends = {partition: end for partition in begins if (end := consumer.highwater(partition)) is not None}
        if len(ends) == len(begins):
            return ends
    return consumer.end_offsets([*begins])


def _to_the_end(consumer: Outsider, partitions: Sequence[TopicPartition], patience: float) -> Iterator[Record]:
    """The end of a partition is the first high watermark that a fetch tells, as in `_ends`."""
    ends: dict[TopicPartition, int] = {}
    moved, before = time.monotonic(), -1
    while time.monotonic() - moved < patience:
        for messages in consumer.poll(POLL_MS, max_records=5000).values():
            yield from map(record, messages)
        for partition in partitions:
            end = consumer.highwater(partition)
            if end is not None:
                ends.setdefault(partition, end)
        positions = {partition: consumer.position(partition) for partition in partitions}
        if len(ends) == len(partitions) and all(positions[one] >= ends[one] for one in partitions):
            return
        if sum(positions.values()) != before:
            moved, before = time.monotonic(), sum(positions.values())
    logger.warning("an open transaction holds the readers back; what came before it has been read")


class Newcomers:
    """What is committed to some topics from the moment that its block begins.

    Parameters
    ----------
    settings
        Where the cluster is.
    topics
        Which.
    """

    def __init__(self, settings: Settings, topics: Sequence[str]) -> None:
        self._settings, self._topics = settings, topics

    def __enter__(self) -> Self:
        consumer = outsider(self._settings)
        partitions = [
            TopicPartition(topic, number)
            for topic in self._topics
            for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        consumer.assign(partitions)
        for partition, offset in consumer.end_offsets(partitions).items():
            consumer.seek(partition, offset)
        self._consumer = consumer
        return self

    def poll(self) -> list[Record]:
        """What has come since; waits a moment where that is nothing."""
        try:
            come = self._consumer.poll(POLL_MS, max_records=5000)
        except KafkaError as error:
            raise ClusterError(f"cannot read {' and '.join(self._topics)}: {reason(error)}") from error
        return [record(message) for messages in come.values() for message in messages]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()
