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
from collections.abc import Mapping

from pipeline.checkpoints import Checkpoints
from pipeline.checkpoints.schedule import Checkpointing
from pipeline.cluster import (
    CommitFailedError,
    FencedInstanceIdError,
    InvalidProducerEpochError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    ProducerFencedError,
    RebalanceInProgressError,
    TopicPartition,
    place,
)
from pipeline.cluster.advice import advice
from pipeline.counts import Counts
from pipeline.folding import Folded, Folding, count_committed
from pipeline.held import Held
from pipeline.instruments import Instruments
from pipeline.losses import Losses
from pipeline.member import Look, Member
from pipeline.opening import Opener
from pipeline.publisher import Publication, Publisher
from pipeline.settings import Settings
from pipeline.snapshots import Snapshots
from pipeline.standstill import Reading, Standstill
from pipeline.watchdog import LONG

logger = logging.getLogger(__name__)

QUIET = 30.0  # seconds without a record after which the cluster is asked whether it is still there
TRIES = 20  # openings put off before it is said
LONGEST_WAIT = 30.0  # seconds before what failed is tried again
PATIENCE = 5.0  # seconds in which a fetch usually tells where a log ends
OUTDATED = (CommitFailedError, RebalanceInProgressError)
FENCED = (*OUTDATED, ProducerFencedError, FencedInstanceIdError)
SLOW = (ProducerFencedError, InvalidProducerEpochError, KafkaTimeoutError)
"""The broker ended the transaction before us, or does not take as much at once: the next one holds fewer records."""


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
    instruments
        What each step is measured by.
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
        instruments: Instruments,
        snapshots: Snapshots,
        standstill: Standstill,
        losses: Losses,
        parked: Mapping[TopicPartition, Held],
    ) -> None:
        self._member, self._publisher, self._opener = member, publisher, opener
        self._settings, self._snapshots, self._instruments = settings, snapshots, instruments
        self._metrics, self._watchdog, self._clock = instruments
        self._folding = Folding(instruments, self._answer)
        self._checkpointing = Checkpointing(checkpoints, settings, instruments)
        self._standstill, self._losses, self._parked = standstill, losses, dict(parked)
        self._failures, self._said = 0, ""
        self._looked_at = self._clock.now()
        self._waiting: dict[TopicPartition, int] = {}  # how often its opening was put off
        self._has_nothing_since = self._clock.now()
        self.held: dict[TopicPartition, Held] = {}
        self.settled = False
        self.counts = Counts()

    def change(self, settings: Settings) -> None:
        """Go on by these settings, in which nothing else differs than what may change while a daemon runs."""
        self._settings = settings
        self._member.change(settings)
        self._checkpointing.change(settings)

    def turn(self, stop: threading.Event) -> None:
        """Go through it once.

        Raises
        ------
        KafkaError
            The consumer failed; connect again.
        FingerprintError
            A checkpoint was made with other settings.
        """
        with self._instruments.timed("poll"):
            gathered = self._member.gather(stop, self._answer)
        self._metrics.records.inc(sum(map(len, gathered.values())))
        look = self._member.look()
        self._let_go(look)
        folded = self._folding.fold(gathered, self.held, self._settings.delivery.publish)
        if folded.publication.offsets:
            self._publish(folded, look, stop)
        elif self.settled and not gathered:
            self._failures = 0  # nothing is left to be done again
        self._open(look, stop)
        self._catch_up()
        self._look_around(bool(gathered))
        self._checkpointing.turn(self.held)
        self._answer()

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
        """Write the last checkpoints; after the moment `until` none is begun any more."""
        self._checkpointing.keep(self.held, until)

    def close(self) -> dict[TopicPartition, Held]:
        """Hand back the shards, for the next connection: some may fit again."""
        self._checkpointing.close()
        parked, self.held = self._parked | self.held, {}
        self._snapshots.clear()
        return parked

    def _answer(self) -> None:
        """Answer what others ask. What was folded and is not committed yet shows, as a forecast would."""
        self._snapshots.look({partition: held.shard for partition, held in self.held.items()})
        self._checkpointing.hand_over()

    def _let_go(self, look: Look) -> None:
        """Park the shards that were not held throughout, or whose topic is another one by now."""
        gone = {one for one in self.held if one in look.moved or one not in look.assigned}
        gone |= {one for one, held in self.held.items() if self._member.is_made_anew(one.topic, held.address.topic_id)}
        for partition in gone:
            self._checkpointing.give_up(self.held[partition].address)
            self._parked[partition] = self.held.pop(partition)
        if gone:
            self._metrics.rebalances.inc()

    def _publish(self, folded: Folded, look: Look, stop: threading.Event) -> None:
        try:
            with self._instruments.timed("commit"):
                self._publisher.publish(folded.publication, self._member, look.metadata)
        except KafkaError as error:
            self._give_up(folded.publication, error, stop)
            return
        for partition, offset in folded.publication.offsets.items():
            self.held[partition].committed = offset
        self._failures = 0
        self._member.take_more()
        self.counts += folded.counts
        count_committed(self._metrics, folded, self._settings.model.horizon, self._clock.wall())
        for partition, fates in folded.fates.items():
            self._losses.note(partition, fates)

    def _give_up(self, publication: Publication, error: KafkaError, stop: threading.Event) -> None:
        """Nothing of the cycle is out, so nothing of it may stay in a shard."""
        said = advice(error, self._settings.kafka)
        what = said.rpartition(" (")[0] or said  # without the client's own words
        if what != self._said or not self._failures:
            logger.warning("a transaction is given up; its records will be read again: %s", said)
        self._said = what
        self._metrics.broker_errors.labels(type(error).__name__).inc()
        self._metrics.aborts.labels(_why(error)).inc()
        for partition in publication.offsets:
            self._checkpointing.give_up(self.held.pop(partition).address)
        self._publisher.abort(error)
        if isinstance(error, SLOW):
            most = self._member.take_fewer()
            logger.info("transactions hold %d records at most now, and more again when they succeed", most)
        if not isinstance(error, FENCED):
            self._clock.wait(stop, min(0.1 * 2.0**self._failures, LONGEST_WAIT))
            self._failures += 1

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
            self._answer()

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


def _why(error: KafkaError) -> str:
    if isinstance(error, FENCED):
        return "fenced"
    return "too_large" if isinstance(error, MessageSizeTooLargeError) else "failed"
