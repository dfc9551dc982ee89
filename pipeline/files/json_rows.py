"""JSON as rows of text cells: an object a line, an array of objects, or one object of columns.

Fields within fields have dotted paths.
"""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pipeline.files.file_options import Cells
from pipeline.files.json_object import JsonTable, arrays_of_objects, tables_in
from pipeline.files.packing import TableError

BOM = b"\xef\xbb\xbf"
SHOWN = 3


def is_json(plain: Path) -> bool:
    """Whether a file begins as JSON does."""
    head = _head(plain)
    return head.startswith(b"{") or re.match(rb"\[\s*[\[{]", head) is not None


def json_columns(path: Path, plain: Path) -> tuple[Cells, str]:
    """The paths of all fields, in the order in which they come, and what is not used beside them, in words."""
    names: dict[str, None] = {}
    for one in _objects(path, plain):
        names |= dict.fromkeys(_flat(one))
    if not _is_one_object(plain):
        return tuple(names), ""
    table = _table(path, plain)
    return tuple(names), f"{', '.join(table.beside)} (beside the columns)" if table.beside else ""


def json_rows(path: Path, plain: Path, columns: Cells) -> Iterator[Cells]:
    """The cells of each object, "" where it has no such field."""
    for one in _objects(path, plain):
        flat = _flat(one)
        yield tuple(flat.get(name, "") for name in columns)


def _head(plain: Path) -> bytes:
    with open(plain, "rb") as file:
        return file.read(4096).removeprefix(BOM).lstrip()


def _objects(path: Path, plain: Path) -> Iterator[dict[str, object]]:
    """The objects of a file: one a line, those of the array that it is, or the rows of the columns in the one it is."""
    if _head(plain).startswith(b"["):
        yield from _of_array(path, plain)
        return
    if _is_one_object(plain):
        yield from _table(path, plain).rows()
        return
    with open(plain, "rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _of_line(path, number, line.removeprefix(BOM))


def _decoded(content: bytes) -> object:
    """What the JSON says, NaN and Infinity as Python writes them included; raises ValueError where it is none."""
    try:
        return msgspec.json.decode(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if b"NaN" in content or b"Infinity" in content:
            return json.loads(content)
        raise ValueError(str(error)) from None


def _of_array(path: Path, plain: Path) -> Iterator[dict[str, object]]:
    try:
        found = _decoded(plain.read_bytes().removeprefix(BOM).strip())
    except ValueError as error:
        raise TableError(f"{path} is no array of JSON objects: {error}") from None
    for number, one in enumerate(found if isinstance(found, list) else [], start=1):
        if isinstance(one, list):
            raise TableError(
                f"{path} is a JSON array of arrays, whose columns have no names; write CSV with a header above it, as"
                " jq -r '.[] | @csv' does"
            )
        if not isinstance(one, dict):
            raise TableError(f"{path}: element {number} of the array is no object")
        yield one


def _of_line(path: Path, number: int, line: bytes) -> dict[str, object]:
    try:
        found = _decoded(line)
    except ValueError as error:
        fix = "expected one a line, as jq -c . writes them"
        raise TableError(f"{path}, line {number} is not a JSON object: {error}; {fix}") from None
    if not isinstance(found, dict):
        raise TableError(f"{path}, line {number} is not a JSON object; expected one a line, as jq -c . writes them")
    return found


def _is_one_object(plain: Path) -> bool:
    """Whether the first line is not an object with another one behind it."""
    with open(plain, "rb") as file:
        filled = (line for line in file if line.strip())
        first, second = next(filled, b""), next(filled, b"")
    if not _head(plain).startswith(b"{"):
        return False
    try:
        is_object = isinstance(_decoded(first.removeprefix(BOM)), dict)
    except ValueError:
        return not second.lstrip().startswith(b"{")
    return is_object and not second and _holds_tables(first.removeprefix(BOM))


def _holds_tables(line: bytes) -> bool:
    """Whether the only object of a file holds arrays; else it is one row."""
    whole = _decoded(line)
    return isinstance(whole, dict) and bool(tables_in(whole) or arrays_of_objects(whole))


def _table(path: Path, plain: Path) -> JsonTable:
    """The columns in the one object that a file is."""
    try:
        whole = _decoded(plain.read_bytes().removeprefix(BOM))
    except ValueError as error:
        fix = "expected one object a line, as jq -c . writes them"
        raise TableError(f"{path} is not JSON: {error}; {fix}") from None
    tables = tables_in(whole) if isinstance(whole, dict) else []
    arrays = arrays_of_objects(whole) if isinstance(whole, dict) else []
    if len(tables) == 1 and not arrays:
        return tables[0]
    paths = [*arrays, *(table.path for table in tables)]
    told = "; write its " + " or ".join(
        f"{'array' if one in arrays else 'columns in'} `{one}` alone to a file, as jq .{one} does"
        for one in paths[:SHOWN]
    )
    raise TableError(f"{path} is one JSON object, not one for each row{told if paths else ''}")


def _flat(event: dict[str, object], before: str = "") -> dict[str, str]:
    """Cells by dotted path."""
    cells: dict[str, str] = {}
    for name, value in event.items():
        if isinstance(value, dict):
            cells |= _flat(value, f"{before}{name}.")
        elif isinstance(value, str):
            cells[before + name] = value.strip()
        elif isinstance(value, float) and not math.isfinite(value):
            cells[before + name] = str(value)
        else:
            cells[before + name] = "" if value is None else msgspec.json.encode(value).decode()
    return cells
