"""Which columns of a file hold the times, the series' names, the values.

What was said (options, the names in ``events.*``) comes first, then what the columns hold. Where two answers are
possible the file is refused, with the option that chooses.
"""

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations, islice

import msgspec
import numpy as np

from pipeline.cells import MISSING, SWITCHES, AmbiguousNumberError, NumberForm, like_a_number, mend_of, number_form
from pipeline.fileform import PLAIN, Fields, Said
from pipeline.packing import TableError
from pipeline.reader import Cells, Sheet
from pipeline.stamps import StampError, Stamps
from pipeline.timecolumn import (
    ANY,
    CLOCK,
    DIGITS,
    NUMBER,
    PARTS,
    PARTS_FORM,
    SLASHED,
    TimeColumn,
    TimeForm,
    first_form,
    form_of,
    has_hours,
    is_date,
    order_of,
    said_form,
    slashed_form,
)

REPEATED = 0.01
"""Share of rows that may have the time of another one of their series: a clock set back in autumn. More: a column tells
them apart."""
LIKELY = (np.datetime64("1980-01-01", "us").astype(int), np.datetime64("2100-01-01", "us").astype(int))
"""Times that a column of bare numbers may hold without being named."""
TIME_NAME = re.compile(
    r"(^|[^a-z])(ts|ds|t|time|date|datetime|timestamp|epoch|unix|period|year|month|day|week)([^a-z]|$)", re.I
)
INDEX_NAME = re.compile(r"|unnamed: \d+|index|idx|id|no\.?|nr|row|obs|__index_level_\d+__", re.IGNORECASE)
SERIES_NAMES = ("unique_id", "series_id", "entity_id", "item_id", "ts_id", "metric", "sensor", "sensor_id")
MOST_LABELS = 8
"""Columns of which up to three together may name the series."""
SHOWN = 6


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
        self._sheet, self._fields, self._said = sheet, fields, said
        self._path, self._columns = sheet.path, sheet.columns
        self._missing = MISSING | {text.lower() for text in said.missing}
        self._cells = [self._known(place) for place in range(len(sheet.columns))]
        self._unused: dict[str, str] = {}

    def _known(self, place: int) -> list[str]:
        """The sampled cells of a column that are not missing."""
        cells = (row[place] for row in self._sheet.sample)
        return [cell for cell in cells if cell.lower() not in self._missing]

    # --- the header ---

    def layout(self) -> Layout:
        self._check_width()
        across = self._times_across()
        if across:
            return self._across(across)
        self._check_header()
        covariates = tuple(self._place(name) for name in self._fields.covariates)
        time = self._time()
        counter = self._counter() if time is None else None
        taken = {*(time.places if time else ()), counter, *covariates}
        series, values, by_row = self._series_and_values(time, counter, taken)
        self._note_unused({*taken, *series, *values})
        numbers = self._numbers(values)
        step = 0.0 if isinstance(self._said.step, str) else self._said.step
        return Layout(
            self._columns, time, counter, series, values, covariates, by_row, False, numbers, step, self._unused
        )

    def _check_width(self) -> None:
        columns = self._columns
        if len(columns) < 2:
            raise TableError(
                f"{self._path} has one column, `{_short(columns[0])}`; expected commas, semicolons, tabs or | between at"
                " least two"
            )
        if not self._sheet.sample:
            raise TableError(f"{self._path} has a header but no rows")
        repeated = next((name for name, count in Counter(columns).items() if name and count > 1), None)
        if repeated:
            raise TableError(f"{self._path} has the column `{repeated}` twice; rename one")

    def _check_header(self) -> None:
        """A header has names: no times, and not numbers alone."""
        cells = [cell for cell in self._columns if cell]
        data = next((cell for cell in cells if is_date(cell)), None)
        if data is None and all(like_a_number(cell) or cell.lower() in self._missing for cell in cells):
            data = next(iter(cells), "")
        if data is not None:
            raise TableError(
                f"{self._path}: the first row holds data (`{_short(data)}`), not the columns' names; put a header above it,"
                " such as series,timestamp,value"
            )

    def _place(self, name: str) -> int | None:
        return self._columns.index(name) if name in self._columns else None

    def _asked(self, names: Sequence[str], option: str) -> tuple[int, ...]:
        """Places of columns that somebody named."""
        for name in names:
            if name not in self._columns:
                raise TableError(f"{self._path} has no column `{name}` ({option}); it has {_listed(self._columns)}")
        return tuple(self._columns.index(name) for name in names)

    def _called(self, place: int) -> str:
        return self._columns[place] or f"column {place + 1}"

    # --- the time ---

    def _time(self) -> TimeColumn | None:
        places = self._asked(self._said.time, "--time")
        if places and self._counts(places):
            return None
        if not places:
            places = self._time_by_settings() or self._time_by_content()
        return self._time_of(places) if places else None

    def _counts(self, places: tuple[int, ...]) -> bool:
        """Whether the column that was named counts steps, as a step was given and its numbers are no dates."""
        if len(places) > 1 or isinstance(self._said.step, str) or self._said.time_format:
            return False
        cells = self._cells[places[0]]
        return bool(cells) and all(re.fullmatch(r"\d{1,7}", cell) and not DIGITS.fullmatch(cell) for cell in cells)

    def _time_by_settings(self) -> tuple[int, ...]:
        names = (self._fields.timestamp, PLAIN.timestamp)
        return tuple(self._columns.index(name) for name in names if name in self._columns)[:1]

    def _time_by_content(self) -> tuple[int, ...]:
        written = [place for place in range(len(self._columns)) if self._is_written_time(place)]
        clocks = [place for place, cells in enumerate(self._cells) if cells and all(map(CLOCK.fullmatch, cells))]
        written = [place for place in written if place not in clocks] or written
        if (
            len(written) == 1
            and len(clocks) == 1
            and written != clocks
            and not any(CLOCK.search(cell) for cell in self._cells[written[0]])
        ):
            return (written[0], clocks[0])
        if len(written) > 1:
            raise self._two_times(written)
        if written:
            return (written[0],)
        return self._time_by_parts() or self._time_by_numbers()

    def _is_written_time(self, place: int) -> bool:
        cells = self._cells[place]
        form = form_of(cells) or (form_of(cells[:1]) if cells and is_date(cells[0]) else None)
        return form is not None and is_date(cells[0])

    def _two_times(self, places: Sequence[int]) -> TableError:
        names = [self._called(place) for place in places]
        return TableError(
            f"{self._path} has {len(names)} columns of times, {_listed(names)}; choose one: --time {names[0]}"
        )

    def _time_by_parts(self) -> tuple[int, ...]:
        """Year, month, day and so on in columns of their own."""
        lower = [name.lower() for name in self._columns]
        found = [lower.index(part) for part in PARTS if part in lower]
        names = [lower[place] for place in found]
        return tuple(found) if len(found) > 1 and names == list(PARTS[: len(found)]) else ()

    def _time_by_numbers(self) -> tuple[int, ...]:
        """Bare numbers, where their size and the column's name or place say that they are times."""
        found = [place for place, cells in enumerate(self._cells) if self._is_numeric_time(place, cells)]
        if len(found) > 1:
            raise self._two_times(found)
        return tuple(found)

    def _is_numeric_time(self, place: int, cells: list[str]) -> bool:
        form = form_of(cells) if cells and all(map(NUMBER.fullmatch, cells)) else None
        if form is None or not (TIME_NAME.search(self._columns[place]) or (place == 0 and _never_falls(cells))):
            return False
        try:
            times = [Stamps().read(form.iso(cell)).time for cell in cells]
        except StampError:
            return False
        return form.told in ("year", "Ym", "Ymd") or all(LIKELY[0] <= time <= LIKELY[1] for time in times)

    def _time_of(self, places: tuple[int, ...]) -> TimeColumn:
        """How the times in these columns are written."""
        cells, said = self._cells[places[0]], self._said.time_format
        if len(places) > 1 and not said and not any(map(is_date, cells[:1])):
            return self._parts_of(places)
        if not said and cells and has_hours(cells):
            name = self._called(places[0])
            raise TableError(
                f"{self._path}: `{cells[0]}` in column `{name}` may be a date with its hour or seconds since 1970; say"
                " --time-format %Y%m%d%H or --time-format s"
            )
        form = said_form(said) if said and said != "auto" else first_form(cells)
        form = self._ordered(places) if form.pattern is SLASHED and not said else form
        pattern = said if said and form.pattern is None else "auto"
        try:
            stamps = Stamps(pattern, self._said.timezone)
        except ValueError as error:
            raise TableError(f"{self._path}: {error} (--time-format, --timezone)") from None
        names = " + ".join(self._called(place) for place in places)
        zone = "" if self._said.timezone == "UTC" else f", {self._said.timezone}"
        return TimeColumn(
            places, f"{names} ({form.told}{' + time of day' if len(places) > 1 else ''}{zone})", stamps, form
        )

    def _parts_of(self, places: tuple[int, ...]) -> TimeColumn:
        names = " + ".join(self._called(place) for place in places)
        return TimeColumn(places, f"{names} (parts of a date)", Stamps("auto", self._said.timezone), PARTS_FORM)

    def _ordered(self, places: tuple[int, ...]) -> TimeForm:
        """The one order of day, month and year that the whole column allows."""
        orders = order_of([row[place] for place in places] for row in self._sheet.rows())
        if len(orders.left) == 1:
            return slashed_form(orders.left[0], mark=next(mark for mark in "/.-" if mark in orders.example))
        name = self._called(places[0])
        if not orders.left:
            raise TableError(
                f"{self._path}: `{name}` holds dates with the day first and dates with the month first; write all alike"
            )
        ways = " or ".join(f"--time-format {slashed_form(order).told}" for order in orders.left)
        raise TableError(
            f"{self._path}: `{orders.example}` in column `{name}` may have the day or the month first, and no row of the"
            f" file tells which; say {ways}"
        )

    def _counter(self) -> int | None:
        """What stands in for a time: rows counted by a step that was given."""
        if isinstance(self._said.step, str):
            raise TableError(
                f"{self._path} has no column of times that can be told ({_listed(self._columns)}); name it with --time"
                f" COLUMN, or say how far apart its rows are, such as --step 1h{self._hint()}"
            )
        return next(iter(self._asked(self._said.time, "--time")), None)

    def _hint(self) -> str:
        """What else a file without times may be."""
        first, name = self._cells[0], self._columns[0]
        if _is_counter(first):
            return f", or count its rows by --time {name} --step 1h"
        if first and not any(map(like_a_number, first)) and len(set(first)) == len(first) and len(self._columns) > 3:
            return "; where each row is a series and its columns are steps, transpose it"
        if excel := [place for place in range(len(self._columns)) if self._may_be_of_excel(place)]:
            return f"; where `{self._called(excel[0])}` counts days, add --time-format excel (since 1900) or days (since 1970)"
        return ""

    def _may_be_of_excel(self, place: int) -> bool:
        cells = self._cells[place]
        if not TIME_NAME.search(self._columns[place]) or not cells or not all(map(NUMBER.fullmatch, cells)):
            return False
        return all(9_000 <= float(cell) <= 73_000 for cell in cells)

    # --- series and values ---

    def _series_and_values(
        self, time: TimeColumn | None, counter: int | None, taken: set[int | None]
    ) -> tuple[tuple[int, ...], tuple[int, ...], bool]:
        values, by_row = self._said_values(taken)
        free = [place for place in range(len(self._columns)) if place not in taken and place not in values]
        series = self._said_series() or self._found_series(time or _counting([counter]), free, bool(self._said.values))
        if not values:
            values = self._numeric([place for place in free if place not in series])
        if not values:
            self._refuse_text(free)
            beside = self._called(time.places[0]) if time else "the rows"
            raise TableError(
                f"{self._path} has no column of values beside `{beside}` and the covariates; it has"
                f" {_listed(self._columns)}"
            )
        return series, values, by_row or (bool(series) and len(values) == 1)

    def _refuse_text(self, places: Sequence[int]) -> None:
        """Where the only columns left hold text, its first cell says more than that there are no values."""
        names = [place for place in places if self._columns[place] in SERIES_NAMES]
        for row, cells in enumerate(self._sheet.sample):
            for place in [place for place in places if place not in names]:
                text = cells[place]
                if text.lower() not in self._missing:
                    raise TableError(
                        f"{self._path}, line {self._sheet.line(row)}: `{_short(text)}` in column `{self._called(place)}` is"
                        f" not a number; {mend_of(text)}"
                    )

    def _said_values(self, taken: set[int | None]) -> tuple[tuple[int, ...], bool]:
        """Columns of values that were named, and whether a row is one event of them."""
        if self._said.values:
            if len(self._fields.values) not in (1, len(self._said.values)):
                raise TableError(
                    f"{self._path}: events.values names {len(self._fields.values)} fields and --values"
                    f" {len(self._said.values)} columns; give as many"
                )
            return self._asked(self._said.values, "--values"), len(self._fields.values) > 1
        names = self._fields.values
        if len(names) > 1:
            if absent := [name for name in names if name not in self._columns]:
                raise TableError(
                    f"{self._path} has no column `{absent[0]}`; name columns of it in events.values, or one path alone for"
                    " an event of each cell"
                )
            return tuple(self._columns.index(name) for name in names), True
        place = self._place(names[0])
        return ((place,), False) if place is not None and place not in taken else ((), False)

    def _said_series(self) -> tuple[int, ...]:
        if self._said.series:
            return self._asked(self._said.series, "--series")
        braced = re.findall(r"\{([^{}]+)\}", self._fields.series)
        if braced and all(name in self._columns for name in braced):
            return tuple(self._columns.index(name) for name in braced)
        place = self._place(self._fields.series)
        return () if place is None else (place,)

    def _found_series(self, time: TimeColumn | None, free: Sequence[int], chosen: bool) -> tuple[int, ...]:
        """Columns that tell series apart, where one time stands in many rows."""
        labels = [place for place in free if self._may_name_series(place)]
        if time is None:
            return self._named_series(labels, (), chosen)
        seen = _Seen(self._sheet, time, [])
        if seen.repeats(()) <= REPEATED:
            return self._named_series(labels, time.places, chosen)
        if self._said.step == "event":
            return ()
        labels = labels[:MOST_LABELS]
        seen = _Seen(self._sheet, time, labels)
        if known := [
            place for place in labels if self._columns[place] in SERIES_NAMES and seen.repeats((place,)) <= REPEATED
        ]:
            return (known[0],)
        for count in (1, 2, 3):
            fitting = [few for few in combinations(labels, count) if seen.repeats(few) <= REPEATED]
            if len(fitting) > 1:
                ways = " or ".join("--series " + ",".join(self._called(place) for place in few) for few in fitting[:3])
                raise TableError(
                    f"{self._path}: {seen.told}; more than one column may tell the series apart: say {ways}"
                )
            if fitting:
                return fitting[0]
        raise TableError(
            f"{self._path}: {seen.told}; name the column that tells the series apart with --series, or take each row as"
            " a step, whatever its time, with --step event"
        )

    def _named_series(self, labels: Sequence[int], times: Sequence[int], chosen: bool) -> tuple[int, ...]:
        """A column of text beside times that never repeat: series, by its name, or else a question."""
        texts = [place for place in labels if not all(map(like_a_number, self._cells[place]))]
        known = [place for place in texts if self._columns[place] in SERIES_NAMES]
        if known:
            return (known[0],)
        several = [place for place in texts if len(set(self._cells[place])) > 1]
        if several and not chosen:
            name, cells = self._called(several[0]), self._cells[several[0]]
            used = {*several, *times}
            others = [
                self._called(place)
                for place in self._numeric_like()
                if place not in used and not self._counts_rows(place)
            ]
            raise TableError(
                f"{self._path}: `{name}` may name {len(set(cells))} series (`{_short(cells[0])}`, ...), or be a note beside one;"
                f" say --series {name}, or name the values alone: --values {','.join(others[:SHOWN]) or 'COLUMN'}"
            )
        return ()

    def _may_name_series(self, place: int) -> bool:
        """Text, or whole numbers, of which each comes again and again."""
        cells = self._cells[place]
        kinds = set(cells)
        whole = all(re.fullmatch(r"\d+", cell) for cell in kinds) or not any(map(like_a_number, kinds))
        mixed = not whole and sum(map(like_a_number, kinds)) < len(kinds) / 2
        return bool(cells) and (whole or mixed) and (len(kinds) == 1 or len(kinds) <= len(cells) / 2)

    def _numeric_like(self) -> list[int]:
        return [place for place, cells in enumerate(self._cells) if cells and all(map(like_a_number, cells))]

    def _numeric(self, places: Sequence[int]) -> tuple[int, ...]:
        """Columns of numbers, even if a cell of theirs is none: that one is then named."""
        found = []
        for place in places:
            cells = self._cells[place]
            if self._is_index(place):
                self._unused[self._called(place)] = "it counts the rows"
            elif cells and not any(like_a_number(cell) or self._is_switch(cell) for cell in cells):
                self._unused[self._called(place)] = "times" if is_date(cells[0]) else "text"
            elif not self._columns[place]:
                self._check_unnamed(place)
            else:
                found.append(place)
        return tuple(found)

    def _is_switch(self, cell: str) -> bool:
        return self._said.booleans and cell.lower() in SWITCHES

    def _counts_rows(self, place: int) -> bool:
        return place == 0 and _is_counter(self._cells[0]) and len(self._cells[0]) == len(self._sheet.sample)

    def _is_index(self, place: int) -> bool:
        """Whether a column only counts the rows; refuses one whose name does not say so."""
        if not self._counts_rows(place):
            return False
        name = self._columns[0]
        if INDEX_NAME.fullmatch(name):
            return True
        others = [self._called(other) for other in self._numeric_like() if other != place]
        raise TableError(
            f"{self._path}: the first column, `{name}`, counts the rows ({', '.join(self._cells[0][:3])}, ...); leave it out"
            f" with --values {','.join(others[:SHOWN]) or 'COLUMN'}, or count steps by it: --time {name} --step 1h"
        )

    def _check_unnamed(self, place: int) -> None:
        if self._cells[place]:
            raise TableError(f"{self._path}: column {place + 1} has no name in the header; give it one")
        self._unused[self._called(place)] = "empty"

    def _note_unused(self, used: set[int | None]) -> None:
        for place in range(len(self._columns)):
            if place not in used:
                self._unused.setdefault(self._called(place), "not asked for")

    def _numbers(self, places: Sequence[int]) -> NumberForm:
        form = NumberForm(missing=frozenset(self._missing), booleans=self._said.booleans)
        for place in places:
            self._check_numbers(place)
        cells = [cell for place in places for cell in self._cells[place]]
        try:
            return number_form(cells, form, self._said.decimal)
        except AmbiguousNumberError as unclear:
            text = str(unclear)
            raise TableError(
                f"{self._path}: `{text}` may be {text.replace(',', '')} or {text.replace(',', '.')}, and no value tells"
                " which; say --decimal point or --decimal comma"
            ) from None

    def _check_numbers(self, place: int) -> None:
        cells = self._cells[place]
        if cells and not any(like_a_number(cell) or self._is_switch(cell) for cell in cells):
            raise TableError(
                f"{self._path}: no cell in column `{self._called(place)}` is a number (`{_short(cells[0])}`);"
                " name another with --values"
            )

    # --- times in the header ---

    def _times_across(self) -> tuple[int, ...]:
        """Columns whose names are times, where they are most of a wide header."""
        dated = [
            place for place, name in enumerate(self._columns) if is_date(name) or re.fullmatch(r"(19|20)\d\d", name)
        ]
        names = [self._columns[place] for place in dated]
        if len(dated) < 3 or 2 * len(dated) < len(self._columns) or dated[0] == 0 or form_of(names) is None:
            return ()
        return tuple(dated)

    def _across(self, dated: tuple[int, ...]) -> Layout:
        """Each row is a series, its values stand below their times."""
        labels = [place for place in range(len(self._columns)) if place not in dated]
        series = self._said_series() or self._telling([place for place in labels if self._cells[place]])
        form = form_of([self._columns[place] for place in dated]) or ANY
        if form.pattern is SLASHED:
            form = self._ordered_header(dated)
        self._note_unused({*series, *dated})
        stamps = Stamps("auto", self._said.timezone)
        time = TimeColumn(dated, f"the header ({form.told})", stamps, form)
        numbers = self._numbers(dated)
        return Layout(self._columns, time, None, series, dated, (), False, True, numbers, 0.0, self._unused)

    def _ordered_header(self, dated: tuple[int, ...]) -> TimeForm:
        said = self._said.time_format
        if said:
            return said_form(said)
        orders = order_of([self._columns[place]] for place in dated)
        if len(orders.left) == 1:
            return slashed_form(orders.left[0])
        raise TableError(
            f"{self._path}: `{orders.example}` in the header may have the day or the month first; say --time-format d/m/Y or m/d/Y"
        )

    def _telling(self, labels: Sequence[int]) -> tuple[int, ...]:
        """The fewest columns that name each row anew."""
        rows = self._sheet.sample
        for count in range(1, len(labels) + 1):
            for few in combinations(labels, count):
                if len({tuple(row[place] for place in few) for row in rows}) == len(rows):
                    return few
        raise TableError(
            f"{self._path}: its header holds times, but no column names each row's series; name some with --series"
        )


class _Seen:
    """How often the times of a file come again, alone and beside other columns."""

    def __init__(self, sheet: Sheet, time: TimeColumn, labels: Sequence[int]) -> None:
        texts: array[int] = array("q")
        columns: dict[int, array[int]] = {place: array("q") for place in labels}
        zoned = time.stamps.timezone != "UTC"
        for number, row in enumerate(sheet.rows()):
            if not any(row):
                continue
            texts.append(-number - 2 if zoned and _comes_twice(time, row) else hash(time.text(row)))
            for place, cells in columns.items():
                cells.append(hash(row[place]))
        self._times = np.frombuffer(texts, np.int64)
        self._columns = {place: np.frombuffer(cells, np.int64) for place, cells in columns.items()}
        self._sheet, self._time = sheet, time

    def repeats(self, places: Sequence[int]) -> float:
        """Share of the rows that have the time of another one, with the same cells in these columns."""
        key = self._times.copy()
        for place in places:
            key = key * 1_000_003 + self._columns[place]
        return 1 - len(np.unique(key)) / len(key) if len(key) else 0.0

    @property
    def told(self) -> str:
        """The first time that comes again, and in how many rows it does."""
        _, first, counts = np.unique(self._times, return_index=True, return_counts=True)
        again = int(first[counts > 1].min())
        later = int(np.flatnonzero(self._times == self._times[again])[1])
        text = self._time.text(next(islice(self._sheet.rows(), again, None)))
        rows = int(counts[counts > 1].sum())
        return f"times repeat (`{text}` in lines {self._sheet.line(again)} and {self._sheet.line(later)}; {rows:,} rows in all)"


def _counting(places: Iterable[int | None]) -> TimeColumn | None:
    """A column that counts steps, as if it held times."""
    counters = tuple(place for place in places if place is not None)
    return TimeColumn(counters[:1], "", Stamps(), ANY) if counters else None


def _comes_twice(time: TimeColumn, row: Cells) -> bool:
    """Whether a time is of the hour that autumn repeats, so that it may stand in two rows."""
    try:
        return time.read(row).later is not None
    except StampError:
        return False


def _never_falls(cells: Sequence[str]) -> bool:
    numbers = [float(cell) for cell in cells]
    return all(before <= after for before, after in zip(numbers, numbers[1:], strict=False))


def _is_counter(cells: Sequence[str]) -> bool:
    """Whether cells are 0, 1, 2, ... or 1, 2, 3, ..."""
    if len(cells) < 2 or not all(re.fullmatch(r"\d{1,15}", cell) for cell in cells):
        return False
    numbers = list(map(int, cells))
    return numbers[0] in (0, 1) and all(
        after - before == 1 for before, after in zip(numbers, numbers[1:], strict=False)
    )


def _listed(names: Iterable[str]) -> str:
    every = [f"`{_short(name)}`" for name in names]
    return ", ".join(every[:SHOWN]) + (f" and {len(every) - SHOWN} more" if len(every) > SHOWN else "")


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
