"""Arrays in the events of a topic, and objects of things alike under names: what events may be exploded from."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pipeline.check.inventory import (
    DEEPEST,
    TIME_NAME,
    are_columns,
    are_sides,
    is_of_events,
    is_tuple,
    joined,
    opened,
    view,
)
from pipeline.check.number_fields import is_time_itself
from pipeline.events.points import EACH_NAME, ZIP, zipped

MOST_LOOKED_AT = 200  # documents in which names are looked for
MOST_NAMES = 8  # of objects alike, as long as they are always the same: more are data
MOST_NUMBERS = 24  # numbers of an object that may be listed one by one


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
        node = opened(node)
        if depth > DEEPEST:
            return
        if isinstance(node, dict) and are_columns(node):
            yield from [f"{prefix}{ZIP}"] * len(zipped(node) or ())
        elif isinstance(node, dict):
            yield from self._of_object(node, prefix, depth)
        elif isinstance(node, list) and are_sides(node):
            yield from [f"{prefix}{ZIP}"] * len(zipped(node) or ())
        elif isinstance(node, list) and is_of_events(node):
            for element in node:
                yield f"{prefix}[]"
                yield from self.paths(element, f"{prefix}[]", depth + 1)
        elif isinstance(node, list) and is_tuple(node):
            for place, element in enumerate(node):
                yield from self.paths(element, f"{prefix}[{place}]", depth + 1)

    def _of_object(self, node: Mapping[str, object], prefix: str, depth: int) -> Iterator[str]:
        if prefix not in self._named:
            for name, value in node.items():
                yield from self.paths(value, joined(prefix, str(name)), depth + 1)
            return
        each = f"{prefix}.{EACH_NAME}" if prefix else EACH_NAME
        several = [value for value in map(opened, node.values()) if isinstance(value, dict | list)]
        for value in several or node.values():
            if isinstance(value, list):
                yield from self.paths(value, each, depth + 1)
            else:
                yield f"{each}[]"
                yield from self.paths(value, f"{each}[]", depth + 1)


def _gather(node: object, prefix: str, depth: int, fields: dict[str, list[dict[str, object]]]) -> None:
    """Every object by its path, as `_Arrays` spells it where no names are known yet."""
    node = opened(node)
    if depth > DEEPEST:
        return
    if isinstance(node, dict):
        fields.setdefault(prefix, []).append({str(name): opened(value) for name, value in node.items()})
        for name, value in node.items():
            _gather(value, joined(prefix, str(name)), depth + 1, fields)
    elif isinstance(node, list) and is_of_events(node):
        for element in node:
            _gather(element, f"{prefix}[]", depth + 1, fields)
    elif isinstance(node, list) and is_tuple(node):
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
    if len(seen) > 1 and all(map(is_time_itself, seen)):
        return True
    most = max(len(fields) for fields in objects)
    of_arrays = {name: value for name, value in seen.items() if isinstance(value, list) and is_of_events(value)}
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
