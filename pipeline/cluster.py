"""Everything that connects to Kafka: the worker's two clients, and what the commands do with topics.

The one home of the package `kafka`: others take its names from here. A cluster that cannot be used is one error,
`ClusterError`, whose message says what to do about it.
"""

import logging
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import NamedTuple, Protocol, Self, SupportsIndex, overload

from kafka import ConsumerRebalanceListener as ConsumerRebalanceListener
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.errors import AuthorizationError as AuthorizationError
from kafka.errors import CommitFailedError as CommitFailedError
from kafka.errors import CorruptRecordError as CorruptRecordError
from kafka.errors import FencedInstanceIdError as FencedInstanceIdError
from kafka.errors import IllegalStateError as IllegalStateError
from kafka.errors import KafkaError as KafkaError
from kafka.errors import KafkaTimeoutError as KafkaTimeoutError
from kafka.errors import MessageSizeTooLargeError as MessageSizeTooLargeError
from kafka.errors import NoOffsetForPartitionError as NoOffsetForPartitionError
from kafka.errors import OffsetOutOfRangeError as OffsetOutOfRangeError
from kafka.errors import ProducerFencedError as ProducerFencedError
from kafka.errors import RebalanceInProgressError as RebalanceInProgressError
from kafka.errors import RetriableError as RetriableError
from kafka.errors import TopicAlreadyExistsError
from kafka.record import memory_records
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch
from kafka.structs import ConsumerGroupMetadata as ConsumerGroupMetadata
from kafka.structs import MemberState as MemberState
from kafka.structs import OffsetAndMetadata as OffsetAndMetadata
from kafka.structs import TopicPartition as TopicPartition

from pipeline.admin import Admin, KafkaAdmin, Limits
from pipeline.connection import ClusterError as ClusterError
from pipeline.connection import NoTopicError as NoTopicError
from pipeline.connection import connected, reason
from pipeline.inputs import inputs_of, some
from pipeline.messages import Outgoing, Record
from pipeline.producer import BulkProducer
from pipeline.producer import Pending as Pending
from pipeline.settings import Kafka, Settings

logger = logging.getLogger(__name__)

ASSIGNORS = {
    "cooperative-sticky": CooperativeStickyAssignor,
    "sticky": StickyPartitionAssignor,
    "range": RangePartitionAssignor,
}
LINGER_MS = 10
POLL_MS = 200
SAMPLE_PATIENCE = 5.0  # seconds without a new record until a sample is taken as it is


class Message(Protocol):
    """A record as the client hands it over."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int | None: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


class Consumer(Protocol):
    """What the worker uses of `kafka.KafkaConsumer`."""

    def subscribe(self, topics: Sequence[str], *, listener: ConsumerRebalanceListener) -> None: ...
    def topics(self) -> set[str]: ...
    def topic_id(self, topic: str) -> str | None: ...
    def poll(self, timeout_ms: float, max_records: int) -> Mapping[TopicPartition, Sequence[Message]]: ...
    def group_metadata(self) -> ConsumerGroupMetadata: ...
    def assignment(self) -> set[TopicPartition]: ...
    def committed_offsets(
        self, partitions: Collection[TopicPartition], timeout_ms: float
    ) -> Mapping[TopicPartition, int]: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    def position(self, partition: TopicPartition, *, timeout_ms: float) -> int | None: ...
    def highwater(self, partition: TopicPartition) -> int | None: ...
    def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]: ...
    def end_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]: ...
    def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None: ...
    def close(self, *, timeout_ms: float) -> None: ...


class Producer(Protocol):
    """What the worker uses of `kafka.KafkaProducer`."""

    def init_transactions(self) -> None: ...
    def begin_transaction(self) -> None: ...
    def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        headers: list[tuple[str, bytes]] | None = None,
        *,
        timestamp_ms: int | None = None,
    ) -> Pending: ...
    def send_all(self, topic: str, records: Iterable[Outgoing]) -> Sequence[Pending]: ...
    def flush(self, timeout: float) -> None: ...
    def send_offsets_to_transaction(
        self, offsets: Mapping[TopicPartition, OffsetAndMetadata], group_metadata: ConsumerGroupMetadata
    ) -> None: ...
    def commit_transaction(self) -> None: ...
    def abort_transaction(self) -> None: ...
    def close(self, timeout: float) -> None: ...


class Outsider(Protocol):
    """What is used of `kafka.KafkaConsumer` outside of a group."""

    def partitions_for_topic(self, topic: str) -> set[int] | None: ...
    def assign(self, partitions: Sequence[TopicPartition]) -> None: ...
    def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]: ...
    def end_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    def poll(self, timeout_ms: float, max_records: int) -> Mapping[TopicPartition, Sequence[Message]]: ...
    def highwater(self, partition: TopicPartition) -> int | None: ...
    def position(self, partition: TopicPartition) -> int: ...
    def pause(self, *partitions: TopicPartition) -> None: ...
    def resume(self, *partitions: TopicPartition) -> None: ...
    def close(self) -> None: ...


class _Admin(Protocol):
    """What is used of `kafka.KafkaAdminClient`."""

    def describe_topics(self) -> list[dict[str, object]]: ...
    def describe_cluster(self) -> dict[str, object]: ...
    def create_topics(self, new_topics: Mapping[str, Mapping[str, int]], *, wait_for_metadata: bool) -> object: ...
    def delete_topics(self, topics: Sequence[str]) -> object: ...
    def delete_groups(self, group_ids: Sequence[str]) -> object: ...
    def close(self) -> None: ...


class Topic(NamedTuple):
    """A topic as the cluster knows it; `id` changes when it is deleted and made again."""

    id: str
    partitions: int


def place(partition: TopicPartition) -> str:
    """A partition as it is written in logs and addresses: `events/3`."""
    return f"{partition.topic}/{partition.partition}"


class Description(NamedTuple):
    """The cluster's id, and its topics by name."""

    id: str
    topics: dict[str, Topic]


class Clients(Protocol):
    """Where the worker gets its clients from, so that a test can hand it others."""

    @property
    def transactional_id(self) -> str: ...
    def describe(self) -> Description: ...
    def consumer(self) -> Consumer: ...
    def producer(self, limits: Limits) -> Producer: ...
    def admin(self) -> Admin: ...


class KafkaClients:
    """Clients for a real cluster.

    Parameters
    ----------
    settings
        Where it is.
    instance
        Name of this worker in its group: one that its parent gave it.

    Attributes
    ----------
    instance
        Name of this worker in its group: as set or given, or random for the life of the process.
    transactional_id
        That its transactions are under.
    client_id
        That the brokers know it by.
    """

    def __init__(self, settings: Settings, instance: str = "") -> None:
        self._settings = settings
        self.instance = settings.kafka.instance or instance or uuid.uuid4().hex[:12]
        self.transactional_id = f"{settings.kafka.group}-{self.instance}"
        self.client_id = f"lstm-stream-{self.instance}"

    def describe(self) -> Description:
        """The cluster and the topics that the worker needs; a missing one is a `ClusterError`.

        So is a pattern that matches none yet: whoever asks again waits for one.
        """
        description = describe(self._settings)
        missing = [name for name in _needed(self._settings.kafka) if name not in description.topics]
        if missing:
            names = ", ".join(f"`{name}`" for name in missing)
            raise NoTopicError(
                f"topic {names} is missing at {self._settings.kafka.bootstrap_servers};"
                " run `lstm-stream topics` with these settings, or name the topics in [kafka]"
            )
        inputs = inputs_of(self._settings.kafka)
        if not inputs.among(description.topics):
            others = [name for name in description.topics if name not in inputs.outputs and name[:2] != "__"]
            raise NoTopicError(
                f"no topic at {self._settings.kafka.bootstrap_servers} matches kafka.input = '{inputs.setting}' as a"
                f" whole: waiting for one, or correct the pattern; there are {some(others)}"
            )
        return description

    def consumer(self) -> Consumer:
        """A member of the group that reads only what is committed, and whose offsets are stable (KIP-447)."""
        kafka, session = self._settings.kafka, self._settings.kafka.session_timeout
        consumer: Consumer = _reading(
            kafka,
            client_id=self.client_id,
            group_id=kafka.group,
            group_instance_id=kafka.instance or None,
            partition_assignment_strategy=[ASSIGNORS[kafka.assignor]],
            session_timeout_ms=int(session * 1000),
            heartbeat_interval_ms=int(min(session / 5, 3.0) * 1000),
            max_poll_interval_ms=int(max(2 * self._settings.delivery.deadline, session) * 1000),
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            metadata_max_age_ms=60_000,
        )
        return consumer

    def producer(self, limits: Limits) -> Producer:
        """The worker's one producer; transactional, unless `delivery.mode` is at_least_once."""
        producer: Producer = connected(BulkProducer, self._settings.kafka, **self._producing(), **limits.sizes())
        return producer

    def admin(self) -> Admin:
        """Asks the brokers, and ends what hangs there."""
        return KafkaAdmin(self._settings.kafka)

    def _producing(self) -> dict[str, object]:
        kafka, deadline = self._settings.kafka, self._settings.delivery.deadline
        options = _producing(self.client_id, deadline)
        if self._settings.delivery.mode == "exactly_once":
            options["transactional_id"] = self.transactional_id
            options["transaction_timeout_ms"] = int(kafka.transaction_timeout * 1000)
        return options


def describe(settings: Settings) -> Description:
    """Ask the cluster for its id and its topics.

    Raises
    ------
    ClusterError
        It does not answer, or refuses us.
    """
    with _asking(settings.kafka) as admin:
        return Description(str(admin.describe_cluster()["cluster_id"]), _topics(admin))


def create_topics(settings: Settings) -> list[str]:
    """Create those of the input, forecasts and dead-letter topics that are missing; their names.

    Nothing is created for a pattern.
    """
    kafka = settings.kafka
    with _asking(kafka) as admin:
        there = _topics(admin)
        return [name for name in _needed(kafka) if name not in there and _create(admin, name, kafka)]


def _create(admin: _Admin, name: str, kafka: Kafka) -> bool:
    """Create a topic; whether it was us who did."""
    shape = {"num_partitions": kafka.partitions, "replication_factor": kafka.replication}
    try:
        admin.create_topics({name: shape}, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        logger.debug("another process made `%s` at the same time", name)
        return False
    except KafkaError as error:
        raise ClusterError(f"cannot create {name}: {reason(error)}; see [kafka]") from error
    return True


def remove(settings: Settings, topics: Sequence[str], groups: Sequence[str]) -> None:
    """Delete topics and groups, as far as they are there."""
    with _asking(settings.kafka) as admin:
        there = _topics(admin)
        admin.delete_topics([name for name in topics if name in there])
        admin.delete_groups(groups)


def outsider(settings: Settings) -> Outsider:
    """A consumer of no group, which reads what is committed."""
    options = {"isolation_level": "read_committed", "auto_offset_reset": "none", "enable_auto_commit": False}
    return _reading(settings.kafka, allow_auto_create_topics=False, **options)


def read_topic(settings: Settings, topic: str) -> Iterator[Record]:
    """Read what is committed of a topic, from its start to where it ends now; the order is that of each partition.

    A transaction that is still open holds readers back; when it lasts longer than a transaction may, what came
    before it is all that is read.
    """
    kafka = settings.kafka
    consumer: Outsider = _reading(
        kafka, isolation_level="read_committed", auto_offset_reset="none", enable_auto_commit=False
    )
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        if not partitions:
            raise ClusterError(f"topic `{topic}` is missing; run `lstm-stream topics`, or name another topic")
        consumer.assign(partitions)
        for partition, offset in consumer.beginning_offsets(partitions).items():
            consumer.seek(partition, offset)
        yield from _to_the_end(consumer, partitions, patience=kafka.transaction_timeout + 10.0)
    finally:
        consumer.close()


def _to_the_end(consumer: Outsider, partitions: Sequence[TopicPartition], patience: float) -> Iterator[Record]:
    """The end of a partition is the first high watermark that a fetch tells.

    Not `end_offsets`: the embedded broker answers it with an offset inside the last batch.
    """
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
    options = {"isolation_level": "read_committed", "auto_offset_reset": "none", "enable_auto_commit": False}
    consumer: Outsider = _reading(settings.kafka, allow_auto_create_topics=False, **options)
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
        options = {"isolation_level": "read_committed", "auto_offset_reset": "none", "enable_auto_commit": False}
        consumer: Outsider = _reading(self._settings.kafka, allow_auto_create_topics=False, **options)
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


class Writer:
    """Writes records to a topic, for what makes events; flushed when its block ends.

    Parameters
    ----------
    settings
        Where the cluster is.
    topic
        Topic to write to.
    """

    def __init__(self, settings: Settings, topic: str) -> None:
        self._settings, self._topic = settings, topic

    def __enter__(self) -> Self:
        options = _producing("lstm-stream-writer", self._settings.delivery.deadline) | Limits({}).sizes()
        self._producer: Producer = connected(BulkProducer, self._settings.kafka, **options)
        self._pending: list[Pending] = []
        return self

    def write(self, outgoing: Outgoing, timestamp: int | None = None) -> None:
        """Queue one record; `timestamp` in ms since the epoch, now by default."""
        try:
            pending = self._producer.send(
                self._topic, outgoing.value, outgoing.key, list(outgoing.headers), timestamp_ms=timestamp
            )
        except KafkaError as error:
            raise self._refusal(error) from error
        self._pending.append(pending)
        if len(self._pending) >= 10_000:
            self.flush()

    def flush(self) -> None:
        """Wait until the broker has all that was queued."""
        try:
            self._producer.flush(self._settings.delivery.deadline)
        except KafkaError as error:
            raise self._refusal(error) from error
        done, self._pending = self._pending, []
        for pending in done:
            if pending.failed():
                raise self._refusal(pending.exception)

    def place(self, outgoing: Outgoing) -> tuple[str, int, int]:
        """Write one record at once; its topic, partition and offset."""
        self.write(outgoing)
        pending = self._pending[-1]
        self.flush()
        partition = pending.value.topic_partition
        return partition.topic, partition.partition, pending.value.offset

    def _refusal(self, error: BaseException | None) -> ClusterError:
        return ClusterError(f"cannot write to topic `{self._topic}`: {reason(error)}; is it there, and writable?")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self._producer.close(timeout=5)


class TransactionalWriter:
    """Writes records to several topics, in transactions; closed when its block ends.

    Parameters
    ----------
    settings
        Where the cluster is.
    name
        The transactional id: who takes it ends what another one has open under it, and has it refused from then on.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings, self._name = settings, name

    def __enter__(self) -> Self:
        kafka, deadline = self._settings.kafka, self._settings.delivery.deadline
        options = _producing("lstm-stream-writer", deadline) | Limits({}).sizes()
        transactional = {
            "transactional_id": self._name,
            "transaction_timeout_ms": int(kafka.transaction_timeout * 1000),
        }
        made: Producer = connected(BulkProducer, kafka, **options, **transactional)
        made.init_transactions()
        self._producer = made
        self._pending: list[Pending] = []
        return self

    def write(self, topic: str, outgoing: Outgoing, partition: int | None = None, timestamp: int | None = None) -> None:
        """Queue one record; `timestamp` in ms since the epoch, now by default."""
        send: Callable[..., Pending] = self._producer.send
        headers = list(outgoing.headers)
        self._pending.append(
            send(topic, outgoing.value, outgoing.key, headers, partition=partition, timestamp_ms=timestamp)
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written in this block, or nothing of it."""
        self._producer.begin_transaction()
        try:
            yield
            self._producer.flush(self._settings.delivery.deadline)
            failed = next((one.exception for one in self._pending if one.failed()), None)
            if failed is not None:
                raise failed
        except KafkaError:
            with suppress(KafkaError):  # the first error says more
                self._producer.abort_transaction()
            raise
        self._producer.commit_transaction()
        self._pending = []

    def __exit__(self, *_: object) -> None:
        self._producer.close(timeout=5)


@contextmanager
def _asking(kafka: Kafka) -> Iterator[_Admin]:
    """An admin client for the length of a block."""
    admin: _Admin = connected(KafkaAdminClient, kafka)
    try:
        yield admin
    except KafkaError as error:
        raise ClusterError(f"{kafka.bootstrap_servers} answers, but not this: {reason(error)}") from error
    finally:
        admin.close()


def _topics(admin: _Admin) -> dict[str, Topic]:
    return {
        str(one["name"]): Topic(str(one["topic_id"]), len(partitions))
        for one in admin.describe_topics()
        if one["error_code"] == 0 and isinstance(partitions := one["partitions"], list)
    }


def _needed(kafka: Kafka) -> tuple[str, ...]:
    return *kafka.inputs, kafka.forecasts, kafka.dead_letters


def _producing(client: str, deadline: float) -> dict[str, object]:
    return {
        "client_id": client,
        "acks": "all",
        "linger_ms": LINGER_MS,
        "compression_type": "lz4",
        "max_block_ms": int(deadline * 1000),
        "delivery_timeout_ms": int(max(deadline, 31.0) * 1000),
        "allow_auto_create_topics": False,
    }


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


def _reading(kafka: Kafka, **options: object) -> _Consumer:
    """Make a consumer; it has no option for how it reads a batch."""
    memory_records.DefaultRecordBatch = _Batch  # type: ignore[attr-defined]
    return connected(_Consumer, kafka, **options)
