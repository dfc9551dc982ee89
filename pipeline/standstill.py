"""Tells when somebody else's open transaction holds our reading back.

Readers of committed records stop at the first record of the oldest transaction that is open. The log grows, the
position does not move, and nothing else shows why.
"""

import logging
from collections.abc import Mapping
from typing import NamedTuple

from pipeline.cluster import Clients, ClusterError, KafkaError, TopicPartition, place
from pipeline.cluster.admin import Open
from pipeline.instruments import Instruments

logger = logging.getLogger(__name__)

PATIENCE = 10.0  # seconds that a position stands still before the end of its log


class Reading(NamedTuple):
    """How far a partition is read, and where its log ends; None while not known."""

    reached: int | None
    end: int | None


class _Still(NamedTuple):
    reached: int
    since: float
    by: Open | None


class Standstill:
    """Looks at the positions once a cycle, and asks the broker only when one stands still.

    Parameters
    ----------
    clients
        Where the admin client comes from.
    instruments
        What it measures by.
    """

    def __init__(self, clients: Clients, instruments: Instruments) -> None:
        self._clients = clients
        self._metrics, self._watchdog, self._clock = instruments
        self._still: dict[TopicPartition, _Still] = {}

    def look(self, readings: Mapping[TopicPartition, Reading]) -> None:
        """Note which partitions stand still; say why once, and once more when it is over."""
        now, before = self._clock.now(), self._still
        self._still = {}
        for partition, (reached, end) in readings.items():
            was = before.get(partition)
            if reached is not None and end is not None and reached < end:
                same = was is not None and was.reached == reached
                self._still[partition] = was if was is not None and same else _Still(reached, now, None)
            if was is not None and was.by is not None and self._still.get(partition) != was:
                logger.warning("%s is read again after %.0f s", place(partition), now - was.since)
        due = [one for one, still in self._still.items() if still.by is None and now - still.since >= PATIENCE]
        if due:
            self._ask(due, now)

    def _ask(self, partitions: list[TopicPartition], now: float) -> None:
        found: list[Open] = []
        try:
            with self._watchdog.watching("describe_producers"):
                admin = self._clients.admin()
                found = admin.open(partitions) or []
                admin.close()
        except (KafkaError, ClusterError) as error:
            logger.info("what holds our reading back cannot be asked: %s", error)
        first = {one.partition: one for one in sorted(found, key=lambda one: one.start, reverse=True)}
        for partition in partitions:
            still = self._still[partition]
            holds = first.get(partition)
            if holds is None or holds.start > still.reached:
                self._still[partition] = still._replace(since=now)  # asked again later
                continue
            self._still[partition] = still._replace(by=holds)
            self._metrics.broker_errors.labels("held_back").inc()
            logger.warning(
                "%s has not been read beyond offset %d for %.0f s: producer %d holds a transaction open from offset"
                " %d on. It ends with that producer, or at its time-out; if not: kafka-transactions.sh find-hanging",
                place(partition),
                still.reached,
                now - still.since,
                holds.producer_id,
                holds.start,
            )
