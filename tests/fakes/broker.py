"""A Kafka broker in the test's own process.

It keeps what a real one keeps: logs with transactions, committed offsets, a group with generations, and who may write
under a transactional id.
"""

from collections.abc import Container, Sequence
from typing import NamedTuple

from kafka.errors import (
    CommitFailedError,
)
from kafka.structs import ConsumerGroupMetadata, TopicPartition

from pipeline.settings import Settings
from pipeline.transactions import java_hash
from tests.fakes.clock import ManualClock

Headers = Sequence[tuple[str, bytes | None]]


class OpenTransaction:
    """What one producer has begun."""

    def __init__(self, state: str, started: float) -> None:
        self.state, self.started = state, started
        self.offsets: dict[TopicPartition, int] = {}
        self.touched: set[TopicPartition] = set()
        self.epoch = 0


class Entry(NamedTuple):
    """A record in a log; it can be read once its transaction is over, if it was committed."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    transaction: OpenTransaction | None


class FakeMessage(NamedTuple):
    """What a poll hands over."""

    topic: str
    partition: int
    offset: int
    timestamp: int | None
    key: bytes | None
    value: bytes | None
    headers: Headers


class FakeBroker:
    """Logs, offsets, one group, transactional ids.

    Parameters
    ----------
    settings
        The topics' names, and how long a transaction may stay open.
    partitions
        Of each input topic; the others have one.
    topics
        The input topics; by default those that the settings name.
    """

    def __init__(self, settings: Settings, partitions: int = 2, topics: Sequence[str] = ()) -> None:
        kafka = settings.kafka
        self.settings, self.clock = settings, ManualClock()
        names = topics or kafka.inputs
        self.input = [TopicPartition(name, number) for name in names for number in range(partitions)]
        self.outputs = [TopicPartition(topic, 0) for topic in (kafka.forecasts, kafka.dead_letters)]
        self.logs: dict[TopicPartition, list[Entry]] = {one: [] for one in (*self.input, *self.outputs)}
        self.first = dict.fromkeys(self.logs, 0)
        self.damaged: set[tuple[TopicPartition, int]] = set()  # records whose bytes are no record
        self.committed: dict[TopicPartition, int] = {}
        self.members: list[str] = []
        self.generation = 0
        self.epochs: dict[str, int] = {}
        self.open: dict[str, OpenTransaction] = {}
        self.largest = 1 << 20  # bytes of a record
        self.tells_limits = True
        self.compacted: set[str] = set()  # topics
        self.forgets: Container[TopicPartition] = ()  # where it ends transactions in its log only, without a marker
        self.ended: dict[str, str] = {}  # how the last transaction of an id ended
        self.hanging: dict[tuple[str, TopicPartition], OpenTransaction] = {}
        self.altering_is_permitted = self.reading_is_permitted = True
        self.kept_offsets = TopicPartition("__consumer_offsets", java_hash(kafka.group) % 50)
        self.topic_id = "first"

    def add_topic(self, name: str, partitions: int = 2) -> None:
        """A topic that somebody creates."""
        for number in range(partitions):
            self.input.append(TopicPartition(name, number))
            self.logs[self.input[-1]], self.first[self.input[-1]] = [], 0

    def write(self, partition: int, *values: bytes | None, key: bytes | None = b"k", headers: Headers = ()) -> None:
        """Records for an input topic; `partition` is its place among those of all input topics."""
        for value in values:
            self.append(self.input[partition], key, value, headers, None)

    def append(
        self,
        partition: TopicPartition,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        transaction: OpenTransaction | None,
    ) -> None:
        entry = Entry(self.end(partition), key, value, headers, transaction)
        self.logs[partition].append(entry)
        if transaction is not None:
            transaction.touched.add(partition)

    def end(self, partition: TopicPartition) -> int:
        log = self.logs[partition]
        return log[-1].offset + 1 if log else self.first[partition]

    def stable_end(self, partition: TopicPartition) -> int:
        """Where the first open transaction begins, or the end."""
        log = self.logs[partition]
        is_open = (entry.offset for entry in log if entry.transaction and entry.transaction.state == "open")
        return next(is_open, self.end(partition))

    def readable(self, partition: TopicPartition) -> list[Entry]:
        """What a reader of committed records sees."""
        end = self.stable_end(partition)
        return [
            entry
            for entry in self.logs[partition]
            if entry.offset < end and (entry.transaction is None or entry.transaction.state == "committed")
        ]

    def forget(self, partition: int, before: int) -> None:
        """Retention: the records before an offset go."""
        where = self.input[partition]
        self.logs[where] = [entry for entry in self.logs[where] if entry.offset >= before]
        self.first[where] = before

    def values(self, topic: str) -> list[bytes]:
        """The committed records of an output topic."""
        return [entry.value or b"" for entry in self.readable(TopicPartition(topic, 0))]

    def forecasts(self) -> list[bytes]:
        return self.values(self.settings.kafka.forecasts)

    def dead_letters(self) -> list[bytes]:
        return self.values(self.settings.kafka.dead_letters)

    def begin(self, identity: str) -> None:
        self.open[identity] = OpenTransaction("open", self.clock.now())
        self.open[identity].epoch = self.epochs[identity]

    def finish(self, identity: str, state: str) -> None:
        """Commit or abort, with a marker in each log that it wrote to.

        What hangs there of the same id is ended by that marker, too.
        """
        transaction = self.open.pop(identity)
        self.ended[identity] = state
        where = transaction.touched | ({self.kept_offsets} if transaction.offsets else set())
        forgotten = {one for one in where if one in self.forgets}
        self._leave_hanging(identity, transaction, forgotten)
        for partition in where - forgotten:
            if (identity, partition) in self.hanging:
                self.mark(identity, partition, state)
        transaction.state = state
        if state == "committed" and self.kept_offsets not in forgotten:
            self.committed |= transaction.offsets
        for partition in transaction.touched - forgotten:
            self.append(partition, None, None, (), OpenTransaction("marker", self.clock.now()))

    def everywhere(self) -> set[TopicPartition]:
        """Where markers can be forgotten."""
        return {*self.outputs, self.kept_offsets}

    def _leave_hanging(self, identity: str, whole: OpenTransaction, where: set[TopicPartition]) -> None:
        """Each partition goes on by itself: its next marker may be another one than the others'."""
        for partition in where:
            part = self.hanging.setdefault((identity, partition), OpenTransaction("open", whole.started))
            part.epoch = whole.epoch
            if partition == self.kept_offsets:
                part.offsets |= whole.offsets
                continue
            log = self.logs[partition]
            self.logs[partition] = [one._replace(transaction=part) if one.transaction is whole else one for one in log]

    def mark(self, identity: str, partition: TopicPartition, state: str) -> None:
        """A marker for what hangs in one partition."""
        transaction = self.hanging.pop((identity, partition))
        transaction.state = state
        if state == "committed":
            self.committed |= transaction.offsets
        if partition != self.kept_offsets:
            self.append(partition, None, None, (), OpenTransaction("marker", self.clock.now()))

    def die(self) -> None:
        """Be killed and started again: what was open is aborted in the coordinator's log, and there alone."""
        self.clock.seconds += 3.0
        before, self.forgets = self.forgets, self.everywhere()
        for identity in list(self.open):
            self.finish(identity, "aborted")
            self.epochs[identity] += 1
        self.forgets = before

    def time_out(self) -> None:
        """Abort what is open for too long; its producer is fenced."""
        latest = self.clock.now() - self.settings.kafka.transaction_timeout
        for identity in [name for name, one in self.open.items() if one.started < latest]:
            self.finish(identity, "aborted")
            self.epochs[identity] += 1

    def join(self, member: str) -> None:
        self.members.append(member)
        self.generation += 1

    def leave(self, member: str) -> None:
        """Also what a session timeout does: then the member does not know of it."""
        if member in self.members:
            self.members.remove(member)
            self.generation += 1

    def dealt(self, member: str, topics: Container[str]) -> set[TopicPartition]:
        """The partitions of a member in this generation, of the topics that it reads."""
        place, members = self.members.index(member), len(self.members)
        shared = [one for one in self.input if one.topic in topics]
        return {one for number, one in enumerate(shared) if number % members == place}

    def check(self, metadata: ConsumerGroupMetadata) -> None:
        """Refuse who is not of this generation (KIP-447); of who names no member nothing can be checked."""
        if metadata.generation_id < 0 and not metadata.member_id:
            return
        if metadata.member_id not in self.members or metadata.generation_id != self.generation:
            raise CommitFailedError(f"generation {metadata.generation_id} is over")
