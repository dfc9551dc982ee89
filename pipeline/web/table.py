"""All series of some shards at one moment: searched, put in order, and told in part.

Letters: S series.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream import Summaries
from pipeline.web.series_list import Listed, Listing, Row

Columns = npt.NDArray[np.float32]
SMALLEST_ERROR = 1e-30


class Table(NamedTuple):
    """The series of one shard; a copy."""

    names: tuple[str, ...]  # (S,)
    summaries: Summaries
    surprise: Columns  # (S,) anomaly score of the last observation; NaN: none
    recent_surprise: Columns  # (S,) the largest of the last few; NaN: none


class Place(NamedTuple):
    """A shard."""

    topic: str
    partition: int


class Folded(NamedTuple):
    """Names as they are searched and put in order, made once for the same names."""

    of: tuple[tuple[str, ...], ...]  # the shards' own tuples
    folded: list[str]
    rank: npt.NDArray[np.int64]  # (S,) in the order of the names

    @classmethod
    def of_names(cls, names: tuple[tuple[str, ...], ...]) -> "Folded":
        """Of the names of each shard."""
        each = [name for some in names for name in some]
        rank = np.empty(len(each), np.int64)
        rank[sorted(range(len(each)), key=each.__getitem__)] = np.arange(len(each))
        return cls(names, [name.casefold() for name in each], rank)

    def is_of(self, names: tuple[tuple[str, ...], ...]) -> bool:
        """Whether it was made of these very tuples."""
        return len(names) == len(self.of) and all(one is other for one, other in zip(names, self.of, strict=True))


class Tables:
    """The series of all shards of a process.

    Parameters
    ----------
    by_place
        Tables of the shards.
    folded
        The names of tables before: used again where they are the same.
    """

    def __init__(self, by_place: Mapping[Place, Table], folded: Folded | None = None) -> None:
        self._places, tables = tuple(by_place), tuple(by_place.values())
        names = tuple(table.names for table in tables)
        self.folded = folded if folded is not None and folded.is_of(names) else Folded.of_names(names)
        self._names = [name for some in names for name in some]
        self._place = np.repeat(np.arange(len(tables)), [len(some) for some in names])
        summaries = [table.summaries for table in tables]
        self._summaries = Summaries(*(np.concatenate(column) for column in zip(*summaries, strict=True)))
        self._surprise = np.concatenate([table.surprise for table in tables])
        self._recent_surprise = np.concatenate([table.recent_surprise for table in tables])
        self._skill = _skill(self._summaries)

    def listed(self, asked: Listing, values: Callable[[str, Place], tuple[float | None, ...]], age: float) -> Listed:
        """The rows that are asked for.

        Parameters
        ----------
        values
            Of the sparkline of a series.
        age
            Seconds since the tables were copied.
        """
        found = self._found(asked.search)
        order = self._ordered(found, asked)
        told = order[asked.offset : asked.offset + asked.limit].tolist()
        return Listed(rows=tuple(self._row(index, values) for index in told), total=len(found), age=age)

    def _found(self, search: str) -> npt.NDArray[np.int64]:
        known = self._summaries.steps > 0
        if search:
            wanted = search.casefold()
            known &= np.fromiter((wanted in name for name in self.folded.folded), np.bool_, len(known))
        return np.flatnonzero(known)

    def _ordered(self, found: npt.NDArray[np.int64], asked: Listing) -> npt.NDArray[np.int64]:
        """By the column that is asked for, then by name; what is not known comes last in either direction."""
        rank = self.folded.rank[found]
        if asked.sort == "name":
            return found[np.argsort(-rank if asked.descending else rank)]
        key = {
            "surprise": self._recent_surprise,
            "skill": self._skill,
            "last_time": self._summaries.last_time,
            "observations": self._summaries.steps,
        }[asked.sort][found].astype(np.float64)
        return found[np.lexsort((rank, -key if asked.descending else key))]

    def _row(self, index: int, values: Callable[[str, Place], tuple[float | None, ...]]) -> Row:
        name, place, summaries = self._names[index], self._places[self._place[index]], self._summaries
        return Row(
            series=name,
            topic=place.topic,
            partition=place.partition,
            observations=int(summaries.steps[index]),
            last_time=int(summaries.last_time[index]),
            last_value=_finite(summaries.last_value[index]),
            skill=_finite(self._skill[index]),
            surprise=_finite(self._surprise[index]),
            recent_surprise=_finite(self._recent_surprise[index]),
            values=values(name, place),
        )


def _skill(summaries: Summaries) -> npt.NDArray[np.float64]:
    usual = summaries.last_value_error
    skill: npt.NDArray[np.float64] = np.where(
        usual > 0, 1 - summaries.model_error / np.maximum(usual, SMALLEST_ERROR), np.nan
    )
    return skill


def _finite(value: np.floating) -> float | None:
    return float(value) if np.isfinite(value) else None
