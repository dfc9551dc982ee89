"""Which shards are due for a checkpoint: each that has moved on, now and then, at exactly its committed offset.

A checkpoint begins between two cycles, and is written beside the loop by `pipeline.checkpoints.saver`.
"""

import logging
from collections.abc import Mapping

from pipeline.checkpoints import Address, Checkpoints
from pipeline.cluster import TopicPartition
from pipeline.held import Held
from pipeline.instruments import Instruments
from pipeline.checkpoints.saver import Saved, Saver
from pipeline.settings import Settings
from pipeline.checkpoints.stores import CheckpointError
from pipeline.watchdog import LONG

logger = logging.getLogger(__name__)

HeldShards = Mapping[TopicPartition, Held]


class Checkpointing:
    """Keeps checkpoints of the shards that a worker holds.

    Parameters
    ----------
    checkpoints
        Where they rest.
    settings
        How often they are written, and how long that may take.
    instruments
        What it measures by.
    """

    def __init__(self, checkpoints: Checkpoints, settings: Settings, instruments: Instruments) -> None:
        self._settings, self._instruments = settings, instruments
        self._metrics, self._watchdog, self._clock = instruments
        self._saver = Saver(checkpoints, self._clock.now)
        self._due: list[TopicPartition] = []
        self._begun_at = self._clock.now()
        self._unsaved: set[Address] = set()  # shards whose last checkpoint could not be written

    def change(self, settings: Settings) -> None:
        """Go on by these settings."""
        self._settings = settings

    def turn(self, held: HeldShards) -> None:
        """Between two cycles: see whether checkpoints are due again, and begin the next of them."""
        if self._clock.now() - self._begun_at >= self._settings.checkpoints.interval:
            self._find_due(held)
        self._note_saved(held)
        while self._due and self._saver.is_free:
            self._begin_next(held)
        if self._saver.overdue(LONG * self._settings.delivery.deadline):
            self._finish(held)

    def hand_over(self) -> None:
        """Give the writer some more of what is under way."""
        if not self._saver.is_free:
            with self._instruments.timed("checkpoint"):
                self._saver.hand_over()

    def keep(self, held: HeldShards, until: float) -> None:
        """Write a checkpoint of each shard that stands at the committed offset, unless its last one is of there.

        After the moment `until` none is begun any more, and it is said how many are left: those whose last checkpoint
        is the youngest.
        """
        self._finish(held)
        self._find_due(held)
        while self._due and self._clock.now() < until:
            self._begin_next(held)
            self._finish(held)
        self._finish(held)
        if self._due:
            logger.warning(
                "%d of %d checkpoints are not written, as delivery.stop_within (%g s) is nearly over; nothing is lost:"
                " the next start reads again from older ones",
                len(self._due),
                len(held),
                self._settings.delivery.stop_within,
            )

    def give_up(self, address: Address) -> None:
        """Drop what is still to be written of a shard that goes away."""
        self._saver.give_up(address)

    def close(self) -> None:
        """End the writing; what was not handed over is dropped."""
        with self._watchdog.watching("the writing of a checkpoint", LONG):
            self._saver.close()

    def _find_due(self, held: HeldShards) -> None:
        """Let a checkpoint of each shard be due that has moved on from its last one, the oldest first."""
        self._begun_at = self._clock.now()
        for partition, one in sorted(held.items(), key=lambda each: each[1].saved_at):
            if one.saved == one.committed == one.shard.next_offset:
                one.saved_at = self._begun_at
            elif partition not in self._due and not self._saver.is_saving(one.address):
                self._due.append(partition)

    def _begin_next(self, held: HeldShards) -> None:
        one = held.get(self._due.pop(0))
        if one is not None and one.shard.next_offset == one.committed != one.saved:
            with self._instruments.timed("checkpoint"):
                self._saver.begin(one.address, one.committed, one.shard.dump_in_parts())

    def _finish(self, held: HeldShards) -> None:
        with self._watchdog.watching("the writing of a checkpoint", LONG):
            self._saver.finish()
        self._note_saved(held)

    def _note_saved(self, held: HeldShards) -> None:
        for saved in self._saver.finished():
            if saved.error is not None:
                self._tell_unsaved(saved.address, saved.error)
            else:
                self._tell_saved(saved.address, held)
                self._note(saved, held)

    def _note(self, saved: Saved, held: HeldShards) -> None:
        where = saved.address
        one = held.get(TopicPartition(where.topic, where.partition))
        if one is not None and one.address == where:
            one.saved, one.saved_at = saved.offset, saved.begun_at
        self._metrics.checkpoint_seconds.observe(self._clock.now() - saved.begun_at)
        self._metrics.checkpoint_bytes.labels(where.topic, str(where.partition)).set(saved.size)

    def _tell_unsaved(self, address: Address, error: CheckpointError) -> None:
        """Say once that checkpoints fail: each try of each partition would say so again."""
        self._metrics.checkpoint_failures.inc()
        if not self._unsaved:
            logger.error("%s (going on; it is tried again, and told when it is well again)", error)
        self._unsaved.add(address)

    def _tell_saved(self, address: Address, held: HeldShards) -> None:
        was_failing = bool(self._unsaved)
        self._unsaved &= {other.address for other in held.values()} - {address}
        if was_failing and not self._unsaved:
            logger.info("checkpoints are written again")
