"""Every field of an event by its path."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from pipeline.check.columns import Column
from pipeline.events.json_text import inner
from pipeline.events.points import as_array
from pipeline.stamps import StampError, Stamps

Nodes = tuple[object, ...]
"""An event, then what it lies in, outward."""

DEEPEST = 8  # levels of objects that are looked into
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
    node = opened(node)
    if isinstance(node, dict) and depth < DEEPEST and not _is_date(node):
        columns_ = are_columns(node)
        for name, value in node.items():
            path = joined(prefix, str(name))
            is_column = columns_ and as_array(value) is not None
            yield from [(path, value)] if is_column else _leaves(value, path, depth + 1)
    elif isinstance(node, list) and is_tuple(node):
        for place, value in enumerate(node):
            yield from _leaves(value, f"{prefix}[{place}]", depth + 1)
    elif isinstance(node, list) and any(isinstance(one, dict | list) for one in node):
        yield from _labels(node, prefix)
    elif prefix:
        yield prefix, node


def are_columns(node: Mapping[str, object]) -> bool:
    """Whether an object has arrays side by side, one of them of times: ``{"time": [..], "temp": [..]}``."""
    sides = {str(name): array for name, value in node.items() if (array := as_array(value)) is not None}
    arrays_ = {name: array for name, array in sides.items() if not is_of_events(array)}
    lengths = {len(value) for value in arrays_.values()}
    return len(arrays_) > 1 and len(lengths) == 1 and any(map(TIME_NAME.search, map(_singular, arrays_)))


def are_sides(array: Sequence[object]) -> bool:
    """Whether the arrays in an array lie side by side, times alone in the first: ``[[1769860800, ..], [21.5, ..]]``."""
    sides = [one for one in array if isinstance(one, list) and len(one) > 1]
    if len(sides) < max(len(array), 2) or len(set(map(len, sides))) > 1:
        return False
    return all(map(_is_time, sides[0])) and not any(all(map(_is_time, side)) for side in sides[1:])


def _is_time(value: object) -> bool:
    if isinstance(value, int | float) and not 1e9 < value < 1e20:
        return False
    try:
        Stamps().read(value)
    except StampError:
        return False
    return True


def _singular(name: str) -> str:
    return name.removesuffix("s")


def is_tuple(array: Sequence[object]) -> bool:
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
    quoted = name.replace('"', '""')
    spelt = name if NAME.fullmatch(name) else f'"{quoted}"'
    return f"{prefix}.{spelt}" if prefix else spelt


def opened(value: object) -> object:
    """What a text holds as JSON, if it does."""
    return inner(value) if isinstance(value, str) else value


def is_of_events(array: Sequence[object]) -> bool:
    """Whether each element of an array may be an event: an object, or an array such as ``[1769860800, 21.5]``."""
    elements = [opened(one) for one in array]
    if not elements or _is_labels(array):
        return False
    return all(isinstance(one, dict) for one in elements) or all(isinstance(one, list) for one in elements)


def _is_labels(array: Sequence[object]) -> bool:
    return all(isinstance(one, dict) and set(one) == {"key", "value"} for one in array)
