"""The cycle: what keeps "exactly once".

1. *Gather*: poll until there are `max_poll_records`, or `commit_interval` after the first of them.
2. *Look*: right after the last poll take the group's metadata, then the assignment, then the listener's notes of what
   came and went since the last look. The client's own thread can finish a rebalance at any moment: in this order the
   metadata is never newer than what is believed to be held, and the broker refuses it once it is out of date.
3. *Fold* the records of the partitions that were held throughout; the others' are dropped.
4. *Publish* forecasts, dead letters and offsets in one transaction; none is ever open across a poll.
   Refused or failed: it is aborted, and every shard in it is dropped.
5. *Open* a shard for every partition that is assigned and not held.
6. *Look around*, now and then, for transactions that a broker's death left hanging; see `pipeline.transactions`.
7. *Keep* checkpoints, now and then, at exactly the committed offset: they begin here, and are written beside the loop.
"""

import itertools
import logging
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from pipeline.advice import advice
from pipeline.checkpoints import Address, Checkpoints
from pipeline.clock import Clock
from pipeline.cluster import (
    CommitFailedError,
    FencedInstanceIdError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    ProducerFencedError,
    RebalanceInProgressError,
    TopicPartition,
    place,
)
from pipeline.counts import Counts
from pipeline.fates import Fates
from pipeline.fold import Failure, Fold
from pipeline.held import Held
from pipeline.losses import Losses
from pipeline.measures import Measures, count, joined
from pipeline.member import Gathered, Look, Member
from pipeline.messages import Outgoing, Record
from pipeline.metrics import Metrics
from pipeline.opening import Opener
from pipeline.parts import Parts
from pipeline.publisher import Publication, Publisher
from pipeline.saver import Saved, Saver
from pipeline.settings import Settings
from pipeline.snapshots import Snapshots
from pipeline.standstill import Reading, Standstill
from pipeline.stores import CheckpointError
from pipeline.watchdog import LONG, Watchdog

logger = logging.getLogger(__name__)

QUIET = 30.0  # seconds without a record after which the cluster is asked whether it is still there
TRIES = 20  # openings put off before it is said
LONGEST_WAIT = 30.0  # seconds before what failed is tried again
PATIENCE = 5.0  # seconds in which a fetch usually tells where a log ends
MOST_TRACES = 100
"""Tracebacks of a connection; after these, failures are only counted."""
OUTDATED = (CommitFailedError, RebalanceInProgressError)
FENCED = (*OUTDATED, ProducerFencedError, FencedInstanceIdError)


class Folded(NamedTuple):
    """What a cycle's records came to."""

    publication: Publication
    counts: Counts
    failures: list[tuple[TopicPartition, Failure]]
    """Beside its partition; also those of records that are out already."""
    faults: Counter[TopicPartition]
    """How many of these are of records that are not."""
    fates: dict[TopicPartition, Fates]
    measures: Measures


class Cycle:
    """The worker's cycle while it is connected.

    Parameters
    ----------
    member, publisher, opener
        The two clients, and what opens shards.
    checkpoints
        Where shards rest.
    settings
        Every knob.
    metrics
        Count what each step does.
    watchdog
        Watches each step that could hang.
    clock
        The time.
    snapshots
        Left copies of the shards between two steps that change them.
    standstill
        Tells what holds our reading back.
    losses
        Told what became of each observation that is committed.
    parked
        Shards that this process held before; those that still fit are taken up again.

    Attributes
    ----------
    held
        The shards in this process' hands, by partition.
    settled
        Whether every partition that is assigned is held, and no rebalance is under way.
    counts
        What was committed.
    """

    def __init__(
        self,
        member: Member,
        publisher: Publisher,
        opener: Opener,
        checkpoints: Checkpoints,
        settings: Settings,
        metrics: Metrics,
        watchdog: Watchdog,
        clock: Clock,
        snapshots: Snapshots,
        standstill: Standstill,
        losses: Losses,
        parked: Mapping[TopicPartition, Held],
    ) -> None:
        self._member, self._publisher, self._opener = member, publisher, opener
        self._settings, self._metrics = settings, metrics
        self._watchdog, self._clock, self._snapshots = watchdog, clock, snapshots
        self._parts = Parts(clock.now, self._look)
        self._standstill, self._losses, self._parked = standstill, losses, dict(parked)
        self._saver = Saver(checkpoints, clock.now)
        self._due: list[TopicPartition] = []  # whose checkpoints are to begin
        self._failures, self._said = 0, ""
        self._unsaved: set[Address] = set()  # shards whose last checkpoint could not be written
        self._looked_at = clock.now()
        self._waiting: dict[TopicPartition, int] = {}  # how often its opening was put off
        self._saved = self._has_nothing_since = clock.now()
        self._told: set[tuple[TopicPartition, str | None, str]] = set()
        self.held: dict[TopicPartition, Held] = {}
        self.settled = False
        self.counts = Counts()

    def change(self, settings: Settings) -> None:
        """Go on by these settings, in which nothing else differs than what may change while a daemon runs."""
        self._settings = settings
        self._member.change(settings)

    def turn(self, stop: threading.Event) -> None:
        """Go through it once.

        Raises
        ------
        KafkaError
            The consumer failed; connect again.
        FingerprintError
            A checkpoint was made with other settings.
        """
        with self._timed("poll"):
            gathered = self._member.gather(stop, self._look)
        self._metrics.records.inc(sum(map(len, gathered.values())))
        look = self._member.look()
        self._let_go(look)
        folded = self._fold(gathered)
        self._tell(folded.failures)
        if folded.publication.offsets:
            self._publish(folded, look, stop)
        elif self.settled and not gathered:
            self._failures = 0  # nothing is left to be done again
        self._open(look, stop)
        self._catch_up()
        self._look_around(bool(gathered))
        if self._clock.now() - self._saved >= self._settings.checkpoints.interval:
            self._begin_to_keep()
        self._keep_on()
        self._look()

    def _look_around(self, is_busy: bool) -> None:
        """Notice in a quiet moment what the client waits for in silence, for ever."""
        self._publisher.look_around()
        self._standstill.look({one: Reading(self._member.reached(one), self._member.end(one)) for one in self.held})
        now = self._clock.now()
        if is_busy:
            self._looked_at = now
        elif now - self._looked_at >= QUIET:
            self._looked_at = now
            with self._watchdog.watching("describe", LONG):
                self._opener.look()

    def drained(self) -> bool:
        """Whether all is done that was in the log when the partitions were assigned.

        Who joins others may get none at first: that is believed only after a session's time.
        """
        waited = self._clock.now() - self._has_nothing_since >= self._settings.kafka.session_timeout
        return self.caught_up() and (bool(self.held) or waited)

    def caught_up(self) -> bool:
        """Whether each shard has reached what was the end of its log when it was opened, and commits succeed."""
        return self.settled and not self._failures and all(held.caught_up for held in self.held.values())

    def keep(self, until: float = float("inf")) -> None:
        """Write a checkpoint of each shard that stands at the committed offset, unless its last one is of there.

        After the moment `until` none is begun any more, and it is said how many are left: those whose last checkpoint
        is the youngest.
        """
        self._finish()
        self._begin_to_keep()
        while self._due and self._clock.now() < until:
            self._begin_next()
            self._finish()
        self._finish()
        if self._due:
            logger.warning(
                "%d of %d checkpoints are not written, as delivery.stop_within (%g s) is nearly over; nothing is lost:"
                " the next start reads again from older ones",
                len(self._due),
                len(self.held),
                self._settings.delivery.stop_within,
            )

    def _finish(self) -> None:
        with self._watchdog.watching("the writing of a checkpoint", LONG):
            self._saver.finish()
        self._note_saved()

    def _begin_to_keep(self) -> None:
        """Let a checkpoint of each shard be due that has moved on from its last one."""
        self._saved = self._clock.now()
        for partition, held in sorted(self.held.items(), key=lambda each: each[1].saved_at):
            if held.saved == held.committed == held.shard.next_offset:
                held.saved_at = self._saved
            elif partition not in self._due and not self._saver.is_saving(held.address):
                self._due.append(partition)

    def _keep_on(self) -> None:
        """Begin what is due, one dump at a time, and note what is written."""
        self._note_saved()
        while self._due and self._saver.is_free:
            self._begin_next()
        if self._saver.overdue(LONG * self._settings.delivery.deadline):
            self._finish()

    def _begin_next(self) -> None:
        held = self.held.get(self._due.pop(0))
        if held is not None and held.shard.next_offset == held.committed != held.saved:
            with self._timed("checkpoint"):
                self._saver.begin(held.address, held.committed, held.shard.dump_in_parts())

    def _note_saved(self) -> None:
        for saved in self._saver.finished():
            if saved.error is not None:
                self._tell_unsaved(saved.address, saved.error)
            else:
                self._tell_saved(saved.address)
                self._note(saved)

    def _note(self, saved: Saved) -> None:
        where = saved.address
        held = self.held.get(TopicPartition(where.topic, where.partition))
        if held is not None and held.address == where:
            held.saved, held.saved_at = saved.offset, saved.begun_at
        self._metrics.checkpoint_seconds.observe(self._clock.now() - saved.begun_at)
        self._metrics.checkpoint_bytes.labels(where.topic, str(where.partition)).set(saved.size)

    def close(self) -> dict[TopicPartition, Held]:
        """Hand back the shards, for the next connection: some may fit again."""
        with self._watchdog.watching("the writing of a checkpoint", LONG):
            self._saver.close()
        parked, self.held = self._parked | self.held, {}
        self._snapshots.clear()
        return parked

    def _look(self) -> None:
        """Answer what others ask. What was folded and is not committed yet shows, as a forecast would."""
        self._snapshots.look({partition: held.shard for partition, held in self.held.items()})
        if not self._saver.is_free:
            with self._timed("checkpoint"):
                self._saver.hand_over()

    def _let_go(self, look: Look) -> None:
        """Park the shards that were not held throughout, or whose topic is another one by now."""
        gone = {one for one in self.held if one in look.moved or one not in look.assigned}
        gone |= {one for one, held in self.held.items() if self._member.is_made_anew(one.topic, held.address.topic_id)}
        for partition in gone:
            self._saver.give_up(self.held[partition].address)
            self._parked[partition] = self.held.pop(partition)
        if gone:
            self._metrics.rebalances.inc()

    def _fold(self, gathered: Gathered) -> Folded:
        forecasts: list[Outgoing] = []
        letters: list[Outgoing] = []
        offsets: dict[TopicPartition, int] = {}
        counts, faults, fates = Counts(), Counter[TopicPartition](), dict[TopicPartition, Fates]()
        failures: list[tuple[TopicPartition, Failure]] = []
        measures: list[Measures] = []
        for partition, records in gathered.items():
            held = self.held.get(partition)
            if held is None:
                continue
            out_already = [one for one in records if one.offset < held.committed]
            before = self._fold_one(held, out_already, silently=True)
            folded = self._fold_one(held, records[len(out_already) :], silently=False)
            forecasts.extend(folded.forecasts)
            letters.extend(folded.dead_letters)
            counts += folded.counts
            failures += [(partition, failure) for failure in (*before.failures, *folded.failures)]
            faults[partition] += len(folded.failures)
            fates[partition] = folded.fates
            measures.append(folded.measures)
            held.note_time(records)
            if held.shard.next_offset > held.committed:
                offsets[partition] = held.shard.next_offset
        return Folded(Publication(forecasts, letters, offsets), counts, failures, faults, fates, joined(measures))

    def _fold_one(self, held: Held, records: list[Record], silently: bool) -> Fold:
        if not records:
            return Fold([], [], Counts(), {})
        with self._watchdog.watching("fold", LONG):
            folded = self._parts.fold(held.shard, records, "none" if silently else self._settings.delivery.publish)
        for stage, seconds in folded.seconds.items():
            self._metrics.stage_seconds.labels(stage).inc(seconds)
        return folded

    def _tell(self, failures: list[tuple[TopicPartition, Failure]]) -> None:
        """Log the first failure of the model of each series with its traceback."""
        for partition, failure in failures:
            key = (partition, failure.series, failure.stage)
            if key in self._told or len(self._told) >= MOST_TRACES:
                continue
            self._told.add(key)
            logger.error(
                "%s, offset %d: the model failed (%s); %s; please report this with the record:\n%s",
                place(partition),
                failure.offset,
                failure.stage,
                "this step is left out" if failure.series is None else f"series {failure.series!r} starts anew",
                failure.trace,
            )

    def _publish(self, folded: Folded, look: Look, stop: threading.Event) -> None:
        try:
            with self._timed("commit"):
                self._publisher.publish(folded.publication, self._member, look.metadata)
        except KafkaError as error:
            self._give_up(folded.publication, error, stop)
            return
        for partition, offset in folded.publication.offsets.items():
            self.held[partition].committed = offset
        self._failures = 0
        self.counts += folded.counts
        self._count(folded.counts)
        now = self._clock.wall()
        self._metrics.last_commit_timestamp_seconds.set(now)
        count(self._metrics, folded.measures, self._settings.model.horizon, now)
        for partition, number in folded.faults.items():
            self._metrics.faults.labels(partition.topic, str(partition.partition)).inc(number)
        for partition, fates in folded.fates.items():
            self._losses.note(partition, fates)

    def _give_up(self, publication: Publication, error: KafkaError, stop: threading.Event) -> None:
        """Nothing of the cycle is out, so nothing of it may stay in a shard."""
        said = advice(error, self._settings.kafka)
        if said != self._said or not self._failures:
            logger.warning("a transaction is given up; its records will be read again: %s", said)
        self._said = said
        self._metrics.broker_errors.labels(type(error).__name__).inc()
        self._metrics.aborts.labels(_why(error)).inc()
        for partition in publication.offsets:
            self._saver.give_up(self.held.pop(partition).address)
        self._publisher.abort(error)
        if not isinstance(error, FENCED):
            self._clock.wait(stop, min(0.1 * 2.0**self._failures, LONGEST_WAIT))
            self._failures += 1

    def _count(self, counts: Counts) -> None:
        self._metrics.commits.inc()
        self._metrics.observations.inc(counts.observations)
        self._metrics.forecasts.inc(counts.forecasts)
        self._metrics.superseded.inc(counts.superseded)
        self._metrics.late.inc(counts.late)
        self._metrics.repeated.inc(counts.repeated)
        self._metrics.masked_covariates.inc(counts.masked_covariates)
        self._metrics.out_of_bounds.inc(counts.out_of_bounds)
        for reason, number in counts.dead_letters.items():
            self._metrics.dead_letters.labels(reason).inc(number)
        for reason, number in counts.skipped.items():
            self._metrics.skipped.labels(reason).inc(number)

    def _open(self, look: Look, stop: threading.Event) -> None:
        to_open = sorted(look.assigned - self.held.keys())
        if look.settled:
            for partition in itertools.takewhile(lambda _: not stop.is_set(), to_open):
                self._take_up(partition, look)
        self.settled = look.settled and look.assigned == self.held.keys()
        if self.settled:
            self._parked.clear()
        if self.held or not self.settled:
            self._has_nothing_since = self._clock.now()

    def _take_up(self, partition: TopicPartition, look: Look) -> None:
        try:
            with self._watchdog.watching("the opening of a shard", LONG):
                held = self._opener.open(partition, look.metadata, self._parked.get(partition))
        except (*OUTDATED, KafkaTimeoutError) as error:
            self._put_off(partition, error)
            return
        self._waiting.pop(partition, None)
        if held is not None:
            self._parked.pop(partition, None)
            self.held[partition] = held
            self._look()

    def _put_off(self, partition: TopicPartition, error: KafkaError) -> None:
        """Open it in a later cycle; when that goes on, say why and count it."""
        self._waiting[partition] = self._waiting.get(partition, 0) + 1
        self._publisher.look_soon()
        if self._waiting[partition] == 1:
            logger.info("%s is opened in a later cycle: %s", place(partition), error)
        if self._waiting[partition] == TRIES:
            self._metrics.broker_errors.labels(type(error).__name__).inc()
            logger.warning(
                "%s cannot be opened, and is tried again: %s",
                place(partition),
                advice(error, self._settings.kafka),
            )

    def _catch_up(self) -> None:
        """Note which shards have reached what was the end of their log when they were opened."""
        for partition, held in self.held.items():
            if held.caught_up:
                continue
            if held.end is None:
                held.end = self._end(partition, held)
            reached = self._member.reached(partition)
            held.caught_up = held.end is not None and reached is not None and reached >= held.end

    def _end(self, partition: TopicPartition, held: Held) -> int | None:
        """By the last fetch. A partition that left and came back may be told of by none before its next record."""
        end = self._member.end(partition)
        if end is None and self._clock.now() - held.opened_at > PATIENCE:
            return self._member.last(partition)
        return end

    def _tell_unsaved(self, address: Address, error: CheckpointError) -> None:
        """Say once that checkpoints fail: each try of each partition would say so again."""
        self._metrics.checkpoint_failures.inc()
        if not self._unsaved:
            logger.error("%s (going on; it is tried again, and told when it is well again)", error)
        self._unsaved.add(address)

    def _tell_saved(self, address: Address) -> None:
        was_failing = bool(self._unsaved)
        self._unsaved &= {other.address for other in self.held.values()} - {address}
        if was_failing and not self._unsaved:
            logger.info("checkpoints are written again")

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = self._clock.now()
        try:
            yield
        finally:
            self._metrics.stage_seconds.labels(stage).inc(self._clock.now() - started)


def _why(error: KafkaError) -> str:
    if isinstance(error, FENCED):
        return "fenced"
    return "too_large" if isinstance(error, MessageSizeTooLargeError) else "failed"
