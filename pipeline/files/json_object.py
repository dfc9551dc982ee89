"""One JSON object as a table: its columns side by side, as arrays or, as pandas writes them, by row numbers."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

FEWEST = 2
"""Columns and rows that make a table."""
DEEPEST = 3


class JsonTable(NamedTuple):
    """The columns of a table within an object.

    Attributes
    ----------
    path
        Of the object that holds the columns, with dots; empty: the whole.
    columns
        A list of cells for each name.
    beside
        Names in the same object, and about it, that are no column.
    """

    path: str
    columns: dict[str, list[object]]
    beside: tuple[str, ...]

    def rows(self) -> Iterator[dict[str, object]]:
        """Row by row."""
        for cells in zip(*self.columns.values(), strict=True):
            yield dict(zip(self.columns, cells, strict=True))


def tables_in(whole: Mapping[str, object], path: str = "", depth: int = 0) -> list[JsonTable]:
    """All tables that lie in an object as columns."""
    columns = {name: cells for name, value in whole.items() if (cells := _cells(value)) is not None}
    longest = max(map(len, columns.values()), default=0)
    own = {name: cells for name, cells in columns.items() if len(cells) == longest}
    if len(own) >= FEWEST and longest >= FEWEST:
        return [JsonTable(path, own, tuple(name for name in whole if name not in own))]
    found: list[JsonTable] = []
    for name, value in whole.items() if depth < DEEPEST else ():
        if isinstance(value, dict):
            beside = tuple(other for other in whole if other != name)
            inner = tables_in(value, f"{path}.{name}".lstrip("."), depth + 1)
            found += [one._replace(beside=(*beside, *one.beside)) for one in inner]
    return found


def _cells(value: object) -> list[object] | None:
    """The cells of a column; None where this is none."""
    cells = list(value.values()) if isinstance(value, dict) and all(map(str.isdecimal, value)) else value
    if not isinstance(cells, list) or any(isinstance(cell, dict | list) for cell in cells):
        return None
    return cells


def arrays_of_objects(whole: Mapping[str, object], path: str = "", depth: int = 0) -> list[str]:
    """Paths of all arrays of objects, and of arrays within: each may be the table that is meant."""
    found = []
    for name, value in whole.items():
        inner = f"{path}.{name}".lstrip(".")
        if isinstance(value, list) and value and isinstance(value[0], dict):
            found.append(inner)
        elif isinstance(value, dict) and depth < DEEPEST:
            found += arrays_of_objects(value, inner, depth + 1)
    return found
