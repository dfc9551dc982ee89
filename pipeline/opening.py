"""How a partition that came to this process gets its shard: one path for a start, a crash, a deploy and a rebalance."""

import logging
from collections.abc import Callable, Mapping

from msgspec import structs

from pipeline.checkpoints import Address, Checkpoints
from pipeline.cluster import (
    ConsumerGroupMetadata,
    Description,
    KafkaError,
    KafkaTimeoutError,
    TopicPartition,
    place,
)
from pipeline.fingerprints import FingerprintError
from pipeline.held import Held, Shards
from pipeline.inputs import inputs_of
from pipeline.instruments import Instruments
from pipeline.member import Member
from pipeline.publisher import Publication, Publisher
from pipeline.settings import Settings

logger = logging.getLogger(__name__)


class Opener:
    """Opens shards.

    1. Ask for the group's committed offset C. There is none: start where the log begins, and commit that; a new group
       may start where the log ends (`begin`).
    2. A shard that was held before and stands at C is kept.
    3. Else load the newest checkpoint at some k <= C.
    4. Else begin anew, `bootstrap` records before C. Where there was a past, it is said that its state is lost.
    5. Go on reading where the shard stands. What it folds before C is out already.

    Parameters
    ----------
    member, publisher
        Know the offsets, and commit where to start.
    describe
        Asks the cluster for the ids that tell the address of a checkpoint.
    checkpoints
        Where shards rest.
    shards
        Makes them.
    settings
        Of the daemon.
    instruments
        What it measures by.
    rebuild
        Whether to begin anew where a checkpoint was made with other settings.
    """

    def __init__(
        self,
        member: Member,
        publisher: Publisher,
        describe: Callable[[], Description],
        checkpoints: Checkpoints,
        shards: Shards,
        settings: Settings,
        instruments: Instruments,
        rebuild: bool,
    ) -> None:
        self._member, self._publisher = member, publisher
        self._describe, self._description = describe, describe()
        self._checkpoints, self._shards, self._settings = checkpoints, shards, settings
        self._metrics, _, self._clock = instruments
        self._rebuild = rebuild
        self._begun: dict[TopicPartition, int | None] = {}  # where nothing was before; None: another one says where

    def open(self, partition: TopicPartition, metadata: ConsumerGroupMetadata, before: Held | None) -> Held | None:
        """The shard of a partition; None if the partition has gone again.

        Parameters
        ----------
        partition
            Whose log.
        metadata
            Of the group when the partition was seen to be assigned.
        before
            The shard that this process held of it until now.

        Raises
        ------
        FingerprintError
            Its checkpoint was made with other settings.
        """
        first = self._member.first(partition)
        if partition in self._member.refused or self._is_another(partition.topic):
            self._description = self._describe()
        if partition.topic not in self._description.topics:
            return None
        where = self._address(partition)
        made_anew = before is not None and before.address != where
        committed, begins = self._committed(partition, metadata, first, made_anew)
        if before is not None and not made_anew and before.shard.next_offset == committed:
            held, how = structs.replace(before, committed=committed, end=None, caught_up=False), "kept"
        else:
            held, how = self._restored(where, committed, first, begins)
        stands_at, known = held.shard.next_offset, min(first, committed)
        if stands_at < known:
            logger.warning(
                "%s: records %d to %d are gone from the log, and its state will not know them",
                place(partition),
                stands_at,
                known - 1,
            )
        if not self._member.seek(partition, max(stands_at, first)):
            return None
        held.opened_at = self._clock.now()
        if begins:
            self._begun[partition] = committed
        self._metrics.restores.labels(how).inc()
        logger.info("%s: %s at %d, committed is %d", place(partition), how, stands_at, committed)
        return held

    def _committed(
        self, partition: TopicPartition, metadata: ConsumerGroupMetadata, first: int, made_anew: bool
    ) -> tuple[int, bool]:
        """The committed offset, and whether it has just been chosen."""
        committed = self._member.committed([partition]).get(partition)
        refused = self._member.refused.pop(partition, None)
        if committed is None and not made_anew:
            return self._begin(partition, metadata, first), True
        if (
            committed is None
            or made_anew
            or (refused is not None and self._is_cut(partition, committed, refused, first))
        ):
            self._metrics.broker_errors.labels("log_cut").inc()
            logger.error(
                "%s: the topic was made anew, or its log was cut before the committed offset %d;"
                " going on from its start, %d",
                place(partition),
                0 if committed is None else committed,
                first,
            )
            self._start({partition: first}, metadata)
            return first, True
        if committed < first:
            self._metrics.broker_errors.labels("records_lost").inc()
            logger.error(
                "%s: retention removed records %d to %d before they were read; going on from %d: raise retention.ms or"
                " retention.bytes of the topic, or run more workers, so that they keep up",
                place(partition),
                committed,
                first - 1,
                first,
            )
        elif refused is not None:
            told = {place(partition): refused}
            logger.error("the log does not hold what is next to be read: %s; going on from %d", told, committed)
        return committed, self._begun.get(partition, -1) in (None, committed)

    def _is_cut(self, partition: TopicPartition, committed: int, refused: int, first: int) -> bool:
        """Whether the log ends before the committed offset, or did when a position was refused.

        A refused position that is not too old was beyond the end; since then the log may have grown. A position beyond
        the committed one may be gone while the committed one is not.
        """
        return refused >= first and (refused <= committed or self._member.last(partition) < committed)

    def _begin(self, partition: TopicPartition, metadata: ConsumerGroupMetadata, first: int) -> int:
        """Choose where to start a partition for which the group has no offset yet, and commit that.

        With `start = "latest"` a new group starts at the ends. Whoever holds the first of all partitions commits the
        ends of all of them at once, and the others wait for that. So a partition without an offset beside one that has
        one was added later, and starts at its start: nothing that it holds was there before.
        """
        if self._settings.delivery.start == "earliest":
            return self._start({partition: first}, metadata)[partition]
        there = self._inputs() | {partition}
        committed = self._member.committed(there)
        if partition in committed:  # it has come since, with the others' ends
            return committed[partition]
        if committed:
            logger.info("%s is new to the group: going on from its start, %d", place(partition), first)
            return self._start({partition: first}, metadata)[partition]
        if partition != min(there):
            self._begun[partition] = None
            raise KafkaTimeoutError(f"who holds {place(min(there))} is to begin for all")
        ends = self._start(self._member.ends(there), metadata)
        self._begun |= ends
        return ends[partition]

    def _inputs(self) -> set[TopicPartition]:
        """All partitions of the input topics, whoever holds them."""
        topics = self._description.topics
        names = inputs_of(self._settings.kafka).among(topics)
        return {TopicPartition(name, number) for name in names for number in range(topics[name].partitions)}

    def _start(
        self, starts: Mapping[TopicPartition, int], metadata: ConsumerGroupMetadata
    ) -> Mapping[TopicPartition, int]:
        """Commit where to start before anything else, so that a crash loses nothing that comes after.

        Checked like any other commit: the partition may be another's by now, and on its way.
        """
        try:
            self._publisher.publish(Publication((), (), starts), self._member, metadata)
        except KafkaError as error:
            self._publisher.abort(error)
            raise
        return starts

    def _restored(self, where: Address, committed: int, first: int, begins: bool) -> tuple[Held, str]:
        checkpoint = self._loaded(where, committed)
        if checkpoint is not None:
            return checkpoint, "checkpoint"
        start = max(first, committed - self._settings.delivery.bootstrap)
        shard = self._shards.fresh(where.topic, where.partition, start, self._settings)
        held = Held(shard, where, committed, None, self._clock.now())
        if begins or committed == 0:
            return held, "fresh" if start == committed else "bootstrap"
        if start > 0:
            logger.warning(
                "%s/%d: no checkpoint at or before %d: learning from the %d records before it;"
                " forecasts differ from those that a state of the whole past would make",
                where.topic,
                where.partition,
                committed,
                max(committed - start, 0),
            )
        return held, "bootstrap"

    def _loaded(self, where: Address, committed: int) -> Held | None:
        checkpoint = self._checkpoints.load(where, committed)
        if checkpoint is None:
            return None
        try:
            shard = self._shards.load(
                where.topic, where.partition, checkpoint.header, checkpoint.arrays, self._settings
            )
        except FingerprintError:
            if self._rebuild:
                return None
            raise
        return Held(shard, where, committed, checkpoint.offset, self._clock.now())

    def _is_another(self, topic: str) -> bool:
        """Whether the topic came, or was made anew, since the cluster was asked."""
        known = self._description.topics.get(topic)
        return known is None or self._member.is_made_anew(topic, known.id)

    def look(self) -> None:
        """Ask whether the cluster and its topics are still there; a missing one is a `ClusterError`."""
        self._describe()

    def _address(self, partition: TopicPartition) -> Address:
        topic, number = partition
        return Address(self._description.id, topic, self._description.topics[topic].id, number)
