"""Any file of rows and columns as text cells, read by DuckDB.

Of DuckDB, polars and pyarrow only DuckDB finds out by itself how a CSV file is written: delimiter, quotes, lines that
end in CR alone, lines before the header. polars and pyarrow read the semicolons, tabs and preambles that people
have as one column or an error. It reads Parquet as well, streams (a file of a million rows takes 150 MB), its wheel is
the smallest (66 MB unpacked, the others 170), and it starts in .1 s. Its types are not used: they would turn cells that
the daemon judges otherwise into numbers, times or nothing. Nor are its guesses taken blindly: cells stay text, the
header is judged here, and rows of another length are refused, not skipped.
"""

import csv
import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import duckdb
import msgspec

from pipeline.files.file_options import Cells
from pipeline.files.json_rows import is_json, json_columns, json_rows
from pipeline.files.packing import Plain, TableError, not_utf_8, unpacked

SAMPLE = 2000
"""Rows from which the layout is told."""
BATCH = 2048
CELLS = 1_000_000
"""At once, of wide files: fewer rows of them."""
NEAR_THE_TOP = 5
"""Lines in which a table may not have begun yet."""
LINES = 60
"""That tell how wide rows are."""
MEMORY = "1GB"
"""DuckDB takes 33 kB for each column, 0.2 GB for 10,000 twice."""
SNIFF = "SELECT Delimiter, Quote, Escape, SkipRows, len(Columns) FROM sniff_csv(?, all_varchar = true, comment = '')"
BAD_LINE = re.compile(r"CSV Error on Line: (\d+)")
WIDTHS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
EXCEL_HINT = re.compile(rb"(?:\xef\xbb\xbf)?\"?sep=(.)\"?\r?\n")
NOTHING = "(empty)"
NUMERIC = re.compile(r"[\d.,:/ TZ+-]*\d[\d.,:/ TZ+-]*")  # a number or a time, and so no name
YEAR = re.compile(r"(19|20)\d\d")  # a number that may be a name


class Dialect(NamedTuple):
    """How a CSV file is written."""

    delimiter: str
    quote: str
    escape: str
    skip: int  # lines before the header
    width: int  # columns


class Sheet(msgspec.Struct, frozen=True):
    """A file as rows of cells.

    Attributes
    ----------
    path, encoding
        Where it lies, and how its text is coded if that was said.
    dialect
        Of CSV; None for Parquet and JSON.
    columns
        Names in the header, as they stand there.
    sample
        The first rows below it.
    comments, skipped
        Lines left out as comments, and as lying before the header.
    above, below
        Rows left out above and below the header.
    units
        What stands in those below it, if they do not belong to the names.
    beside
        What else a JSON object holds, in words.
    """

    path: Path
    encoding: str
    dialect: Dialect | None
    columns: Cells
    sample: tuple[Cells, ...]
    comments: int
    skipped: int
    above: int = 0
    below: int = 0
    units: Cells = ()
    beside: str = ""

    def rows(self) -> Iterator[Cells]:
        """Every row below the header; cells are text without spaces around it, empty where there is nothing."""
        with unpacked(self.path, self.encoding) as plain:
            rows = _rows(self.path, plain, self.dialect, self.columns)
            yield from islice(rows, 1 + self.above + self.below, None) if self.dialect else rows

    def line(self, row: int) -> int:
        """The line of the file in which a row below the header stands; 0 is the first of these."""
        if self.dialect is None:
            return row + 1
        with unpacked(self.path, self.encoding) as plain, open(plain.path, encoding="utf-8-sig", newline="") as text:
            for _ in range(self.dialect.skip):
                next(text)
            lines = csv.reader(text, delimiter=self.dialect.delimiter, quotechar=self.dialect.quote)
            filled = (lines.line_num for cells in lines if cells)
            place = row + 1 + self.above + self.below
            return next(islice(filled, place, None), lines.line_num) + self.dialect.skip


def read_sheet(path: Path, encoding: str = "") -> Sheet:
    """Find out how a file is written, and look at its first rows.

    Raises
    ------
    TableError
        When it is no table.
    """
    with unpacked(path, encoding) as plain:
        if plain.is_parquet or is_json(plain.path):
            columns, beside = (
                (_parquet_columns(path, plain.path), "") if plain.is_parquet else json_columns(path, plain.path)
            )
            sample = tuple(islice(_rows(path, plain, None, columns), _sampled(len(columns))))
            return Sheet(path, encoding, None, columns, sample, plain.comments, 0, beside=beside)
        dialect = _dialect(path, plain.path)
        head = tuple(islice(_rows(path, plain, dialect, ()), _sampled(dialect.width) + 1))
        if not head:
            raise TableError(f"{path} is empty; expected a header such as series,timestamp,value")
        skipped = _filled(plain.path, dialect.skip)
    return Sheet(path, encoding, dialect, head[0], head[1:], plain.comments, skipped)


def _sampled(width: int) -> int:
    """How many rows are looked at first."""
    return max(100, min(SAMPLE, CELLS // max(width, 1)))


def _rows(path: Path, plain: Plain, dialect: Dialect | None, columns: Cells) -> Iterator[Cells]:
    """Every row; of CSV the header, too."""
    if plain.is_parquet:
        names = ", ".join(f"CAST({_identifier(name)} AS VARCHAR)" for name in columns)
        return _selected(path, f"SELECT {names} FROM read_parquet(?)", plain.path)
    if dialect is None:
        return json_rows(path, plain.path, columns)
    types = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(dialect.width))
    query = (
        f"SELECT * FROM read_csv(?, auto_detect = false, header = false, comment = '', columns = {{{types}}},"
        f" delim = {_text(dialect.delimiter)}, quote = {_text(dialect.quote)}, escape = {_text(dialect.escape)},"
        f" skip = {dialect.skip})"
    )
    return _selected(path, query, plain.path)


def _selected(path: Path, query: str, plain: Path) -> Iterator[Cells]:
    try:
        with _connection() as connection:
            cursor = connection.execute(query, [str(plain)])
            size = max(1, min(BATCH, CELLS // len(cursor.description or "-")))
            while batch := cursor.fetchmany(size):
                for row in batch:
                    yield tuple(["" if cell is None else cell.strip() for cell in row])
    except duckdb.Error as error:
        raise _refusal(path, str(error)) from None


def _connection() -> duckdb.DuckDBPyConnection:
    """A cursor of its own for each query; the database behind them takes 20 ms to open."""
    return _database().cursor()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1, "memory_limit": MEMORY, "autoinstall_known_extensions": False})


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _refusal(path: Path, told: str) -> TableError:
    """DuckDB's many lines in one."""
    line, widths = BAD_LINE.search(told), WIDTHS.search(told)
    place = f"{path}, line {line[1]}" if line else f"{path}"
    if r"\0\0" in told:
        return TableError(f"{place} holds NUL bytes, as where a machine stopped amid writing; remove them")
    if widths:
        above = ", or delete what stands above the table" if line and int(line[1]) <= NEAR_THE_TOP else ""
        cells = "1 cell" if widths[2] == "1" else f"{widths[2]} cells"
        return TableError(f"{place}: {cells} under {widths[1]} columns; mend the row or the header{above}")
    if "utf-8" in told:
        return not_utf_8(path)
    if "unterminated quote" in told:
        return TableError(f'{place}: a quote (`"`) is opened and not closed; close it, or double it where it is meant')
    if "Maximum line size" in told:
        return TableError(
            f"{path} has a line of more than 2 MB; mend a quote that is not closed, or leave out the column"
        )
    if "Out of Memory" in told:
        return TableError(f"{path} has too many columns; leave out some, or write a row for each value")
    reasons = [one for one in told.splitlines() if one and "CSV Error" not in one and "Original Line" not in one]
    return TableError(f"{place} cannot be read: {reasons[0] if reasons else told.splitlines()[0]}")


def _dialect(path: Path, plain: Path) -> Dialect:
    """How the file is written; lines before the header are believed in only where a header comes after them."""
    with open(plain, "rb") as file:
        head = file.read(4096)
    if not head.strip():
        raise TableError(f"{path} is empty; expected a header such as series,timestamp,value")
    if hint := EXCEL_HINT.match(head):
        delimiter = hint[1].decode(errors="replace")
        return Dialect(delimiter, '"', '"', 1, _width(plain, delimiter, 1))
    try:
        with _connection() as connection:
            found = connection.execute(SNIFF, [str(plain)]).fetchone()
    except duckdb.Error as error:
        if "utf-8" in str(error):
            raise not_utf_8(path) from None
        if "Out of Memory" in str(error) or "Maximum line size" in str(error):
            raise _refusal(path, str(error)) from None
        raise TableError(f"{path} is not CSV, Parquet or JSON lines: {_reason(str(error))}") from None
    delimiter, quote, escape, skip, width = found or (",", NOTHING, NOTHING, 0, 1)
    quote = '"' if quote == NOTHING else quote
    dialect = Dialect(delimiter, quote, quote if escape == NOTHING else escape, skip, width)
    if width == 1:
        return _of_uneven_rows(plain, dialect)
    return _from_the_header(plain, dialect) if skip else dialect


def _reason(told: str) -> str:
    return told.splitlines()[0].rstrip(". ")


def _from_the_header(plain: Path, dialect: Dialect) -> Dialect:
    """The sniffer skips lines until rows are alike: what it skips must be empty, or narrower than the header."""
    with open(plain, encoding="utf-8-sig", newline="") as text:
        lines = csv.reader(text, delimiter=dialect.delimiter, quotechar=dialect.quote)
        begin, cells = 0, 0
        for number, row in enumerate(lines):
            if cells == 0 and len(row) > 1:
                begin, cells = number, len(row)
            if number == dialect.skip:
                break
    is_header = bool(row) and not any(NUMERIC.fullmatch(cell) and not YEAR.fullmatch(cell) for cell in row)
    if is_header and (cells < dialect.width or begin == dialect.skip):
        return dialect
    if begin < dialect.skip and cells >= 2:
        return dialect._replace(skip=begin, width=cells)
    return _of_uneven_rows(plain, dialect._replace(skip=0, width=1))  # the header is not written as the sniffer found


def _of_uneven_rows(plain: Path, dialect: Dialect) -> Dialect:
    """Where the sniffer finds one column, rows may be of several lengths: the header tells how many are meant."""
    with open(plain, encoding="utf-8-sig", newline="") as text:
        first = next((line for line in islice(text, dialect.skip, None) if line.strip()), "")
    delimiter = next((mark for mark in ",;\t|" if mark in first), None)
    if delimiter is None:
        return dialect
    width = len(next(csv.reader([first], delimiter=delimiter)))
    return _below_other_rows(plain, dialect._replace(delimiter=delimiter, width=width))


def _below_other_rows(plain: Path, dialect: Dialect) -> Dialect:
    """Where the first rows are of another length than all after them, the header is the first of those."""
    with open(plain, encoding="utf-8-sig", newline="") as text:
        lines = csv.reader(islice(text, dialect.skip, None), delimiter=dialect.delimiter)
        rows = [(lines.line_num, row) for row in islice(lines, LINES) if row]
    width = len(rows[-1][1])
    begin = next((place for place in range(len(rows)) if all(len(row) == width for _, row in rows[place:])), 0)
    if not 0 < begin <= NEAR_THE_TOP or width < 2 or any(map(NUMERIC.fullmatch, rows[begin][1])):
        return dialect
    return dialect._replace(skip=dialect.skip + rows[begin - 1][0], width=width)


def _width(plain: Path, delimiter: str, skip: int) -> int:
    with open(plain, encoding="utf-8-sig", newline="") as text:
        rows = islice(csv.reader(text, delimiter=delimiter), skip, None)
        return next((len(row) for row in rows if row), 1)


def _filled(plain: Path, count: int) -> int:
    """How many of the first lines have something in them."""
    with open(plain, encoding="utf-8-sig", errors="replace") as text:
        return sum(bool(line.strip(" ,;\t\r\n")) for line in islice(text, count))


def _parquet_columns(path: Path, plain: Path) -> Cells:
    try:
        with _connection() as connection:
            return tuple(
                name
                for name, *_ in connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(plain)]).fetchall()
            )
    except duckdb.Error as error:
        raise _refusal(path, str(error)) from None
