"""State of the series: NamedTuples of arrays with a row a series, which grow as series arrive.

Zero is what a new series starts from, in every column.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Rows = npt.NDArray[np.int64]
Columns = tuple[Array, ...]
"""A NamedTuple whose fields are arrays; the first axis of each is the series."""
AnyColumns = TypeVar("AnyColumns", bound=Columns)


def named(columns: Columns) -> dict[str, Array]:
    """The columns by name."""
    fields: Any = columns
    by_name: dict[str, Array] = fields._asdict()
    return by_name


def grown(columns: AnyColumns, capacity: int) -> AnyColumns:
    """The columns with room for that many series, in the place of those that are given.

    They are extended where they lie, or moved by the system without a copy (`mremap`), as copies of gigabytes would
    take seconds and twice the memory. So no view of them may be in use.
    """
    return type(columns)(*(_with_room(array, capacity) for array in columns))


def _with_room(array: Array, capacity: int) -> Array:
    shape = (capacity, *array.shape[1:])
    if len(array) and array.flags.owndata:
        array.resize(shape, refcheck=False)
        return array
    room = np.zeros(shape, array.dtype)
    room[: len(array)] = array
    return room


def room_for(series: int, room: int) -> int:
    """How much room to make for so many series where there is room for fewer: twice as much, or some more.

    What is made is zeroed, which takes time and memory at once; so it is a 32nd of what is large.
    """
    return max(8, series, 2 * room if room < LARGE else room + room // 32)


LARGE = 4096
"""Series: 120 MB."""


def dumped(columns: Columns, series: int) -> dict[str, Array]:
    """Columns of the first so many series by name; a copy."""
    return {name: array[:series].copy() for name, array in named(columns).items()}


def fill(columns: Columns, arrays: Mapping[str, Array]) -> None:
    """Take the columns of a dump; room must have been made."""
    for name, array in named(columns).items():
        array[: len(arrays[name])] = arrays[name]


def adopted(columns: AnyColumns, arrays: Mapping[str, Array]) -> AnyColumns:
    """Columns like these with the arrays of a dump, which are taken over without a copy where that can be."""
    return type(columns)(*(_owned(arrays[name], column) for name, column in named(columns).items()))


def _owned(array: Array, like: Array) -> Array:
    if array.shape[1:] != like.shape[1:] or array.dtype != like.dtype:
        raise ValueError(
            f"a column has rows of {array.dtype}{list(array.shape[1:])} instead of {like.dtype}{list(like.shape[1:])}"
        )
    flags = array.flags
    return array if flags.owndata and flags.writeable and flags.c_contiguous and flags.aligned else array.copy()


def clear(columns: Columns, i: int) -> None:
    """Let series i start again."""
    for column in named(columns).values():
        column[i] = 0


def over(part: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Arrays under the name of the part that they belong to."""
    return {f"{part}.{name}": array for name, array in arrays.items()}


def under(part: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays of a part, by their names in it."""
    prefix = f"{part}."
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
