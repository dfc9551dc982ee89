"""A sample of a topic: both ends of each partition, read without a trace."""

import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from pipeline.cluster.connection import ClusterError, reason
from pipeline.cluster.consumer import record
from pipeline.cluster.protocols import Outsider
from pipeline.cluster.topic_reader import POLL_MS, outsider
from pipeline.messages import Record
from pipeline.settings import Settings

SAMPLE_PATIENCE = 5.0  # seconds without a new record until a sample is taken as it is


class Part(NamedTuple):
    """What was read of one partition.

    Attributes
    ----------
    partition, first, end
        Which, the first offset that it still has, and the end of its log.
    stretches
        Records without a gap between them: from its start, and up to its end. One where they meet.
    """

    partition: int
    first: int
    end: int
    stretches: tuple[tuple[Record, ...], ...]


class Sample(NamedTuple):
    """A look at a topic.

    Attributes
    ----------
    topic, parts
        Which, and what was read of its partitions.
    held_back
        Whether an open transaction, or the end of the time, kept some of the records back.
    """

    topic: str
    parts: tuple[Part, ...]
    held_back: bool


def sample_topic(settings: Settings, topic: str, records: int, seconds: float = 20.0) -> Sample:
    """Read some records of a topic, from the start and from the end of each partition, and leave no trace.

    No group is joined and nothing is committed. What is not committed yet is not read.

    Raises
    ------
    ClusterError
        The cluster does not answer, or the topic is missing or empty.
    """
    consumer = outsider(settings)
    try:
        partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        if not partitions:
            servers = settings.kafka.bootstrap_servers
            raise ClusterError(f"topic `{topic}` is missing at {servers}; name another one in kafka.input or --topic")
        sampler = _Sampler(consumer, partitions, -(-records // (2 * len(partitions))), seconds)
        sample = Sample(topic, tuple(sampler.parts()), sampler.held_back)
    except KafkaError as error:
        raise ClusterError(f"cannot read topic `{topic}`: {reason(error)}; may this user read it?") from error
    finally:
        consumer.close()
    if not any(part.stretches for part in sample.parts) and sample.held_back:
        raise ClusterError(
            f"no record of topic `{topic}` came in {SAMPLE_PATIENCE:g} s: an open transaction holds it back, or"
            " the broker is slow; try again"
        )
    if not any(part.stretches for part in sample.parts):
        gone = sum(part.end for part in sample.parts)
        if gone:
            raise ClusterError(
                f"topic `{topic}` is empty: the {gone:,} records that it had are gone, by retention.ms or another way;"
                " Kafka goes by the records' own times, so that what is old when it is written goes at once"
            )
        raise ClusterError(
            f"topic `{topic}` is empty; write to it first, or name another one in kafka.input or --topic"
        )
    return sample


class _Sampler:
    """Reads the two ends of each partition.

    Parameters
    ----------
    consumer
        Of no group.
    partitions
        Which to read.
    most
        Records to read at each end of each.
    seconds
        To read for, in all.
    """

    def __init__(self, consumer: Outsider, partitions: list[TopicPartition], most: int, seconds: float) -> None:
        self._consumer, self._partitions, self._most = consumer, partitions, most
        self._until = time.monotonic() + seconds
        self._ends: dict[TopicPartition, int] = {}
        self.held_back = False

    def parts(self) -> Iterator[Part]:
        """Read."""
        consumer, partitions = self._consumer, self._partitions
        first = consumer.beginning_offsets(partitions)
        heads = self._read(first)
        after = {one: head[-1].offset + 1 if head else first[one] for one, head in heads.items()}
        ends = {one: self._ends.get(one, offset) for one, offset in after.items()}
        tails = self._read({one: max(after[one], end - self._most) for one, end in ends.items() if after[one] < end})
        for one in partitions:
            head, tail = tuple(heads[one]), tuple(tails.get(one, ()))
            meet = not tail or after[one] >= ends[one] - self._most
            stretches = (head + tail,) if meet else (head, tail)
            yield Part(one.partition, first[one], ends[one], tuple(each for each in stretches if each))

    def _read(self, starts: Mapping[TopicPartition, int]) -> dict[TopicPartition, list[Record]]:
        """So many records of each from there on, or what there is up to what is its end now."""
        consumer, read = self._consumer, {one: list[Record]() for one in starts}
        open_ones = set(starts)
        if not starts:
            return read
        consumer.assign(list(open_ones))
        consumer.resume(*open_ones)
        for one, offset in starts.items():
            consumer.seek(one, offset)
        moved, before = time.monotonic(), -1
        while open_ones and time.monotonic() < min(self._until, moved + SAMPLE_PATIENCE):
            for one, messages in consumer.poll(POLL_MS, max_records=1000).items():
                read[one].extend(record(message) for message in messages[: self._most - len(read[one])])
            reached = {one: consumer.position(one) for one in open_ones}
            for one in list(open_ones):
                end = consumer.highwater(one)
                if end is not None:
                    self._ends.setdefault(one, end)
                if len(read[one]) >= self._most or (one in self._ends and reached[one] >= self._ends[one]):
                    open_ones.discard(one)
                    consumer.pause(one)
            if sum(reached.values()) != before:
                moved, before = time.monotonic(), sum(reached.values())
        self.held_back = self.held_back or bool(open_ones)
        return read
