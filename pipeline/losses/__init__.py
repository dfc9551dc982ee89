"""Losses are told: when much of a partition is left out or misread, the log says so, with the setting that mends it.

What is told depends on the order of the log alone, by counts, never by the clock. It is no part of a shard's state: it
is for whoever reads this process's log, so a new process begins anew and tells again what still holds. A few hundred
observations suffice for that, and a rule never needs what came before them.
"""

import logging

from pipeline.cluster import TopicPartition
from pipeline.fates import FORECAST, LATE, REPEATED, SKIPPED, Fate, Fates
from pipeline.losses.clocks import Clocks
from pipeline.losses.fields import Covariates, Filter, StandIns
from pipeline.losses.ledger import Ledger, Lines, Loss, at
from pipeline.losses.names import Names
from pipeline.losses.paths import Paths
from pipeline.losses.shares import Shares
from pipeline.settings import Events

logger = logging.getLogger(__name__)

OUT_OF_BOUNDS = "out_of_bounds"


class Losses:
    """Watches over the partitions of one process, from the first to the last of its connections.

    Parameters
    ----------
    events
        Where the fields of an event were looked for.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        self._watches: dict[TopicPartition, Watch] = {}

    def note(self, partition: TopicPartition, fates: Fates) -> None:
        """Take what was committed of a partition, and tell in the log what is new."""
        watch = self._watches.setdefault(partition, Watch(self._events))
        for level, line in watch.note(fates):
            logger.log(level, "%s/%d: %s", partition.topic, partition.partition, line)

    def told(self, partition: TopicPartition) -> tuple[Loss, ...]:
        """What holds of a partition now."""
        watch = self._watches.get(partition)
        return watch.told() if watch is not None else ()


class Watch:
    """The losses of one partition.

    Parameters
    ----------
    events
        Where the fields of an event were looked for.
    """

    def __init__(self, events: Events) -> None:
        self._ledger = ledger = Ledger()
        self._shares, self._clocks = Shares(events, ledger), Clocks(events, ledger)
        self._names, self._stand_ins = Names(events, ledger), StandIns(events, ledger)
        self._filter, self._covariates = Filter(events, ledger), Covariates(events, ledger)
        self._paths = Paths(events, ledger)

    def told(self) -> tuple[Loss, ...]:
        """What holds now."""
        return self._ledger.told()

    def note(self, fates: Fates) -> list[tuple[int, str]]:
        """Take what came next; the levels and lines of what is to be told of it."""
        if self._names.series is None:
            self._names.series = fates.series
        lines = [line for fate in fates.each for line in self._take(fate)]
        return lines + [line for masked in fates.masked for line in self._covariates.note(masked)]

    def _take(self, fate: Fate) -> Lines:
        self._ledger.count()
        if fate.came_to == SKIPPED:
            yield from self._filter.skipped(fate)
            return
        if not self._filter.has_passed:
            yield from self._filter.passed()
        self._shares.count(fate.came_to)
        yield from self._forecast(fate) if fate.came_to == FORECAST else self._left_out(fate)
        yield from self._paths.note(fate)
        if fate.came_to in (FORECAST, LATE, REPEATED):
            yield from self._stand_ins.note(fate)
        if self._ledger:
            yield from self._shares.few()

    def _forecast(self, fate: Fate) -> Lines:
        if fate.outside is not None and self._ledger.note_first(OUT_OF_BOUNDS):
            yield logging.WARNING, _out_of_bounds(fate, fate.outside)
        yield from self._names.note(fate)
        yield from self._clocks.good(fate)
        yield from self._names.scored(fate)

    def _left_out(self, fate: Fate) -> Lines:
        yield from self._shares.first(fate)
        if fate.came_to == LATE:
            yield from self._clocks.late(fate)
        if not self._clocks.are_awaited_by(fate.series):
            yield from self._shares.too_many(fate)


def _out_of_bounds(fate: Fate, value: float) -> str:
    """The first value that no forecast of its series may reach."""
    return (
        f"the first value outside the bounds of its series: {at(fate)} is {value:g}; its forecasts stay within"
        " model.bounds: widen them, or leave the series out; lstm_stream_out_of_bounds_total counts on"
    )
