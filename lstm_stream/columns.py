"""Arrays with a row a series, that grow as series arrive."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Rows = npt.NDArray[np.int64]
"""Which series a round is about: each at most once."""


@dataclass
class Columns:
    """Base of the state that is kept of each series: every field is an array whose first axis is the series.

    Zero is what a new series starts from, in every column.
    """

    def arrays(self) -> dict[str, Array]:
        """Columns by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def grow(self, capacity: int) -> None:
        """Make room for that many series."""
        for name, old in self.arrays().items():
            new = np.zeros((capacity, *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)

    def clear(self, rows: Rows) -> None:
        """Let these series start again."""
        for array in self.arrays().values():
            array[rows] = 0

    def dump(self, series: int) -> dict[str, Array]:
        """Columns of the first so many series by name; a copy."""
        return {name: array[:series].copy() for name, array in self.arrays().items()}

    def load(self, arrays: dict[str, Array]) -> None:
        """Take the columns of a `dump`; room must have been made."""
        for name, array in self.arrays().items():
            array[: len(arrays[name])] = arrays[name]
