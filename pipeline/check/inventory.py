"""What lies in the events of a topic: every field with how often it is there, of what types, and what it may be."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

Nodes = tuple[object, ...]
"""An event, then what it lies in, outward."""

LONGEST_EXAMPLE = 60  # characters
DEEPEST = 8  # levels of objects that are looked into
MOST_FIELDS = 400  # of an event
NAME = re.compile(r"[^.\[\]{}\"'=\s]+")


class Column(msgspec.Struct, frozen=True):
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

    def types(self) -> dict[str, int]:
        """How many are of each type."""
        return dict(Counter(map(type_of, self.values.values())).most_common())

    def texts(self) -> set[str]:
        """The different ones, as text."""
        return {str(value) for value in self.values.values()}

    def example(self) -> str:
        """The first that is not null, in few characters."""
        known = (value for value in self.values.values() if value is not None)
        return short(next(known, None))


class Array(NamedTuple):
    """An array of objects in the events.

    Attributes
    ----------
    path
        As `events.points` spells it.
    elements
        How many it has in all.
    """

    path: str
    elements: int


def columns(events: Sequence[Nodes]) -> dict[str, Column]:
    """Every field of these events by its path, in the order in which they come."""
    found: dict[str, dict[int, object]] = {}
    for number, nodes in enumerate(events):
        for path, value in view(nodes).items():
            found.setdefault(path, {})[number] = value
    return {path: Column(path, values) for path, values in found.items()}


def view(nodes: Nodes) -> dict[str, object]:
    """The fields of an event by path; one of the event itself goes before one of what it lies in."""
    fields: dict[str, object] = {}
    for node in nodes:
        for path, value in _leaves(node, "", 0):
            if len(fields) >= MOST_FIELDS:
                return fields
            fields.setdefault(path, value)
    return fields


def _leaves(node: object, prefix: str, depth: int) -> Iterator[tuple[str, object]]:
    """What lies below a node and is no object and no array of objects."""
    if isinstance(node, dict) and depth < DEEPEST and not _is_date(node):
        for name, value in node.items():
            yield from _leaves(value, _joined(prefix, str(name)), depth + 1)
    elif isinstance(node, list) and any(isinstance(one, dict | list) for one in node):
        yield from _labels(node, prefix)
    elif prefix:
        yield prefix, node


def _labels(array: Sequence[object], prefix: str) -> Iterator[tuple[str, object]]:
    """What OpenTelemetry's attributes hold: ``[{"key": "host", "value": {"stringValue": "a"}}]``, and their like."""
    for element in array:
        if not isinstance(element, dict):
            return
        for key in ("key", "name"):
            name = element.get(key)
            if isinstance(name, str) and "value" in element and NAME.fullmatch(name):
                yield from _leaves(element["value"], f"{prefix}[{key}={name}].value", DEEPEST - 1)
                break


def _is_date(node: Mapping[str, object]) -> bool:
    return len(node) == 1 and "$date" in node


def _joined(prefix: str, name: str) -> str:
    spelt = name if NAME.fullmatch(name) else f'"{name}"'
    return f"{prefix}.{spelt}" if prefix else spelt


def arrays(documents: Sequence[object]) -> list[Array]:
    """Arrays of objects (and arrays in arrays) that events may be exploded from, the innermost first."""
    counts: Counter[str] = Counter()
    for document in documents:
        counts.update(_arrays(document, "", 0))
    return [
        Array(path, count) for path, count in sorted(counts.items(), key=lambda one: (-one[0].count("[]"), -one[1]))
    ]


def _arrays(node: object, prefix: str, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        return
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _arrays(value, _joined(prefix, str(name)), depth + 1)
    elif isinstance(node, list) and node and all(isinstance(one, dict) for one in node) and not _is_labels(node):
        for element in node:
            yield f"{prefix}[]"
            yield from _arrays(element, f"{prefix}[]", depth + 1)


def _is_labels(array: Sequence[object]) -> bool:
    return all(isinstance(one, dict) and set(one) == {"key", "value"} for one in array)


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


_NUMERIC = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


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


def inside(found: Mapping[str, Column]) -> dict[str, Column]:
    """The fields that may hold names and values, without what envelopes bring along."""
    paths = set(found)
    is_connect = _has(paths, "schema.") and _has(paths, "payload.")
    prefix = "payload." if is_connect else ""
    is_debezium = f"{prefix}op" in paths and (_has(paths, f"{prefix}after.") or _has(paths, f"{prefix}source."))
    prefix += "after." if is_debezium else ""
    envelope = {"specversion", "id", "type", "datacontenttype", "dataschema"} if "specversion" in paths else set()
    return {path: column for path, column in found.items() if path.startswith((prefix, "{")) and path not in envelope}


def _has(paths: set[str], prefix: str) -> bool:
    return any(path.startswith(prefix) for path in paths)
