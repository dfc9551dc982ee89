"""Copies of what the worker holds, for questions from other threads: no question ever waits for a fold.

The worker comes by between two folds (`look`). It leaves the names of its series, which costs nothing while they stay
the same, and the status of each series that somebody has asked for of late. A question is answered with the last copy,
and told its age. Only the first question for a series waits a moment, for the worker to come by.
"""

import bisect
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

from msgspec import structs

from pipeline.cluster import TopicPartition, place
from pipeline.status import BusyError, Found, SeriesStatus

EVERY = 1.0
"""Seconds from one copy of a series to the next."""
INTEREST = 10.0
"""Seconds that a series is copied after it was last asked for."""
STALE = 3.0
"""Seconds after which a copy is not given out before the worker has had the time for a newer one."""
PATIENCE = 0.8
"""Seconds that a question waits for that."""
MOST = 64
"""Series copied at one look; a copy takes about .2 ms."""


class Told(Protocol):
    """What is asked of a shard, from the worker's thread."""

    def series(self) -> tuple[str, ...]: ...
    def series_status(self, name: str) -> SeriesStatus | None: ...


class _Names(NamedTuple):
    """The series of each shard, as of one look."""

    by_shard: Mapping[TopicPartition, tuple[str, ...]]
    seen: float


class _Copy(NamedTuple):
    """One series in each shard that has it, as of one look."""

    by_place: Mapping[str, SeriesStatus]
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

    def look(self, shards: Mapping[TopicPartition, Told]) -> None:
        """Leave copies; from the worker's thread, while no shard changes."""
        names = _Names({partition: shard.series() for partition, shard in shards.items()}, self._now())
        due = self._due()
        copies = {name: _Copy(_by_place(name, shards), self._now()) for name in due}
        with self._changed:
            self._names = names
            self._copies.update(copies)
            self._changed.notify_all()

    def clear(self) -> None:
        """Nothing is held any more."""
        with self._changed:
            self._names, self._copies, self._asked = None, {}, {}
            self._changed.notify_all()

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

    def series(self, name: str, at: str | None = None) -> SeriesStatus | None:
        """One series, None if no shard here has it.

        Parameters
        ----------
        name
            Which.
        at
            The shard, as `events/3`; by default the first that has it. The answer names the others: a series of
            the same name in another topic or partition is another series.

        Raises
        ------
        BusyError
            There is no copy yet, and the worker did not come by within a moment.
        """
        with self._changed:
            if self._names is None:
                return None
            asked = self._asked[name] = self._now()
            if not self._is_fresh(name, asked):
                self._changed.wait_for(lambda: self._names is None or self._is_fresh(name, asked), self._patience)
            copy = self._copies.get(name)
            is_held = self._names is not None
        if copy is None and is_held:
            raise BusyError("the worker has not come by to copy the series; ask again")
        return _chosen(copy, at, self._now()) if copy is not None else None

    def _is_fresh(self, name: str, asked: float) -> bool:
        copy = self._copies.get(name)
        return copy is not None and asked - copy.seen < STALE


def _by_place(name: str, shards: Mapping[TopicPartition, Told]) -> dict[str, SeriesStatus]:
    found = ((place(partition), shard.series_status(name)) for partition, shard in sorted(shards.items()))
    return {where: status for where, status in found if status is not None}


def _chosen(copy: _Copy, at: str | None, now: float) -> SeriesStatus | None:
    where = next(iter(copy.by_place), None) if at is None else at
    if where is None or where not in copy.by_place:
        return None
    elsewhere: Iterable[str] = (one for one in copy.by_place if one != where)
    return structs.replace(copy.by_place[where], elsewhere=tuple(elsewhere), age=now - copy.seen)
