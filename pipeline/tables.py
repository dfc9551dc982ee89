"""CSV files, long or wide, gzipped or not, as events in the order of their time stamps.

A long file has the columns ``series``, ``timestamp`` and ``value`` (in any order, others are left alone): a row is an
event. Any other file is wide: its time stamps stand in the column ``timestamp`` (or else in the first one), every
other column is a series, and a cell is an event. Where events hold several values, a row is one event: it has a column
for each value, called as its field, and may have one for the series' name; else all is called as the file. Columns that
are called as covariates go along with each event of their row. An empty cell is a missing value.
"""

import csv
import gzip
import io
import math
import re
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from lstm_stream import Observation

LONG = ("series", "timestamp", "value")
BOOLEANS = {"true": 1.0, "false": 0.0}
MISSING = frozenset({"", "nan", "na", "n/a", "null", "none"})
GZIP = b"\x1f\x8b"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NUMBER = re.compile(r"-?\d+(\.\d+)?")
BASIC_DATE = re.compile(r"(19|20)\d{6}")
MONTH = re.compile(r"\d{4}-\d{2}")


class TableError(Exception):
    """A file that is not a table of time series; the message names file, line and fix."""


class Fields(NamedTuple):
    """What the fields of an event are called, and so the columns that hold them."""

    series: str = "series"
    timestamp: str = "timestamp"
    values: tuple[str, ...] = ("value",)
    covariates: tuple[str, ...] = ()


PLAIN = Fields()


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


class Table(msgspec.Struct, frozen=True):
    """A file that was read through once and found good.

    Attributes
    ----------
    path
        Where it lies.
    fields
        Of its events.
    series
        The names of its series, in the order of their first appearance.
    length
        How many events it holds.
    observations
        How many observations they hold, missing values included.
    together
        How many of them each row holds: what was seen at once, side by side in `read`.
    ordered
        Whether its time stamps never go back.
    """

    path: Path
    fields: Fields
    series: tuple[str, ...]
    length: int
    observations: int
    together: int
    ordered: bool

    def events(self) -> Iterator[Event]:
        """Every event by time stamp; those of one time stamp in the file's order.

        A file in the order of time is streamed, any other one is sorted in memory.
        """
        events = _rows(self.path, self.fields).events
        return events if self.ordered else iter(sorted(events, key=_time))

    def read(self) -> Iterator[Observation]:
        """Every observation, in the order of the events."""
        for event in self.events():
            for name, value in zip(_names(event, self.fields), event.values, strict=True):
                yield Observation(name, event.time, value)


def survey(path: Path, fields: Fields = PLAIN) -> Table:
    """Read a file through once, so that nothing is done with half a good one.

    Raises
    ------
    TableError
        When it cannot be read or is not such a table.
    """
    names: dict[str, None] = {}
    count, latest, ordered = 0, -math.inf, True
    rows = _rows(path, fields)
    for event in rows.events:
        names |= dict.fromkeys(_names(event, fields))
        ordered = ordered and event.time >= latest
        latest = event.time
        count += 1
    if count == 0:
        raise TableError(f"{path} has a header but no rows")
    return Table(path, fields, tuple(names), count, count * len(fields.values), rows.together, ordered)


def _names(event: Event, fields: Fields) -> list[str]:
    """What the series of an event's values are called, as by the daemon."""
    return [event.series] if len(fields.values) == 1 else [f"{event.series}/{name}" for name in fields.values]


def _time(event: Event) -> int:
    return event.time


class _Line(NamedTuple):
    number: int
    cells: list[str]


class _Layout(NamedTuple):
    """What a row holds."""

    together: int  # observations
    read: Callable[[_Line], Iterator[Event]]


class _Rows(NamedTuple):
    """What a file holds."""

    together: int  # observations of each row
    events: Iterator[Event]


def _rows(path: Path, fields: Fields) -> _Rows:
    lines = _lines(path)
    header = next(lines, None)
    if header is None:
        raise TableError(f"{path} is empty; expected a header such as {','.join(LONG)}")
    columns = [cell.strip() for cell in header.cells]
    layout = _layout(path, columns, fields)
    return _Rows(layout.together, _events(path, lines, columns, layout))


def _events(path: Path, lines: Iterator[_Line], columns: list[str], layout: _Layout) -> Iterator[Event]:
    for line in lines:
        if len(line.cells) != len(columns):
            raise TableError(f"{path}, line {line.number}: {len(line.cells)} cells under {len(columns)} columns")
        yield from layout.read(line)


def _layout(path: Path, columns: list[str], fields: Fields) -> _Layout:
    if len(columns) < 2:
        raise TableError(f"{path} has one column, `{columns[0]}`; expected commas between at least two")
    if repeated := [name for name, after in pairwise(sorted(columns)) if name == after]:
        raise TableError(f"{path} has the column `{repeated[0]}` twice; rename one")
    if len(fields.values) > 1:
        return _event_a_row(path, columns, fields)
    if set(LONG) <= set(columns):
        return _event_a_row(path, columns, Fields(covariates=fields.covariates))
    return _event_a_cell(path, columns, fields)


def _event_a_row(path: Path, columns: list[str], fields: Fields) -> _Layout:
    if missing := [name for name in fields.values if name not in columns]:
        raise TableError(
            f"{path} has no column `{missing[0]}`; name columns of it in events.values, or one path alone for an event"
            " of each cell"
        )
    series = columns.index(fields.series) if fields.series in columns else None
    timestamp = _column_of_times(columns, fields)
    values = [columns.index(name) for name in fields.values]
    places = _places(columns, fields.covariates)

    def read(line: _Line) -> Iterator[Event]:
        name = _called(path) if series is None else line.cells[series].strip()
        if not name:
            raise TableError(f"{path}, line {line.number}: the series has no name")
        time = _microseconds(path, line, columns, timestamp)
        numbers = tuple(_number(path, line, columns, index) for index in values)
        yield Event(name, time, numbers, _covariates(line, places))

    return _Layout(len(values), read)


def _event_a_cell(path: Path, columns: list[str], fields: Fields) -> _Layout:
    timestamp = _column_of_times(columns, fields)
    others = [index for index, name in enumerate(columns) if index != timestamp and name not in fields.covariates]
    if unnamed := [index for index in others if not columns[index]]:
        raise TableError(f"{path}: column {unnamed[0] + 1} has no name in the header; give it one")
    if not others:
        raise TableError(f"{path} has no column of values beside `{columns[timestamp]}` and the covariates")
    places = _places(columns, fields.covariates)

    def read(line: _Line) -> Iterator[Event]:
        time = _microseconds(path, line, columns, timestamp)
        covariates = _covariates(line, places)
        for index in others:
            yield Event(columns[index], time, (_number(path, line, columns, index),), covariates)

    return _Layout(len(others), read)


def _column_of_times(columns: list[str], fields: Fields) -> int:
    return next((columns.index(name) for name in (fields.timestamp, "timestamp") if name in columns), 0)


def _called(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).stem


def _places(columns: list[str], names: tuple[str, ...]) -> list[int | None]:
    return [columns.index(name) if name in columns else None for name in names]


def _covariates(line: _Line, places: list[int | None]) -> tuple[float, ...]:
    """Numbers known with the row's events; what is none is masked, as the daemon does."""
    return tuple(math.nan if place is None else _covariate(line.cells[place].strip()) for place in places)


def _covariate(text: str) -> float:
    try:
        number = BOOLEANS[text.lower()] if text.lower() in BOOLEANS else float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) and "_" not in text else math.nan


def _number(path: Path, line: _Line, columns: list[str], index: int) -> float:
    text = line.cells[index].strip()
    if text.lower() in MISSING:
        return math.nan
    try:
        number = float(text)
    except ValueError:
        number = math.inf
    if not math.isfinite(number) or "_" in text:
        raise TableError(f"{path}, line {line.number}: `{text}` in column `{columns[index]}` is not a number")
    return number


def _microseconds(path: Path, line: _Line, columns: list[str], index: int) -> int:
    text = line.cells[index].strip()
    try:
        return _epoch(text)
    except (ValueError, OverflowError):
        raise TableError(
            f"{path}, line {line.number}: `{text}` in column `{columns[index]}` is not a time stamp; "
            "expected ISO 8601 such as 2024-05-01T13:00:00Z, or seconds since 1970"
        ) from None


def _epoch(text: str) -> int:
    """Microseconds since 1970 of ISO 8601 (UTC unless it says otherwise) or of a count of s, ms, us or ns."""
    if NUMBER.fullmatch(text) and not BASIC_DATE.fullmatch(text):
        return _by_magnitude(Decimal(text))
    moment = datetime.fromisoformat(f"{text}-01" if MONTH.fullmatch(text) else text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1)


def _by_magnitude(count: Decimal) -> int:
    """Seconds up to the year 5138, then milliseconds, microseconds, nanoseconds, as events are read."""
    units = (Decimal(10) ** power for power in (6, 3, 0))
    limits = (Decimal(10) ** power for power in (11, 14, 17))
    for unit, limit in zip(units, limits, strict=True):
        if abs(count) < limit:
            return _within(int(count * unit))
    return _within(int(count / 1000))


EARLIEST, LATEST = (moment.replace(tzinfo=UTC) for moment in (datetime.min, datetime.max))
FIRST_TIME, LAST_TIME = ((moment - EPOCH) // timedelta(microseconds=1) for moment in (EARLIEST, LATEST))


def _within(time: int) -> int:
    if not FIRST_TIME <= time <= LAST_TIME:
        raise ValueError("beyond the years 1 to 9999")
    return time


def _lines(path: Path) -> Iterator[_Line]:
    try:
        with _text(path) as text:
            rows = csv.reader(text)
            for cells in rows:
                if any(cells):
                    yield _Line(rows.line_num, cells)
    except UnicodeDecodeError:
        raise TableError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from None
    except csv.Error as error:
        raise TableError(f"{path} is not CSV: {error}") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TableError(f"{path} is a damaged gzip file: {error}") from None
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror or error}") from None


def _text(path: Path) -> io.TextIOWrapper:
    with open(path, "rb") as file:
        packed = file.read(2) == GZIP
    if packed:
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    return open(path, encoding="utf-8-sig", newline="")
