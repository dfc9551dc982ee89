"""Reads topics without joining a group: what comes from now on, and single records by their offsets."""

import time
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Self

from pipeline.cluster import Outsider, TopicPartition, outsider, record
from pipeline.messages import Record
from pipeline.settings import Settings

POLL_MS = 200
MOST = 2000  # records taken at once


class Follower:
    """One consumer of no group, from `with` to the end of its block.

    Parameters
    ----------
    settings
        Where the cluster is.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __enter__(self) -> Self:
        self._consumer: Outsider = outsider(self._settings)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def partitions(self, topic: str) -> Sequence[TopicPartition]:
        """Those of a topic; none where it is missing."""
        return [TopicPartition(topic, number) for number in sorted(self._consumer.partitions_for_topic(topic) or ())]

    def follow(self, partitions: Collection[TopicPartition], before: int) -> Mapping[TopicPartition, int]:
        """Read from so many offsets before the end on; where the end of each is now."""
        self._consumer.assign(list(partitions))
        first = self._consumer.beginning_offsets(list(partitions))
        ends = self._consumer.end_offsets(list(partitions))
        for one in partitions:
            self._consumer.seek(one, max(first[one], ends[one] - before))
        return ends

    def poll(self) -> list[Record]:
        """What has come; nothing within a moment: an empty list."""
        found = self._consumer.poll(POLL_MS, max_records=MOST)
        return [record(message) for messages in found.values() for message in messages]

    def fetch(self, wanted: Mapping[TopicPartition, Collection[int]], patience: float) -> list[Record]:
        """The records at these offsets, those that are still there.

        Parameters
        ----------
        wanted
            Offsets, by partition.
        patience
            Seconds without a record after which the rest is taken to be gone.
        """
        found: list[Record] = []
        missing = {one: set(offsets) for one, offsets in wanted.items() if offsets}
        self._turn_to(missing)
        until = time.monotonic() + patience
        while missing and time.monotonic() < until:
            for one in self.poll():
                until = time.monotonic() + patience
                place = TopicPartition(one.topic, one.partition)
                if one.offset in missing.get(place, ()):
                    found.append(one)
                missing = _after(missing, place, one.offset)
        return found

    def _turn_to(self, wanted: Mapping[TopicPartition, Collection[int]]) -> None:
        if not wanted:
            return
        self._consumer.assign(list(wanted))
        first = self._consumer.beginning_offsets(list(wanted))
        for place, offsets in wanted.items():
            self._consumer.seek(place, max(min(offsets), first[place]))


def _after(
    missing: Mapping[TopicPartition, set[int]], place: TopicPartition, offset: int
) -> dict[TopicPartition, set[int]]:
    """What is still to come once that offset was passed."""
    left = {**missing, place: {one for one in missing.get(place, ()) if one > offset}}
    return {where: offsets for where, offsets in left.items() if offsets}
