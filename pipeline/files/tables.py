"""Files as events in the order of their time stamps: CSV, Parquet or JSON lines, long or wide, packed or not.

In a long file a column names the series of each row; in a wide one each column of values is a series. Which is which
tells `pipeline.files.layout`. Where events hold several values, a row is one event, called as the file where no column
names its series; else each cell of a value is one. Covariates of a row go along with its events.
"""

import math
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

import msgspec
import numpy as np

from lstm_stream import Observation
from pipeline.files.cells import BOOLEANS, mend_of
from pipeline.files.fileform import NOTHING_SAID, PLAIN, Fields, Said
from pipeline.files.layout import Layout, layout_of
from pipeline.files.packing import TableError
from pipeline.files.reader import Cells, Sheet, read_sheet
from pipeline.files.rhythm import Integers, Rhythm, rhythm_of
from pipeline.files.seriesfinder import REPEATED
from pipeline.files.timecolumn import TimeColumn
from pipeline.scoring import season_of
from pipeline.sentinels import Spread, written
from pipeline.stamps import StampError
from pipeline.stamps.repeated_hour import RepeatedHour

COUNTED_FROM = 946_684_800_000_000
"""Microseconds: rows without a time are counted from the year 2000 on."""
SHOWN = 6
PACKINGS = (".gz", ".bz2", ".xz", ".zst", ".zip")


class Event(NamedTuple):
    """What is known of a series, or of several, at one time.

    Attributes
    ----------
    series
        Its name; with several values, each is the series ``<series>/<field>``.
    time
        Microseconds since the epoch, UTC.
    values, covariates
        One for each of the fields, NaN where there is none.
    """

    series: str
    time: int
    values: tuple[float, ...]
    covariates: tuple[float, ...] = ()

    @classmethod
    def of(cls, observation: Observation) -> Self:
        """The event of an observation that came alone."""
        return cls(observation.series, observation.time, (observation.value,))


class _Row(NamedTuple):
    """A row that was read: what stands at one time."""

    key: str  # the series, as far as columns name it
    time: int
    values: tuple[float, ...]
    covariates: tuple[float, ...]
    number: int  # of the file's row


class Table(msgspec.Struct, frozen=True):
    """A file that was read through once and found good.

    Attributes
    ----------
    sheet, layout, fields
        The file, which column is what, and what an event's fields are called.
    series
        The names of its series, in the order of their first appearance.
    length
        How many events it holds.
    together
        How many observations each row holds: what was seen at once, side by side in `read`.
    ordered
        Whether its time stamps never go back.
    rhythm
        What lies between its rows.
    rows
        Rows of the shortest and of the longest series.
    missing
        Cells taken as missing, and how often each.
    sentinels
        Values far from all others that may mean a missing one, and how often each stands there.
    empty_rows
        Rows left out as nothing stands in them.
    repeated
        Rows with the time of another one of their series.
    valueless
        Columns in which no row has a value.
    """

    sheet: Sheet
    layout: Layout
    fields: Fields
    series: tuple[str, ...]
    length: int
    together: int
    ordered: bool
    rhythm: Rhythm
    rows: tuple[int, int]
    missing: dict[str, int]
    sentinels: dict[float, int]
    empty_rows: int
    repeated: int
    valueless: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.sheet.path

    @property
    def observations(self) -> int:
        """How many observations its events hold, missing values included."""
        return self.length * (len(self.fields.values) if self.layout.by_row else 1)

    def events(self) -> Iterator[Event]:
        """Every event by time stamp; those of one time stamp in the file's order.

        A file in the order of time is streamed, any other one is sorted in memory, as numbers.
        """
        rows = _Reading(self.sheet, self.layout).rows()
        for row in rows if self.ordered else _sorted(rows):
            yield from _events(row, self.layout, _names(row.key, self.layout, self.fields))

    def read(self) -> Iterator[Observation]:
        """Every observation, in the order of the events."""
        names = self.fields.values
        for event in self.events():
            if len(event.values) == 1:
                yield Observation(event.series, event.time, event.values[0])
                continue
            for name, value in zip(names, event.values, strict=True):
                yield Observation(f"{event.series}/{name}", event.time, value)

    def told(self, season: int = 0) -> Iterator[str]:
        """How it was read, in a line, and what was left out, in others; with a season that was named, if one was."""
        yield f"{_columns_told(self)}; {_rows_told(self)}, season {season or self.rhythm.season}"
        if self.layout.unused:
            yield "not used: " + _listed([f"{name} ({why})" for name, why in self.layout.unused.items()])
        if self.missing:
            each = [f"{count:,} {f'`{cell}`' if cell else 'empty'}" for cell, count in self.missing.items()]
            yield f"taken as missing: {_counted(sum(self.missing.values()), 'cell')} ({_listed(each)})"
        for value, count in self.sentinels.items():
            yield (
                f"taken as values: {_counted(count, 'cell')} of {written(value)}, far from all others; say --missing"
                f" {written(value)} if it means that there is none"
            )
        counts = (
            (self.sheet.skipped, "line", " before the header"),
            (self.sheet.comments, "line", " of comments"),
            (self.empty_rows, "empty row", ""),
        )
        if left := [_counted(count, what) + where for count, what, where in counts if count]:
            yield "left out: " + ", ".join(left)
        if self.valueless:
            yield f"no value at all in {', '.join(self.valueless[:SHOWN])}"
        if self.repeated:
            yield (
                f"{_counted(self.repeated, 'row')} with the time of another one of their series: here each is a step"
                " of its own, the"
                " daemon leaves the later ones out as repeated"
            )


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _listed(names: list[str]) -> str:
    """Some of many."""
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")


def _columns_told(table: Table) -> str:
    layout, columns = table.layout, table.layout.columns
    counted = "counted rows" if layout.counter is None else f"{columns[layout.counter]} (counted steps)"
    parts = [f"time: {layout.time.told if layout.time else counted}"]
    if layout.series:
        parts.append("series: " + " + ".join(columns[place] for place in layout.series))
    elif layout.across:
        parts.append("series: the rows")
    if layout.across:
        return ", ".join([*parts, f"values: below {len(layout.values):,} times"])
    names = [columns[place] for place in layout.values]
    values = (
        ", ".join(names) if len(names) <= SHOWN else f"{', '.join(names[: SHOWN - 1])}, ... {names[-1]} ({len(names)})"
    )
    parts.append(f"values: {values}" + (f" ({layout.numbers.told})" if layout.numbers.told else ""))
    if known := [columns[place] for place in layout.covariates if place is not None]:
        parts.append("covariates: " + ", ".join(known))
    return ", ".join(parts)


def _rows_told(table: Table) -> str:
    shortest, longest = table.rows
    count = f"{longest:,}" if shortest == longest else f"{shortest:,} to {longest:,}"
    return f"{count} rows of {len(table.series):,} series, {table.rhythm.told}"


def survey(path: Path, fields: Fields = PLAIN, said: Said = NOTHING_SAID) -> Table:
    """Read a file through, so that nothing is done with half a good one.

    Parameters
    ----------
    path
        Of the file.
    fields
        What an event's fields are called; columns with these names hold them.
    said
        What options say of the file.

    Raises
    ------
    TableError
        When it cannot be read, is not such a table, or may be read in several ways.
    """
    sheet = read_sheet(path, said.encoding)
    layout = layout_of(sheet, fields, said)
    reading = _Reading(sheet, layout)
    places, times, lines = array("q"), array("q"), array("q")
    keys: dict[str, int] = {}
    known = [False] * (1 if layout.across else len(layout.values))
    spreads = [Spread() for _ in known]
    for row in reading.rows():
        places.append(keys.setdefault(row.key, len(keys)))
        times.append(row.time)
        lines.append(row.number)
        if not all(known):
            known = [one or not math.isnan(value) for one, value in zip(known, row.values, strict=True)]
        for spread, value in zip(spreads, row.values, strict=True):
            spread.add(value)
    if not times:
        raise TableError(f"{path} has a header but no rows")
    stamps = _Stamps(np.array(places), np.array(times), np.array(lines))
    again = stamps.again()
    if len(again) > max(REPEATED * len(times), 0) and said.step != "event":
        raise _repeating(sheet, layout, tuple(keys), stamps, int(again[0]))
    counts = np.bincount(stamps.series)
    return Table(
        sheet=sheet,
        layout=layout,
        fields=fields,
        series=tuple(name for key in keys for name in _names(key, layout, fields)),
        length=len(times) * (1 if layout.by_row or layout.across else len(layout.values)),
        together=1 if layout.across else len(layout.values),
        ordered=bool(np.all(np.diff(stamps.times) >= 0)),
        rhythm=_rhythm(stamps, said.step),
        rows=(int(counts.min()), int(counts.max())),
        missing=dict(reading.missing.most_common()),
        sentinels=_sentinels(spreads),
        empty_rows=reading.empty_rows,
        repeated=len(again),
        valueless=tuple(layout.columns[layout.values[index]] for index, one in enumerate(known) if not one),
    )


def _sentinels(spreads: list[Spread]) -> dict[float, int]:
    counts: Counter[float] = Counter()
    for spread in spreads:
        counts.update(spread.sentinels())
    return dict(counts.most_common())


class _Stamps(NamedTuple):
    """Series, time and row of the file of each row that was read, (N,)."""

    series: Integers
    times: Integers
    numbers: Integers

    def again(self) -> Integers:
        """The rows that have the time of an earlier one of their series."""
        order = np.lexsort((self.times, self.series))
        same = (np.diff(self.times[order]) == 0) & (np.diff(self.series[order]) == 0)
        return np.sort(order[1:][same])


def _rhythm(stamps: _Stamps, step: float | str) -> Rhythm:
    if isinstance(step, str):
        return rhythm_of(stamps.series, stamps.times)
    return Rhythm(step, False, False, season_of(step))


def _repeating(sheet: Sheet, layout: Layout, keys: tuple[str, ...], stamps: _Stamps, index: int) -> TableError:
    """Says where a series has two rows of one time, and what mends it."""
    own = (stamps.series == stamps.series[index]) & (stamps.times == stamps.times[index])
    first, second = (sheet.line(int(number)) for number in stamps.numbers[np.flatnonzero(own)[:2]])
    whose = f" of `{keys[stamps.series[index]]}`" if layout.series else ""
    return TableError(
        f"{sheet.path}: times repeat{whose} (lines {first} and {second}; {len(stamps.again()):,} rows in all); name"
        " every"
        " column that tells series apart with --series, or take each row as a step, whatever its time, with --step"
        " event"
    )


def _names(key: str, layout: Layout, fields: Fields) -> list[str]:
    """What the series of a row are called, as by the daemon."""
    if layout.by_row:
        return [key] if len(layout.values) == 1 else [f"{key}/{name}" for name in fields.values]
    if layout.across:
        return [key]
    columns = [layout.columns[place] for place in layout.values]
    return [f"{key}/{name}" for name in columns] if layout.series else columns


def _events(row: _Row, layout: Layout, names: list[str]) -> Iterator[Event]:
    if layout.by_row:
        yield Event(row.key, row.time, row.values, row.covariates)
        return
    for name, value in zip(names, row.values, strict=True):
        yield Event(name, row.time, (value,), row.covariates)


def _sorted(rows: Iterator[_Row]) -> Iterator[_Row]:
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
        yield _Row(names[places[index]], times[index], own[: widths[0]], own[widths[0] :], index)


class _Reading:
    """One way through the rows of a file, and what was left out on it."""

    def __init__(self, sheet: Sheet, layout: Layout) -> None:
        self._sheet, self._layout = sheet, layout
        self._hour = RepeatedHour()
        self._counts: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()
        self.empty_rows = 0

    def rows(self) -> Iterator[_Row]:
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

    def _row(self, number: int, cells: Cells) -> Iterator[_Row]:
        key = self._key(number, cells)
        time = self._time(number, key, cells)
        values = tuple([self._number(number, place, cells[place]) for place in self._layout.values])
        yield _Row(key, time, values, self._covariates(cells), number)

    def _across(self, number: int, cells: Cells) -> Iterator[_Row]:
        key, column = self._key(number, cells), self._layout.time
        for place in self._layout.values:
            time = self._read(number, key, column._replace(places=(place,)), self._layout.columns) if column else 0
            yield _Row(key, time, (self._number(number, place, cells[place]),), (), number)

    def _key(self, number: int, cells: Cells) -> str:
        if not self._layout.series:
            return _called(self._sheet.path) if self._layout.by_row else ""
        parts = [cells[place] for place in self._layout.series]
        if not all(parts):
            raise self._refused(number, "the series has no name")
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
        text, name = column.text(cells), " + ".join(self._name(place) for place in column.places)
        found = f"`{text}` in column `{name}`"
        if not text.strip():
            return f"no time in column `{name}`; remove the row, or name another column with --time"
        if error.reason == "another_form":
            return f"{found} {error.detail}; write all alike, or say how with --time-format"
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
        except ValueError as error:
            raise self._refused(number, self._no_number(place, text, str(error))) from None
        if value != value:
            self.missing[text] += 1
        return value

    def _no_number(self, place: int, text: str, why: str) -> str:
        found = f"`{text}` in column `{self._name(place)}` is not a number"
        if why.startswith("beyond"):
            return f"{found} that can be forecast: {why}"
        return f"{found}; {mend_of(text)}"

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


def _called(path: Path) -> str:
    """A file's name without what says how it is packed and written."""
    return Path(path.stem if path.suffix in PACKINGS else path.name).stem
