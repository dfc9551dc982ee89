"""A producer: what it holds back is lost with it."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFencedError,
)
from kafka.structs import ConsumerGroupMetadata, OffsetAndMetadata, TopicPartition

from pipeline.messages import Outgoing
from tests.fakes.broker import Headers
from tests.fakes.calls import Calls


class FakeWritten(NamedTuple):
    """Where a record has come to lie."""

    topic_partition: TopicPartition
    offset: int = -1


class FakePending:
    """A record on its way; at home in the log once it is flushed."""

    def __init__(self, partition: TopicPartition, content: bytes | None, key: bytes | None, headers: Headers) -> None:
        self.content, self.key, self.headers = content, key, headers
        self.value = FakeWritten(partition)
        self.exception: KafkaError | None = None

    def failed(self) -> bool:
        return self.exception is not None


class FakeProducer:
    """Transactional or not; what it was given is with the broker only after a flush."""

    def __init__(self, process: Calls) -> None:
        self._process, self._broker, self._identity = process, process.broker, process.instance
        self._epoch: int | None = None
        self._is_begun = False
        self._buffer: list[FakePending] = []
        self._offsets: dict[TopicPartition, int] = {}  # that no transaction has taken yet

    def init_transactions(self) -> None:
        def work() -> None:
            if self._identity in self._broker.open:
                self._broker.finish(self._identity, "aborted")
            self._broker.ended.pop(self._identity, None)
            self._epoch = self._broker.epochs[self._identity] = self._broker.epochs.get(self._identity, 0) + 1

        self._process.call("init_transactions", work)

    def begin_transaction(self) -> None:
        def work() -> None:
            self._check()
            assert self._identity not in self._broker.open
            self._broker.begin(self._identity)
            self._is_begun = True

        self._process.call("begin_transaction", work)

    def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        headers: list[tuple[str, bytes]] | None = None,
        *,
        timestamp_ms: int | None = None,
    ) -> FakePending:
        assert timestamp_ms is None
        if key is None and value is None:
            raise ValueError("Need at least one: key or value")
        if not all(isinstance(content, bytes) for _, content in headers or []):
            raise TypeError("All headers items must be (str, bytes) tuples")

        def work() -> FakePending:
            if self._epoch is not None:
                assert self._is_begun, "a client knows whether it has begun"
            self._buffer.append(FakePending(TopicPartition(topic, 0), value, key, headers or []))
            return self._buffer[-1]

        return self._process.call("send", work)

    def send_all(self, topic: str, records: Iterable[Outgoing]) -> list[FakePending]:
        return [self.send(topic, one.value, one.key, list(one.headers)) for one in records]

    def flush(self, timeout: float) -> None:
        assert timeout > 0

        def work() -> None:
            self._check()
            buffer, self._buffer = self._buffer, []
            for pending in buffer:
                if len(pending.content or b"") > self._broker.largest:
                    pending.exception = MessageSizeTooLargeError()
                else:
                    transaction = self._broker.open[self._identity] if self._epoch is not None else None
                    where = pending.value.topic_partition
                    self._broker.append(where, pending.key, pending.content, pending.headers, transaction)

        self._process.call("flush", work)

    def send_offsets_to_transaction(
        self, offsets: Mapping[TopicPartition, OffsetAndMetadata], group_metadata: ConsumerGroupMetadata
    ) -> None:
        """As the client does: what was refused once is sent again with the next, whatever became of its transaction."""

        def work() -> None:
            self._check()
            self._offsets |= {partition: one.offset for partition, one in offsets.items()}
            self._broker.check(group_metadata)
            self._broker.open[self._identity].offsets |= self._offsets
            self._offsets = {}

        self._process.call("send_offsets_to_transaction", work)

    def commit_transaction(self) -> None:
        def work() -> None:
            self._check()
            assert not self._buffer, "what is not flushed would be lost"
            self._broker.finish(self._identity, "committed")
            self._is_begun = False

        self._process.call("commit_transaction", work)

    def abort_transaction(self) -> None:
        def work() -> None:
            self._check()
            self._buffer = []
            if self._identity not in self._broker.open:
                raise KafkaError("Invalid transition attempted")
            self._broker.finish(self._identity, "aborted")
            self._is_begun = False

        self._process.call("abort_transaction", work)

    def _check(self) -> None:
        if self._epoch is not None and self._epoch != self._broker.epochs[self._identity]:
            raise ProducerFencedError

    def close(self, timeout: float) -> None:
        assert timeout == 0
        self._process.call("close", self._buffer.clear)
