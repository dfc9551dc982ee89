"""Where things are found: dotted paths, the record's key, topic and headers, and names put together of these.

All texts are compiled once. What cannot be compiled is a `FieldError`, whose message is the fix.
"""

import json
import math
import re
from typing import Literal, Protocol

import msgspec

from pipeline.json_text import inner, loosely
from pipeline.messages import Record

Keys = Literal["utf8", "int", "hex", "json", "windowed"]
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


class Field(Protocol):
    """Where one thing is found."""

    @property
    def text(self) -> str:
        """How the settings spell it."""
        ...

    def find(self, place: Place) -> object:
        """What lies there, or `UNSET`. Raises FieldError where bytes are no text."""
        ...


class Path:
    """A dotted path, such as ``data.value``, ``labels."app.io/name"``, ``points.0`` or ``tags[key=host].value``.

    A key that is spelt exactly like the path, or like the rest of it, goes before its parts. A name in double quotes
    is one key; a number, alone or in brackets, is a place in an array; ``[key=host]`` is the first object of an array
    whose ``key`` is ``host``. Where the path goes on from a text, the text is read as JSON.

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


class Header:
    """A header of the record, the last of its name."""

    def __init__(self, name: str) -> None:
        self.text = f"{{header:{name}}}"
        self._name = name

    def find(self, place: Place) -> object:
        """Its text."""
        contents = [content for name, content in place.record.headers if name == self._name]
        if not contents or contents[-1] is None:
            return UNSET
        return _utf8(contents[-1], f"the header `{self._name}`")


class Key:
    """The record's key."""

    text = "{key}"

    def __init__(self, kind: Keys) -> None:
        self._kind = kind

    def find(self, place: Place) -> object:
        """Its text."""
        key = place.record.key
        return key_text(key, self._kind) if key else UNSET


class Topic:
    """The name of the record's topic."""

    text = "{topic}"

    def find(self, place: Place) -> object:
        """Its text."""
        return place.record.topic


class Template:
    """Constant text and fields by turns, such as ``{name}/{tags.host}``.

    Attributes
    ----------
    text
        How the settings spell it.
    fields
        Those that it names.
    """

    def __init__(self, text: str, parts: tuple[str | Field, ...]) -> None:
        self.text = text
        self.parts = parts
        self.fields = tuple(part for part in parts if not isinstance(part, str))

    def find(self, place: Place) -> object:
        """Its text; of a single field what lies there; `UNSET` if any of its fields is absent or null."""
        if len(self.parts) == 1 and self.fields:
            return self.fields[0].find(place)
        texts = [part if isinstance(part, str) else as_text(part.find(place)) for part in self.parts]
        return UNSET if None in texts else "".join(text for text in texts if text is not None)


def as_text(found: object) -> str | None:
    """The text of a string, a number or a boolean; None of anything else."""
    if type(found) is str:
        return found
    if type(found) is bool:
        return "true" if found else "false"
    if type(found) is int or (type(found) is float and math.isfinite(found)):
        return str(found)
    return None


def key_text(key: bytes, kind: Keys) -> str:
    """Read a key as text; raises FieldError if it is not of that kind."""
    if kind == "hex":
        return key.hex()
    if kind == "utf8":
        return _utf8(key, "the key", '; set events.key = "int" or "hex"')
    if kind == "json":
        return _json_key(_utf8(unframed(key), "the key", '; set events.key = "int" or "hex"'))
    if kind == "windowed":
        return _utf8(key[:-8], "the key without the 8 bytes of its window")
    if len(key) not in (4, 8):
        raise FieldError(f'the key has {len(key)} bytes, and events.key = "int" expects 4 or 8')
    return str(int.from_bytes(key, "big", signed=True))


def unframed(key: bytes) -> bytes:
    """A key of JSON without the five bytes of a schema registry before it."""
    is_framed = key[:1] == b"\0" and key[5:6] in (b"{", b"[", b'"')
    return key[5:] if is_framed else key


def _json_key(text: str) -> str:
    """A JSON text or number; of an object its values with `/` between them; behind Kafka Connect's schema the payload.

    Keys that are no JSON are taken as text, as some producers of a topic may write them so.
    """
    try:
        found = loosely(text)
    except (ValueError, RecursionError):
        return text
    if type(found) is dict and found.keys() == {"schema", "payload"}:
        found = found["payload"]
    parts = [as_text(each) for each in (found.values() if type(found) is dict else [found])]
    if None in parts or not parts:
        raise FieldError(f"the key {json.dumps(text[:100])} holds no text or number, nor an object of such alone")
    return "/".join(part for part in parts if part is not None)


def _utf8(content: bytes, what: str, fix: str = "") -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise FieldError(f"{what} is not UTF-8: {error.reason} at byte {error.start}{fix}") from None


def is_template(text: str) -> bool:
    """Whether a text is a constant or has fields in braces: no mere path."""
    return "{" in text or _CONSTANT.fullmatch(text) is not None


def template(text: str, keys: Keys = "utf8") -> Template:
    """Compile a path, a template with fields in braces, or a constant in single quotes.

    Raises
    ------
    FieldError
        It is none of them.
    """
    constant = _CONSTANT.fullmatch(text)
    if constant:
        return Template(text, (constant[1],))
    if "{" not in text and "}" not in text:
        return Template(text, (Path(text),))
    parts: list[str | Field] = []
    at = 0
    for match in _BRACES.finditer(text):
        parts += _constant(text[at : match.start()], text)
        parts.append(_field(match[1], keys))
        at = match.end()
    return Template(text, (*parts, *_constant(text[at:], text)))


def one_field(text: str, keys: Keys = "utf8") -> Field:
    """Compile a path, or one field in braces; raises FieldError if it is neither."""
    compiled = template(text, keys)
    if len(compiled.parts) != 1 or not compiled.fields:
        raise FieldError(f"{json.dumps(text)} is not one field; expected a dotted path, {_IN_BRACES}")
    return compiled.fields[0]


_CONSTANT = re.compile(r"'([^']+)'")
_BRACES = re.compile(r"\{((?:[^{}\"]|\"[^\"]*\")*)\}")
_IN_BRACES = "or {key}, {topic} or {header:NAME}"


def _constant(text: str, whole: str) -> list[str | Field]:
    if "{" in text or "}" in text:
        raise FieldError(
            f"{json.dumps(whole)} has a brace without its partner; expected such as {{name}}/{{tags.host}}"
        )
    return [text] if text else []


def _field(inner: str, keys: Keys) -> Field:
    name = inner.strip()
    if name == "key":
        return Key(keys)
    if name == "topic":
        return Topic()
    if name.startswith("header:") and len(name) > len("header:"):
        return Header(name.removeprefix("header:"))
    if _NO_HEADER.match(name):
        raise FieldError(f"{json.dumps(f'{{{inner}}}')} is no header; expected {{header:NAME}}")
    return Path(name)


_NO_HEADER = re.compile(r"headers?\s*:", re.IGNORECASE)


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


_STEP = re.compile(r'"([^"]+)"|([^."\[\]]+)|\[(-?\d+)\]|\[([^\[\]=]+)=([^\[\]]*)\]')


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
            steps.append(_Name(quoted or name, quoted is not None))
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
