"""The client that asks what partitions take to be open."""

from collections.abc import Collection

from kafka.admin import TransactionState
from kafka.errors import (
    ClusterAuthorizationFailedError,
    TopicAuthorizationFailedError,
)
from kafka.structs import TopicPartition

from pipeline.cluster.admin import Coordinated, Limits, Open
from tests.fakes.broker import OpenTransaction
from tests.fakes.calls import Calls


class FakeAdmin:
    """Sees what partitions take to be open, and writes the markers that they lack."""

    def __init__(self, process: Calls) -> None:
        self._process, self._broker = process, process.broker

    def partitions(self, topics: Collection[str]) -> list[TopicPartition]:
        offsets = [TopicPartition("__consumer_offsets", number) for number in range(50)]
        there = [one for one in (*self._broker.logs, *offsets) if one.topic in topics]
        return self._process.call("describe_topics", lambda: there)

    def open(self, partitions: Collection[TopicPartition]) -> list[Open] | None:
        return self._process.call("describe_producers", lambda: self._open(partitions))

    def _open(self, partitions: Collection[TopicPartition]) -> list[Open]:
        broker = self._broker
        if not broker.reading_is_permitted:
            raise TopicAuthorizationFailedError
        hanging = [(identity, where, one) for (identity, where), one in broker.hanging.items()]
        living = [(identity, where, one) for identity, one in broker.open.items() for where in one.touched]
        return [
            Open(where, self._producer_id(identity), one.epoch, -1, self._start(where, one))
            for identity, where, one in hanging + living
            if where in partitions
        ]

    def _start(self, partition: TopicPartition, transaction: OpenTransaction) -> int:
        log = self._broker.logs.get(partition, [])
        return next((entry.offset for entry in log if entry.transaction is transaction), 0)

    def _producer_id(self, identity: str) -> int:
        return list(self._broker.epochs).index(identity)

    def coordinated(self, name: str) -> Coordinated | None:
        return self._process.call("describe_transactions", lambda: self._coordinated(name))

    def _coordinated(self, name: str) -> Coordinated | None:
        broker = self._broker
        if name not in broker.epochs:
            return None
        state = {"committed": TransactionState.COMPLETE_COMMIT, "aborted": TransactionState.COMPLETE_ABORT}.get(
            broker.ended.get(name, ""), TransactionState.EMPTY
        )
        state = TransactionState.ONGOING if name in broker.open else state
        timeout = broker.settings.kafka.transaction_timeout
        return Coordinated(name, self._producer_id(name), broker.epochs[name], state, timeout)

    def coordinated_ids(self, producer_ids: Collection[int]) -> dict[int, Coordinated]:
        def work() -> dict[int, Coordinated]:
            found = [self._coordinated(name) for name in self._broker.epochs]
            return {one.producer_id: one for one in found if one is not None and one.producer_id in producer_ids}

        return self._process.call("list_transactions", work)

    def end(self, hanging: Open, commit: bool) -> None:
        def work() -> None:
            broker, identity = self._broker, list(self._broker.epochs)[hanging.producer_id]
            if not broker.altering_is_permitted:
                raise ClusterAuthorizationFailedError
            if (identity, hanging.partition) in broker.hanging:
                broker.mark(identity, hanging.partition, "committed" if commit else "aborted")

        self._process.call("end", work)

    def limits(self, topics: Collection[str]) -> Limits:
        told = topics if self._broker.tells_limits else ()
        return self._process.call("limits", lambda: Limits(dict.fromkeys(told, self._broker.largest)))

    def compacted(self, topics: Collection[str]) -> list[str]:
        return self._process.call("describe_configs", lambda: sorted(self._broker.compacted & set(topics)))

    def close(self) -> None:
        """It holds nothing."""
