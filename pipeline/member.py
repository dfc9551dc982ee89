"""This process as a member of the consumer group: what it reads, and which partitions it holds."""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from pipeline.clock import Clock
from pipeline.cluster import (
    Clients,
    ConsumerGroupMetadata,
    ConsumerRebalanceListener,
    CorruptRecordError,
    IllegalStateError,
    KafkaTimeoutError,
    MemberState,
    Message,
    NoOffsetForPartitionError,
    NoTopicError,
    OffsetAndMetadata,
    OffsetOutOfRangeError,
    TopicPartition,
    place,
    record,
)
from pipeline.inputs import inputs_of
from pipeline.messages import Record
from pipeline.settings import Settings
from pipeline.watchdog import Watchdog

logger = logging.getLogger(__name__)

IDLE = 0.5  # seconds that a poll waits for a record at most; in shorter ones a join may not get on
NEWS = 20.0  # seconds after which it is asked again which topics a pattern matches
PATIENCE = 1.0  # seconds to wait for a committed offset that a transaction is still about to move
LEAVING = 10.0  # seconds to leave the group in

Gathered = dict[TopicPartition, list[Record]]


class Look(NamedTuple):
    """The group at one moment.

    Attributes
    ----------
    metadata
        What the broker checks a commit against; never newer than the rest.
    assigned
        The partitions that are ours; none while we are no member.
    moved
        Those that came or went since the last look, even if they came back.
    settled
        Whether no rebalance is under way.
    """

    metadata: ConsumerGroupMetadata
    assigned: set[TopicPartition]
    moved: set[TopicPartition]
    settled: bool


class _Notes(ConsumerRebalanceListener):
    """What the client's own thread says of partitions. It also beats the heart, so it may only note."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._moved: set[TopicPartition] = set()

    def note(self, partitions: Iterable[TopicPartition]) -> None:
        with self._lock:
            self._moved.update(partitions)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self.note(revoked)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self.note(assigned)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self.note(lost)

    def any(self) -> bool:
        with self._lock:
            return bool(self._moved)

    def take(self) -> set[TopicPartition]:
        with self._lock:
            moved, self._moved = self._moved, set()
            return moved


class Member:
    """The worker's one consumer.

    Parameters
    ----------
    clients
        Where the consumer comes from.
    settings
        The topic, and how much to gather.
    watchdog
        Watches the calls that have no time limit.
    clock
        The time.

    Attributes
    ----------
    refused
        Positions that the broker has no records for, by partition: too old or too new. Whoever opens the partition
        again takes them out.
    """

    def __init__(self, clients: Clients, settings: Settings, watchdog: Watchdog, clock: Clock) -> None:
        self._settings, self._watchdog, self._clock = settings, watchdog, clock
        self._notes = _Notes()
        self.refused: dict[TopicPartition, int] = {}
        self._most = settings.kafka.max_poll_records
        self._consumer = clients.consumer()
        self._inputs = inputs_of(settings.kafka)
        matching = self._matching()  # a member that deals out the partitions must know of them, or all begin with none
        self._topics = self._inputs.names or matching
        if not self._topics:
            self.close()
            raise NoTopicError(f"no topic matches kafka.input = '{self._inputs.setting}' any more: waiting for one")
        self._consumer.subscribe(self._topics, listener=self._notes)

    def _matching(self) -> tuple[str, ...]:
        self._asked = self._clock.now()
        with self._watchdog.watching("topics"):
            return self._inputs.among(self._consumer.topics())

    def is_outdated(self) -> bool:
        """Whether the pattern matches other topics now; then another member has to take this one's place.

        This one cannot subscribe anew, nor leave that to the client: where a join that a change of topics began is not
        over within one poll, the client never ends it, and is out of the group for good.
        """
        if self._inputs.pattern is None or self._clock.now() - self._asked < NEWS:
            return False
        matching = self._matching()
        return bool(matching) and matching != self._topics

    def change(self, settings: Settings) -> None:
        """Gather by these settings from now on."""
        self._settings = settings

    def take_fewer(self) -> int:
        """Gather half as many records at once: they took too long. How many these are."""
        self._most = max(min(self._most, self._settings.kafka.max_poll_records) // 2, 1)
        return self._most

    def take_more(self) -> None:
        """Gather some more again, up to `max_poll_records`."""
        self._most = min(self._most + max(self._most // 8, 1), self._settings.kafka.max_poll_records)

    def gather(self, stop: threading.Event, between: Callable[[], None]) -> Gathered:
        """Poll until there is enough, or `commit_interval` after the first record, or partitions came or went.

        `between` is called after each poll.
        """
        gathered: Gathered = defaultdict(list)
        count, most = 0, min(self._most, self._settings.kafka.max_poll_records)
        until = self._clock.now() + IDLE
        while count < most and not stop.is_set():
            for partition, messages in self._poll(min(until - self._clock.now(), IDLE), most - count).items():
                if count == 0:
                    until = self._clock.now() + self._settings.delivery.commit_interval
                gathered[partition].extend(map(record, messages))
                count += len(messages)
            between()
            if self._clock.now() >= until or self._notes.any():
                break
        return gathered

    def _poll(self, seconds: float, most: int) -> Mapping[TopicPartition, Sequence[Message]]:
        try:
            with self._watchdog.watching("poll"):
                return self._consumer.poll(max(seconds, 0.0) * 1000, max_records=most)
        except NoOffsetForPartitionError as error:
            self._notes.note(error.args[0])  # new to the group: opening it commits where it starts
            return {}
        except OffsetOutOfRangeError as error:
            self._refuse(error.args[0])
            return {}
        except CorruptRecordError as error:
            raise CorruptRecordError(self._unreadable(error)) from error

    def _unreadable(self, error: CorruptRecordError) -> str:
        """What to say of a batch that cannot be read. It is never skipped: a wrong sum may be right next time."""
        reached = {place(one): self.reached(one) for one in sorted(self._consumer.assignment())}
        return (
            f"{error}. Next to be read were the offsets {reached}. If this stays so, the log is damaged: delete its"
            " records up to the end of that batch (kafka-delete-records.sh), and reading goes on behind it"
        )

    def _refuse(self, positions: Mapping[TopicPartition, int]) -> None:
        self.refused.update(positions)
        self._notes.note(positions)

    def look(self) -> Look:
        """The group's metadata first, then the assignment, then the notes: see `pipeline.cycle`.

        Metadata without a member id would be accepted by the broker without any check, so who is no member holds
        nothing.
        """
        metadata = self._consumer.group_metadata()
        is_member = metadata.generation_id >= 0 and bool(metadata.member_id)
        assigned = set(self._consumer.assignment()) if is_member else set()
        return Look(metadata, assigned, self._notes.take(), is_member and metadata.state == MemberState.STABLE)

    def is_made_anew(self, topic: str, known: str) -> bool:
        """Whether a topic has another id now than the one that was known: it was deleted and created again."""
        found = self._consumer.topic_id(topic)
        return found is not None and found != known

    def first(self, partition: TopicPartition) -> int:
        """The first offset that the log still holds."""
        with self._watchdog.watching("beginning_offsets"):
            return self._consumer.beginning_offsets([partition])[partition]

    def last(self, partition: TopicPartition) -> int:
        """The offset that the log's next record will get."""
        return self.ends([partition])[partition]

    def ends(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The same of several; also of those that are not ours."""
        with self._watchdog.watching("end_offsets"):
            return self._consumer.end_offsets(sorted(partitions))

    def committed(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The group's committed offsets of those that have one, at one moment; also of partitions that are not ours.

        Raises
        ------
        KafkaTimeoutError
            A transaction that is still open is about to move one; ask again.
        """
        with self._watchdog.watching("committed"):
            return self._consumer.committed_offsets(partitions, timeout_ms=PATIENCE * 1000)

    def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        """Commit offsets by themselves, outside of any transaction."""
        self._consumer.commit(offsets)

    def seek(self, partition: TopicPartition, offset: int) -> bool:
        """Go on from `offset`; whether the partition is still ours."""
        try:
            self._consumer.seek(partition, offset)
        except (ValueError, KeyError):  # the client's thread has just given it up
            return False
        return True

    def reached(self, partition: TopicPartition) -> int | None:
        """The offset that the next poll goes on from, markers of transactions skipped; None while not known."""
        try:
            return self._consumer.position(partition, timeout_ms=0)
        except (IllegalStateError, KeyError):  # the client's thread has just given it up
            return None
        except (
            NoOffsetForPartitionError,
            NoTopicError,
            KafkaTimeoutError,
        ):  # the client asks for all at once: another's is not known
            return None

    def end(self, partition: TopicPartition) -> int | None:
        """Where the log ended at the last fetch; None before the first. Unlike `last` it is right on Tansu, too."""
        try:
            return self._consumer.highwater(partition)
        except (IllegalStateError, KeyError):
            return None

    def close(self) -> None:
        """Leave the group, unless membership is static."""
        with self._watchdog.watching("close"):
            self._consumer.close(timeout_ms=LEAVING * 1000)
