"""Where a table's header is: below titles that span the sheet, above rows of units, or in two rows.

A title is alone in its row. Rows of units hold neither a number nor a time, and stand above columns that do; a second
row of names is one where the first leaves columns without a name or names two alike.
"""

from collections.abc import Sequence

from msgspec import structs

from pipeline.files.cells import MISSING, like_a_number
from pipeline.files.file_options import Cells
from pipeline.files.reader import Sheet
from pipeline.files.timeforms import is_date
from pipeline.files.timenames import PART_OF_A_TIME_NAME, TIME_NAME
from pipeline.files.units import NO_UNIT, unit_of

TITLES = 20
"""Rows in which a header is looked for."""
UNITS = 3
"""Rows that may stand between the header and the first times."""


def with_header(sheet: Sheet) -> Sheet:
    """The same sheet with its header where it is."""
    if sheet.dialect is None:
        return sheet
    found = _below_units(_below_titles(sheet))
    return structs.replace(found, columns=tuple(" ".join(name.split()) for name in found.columns))


def _below_titles(sheet: Sheet) -> Sheet:
    rows = (sheet.columns, *sheet.sample[:TITLES])
    above = next((number for number, row in enumerate(rows) if not _is_title(row)), 0)
    if not above or any(map(_is_data, rows[above])):
        return sheet
    return structs.replace(
        sheet,
        columns=rows[above],
        sample=sheet.sample[above:],
        above=above,
        skipped=sheet.skipped + sum(any(row) for row in rows[:above]),
    )


def _is_title(row: Cells) -> bool:
    """Whether nothing stands in a row but its first cell."""
    return len(row) > 1 and not any(row[1:])


def _is_data(cell: str) -> bool:
    return like_a_number(cell) or is_date(cell) or unit_of([cell]) != NO_UNIT


def _below_units(sheet: Sheet) -> Sheet:
    """The header is the first full row that names the times, else the first; below it come units up to the data."""
    rows = (sheet.columns, *sheet.sample[: UNITS + 1])
    data = next((number for number, row in enumerate(rows) if any(map(_is_data, row))), 0)
    if data < 2 or not _stand_above_data(rows[:data], sheet.sample[data - 1 : data - 1 + TITLES]):
        return sheet
    header = next((number for number, row in enumerate(rows[:data]) if _names_the_time(row, rows[data])), 0)
    joined = _joined(rows[:data])
    if not _names_each(rows[header], rows[data]) and _names_each(joined, rows[data]):
        return structs.replace(sheet, columns=joined, sample=sheet.sample[data - 1 :], below=data - 1)
    below = rows[header + 1 : data]
    return structs.replace(
        sheet,
        columns=rows[header],
        sample=sheet.sample[data - 1 :],
        above=sheet.above + header,
        below=len(below),
        skipped=sheet.skipped + header,
        units=tuple(dict.fromkeys(cell for row in below for cell in row if cell)),
    )


def _names_each(row: Cells, data: Cells) -> bool:
    """Whether a row has a name of its own for each column that holds data."""
    names = [name for name, cell in zip(row, data, strict=True) if cell]
    return all(names) and len(set(names)) == len(names)


def _names_the_time(row: Cells, data: Cells) -> bool:
    """Whether a row has a name for each column, and one of a time for that of the times."""
    if not all(name for name, cell in zip(row, data, strict=True) if cell):
        return False
    times = [name for name, cell in zip(row, data, strict=True) if is_date(cell)]
    return any(TIME_NAME.search(name) or PART_OF_A_TIME_NAME.search(name) for name in times)


def _stand_above_data(rows: Sequence[Cells], below: Sequence[Cells]) -> bool:
    """Whether some cells below the header are text above numbers or times."""
    places = [place for place in range(len(rows[0])) if any(_is_data(row[place]) for row in below)]
    return any(row[place].lower() not in MISSING for row in rows[1:] for place in places)


def _joined(rows: Sequence[Cells]) -> Cells:
    """Names of all rows; as in merged cells, one goes on to the right until the next where others lie below it."""
    names = [""] * len(rows[0])
    for number, row in enumerate(rows):
        last = ""
        for place, cell in enumerate(row):
            last = cell or last
            has_more = any(lower[place] for lower in rows[number + 1 :])
            names[place] = "/".join(filter(None, (names[place], last if has_more else cell)))
    return tuple(names)
