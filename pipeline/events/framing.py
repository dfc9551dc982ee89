"""From a record's bytes to JSON: frames, byte order marks and lines are taken off; what is no JSON is recognised."""

import json
import re
from collections.abc import Callable, Sequence

import msgspec

from pipeline.events.json_text import inner, loosely
from pipeline.messages import Record

BOM = b"\xef\xbb\xbf"
LONGEST_WORD = 100  # bytes of a value that is a bare word or number

FRAMES = ((b"\x00", 5, "a schema registry"), (b"\x00", 9, "a schema registry"), (b"\x03", 18, "AWS Glue's registry"))
"""First byte, length, and whose it is: a schema's id lies between that byte and the content."""
_FIRST_OF_FRAMES = (0x00, 0x03, BOM[0])

MARKS: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"\x04\x22\x4d\x18", "LZ4"),
    (b"BZh", "bzip2"),
    (b"PK\x03\x04", "a zip archive"),
    (b"Obj\x01", "an Avro file"),
    (b"\xc3\x01", "Avro (single object)"),
    (b"PAR1", "Parquet"),
    (b"ARROW1", "Arrow"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)


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
        is_framed = len(content) < len(value)
        text_error = FramingError("not_utf8", f"{error.reason} at byte {error.start + len(value) - len(content)}")
        raise text_error if is_framed else _binary(value) or text_error from None
    if len(text) <= LONGEST_WORD and is_word(text.strip()):
        return (text.strip(),)
    try:
        return (_json(text),)
    except FramingError as error:
        lines = _lines(text) if error.reason == "not_json" else []
        if lines:
            return lines
        if error.reason == "not_json":
            raise _binary(value) or _foreign(text) or error from None
        raise


def _lines(text: str) -> list[object]:
    """A document of each line that is not blank; none unless there are several, and the first is one."""
    lines = [line for line in _LINE_END.split(text) if line.strip()]
    if len(lines) < 2 or isinstance(_line(lines[0]), FramingError):
        return []
    return [_line(line) for line in lines]


_LINE_END = re.compile(r"[\r\n]+")


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


def _binary(value: bytes) -> FramingError | None:
    """What binary format the bytes are of, if they are of one that is known."""
    for first, length, whose in FRAMES:
        if value.startswith(first) and len(value) > length:
            schema = value[1:length].hex() if length > 5 else str(int.from_bytes(value[1:5], "big"))
            kind = "Protobuf" if length == 5 and is_protobuf(value[6:]) and value[5] == 0 else "Avro or Protobuf"
            return _of_format(f"{kind} behind the id of {whose} (schema {schema})")
    for mark, name in MARKS:
        if value.startswith(mark):
            return _of_format(name)
    if _CONTROL.search(value) and is_protobuf(value):
        return _of_format("Protobuf, by its looks")
    if _CONTROL.search(value) and len(value) < 10_000 and not value.startswith((b"{", b"[")):
        return _of_format("binary, perhaps Avro, Protobuf, CBOR or MessagePack")
    return None


MOST_FIELDS = 1000  # of Protobuf that are looked at
LARGEST_FIELD = 1000  # a field's number
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")


def _of_format(what: str) -> FramingError:
    return FramingError(
        "binary_format",
        f"the value is {what}; only JSON is read: let the producer or Kafka Connect write JSON (JsonConverter), or"
        " convert the topic with ksqlDB or Flink",
    )


def is_protobuf(value: bytes) -> bool:
    """Whether the bytes are fields of Protobuf, one after the other to the end.

    >>> is_protobuf(bytes.fromhex("0a0470756d7011000000000000f03f")), is_protobuf(b'{"series": 1}')
    (True, False)
    """
    at = fields = 0
    while at < len(value) and fields < MOST_FIELDS:
        fields += 1
        tag, at = _varint(value, at)
        if not 0 < tag >> 3 <= LARGEST_FIELD or at < 0:
            return False
        match tag & 7:
            case 0:
                _, at = _varint(value, at)
            case 1:
                at += 8
            case 2:
                length, at = _varint(value, at)
                at = at + length if at >= 0 else at
            case 5:
                at += 4
            case _:
                return False
        if not 0 <= at <= len(value):
            return False
    return at > 0


def _varint(value: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends; -1 where it does not end."""
    number = 0
    for shift, byte in enumerate(value[at : at + 10]):
        number |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return number, at + shift + 1
    return 0, -1


_FOREIGN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\s*<[?!\w]"), "XML; let the producer write JSON, or convert it on the way"),
    (
        re.compile(r"[^\s,={}\"]+(,[^\s,={}]+=[^\s,={}]+)*\s[^\s={}]+=[^\s{}]+(\s\d+)?\s*"),
        'InfluxDB\'s line protocol; set data_format = "json" in Telegraf',
    ),
    (re.compile(r"[\w.\-;=]+\s-?[\d.]+\s\d{9,}\s*"), "Graphite's plain text; let the producer write JSON"),
    (re.compile(r"[\w.\-]+:-?[\d.]+\|\w+"), "StatsD; put Telegraf or a StatsD exporter that writes JSON in between"),
    (re.compile(r"\w+(\{[^}]*\})?\s[-+\d.eE]+(\s\d+)?\s*"), "Prometheus' text format; let the adapter write JSON"),
    (
        re.compile(r"[^,;\t{}\[\]]+(?:([,;\t])[^,;\t{}\[\]]*)(?:\1[^{}\[\]]*)"),
        "CSV; let the producer write JSON objects",
    ),
    (re.compile(r"\s*[{\[]\s*'"), "a Python literal; write JSON with double quotes (json.dumps)"),
)


def _foreign(text: str) -> FramingError | None:
    """A text of another format that is known."""
    head = text[:400].partition("\n")[0].rstrip("\r") if "\n" in text[:400].strip() else text[:400]
    for pattern, what in _FOREIGN:
        if len(head) <= 400 and pattern.match(head) and (pattern.fullmatch(head) or "XML" in what or "Python" in what):
            return FramingError("not_json", f"looks like {what}")
    return None
