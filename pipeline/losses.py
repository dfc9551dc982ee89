"""Losses are told: when much of a partition is left out or misread, the log says so, with the setting that mends it.

What is told depends on the order of the log alone, by counts, never by the clock. It is no part of a shard's state: it
is for whoever reads this process's log, so a new process begins anew and tells again what still holds. A few hundred
observations suffice for that, and a rule never needs what came before them.
"""

import logging
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from pipeline.cluster import TopicPartition
from pipeline.fates import FORECAST, LATE, REPEATED, SKIPPED, Fate, Fates
from pipeline.settings import Events

logger = logging.getLogger(__name__)

WINDOW = 200
"""Observations that shares are taken of."""
MOST_LATE = WINDOW // 5
"""Late and repeated ones among them that are not told yet; it is well again at half of them."""
MOST_DEAD = WINDOW // 2
"""The same for dead letters of one reason."""
RUN = 100
"""Records in a row that lack a field, or have it, until that is believed; also of skipped ones at the start."""
BLOCK = 1000
"""Observations over which beginnings of series are counted."""
BLOCKS = 10
"""Blocks in a row of hardly anything but new series, until their names are held to be ids."""
BACK = 5
"""Late observations in a row of a series that had started again ahead of them, not more than `WINDOW` good ones ago,
until its clock is held to be wrong."""
MOST_LEAPS = 1000
"""Series that started again of late, of which that is looked for."""
PATIENCE = 100
"""Observations a series, on the mean, within which a first forecast must have been scored: 64 suffice."""

LATE_OR_REPEATED, OUT_OF_BOUNDS = "late_or_repeated", "out_of_bounds"
CHECK = "`lstm-stream check` shows what is there"
REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "empty": 'skip tombstones with events.where, such as ["value exists"]',
        "not_utf8": "let the producer write JSON in UTF-8",
        "not_json": "convert the records to JSON on the way",
        "too_deep": "let the producer write JSON that is less nested",
        "not_an_object": "let events.points name the array that holds the events",
        "missing_series": "let events.series name a field that tells the series, or key the records",
        "bad_series": "let events.series name a field that holds text or a number",
        "series_too_long": "let events.series name a shorter field",
        "missing_timestamp": "let events.timestamp name the field of the time",
        "bad_timestamp": "let events.timestamp name the field of the time, or set how it is written",
        "negative_timestamp": "let events.timestamp name the field of the time",
        "timestamp_out_of_range": "let events.timestamp name the field of the time, or set its unit",
        "implausible_timestamp": "set events.timestamp_format to the unit or the pattern of the times",
        "ambiguous_timestamp": "set events.timestamp_format to the pattern of the times, or events.timezone",
        "timestamp_jump": "correct the clocks, or raise events.max_gap if such gaps are usual",
        "missing_points": "let events.points name the array",
        "binary_format": "convert the records to JSON on the way",
        "timestamp_ahead": "set the unit or the zone of the times, or raise events.max_ahead",
        "missing_value": "let events.values name the fields that hold the values",
        "bad_value": "let events.values name fields that hold numbers",
        "value_out_of_range": "let events.values name another field, or mend the producer",
        "null_before_first_value": "let events.values name a field that is not always null",
    }
)
"""By reason of a dead letter: which setting may mend it."""


class Loss(msgspec.Struct, frozen=True):
    """Something that much of a partition is lost by, or misread.

    Attributes
    ----------
    what
        A reason of dead letters, or one of "late_or_repeated", "skipped", "series_path", "timestamp_path",
        "covariates", "restarts", "clock_ahead", "single_events", "nothing_scored".
    message
        What was found, an example, and which setting mends it.
    """

    what: str
    message: str


_UPDATES = (
    "; if they update events already seen, as windows of ksqlDB and Kafka Streams do, let the producer emit final"
    " results alone; if they come more often than when their series began, set events.step"
)


class _Leap(NamedTuple):
    """Where a series started again, and how many good ones came since, then late ones in a row."""

    offset: int
    detail: str
    good: int = 0
    late: int = 0


DEFAULTS: Mapping[str, str] = MappingProxyType({"series": Events().series, "timestamp": Events().timestamp})
"""Fields that nobody named. Where no event has ever held them, the record stands in as documented: that is no loss."""


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
        self._events = events
        self._told: dict[str, Loss] = {}
        self._seen: set[str] = set()  # what has been told once as the first of its kind
        self._recent: deque[str] = deque()
        self._counts: Counter[str] = Counter()
        self._lacking: Counter[str] = Counter()  # records in a row without a field, by role
        self._having: Counter[str] = Counter()
        self._held: set[str] = set()  # fields that an event has held
        self._offset = -1
        self._only_skipped: int | None = 0
        self._count_of_block = self._began = self._restarted = self._blocks = 0
        self._series: int | None = None
        self._unscored: int | None = 0
        self._masked: list[int] = []
        self._unmasked = 0
        self._noted = self._events_noted = 0
        self._logged: dict[str, tuple[int, int]] = {}  # how often a loss was logged, and after how much it is again
        self._silent: set[str] = set()  # what holds and was not logged
        self._leaps: dict[str, _Leap] = {}  # of series that started again, the newest last

    def told(self) -> tuple[Loss, ...]:
        """What holds now."""
        return tuple(self._told.values())

    def note(self, fates: Fates) -> list[tuple[int, str]]:
        """Take what came next; the levels and lines of what is to be told of it."""
        self._series = fates.series if self._series is None else self._series
        lines = [line for fate in fates.each for line in self._take(fate)]
        return lines + [line for masked in fates.masked for line in self._mask(masked)]

    def _take(self, fate: Fate) -> Iterator[tuple[int, str]]:
        self._noted += 1
        if fate.came_to == SKIPPED:
            yield from self._skip(fate)
            return
        if self._only_skipped is not None:
            self._only_skipped = None
            yield from self._is_well("skipped", "records pass the filter now")
        self._count(fate.came_to)
        if fate.came_to == FORECAST:
            yield from self._bounded(fate)
            yield from self._beginnings(fate)
            yield from self._leapt(fate)
            if self._unscored is not None:
                yield from self._scores(fate)
        else:
            yield from self._first(fate)
            if fate.came_to == LATE and self._leaps:
                yield from self._fell_back(fate)
            if not self._waits(fate.series):
                yield from self._too_many(fate)
        if fate.offset != self._offset and fate.came_to in (FORECAST, LATE, REPEATED):
            yield from self._paths(fate)
        if self._told:
            yield from self._few()

    def _first(self, fate: Fate) -> Iterator[tuple[int, str]]:
        """The first dead letter of each reason, the first late and the first repeated one."""
        if fate.came_to in self._seen:
            return
        self._seen.add(fate.came_to)
        if fate.came_to in (LATE, REPEATED):
            before = "before" if fate.came_to == LATE else "as"
            yield logging.INFO, f"the first {fate.came_to} observation: {_at(fate)}, {before} its last; nothing changes"
        else:
            yield logging.WARNING, f"the first dead letter `{fate.came_to}`: {_at(fate)}"

    def _bounded(self, fate: Fate) -> Iterator[tuple[int, str]]:
        """The first value that no forecast of its series may reach."""
        if fate.outside is not None and OUT_OF_BOUNDS not in self._seen:
            self._seen.add(OUT_OF_BOUNDS)
            yield (
                logging.WARNING,
                f"the first value outside the bounds of its series: {_at(fate)} is {fate.outside:g}; its forecasts stay"
                " within model.bounds: widen them, or leave the series out; lstm_stream_out_of_bounds_total counts on",
            )

    def _count(self, came_to: str) -> None:
        self._recent.append(came_to)
        self._counts[came_to] += 1
        if len(self._recent) > WINDOW:
            self._counts[self._recent.popleft()] -= 1

    def _too_many(self, fate: Fate) -> Iterator[tuple[int, str]]:
        came_to, counts, of = fate.came_to, self._counts, f"of the last {len(self._recent)} observations"
        if came_to in (LATE, REPEATED):
            if counts[LATE] + counts[REPEATED] > MOST_LATE:
                yield from self._tell(
                    LATE_OR_REPEATED,
                    f"{of} {counts[LATE]} were late and {counts[REPEATED]} repeated, and are left out; {_at(fate)} was"
                    f" {came_to}: if several things share this name, let events.series name more fields (now"
                    f" {self._events.series!r}){_UPDATES if counts[REPEATED] > counts[LATE] else ''}; {CHECK}",
                )
        elif counts[came_to] > MOST_DEAD:
            found = f"{of} {counts[came_to]} became dead letters, `{came_to}`; {_at(fate)}"
            yield from self._tell(came_to, f"{found}: {REMEDIES[came_to]}; {CHECK}")

    def _leapt(self, fate: Fate) -> Iterator[tuple[int, str]]:
        """Remember a series that starts again; one that goes on has the time that its clock tells."""
        leap = self._leaps.get(fate.series) if self._leaps else None
        if leap is not None and (leap.late or leap.good == WINDOW):
            del self._leaps[fate.series]
        elif leap is not None:
            self._leaps[fate.series] = leap._replace(good=leap.good + 1)
        if fate.restarted:
            self._leaps.pop(fate.series, None)
            self._leaps[fate.series] = _Leap(fate.offset, fate.detail)
            if len(self._leaps) > MOST_LEAPS:
                del self._leaps[next(iter(self._leaps))]
        if "clock_ahead" in self._told and not any(one.late >= BACK for one in self._leaps.values()):
            yield from self._is_well("clock_ahead", "no series waits for its clock now")

    def _fell_back(self, fate: Fate) -> Iterator[tuple[int, str]]:
        """Whether a series that started again is behind that time again: what led it there was wrong."""
        leap = self._leaps.get(fate.series)
        if leap is None:
            return
        self._leaps[fate.series] = leap = leap._replace(late=leap.late + 1)
        if leap.late == BACK:
            yield from self._tell(
                "clock_ahead",
                f"offset {leap.offset}: {leap.detail} began anew after a jump ahead, and now its events are of before"
                f" that, {_at(fate)}: they are left out as late until they have caught up, or until"
                f" {self._events.restart_after} in a row (events.restart_after) start it again. If its clock was wrong,"
                f" correct it, and lower events.restart_after to lose fewer; {CHECK}",
            )

    def _waits(self, series: str) -> bool:
        """Whether a series is known to be late as its clock was ahead."""
        leap = self._leaps.get(series) if self._leaps else None
        return leap is not None and leap.late >= BACK

    def _few(self) -> Iterator[tuple[int, str]]:
        """Shares that have fallen to half of what is told."""
        if self._counts[LATE] + self._counts[REPEATED] <= MOST_LATE // 2:
            yield from self._is_well(LATE_OR_REPEATED, "few observations are late or repeated now")
        for reason in [one for one in self._told if one in self._seen and self._counts[one] <= MOST_DEAD // 2]:
            yield from self._is_well(reason, f"few dead letters `{reason}` now")

    def _paths(self, fate: Fate) -> Iterator[tuple[int, str]]:
        """Whether the event itself told its series and its time; once a record, of those that could be read."""
        self._offset = fate.offset
        if fate.stood_in:
            for role in fate.stood_in:
                yield from self._lacks(role, fate.offset)
        if len(self._held) < len(DEFAULTS):
            self._held |= DEFAULTS.keys() - set(fate.stood_in)
        if self._lacking or self._having:
            for role in [role for role in (*self._lacking, *self._having) if role not in fate.stood_in]:
                yield from self._has(role)

    def _lacks(self, role: str, offset: int) -> Iterator[tuple[int, str]]:
        self._lacking[role] = self._lacking[role] + 1
        self._having.pop(role, None)
        if self._lacking[role] == RUN:
            path, instead = {
                "series": (self._events.series, "the records' keys name the series"),
                "timestamp": (self._events.timestamp, "the records' own times count"),
            }[role]
            message = (
                f"none of the last {RUN} events up to offset {offset} holds events.{role} = {path!r}, so {instead}: if"
                f" that is not meant, let events.{role} name another field; {CHECK}"
            )
            if role in self._held or path != DEFAULTS[role]:
                yield from self._tell(f"{role}_path", message)
            elif role not in self._seen:
                self._seen.add(role)
                yield logging.WARNING, message

    def _has(self, role: str) -> Iterator[tuple[int, str]]:
        """Well again is what was told once an event had the field so many times in a row."""
        self._lacking.pop(role, None)
        if f"{role}_path" in self._told:
            self._having[role] += 1
            if self._having[role] == RUN:
                del self._having[role]
                yield from self._is_well(f"{role}_path", f"events hold events.{role} now")

    def _skip(self, fate: Fate) -> Iterator[tuple[int, str]]:
        """Skipped records are no loss; only where nothing else ever came, the filter may be wrong."""
        if self._only_skipped is not None:
            self._only_skipped += 1
            if self._only_skipped == RUN:
                yield from self._tell(
                    "skipped",
                    f"all of the first {RUN} records were skipped; {_at(fate)}: correct {self._filter(fate.detail)} if"
                    f" that is not meant; {CHECK}",
                )

    def _filter(self, reason: str) -> str:
        events = self._events
        settings = {"where": f"events.where = {list(events.where)}", "absent": f"events.values = {list(events.values)}"}
        return settings.get(reason, f"events.points = {list(events.points)}")

    def _beginnings(self, fate: Fate) -> Iterator[tuple[int, str]]:
        """Series that hold one event each, and such that start again and again."""
        self._series = (self._series or 0) + fate.began
        self._count_of_block += 1
        self._began += fate.began
        self._restarted += fate.restarted
        if self._count_of_block == BLOCK:
            yield from self._end_block(fate.offset)

    def _end_block(self, offset: int) -> Iterator[tuple[int, str]]:
        began, restarted = self._began, self._restarted
        self._count_of_block = self._began = self._restarted = 0
        self._blocks = self._blocks + 1 if began > 0.9 * BLOCK else 0
        if self._blocks == BLOCKS:
            yield from self._tell(
                "single_events",
                f"{self._series:,} series, and hardly one has a second event (offset {offset}): events.series ="
                f" {self._events.series!r} probably names an id that each event has of its own; {CHECK}",
            )
        elif self._blocks == 0:
            yield from self._is_well("single_events", "series have more than one event now")
        if restarted > BLOCK // 5:
            yield from self._tell(
                "restarts",
                f"{restarted} of {BLOCK} observations up to offset {offset} made their series start again, as gaps of"
                f" more than events.max_gap ({self._events.max_gap}) steps do: raise it, set events.step to the usual"
                f" distance, or let events.series name more fields; {CHECK}",
            )
        elif restarted <= BLOCK // 10:
            yield from self._is_well("restarts", "few series start again now")

    def _scores(self, fate: Fate) -> Iterator[tuple[int, str]]:
        """Whether anything of what is forecast ever comes."""
        if fate.scored:
            self._unscored = None
            yield from self._is_well("nothing_scored", "what was forecast comes, and is scored now")
            return
        self._unscored = (self._unscored or 0) + 1
        if self._unscored > PATIENCE * max(self._series or 1, BLOCK // PATIENCE):
            yield from self._tell(
                "nothing_scored",
                f"{self._unscored:,} observations of {self._series:,} series, and not one forecast could be scored:"
                f" nothing that is forecast ever comes; correct events.series and events.timestamp; {CHECK}",
            )

    def _mask(self, masked: tuple[bool, ...]) -> Iterator[tuple[int, str]]:
        """Covariates that no event has."""
        self._events_noted += 1
        runs = self._masked or [0] * len(masked)
        self._masked = [run + 1 if is_masked else 0 for run, is_masked in zip(runs, masked, strict=True)]
        named = [path for path, run in zip(self._events.covariates, self._masked, strict=True) if run >= RUN]
        if named and RUN in self._masked:
            yield from self._tell(
                "covariates",
                f"none of the last {RUN} events holds a number at {', '.join(named)} of events.covariates: correct the"
                f" path; {CHECK}",
                self._events_noted,
            )
        elif "covariates" in self._told:
            yield from self._unmask(masked)

    def _unmask(self, masked: tuple[bool, ...]) -> Iterator[tuple[int, str]]:
        """A covariate that is there now and then is still missing: most events must hold them all for a while."""
        self._unmasked = max(self._unmasked - 1, 0) if any(masked) else self._unmasked + 1
        if self._unmasked >= RUN:
            self._unmasked = 0
            yield from self._is_well("covariates", "events hold their covariates now")

    def _tell(self, what: str, message: str, noted: int | None = None) -> Iterator[tuple[int, str]]:
        """Note a loss. One that comes and goes is logged ever more seldom, so that it never fills the log."""
        if what in self._told:
            return
        self._told[what] = Loss(what, message)
        now = self._noted if noted is None else noted
        times, again = self._logged.get(what, (0, 0))
        if now < again:
            self._silent.add(what)
            return
        self._logged[what] = (times + 1, now + WINDOW * 2**times)
        yield logging.WARNING, message

    def _is_well(self, what: str, message: str) -> Iterator[tuple[int, str]]:
        if self._told.pop(what, None) is None:
            return
        if what in self._silent:
            self._silent.remove(what)
        else:
            yield logging.INFO, message


def _at(fate: Fate) -> str:
    return f"offset {fate.offset}: {fate.detail}"
