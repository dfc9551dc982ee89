"""Writing to topics, for what is not the worker: what makes events, and what sends dead letters again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

from kafka.errors import KafkaError

from pipeline.cluster.admin import Limits
from pipeline.cluster.connection import ClusterError, connected, reason
from pipeline.cluster.producer import BulkProducer, Pending
from pipeline.cluster.protocols import Producer
from pipeline.messages import Outgoing
from pipeline.settings import Settings

LINGER_MS = 10


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
        options = producing("lstm-stream-writer", self._settings.delivery.deadline) | Limits({}).sizes()
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
        options = producing("lstm-stream-writer", deadline) | Limits({}).sizes()
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


def producing(client: str, deadline: float) -> dict[str, object]:
    return {
        "client_id": client,
        "acks": "all",
        "linger_ms": LINGER_MS,
        "compression_type": "lz4",
        "max_block_ms": int(deadline * 1000),
        "delivery_timeout_ms": int(max(deadline, 31.0) * 1000),
        "allow_auto_create_topics": False,
    }
