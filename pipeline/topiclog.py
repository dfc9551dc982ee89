"""The past of a topic as a log to be evaluated: what its records hold, by event time, as the daemon reads them."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from pipeline.cluster import read_topic
from pipeline.events import Decoder, Event
from pipeline.log import Log, Past, rows_of
from pipeline.messages import Record
from pipeline.settings import Events, Settings
from pipeline.stamps import RepeatedHour


class TopicError(Exception):
    """A topic from which nothing can be evaluated; the message says why."""


def read_past(settings: Settings, topic: str, season: int = 0) -> Past:
    """Read all that is committed of a topic, without joining a group.

    Parameters
    ----------
    settings
        Where the broker is, and how events are read.
    topic
        Its name.
    season
        Steps of a season; 0: those that the step suggests.

    Raises
    ------
    TopicError
        When it holds no observation.
    """
    reading = _Reading(settings.events)
    for record in read_topic(settings, topic):
        reading.take(record)
    if not reading.values:
        told = f"; all {reading.records:,} records are refused, such as {reading.example}" if reading.records else ""
        raise TopicError(f"topic `{topic}` holds no observation{told}")
    log = reading.log(season)
    return Past(topic, log, tuple(_told(topic, reading, log)))


def _told(topic: str, reading: "_Reading", log: Log) -> Iterator[str]:
    rows = np.bincount(log.series)
    count = f"{rows.max():,}" if rows.min() == rows.max() else f"{rows.min():,} to {rows.max():,}"
    yield (
        f"topic: {topic}, {reading.records:,} records; {count} rows of {len(log.names):,} series, {log.rhythm.told},"
        f" season {log.season}"
    )
    if reading.rejects:
        each = ", ".join(f"{count:,} {reason}" for reason, count in reading.rejects.most_common())
        yield f"not used: {reading.rejects.total():,} dead letters ({each}), such as {reading.example}"
    if reading.skipped:
        each = ", ".join(f"{count:,} {reason}" for reason, count in reading.skipped.most_common())
        yield f"not used: {reading.skipped.total():,} skipped ({each})"
    if reading.late or reading.repeated:
        yield f"not used: {reading.late:,} late and {reading.repeated:,} repeated observations"


class _Reading:
    """What was read so far."""

    def __init__(self, events: Events) -> None:
        self._decoder, self._hour = Decoder(events), RepeatedHour()
        self._width = len(events.covariates)
        self._places: dict[str, int] = {}
        self._newest: dict[str, int] = {}
        self._series, self._times, self._events = array("q"), array("q"), array("q")
        self._covariates = array("d")
        self.values = array("d")
        self.records = self.late = self.repeated = self._count = 0
        self.rejects: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.example = ""

    def take(self, record: Record) -> None:
        """Read a record, and keep what the daemon would forecast from."""
        decoded = self._decoder.decode(record)
        self.records += 1
        self.skipped.update(decoded.skipped)
        for reject in decoded.rejects:
            self.rejects[reject.reason] += 1
            self.example = self.example or f"partition {record.partition}, offset {record.offset}: {reject.detail}"
        for event in decoded.events:
            self._count += 1
            self._take(event)

    def _take(self, event: Event) -> None:
        chosen = None
        if event.later is not None and event.observations:
            chosen = self._hour.choose(event.series, event.observations[0].time, event.later)
        for observation in event.observations:
            series, time = observation.series, observation.time if chosen is None else chosen
            newest = self._newest.get(series)
            if newest is not None and time <= newest:
                self.late += time < newest
                self.repeated += time == newest
                continue
            self._newest[series] = time
            self._series.append(self._places.setdefault(series, len(self._places)))
            self._times.append(time)
            self._events.append(self._count)
            self.values.append(observation.value)
            self._covariates.extend(event.covariates)

    def log(self, season: int) -> Log:
        """All of it by time; what came in one event stays together."""
        order = np.argsort(np.array(self._times), kind="stable")
        series, events = np.array(self._series)[order], np.array(self._events)[order]
        return Log(
            names=tuple(self._places),
            together=most_in_a_run(events),
            series=series,
            rows=rows_of(series),
            times=np.array(self._times)[order],
            values=np.array(self.values)[order],
            events=np.cumsum(np.diff(events, prepend=events[0]) != 0),
            covariates=np.array(self._covariates).reshape(-1, self._width)[order]
            if self._width
            else np.empty((len(order), 0)),
            said_season=season,
        )


def most_in_a_run(events: Iterable[int]) -> int:
    """How many observations an event holds at most."""
    return max(Counter(events).values())
