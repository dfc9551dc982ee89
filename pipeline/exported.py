"""Series that are exported one by one: those that the settings name, and the first of a ranking.

Every label of Prometheus costs memory there, so there are never more than `MOST`; and a series that has come into the
ranking stays for `STAY` seconds, so that labels do not come and go with each value.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

from pipeline.cluster import TopicPartition
from pipeline.metrics import Metrics, set_if_known
from pipeline.settings import Metrics as Wanted
from pipeline.web.series_status import SeriesStatus
from pipeline.web.status import Ranking

EVERY = 5.0
"""Seconds from one export to the next; a series takes about .2 ms."""
STAY = 300.0
MOST = 500
MICROSECONDS = 1e6


class Asked(Protocol):
    """What is asked of a shard."""

    def ranking(self, by: Ranking, count: int) -> list[tuple[float, str]]: ...
    def series_status(self, name: str) -> SeriesStatus | None: ...


class Place(NamedTuple):
    """A series of a shard."""

    partition: TopicPartition
    name: str

    def labels(self) -> tuple[str, str, str]:
        """As the metrics have them."""
        return self.partition.topic, str(self.partition.partition), self.name


class Exported:
    """Sets the gauges of single series, and takes away those that are no longer chosen.

    Parameters
    ----------
    wanted
        The settings; they may be replaced at any time.
    metrics
        The gauges.
    """

    def __init__(self, wanted: Wanted, metrics: Metrics) -> None:
        self.wanted, self._metrics = wanted, metrics
        self._until: dict[Place, float] = {}  # until when a series of the ranking stays
        self._told: dict[Place, tuple[str, ...]] = {}  # with the steps that are told
        self._due = float("-inf")

    def tell(self, shards: Mapping[TopicPartition, Asked], now: float) -> None:
        """Bring the gauges up to date when that is due, or the shards are others."""
        if now < self._due and all(one.partition in shards for one in self._told):
            return
        self._due = now + EVERY
        chosen = dict.fromkeys([*self._listed(shards), *self._ranked(shards, now)])
        asked = ((one, shards[one.partition].series_status(one.name)) for one in chosen)
        there = dict(islice(((one, status) for one, status in asked if status is not None), MOST))
        for one in self._told.keys() - there.keys():
            self._forget(one)
        for one, status in there.items():
            self._set(one, status)

    def clear(self) -> None:
        """Nothing is held any more."""
        for one in list(self._told):
            self._forget(one)
        self._until, self._due = {}, float("-inf")

    def _listed(self, shards: Mapping[TopicPartition, Asked]) -> Iterator[Place]:
        """Those of the list, in whatever shard has one of that name."""
        yield from (Place(partition, name) for name in self.wanted.series for partition in sorted(shards))

    def _ranked(self, shards: Mapping[TopicPartition, Asked], now: float) -> Sequence[Place]:
        """Those that stay, and the first of the ranking in the room that they leave."""
        count = self.wanted.top
        self._until = {
            one: until for one, until in self._until.items() if until > now and one.partition in shards and count
        }
        if not count:
            return ()
        ranked = [
            (key, Place(partition, name))
            for partition, shard in sorted(shards.items())
            for key, name in shard.ranking(self.wanted.top_by, count)
        ]
        for _, one in sorted(ranked, key=lambda ranks: -ranks[0]):
            if len(self._until) >= count:
                break
            self._until.setdefault(one, now + STAY)
        return list(self._until)[:count]

    def _set(self, one: Place, status: SeriesStatus) -> None:
        metrics, labels = self._metrics, one.labels()
        set_if_known(metrics.series_value, labels, status.last_value)
        set_if_known(metrics.series_timestamp_seconds, labels, status.last_time / MICROSECONDS)
        set_if_known(metrics.series_surprise, labels, status.surprise)
        set_if_known(metrics.series_error_ratio, labels, None if status.skill is None else 1 - status.skill)
        levels = list(status.quantiles.values())
        steps = [step for step in self.wanted.steps if step <= len(status.mean)]
        for step in steps:
            of_step = (*labels, str(step))
            metrics.series_forecast.labels(*of_step).set(status.mean[step - 1])
            metrics.series_forecast_lower.labels(*of_step).set(levels[0][step - 1])
            metrics.series_forecast_upper.labels(*of_step).set(levels[-1][step - 1])
        self._forget_steps(one, set(self._told.get(one, ())) - set(map(str, steps)))
        self._told[one] = tuple(map(str, steps))

    def _forget(self, one: Place) -> None:
        metrics, labels = self._metrics, one.labels()
        for gauge in (
            metrics.series_value,
            metrics.series_timestamp_seconds,
            metrics.series_surprise,
            metrics.series_error_ratio,
        ):
            set_if_known(gauge, labels, None)
        self._forget_steps(one, set(self._told.pop(one)))

    def _forget_steps(self, one: Place, steps: set[str]) -> None:
        metrics = self._metrics
        for step in steps:
            for gauge in (metrics.series_forecast, metrics.series_forecast_lower, metrics.series_forecast_upper):
                gauge.remove(*one.labels(), step)
