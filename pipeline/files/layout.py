"""Which columns of a file hold the times, the series' names, the values.

What was named (options, the names in ``events.*``) comes first, then what the columns hold. Where two answers are
possible the file is refused, with the option that chooses.
"""

import re
from collections import Counter

import msgspec

from pipeline.files.across import Across
from pipeline.files.cells import (
    NumberForm,
    like_a_number,
)
from pipeline.files.cycles import Cycle
from pipeline.files.file_options import Cells, Fields, FileOptions
from pipeline.files.packing import TableError
from pipeline.files.reader import Sheet
from pipeline.files.sample import Sample, short
from pipeline.files.seriesfinder import SeriesFinder
from pipeline.files.timecolumn import TimeColumn
from pipeline.files.timefinder import TimeFinder
from pipeline.files.timeforms import ANY, is_date
from pipeline.files.units import Unit
from pipeline.files.valuesfinder import ValuesFinder
from pipeline.stamps import Stamps


class Layout(msgspec.Struct, frozen=True):
    """Which column is what, by their places.

    Attributes
    ----------
    columns
        Their names.
    time
        None where rows are counted.
    counter
        The column that counts the rows where there is no time, or None.
    series
        Columns that name the series; none: the columns of values are the series.
    values
        Columns of values.
    covariates
        For each name of a covariate its column, or None.
    by_row
        Whether a row is one event of all its values; else each cell is one.
    across
        Whether the header holds the times: each cell of a row is one step of a series.
    cycle
        Which parts of a row's time are in the header, as months of a year; None: the whole times are, if ``across``.
    numbers
        How values are written.
    units
        What stands beside the values of each of these columns.
    step
        Seconds from row to row where rows are counted.
    unused
        Columns that are left out, and why.
    """

    columns: Cells
    time: TimeColumn | None
    counter: int | None
    series: tuple[int, ...]
    values: tuple[int, ...]
    covariates: tuple[int | None, ...]
    by_row: bool
    across: bool
    cycle: Cycle | None
    numbers: NumberForm
    units: tuple[Unit, ...]
    step: float
    unused: dict[str, str]


def layout_of(sheet: Sheet, fields: Fields, options: FileOptions) -> Layout:
    """Find out which column is what.

    Raises
    ------
    TableError
        When that cannot be told, with the option to give.
    """
    return _Finder(sheet, fields, options).layout()


class _Finder:
    """Looks at the first rows of a sheet, and at all of them where these cannot tell."""

    def __init__(self, sheet: Sheet, fields: Fields, options: FileOptions) -> None:
        self._sample, self._fields, self._options = Sample(sheet, options.missing), fields, options
        self._unused: dict[str, str] = {}
        self._values = ValuesFinder(self._sample, fields, options, self._unused)

    def layout(self) -> Layout:
        self._check_width()
        self._check_options()
        across = Across(self._sample, self._options)
        covariates = tuple(self._sample.place(name) for name in self._fields.covariates)
        if dated := across.dated():
            self._check_names()
            return self._across(across, dated, covariates)
        self._check_header()
        self._check_names()
        finder = TimeFinder(self._sample, self._fields, self._options)
        time = finder.time()
        counter = finder.counter() if time is None else None
        taken = {*(time.places if time else ()), counter, *covariates}
        series, values, by_row = self._series_and_values(time, counter, taken)
        cycle = self._values.cycle(time, values)
        values = cycle.columns if cycle else values
        self._note_unused({*taken, *series, *values})
        numbers = self._values.numbers(values)
        step = 0.0 if isinstance(self._options.step, str) else self._options.step
        return Layout(
            self._sample.columns,
            time,
            counter,
            series,
            values,
            covariates,
            by_row,
            cycle is not None,
            cycle,
            numbers,
            self._units(values),
            step,
            self._unused,
        )

    def _units(self, values: tuple[int, ...]) -> tuple[Unit, ...]:
        return tuple(self._sample.units[place] for place in values)

    def _check_width(self) -> None:
        columns = self._sample.columns
        if not columns:
            raise TableError(f"{self._sample.path} holds no fields; expected such as series, timestamp, value")
        if len(columns) < 2:
            raise TableError(
                f"{self._sample.path} has one column, `{short(columns[0])}`; expected commas, semicolons, tabs or |"
                " between at least two"
            )
        if not self._sample.sheet.sample:
            raise TableError(f"{self._sample.path} has a header but no rows")

    def _check_names(self) -> None:
        columns = self._sample.columns
        repeated = next((name for name, count in Counter(columns).items() if name and count > 1), None)
        if repeated:
            raise TableError(f"{self._sample.path} has the column `{repeated}` twice; rename one")

    def _check_options(self) -> None:
        """A column is one thing: its time, its name or its value."""
        options = {"--time": self._options.time, "--series": self._options.series, "--values": self._options.values}
        seen: dict[str, str] = {}
        for option, names in options.items():
            for name in names:
                if name in seen:
                    raise TableError(
                        f"{self._sample.path}: the column `{name}` is named twice ({seen[name]}, {option}); it can be"
                        " one thing"
                    )
                seen[name] = option

    def _check_header(self) -> None:
        """A header has names: no times, and not numbers alone."""
        cells = [cell for cell in self._sample.columns if cell]
        data = next((cell for cell in cells if is_date(cell)), None)
        if data is None and all(like_a_number(cell) or cell.lower() in self._sample.missing for cell in cells):
            data = next(iter(cells), "")
        if data is not None:
            raise TableError(
                f"{self._sample.path}: the first row holds data (`{short(data)}`), not the columns' names; put a"
                " header above it, such as series,timestamp,value"
            )

    def _series_and_values(
        self, time: TimeColumn | None, counter: int | None, taken: set[int | None]
    ) -> tuple[tuple[int, ...], tuple[int, ...], bool]:
        values, by_row = self._values.named(taken)
        free = [place for place in range(len(self._sample.columns)) if place not in taken and place not in values]
        series = self._named_series() or SeriesFinder(self._sample, self._options).found(
            time or _counting(counter), free, bool(self._options.values)
        )
        values = values or self._values.found(time, free, series)
        return series, values, by_row or (bool(series) and len(values) == 1)

    def _named_series(self) -> tuple[int, ...]:
        if self._options.series:
            return self._sample.asked(self._options.series, "--series")
        braced = re.findall(r"\{([^{}]+)\}", self._fields.series)
        if braced and all(name in self._sample.columns for name in braced):
            return tuple(self._sample.columns.index(name) for name in braced)
        place = self._sample.place(self._fields.series)
        return () if place is None else (place,)

    def _note_unused(self, used: set[int | None]) -> None:
        for place in range(len(self._sample.columns)):
            if place not in used:
                self._unused.setdefault(self._sample.called(place), "not asked for")

    def _across(self, across: Across, dated: tuple[int, ...], covariates: tuple[int | None, ...]) -> Layout:
        """Each row is a series, its values stand below their times."""
        series = across.series(self._named_series(), dated)
        time = across.time(dated)
        self._note_unused({*series, *dated, *covariates})
        numbers = self._values.numbers(dated)
        units = self._units(dated)
        return Layout(
            self._sample.columns,
            time,
            None,
            series,
            dated,
            covariates,
            False,
            True,
            None,
            numbers,
            units,
            0.0,
            self._unused,
        )


def _counting(counter: int | None) -> TimeColumn | None:
    """A column that counts steps, as if it held times."""
    return None if counter is None else TimeColumn((counter,), "", Stamps(), ANY)
