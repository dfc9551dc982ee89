"""JSON as rows of text cells: an object a line, or an array of objects; fields within fields by dotted paths."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pipeline.files.file_options import Cells
from pipeline.files.packing import TableError

BOM = b"\xef\xbb\xbf"


def is_json(plain: Path) -> bool:
    """Whether a file begins as JSON does."""
    head = _head(plain)
    return head.startswith(b"{") or re.match(rb"\[\s*\{", head) is not None


def _head(plain: Path) -> bytes:
    with open(plain, "rb") as file:
        return file.read(4096).removeprefix(BOM).lstrip()


def _objects(path: Path, plain: Path) -> Iterator[dict[str, object]]:
    """The objects of a file: one a line, or those of the array that it is."""
    with open(plain, "rb") as file:
        if _head(plain).startswith(b"["):
            yield from _of_array(path, file.read().removeprefix(BOM))
            return
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield msgspec.json.decode(line.removeprefix(BOM), type=dict[str, object])
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise _no_object(path, plain, number, error) from None


def _of_array(path: Path, content: bytes) -> list[dict[str, object]]:
    try:
        return msgspec.json.decode(content, type=list[dict[str, object]])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TableError(f"{path} is not an array of JSON objects: {error}") from None


def _no_object(path: Path, plain: Path, number: int, error: Exception) -> TableError:
    """What is said of a line that is no object; of a file that is one object, what of it may be the table."""
    try:
        whole = msgspec.json.decode(plain.read_bytes().removeprefix(BOM))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return TableError(f"{path}, line {number} is not a JSON object: {error}; expected one a line")
    return _one_object(path, whole)


def _one_object(path: Path, whole: object) -> TableError:
    fields = whole if isinstance(whole, dict) else {}
    arrays = [
        name for name, value in fields.items() if isinstance(value, list) and value and isinstance(value[0], dict)
    ]
    told = f"; write its array `{arrays[0]}` alone to a file, as jq .{arrays[0]} does" if arrays else ""
    return TableError(f"{path} is one JSON object, not one for each row{told}")


def json_columns(path: Path, plain: Path) -> Cells:
    """The paths of all fields, in the order in which they come."""
    names: dict[str, None] = {}
    count = 0
    for one in _objects(path, plain):
        names |= dict.fromkeys(_flat(one))
        count += 1
    if count == 1 and any(isinstance(value, list) and value and isinstance(value[0], dict) for value in one.values()):
        raise _one_object(path, one)
    return tuple(names)


def json_rows(path: Path, plain: Path, columns: Cells) -> Iterator[Cells]:
    """The cells of each object, "" where it has no such field."""
    for one in _objects(path, plain):
        flat = _flat(one)
        yield tuple(flat.get(name, "") for name in columns)


def _flat(event: dict[str, object], before: str = "") -> dict[str, str]:
    """Cells by dotted path."""
    cells: dict[str, str] = {}
    for name, value in event.items():
        if isinstance(value, dict):
            cells |= _flat(value, f"{before}{name}.")
        elif isinstance(value, str):
            cells[before + name] = value.strip()
        else:
            cells[before + name] = "" if value is None else msgspec.json.encode(value).decode()
    return cells
