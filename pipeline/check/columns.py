"""One field over the events of a sample: of what types its values are, and what they may be."""

import re
from collections import Counter
from collections.abc import Mapping, Set
from functools import cached_property
from typing import Literal

import msgspec

LONGEST_EXAMPLE = 60  # characters


class Column(msgspec.Struct, frozen=True, dict=True):
    """One field over the events of a sample.

    Attributes
    ----------
    path
        As the settings spell it.
    values
        What lies there, by the number of the event.
    """

    path: str
    values: dict[int, object]

    def types(self) -> Mapping[str, int]:
        """How many are of each type."""
        return self._types

    @cached_property
    def _types(self) -> Mapping[str, int]:
        return dict(Counter(map(type_of, self.values.values())).most_common())

    def texts(self) -> Set[str]:
        """The different ones, as text."""
        return self._texts

    @cached_property
    def _texts(self) -> Set[str]:
        return frozenset(map(str, self.values.values()))

    def example(self) -> str:
        """The first that is not null, in few characters."""
        known = (value for value in self.values.values() if value is not None)
        return short(next(known, None))


Type = Literal["number", "numeric text", "text", "boolean", "null", "array", "object"]


def type_of(value: object) -> Type:
    """What a value of JSON is."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "numeric text" if _NUMERIC.fullmatch(value) else "text"
    return "array" if isinstance(value, list) else "object"


_NUMERIC = re.compile(r"\s*[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
"""Not what begins with a needless zero: such are ids, or the digits of bytes."""


def short(value: object, longest: int = LONGEST_EXAMPLE) -> str:
    """A value as JSON, cut where it is long; text without quotes."""
    if isinstance(value, bytes):
        value = value.decode(errors="backslashreplace")
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def is_numeric(column: Column) -> bool:
    """Whether most of what is known of a field are numbers."""
    kinds = column.types()
    numbers = kinds.get("number", 0) + kinds.get("numeric text", 0)
    return numbers > 0 and numbers >= 0.5 * (len(column.values) - kinds.get("null", 0))


def last_name(path: str) -> str:
    """The name of a field, without what it lies in.

    >>> last_name('a.b[0].c'), last_name('a."b.c"')
    ('c', 'b.c')
    """
    return path[:-1].rpartition('"')[2] if path.endswith('"') else path.rpartition(".")[2]


def inside(found: Mapping[str, Column]) -> dict[str, Column]:
    """The fields that may hold names and values, without what envelopes bring along."""
    paths = set(found)
    prefix = _envelope(paths)
    envelope = {"specversion", "id", "type", "datacontenttype", "dataschema"} if "specversion" in paths else set()
    return {
        path: column
        for path, column in found.items()
        if path.startswith((prefix, "{")) and path not in envelope and not _is_of_before(path, paths)
    }


def _envelope(paths: set[str]) -> str:
    """Below which path a change stream keeps its rows; "" where there is none.

    Kafka Connect with schemas; Debezium and Oracle GoldenGate (`after`); Maxwell and AWS DMS (`data`).
    """
    prefix = "payload." if _has(paths, "schema.") and _has(paths, "payload.") else ""
    is_debezium = f"{prefix}op" in paths and (_has(paths, f"{prefix}after.") or _has(paths, f"{prefix}source."))
    if is_debezium or ("op_type" in paths and _has(paths, "after.")):
        return f"{prefix}after."
    is_of_rows = {"database", "table", "type"} <= paths or {"metadata.operation", "metadata.record-type"} <= paths
    return "data." if is_of_rows and _has(paths, "data.") else prefix


_BEFORE = re.compile(r"(^|\.)(old|before|previous|prev)(?=[._])")
_AFTER = ("new", "after", "current", "data")


def _is_of_before(path: str, paths: set[str]) -> bool:
    """Whether it is what a field was before, where another one says what it is now."""
    return any(_BEFORE.sub(rf"\g<1>{after}", path, count=1) in paths - {path} for after in _AFTER)


def _has(paths: set[str], prefix: str) -> bool:
    return any(path.startswith(prefix) for path in paths)
