"""The rows of a file, read one after the other: keys, times, numbers, and what is refused about them."""

import math
import shlex
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.files.cells import BOOLEANS, AmbiguousNumberError, like_a_number, mend_of, thousands_asked
from pipeline.files.file_options import Cells
from pipeline.files.layout import Layout
from pipeline.files.packing import TableError
from pipeline.files.reader import Sheet
from pipeline.files.sample import SHOWN, short
from pipeline.files.timecolumn import TimeColumn
from pipeline.stamps import StampError
from pipeline.stamps.repeated_hour import RepeatedHour

COUNTED_FROM = 946_684_800_000_000
"""Microseconds: rows without a time are counted from the year 2000 on."""
SAY_MISSING = "say --missing"
PACKINGS = (".gz", ".bz2", ".xz", ".zst", ".zip")


class Row(NamedTuple):
    """A row that was read: what stands at one time."""

    key: str  # the series, as far as columns name it
    time: int
    values: tuple[float, ...]
    covariates: tuple[float, ...]
    number: int  # of the file's row


class Reading:
    """One way through the rows of a file, and what was left out on it."""

    def __init__(self, sheet: Sheet, layout: Layout) -> None:
        self._sheet, self._layout = sheet, layout
        self._units = layout.units if any(map(any, layout.units)) else ()
        self._hour = RepeatedHour()
        self._counts: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()
        self.empty_rows = 0

    def rows(self) -> Iterator[Row]:
        """Every row in the file's order.

        Raises
        ------
        TableError
            When a cell is not what its column holds.
        """
        read = self._across if self._layout.across else self._row
        for number, cells in enumerate(self._sheet.rows()):
            if any(cells):
                yield from read(number, cells)
            else:
                self.empty_rows += 1

    def _row(self, number: int, cells: Cells) -> Iterator[Row]:
        key = self._key(number, cells)
        time = self._time(number, key, cells)
        cells = self._bare(number, cells)
        values = tuple([self._number(number, place, cells[place]) for place in self._layout.values])
        yield Row(key, time, values, self._covariates(cells), number)

    def _across(self, number: int, cells: Cells) -> Iterator[Row]:
        key, cells = self._key(number, cells), self._bare(number, cells)
        for index, place in enumerate(self._layout.values):
            time = self._time_across(number, key, cells, index)
            if time is not None:
                yield Row(key, time, (self._number(number, place, cells[place]),), self._covariates(cells), number)

    def _time_across(self, number: int, key: str, cells: Cells, index: int) -> int | None:
        """The time of a cell; None where there is no such time and nothing stands, as on a 30th of February."""
        column, cycle, place = self._layout.time, self._layout.cycle, self._layout.values[index]
        if column is None:
            return 0
        if cycle is None:
            return self._read(number, key, column._replace(places=(place,)), self._layout.columns)
        try:
            stamp = cycle.read(column, cells, cycle.parts[index])
        except StampError as error:
            if cells[place].lower() in self._layout.numbers.missing:
                return None
            raise self._refused(number, self._no_part(column, cells, place, error)) from None
        return stamp.time if stamp.later is None else self._hour.time(key, stamp)

    def _no_part(self, column: TimeColumn, cells: Cells, place: int, error: StampError) -> str:
        """What is said of a row whose time is none, or has no such part."""
        try:
            column.read(cells)
        except StampError:
            return self._no_time(column, cells, error)
        return (
            f"`{column.text(cells)}` has no `{self._name(place)}`, but `{cells[place]}` stands there; empty the cell,"
            " or name columns that are series of their own with --values"
        )

    def _bare(self, number: int, cells: Cells) -> Cells:
        """The same without the units beside values."""
        if not self._units:
            return cells
        bare = list(cells)
        for place, unit in zip(self._layout.values, self._units, strict=True):
            try:
                bare[place] = unit.bare(cells[place])
            except ValueError:
                raise self._refused(number, self._no_number(place, cells[place], "")) from None
        return tuple(bare)

    def _key(self, number: int, cells: Cells) -> str:
        if not self._layout.series:
            return called(self._sheet.path) if self._layout.by_row or self._layout.across else ""
        parts = [cells[place] for place in self._layout.series]
        if not all(parts):
            empty = next(self._name(place) for place in self._layout.series if not cells[place])
            raise self._refused(
                number, f"the series has no name (column `{empty}` is empty); fill it, or name others with --series"
            )
        return "/".join(parts)

    def _time(self, number: int, key: str, cells: Cells) -> int:
        if self._layout.time is not None:
            return self._read(number, key, self._layout.time, cells)
        count = self._counts[key]
        self._counts[key] += 1
        if self._layout.counter is not None:
            text = cells[self._layout.counter]
            if not text.isdecimal():
                raise self._refused(number, f"`{text}` in column `{self._name(self._layout.counter)}` counts no steps")
            count = int(text)
        return COUNTED_FROM + round(count * self._layout.step * 1e6)

    def _read(self, number: int, key: str, column: TimeColumn, cells: Cells) -> int:
        try:
            stamp = column.read(cells)
        except StampError as error:
            raise self._refused(number, self._no_time(column, cells, error)) from None
        return stamp.time if stamp.later is None else self._hour.time(key, stamp)

    def _no_time(self, column: TimeColumn, cells: Cells, error: StampError) -> str:
        text, name = short(column.text(cells)), " + ".join(self._name(place) for place in column.places)
        found = f"`{text}` in column `{name}`"
        if not text.strip():
            return f"no time in column `{name}`; remove the row, or name another column with --time"
        if error.reason == "another_form":
            note = "" if any(map(str.isdigit, text)) else "remove the row if it is a total or a note, "
            return f"{found} {error.detail}; {note}write all alike, or say how with --time-format"
        if error.reason == "part":
            return f"{found}: {error.detail}; mend or remove the row, or name other columns with --time"
        if error.reason in ("hour", "ambiguous_timestamp") or "events.timezone" in error.detail:
            return f"{found}: {error.detail.replace('set events.timezone to', 'say --timezone with')}"
        if error.reason == "implausible_timestamp":
            return (
                f"{found} would be a time before 1980; say what it counts with --time-format s (ms, us, ns, days), name"
                " another column with --time, or say how far apart rows are with --step"
            )
        return (
            f"{found} is not a time stamp; expected ISO 8601 such as 2024-05-01T13:00:00Z, or say its form with"
            " --time-format"
        )

    def _number(self, number: int, place: int, text: str) -> float:
        try:
            value = self._layout.numbers.number(text)
        except AmbiguousNumberError:
            raise self._refused(number, thousands_asked(text)) from None
        except ValueError as error:
            raise self._refused(number, self._no_number(place, text, str(error))) from None
        if value != value:
            self.missing[text] += 1
        return value

    def _no_number(self, place: int, text: str, why: str) -> str:
        found = f"`{short(text)}` in column `{self._name(place)}` is not a number"
        if why.startswith("beyond"):
            return f"{found} that can be forecast: {why}; say --missing {short(text)} if it means that there is none"
        unit = dict(zip(self._layout.values, self._layout.units, strict=True))[place]
        if any(unit):
            return (
                f"{found} written like those before it (with {unit.told}); write all alike, or name other columns with"
                " --values"
            )
        return f"{found}; {self._mend(place, text)}"

    def _mend(self, place: int, text: str) -> str:
        """What to do about this cell, and about the others of its column that are no numbers either."""
        missing = self._layout.numbers.missing
        cells = {row[place] for row in self._sheet.sample} - {text}
        others = sorted(cell for cell in cells if not like_a_number(cell) and cell.lower() not in missing)
        others = [cell for cell in others if mend_of(cell).startswith(SAY_MISSING)]
        if not others or not mend_of(text).startswith(SAY_MISSING):
            return mend_of(text)
        say = " ".join(f"--missing {shlex.quote(cell)}" for cell in [text, *others][:SHOWN])
        return f"say {say} if they mean that there is none, or name other columns with --values"

    def _covariates(self, cells: Cells) -> tuple[float, ...]:
        """Numbers known with the row's events; what is none is masked, as the daemon does."""
        return tuple(
            [math.nan if place is None else self._covariate(cells[place]) for place in self._layout.covariates]
        )

    def _covariate(self, text: str) -> float:
        if text.lower() in BOOLEANS:
            return BOOLEANS[text.lower()]
        try:
            return self._layout.numbers.number(text)
        except ValueError:
            return math.nan

    def _name(self, place: int) -> str:
        return self._layout.columns[place] or f"column {place + 1}"

    def _refused(self, number: int, told: str) -> TableError:
        return TableError(f"{self._sheet.path}, line {self._sheet.line(number)}: {told}")


def called(path: Path) -> str:
    """A file's name without what says how it is packed and written."""
    return Path(path.stem if path.suffix in PACKINGS else path.name).stem


def in_time(rows: Iterator[Row]) -> Iterator[Row]:
    """Rows by time, kept as numbers meanwhile."""
    keys: dict[str, int] = {}
    places, times, numbers = array("q"), array("q"), array("d")
    widths = (0, 0)
    for row in rows:
        places.append(keys.setdefault(row.key, len(keys)))
        times.append(row.time)
        numbers.extend(row.values)
        numbers.extend(row.covariates)
        widths = len(row.values), len(row.covariates)
    names, width = tuple(keys), sum(widths)
    for index in np.argsort(np.array(times), kind="stable").tolist():
        own = tuple(numbers[index * width : (index + 1) * width])
        yield Row(names[places[index]], times[index], own[: widths[0]], own[widths[0] :], index)
