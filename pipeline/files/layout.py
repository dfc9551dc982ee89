"""Which columns of a file hold the times, the series' names, the values.

What was said (options, the names in ``events.*``) comes first, then what the columns hold. Where two answers are
possible the file is refused, with the option that chooses.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import msgspec

from pipeline.files.cells import (
    SWITCHES,
    AmbiguousNumberError,
    NumberForm,
    like_a_number,
    mend_of,
    number_form,
    numbers_of,
)
from pipeline.files.fileform import Fields, Said
from pipeline.files.packing import TableError
from pipeline.files.reader import Cells, Sheet
from pipeline.files.sample import SHOWN, Sample, listed, short
from pipeline.files.seriesfinder import SERIES_NAMES, SeriesFinder
from pipeline.files.timecolumn import (
    ANY,
    SLASHED,
    TimeColumn,
    TimeForm,
    form_of,
    is_date,
    order_of,
    said_form,
    slashed_form,
)
from pipeline.files.timefinder import TimeFinder
from pipeline.stamps import Stamps

HOUR_COLUMN = re.compile(r"(?:h|he|hr|hour|hour ending|stunde)?[ _-]*([01]?\d|2[0-4])(?::?00(?::00)?)?", re.IGNORECASE)
HOURS = (set(range(24)), set(range(1, 25)))
ZONE_NAME = re.compile(r"(^|[^a-z])(time[ _-]?zone|tz)([^a-z]|$)", re.IGNORECASE)
MONTHS = frozenset(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
INDEX_NAME = re.compile(r"|unnamed: \d+|index|idx|id|no\.?|nr|row|obs|__index_level_\d+__", re.IGNORECASE)


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
        Whether the header holds the times: each row is a series.
    numbers
        How values are written.
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
    numbers: NumberForm
    step: float
    unused: dict[str, str]


def layout_of(sheet: Sheet, fields: Fields, said: Said) -> Layout:
    """Find out which column is what.

    Raises
    ------
    TableError
        When that cannot be told, with the option to give.
    """
    return _Finder(sheet, fields, said).layout()


class _Finder:
    """Looks at the first rows of a sheet, and at all of them where these cannot tell."""

    def __init__(self, sheet: Sheet, fields: Fields, said: Said) -> None:
        self._sample, self._fields, self._said = Sample(sheet, said.missing), fields, said
        self._unused: dict[str, str] = {}

    # --- the header ---

    def layout(self) -> Layout:
        self._check_width()
        across = self._times_across()
        if across:
            self._check_names()
            return self._across(across)
        self._check_header()
        self._check_names()
        covariates = tuple(self._sample.place(name) for name in self._fields.covariates)
        finder = TimeFinder(self._sample, self._fields, self._said)
        time = finder.time()
        counter = finder.counter() if time is None else None
        taken = {*(time.places if time else ()), counter, *covariates}
        series, values, by_row = self._series_and_values(time, counter, taken)
        self._note_unused({*taken, *series, *values})
        numbers = self._numbers(values)
        step = 0.0 if isinstance(self._said.step, str) else self._said.step
        return Layout(
            self._sample.columns, time, counter, series, values, covariates, by_row, False, numbers, step, self._unused
        )

    def _check_width(self) -> None:
        columns = self._sample.columns
        if len(columns) < 2:
            raise TableError(
                f"{self._sample.path} has one column, `{short(columns[0])}`; expected commas, semicolons, tabs or |"
                " between at"
                " least two"
            )
        if not self._sample.sheet.sample:
            raise TableError(f"{self._sample.path} has a header but no rows")

    def _check_names(self) -> None:
        columns = self._sample.columns
        repeated = next((name for name, count in Counter(columns).items() if name and count > 1), None)
        if repeated:
            raise TableError(f"{self._sample.path} has the column `{repeated}` twice; rename one")

    def _check_header(self) -> None:
        """A header has names: no times, and not numbers alone."""
        cells = [cell for cell in self._sample.columns if cell]
        data = next((cell for cell in cells if is_date(cell)), None)
        if data is None and all(like_a_number(cell) or cell.lower() in self._sample.missing for cell in cells):
            data = next(iter(cells), "")
        if data is not None:
            raise TableError(
                f"{self._sample.path}: the first row holds data (`{short(data)}`), not the columns' names; put a"
                " header above it,"
                " such as series,timestamp,value"
            )

    # --- series and values ---

    def _series_and_values(
        self, time: TimeColumn | None, counter: int | None, taken: set[int | None]
    ) -> tuple[tuple[int, ...], tuple[int, ...], bool]:
        values, by_row = self._said_values(taken)
        free = [place for place in range(len(self._sample.columns)) if place not in taken and place not in values]
        series = self._said_series() or SeriesFinder(self._sample, self._said).found(
            time or _counting(counter), free, bool(self._said.values)
        )
        if not values:
            values = self._numeric([place for place in free if place not in series])
            self._check_no_months(time, values)
            self._check_no_hours(time, values)
        if not values:
            self._refuse_text(free)
            beside = self._sample.called(time.places[0]) if time else "the rows"
            raise TableError(
                f"{self._sample.path} has no column of values beside `{beside}` and the covariates; it has"
                f" {listed(self._sample.columns)}"
            )
        return series, values, by_row or (bool(series) and len(values) == 1)

    def _check_no_months(self, time: TimeColumn | None, values: Sequence[int]) -> None:
        """Refuse years whose months lie side by side: each month would be a series of its own."""
        names = [self._sample.columns[place] for place in values]
        if time is None or time.form.told != "year" or not {name.strip()[:3].lower() for name in names} >= MONTHS:
            return
        year = self._sample.called(time.places[0])
        raise TableError(
            f"{self._sample.path}: the columns of values are the months of `{year}`; write a row for each, with a time"
            f" such as 2024-05, or say --values {','.join(names[:SHOWN])}... if each is a series of its own"
        )

    def _check_no_hours(self, time: TimeColumn | None, values: Sequence[int]) -> None:
        """Refuse days whose hours lie side by side, under names such as HE01, 13:00, or 1 to 24."""
        names = [self._sample.columns[place] for place in values]
        hours = [match for name in names if (match := HOUR_COLUMN.fullmatch(name.strip()))]
        if time is None or len(hours) < len(names) or {int(match[1]) for match in hours} not in HOURS:
            return
        if len(time.places) > 1 or any(":" in cell for cell in self._sample.cells[time.places[0]]):
            return
        day = self._sample.called(time.places[0])
        raise TableError(
            f"{self._sample.path}: the columns of values are the hours of `{day}` (`{hours[0][0]}`, `{hours[1][0]}`,"
            " ...); write a row for each, with a time such as 2024-05-01 13:00, or say --values"
            f" {','.join(names[:2])},... with all of them if each is a series of its own"
        )

    def _refuse_text(self, places: Sequence[int]) -> None:
        """Where the only columns left hold text, its first cell says more than that there are no values."""
        names = [place for place in places if self._sample.columns[place] in SERIES_NAMES]
        for row, cells in enumerate(self._sample.sheet.sample):
            for place in [place for place in places if place not in names]:
                text = cells[place]
                if text.lower() not in self._sample.missing:
                    raise TableError(
                        f"{self._sample.path}, line {self._sample.sheet.line(row)}: `{short(text)}` in column"
                        f" `{self._sample.called(place)}` is"
                        f" not a number; {mend_of(text)}"
                    )

    def _said_values(self, taken: set[int | None]) -> tuple[tuple[int, ...], bool]:
        """Columns of values that were named, and whether a row is one event of them."""
        if self._said.values:
            if len(self._fields.values) not in (1, len(self._said.values)):
                raise TableError(
                    f"{self._sample.path}: events.values names {len(self._fields.values)} fields and --values"
                    f" {len(self._said.values)} columns; give as many"
                )
            return self._sample.asked(self._said.values, "--values"), len(self._fields.values) > 1
        names = self._fields.values
        if len(names) > 1:
            if absent := [name for name in names if name not in self._sample.columns]:
                raise TableError(
                    f"{self._sample.path} has no column `{absent[0]}`; name columns of it in events.values, or one"
                    " path alone for"
                    " an event of each cell"
                )
            return tuple(self._sample.columns.index(name) for name in names), True
        place = self._sample.place(names[0])
        return ((place,), False) if place is not None and place not in taken else ((), False)

    def _said_series(self) -> tuple[int, ...]:
        if self._said.series:
            return self._sample.asked(self._said.series, "--series")
        braced = re.findall(r"\{([^{}]+)\}", self._fields.series)
        if braced and all(name in self._sample.columns for name in braced):
            return tuple(self._sample.columns.index(name) for name in braced)
        place = self._sample.place(self._fields.series)
        return () if place is None else (place,)

    def _numeric(self, places: Sequence[int]) -> tuple[int, ...]:
        """Columns of numbers, even if a cell of theirs is none: that one is then named."""
        found = []
        for place in places:
            cells = self._sample.cells[place]
            if self._is_index(place):
                self._unused[self._sample.called(place)] = "it counts the rows"
            elif cells and not any(like_a_number(cell) or self._is_switch(cell) for cell in cells):
                self._unused[self._sample.called(place)] = "times" if is_date(cells[0]) else self._text(place)
            elif TimeFinder(self._sample, self._fields, self._said).counts_since_1970(place):
                self._unused[self._sample.called(place)] = "times"
            elif not self._sample.columns[place]:
                self._check_unnamed(place)
            else:
                found.append(place)
        return tuple(found)

    def _text(self, place: int) -> str:
        """Why a column of text is not used; one that names zones makes other times of those that were read."""
        is_zone = ZONE_NAME.search(self._sample.columns[place]) and self._said.timezone == "UTC"
        return "a zone, but times are taken as UTC: say --timezone" if is_zone else "text"

    def _is_switch(self, cell: str) -> bool:
        return self._said.booleans and cell.lower() in SWITCHES

    def _is_index(self, place: int) -> bool:
        """Whether a column only counts the rows; refuses one whose name does not say so."""
        if not self._sample.counts_rows(place):
            return False
        name = self._sample.columns[0]
        if INDEX_NAME.fullmatch(name):
            return True
        others = [self._sample.called(other) for other in self._sample.numeric() if other != place]
        raise TableError(
            f"{self._sample.path}: the first column, `{name}`, counts the rows"
            f" ({', '.join(self._sample.cells[0][:3])}, ...); leave it out"
            f" with --values {','.join(others[:SHOWN]) or 'COLUMN'}, or count steps by it: --time {name} --step 1h"
        )

    def _check_unnamed(self, place: int) -> None:
        if self._sample.cells[place]:
            raise TableError(f"{self._sample.path}: column {place + 1} has no name in the header; give it one")
        self._unused[self._sample.called(place)] = "empty"

    def _note_unused(self, used: set[int | None]) -> None:
        for place in range(len(self._sample.columns)):
            if place not in used:
                self._unused.setdefault(self._sample.called(place), "not asked for")

    def _numbers(self, places: Sequence[int]) -> NumberForm:
        form = NumberForm(
            missing=frozenset(self._sample.missing),
            booleans=self._said.booleans,
            missing_numbers=numbers_of(self._said.missing),
        )
        for place in places:
            self._check_numbers(place)
        cells = [cell for place in places for cell in self._sample.cells[place]]
        try:
            return number_form(cells, form, self._said.decimal)
        except AmbiguousNumberError as unclear:
            text = str(unclear)
            raise TableError(
                f"{self._sample.path}: `{text}` may be {text.replace(',', '')} or {text.replace(',', '.')}, and no"
                " value tells"
                " which; say --decimal point or --decimal comma"
            ) from None

    def _check_numbers(self, place: int) -> None:
        cells = self._sample.cells[place]
        if cells and not any(like_a_number(cell) or self._is_switch(cell) for cell in cells):
            raise TableError(
                f"{self._sample.path}: no cell in column `{self._sample.called(place)}` is a number"
                f" (`{short(cells[0])}`);"
                " name another with --values"
            )

    # --- times in the header ---

    def _times_across(self) -> tuple[int, ...]:
        """Columns whose names are times, where they are most of a wide header."""
        dated = [
            place
            for place, name in enumerate(self._sample.columns)
            if is_date(name) or re.fullmatch(r"(19|20)\d\d", name)
        ]
        names = [self._sample.columns[place] for place in dated]
        if len(dated) < 3 or 2 * len(dated) < len(self._sample.columns) or dated[0] == 0 or form_of(names) is None:
            return ()
        return tuple(dated)

    def _across(self, dated: tuple[int, ...]) -> Layout:
        """Each row is a series, its values stand below their times."""
        labels = [place for place in range(len(self._sample.columns)) if place not in dated]
        series = self._said_series() or self._telling([place for place in labels if self._sample.cells[place]])
        if not self._said.series:
            self._check_no_months_down(series, dated)
        form = form_of([self._sample.columns[place] for place in dated]) or ANY
        if form.pattern is SLASHED:
            form = self._ordered_header(dated)
        self._note_unused({*series, *dated})
        stamps = Stamps("auto", self._said.timezone)
        time = TimeColumn(dated, f"the header ({form.told})", stamps, form)
        numbers = self._numbers(dated)
        return Layout(self._sample.columns, time, None, series, dated, (), False, True, numbers, 0.0, self._unused)

    def _check_no_months_down(self, series: tuple[int, ...], dated: tuple[int, ...]) -> None:
        """Refuse months down and years across: each month would be a series of its own."""
        if len(series) != 1:
            return
        cells, name = self._sample.cells[series[0]], self._sample.called(series[0])
        by_name = {cell.strip()[:3].lower() for cell in cells} == MONTHS
        by_number = len(cells) == 12 and sorted(cells) == sorted(map(str, range(1, 13)))
        if by_name or by_number:
            raise TableError(
                f"{self._sample.path}: the rows are the months of the years in the header"
                f" (`{short(self._sample.columns[dated[0]])}`, ...); write a row for each, with a time such as 2024-05,"
                f" or say --series {name} if each month is a series of its own"
            )

    def _ordered_header(self, dated: tuple[int, ...]) -> TimeForm:
        said = self._said.time_format
        if said:
            return said_form(said)
        orders = order_of([self._sample.columns[place]] for place in dated)
        if len(orders.left) == 1:
            return slashed_form(orders.left[0])
        raise TableError(
            f"{self._sample.path}: `{orders.example}` in the header may have the day or the month first; say"
            " --time-format d/m/Y or m/d/Y"
        )

    def _telling(self, labels: Sequence[int]) -> tuple[int, ...]:
        """The fewest columns that name each row anew."""
        rows = self._sample.sheet.sample
        for count in range(1, len(labels) + 1):
            for few in combinations(labels, count):
                if len({tuple(row[place] for place in few) for row in rows}) == len(rows):
                    return few
        raise TableError(
            f"{self._sample.path}: its header holds times, but no column names each row's series; name some with"
            " --series"
        )


def _counting(counter: int | None) -> TimeColumn | None:
    """A column that counts steps, as if it held times."""
    return None if counter is None else TimeColumn((counter,), "", Stamps(), ANY)
