"""Copies of what the worker holds, for questions from other threads: no question ever waits for a fold.

The worker comes by between two folds (`look`). It leaves the names of its series, which costs nothing while they stay
the same, and what somebody has asked for of late: the status of series, a table of all of them, sparklines. A question
is answered with the last copy, and told its age. Only the first question for a series, or for the table, waits a
moment, for the worker to come by.
"""

import bisect
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple, Protocol

from msgspec import structs

from pipeline.cluster import TopicPartition, place
from pipeline.journal import Whole
from pipeline.web.series_list import BusyError, Found, Listed, Listing
from pipeline.web.series_status import SeriesStatus
from pipeline.web.series_view import steps_before
from pipeline.web.table import Folded, Place, Table, Tables

EVERY = 1.0
"""Seconds from one copy of a series to the next."""
INTEREST = 10.0
"""Seconds that a series is copied after it was last asked for."""
STALE = 3.0
"""Seconds after which a copy is not given out before the worker has had the time for a newer one."""
PATIENCE = 0.8
"""Seconds that a question waits for that."""
LIST_PATIENCE = 0.1
"""Seconds that a question for the table waits for its first copy."""
MOST = 64
"""Series copied at one look; a copy takes about .3 ms."""
MOST_SPARKLINES = 256
"""Sparklines copied at one look; one takes about .01 ms."""
SPARKLINE = 40
"""Values of a sparkline."""
WATCH, MOST_WATCHED = 600.0, 16
"""Seconds that the forecasts of a series are kept after it was last asked for, and of how many series at most."""


class Told(Protocol):
    """What is asked of a shard, from the worker's thread."""

    def series(self) -> tuple[str, ...]: ...
    def series_status(self, name: str) -> SeriesStatus | None: ...
    def table(self) -> Table: ...
    def sparkline(self, name: str, count: int) -> tuple[float | None, ...]: ...
    def watch(self, names: Collection[str]) -> None: ...
    def track(self, name: str) -> tuple[Whole, ...]: ...


class Seen(NamedTuple):
    """A series in one shard: its status, and its last whole forecasts."""

    status: SeriesStatus
    track: tuple[Whole, ...]


class _Names(NamedTuple):
    """The series of each shard, as of one look."""

    by_shard: Mapping[TopicPartition, tuple[str, ...]]
    seen: float


class _Copy(NamedTuple):
    """One series in each shard that has it, as of one look."""

    by_place: Mapping[str, Seen]
    seen: float


class _Tables(NamedTuple):
    """All series, as of one look."""

    by_place: Mapping[Place, Table]
    seen: float


class _Sparkline(NamedTuple):
    """Last values of a series in one shard, as of one look."""

    values: tuple[float | None, ...]
    seen: float


class _Index(NamedTuple):
    """Names in order, each once, and as they are searched."""

    of: tuple[tuple[str, ...], ...]  # what it was made of
    names: list[str]
    folded: list[str]


class Snapshots:
    """What the worker leaves, and what others ask for.

    Parameters
    ----------
    now
        The time in seconds, from any start.
    patience
        Seconds that a question for a series without a fresh copy waits for one.
    """

    def __init__(self, now: Callable[[], float], patience: float = PATIENCE) -> None:
        self._now, self._patience = now, patience
        self._changed = threading.Condition()
        self._names: _Names | None = None
        self._copies: dict[str, _Copy] = {}
        self._asked: dict[str, float] = {}
        self._index = _Index((), [], [])
        self._watched: dict[str, float] = {}
        self._tables: _Tables | None = None
        self._tables_asked = float("-inf")
        self._sorted: tuple[_Tables, Tables] | None = None
        self._folded: Folded | None = None
        self._sparklines: dict[tuple[str, Place], _Sparkline] = {}
        self._sparklines_asked: dict[tuple[str, Place], float] = {}

    def look(self, shards: Mapping[TopicPartition, Told]) -> None:
        """Leave copies; from the worker's thread, while no shard changes."""
        names = _Names({partition: shard.series() for partition, shard in shards.items()}, self._now())
        watched, due = self._to_watch(), self._due()
        for shard in shards.values():
            shard.watch(watched)
        copies = {name: _Copy(_by_place(name, shards), self._now()) for name in due}
        places = {Place(partition.topic, partition.partition): shard for partition, shard in sorted(shards.items())}
        tables = self._copied_tables(places)
        sparklines = self._copied_sparklines(places)
        with self._changed:
            self._names = names
            self._copies.update(copies)
            self._tables = tables
            self._sparklines |= sparklines
            self._changed.notify_all()

    def clear(self) -> None:
        """Nothing is held any more."""
        with self._changed:
            self._names, self._copies, self._asked, self._tables = None, {}, {}, None
            self._sparklines, self._sparklines_asked = {}, {}
            self._changed.notify_all()

    def _to_watch(self) -> set[str]:
        """Series asked for of late, no more than a few."""
        with self._changed:
            now = self._now()
            newest = sorted(self._watched.items(), key=lambda one: -one[1])[:MOST_WATCHED]
            self._watched = {name: asked for name, asked in newest if now - asked < WATCH}
            return set(self._watched)

    def _copied_tables(self, places: Mapping[Place, Told]) -> _Tables | None:
        """A new copy if one is due, else the last; none while nobody asks."""
        now, last = self._now(), self._tables
        if now - self._tables_asked >= INTEREST:
            return None
        if last is not None and now - last.seen < EVERY and last.by_place.keys() == places.keys():
            return last
        return _Tables({place: shard.table() for place, shard in places.items()}, now)

    def _copied_sparklines(self, places: Mapping[Place, Told]) -> dict[tuple[str, Place], _Sparkline]:
        """Of the rows that were asked for, as `_due`."""
        with self._changed:
            now, asked = self._now(), self._sparklines_asked
            self._sparklines_asked = asked = {one: when for one, when in asked.items() if now - when < INTEREST}
            self._sparklines = {one: copy for one, copy in self._sparklines.items() if one in asked}
            seen = {one: self._sparklines[one].seen if one in self._sparklines else float("-inf") for one in asked}
        due = sorted((one for one in seen if now - seen[one] >= EVERY), key=seen.__getitem__)[:MOST_SPARKLINES]
        held = ((name, place) for name, place in due if place in places)
        return {(name, at): _Sparkline(places[at].sparkline(name, SPARKLINE), now) for name, at in held}

    def _due(self) -> list[str]:
        """Series to copy now: those without a copy first, then those whose copy is the oldest. Forget the others."""
        with self._changed:
            now = self._now()
            self._asked = {name: asked for name, asked in self._asked.items() if now - asked < INTEREST}
            self._copies = {name: copy for name, copy in self._copies.items() if name in self._asked}
            seen = {name: self._copies[name].seen if name in self._copies else float("-inf") for name in self._asked}
            return sorted((name for name in seen if now - seen[name] >= EVERY), key=seen.__getitem__)[:MOST]

    def find(self, search: str = "", after: str = "", limit: int = 1000) -> Found:
        """Names of series, each once and in order.

        Parameters
        ----------
        search
            Text that the names hold, upper or lower case.
        after
            Only names after this one: how to go on where `limit` ended.
        limit
            How many names at most.
        """
        names = self._names
        if names is None:
            return Found(series=(), total=0, age=None)
        index, wanted = self._indexed(names), search.casefold()
        begin = bisect.bisect_right(index.names, after) if after else 0
        found = [place for place in range(begin, len(index.names)) if not wanted or wanted in index.folded[place]]
        told = tuple(index.names[place] for place in found[:limit])
        return Found(series=told, total=len(found), age=self._now() - names.seen)

    def _indexed(self, names: _Names) -> _Index:
        """Made anew only when there are other names: the same tuples are the same names."""
        index, of = self._index, tuple(names.by_shard.values())
        if len(of) != len(index.of) or any(one is not other for one, other in zip(of, index.of, strict=True)):
            each = sorted(set().union(*of))
            index = self._index = _Index(of, each, [name.casefold() for name in each])
        return index

    def listed(self, asked: Listing) -> Listed:
        """Series with how they do, as a part of the whole list.

        The first question waits a moment for a copy of the table; the sparklines of rows that were not shown before
        come with the next. A question for more rows than are copied at one look gets none.
        """
        with self._changed:
            self._tables_asked = self._now()
            if self._tables is None and self._names is not None:
                self._changed.wait_for(lambda: self._tables is not None or self._names is None, LIST_PATIENCE)
            tables = self._tables
        if tables is None or not tables.by_place:
            return Listed(rows=(), total=0, age=None)
        sparkline = self._sparkline if asked.limit <= MOST_SPARKLINES else _no_sparkline
        return self._ordered(tables).listed(asked, sparkline, self._now() - tables.seen)

    def _ordered(self, tables: _Tables) -> Tables:
        """Made once for each copy."""
        made = self._sorted
        if made is None or made[0] is not tables:
            ordered = Tables(tables.by_place, self._folded)
            self._folded = ordered.folded
            made = self._sorted = tables, ordered
        return made[1]

    def _sparkline(self, name: str, at: Place) -> tuple[float | None, ...]:
        with self._changed:
            self._sparklines_asked[name, at] = self._now()
            copy = self._sparklines.get((name, at))
        return copy.values if copy is not None else ()

    def series(self, name: str, at: str | None = None, horizon: int = 1) -> SeriesStatus | None:
        """One series, None if no shard here has it.

        Parameters
        ----------
        name
            Which.
        at
            The shard, as `events/3`; by default the first that has it. The answer names the others: a series of
            the same name in another topic or partition is another series.
        horizon
            How many steps before those of the earlier forecasts were made that are told.

        Raises
        ------
        BusyError
            There is no copy yet, and the worker did not come by within a moment.
        """
        with self._changed:
            if self._names is None:
                return None
            asked = self._asked[name] = self._watched[name] = self._now()
            if not self._is_fresh(name, asked):
                self._changed.wait_for(lambda: self._names is None or self._is_fresh(name, asked), self._patience)
            copy = self._copies.get(name)
            is_held = self._names is not None
        if copy is None and is_held:
            raise BusyError("the worker has not come by to copy the series; ask again")
        return _chosen(copy, at, horizon, self._now()) if copy is not None else None

    def _is_fresh(self, name: str, asked: float) -> bool:
        copy = self._copies.get(name)
        return copy is not None and asked - copy.seen < STALE


def _no_sparkline(_: str, __: Place) -> tuple[float | None, ...]:
    return ()


def _by_place(name: str, shards: Mapping[TopicPartition, Told]) -> dict[str, Seen]:
    found = ((place(partition), shard, shard.series_status(name)) for partition, shard in sorted(shards.items()))
    return {where: Seen(status, shard.track(name)) for where, shard, status in found if status is not None}


def _chosen(copy: _Copy, at: str | None, horizon: int, now: float) -> SeriesStatus | None:
    where = next(iter(copy.by_place), None) if at is None else at
    if where is None or where not in copy.by_place:
        return None
    elsewhere: Iterable[str] = (one for one in copy.by_place if one != where)
    status, track = copy.by_place[where]
    earlier = status.earlier if horizon == 1 else steps_before(track, horizon, status)
    return structs.replace(status, earlier=earlier, elsewhere=tuple(elsewhere), age=now - copy.seen)
