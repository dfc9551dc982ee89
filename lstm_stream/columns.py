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
    """The columns with room for that many series."""
    return type(columns)(*(_with_room(array, capacity) for array in columns))


def _with_room(array: Array, capacity: int) -> Array:
    room = np.zeros((capacity, *array.shape[1:]), array.dtype)
    room[: len(array)] = array
    return room


def dumped(columns: Columns, series: int) -> dict[str, Array]:
    """Columns of the first so many series by name; a copy."""
    return {name: array[:series].copy() for name, array in named(columns).items()}


def fill(columns: Columns, arrays: Mapping[str, Array]) -> None:
    """Take the columns of a dump; room must have been made."""
    for name, array in named(columns).items():
        array[: len(arrays[name])] = arrays[name]


def clear(columns: Columns, i: int) -> None:
    """Let series i start again."""
    for column in named(columns).values():
        column[i] = 0
