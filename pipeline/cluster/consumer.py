"""The consumer: the client of the package `kafka`, mended where a reader must not stand still."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import SupportsIndex, overload

from kafka import KafkaConsumer
from kafka.errors import CorruptRecordError
from kafka.record import memory_records
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch
from kafka.structs import TopicPartition

from pipeline.cluster.connection import connected
from pipeline.cluster.protocols import Message
from pipeline.messages import Record
from pipeline.settings import Kafka


class _Lenient(bytearray):
    """Text in it that is not UTF-8 is read with U+FFFD in its place."""

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> int: ...
    @overload
    def __getitem__(self, index: slice, /) -> bytearray: ...
    def __getitem__(self, index: SupportsIndex | slice, /) -> int | bytearray:
        found = super().__getitem__(index)
        return _Lenient(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


class _Batch(DefaultRecordBatch):
    """A batch whose headers may have any name, as in the Java client.

    The client's own gives up at a name that is not UTF-8, and with it all that follows in the log, for ever: it reads
    a batch from its start, so that a seek past the one record ends there again.
    """

    def __next__(self) -> DefaultRecord:
        try:
            return self._next()
        except CorruptRecordError:
            self._buffer = _Lenient(self._buffer)
        try:
            return self._next()
        except CorruptRecordError as error:
            raise CorruptRecordError(f"{error} in the batch of {self.base_offset} to {self.last_offset}") from None

    def _next(self) -> DefaultRecord:
        found: DefaultRecord = DefaultRecordBatch.__next__(self)
        return found


class _Consumer(KafkaConsumer):
    """The client, which also tells the id of a topic, and the committed offsets of many partitions at once.

    It also ends each join of the group that it has begun. The client's own (3.0.12) asks at each poll anew whether a
    join is needed. One that a change of a topic began, such as a new partition, is not needed any more once this
    member has dealt the partitions out. Where that happens between two polls, the client never looks at the answer,
    sends no heartbeat, is put out of the group, and does not notice.
    """

    def poll(
        self, timeout_ms: float = 0, max_records: int | None = None, update_offsets: bool = True
    ) -> Mapping[TopicPartition, Sequence[Message]]:
        """As the client's own."""
        if self._coordinator.rejoining:  # it changes only while this thread polls
            self._coordinator.request_rejoin()
        poll: Callable[..., Mapping[TopicPartition, Sequence[Message]]] = super().poll
        return poll(timeout_ms, max_records, update_offsets)

    def topic_id(self, topic: str) -> str | None:
        """Another one after the topic was deleted and made again."""
        found = self._manager.cluster.topic_id(topic)
        return None if found is None else str(found)

    def committed_offsets(
        self, partitions: Collection[TopicPartition], timeout_ms: float
    ) -> Mapping[TopicPartition, int]:
        """Of those that have one: all as of one moment."""
        found = self._coordinator.fetch_committed_offsets(list(partitions), timeout_ms=timeout_ms)
        return {partition: one.offset for partition, one in found.items()}


def reading(kafka: Kafka, **options: object) -> _Consumer:
    """Make a consumer; it has no option for how it reads a batch."""
    memory_records.DefaultRecordBatch = _Batch  # type: ignore[attr-defined]
    return connected(_Consumer, kafka, **options)


def record(message: Message) -> Record:
    """The client's record as ours."""
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=-1 if message.timestamp is None else message.timestamp,
        key=message.key,
        value=message.value,
        headers=tuple(message.headers),
    )
