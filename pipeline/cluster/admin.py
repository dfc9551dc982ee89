"""What is asked of the brokers themselves: open transactions (KIP-664), limits of topics, the type of a group.

A broker that has no such API (the embedded one, Apache Kafka before 3.0) answers None.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from kafka import KafkaAdminClient
from kafka.admin import AbortTransactionSpec, ConfigResource, ConfigResourceType, TransactionState
from kafka.errors import (
    IncompatibleBrokerVersion,
    KafkaError,
    TransactionalIdNotFoundError,
    UnsupportedVersionError,
)
from kafka.structs import TopicPartition

from pipeline.cluster.connection import connected, hearing
from pipeline.settings import Kafka

logger = logging.getLogger(__name__)

ENDING = frozenset(
    {TransactionState.PREPARE_COMMIT, TransactionState.PREPARE_ABORT, TransactionState.PREPARE_EPOCH_FENCE}
)
REQUEST_MS = 10_000
BATCH_BYTES = 768 * 1024
"""Of one batch. Sending 2,000 forecasts takes 10 to 35 % less time than with 256 KiB: there are fewer answers to wait
for. It stays below what a broker takes by default."""
REQUEST_BYTES = 1 << 20  # of the client by default
OVERHEAD = 512  # bytes of a batch and of a record beside what is in it
UNTOLD = 900_000  # bytes of a record, where a topic does not tell its limit; by default a broker takes 1 MiB

T = TypeVar("T")


class Open(NamedTuple):
    """A transaction that a partition takes to be open.

    Attributes
    ----------
    partition
        Where.
    producer_id, epoch
        Whose.
    coordinator_epoch
        Of the last marker that its producer got there, -1 for none.
    start
        Offset of its first record.
    """

    partition: TopicPartition
    producer_id: int
    epoch: int
    coordinator_epoch: int
    start: int


class Coordinated(NamedTuple):
    """What the transaction coordinator knows of a transactional id.

    Attributes
    ----------
    name
        The transactional id.
    producer_id, epoch
        That it stands for now.
    state
        Of its last transaction.
    timeout
        Seconds that a transaction of it may be open.
    """

    name: str
    producer_id: int
    epoch: int
    state: TransactionState
    timeout: float

    @property
    def is_ending(self) -> bool:
        """Whether it has been decided, and the markers are on their way."""
        return self.state in ENDING

    @property
    def is_open(self) -> bool:
        """Whether the coordinator has yet to end it, or to finish that."""
        return self.is_ending or bool(self.state == TransactionState.ONGOING)

    @property
    def is_committed(self) -> bool:
        """Whether the last transaction was committed; what is aborted or unknown was not."""
        return bool(self.state == TransactionState.COMPLETE_COMMIT)


class Limits(NamedTuple):
    """What topics take.

    Attributes
    ----------
    bytes
        `max.message.bytes` of each topic that tells it: the most that a batch of records may weigh.
    """

    bytes: Mapping[str, int]

    def letter(self, topic: str) -> int:
        """Bytes of key, value and headers of one record that surely fits, also where compressing makes it longer."""
        return self.bytes[topic] * 98 // 100 - OVERHEAD if topic in self.bytes else UNTOLD

    def sizes(self) -> dict[str, int]:
        """The producer's options: no batch of several records is too large, and no record that a topic takes."""
        least, most = min(self.bytes.values(), default=BATCH_BYTES), max(self.bytes.values(), default=0)
        return {
            "batch_size": max(min(BATCH_BYTES, least * 98 // 100 - OVERHEAD), 1),
            "max_request_size": max(REQUEST_BYTES, most + OVERHEAD),
        }


class Admin(Protocol):
    """Questions to the brokers, and the one thing that is done: to end what hangs."""

    def partitions(self, topics: Collection[str]) -> list[TopicPartition]: ...
    def open(self, partitions: Collection[TopicPartition]) -> list[Open] | None: ...
    def coordinated(self, name: str) -> Coordinated | None: ...
    def coordinated_ids(self, producer_ids: Collection[int]) -> dict[int, Coordinated]: ...
    def end(self, hanging: Open, commit: bool) -> None: ...
    def limits(self, topics: Collection[str]) -> Limits: ...
    def compacted(self, topics: Collection[str]) -> list[str]: ...
    def close(self) -> None: ...


class _Commit(AbortTransactionSpec):
    """A marker that commits."""


class _Client(KafkaAdminClient):
    """The client, whose `abort_transaction` can also commit."""

    @staticmethod
    def _abort_transaction_request(spec: AbortTransactionSpec) -> object:
        request = KafkaAdminClient._abort_transaction_request(spec)
        for marker in request.markers:
            marker.transaction_result = isinstance(spec, _Commit)
        return request


class _ProducerState(Protocol):
    @property
    def producer_id(self) -> int: ...
    @property
    def producer_epoch(self) -> int: ...
    @property
    def coordinator_epoch(self) -> int: ...
    @property
    def current_transaction_start_offset(self) -> int: ...


class _Producers(Protocol):
    @property
    def active_producers(self) -> Sequence[_ProducerState]: ...


class _Listing(Protocol):
    @property
    def transactional_id(self) -> str: ...


class _Transaction(Protocol):
    @property
    def producer_id(self) -> int: ...
    @property
    def producer_epoch(self) -> int: ...
    @property
    def state(self) -> TransactionState: ...
    @property
    def transaction_timeout_ms(self) -> int: ...


class _Asked(Protocol):
    """What is used of the client."""

    def describe_topics(self, topics: list[str]) -> list[dict[str, Any]]: ...
    def describe_producers(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, _Producers]: ...
    def list_transactions(self, *, producer_id_filters: list[int]) -> dict[int, list[_Listing]]: ...
    def describe_transactions(self, transactional_ids: Collection[str]) -> dict[str, _Transaction]: ...
    def abort_transaction(self, spec: AbortTransactionSpec) -> None: ...
    def describe_configs(
        self, config_resources: list[ConfigResource], *, config_filter: str
    ) -> dict[str, dict[str, dict[str, dict[str, str]]]]: ...
    def close(self) -> None: ...


class KafkaAdmin:
    """`Admin` of a real cluster."""

    def __init__(self, kafka: Kafka) -> None:
        self._client: _Asked = connected(_Client, kafka, request_timeout_ms=REQUEST_MS)

    def partitions(self, topics: Collection[str]) -> list[TopicPartition]:
        """All partitions of those topics that are there."""
        return [
            TopicPartition(topic["name"], one["partition_index"])
            for topic in self._client.describe_topics(list(topics))
            if topic["error_code"] == 0
            for one in topic["partitions"]
        ]

    def open(self, partitions: Collection[TopicPartition]) -> list[Open] | None:
        """The transactions that partitions take to be open; None where the broker cannot tell.

        Raises
        ------
        AuthorizationError
            Reading one of the topics is not permitted.
        """
        found = _if_known(lambda: self._client.describe_producers(partitions))
        if found is None:
            return None
        return [
            Open(
                partition,
                one.producer_id,
                one.producer_epoch,
                one.coordinator_epoch,
                one.current_transaction_start_offset,
            )
            for partition, state in found.items()
            for one in state.active_producers
            if one.current_transaction_start_offset >= 0
        ]

    def coordinated(self, name: str) -> Coordinated | None:
        """What is known of a transactional id; None where it or the question is unknown."""
        return self._coordinated([name]).get(name)

    def coordinated_ids(self, producer_ids: Collection[int]) -> dict[int, Coordinated]:
        """The same by producer id, of those that the coordinators know and we may see."""
        listed = _if_known(lambda: self._client.list_transactions(producer_id_filters=list(producer_ids))) or {}
        names = [one.transactional_id for listings in listed.values() for one in listings]
        return {one.producer_id: one for one in self._coordinated(names).values()}

    def _coordinated(self, names: Collection[str]) -> Mapping[str, Coordinated]:
        try:
            found = _if_known(lambda: self._client.describe_transactions(names)) or {}
        except TransactionalIdNotFoundError:
            return {}
        return {
            name: Coordinated(name, one.producer_id, one.producer_epoch, one.state, one.transaction_timeout_ms / 1000)
            for name, one in found.items()
        }

    def end(self, hanging: Open, commit: bool) -> None:
        """Write the marker that a partition lacks.

        Raises
        ------
        AuthorizationError
            That needs the right to alter the cluster.
        """
        kind = _Commit if commit else AbortTransactionSpec
        self._client.abort_transaction(
            kind(hanging.partition, hanging.producer_id, hanging.epoch, hanging.coordinator_epoch)
        )

    def limits(self, topics: Collection[str]) -> Limits:
        """What those topics take that tell it; a broker without the API hangs up."""
        return Limits({topic: int(value) for topic, value in self._config("max.message.bytes", topics).items()})

    def compacted(self, topics: Collection[str]) -> list[str]:
        """Those of which Kafka keeps the newest record of each key alone, sooner or later."""
        policies = self._config("cleanup.policy", topics)
        return sorted(topic for topic, policy in policies.items() if "compact" in policy)

    def _config(self, name: str, topics: Collection[str]) -> dict[str, str]:
        """What is set of those topics that tell it; a broker without the API hangs up."""
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic, {name: None}) for topic in topics]
        try:
            with hearing():
                found = _if_known(lambda: self._client.describe_configs(resources, config_filter="all")) or {}
        except KafkaError as error:
            logger.debug("%s of the topics is not told: %s", name, error)
            return {}
        told = {topic: configs.get(name) for topic, configs in found.get("topic", {}).items()}
        return {topic: config["value"] for topic, config in told.items() if config and config["value"]}

    def close(self) -> None:
        """Let go of its connections."""
        self._client.close()


def _if_known(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except (UnsupportedVersionError, IncompatibleBrokerVersion):
        return None
