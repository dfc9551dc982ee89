"""How far reading is behind the end of the log, in records and in seconds."""

from typing import NamedTuple

from pipeline.cluster import TopicPartition


class Lag(NamedTuple):
    """Behind the end of one partition's log; None while not known.

    Attributes
    ----------
    records
        From the next one to the end.
    seconds
        Kafka's time of the end less that of the last record read; 0 where all is read.
    """

    records: int | None
    seconds: float | None


class Ends:
    """When the end of each partition's log was first seen: so the time of its last record, which is not read yet."""

    def __init__(self) -> None:
        self._seen: dict[TopicPartition, tuple[int, float]] = {}

    def lag(
        self, partition: TopicPartition, reached: int | None, end: int | None, read_at: float | None, now: float
    ) -> Lag:
        """Of one partition.

        Parameters
        ----------
        reached, end
            The next offset to read, and the end at the last fetch.
        read_at
            Kafka's time of the last record read, seconds since the epoch.
        now
            The time, seconds since the epoch.
        """
        if reached is None or end is None:
            return Lag(None, None)
        if self._seen.get(partition, (-1, 0.0))[0] != end:
            self._seen[partition] = end, now
        records = max(end - reached, 0)
        if not records:
            return Lag(0, 0.0)
        return Lag(records, None if read_at is None else max(self._seen[partition][1] - read_at, 0.0))

    def forget(self, partition: TopicPartition) -> None:
        """It is held no more."""
        self._seen.pop(partition, None)
