"""The first rows of a sheet, column by column: what may be seen of them at a glance."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from pipeline.files.cells import MISSING, like_a_number
from pipeline.files.file_options import Cells
from pipeline.files.packing import TableError
from pipeline.files.reader import Sheet
from pipeline.files.units import Unit, unit_of

SHOWN = 6


class Sample:
    """What is known of a sheet's columns.

    Attributes
    ----------
    sheet
        The whole.
    path, columns
        Of the sheet.
    missing
        Cells that mean no value, in lower case.
    units
        For each column what stands beside all of its numbers.
    cells
        For each column the cells of the first rows that are not missing, numbers without their units.
    """

    def __init__(self, sheet: Sheet, missing: Iterable[str] = ()) -> None:
        self.sheet = sheet
        self.path: Path = sheet.path
        self.columns: Cells = sheet.columns
        self.missing = MISSING | {text.lower() for text in missing}
        known = [self._known(place) for place in range(len(sheet.columns))]
        self.units: tuple[Unit, ...] = tuple(map(unit_of, known))
        self.cells = [
            list(map(unit.bare, cells)) if any(unit) else cells for unit, cells in zip(self.units, known, strict=True)
        ]

    def _known(self, place: int) -> list[str]:
        """The sampled cells of a column that are not missing."""
        cells = (row[place] for row in self.sheet.sample)
        return [cell for cell in cells if cell.lower() not in self.missing]

    def place(self, name: str) -> int | None:
        """The column of that name, if there is one."""
        return self.columns.index(name) if name in self.columns else None

    def asked(self, names: Sequence[str], option: str) -> tuple[int, ...]:
        """Places of columns that somebody named."""
        called = [self.called(place) for place in range(len(self.columns))]
        for name in names:
            if name not in called:
                raise TableError(f"{self.path} has no column `{name}` ({option}); it has {listed(called)}")
        return tuple(map(called.index, names))

    def called(self, place: int) -> str:
        """The name of a column, or its number."""
        return self.columns[place] or f"column {place + 1}"

    def numeric(self) -> list[int]:
        """Columns that look like numbers."""
        return [place for place, cells in enumerate(self.cells) if cells and all(map(like_a_number, cells))]

    def counts_rows(self, place: int) -> bool:
        """Whether it is the first column, and its numbers are those of the rows."""
        return place == 0 and is_counter(self.cells[0]) and len(self.cells[0]) == len(self.sheet.sample)

    def runs_on(self, place: int) -> bool:
        """Whether a column counts on, up or down, from whatever number."""
        cells = self.cells[place]
        if len(cells) < 2 or not all(re.fullmatch(r"\d{1,15}", cell) for cell in cells):
            return False
        return {int(after) - int(before) for before, after in pairwise(cells)} in ({1}, {-1})


def is_counter(cells: Sequence[str]) -> bool:
    """Whether cells are 0, 1, 2, ... or 1, 2, 3, ..."""
    if len(cells) < 2 or not all(re.fullmatch(r"\d{1,15}", cell) for cell in cells):
        return False
    numbers = list(map(int, cells))
    return numbers[0] in (0, 1) and all(after - before == 1 for before, after in pairwise(numbers))


def listed(names: Iterable[str]) -> str:
    """Some names of many, for a message."""
    every = [f"`{short(name)}`" for name in names]
    return ", ".join(every[:SHOWN]) + (f" and {len(every) - SHOWN} more" if len(every) > SHOWN else "")


def short(text: str) -> str:
    """A cell, for a message."""
    return text if len(text) <= 40 else f"{text[:37]}..."
