"""Keeps the cycle going: connects, tries again what may heal, tells how it stands, stops when told."""

import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from msgspec import structs

from pipeline.checkpoints import CheckpointError, Checkpoints
from pipeline.cluster import Clients, ClusterError, FencedInstanceIdError, KafkaError, TopicPartition
from pipeline.cycle import Cycle
from pipeline.member import Clock, Member
from pipeline.metrics import Metrics
from pipeline.opening import Held, Opener, Shards
from pipeline.publisher import Publisher
from pipeline.settings import Settings
from pipeline.shard import Counts, FingerprintError, Shard
from pipeline.status import PartitionStatus, State, Status
from pipeline.watchdog import Watchdog

logger = logging.getLogger(__name__)

LONGEST_WAIT = 30.0  # seconds between two attempts to connect
RATE_OVER = 10.0  # seconds
FAILURE = 1  # exit code


class Worker:
    """Reads, folds and publishes until it is told to stop.

    Parameters
    ----------
    settings
        Every knob.
    clients
        Where the Kafka clients come from.
    checkpoints
        Where shards rest.
    metrics
        Kept up to date once a cycle.
    shards
        Makes the shards.
    clock
        The time.
    rebuild
        Whether to begin anew where a checkpoint was made with other settings.
    expired
        Told the name of a call to Kafka that takes longer than `delivery.deadline`. By default the process ends, for
        its supervisor to start it again: nothing else gets such a call back.
    instance, version
        For the status.
    """

    def __init__(
        self,
        settings: Settings,
        clients: Clients,
        checkpoints: Checkpoints,
        metrics: Metrics,
        *,
        shards: Shards = Shard,
        clock: Clock | None = None,
        rebuild: bool = False,
        expired: Callable[[str], None] | None = None,
        instance: str = "",
        version: str = "",
    ) -> None:
        self._settings, self._clients, self._checkpoints, self._metrics = settings, clients, checkpoints, metrics
        self._makes, self._clock, self._rebuild = shards, clock or Clock(), rebuild
        self._watchdog = Watchdog(settings.delivery.deadline, self._clock.now, expired or _end_the_process)
        self._stop = threading.Event()
        self._shards = threading.Lock()
        self._parked: dict[TopicPartition, Held] = {}
        self._recent: deque[tuple[float, int]] = deque()
        self._counts = Counts()
        self._status = Status(
            state="connecting",
            group=settings.kafka.group,
            instance=instance or settings.kafka.instance,
            version=version,
            started=self._clock.wall(),
        )

    def run(self, drain: bool = False) -> int:
        """Work until `stop`, or with `drain` until all is done that was in the log when partitions were assigned.

        What may heal (no broker, no topic, a wrong password, no place for checkpoints) is said once and tried again.

        Returns
        -------
        int
            Exit code: 0 done, 1 cannot work with these settings.
        """
        attempts, said = 0, ""
        with self._watchdog:
            while not self._stop.is_set():
                try:
                    self._work(drain)
                    break
                except (FingerprintError, FencedInstanceIdError) as error:
                    logger.error("%s", self._advice(error))
                    return FAILURE
                except (ClusterError, CheckpointError, KafkaError) as error:
                    attempts = 0 if self._status.state != "connecting" else attempts
                    said = self._explain(error, said)
                    self._clock.wait(self._stop, min(2.0**attempts, LONGEST_WAIT))
                    attempts += 1
        return 0

    def stop(self) -> None:
        """End after this cycle, with a checkpoint of each shard; from any thread, or a signal."""
        self._stop.set()

    def healthy(self) -> bool:
        """Whether the loop turns."""
        return self._watchdog.overdue() is None

    def ready(self) -> bool:
        """Whether partitions are assigned and caught up with."""
        return self._status.state == "ready"

    def status(self) -> Status:
        """How things stood after the last cycle."""
        return self._status

    def _work(self, drain: bool) -> None:
        """From connecting to leaving."""
        self._checkpoints.probe()
        self._clients.describe()
        publisher = Publisher(self._clients, self._settings, self._watchdog)
        try:
            member = Member(self._clients, self._settings, self._watchdog, self._clock)
            try:
                self._cycle(member, publisher, drain)
            finally:
                member.close()
        finally:
            publisher.close()

    def _cycle(self, member: Member, publisher: Publisher, drain: bool) -> None:
        """From joining to the last checkpoint."""
        opener = Opener(
            member,
            publisher,
            self._clients.describe,
            self._checkpoints,
            self._makes,
            self._settings,
            self._metrics,
            self._clock,
            self._rebuild,
        )
        cycle = Cycle(
            member,
            publisher,
            opener,
            self._checkpoints,
            self._settings,
            self._metrics,
            self._clock,
            self._shards,
            self._parked,
        )
        self._tell("assigning")
        try:
            while not self._stop.is_set() and not (drain and cycle.drained()):
                cycle.turn(self._stop)
                self._report(cycle, member)
            self._tell("stopping")
            cycle.keep()
        finally:
            self._parked = cycle.close()
            self._counts += cycle.counts

    def _explain(self, error: Exception, said: str) -> str:
        message = self._advice(error)
        self._metrics.broker_errors.labels(type(error).__name__).inc()
        if message != said:
            logger.error("%s (trying again)", message)
        self._metrics.up_to_date.set(0)
        self._tell("connecting", message)
        return message

    def _advice(self, error: Exception) -> str:
        if isinstance(error, FencedInstanceIdError):
            return f"another worker runs as kafka.instance {self._settings.kafka.instance!r}; give each one its own"
        return str(error) or type(error).__name__

    def _tell(self, state: State, message: str = "") -> None:
        self._status = structs.replace(self._status, state=state, message=message)

    def _report(self, cycle: Cycle, member: Member) -> None:
        """Bring status and gauges up to date."""
        partitions = tuple(
            _partition_status(partition, held, member.reached(partition), member.end(partition))
            for partition, held in sorted(cycle.held.items())
        )
        state: State = "assigning" if not cycle.settled else "ready" if cycle.drained() else "catching_up"
        counts = self._counts + cycle.counts
        self._status = structs.replace(
            self._status,
            state=state,
            message="",
            partitions=partitions,
            observations=counts.observations,
            forecasts=counts.forecasts,
            dead_letters=sum(counts.dead_letters.values()),
            late=counts.late,
            repeated=counts.repeated,
            events_per_second=self._rate(counts.observations),
        )
        self._metrics.partitions_assigned.set(len(partitions))
        self._metrics.up_to_date.set(state == "ready")
        for one in partitions:
            self._metrics.lag_records.labels(str(one.partition)).set(one.lag or 0)
        ages = [self._clock.now() - held.saved_at for held in cycle.held.values()]
        self._metrics.checkpoint_age_seconds.set(max(ages, default=0.0))

    def _rate(self, observations: int) -> float:
        """Observations a second over the last ones."""
        now = self._clock.now()
        self._recent.append((now, observations))
        while self._recent[0][0] < now - RATE_OVER and len(self._recent) > 1:
            self._recent.popleft()
        then, before = self._recent[0]
        return (observations - before) / (now - then) if now > then else 0.0


def _partition_status(partition: TopicPartition, held: Held, reached: int | None, end: int | None) -> PartitionStatus:
    lag = None if reached is None or end is None else max(end - reached, 0)
    return PartitionStatus(
        partition=partition.partition,
        next_offset=held.shard.next_offset,
        end_offset=end,
        lag=lag,
        series=0,
        learning_steps=0,
    )


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call `stop`; a second one ends the process at once."""

    def first(number: int, _: FrameType | None) -> None:
        logger.info("%s: stopping after this cycle; once more to stop at once", signal.Signals(number).name)
        for one in kinds:
            signal.signal(one, signal.SIG_DFL)
        stop()

    kinds = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(one, first) for one in kinds]
    try:
        yield
    finally:
        for one, handler in zip(kinds, before, strict=True):
            signal.signal(one, handler)


def _end_the_process(call: str) -> None:
    logger.critical("Kafka has not come back from `%s` within delivery.deadline: ending, to be started again", call)
    logging.shutdown()
    os._exit(FAILURE)
