"""Records of many points: the arrays of `events.points` are exploded, each element an event of its own."""

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.fields import FieldError, Path

SENML = "senml"
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

    Raises
    ------
    FieldError
        One is no such path; the message says the fix.

    Examples
    --------
    >>> Points(("metrics[]",)).explode({"host": "a", "metrics": [{"v": 1}, {"v": 2}]}, None).elements[1]
    ({'v': 2}, {'host': 'a', 'metrics': [{'v': 1}, {'v': 2}]})
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(texts)
        self._is_senml = SENML in texts
        if self._is_senml and len(texts) > 1:
            raise FieldError(f"{json.dumps(SENML)} is a form of its own; give no paths beside it")
        self._paths = () if self._is_senml else tuple(_paths(text) for text in texts)

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
        for path in self._paths:
            _explode((document,), path, walk)
        return Exploded(walk.elements, len(walk.arrays), walk.arrays.count(0), len(walk.without - walk.through))


def _paths(text: str) -> tuple[Path | None, ...]:
    """The path from each array to the next; None where arrays lie in arrays."""
    *parts, end = text.split("[]")
    if end or not parts:
        raise FieldError(
            f'{json.dumps(text)} is no array to explode; end it in [], such as "metrics[]", "data.points[]" or "[]",'
            f" or give {json.dumps(SENML)}"
        )
    return tuple(Path(part.removeprefix(".")) if part else None for part in parts)


class _Walk(NamedTuple):
    """What was found so far; objects by their identity."""

    elements: list[tuple[object, ...]]
    arrays: list[int]
    without: set[int]
    through: set[int]


def _explode(nodes: tuple[object, ...], paths: tuple[Path | None, ...], walk: _Walk) -> None:
    path, *rest = paths
    found = nodes[0] if path is None else path.look(nodes[0])
    if type(found) is dict:  # some write no array around an only one
        found = [found]
    if type(found) is not list:
        walk.without.add(id(nodes[0]))
        return
    walk.arrays.append(len(found))
    walk.through.update(map(id, nodes))
    parents = nodes if path is not None else nodes[1:]
    for element in found:
        if rest:
            _explode((element, *parents), tuple(rest), walk)
        else:
            walk.elements.append((element, *parents))


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
