"""A Kafka that fits in the test's own process and can be killed at any call, and a shard that forgets nothing.

The broker keeps what a real one keeps: logs with transactions, committed offsets, a group with generations, and who
may write under a transactional id. What a client holds back (records that were not flushed, a transaction that was not
committed) is lost with it.
"""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from kafka.admin import TransactionState
from kafka.errors import (
    ClusterAuthorizationFailedError,
    CommitFailedError,
    CorruptRecordError,
    IllegalStateError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    ProducerFencedError,
    TopicAuthorizationFailedError,
)
from kafka.structs import ConsumerGroupMetadata, MemberState, OffsetAndMetadata, TopicPartition
from msgspec.structs import replace

from lstm_stream import Dump, Scores, Summaries
from pipeline.admin import Coordinated, Limits, Open
from pipeline.clock import Clock
from pipeline.cluster import ConsumerRebalanceListener, Description, Topic
from pipeline.counts import Counts
from pipeline.dead_letters import Reject, dead_letter
from pipeline.fates import FORECAST, Fate, Fates
from pipeline.fingerprints import FingerprintError
from pipeline.fold import Fold, Publish
from pipeline.journal import Whole
from pipeline.measures import Measures
from pipeline.messages import Outgoing, Record
from pipeline.series_status import SeriesStatus
from pipeline.settings import Settings
from pipeline.shard import State
from pipeline.status import ExpertWeight, Gates, Ranking, ShardStatus
from pipeline.table import Table
from pipeline.transactions import java_hash

T = TypeVar("T")
Headers = Sequence[tuple[str, bytes | None]]


class Killed(BaseException):
    """The process ends here, as by kill -9: nothing of it runs on, and nothing may catch it."""


class NotUtf8(str):
    """A name for a header that other clients can send, and this one only so."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:  # noqa: ARG002
        return b"h\xff"


class ManualClock(Clock):
    """Time passes only when somebody waits, and nobody really waits."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> float:
        return self.seconds

    def wall(self) -> float:
        return self.seconds

    def started(self) -> float:
        return 990.0

    def wait(self, event: threading.Event, seconds: float) -> None:
        self.seconds += 0.0 if event.is_set() else seconds

    def pause(self, seconds: float) -> None:
        self.seconds += seconds


class ChainShard:
    """Stands in for a shard: each forecast is a digest of the whole past, in its order.

    A record that is lost, repeated or out of order changes every forecast after it.
    """

    def __init__(self, topic: str, partition: int, next_offset: int, digest: str, fingerprint: str) -> None:
        self.topic, self.partition, self.next_offset = topic, partition, next_offset
        self._digest, self._fingerprint = digest, fingerprint
        self.watched = set[str]()

    @classmethod
    def fresh(cls, topic: str, partition: int, next_offset: int, settings: Settings) -> "ChainShard":
        return cls(topic, partition, next_offset, f"from {next_offset}", str(settings.model))

    @classmethod
    def load(
        cls,
        topic: str,
        partition: int,
        header: Mapping[str, object],
        arrays: Mapping[str, npt.NDArray[Any]],
        settings: Settings,
    ) -> "ChainShard":
        if header["fingerprint"] != str(settings.model):
            raise FingerprintError(f"made with {header['fingerprint']}, and not with {settings.model}")
        return cls(topic, partition, int(arrays["next_offset"]), str(header["digest"]), str(header["fingerprint"]))

    def dump(self) -> State:
        header: dict[str, object] = {"digest": self._digest, "fingerprint": self._fingerprint}
        return State(header, {"next_offset": np.asarray(self.next_offset)})

    def dump_in_parts(self) -> Dump:
        return Dump(*self.dump())

    def status(self) -> ShardStatus:
        return ShardStatus(
            series=1,
            learning_steps=self.next_offset,
            skipped_learning_steps=0,
            loss=0.0,
            gradient_norm=0.0,
            mae_model=0.5,
            mae_last_value=1.0,
            drifts=self.next_offset,
            breaks=self.next_offset,
            gates=Gates(forget=0.7, input=0.5, output=0.5),
            experts=(
                ExpertWeight(expert="lstm", needs_lstm=True, weight=0.5),
                ExpertWeight(expert="readout", needs_lstm=True, weight=0.25),
                ExpertWeight(expert="last_value", needs_lstm=False, weight=0.25),
            ),
        )

    def series(self) -> tuple[str, ...]:
        return (f"chain-{self.partition}",)

    def ranking(self, by: Ranking, count: int) -> list[tuple[float, str]]:
        return [(0.9 if by == "surprise" else 0.5, name) for name in self.series()[:count]]

    def series_status(self, name: str) -> SeriesStatus | None:
        if name not in self.series():
            return None
        return SeriesStatus(
            series=name,
            topic=self.topic,
            partition=self.partition,
            observations=self.next_offset,
            step_seconds=None,
            last_time=0,
            last_value=None,
            recent_times=(),
            recent_values=(),
            origin=0,
            mean=(),
            quantiles={},
            status="warming",
            skill=None,
        )

    def table(self) -> Table:
        one, none = np.ones(1, np.int64), np.full(1, np.nan)
        return Table(
            self.series(), Summaries(one, one, none, none, none), np.ones(1, np.float32), np.ones(1, np.float32)
        )

    def sparkline(self, name: str, count: int) -> tuple[float | None, ...]:
        return (1.0, None)[:count] if name in self.series() else ()

    def watch(self, names: Collection[str]) -> None:
        self.watched = set(names)

    def track(self, name: str) -> tuple[Whole, ...]:
        assert name in self.series()
        return ()

    def fold(self, records: Sequence[Record], publish: Publish) -> Fold:
        forecasts: list[Outgoing] = []
        letters: list[Outgoing] = []
        reasons: dict[str, int] = {}
        for record in records:
            assert record.offset >= self.next_offset, f"{record.offset} came again"
            self.next_offset = record.offset + 1
            self._digest = hashlib.blake2b(f"{self._digest} {record.value!r}".encode(), digest_size=8).hexdigest()
            value = f"{self.partition}/{record.offset} {self._digest}".encode()
            if record.value is not None and record.value.startswith(b"bad"):
                letters.append(
                    dead_letter(replace(record, value=value + b" " + record.value), Reject("not_json", "bad"))
                )
                reasons["not_json"] = reasons.get("not_json", 0) + 1
            else:
                forecasts.append(Outgoing(record.key, value, ()))
        counts = Counts(len(records), len(forecasts), dead_letters=reasons)
        seconds = np.array([record.offset for record in records], np.int64)
        measures = Measures(seconds * 1_000_000, seconds * 1000, np.full(len(records), 0.5), Scores.zeros())
        fates = Fates(tuple(_fate(record) for record in records), (), 1)
        if publish == "none":
            return Fold([], [], counts, {}, fates=fates)
        return Fold(
            forecasts[-1:] if publish == "latest" else forecasts, letters, counts, {}, fates=fates, measures=measures
        )


def _fate(record: Record) -> Fate:
    is_bad = record.value is not None and record.value.startswith(b"bad")
    return Fate(record.offset, "not_json" if is_bad else FORECAST, "bad" if is_bad else "", scored=True)


class _Transaction:
    """What one producer has begun."""

    def __init__(self, state: str, started: float) -> None:
        self.state, self.started = state, started
        self.offsets: dict[TopicPartition, int] = {}
        self.touched: set[TopicPartition] = set()
        self.epoch = 0


class _Entry(NamedTuple):
    """A record in a log; it can be read once its transaction is over, if it was committed."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    transaction: _Transaction | None


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
        self.logs: dict[TopicPartition, list[_Entry]] = {one: [] for one in (*self.input, *self.outputs)}
        self.first = dict.fromkeys(self.logs, 0)
        self.damaged: set[tuple[TopicPartition, int]] = set()  # records whose bytes are no record
        self.committed: dict[TopicPartition, int] = {}
        self.members: list[str] = []
        self.generation = 0
        self.epochs: dict[str, int] = {}
        self.open: dict[str, _Transaction] = {}
        self.largest = 1 << 20  # bytes of a record
        self.tells_limits = True
        self.forgets: Container[TopicPartition] = ()  # where it ends transactions in its log only, without a marker
        self.ended: dict[str, str] = {}  # how the last transaction of an id ended
        self.hanging: dict[tuple[str, TopicPartition], _Transaction] = {}
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
        transaction: _Transaction | None,
    ) -> None:
        entry = _Entry(self.end(partition), key, value, headers, transaction)
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

    def readable(self, partition: TopicPartition) -> list[_Entry]:
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
        self.open[identity] = _Transaction("open", self.clock.now())
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
            self.append(partition, None, None, (), _Transaction("marker", self.clock.now()))

    def everywhere(self) -> set[TopicPartition]:
        """Where markers can be forgotten."""
        return {*self.outputs, self.kept_offsets}

    def _leave_hanging(self, identity: str, whole: _Transaction, where: set[TopicPartition]) -> None:
        """Each partition goes on by itself: its next marker may be another one than the others'."""
        for partition in where:
            part = self.hanging.setdefault((identity, partition), _Transaction("open", whole.started))
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
            self.append(partition, None, None, (), _Transaction("marker", self.clock.now()))

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


class FakeProcess:
    """One worker's process, as far as Kafka sees it: its clients, until it is killed.

    Parameters
    ----------
    broker
        Where it connects.
    instance
        Its name; its transactional id.
    interrupt
        Called with the running number of a call, its name, and whether it is done (but not yet told). It may raise,
        or do what others do meanwhile. `Killed` ends the process: no call of it has any effect after that.
    """

    def __init__(
        self, broker: FakeBroker, instance: str = "one", interrupt: Callable[[int, str, bool], None] | None = None
    ) -> None:
        self.broker, self.instance = broker, instance
        self.interrupt: Callable[[int, str, bool], None] = interrupt or (lambda *_: None)
        self.calls = 0
        self.member: FakeConsumer | None = None
        self._alive = True

    def call(self, name: str, work: Callable[[], T]) -> T:
        """Every call of a client goes through here."""
        if not self._alive:
            raise Killed(name)
        self.calls += 1
        number = self.calls
        try:
            self.interrupt(number, name, False)
            self.broker.time_out()
            result = work()
            self.interrupt(number, name, True)
        except Killed:
            self._alive = False
            raise
        return result

    def expel(self) -> None:
        """The group goes on without this process, which does not know of it."""
        if self.member is not None:
            self.broker.leave(self.member.name)

    @property
    def transactional_id(self) -> str:
        return self.instance

    def describe(self) -> Description:
        broker = self.broker
        counts = Counter(one.topic for one in (*broker.input, *broker.outputs))
        topics = {name: Topic(f"{name}-{broker.topic_id}", count) for name, count in counts.items()}
        return self.call("describe", lambda: Description("fake", topics))

    def consumer(self) -> "FakeConsumer":
        self.member = FakeConsumer(self)
        return self.member

    def producer(self, limits: Limits) -> "FakeProducer":
        assert limits.sizes()["batch_size"] <= self.broker.largest or not self.broker.tells_limits
        return FakeProducer(self)

    def admin(self) -> "FakeAdmin":
        return FakeAdmin(self)


class FakeAdmin:
    """Sees what partitions take to be open, and writes the markers that they lack."""

    def __init__(self, process: FakeProcess) -> None:
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

    def _start(self, partition: TopicPartition, transaction: _Transaction) -> int:
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

    def close(self) -> None:
        """It holds nothing."""


class FakeConsumer:
    """A member of the broker's one group."""

    def __init__(self, process: FakeProcess) -> None:
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

    def __init__(self, process: FakeProcess) -> None:
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
