"""A member of a group."""

from collections.abc import Collection, Mapping, Sequence

from kafka.errors import (
    CorruptRecordError,
    IllegalStateError,
    KafkaTimeoutError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from kafka.structs import ConsumerGroupMetadata, MemberState, OffsetAndMetadata, TopicPartition

from pipeline.cluster import ConsumerRebalanceListener
from tests.fakes.broker import FakeMessage
from tests.fakes.calls import Calls


class FakeConsumer:
    """A member of the broker's one group."""

    def __init__(self, process: Calls) -> None:
        self._process, self._broker = process, process.broker
        self._member, self._generation = "", -1
        self.polled = False  # whether it has handed out records
        self._positions: dict[TopicPartition, int | None] = {}
        self._highwaters: dict[TopicPartition, int] = {}

    def subscribe(self, topics: Sequence[str], *, listener: ConsumerRebalanceListener) -> None:
        assert topics
        self._subscribed = set(topics)
        self._listener = listener

    def topics(self) -> set[str]:
        return {one.topic for one in self._broker.logs}

    def topic_id(self, topic: str) -> str | None:
        return f"{topic}-{self._broker.topic_id}"

    def poll(self, timeout_ms: float, max_records: int) -> dict[TopicPartition, list[FakeMessage]]:
        return self._process.call("poll", lambda: self._poll(timeout_ms, max_records))

    def _poll(self, timeout_ms: float, max_records: int) -> dict[TopicPartition, list[FakeMessage]]:
        self.rejoin()
        self._find_positions()
        polled: dict[TopicPartition, list[FakeMessage]] = {}
        for partition in sorted(self._positions):
            most = max_records - sum(map(len, polled.values()))
            records = self._fetch(partition, most)
            if records:
                polled[partition] = records
        self.polled = self.polled or bool(polled)
        if not polled:
            self._broker.clock.seconds += timeout_ms / 1000
        return polled

    def rejoin(self) -> None:
        """Take part in the generation of now: all partitions are given back, and dealt out anew.

        Each poll does this; the client's own thread may do it at any moment.
        """
        broker = self._broker
        if self._member not in broker.members:
            self._listener.on_partitions_lost(set(self._positions))
            self._member, self._generation, self._positions = "", -1, {}
            self._member = f"{self._process.instance}-{broker.generation}"
            broker.join(self._member)
        if self._generation != broker.generation:
            self._listener.on_partitions_revoked(set(self._positions))
            self._generation = broker.generation
            self._positions = dict.fromkeys(broker.dealt(self._member, self._subscribed))
            self._highwaters = {}
            self._listener.on_partitions_assigned(set(self._positions))

    def _find_positions(self) -> None:
        for partition, position in self._positions.items():
            if position is None:
                self._positions[partition] = self._broker.committed.get(partition)
        if None in self._positions.values():
            raise NoOffsetForPartitionError(self._positions)

    def _fetch(self, partition: TopicPartition, most: int) -> list[FakeMessage]:
        broker, position = self._broker, self._positions[partition]
        assert position is not None
        self._highwaters[partition] = broker.end(partition)
        if not broker.first[partition] <= position <= broker.end(partition):
            raise OffsetOutOfRangeError({partition: position})
        end = broker.stable_end(partition)  # once: a test may write meanwhile
        ahead = [entry for entry in broker.readable(partition) if position <= entry.offset < end]
        taken, left = ahead[:most], ahead[most:]
        if any((partition, entry.offset) in broker.damaged for entry in taken):
            raise CorruptRecordError("failed crc check")
        self._positions[partition] = left[0].offset if left else end
        return [FakeMessage(*partition, entry.offset, -1, entry.key, entry.value, entry.headers) for entry in taken]

    def group_metadata(self) -> ConsumerGroupMetadata:
        group = self._broker.settings.kafka.group
        return self._process.call(
            "group_metadata",
            lambda: ConsumerGroupMetadata(group, self._generation, self._member, None, MemberState.STABLE),
        )

    @property
    def name(self) -> str:
        """Its member id; empty while it has none."""
        return self._member

    def hear_of_expulsion(self) -> None:
        """What the heartbeat's thread does, at any moment, when the broker no longer knows the member."""
        self._member, self._generation = "", -1

    def assignment(self) -> set[TopicPartition]:
        return self._process.call("assignment", lambda: set(self._positions))

    def committed_offsets(
        self, partitions: Collection[TopicPartition], timeout_ms: float
    ) -> Mapping[TopicPartition, int]:
        return self._process.call("committed", lambda: self._committed(partitions, timeout_ms))

    def _committed(self, partitions: Collection[TopicPartition], timeout_ms: float) -> Mapping[TopicPartition, int]:
        moving = (*self._broker.open.values(), *self._broker.hanging.values())
        if any(partition in transaction.offsets for transaction in moving for partition in partitions):
            self._broker.clock.seconds += timeout_ms / 1000
            raise KafkaTimeoutError("an open transaction is about to move it")
        return {one: self._broker.committed[one] for one in partitions if one in self._broker.committed}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        def work() -> None:
            if partition not in self._positions:
                raise ValueError("Unassigned partition")
            self._positions[partition] = offset

        self._process.call("seek", work)

    def position(self, partition: TopicPartition, *, timeout_ms: float) -> int | None:
        del timeout_ms
        if partition not in self._positions:
            raise IllegalStateError("Partition is not assigned")
        self._find_positions()
        return self._positions[partition]

    def highwater(self, partition: TopicPartition) -> int | None:
        if partition not in self._positions:
            raise IllegalStateError("Partition is not assigned")
        return self._highwaters.get(partition)

    def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return self._process.call("beginning_offsets", lambda: {one: self._broker.first[one] for one in partitions})

    def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return self._process.call("end_offsets", lambda: {one: self._broker.stable_end(one) for one in partitions})

    def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        def work() -> None:
            group = self._broker.settings.kafka.group
            self._broker.check(ConsumerGroupMetadata(group, self._generation, self._member))
            self._broker.committed |= {partition: one.offset for partition, one in offsets.items()}

        self._process.call("commit", work)

    def close(self, *, timeout_ms: float) -> None:
        assert timeout_ms > 0
        self._process.call("close", lambda: self._broker.leave(self._member))
