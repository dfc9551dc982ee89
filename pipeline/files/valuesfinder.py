"""Which columns hold values, and how numbers are written in them."""

import re
from collections.abc import Sequence

from pipeline.files.cells import (
    SWITCHES,
    AmbiguousNumberError,
    NumberForm,
    like_a_number,
    mend_of,
    number_form,
    numbers_of,
    thousands_asked,
    thousands_or_decimals,
)
from pipeline.files.cycles import Cycle, cycle_of
from pipeline.files.file_options import Fields, FileOptions
from pipeline.files.monthnames import in_english, is_english
from pipeline.files.packing import TableError
from pipeline.files.sample import SHOWN, Sample, listed, short
from pipeline.files.seriesfinder import ID_NAME, NOUN_NAME, SERIES_NAMES
from pipeline.files.timecolumn import TimeColumn
from pipeline.files.timefinder import TimeFinder
from pipeline.files.timeforms import is_date

ZONE_NAME = re.compile(r"(^|[^a-z])(time[ _-]?zone|tz)([^a-z]|$)", re.IGNORECASE)
INDEX_NAME = re.compile(
    r"|unnamed: \d+|index|idx|id|no\.?|nr|#|rows?|row[ _]?(id|no|num|number)|obs|seq|sequence|entry|entry[ _]?id|rec"
    r"|record|recno|recnum|line|lfd\.? ?nr\.?|__index_level_\d+__",
    re.IGNORECASE,
)
FEWEST_IDS = 20
"""Numbers that tell that they are others in each row."""


class ValuesFinder:
    """Looks for the columns of values.

    Parameters
    ----------
    sample
        The sheet's first rows.
    fields, options
        What columns are called, and which were named, or how they are written.
    unused
        Columns that are left out, and why; it is added to.
    """

    def __init__(self, sample: Sample, fields: Fields, options: FileOptions, unused: dict[str, str]) -> None:
        self._sample, self._fields, self._options, self._unused = sample, fields, options, unused

    def found(self, time: TimeColumn | None, free: Sequence[int], series: Sequence[int]) -> tuple[int, ...]:
        """Columns of numbers among those that are nothing else."""
        values = self._numeric([place for place in free if place not in series])
        if values:
            return values
        self._refuse_text(free)
        beside = self._sample.called(time.places[0]) if time else "the rows"
        raise TableError(
            f"{self._sample.path} has no column of values beside `{beside}` and the covariates; it has"
            f" {listed(self._sample.columns)}"
        )

    def named(self, taken: set[int | None]) -> tuple[tuple[int, ...], bool]:
        """Columns of values that were named, and whether a row is one event of them."""
        if self._options.values:
            if len(self._fields.values) not in (1, len(self._options.values)):
                raise TableError(
                    f"{self._sample.path}: events.values names {len(self._fields.values)} fields and --values"
                    f" {len(self._options.values)} columns; give as many"
                )
            return self._sample.asked(self._options.values, "--values"), len(self._fields.values) > 1
        names = self._fields.values
        if len(names) > 1:
            if absent := [name for name in names if name not in self._sample.columns]:
                raise TableError(
                    f"{self._sample.path} has no column `{absent[0]}`; name columns of it in events.values, or one"
                    " path alone for an event of each cell"
                )
            return tuple(self._sample.columns.index(name) for name in names), True
        place = self._sample.place(names[0])
        return ((place,), False) if place is not None and place not in taken else ((), False)

    def numbers(self, places: Sequence[int]) -> NumberForm:
        """How numbers are written in these columns."""
        form = NumberForm(
            missing=frozenset(self._sample.missing),
            booleans=self._options.booleans,
            missing_numbers=numbers_of(self._options.missing),
        )
        for place in places:
            self._check_numbers(place)
        cells = [cell for place in places for cell in self._sample.cells[place]]
        try:
            numbers = number_form(cells, form, self._options.decimal)
            if numbers.decimal == "." and not numbers.group and not self._options.decimal:
                self._check_points([self._sample.cells[place] for place in places])
        except AmbiguousNumberError as unclear:
            raise TableError(f"{self._sample.path}: {thousands_asked(str(unclear))}") from None
        return numbers

    def _check_points(self, columns: Sequence[Sequence[str]]) -> None:
        dialect = self._sample.sheet.dialect
        is_likely = (dialect is not None and dialect.delimiter == ";") or self._has_dates_of_comma_countries()
        if text := thousands_or_decimals(columns, is_likely):
            raise AmbiguousNumberError(text)

    def _has_dates_of_comma_countries(self) -> bool:
        """Whether dates are written as where a point stands between thousands: 31.01.2024, 31 janvier 2024."""
        firsts = [cells[0] for cells in self._sample.cells if cells]
        dotted = any(re.match(r"\d{1,2}\.\d{1,2}\.\d{2,4}\b", cell) for cell in firsts)
        return dotted or any(is_date(cell) and in_english(cell) != cell and not is_english(cell) for cell in firsts)

    def _check_numbers(self, place: int) -> None:
        cells = self._sample.cells[place]
        if cells and not any(like_a_number(cell) or self._is_switch(cell) for cell in cells):
            raise TableError(
                f"{self._sample.path}: no cell in column `{self._sample.called(place)}` is a number"
                f" (`{short(cells[0])}`); name another with --values"
            )

    def _numeric(self, places: Sequence[int]) -> tuple[int, ...]:
        """Columns of numbers, even if a cell of theirs is none: that one is then named."""
        found = []
        for place in places:
            cells = self._sample.cells[place]
            if self._is_index(place):
                self._unused[self._sample.called(place)] = "it counts the rows"
            elif self._is_one_name(place):
                self._unused[self._sample.called(place)] = "the same in all rows, and called as what names series"
            elif self._is_id(place):
                self._unused[self._sample.called(place)] = (
                    f"a number for each row: say --values {self._sample.called(place)}"
                )
            elif cells and not any(like_a_number(cell) or self._is_switch(cell) for cell in cells):
                self._unused[self._sample.called(place)] = "times" if is_date(cells[0]) else self._text(place)
            elif TimeFinder(self._sample, self._fields, self._options).counts_since_1970(place):
                self._unused[self._sample.called(place)] = "times"
            elif not self._sample.columns[place]:
                self._check_unnamed(place)
            else:
                found.append(place)
        return tuple(found)

    def _text(self, place: int) -> str:
        """Why a column of text is not used; one that names zones makes other times of those that were read."""
        is_zone = ZONE_NAME.search(self._sample.columns[place]) and self._options.timezone == "UTC"
        return "a zone, but times are taken as UTC: say --timezone" if is_zone else "text"

    def _is_switch(self, cell: str) -> bool:
        return self._options.booleans and cell.lower() in SWITCHES

    def _is_index(self, place: int) -> bool:
        """Whether a column only counts the rows; refuses one whose name does not say so."""
        name = self._sample.columns[place]
        if INDEX_NAME.fullmatch(name) and self._sample.runs_on(place):
            return True
        if not self._sample.counts_rows(place):
            return False
        others = [self._sample.called(other) for other in self._sample.numeric() if other != place]
        raise TableError(
            f"{self._sample.path}: the first column, `{name}`, counts the rows"
            f" ({', '.join(self._sample.cells[0][:3])}, ...); leave it out"
            f" with --values {','.join(others[:SHOWN]) or 'COLUMN'}, or count steps by it: --time {name} --step 1h"
        )

    def _is_one_name(self, place: int) -> bool:
        """Whether a column that is called as what names series says the same in all rows."""
        name, cells = self._sample.columns[place], self._sample.cells[place]
        is_called_so = ID_NAME.search(name) is not None or NOUN_NAME.search(name) is not None
        return is_called_so and len(set(cells)) == 1 and cells[0].isdecimal()

    def _is_id(self, place: int) -> bool:
        """Whether a column by its name holds ids, and these are others in each row."""
        cells = self._sample.cells[place]
        is_so = ID_NAME.search(self._sample.columns[place]) is not None and len(cells) >= FEWEST_IDS
        return is_so and len(set(cells)) == len(cells) and all(map(str.isdecimal, cells))

    def _check_unnamed(self, place: int) -> None:
        if self._sample.cells[place]:
            raise TableError(f"{self._sample.path}: column {place + 1} has no name in the header; give it one")
        self._unused[self._sample.called(place)] = "empty"

    def cycle(self, time: TimeColumn | None, values: Sequence[int]) -> Cycle | None:
        """What parts of each row's time these columns are, if they are; refuses those of which that cannot be read."""
        if time is None or self._options.values or len(self._fields.values) > 1:
            return None
        names = [self._sample.columns[place] for place in values]
        cycle = cycle_of(names, time, self._sample.cells[time.places[0]])
        if cycle is not None and not cycle.parts:
            raise self._unclear(cycle, names, self._sample.called(time.places[0]))
        return cycle and cycle._replace(columns=tuple(values[place] for place in cycle.columns))

    def _unclear(self, cycle: Cycle, names: Sequence[str], whole: str) -> TableError:
        first, second = (names[place] for place in cycle.columns[:2])
        return TableError(
            f"{self._sample.path}: the columns of values are the {cycle.what} of `{whole}` (`{first}`, `{second}`,"
            f" ...); write a row for each, with a time such as {cycle.example}, or say --values {first},{second},..."
            " with all of them if each is a series of its own"
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
                        f" `{self._sample.called(place)}` is not a number; {mend_of(text)}"
                    )
