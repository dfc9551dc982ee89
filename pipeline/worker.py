"""Keeps the cycle going: connects, tries again what may heal, tells how it stands, stops when told."""

import gc
import logging
import os
import threading
from collections.abc import Callable

from msgspec import structs

from pipeline.checkpoints import Checkpoints
from pipeline.checkpoints.stores import CheckpointError
from pipeline.clock import Clock
from pipeline.cluster import (
    Clients,
    ClusterError,
    Description,
    FencedInstanceIdError,
    KafkaError,
    NoTopicError,
    TopicPartition,
)
from pipeline.cluster.advice import advice
from pipeline.compaction import tell_compacted
from pipeline.counts import Counts
from pipeline.cycle import LONGEST_WAIT, Cycle
from pipeline.fingerprints import FingerprintError
from pipeline.held import Held, Shards
from pipeline.inputs import inputs_of
from pipeline.instruments import Instruments
from pipeline.losses import Losses
from pipeline.member import Member
from pipeline.metrics import Metrics
from pipeline.opening import Opener
from pipeline.publisher import Publisher
from pipeline.reporter import Reporter, Seen
from pipeline.settings import Settings, reloaded
from pipeline.shards import PretrainedShards
from pipeline.snapshots import Snapshots
from pipeline.standstill import Standstill
from pipeline.watchdog import LONG, Watchdog
from pipeline.web.status import State, Status
from pipeline.weights import digest_of, name_of, read_weights

logger = logging.getLogger(__name__)

FAILURE = 1  # exit code
TO_KEEP = 0.8
"""Of `delivery.stop_within`: after that no checkpoint is begun any more, so that the one under way can be ended, and
the group be left."""


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
        Makes the shards; None: with the weights that the settings name.
    clock
        The time.
    rebuild
        Whether to begin anew where a checkpoint was made with other settings.
    expired
        Told the name of a call to Kafka that takes longer than `delivery.deadline`, or of a step of the loop (a fold, a
        checkpoint, an opening) that takes five times as long. By default the process ends, for its supervisor to start
        it again: nothing else gets such a call back.
    instance, version
        For the status.

    Raises
    ------
    WeightsError
        The settings name weights that cannot be used.

    Attributes
    ----------
    snapshots
        Answers questions for series, from any thread.
    """

    def __init__(
        self,
        settings: Settings,
        clients: Clients,
        checkpoints: Checkpoints,
        metrics: Metrics,
        *,
        shards: Shards | None = None,
        clock: Clock | None = None,
        rebuild: bool = False,
        expired: Callable[[str], None] | None = None,
        instance: str = "",
        version: str = "",
    ) -> None:
        self._settings, self._clients, self._checkpoints, self._metrics = settings, clients, checkpoints, metrics
        weights = read_weights(settings.model)
        self._shards, self._clock, self._rebuild = shards or PretrainedShards(weights), clock or Clock(), rebuild
        self._watchdog = Watchdog(settings.delivery.deadline, self._clock.now, expired or _end_the_process)
        self._instruments = Instruments(metrics, self._watchdog, self._clock)
        self._stop, self._stopped_at = threading.Event(), float("inf")
        self._changed: Settings | None = None
        self._parked: dict[TopicPartition, Held] = {}
        self._inputs = ""
        self._asked: set[str] = set()  # input topics of which it is known whether they are compacted
        self._missing_since: float | None = None
        self._counts, self._losses = Counts(), Losses(settings.events)
        status = Status(
            state="connecting",
            group=settings.kafka.group,
            instance=instance or settings.kafka.instance,
            version=version,
            weights=name_of(settings.model),
            weights_digest=digest_of(settings.model, weights),
            started=self._clock.wall(),
        )
        self._reporter = Reporter(status, settings, metrics, self._clock)
        self.snapshots = Snapshots(self._clock.now)

    def run(self, drain: bool = False) -> int:
        """Work until `stop`, or with `drain` until all is done that was in the log when partitions were assigned.

        What may heal (no broker, no topic, a wrong password, no place for checkpoints) is said once and tried again;
        but with `drain` a topic that stays missing for `kafka.session_timeout` ends it.

        Returns
        -------
        int
            Exit code: 0 done, 1 cannot work with these settings, or there was no topic to drain.
        """
        attempts, said = 0, ""
        with self._watchdog:
            while not self._stop.is_set():
                try:
                    if self._work(drain):
                        break
                except (FingerprintError, FencedInstanceIdError) as error:
                    logger.error("%s", advice(error, self._settings.kafka))
                    return FAILURE
                except (ClusterError, CheckpointError, KafkaError) as error:
                    state = self._reporter.status.state
                    attempts = 0 if state != "connecting" else attempts
                    said = "" if state == "ready" else said  # all was well in between: the same again is news
                    said = self._explain(error, said)
                    if drain and self._has_nothing(error):
                        return FAILURE
                    self._clock.wait(self._stop, min(2.0**attempts, LONGEST_WAIT))
                    attempts += 1
        return 0

    def stop(self) -> None:
        """End after this cycle, with a checkpoint of each shard; from any thread, or a signal."""
        self._stopped_at = self._clock.now()
        self._stop.set()

    def change(self, settings: Settings) -> None:
        """Go on by these settings after this cycle, as far as they may change; from any thread, or a signal."""
        self._changed = settings

    def trouble(self) -> str:
        """Why this process should be started again; "" while the loop turns."""
        return "" if self._watchdog.overdue() is None else "the loop has not turned within its deadline"

    def ready(self) -> bool:
        """Whether partitions are assigned and caught up with."""
        return self._reporter.told.status.state == "ready"

    def status(self) -> Status:
        """How things stood after the last cycle, and since when."""
        told = self._reporter.told
        return structs.replace(told.status, age=self._clock.now() - told.at, doing=self._watchdog.doing())

    def _work(self, drain: bool) -> bool:
        """From connecting to leaving; whether that was all there is to do."""
        with self._watchdog.watching("a trial of checkpoints.url", LONG):
            self._checkpoints.probe()
        with self._watchdog.watching("describe", LONG):
            self._tell_inputs(self._clients.describe())
        self._missing_since = None
        publisher = Publisher(self._clients, self._settings, self._instruments)
        try:
            member = Member(self._clients, self._settings, self._watchdog, self._clock)
            try:
                return self._cycle(member, publisher, drain)
            finally:
                member.close()
        finally:
            publisher.close()

    def _cycle(self, member: Member, publisher: Publisher, drain: bool) -> bool:
        """From joining to the last checkpoint; False where there are other topics to join anew for."""
        with self._watchdog.watching("describe", LONG):
            opener = Opener(
                member,
                publisher,
                self._clients.describe,
                self._checkpoints,
                self._shards,
                self._settings,
                self._instruments,
                self._rebuild,
            )
        cycle = Cycle(
            member,
            publisher,
            opener,
            self._checkpoints,
            self._settings,
            self._instruments,
            self.snapshots,
            Standstill(self._clients, self._instruments),
            self._losses,
            self._parked,
        )
        self._reporter.tell("assigning")
        try:
            while not (done := self._stop.is_set() or (drain and cycle.drained())) and not member.is_outdated():
                self._take_over(cycle)
                cycle.turn(self._stop)
                state: State = "assigning" if not cycle.settled else "ready" if cycle.caught_up() else "catching_up"
                counts = self._counts + cycle.counts
                self._reporter.report(Seen(state, cycle.held, counts, self._losses, cycle.drained()), member)
            self._reporter.tell("stopping" if done else "assigning")
            cycle.keep(self._stopped_at + TO_KEEP * self._settings.delivery.stop_within)
            return done
        finally:
            self._parked = cycle.close()
            self._counts += cycle.counts

    def _take_over(self, cycle: Cycle) -> None:
        """Put in force what was read again."""
        changed, self._changed = self._changed, None
        if changed is not None:
            self._settings, *_ = reloaded(self._settings, changed)
            cycle.change(self._settings)
            self._reporter.change(self._settings)

    def _tell_inputs(self, there: Description) -> None:
        """Say what a pattern matches, when that is news, and how many partitions there are."""
        names = inputs_of(self._settings.kafka).among(there.topics)
        self._metrics.input_partitions.set(sum(there.topics[name].partitions for name in names))
        told = inputs_of(self._settings.kafka).told(there.topics)
        if told != self._inputs:
            logger.info("%s", told)
        self._inputs = told
        self._asked |= tell_compacted(self._clients, set(names) - self._asked)

    def _has_nothing(self, error: Exception) -> bool:
        """Whether a topic has been missing for so long that who drains waits no more."""
        now, patience = self._clock.now(), self._settings.kafka.session_timeout
        since = now if self._missing_since is None else self._missing_since
        self._missing_since = since if isinstance(error, NoTopicError) else None
        is_over = self._missing_since is not None and now - since >= patience
        if is_over:
            logger.error(
                "ending with nothing drained: that has been so for %.0f s (kafka.session_timeout)", now - since
            )
        return is_over

    def _explain(self, error: Exception, said: str) -> str:
        message = advice(error, self._settings.kafka)
        self._metrics.broker_errors.labels(type(error).__name__).inc()
        if message != said:
            logger.error("%s (trying again)", message)
        self._reporter.tell("connecting", message)
        return message


def spare_the_collector() -> None:
    """Tell Python's garbage collector that what is loaded by now stays, so that it need not look through it.

    It counts the objects of each cycle, and looks through the hundreds of thousands of imported libraries again and
    again: a fifth of the CPU of an event, measured without a model.
    """
    gc.collect()
    gc.freeze()


def _end_the_process(call: str) -> None:
    logger.critical("`%s` has not come back in its time (delivery.deadline): ending, to be started again", call)
    logging.shutdown()
    os._exit(FAILURE)
