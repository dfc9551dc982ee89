"""Where things are found: dotted paths, the record's key, topic and headers, and names put together of these.

All texts are compiled once. What cannot be compiled is a `FieldError`, whose message is the fix.
"""

import json
import re
from typing import Literal, Protocol

from pipeline.events.json_text import loosely
from pipeline.events.paths import UNSET, FieldError, Path, Place, as_text

Keys = Literal["utf8", "int", "hex", "json", "windowed"]


class Field(Protocol):
    """Where one thing is found."""

    @property
    def text(self) -> str:
        """How the settings spell it."""
        ...

    def find(self, place: Place) -> object:
        """What lies there, or `UNSET`. Raises FieldError where bytes are no text."""
        ...


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


class Optional:
    """A field of a name that some events do not have, ``{tags.cpu?}``: of these it is the empty text."""

    def __init__(self, field: Field) -> None:
        self.text = f"{field.text}?"
        self.field = field

    def find(self, place: Place) -> object:
        """What lies there, or the empty text."""
        found = self.field.find(place)
        return "" if found is UNSET or found is None else found


class Template:
    """Constant text and fields by turns, such as ``{name}/{tags.host}/{tags.cpu?}``.

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
        self._may_be_empty = bool(self.fields) and all(isinstance(field, Optional) for field in self.fields)

    def find(self, place: Place) -> object:
        """Its text; of a single field what lies there; `UNSET` if a field that is not optional is absent or null.

        So it is if all of them are optional and absent.
        """
        if len(self.parts) == 1 and self.fields:
            return self.fields[0].find(place)
        texts = [part if isinstance(part, str) else as_text(part.find(place)) for part in self.parts]
        if None in texts or (self._may_be_empty and not any(field.find(place) for field in self.fields)):
            return UNSET
        return "".join(text for text in texts if text is not None)


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
    if name.endswith("?") and len(name) > 1:
        return Optional(_field(name[:-1], keys))
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
