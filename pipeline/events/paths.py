"""Dotted paths: where a value lies in a document.

All texts are compiled once. What cannot be compiled is a `FieldError`, whose message is the fix.
"""

import json
import math
import re

import msgspec

from pipeline.events.json_text import inner
from pipeline.messages import Record

UNSET = msgspec.UNSET
"""What is found where nothing is."""


class FieldError(ValueError):
    """A text that says no field, or a field whose bytes cannot be read. The message says what was expected."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a field is looked for.

    Attributes
    ----------
    record
        For its key, topic and headers.
    nodes
        Values of JSON: the event, or an element of an array and then what it lies in, outward.
    """

    record: Record
    nodes: tuple[object, ...]


class Path:
    """A dotted path, such as ``data.value``, ``labels."app.io/name"``, ``points.0`` or ``tags[key=host].value``.

    A key that is spelt exactly like the path, or like the rest of it, goes before its parts. A name in double quotes
    is one key, in which ``""`` stands for a quote; a number, alone or in brackets, is a place in an array;
    ``[key=host]`` is the first object of an array whose ``key`` is ``host``. Where the path goes on from a text, the
    text is read as JSON.

    Raises
    ------
    FieldError
        It is no path.

    Examples
    --------
    >>> Path("labels.app.io/name").look({"labels": {"app.io/name": "web"}})
    'web'
    >>> Path("payload.temp").look({"payload": '{"temp": 21}'})
    21
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._tries = _tries(_steps(text))
        self._is_name = len(self._tries) == 1 and self._tries[0].rest is None and self._tries[0].step == text

    @property
    def is_of_array(self) -> bool:
        """Whether it begins with a place in an array."""
        first = self._tries[-1].step
        return isinstance(first, _Index | _Selector) or (isinstance(first, str) and first.isdecimal())

    def look(self, node: object) -> object:
        """What lies there in one value of JSON, or `UNSET`."""
        if type(node) is dict:
            found = node.get(self.text, UNSET)
            if found is not UNSET or self._is_name:
                return found
        return _find(node, self._tries)

    def find(self, place: Place) -> object:
        """What lies there, in the first of the nodes that has it."""
        for node in place.nodes:
            found = self.look(node)
            if found is not UNSET:
                return found
        return UNSET


def as_text(found: object) -> str | None:
    """The text of a string, a number or a boolean; None of anything else."""
    if type(found) is str:
        return found
    if type(found) is bool:
        return "true" if found else "false"
    if type(found) is int or (type(found) is float and math.isfinite(found)):
        return str(found)
    return None


class _Index(msgspec.Struct, frozen=True, gc=False):
    """A place in an array."""

    place: int


class _Selector(msgspec.Struct, frozen=True, gc=False):
    """The first object of an array whose `key` is `value`."""

    key: str
    value: str


class _Name(msgspec.Struct, frozen=True, gc=False):
    """A key; in an array its place."""

    name: str
    is_quoted: bool


class _Try(msgspec.Struct, frozen=True, gc=False):
    """One way on from a node: a step, and the ways on from there; None at the end of the path."""

    step: "str | _Index | _Selector"
    rest: "tuple[_Try, ...] | None"


_STEP = re.compile(r'"((?:""|[^"])+)"|([^."\[\]]+)|\[(-?\d+)\]|\[([^\[\]=]+)=([^\[\]]*)\]')


def _steps(text: str) -> tuple[_Name | _Index | _Selector, ...]:
    steps: list[_Name | _Index | _Selector] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or ((match[1] or match[2]) and steps and text[at - 1] != "."):
            raise _no_path(text, at)
        quoted, name, index, key, value = match.groups()
        if index is not None:
            steps.append(_Index(int(index)))
        elif key is not None:
            steps.append(_Selector(key, value))
        else:
            steps.append(_Name(quoted.replace('""', '"') if quoted else name, quoted is not None))
        at = match.end()
        if text[at : at + 1] == ".":
            at += 1
            if at == len(text):
                raise _no_path(text, at)
    if not steps:
        raise _no_path(text, 0)
    return tuple(steps)


def _no_path(text: str, at: int) -> FieldError:
    return FieldError(
        f"{json.dumps(text)} is no path at character {at}; expected names with dots between them,"
        ' such as data.value, labels."app.io/name" or points[0]'
    )


def _tries(steps: tuple[_Name | _Index | _Selector, ...]) -> tuple[_Try, ...]:
    """From each step on, the most names at once that a key may be spelt like come first."""
    ways: list[tuple[_Try, ...] | None] = [None] * (len(steps) + 1)
    for begin in range(len(steps) - 1, -1, -1):
        first = steps[begin]
        if not isinstance(first, _Name):
            ways[begin] = (_Try(first, ways[begin + 1]),)
            continue
        ends = range(_end_of_names(steps, begin), begin, -1)
        names = {end: ".".join(step.name for step in steps[begin:end] if isinstance(step, _Name)) for end in ends}
        ways[begin] = tuple(_Try(names[end], ways[end]) for end in ends)
    return ways[0] or ()


def _end_of_names(steps: tuple[_Name | _Index | _Selector, ...], begin: int) -> int:
    """Where the names that may be one key end; one in quotes stands alone."""
    end = begin + 1
    while end < len(steps) and _is_bare(steps[begin]) and _is_bare(steps[end]):
        end += 1
    return end


def _is_bare(step: _Name | _Index | _Selector) -> bool:
    return isinstance(step, _Name) and not step.is_quoted


def _find(node: object, tries: tuple[_Try, ...]) -> object:
    for each in tries:
        step = each.step
        if type(step) is str and type(node) is dict:
            found = node.get(step, UNSET)
        else:
            found = _in_array(node, step) if type(node) is list else UNSET
        if found is not UNSET and each.rest is not None:
            found = _find(inner(found) if type(found) is str else found, each.rest)
        if found is not UNSET:
            return found
    return UNSET


def _in_array(node: list[object], step: str | _Index | _Selector) -> object:
    if isinstance(step, _Selector):
        return next((each for each in node if type(each) is dict and as_text(each.get(step.key)) == step.value), UNSET)
    if isinstance(step, str):
        return node[int(step)] if step.isdecimal() and len(step) < 10 and int(step) < len(node) else UNSET
    return node[step.place] if -len(node) <= step.place < len(node) else UNSET
