"""The past of a topic as a log to be evaluated: what its records hold, by event time, as the daemon takes them.

A partition is a shard, so a series that lies on two is two. What would be late, repeated or a jump of the clock is left
out; a gap that the daemon fills has a row of its own for each missing step; a series that would start again, after a
gap of more than `events.max_gap` steps or as its clock went back, goes on as one of its own.

Letters: N observations, C covariates.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream import Outcome, Timeline, timeline
from pipeline.cluster import read_topic
from pipeline.evaluation.actuals import Floats, Integers
from pipeline.evaluation.log import Log, Past, rows_of
from pipeline.events.decoder import Decoder, Event
from pipeline.hyperparameters import hyperparameters
from pipeline.messages import Record
from pipeline.sentinels import sentinels_in, written
from pipeline.settings import Settings
from pipeline.stamps.repeated_hour import RepeatedHour

SECOND = 1_000_000
"""Microseconds."""


class TopicError(Exception):
    """A topic from which nothing can be evaluated; the message says why."""


def read_past(settings: Settings, topic: str, season: int = 0, most: int | None = None) -> Past:
    """Read what is committed of a topic, without joining a group.

    Parameters
    ----------
    settings
        Where the broker is, how events are read, and how their times become steps.
    topic
        Its name.
    season
        Steps of a season; 0: those that the step suggests.
    most
        Newest records that are read, as many of each partition; None: all.

    Raises
    ------
    TopicError
        When it holds no observation.
    """
    return past_of(read_topic(settings, topic, most), settings, topic, season)


def past_of(records: Iterable[Record], settings: Settings, topic: str, season: int = 0) -> Past:
    """The same of records that have been read, those of each partition in their order."""
    reading = _Reading(settings)
    for record in records:
        reading.take(record)
    parts = list(reading.parts())
    if not any(len(part.times) for part in parts):
        told = f"; all {reading.records:,} records are refused, such as {reading.example}" if reading.records else ""
        raise TopicError(f"topic `{topic}` holds no observation{told}")
    log = _log(parts, season)
    return Past(topic, log, tuple(_told(topic, reading, parts, log, settings)))


class _Part(NamedTuple):
    """The observations of one partition that the daemon would forecast from, and the rows of the gaps it would fill.

    Attributes
    ----------
    names
        Of its series; one that starts again has another name from there on.
    series, times, values, events, covariates : (N,), (N,), (N,), (N,), (N, C)
        As in `Log`; NaN where a gap was filled.
    counts
        What came to what.
    filled, gaps
        Rows that were filled in, in how many gaps.
    """

    names: tuple[str, ...]
    series: Integers
    times: Integers
    values: Floats
    events: Integers
    covariates: Floats
    counts: Counter[str]
    filled: int
    gaps: int


def _told(topic: str, reading: "_Reading", parts: list[_Part], log: Log, settings: Settings) -> Iterator[str]:
    rows = np.bincount(log.series)
    count = f"{rows.max():,}" if rows.min() == rows.max() else f"{rows.min():,} to {rows.max():,}"
    yield (
        f"topic: {topic}, {reading.records:,} records; {count} rows of {len(log.names):,} series, {log.rhythm.told},"
        f" season {log.season}"
    )
    came_to: Counter[str] = Counter()
    for part in parts:
        came_to.update(part.counts)
    dead = reading.rejects + Counter({reason: came_to[reason] for reason in DEAD.values()})
    if dead:
        each = ", ".join(f"{count:,} {reason}" for reason, count in dead.most_common())
        example = f", such as {reading.example}" if reading.example else ""
        yield f"not used: {dead.total():,} dead letters ({each}){example}"
    if reading.skipped:
        each = ", ".join(f"{count:,} {reason}" for reason, count in reading.skipped.most_common())
        yield f"not used: {reading.skipped.total():,} skipped ({each})"
    if came_to["late"] or came_to["repeated"]:
        yield f"not used: {came_to['late']:,} late and {came_to['repeated']:,} repeated observations"
    for value, number in sentinels_in(log.values, log.series).items():
        yield (
            f"taken as values: {number:,} of {written(value)}, far from all others; set events.missing ="
            f' ["{written(value)}"] if it means that there is none'
        )
    if filled := sum(part.filled for part in parts):
        gaps = sum(part.gaps for part in parts)
        yield f"filled, as the daemon does: {filled:,} missing steps in {gaps:,} gap{'s' if gaps > 1 else ''}"
    if came_to["restart"]:
        again = next(name for part in parts for name in part.names if name.endswith(" (2)"))
        yield (
            f"begun anew: {came_to['restart']:,} times, after a gap of more than events.max_gap"
            f" ({settings.events.max_gap}) steps or as a clock went back; from there on a series of its own, `{again}`"
        )


DEAD = {Outcome.UNKNOWN: "null_before_first_value", Outcome.JUMP: "timestamp_jump"}


class _Decoded:
    """What was read of one partition so far, in its order."""

    def __init__(self) -> None:
        self.hour = RepeatedHour()
        self.series: list[str] = []
        self.times, self.events = array("q"), array("q")
        self.values, self.covariates = array("d"), array("d")


class _Reading:
    """What was read so far."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._decoder = Decoder(settings.events)
        self._width = len(settings.events.covariates)
        self._partitions: dict[int, _Decoded] = {}
        self._events = 0
        self.records = 0
        self.rejects: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.example = ""

    def take(self, record: Record) -> None:
        """Read a record."""
        decoded = self._decoder.decode(record)
        self.records += 1
        self.skipped.update(decoded.skipped)
        for reject in decoded.rejects:
            self.rejects[reject.reason] += 1
            self.example = self.example or f"partition {record.partition}, offset {record.offset}: {reject.detail}"
        partition = self._partitions.setdefault(record.partition, _Decoded())
        for event in decoded.events:
            self._events += 1
            self._take(event, partition)

    def _take(self, event: Event, partition: _Decoded) -> None:
        chosen = None
        if event.later is not None and event.observations:
            chosen = partition.hour.choose(event.series, event.observations[0].time, event.later)
        for observation in event.observations:
            partition.series.append(observation.series)
            partition.times.append(observation.time if chosen is None else chosen)
            partition.events.append(self._events)
            partition.values.append(observation.value)
            partition.covariates.extend(event.covariates)

    def parts(self) -> Iterator[_Part]:
        """Each partition as the daemon takes it; a name that several have says its partition in all but the first."""
        seen: set[str] = set()
        for number, decoded in sorted(self._partitions.items()):
            elsewhere = seen & set(decoded.series)
            seen |= set(decoded.series)
            yield self._placed(decoded, {name: f"{name} (partition {number})" for name in elsewhere})

    def _placed(self, decoded: _Decoded, renamed: dict[str, str]) -> _Part:
        times, values = np.array(decoded.times, np.int64), np.array(decoded.values, np.float64)
        lies = timeline(decoded.series, times, values, hyperparameters(self._settings))
        taken = lies.outcome == Outcome.FORECAST
        names, series = _segments([renamed.get(name, name) for name in lies.names], lies, taken)
        covariates = np.array(decoded.covariates, np.float64).reshape(len(times), self._width)
        part = _Part(
            names,
            series,
            times[taken],
            values[taken],
            np.array(decoded.events, np.int64)[taken],
            covariates[taken],
            _counts(lies, taken, len(names) - len(set(lies.row[taken].tolist()))),
            0,
            0,
        )
        steps = np.where(lies.gridded, lies.step, 0.0)[lies.row[taken]] * SECOND
        return _filled(part, np.rint(steps).astype(np.int64), self._settings.events.max_gap)


def _segments(names: list[str], lies: Timeline, taken: npt.NDArray[np.bool_]) -> tuple[tuple[str, ...], Integers]:
    """Names of the series and of what they are after each restart, and of which each observation that is taken is."""
    found: dict[tuple[int, int], int] = {}
    begun: Counter[int] = Counter()
    series = []
    for row, restart in zip(lies.row[taken].tolist(), lies.restart[taken].tolist(), strict=True):
        begun[row] += restart
        series.append(found.setdefault((row, max(begun[row], 1)), len(found)))
    called = (names[row] if times == 1 else f"{names[row]} ({times})" for row, times in found)
    return tuple(called), np.array(series, np.int64)


def _counts(lies: Timeline, taken: npt.NDArray[np.bool_], restarts: int) -> Counter[str]:
    came_to = np.bincount(lies.outcome[~taken], minlength=len(Outcome)).tolist()
    named = {Outcome.LATE: "late", Outcome.REPEATED: "repeated"} | DEAD
    return Counter({name: came_to[outcome] for outcome, name in named.items()} | {"restart": restarts})


def _filled(part: _Part, steps: Integers, max_gap: int) -> _Part:
    """With a row for each step that is missing between two observations of a series that keeps a step."""
    order = np.argsort(part.series, kind="stable")
    after = order[1:][np.diff(part.series[order]) == 0]
    before = order[:-1][np.diff(part.series[order]) == 0]
    step = steps[after]
    missing = np.rint((part.times[after] - part.times[before]) / np.maximum(step, 1)).astype(np.int64) - 1
    missing = np.where((step > 0) & (missing > 0) & (missing <= max_gap), missing, 0)
    total = int(missing.sum())
    which = np.repeat(np.arange(len(after)), missing)
    place = np.arange(total) - np.repeat(np.cumsum(missing) - missing, missing) + 1
    last_event = int(part.events.max(initial=0))
    return part._replace(
        series=np.concatenate([part.series, part.series[after][which]]),
        times=np.concatenate([part.times, part.times[before][which] + place * step[which]]),
        values=np.concatenate([part.values, np.full(total, np.nan)]),
        events=np.concatenate([part.events, last_event + 1 + np.arange(total)]),
        covariates=np.concatenate([part.covariates, np.full((total, part.covariates.shape[1]), np.nan)]),
        filled=total,
        gaps=int((missing > 0).sum()),
    )


def _log(parts: list[_Part], season: int) -> Log:
    """All of it by time; what came in one event stays together."""
    begins = np.cumsum([0, *(len(part.names) for part in parts)])
    series = np.concatenate([part.series + begin for part, begin in zip(parts, begins, strict=False)])
    shifts = np.cumsum([0, *(int(part.events.max(initial=0)) + 1 for part in parts)])
    events = np.concatenate([part.events + shift for part, shift in zip(parts, shifts, strict=False)])
    times = np.concatenate([part.times for part in parts])
    order = np.lexsort((events, times))
    events = events[order]
    return Log(
        names=tuple(name for part in parts for name in part.names),
        together=max(Counter(events.tolist()).values()),
        series=series[order],
        rows=rows_of(series[order]),
        times=times[order],
        values=np.concatenate([part.values for part in parts])[order],
        events=np.cumsum(np.diff(events, prepend=events[0]) != 0),
        covariates=np.concatenate([part.covariates for part in parts])[order],
        said_season=season,
    )
