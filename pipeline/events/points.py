"""Records of many points: the arrays of `events.points` are exploded, each element an event of its own."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.events.json_text import inner
from pipeline.events.paths import FieldError, Path

SENML = "senml"
ZIP = "[zip]"
EACH_NAME = "*"
"""In a path each name of an object; of an element the field that holds its name."""
SENML_RELATIVE = 2**28  # seconds: below it a time of SenML is relative to now (RFC 8428, 4.5.3)
LARGEST = 1e30


class Exploded(NamedTuple):
    """What a record's arrays hold.

    Attributes
    ----------
    elements
        Each with what it lies in, outward.
    arrays, empty
        How many were found, and how many of them are empty.
    without
        How many objects on the way lack every array that a path goes on with.
    """

    elements: list[tuple[object, ...]]
    arrays: int
    empty: int
    without: int


class Points:
    """The arrays to explode: paths such as ``metrics[]``, ``resource[].metrics[].points[]``, ``[]``; or ``senml``.

    A ``*`` in a path stands for each name of an object: ``*[]`` reads ``{"device-1": [..], "device-2": [..]}``. Of
    each element the field ``*`` is that name; of several, all of them with ``/`` between them. ``hourly[zip]`` reads
    arrays side by side, ``{"hourly": {"time": [..], "temp": [..]}}``: its elements are the rows.

    Raises
    ------
    FieldError
        One is no such path; the message says the fix.

    Examples
    --------
    >>> Points(("metrics[]",)).explode({"host": "a", "metrics": [{"v": 1}, {"v": 2}]}, None).elements[1]
    ({'v': 2}, {'host': 'a', 'metrics': [{'v': 1}, {'v': 2}]})
    >>> Points(("*[]",)).explode({"a": [{"v": 1}], "b": [{"v": 2}]}, None).elements[1][:2]
    ({'v': 2}, {'*': 'b'})
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(texts)
        self._is_senml = SENML in texts
        if self._is_senml and len(texts) > 1:
            raise FieldError(f"{json.dumps(SENML)} is a form of its own; give no paths beside it")
        self._ways = () if self._is_senml else tuple(_way(text) for text in texts)

    def explode(self, document: object, now: float | None) -> Exploded:
        """Take a record's value apart.

        Parameters
        ----------
        document
            As JSON gives it.
        now
            The record's own time in seconds, to which times of SenML may be relative; None if it has none.
        """
        if self._is_senml:
            return _senml(document, now)
        walk = _Walk([], [], set(), set())
        for way in self._ways:
            _explode((document,), way, "", walk)
        return Exploded(walk.elements, len(walk.arrays), walk.arrays.count(0), len(walk.without - walk.through))


class _Hop(NamedTuple):
    """One array or object on the way to the elements.

    Attributes
    ----------
    path
        Leads there from the one before; None: it is an element of that one itself.
    by_name
        Whether it is an object, each of whose fields is gone into.
    is_named
        Whether it is a field of such an object: it may then be one element alone.
    is_zipped
        Whether it is an object of arrays side by side.
    """

    path: Path | None
    by_name: bool = False
    is_named: bool = False
    is_zipped: bool = False


_EACH_NAME = re.compile(r"(?:^|(?<=\.))\*(?=\.|$)")


def _way(text: str) -> tuple[_Hop, ...]:
    """The hops from a document to its elements."""
    *parts, end = _ARRAY.split(text)
    if end or not parts:
        raise FieldError(
            f'{json.dumps(text)} is no array to explode; end it in [], such as "metrics[]", "data.points[]", "*[]" or'
            f' "[]", in [zip] where arrays lie side by side, or give {json.dumps(SENML)}'
        )
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return tuple(hop for part, array in pairs for hop in _hops(part.removeprefix("."), array == ZIP))


_ARRAY = re.compile(r"(\[\]|\[zip\])")


def _hops(part: str, is_zipped: bool) -> Iterator[_Hop]:
    """Of one part of a path, up to its array: the objects gone into by name, then the array."""
    *objects, rest = _EACH_NAME.split(part)
    for index, before in enumerate(objects):
        yield _Hop(_path(before.strip(".")), by_name=True, is_named=index > 0)
    rest = rest.removeprefix(".") if objects else rest
    yield _Hop(_path(rest), is_named=bool(objects) and not rest and not is_zipped, is_zipped=is_zipped)


def _path(text: str) -> Path | None:
    return Path(text) if text else None


class _Walk(NamedTuple):
    """What was found so far; objects by their identity."""

    elements: list[tuple[object, ...]]
    arrays: list[int]
    without: set[int]
    through: set[int]


def _explode(nodes: tuple[object, ...], way: tuple[_Hop, ...], name: str, walk: _Walk) -> None:
    hop, *rest = way
    found = nodes[0] if hop.path is None else hop.path.look(nodes[0])
    found = inner(found) if type(found) is str else found
    parents = nodes if hop.path is not None or hop.by_name else nodes[1:]
    if hop.is_zipped:
        parents = (found, *parents)
    if hop.by_name:
        _by_name(found, parents, tuple(rest), name, walk)
        return
    if hop.is_zipped:
        found = zipped(found)
    elif type(found) is dict or (hop.is_named and type(found) is not list):  # some write no array around an only one
        found = [found]
    if type(found) is not list:
        walk.without.add(id(nodes[0]))
        return
    walk.arrays.append(len(found))
    walk.through.update(map(id, nodes))
    for each in found:
        element = inner(each) if type(each) is str else each
        if rest:
            _explode((element, *parents), tuple(rest), name, walk)
        else:
            walk.elements.append((element, *parents))


def zipped(found: object) -> list[object] | None:
    """The rows of arrays side by side, each as long as the longest allows; None where there are no arrays.

    The arrays lie in an object under their names, or in an array, all as long, whose rows are arrays then. An object
    whose names are the places 0, 1, 2, .. is an array, too: so pandas writes columns.

    >>> zipped({"t": [1, 2], "v": {"0": 5, "1": 6}}), zipped([[1, 2], [5, 6]])
    ([{'t': 1, 'v': 5}, {'t': 2, 'v': 6}], [[1, 5], [2, 6]])
    """
    if type(found) is list:
        columns = [column for column in map(as_array, found) if column is not None]
        if len(columns) < len(found) or len(set(map(len, columns))) != 1:
            return None
        return [list(row) for row in zip(*columns, strict=True)]
    if type(found) is not dict:
        return None
    arrays = {name: array for name, value in found.items() if (array := as_array(value)) is not None}
    if not arrays:
        return None
    longest = max(map(len, arrays.values()))
    return [{name: array[row] for name, array in arrays.items() if row < len(array)} for row in range(longest)]


def as_array(value: object) -> list[object] | None:
    """An array, or what an object holds whose names are the places 0, 1, 2, ..; None of anything else."""
    if type(value) is list:
        return value
    if type(value) is dict and value and list(value) == [str(place) for place in range(len(value))]:
        return list(value.values())
    return None


def _by_name(found: object, parents: tuple[object, ...], rest: tuple[_Hop, ...], name: str, walk: _Walk) -> None:
    """Go into each field of an object; beside arrays and objects, what is neither is a field of all of them."""
    if type(found) is not dict:
        walk.without.add(id(parents[0]))
        return
    walk.through.update(map(id, parents))
    fields = {key: inner(value) if type(value) is str else value for key, value in found.items()}
    several = {key: value for key, value in fields.items() if type(value) is dict or type(value) is list}
    if not fields:
        walk.arrays.append(0)
    for key, value in (several or fields).items():
        whole = f"{name}/{key}" if name else key
        around = parents if parents[0] is found else (found, *parents)
        _explode((value, {EACH_NAME: whole}, *around), rest, whole, walk)


def _senml(document: object, now: float | None) -> Exploded:
    """RFC 8428: base fields hold for their record and all behind it."""
    if type(document) is not list:
        return Exploded([], 0, 0, 0)
    return Exploded([(element,) for element in _resolved(document, now)], 1, int(not document), 0)


def _resolved(pack: list[object], now: float | None) -> Iterator[object]:
    base: dict[str, object] = {}
    for element in pack:
        if type(element) is not dict:
            yield element
            continue
        base |= {name: element[name] for name in ("bn", "bt", "bv", "bu") if name in element}
        yield _without_base(element, base, now)


def _without_base(element: dict[str, object], base: dict[str, object], now: float | None) -> dict[str, object]:
    """The element with its whole name, time and value."""
    whole = dict(element)
    names = [part for part in (base.get("bn"), element.get("n")) if type(part) is str]
    if names:
        whole["n"] = "".join(names)
    if "v" in element and "bv" in base:
        whole["v"] = _sum(base["bv"], element["v"])
    if "bu" in base:
        whole.setdefault("u", base["bu"])
    time = _sum(base.get("bt", 0), element.get("t", 0))
    is_relative = isinstance(time, int | float) and type(time) is not bool and time < SENML_RELATIVE
    whole["t"] = (None if now is None else _sum(now, time)) if is_relative else time
    return whole


def _sum(base: object, own: object) -> object:
    """Both together; what is no number stays, to be refused for what it is."""
    numbers = [number for number in (base, own) if isinstance(number, int | float) and abs(number) < LARGEST]
    if len(numbers) < 2 or type(base) is bool or type(own) is bool:
        return own
    return numbers[0] + numbers[1]
