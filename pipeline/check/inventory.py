"""What lies in the events of a topic: every field with how often it is there, of what types, and what it may be."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Literal, NamedTuple

import msgspec

from pipeline.json_text import inner
from pipeline.points import EACH_NAME, ZIP

Nodes = tuple[object, ...]
"""An event, then what it lies in, outward."""

LONGEST_EXAMPLE = 60  # characters
DEEPEST = 8  # levels of objects that are looked into
MOST_LOOKED_AT = 200  # documents in which names are looked for
MOST_NAMES = 8  # of objects alike, as long as they are always the same: more are data
MOST_NUMBERS = 24  # numbers of an object that may be listed one by one
LONGEST_TUPLE = 12  # places of an array that are fields of their own
MOST_FIELDS = 400  # of an event
NAME = re.compile(r"[^.\[\]{}\"'=\s]+")
TIME_NAME = re.compile(
    r"(^|[._@-])(ts|t|bt|dt|time|times|timestamp|datetime|date|when|at|epoch|clock|moment|zeit|fecha|day)"
    r"([._-]?(ms|us|ns|s|utc|unix|nano|nanos|millis))*$|(time|timestamp|_at|_ts|_time|date|UnixNano|_changed|_updated)$"
    r"|(?-i:[a-z](At|Ts)$)",
    re.IGNORECASE,
)
"""What fields of times are called."""


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
    """An array of objects or arrays in the events, or an object of things alike, each under its name.

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
    known: dict[int, list[tuple[str, object]]] = {}
    for number, nodes in enumerate(events):
        for path, value in view(nodes, known).items():
            found.setdefault(path, {})[number] = value
    return {path: Column(path, values) for path, values in found.items()}


def view(nodes: Nodes, known: dict[int, list[tuple[str, object]]] | None = None) -> dict[str, object]:
    """The fields of an event by path; one of the event itself goes before one of what it lies in.

    Parameters
    ----------
    nodes
        The event, then what it lies in, outward.
    known
        Fields of what other events lie in, too, by its identity; it is added to. None: nothing is.
    """
    fields: dict[str, object] = {}
    for place, node in enumerate(nodes):
        leaves = _leaves(node, "", 0) if known is None or place == 0 else _known_leaves(node, known)
        for path, value in leaves:
            if len(fields) >= MOST_FIELDS:
                return fields
            fields.setdefault(path, value)
    return fields


def _known_leaves(node: object, known: dict[int, list[tuple[str, object]]]) -> list[tuple[str, object]]:
    leaves = known.get(id(node))
    if leaves is None:
        leaves = known[id(node)] = list(islice(_leaves(node, "", 0), MOST_FIELDS))
    return leaves


def _leaves(node: object, prefix: str, depth: int) -> Iterator[tuple[str, object]]:
    """What lies below a node and is no object and no array of objects."""
    node = inner(node) if isinstance(node, str) else node
    if isinstance(node, dict) and depth < DEEPEST and not _is_date(node):
        columns_ = are_columns(node)
        for name, value in node.items():
            path = joined(prefix, str(name))
            yield from [(path, value)] if columns_ and isinstance(value, list) else _leaves(value, path, depth + 1)
    elif isinstance(node, list) and _is_tuple(node):
        for place, value in enumerate(node):
            yield from _leaves(value, f"{prefix}[{place}]", depth + 1)
    elif isinstance(node, list) and any(isinstance(one, dict | list) for one in node):
        yield from _labels(node, prefix)
    elif prefix:
        yield prefix, node


def are_columns(node: Mapping[str, object]) -> bool:
    """Whether an object has arrays side by side, one of them of times: ``{"time": [..], "temp": [..]}``."""
    arrays_ = {str(name): value for name, value in node.items() if isinstance(value, list) and not _is_of_events(value)}
    lengths = {len(value) for value in arrays_.values()}
    return len(arrays_) > 1 and len(lengths) == 1 and any(map(TIME_NAME.search, map(_singular, arrays_)))


def _singular(name: str) -> str:
    return name.removesuffix("s")


def _is_tuple(array: Sequence[object]) -> bool:
    """Whether each place of an array may have a meaning of its own: ``[1769860800, 21.5]``, ``[1769860800, {..}]``."""
    numbers = sum(isinstance(one, int | float) and not isinstance(one, bool) for one in array)
    return len(array) <= LONGEST_TUPLE and numbers > 0 and not any(isinstance(one, list) for one in array)


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


def joined(prefix: str, name: str) -> str:
    """The path of a field below another one."""
    spelt = name if NAME.fullmatch(name) else f'"{name}"'
    return f"{prefix}.{spelt}" if prefix else spelt


def arrays(documents: Sequence[object]) -> list[Array]:
    """Arrays of objects (and arrays in arrays) that events may be exploded from, the innermost first."""
    found = _Arrays(documents)
    counts = Counter(path for document in documents for path in found.paths(document, "", 0))
    ordered = sorted(counts.items(), key=lambda one: (-one[0].count("["), -one[1]))
    return [Array(path, count) for path, count in ordered]


class _Arrays:
    """Walks through documents, and knows which of their objects hold things alike under names."""

    def __init__(self, documents: Sequence[object]) -> None:
        fields: dict[str, list[dict[str, object]]] = {}
        for document in documents[:MOST_LOOKED_AT]:
            _gather(document, "", 0, fields)
        self._named = {path for path, objects in fields.items() if _are_named(objects)}

    def paths(self, node: object, prefix: str, depth: int) -> Iterator[str]:
        """The path of each element of each array."""
        node = inner(node) if isinstance(node, str) else node
        if depth > DEEPEST:
            return
        if isinstance(node, dict) and are_columns(node):
            yield from [f"{prefix}{ZIP}"] * max(len(value) for value in node.values() if isinstance(value, list))
        elif isinstance(node, dict):
            yield from self._of_object(node, prefix, depth)
        elif isinstance(node, list) and _is_of_events(node):
            for element in node:
                yield f"{prefix}[]"
                yield from self.paths(element, f"{prefix}[]", depth + 1)
        elif isinstance(node, list) and _is_tuple(node):
            for place, element in enumerate(node):
                yield from self.paths(element, f"{prefix}[{place}]", depth + 1)

    def _of_object(self, node: Mapping[str, object], prefix: str, depth: int) -> Iterator[str]:
        if prefix not in self._named:
            for name, value in node.items():
                yield from self.paths(value, joined(prefix, str(name)), depth + 1)
            return
        each = f"{prefix}.{EACH_NAME}" if prefix else EACH_NAME
        several = [value for value in map(_opened, node.values()) if isinstance(value, dict | list)]
        for value in several or node.values():
            if isinstance(value, list):
                yield from self.paths(value, each, depth + 1)
            else:
                yield f"{each}[]"
                yield from self.paths(value, f"{each}[]", depth + 1)


def _opened(value: object) -> object:
    return inner(value) if isinstance(value, str) else value


def _gather(node: object, prefix: str, depth: int, fields: dict[str, list[dict[str, object]]]) -> None:
    """Every object by its path, as `_Arrays` spells it where no names are known yet."""
    node = _opened(node)
    if depth > DEEPEST:
        return
    if isinstance(node, dict):
        fields.setdefault(prefix, []).append({str(name): _opened(value) for name, value in node.items()})
        for name, value in node.items():
            _gather(value, joined(prefix, str(name)), depth + 1, fields)
    elif isinstance(node, list) and _is_of_events(node):
        for element in node:
            _gather(element, f"{prefix}[]", depth + 1, fields)
    elif isinstance(node, list) and _is_tuple(node):
        for place, element in enumerate(node):
            _gather(element, f"{prefix}[{place}]", depth + 1, fields)


def _are_named(objects: Sequence[Mapping[str, object]]) -> bool:
    """Whether the fields of these objects are things alike, whose names are data.

    Arrays of events with times under two names or more are; so are objects, where the names come and go or are many,
    and numbers where they are more than anybody lists.
    """
    seen: dict[str, object] = {}
    for fields in objects:
        seen.update(fields)
    most = max(len(fields) for fields in objects)
    of_arrays = {name: value for name, value in seen.items() if isinstance(value, list) and _is_of_events(value)}
    of_objects = {name: value for name, value in seen.items() if isinstance(value, dict)}
    if len(of_arrays) > 1 and not of_objects:
        return _are_alike([_shape(one) for value in of_arrays.values() for one in value[:2]])
    if len(of_objects) > 1 and not of_arrays:
        several = len(of_objects) > min(most, MOST_NAMES)
        return several and _are_alike([_shape(value) for value in of_objects.values()])
    bare = [value for value in seen.values() if isinstance(value, int | float) and not isinstance(value, bool)]
    is_timed = any(map(TIME_NAME.search, seen))
    return len(seen) > MOST_NUMBERS and len(bare) == len(seen) and not is_timed


def _shape(element: object) -> frozenset[str]:
    """The fields that an element has; the places of an array."""
    return frozenset(view((element,)))


def _are_alike(shapes: Sequence[frozenset[str]]) -> bool:
    """Whether most have a field in common, and hardly more than that."""
    common = Counter(name for shape in shapes for name in shape)
    usual = {name for name, count in common.items() if 2 * count > len(shapes)}
    return bool(usual) and all(2 * len(usual & shape) > len(shape) for shape in shapes)


def _is_of_events(array: Sequence[object]) -> bool:
    """Whether each element of an array may be an event: an object, or an array such as ``[1769860800, 21.5]``."""
    elements = [_opened(one) for one in array]
    if not elements or _is_labels(array):
        return False
    return all(isinstance(one, dict) for one in elements) or all(isinstance(one, list) for one in elements)


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


_NUMERIC = re.compile(r"\s*[+-]?((0|[1-9]\d*)\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
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


def inside(found: Mapping[str, Column]) -> dict[str, Column]:
    """The fields that may hold names and values, without what envelopes bring along."""
    paths = set(found)
    is_connect = _has(paths, "schema.") and _has(paths, "payload.")
    prefix = "payload." if is_connect else ""
    is_debezium = f"{prefix}op" in paths and (_has(paths, f"{prefix}after.") or _has(paths, f"{prefix}source."))
    prefix += "after." if is_debezium else ""
    envelope = {"specversion", "id", "type", "datacontenttype", "dataschema"} if "specversion" in paths else set()
    return {
        path: column
        for path, column in found.items()
        if path.startswith((prefix, "{")) and path not in envelope and not _is_of_before(path, paths)
    }


_BEFORE = re.compile(r"(^|\.)(old|before|previous|prev)(?=[._])")
_AFTER = ("new", "after", "current")


def _is_of_before(path: str, paths: set[str]) -> bool:
    """Whether it is what a field was before, where another one says what it is now."""
    return any(_BEFORE.sub(rf"\g<1>{after}", path, count=1) in paths - {path} for after in _AFTER)


def _has(paths: set[str], prefix: str) -> bool:
    return any(path.startswith(prefix) for path in paths)
