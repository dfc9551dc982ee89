"""CSV files, long or wide, gzipped or not, as observations in the order of their time stamps.

A long file has the columns ``series``, ``timestamp`` and ``value`` (in any order, others are left alone). Any other
file is wide: its time stamps stand in the column ``timestamp`` (or else in the first one), and every other column is
a series. An empty cell is a missing value.
"""

import csv
import gzip
import io
import math
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from lstm_stream import Observation

LONG = ("series", "timestamp", "value")
MISSING = frozenset({"", "nan", "na", "n/a", "null", "none"})
GZIP = b"\x1f\x8b"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NUMBER = re.compile(r"-?\d+(\.\d+)?")
BASIC_DATE = re.compile(r"(19|20)\d{6}")
MONTH = re.compile(r"\d{4}-\d{2}")


class TableError(Exception):
    """A file that is not a table of time series; the message names file, line and fix."""


class Table(msgspec.Struct, frozen=True):
    """A file that was read through once and found good.

    Attributes
    ----------
    path
        Where it lies.
    series
        The names of its series, in the order of their first appearance.
    observations
        How many observations it holds, missing values included.
    ordered
        Whether its time stamps never go back.
    """

    path: Path
    series: tuple[str, ...]
    observations: int
    ordered: bool

    def read(self) -> Iterator[Observation]:
        """Every observation by time stamp; those of one time stamp in the file's order.

        A file in the order of time is streamed, any other one is sorted in memory.
        """
        observations = _observations(self.path)
        return observations if self.ordered else iter(sorted(observations, key=_time))


def survey(path: Path) -> Table:
    """Read a file through once, so that nothing is done with half a good one.

    Raises
    ------
    TableError
        When it cannot be read or is not such a table.
    """
    names: dict[str, None] = {}
    count, latest, ordered = 0, -math.inf, True
    for observation in _observations(path):
        names.setdefault(observation.series)
        ordered = ordered and observation.time >= latest
        latest = observation.time
        count += 1
    if count == 0:
        raise TableError(f"{path} has a header but no rows")
    return Table(path=path, series=tuple(names), observations=count, ordered=ordered)


def _time(observation: Observation) -> int:
    return observation.time


class _Line(NamedTuple):
    number: int
    cells: list[str]


class _Layout(Protocol):
    def __call__(self, line: _Line) -> Iterator[Observation]: ...


def _observations(path: Path) -> Iterator[Observation]:
    lines = _lines(path)
    header = next(lines, None)
    if header is None:
        raise TableError(f"{path} is empty; expected a header such as {','.join(LONG)}")
    columns = [cell.strip() for cell in header.cells]
    layout = _layout(path, columns)
    for line in lines:
        if len(line.cells) != len(columns):
            raise TableError(f"{path}, line {line.number}: {len(line.cells)} cells under {len(columns)} columns")
        yield from layout(line)


def _layout(path: Path, columns: list[str]) -> _Layout:
    if len(columns) < 2:
        raise TableError(f"{path} has one column, `{columns[0]}`; expected commas between at least two")
    if repeated := [name for name, after in pairwise(sorted(columns)) if name == after]:
        raise TableError(f"{path} has the column `{repeated[0]}` twice; rename one")
    return _long(path, columns) if set(LONG) <= set(columns) else _wide(path, columns)


def _long(path: Path, columns: list[str]) -> _Layout:
    series, timestamp, value = (columns.index(name) for name in LONG)

    def read(line: _Line) -> Iterator[Observation]:
        name = line.cells[series].strip()
        if not name:
            raise TableError(f"{path}, line {line.number}: the series has no name")
        time = _microseconds(path, line, columns, timestamp)
        yield Observation(name, time, _number(path, line, columns, value))

    return read


def _wide(path: Path, columns: list[str]) -> _Layout:
    timestamp = columns.index("timestamp") if "timestamp" in columns else 0
    others = [index for index in range(len(columns)) if index != timestamp]
    if unnamed := [index for index in others if not columns[index]]:
        raise TableError(f"{path}: column {unnamed[0] + 1} has no name in the header; give it one")

    def read(line: _Line) -> Iterator[Observation]:
        time = _microseconds(path, line, columns, timestamp)
        for index in others:
            yield Observation(columns[index], time, _number(path, line, columns, index))

    return read


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
