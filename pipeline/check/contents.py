"""What records and their keys are made of."""

import base64

from pipeline.check.columns import type_of
from pipeline.check.facts import is_word
from pipeline.events.fields import unframed
from pipeline.events.framing import FramingError, documents
from pipeline.messages import Record
from pipeline.stamps import numeric

NO_JSON, BASE64 = "no JSON", "base64 of JSON"


def content_of(record: Record) -> str:
    """What a record's value is."""
    if not record.value:
        return "nothing (null, a tombstone)"
    try:
        found = documents(record, lambda text: numeric(text) is not None)
    except FramingError:
        if _is_word(record):
            return "a word"
        return NO_JSON if of_base64(record.value) is None else BASE64
    if len(found) > 1:
        return "JSON, a document a line"
    behind = " behind a schema's id" if record.value[:1] in (b"\x00", b"\x03") else ""
    behind = " behind a byte order mark" if record.value.startswith(b"\xef\xbb\xbf") else behind
    behind = " in a JSON string" if record.value[:1] == b'"' and not isinstance(found[0], str) else behind
    return f"JSON {type_of(found[0])}{behind}"


def _is_word(record: Record) -> bool:
    try:
        return bool(documents(record, is_word))
    except FramingError:
        return False


def of_base64(value: bytes) -> bytes | None:
    """The JSON that a value is base64 of, if it is."""
    try:
        text = base64.b64decode(value.strip().strip(b'"'), validate=True)
    except ValueError:
        return None
    return text if text.lstrip()[:1] in (b"{", b"[") else None


def key_of(key: bytes | None) -> str:
    """What a record's key is."""
    if not key:
        return "none"
    try:
        text = unframed(key).decode()
    except UnicodeDecodeError:
        return f"{len(key)} bytes"
    if len(key) in (4, 8) and not text.isprintable():
        return f"whole number of {len(key)} bytes"
    return "JSON" if text.startswith(("{", "[", '"')) else "text" if text.isprintable() else f"{len(key)} bytes"
