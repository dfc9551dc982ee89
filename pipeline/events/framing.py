"""From a record's bytes to JSON: frames, byte order marks and lines are taken off; what is no JSON is recognised."""

import json
import re
from collections.abc import Callable, Sequence

import msgspec

from pipeline.events.formats import FRAMES, LONGEST_WORD, of_bytes, of_text
from pipeline.events.json_text import inner, joined, loosely
from pipeline.messages import Record

BOM = b"\xef\xbb\xbf"

_FIRST_OF_FRAMES = (0x00, 0x03, BOM[0])


class FramingError(ValueError):
    """A value, or a line of it, that is no JSON.

    Attributes
    ----------
    reason
        Of a dead letter: empty, not_utf8, not_json, too_deep or binary_format.
    detail
        What was found, and what to do.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def documents(record: Record, is_word: Callable[[str], bool]) -> Sequence[object]:
    """Read a record's value.

    Parameters
    ----------
    record
        Whose.
    is_word
        Whether a text that is no JSON is a value all the same: a number, or a word for one.

    Returns
    -------
    sequence
        One document; or one of each line, a `FramingError` where a line is none.

    Raises
    ------
    FramingError
        It is no JSON.
    """
    value = record.value
    if not value:
        raise FramingError("empty", "the record has no value")
    content = _without_frame(value) if value[0] in _FIRST_OF_FRAMES else value
    try:
        document = msgspec.json.decode(content)
    except RecursionError:
        raise _too_deep(value) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _leniently(value, content, is_word)
    return (document,) if type(document) is dict else (_opened(document),)


def _opened(document: object) -> object:
    """JSON that was encoded twice is the object or array that its text holds."""
    return inner(document) if type(document) is str else document


def _without_frame(value: bytes) -> bytes:
    if value.startswith(BOM):
        return value[len(BOM) :]
    fitting = [length for first, length, _ in FRAMES if value.startswith(first) and _may_be_json(value[length:])]
    return value[fitting[0] :] if fitting else value


def _may_be_json(content: bytes) -> bool:
    return content.lstrip()[:1] in (b"{", b"[")


def _leniently(value: bytes, content: bytes, is_word: Callable[[str], bool]) -> Sequence[object]:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        is_framed, at = len(content) < len(value), error.start + len(value) - len(content)
        text_error = FramingError("not_utf8", f"{error.reason} at byte {at}; let the producer write UTF-8")
        raise text_error if is_framed else _of_bytes(value) or text_error from None
    text = text.rstrip("\0")  # some C programs send the end of their strings
    if len(text) <= LONGEST_WORD and is_word(text.strip()):
        return (text.strip(),)
    try:
        return (_json(text),)
    except FramingError as error:
        several = _lines(text) or joined(text) if error.reason == "not_json" else []
        if several:
            return several
        if error.reason == "not_json":
            raise _of_bytes(value) or _of_text(text) or error from None
        raise


def _lines(text: str) -> list[object]:
    """A document of each line that is not blank; none unless there are several, and the first is one.

    So are those of RFC 7464, each behind a record separator; there may be one alone.
    """
    lines = [line for line in _LINE_END.split(text) if line.strip()]
    if len(lines) < 1 + (text[:1] != SEPARATOR) or isinstance(_line(lines[0]), FramingError):
        return []
    return [_line(line) for line in lines]


SEPARATOR = "\x1e"
_LINE_END = re.compile(r"[\r\n\x1e]+")


def _line(line: str) -> object:
    try:
        return _json(line)
    except FramingError as error:
        return error


def _json(text: str) -> object:
    try:
        return _opened(msgspec.json.decode(text))
    except (msgspec.DecodeError, UnicodeError):
        return _loosely(text)
    except RecursionError:
        raise _too_deep(text) from None


def _loosely(text: str) -> object:
    try:
        return loosely(text)
    except RecursionError:
        raise _too_deep(text) from None
    except json.JSONDecodeError as error:
        raise FramingError("not_json", f"{error.msg} at character {error.pos}") from None


def _too_deep(value: bytes | str) -> FramingError:
    return FramingError("too_deep", f"{len(value)} bytes, nested beyond what can be read")


def _of_bytes(value: bytes) -> FramingError | None:
    """An error that tells what binary format the bytes are of, if they are of one that is known."""
    what = of_bytes(value)
    if what is None:
        return None
    return FramingError(
        "binary_format",
        f"the value is {what}; only JSON is read: let the producer or Kafka Connect write JSON (JsonConverter), or"
        " convert the topic with ksqlDB or Flink",
    )


def _of_text(text: str) -> FramingError | None:
    """An error that tells what the text is, if that is known."""
    what = of_text(text)
    return None if what is None else FramingError("not_json", what)
