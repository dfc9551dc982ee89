"""Everything that connects to Kafka: the worker's two clients, and what the commands do with topics.

The one home of the package `kafka`: others take its names from here. A cluster that cannot be used is one error,
`ClusterError`, whose message says what to do about it.
"""

import logging
import ssl
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple, Protocol, Self, SupportsIndex, TypeVar, overload

from kafka import ConsumerRebalanceListener as ConsumerRebalanceListener
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.errors import CommitFailedError as CommitFailedError
from kafka.errors import CorruptRecordError as CorruptRecordError
from kafka.errors import FencedInstanceIdError as FencedInstanceIdError
from kafka.errors import IllegalStateError as IllegalStateError
from kafka.errors import KafkaConfigurationError, SaslAuthenticationFailedError, TopicAlreadyExistsError
from kafka.errors import KafkaError as KafkaError
from kafka.errors import KafkaTimeoutError as KafkaTimeoutError
from kafka.errors import MessageSizeTooLargeError as MessageSizeTooLargeError
from kafka.errors import NoOffsetForPartitionError as NoOffsetForPartitionError
from kafka.errors import OffsetOutOfRangeError as OffsetOutOfRangeError
from kafka.errors import ProducerFencedError as ProducerFencedError
from kafka.errors import RebalanceInProgressError as RebalanceInProgressError
from kafka.net.compat import KafkaNetClient
from kafka.record import memory_records
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch
from kafka.structs import ConsumerGroupMetadata as ConsumerGroupMetadata
from kafka.structs import MemberState as MemberState
from kafka.structs import OffsetAndMetadata as OffsetAndMetadata
from kafka.structs import TopicPartition as TopicPartition

from pipeline.inputs import inputs_of, some
from pipeline.messages import Outgoing, Record
from pipeline.settings import Kafka, Settings

logger = logging.getLogger(__name__)

ASSIGNORS = {
    "cooperative-sticky": CooperativeStickyAssignor,
    "sticky": StickyPartitionAssignor,
    "range": RangePartitionAssignor,
}
BATCH_BYTES = 256 * 1024
LINGER_MS = 10
POLL_MS = 200

T = TypeVar("T")


class ClusterError(RuntimeError):
    """The cluster cannot be used as it is. The message is one line and says the fix."""


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

    def subscribe(
        self, topics: Sequence[str] = (), pattern: str | None = None, *, listener: ConsumerRebalanceListener
    ) -> None: ...
    def topics(self) -> set[str]: ...
    def poll(self, timeout_ms: float, max_records: int) -> Mapping[TopicPartition, Sequence[Message]]: ...
    def group_metadata(self) -> ConsumerGroupMetadata: ...
    def assignment(self) -> set[TopicPartition]: ...
    def committed(self, partition: TopicPartition, *, timeout_ms: float) -> int | None: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    def position(self, partition: TopicPartition, *, timeout_ms: float) -> int | None: ...
    def highwater(self, partition: TopicPartition) -> int | None: ...
    def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]: ...
    def end_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]: ...
    def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None: ...
    def close(self, *, timeout_ms: float) -> None: ...


class Pending(Protocol):
    """A record on its way to the broker."""

    def failed(self) -> bool: ...
    @property
    def exception(self) -> BaseException | None: ...


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
    def flush(self, timeout: float) -> None: ...
    def send_offsets_to_transaction(
        self, offsets: Mapping[TopicPartition, OffsetAndMetadata], group_metadata: ConsumerGroupMetadata
    ) -> None: ...
    def commit_transaction(self) -> None: ...
    def abort_transaction(self) -> None: ...
    def close(self, timeout: float) -> None: ...


class _Reader(Protocol):
    """What is used of `kafka.KafkaConsumer` outside of a group."""

    def partitions_for_topic(self, topic: str) -> set[int]: ...
    def assign(self, partitions: Sequence[TopicPartition]) -> None: ...
    def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    def poll(self, timeout_ms: float, max_records: int) -> Mapping[TopicPartition, Sequence[Message]]: ...
    def highwater(self, partition: TopicPartition) -> int | None: ...
    def position(self, partition: TopicPartition) -> int: ...
    def close(self) -> None: ...


class _Admin(Protocol):
    """What is used of `kafka.KafkaAdminClient`."""

    def describe_topics(self) -> list[dict[str, object]]: ...
    def describe_cluster(self) -> dict[str, object]: ...
    def create_topics(self, new_topics: Mapping[str, Mapping[str, int]], *, wait_for_metadata: bool) -> object: ...
    def close(self) -> None: ...


class _Network(Protocol):
    """The threads and sockets of a client."""

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

    def describe(self) -> Description: ...
    def consumer(self) -> Consumer: ...
    def producer(self) -> Producer: ...


class KafkaClients:
    """Clients for a real cluster.

    Attributes
    ----------
    instance
        Name of this worker in its group: as set, or random for the life of the process.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.instance = settings.kafka.instance or uuid.uuid4().hex[:12]

    def describe(self) -> Description:
        """The cluster and the topics that the worker needs; a missing one is a `ClusterError`.

        So is a pattern that matches none yet: whoever asks again waits for one.
        """
        description = describe(self._settings)
        missing = [name for name in _needed(self._settings.kafka) if name not in description.topics]
        if missing:
            names = ", ".join(f"`{name}`" for name in missing)
            raise ClusterError(
                f"topic {names} is missing at {self._settings.kafka.bootstrap_servers};"
                " run `lstm-stream topics` with these settings, or name the topics in [kafka]"
            )
        inputs = inputs_of(self._settings.kafka)
        if not inputs.among(description.topics):
            others = [name for name in description.topics if not name.startswith("__")]
            raise ClusterError(
                f"no topic at {self._settings.kafka.bootstrap_servers} matches kafka.input {inputs.pattern} as a whole:"
                f" waiting for one, or correct the pattern; there are {some(others)}"
            )
        return description

    def consumer(self) -> Consumer:
        """A member of the group that reads only what is committed, and whose offsets are stable (KIP-447)."""
        kafka, session = self._settings.kafka, self._settings.kafka.session_timeout
        consumer: Consumer = _reading(
            kafka,
            client_id=f"lstm-stream-{self.instance}",
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
            metadata_max_age_ms=60_000 if kafka.input_pattern is None else 20_000,  # when new topics are noticed
        )
        return consumer

    def producer(self) -> Producer:
        """The worker's one producer; transactional, unless `delivery.mode` is at_least_once."""
        producer: Producer = _connected(KafkaProducer, self._settings.kafka, **self._producing())
        return producer

    def _producing(self) -> dict[str, object]:
        kafka, deadline = self._settings.kafka, self._settings.delivery.deadline
        options = _producing(f"lstm-stream-{self.instance}", deadline)
        if self._settings.delivery.mode == "exactly_once":
            options["transactional_id"] = f"{kafka.group}-{self.instance}"
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
        raise ClusterError(f"cannot create {name}: {_reason(error)}; see [kafka]") from error
    return True


def read_topic(settings: Settings, topic: str) -> Iterator[Record]:
    """Read what is committed of a topic, from its start to where it ends now; the order is that of each partition.

    A transaction that is still open holds readers back; when it lasts longer than a transaction may, what came
    before it is all that is read.
    """
    kafka = settings.kafka
    consumer: _Reader = _reading(
        kafka, isolation_level="read_committed", auto_offset_reset="none", enable_auto_commit=False
    )
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        if not partitions:
            raise ClusterError(f"topic `{topic}` is missing; run `lstm-stream topics`, or name another topic")
        consumer.assign(partitions)
        for partition, offset in consumer.beginning_offsets(partitions).items():
            consumer.seek(partition, offset)
        yield from _to_the_end(consumer, partitions, patience=kafka.transaction_timeout + 10.0)
    finally:
        consumer.close()


def _to_the_end(consumer: _Reader, partitions: Sequence[TopicPartition], patience: float) -> Iterator[Record]:
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
        options = _producing("lstm-stream-writer", self._settings.delivery.deadline)
        self._producer: Producer = _connected(KafkaProducer, self._settings.kafka, **options)
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

    def _refusal(self, error: BaseException | None) -> ClusterError:
        return ClusterError(f"cannot write to topic `{self._topic}`: {_reason(error)}; is it there, and writable?")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self._producer.close(timeout=5)


@contextmanager
def _asking(kafka: Kafka) -> Iterator[_Admin]:
    """An admin client for the length of a block."""
    admin: _Admin = _connected(KafkaAdminClient, kafka)
    try:
        yield admin
    except KafkaError as error:
        raise ClusterError(f"{kafka.bootstrap_servers} answers, but not this: {_reason(error)}") from error
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
        "batch_size": BATCH_BYTES,
        "linger_ms": LINGER_MS,
        "compression_type": "lz4",
        "max_block_ms": int(deadline * 1000),
        "delivery_timeout_ms": int(max(deadline, 31.0) * 1000),
        "allow_auto_create_topics": False,
    }


def _signing_in(kafka: Kafka) -> dict[str, object]:
    """Where the cluster is and how to sign in; options that were left empty stay the client's own."""
    options: dict[str, object] = {
        "bootstrap_servers": [server.strip() for server in kafka.bootstrap_servers.split(",")],
        "bootstrap_timeout_ms": int(kafka.connect_timeout * 1000),
        "security_protocol": kafka.security_protocol,
        "sasl_mechanism": kafka.sasl_mechanism or None,
        "sasl_plain_username": kafka.sasl_username or None,
        "sasl_plain_password": kafka.sasl_password or None,
        "ssl_cafile": kafka.ssl_cafile or None,
        "ssl_certfile": kafka.ssl_certfile or None,
        "ssl_keyfile": kafka.ssl_keyfile or None,
        "ssl_password": kafka.ssl_password or None,
    }
    return {name: value for name, value in options.items() if value is not None}


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


def _reading(kafka: Kafka, **options: object) -> KafkaConsumer:
    """Make a consumer; it has no option for how it reads a batch."""
    memory_records.DefaultRecordBatch = _Batch  # type: ignore[attr-defined]
    return _connected(KafkaConsumer, kafka, **options)


def _connected(kind: Callable[..., T], kafka: Kafka, **options: object) -> T:
    """Make a client that has reached the cluster, or say in one line why not.

    A client that fails to connect leaves its threads behind and says only that time ran out: so its network is kept
    here to be closed, and the reason is heard in its log.
    """
    networks: list[_Network] = []
    make: Callable[..., _Network] = KafkaNetClient

    def network(**configs: object) -> _Network:
        made = make(**configs)
        networks.append(made)
        return made

    with _hearing() as reasons:
        try:
            return kind(kafka_client=network, **_signing_in(kafka), **options)
        except (KafkaError, OSError, ValueError) as error:
            for one in networks:
                one.close()
            raise ClusterError(_why_not(kafka, [*reasons, error])) from error


def _why_not(kafka: Kafka, reasons: Sequence[BaseException]) -> str:
    where, first = f"{kafka.bootstrap_servers} ({kafka.security_protocol})", _reason(reasons[0])
    refused = any(isinstance(reason, SaslAuthenticationFailedError) for reason in reasons)
    hung_up = any("socket disconnected" in str(reason) for reason in reasons)
    if kafka.sasl_mechanism and (refused or hung_up):
        # A broker that refuses hangs up at once: often the client sees that before it has read the refusal.
        return f"{where} refuses user `{kafka.sasl_username}`; correct kafka.sasl_username and kafka.sasl_password"
    if hung_up:
        return f"{where} hangs up; correct kafka.security_protocol: it may want TLS or a name and a password"
    if "Handshake failed" in first or isinstance(reasons[0], ssl.SSLError | FileNotFoundError):
        return f"{where}: {first}; correct kafka.security_protocol and the kafka.ssl_ files"
    if isinstance(reasons[-1], ValueError | KafkaConfigurationError):
        told = _reason(reasons[-1])
        return f"the Kafka client refuses [kafka]: {told}; correct kafka.bootstrap_servers, or what it names"
    return f"no Kafka broker answers at {where}: {first}; start it, or correct kafka.bootstrap_servers"


def _reason(error: BaseException | None) -> str:
    return str(error).splitlines()[0] if error is not None and str(error) else type(error).__name__


@contextmanager
def _hearing() -> Iterator[list[BaseException]]:
    """Collect the errors that the client logs while it connects, in place of printing them."""
    ear, client = _Ear(), logging.getLogger("kafka")
    level, propagate = client.level, client.propagate
    client.addHandler(ear)
    client.setLevel(min(level or logging.WARNING, logging.WARNING))
    client.propagate = level == logging.DEBUG
    try:
        yield ear.errors
    finally:
        client.removeHandler(ear)
        client.setLevel(level)
        client.propagate = propagate


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        arguments = record.args if isinstance(record.args, tuple) else ()
        self.errors.extend(one for one in arguments if isinstance(one, BaseException))
