"""What a record's value is, where it is no JSON: other formats by their first bytes or their looks."""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType

LONGEST_WORD = 100  # bytes of a value that is a bare word or number

FRAMES = ((b"\x00", 5, "a schema registry"), (b"\x00", 9, "a schema registry"), (b"\x03", 18, "AWS Glue's registry"))
"""First byte, length, and whose it is: a schema's id lies between that byte and the content."""

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
    (b"\x78\x01", "zlib (deflate)"),
    (b"\x78\x9c", "zlib (deflate)"),
    (b"\x78\xda", "zlib (deflate)"),
    (b"\x82SNAPPY\x00", "Snappy"),
    (b"\xff\x06\x00\x00sNaPpY", "Snappy"),
    (b":)\n", "Smile (binary JSON)"),
    (b"\xac\xed\x00\x05", "Java's serialization"),
    (b"\x80\x02", "Python's pickle"),
    (b"\x80\x03", "Python's pickle"),
    (b"\x80\x04", "Python's pickle"),
    (b"\x80\x05", "Python's pickle"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)


def of_bytes(value: bytes) -> str | None:
    """What binary format they are of, if it is one that is known."""
    for mark, name in MARKS:
        if value.startswith(mark):
            return name
    if len(value) in (4, 8) and (value[:1] in (b"\0", b"\xff") or _CONTROL.search(value) or not _is_text(value)):
        kinds = "an int or a float" if len(value) == 4 else "a long or a double"
        return f"{len(value)} bytes, perhaps {kinds} of Kafka's own serializers (ksqlDB's format KAFKA, Kafka Streams)"
    for first, length, whose in FRAMES:
        if value.startswith(first) and len(value) > length:
            schema = value[1:length].hex() if length > 5 else str(int.from_bytes(value[1:5], "big"))
            kind = "Protobuf" if length == 5 and is_protobuf(value[6:]) and value[5] == 0 else "Avro or Protobuf"
            return f"{kind} behind the id of {whose} (schema {schema})"
    if len(value) >= 5 and int.from_bytes(value[:4], "little") == len(value) and value[-1] == 0:
        return "BSON"
    if _CONTROL.search(value) and is_protobuf(value):
        return "Protobuf, by its looks"
    of_map = next((name for name, is_it in _MAPS.items() if is_it.match(value)), None)
    if of_map is not None:
        return f"{of_map}, by its looks"
    if _CONTROL.search(value) and len(value) < 10_000 and not value.startswith((b"{", b"[")):
        return "binary, perhaps Avro, Protobuf, CBOR or MessagePack"
    return None


MOST_FIELDS = 1000  # of Protobuf that are looked at
LARGEST_FIELD = 1000  # a field's number
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_MAPS: Mapping[str, re.Pattern[bytes]] = MappingProxyType(
    {
        "MessagePack": re.compile(rb"(?:[\x81-\x8f]|\xde..|\xdf....)[\xa1-\xbf]", re.DOTALL),
        "CBOR": re.compile(rb"[\xa1-\xb7\xbf][\x61-\x77]"),
    }
)
"""An object whose first field has a short name."""


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


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


def of_text(text: str) -> str | None:
    """What a text is that is no JSON, and what to do about it; None where that is not known."""
    return _other_format(text) or _word(text)


_FOREIGN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<\d{1,3}>.*"), "syslog; let the collector (Vector, Fluent Bit, rsyslog) write JSON"),
    (re.compile(r"\s*<[?!A-Za-z]"), "XML; let the producer write JSON, or convert it on the way"),
    (re.compile(r"MSH\|.*"), "HL7 version 2; convert it to JSON on the way"),
    (re.compile(r"(CEF|LEEF):\d.*"), "CEF or LEEF; convert it to JSON on the way"),
    (re.compile(r"\S+ \S+ \S+ \[[^\]]+\] \".*"), "an access log; let the collector write JSON"),
    (
        re.compile(r"(Struct)?\{[^{}\":]*=.*\}\s*"),
        "a text of Java, as Kafka Connect's StringConverter writes it; set value.converter ="
        " org.apache.kafka.connect.json.JsonConverter",
    ),
    (re.compile(r"\$[A-Z]{5},[^{}]*(\*[0-9A-F]{2})?\s*"), "NMEA 0183; let the gateway write JSON"),
    (
        re.compile(r"\w[\w.\-]*=(\"[^\"]*\"|[^\s\"]*)(\s+\w[\w.\-]*=(\"[^\"]*\"|[^\s\"]*)){2,}\s*"),
        "logfmt; let the producer write JSON",
    ),
    (
        re.compile(r"[^\s,={}\"]+(,[^\s,={}]+=[^\s,={}]+)*\s[^\s={}]+=[^\s{}]+(\s\d+)?\s*"),
        'InfluxDB\'s line protocol; set data_format = "json" in Telegraf',
    ),
    (re.compile(r"[\w.\-;=]+\s-?[\d.]+\s\d{9,}\s*"), "Graphite's plain text; let the producer write JSON"),
    (
        re.compile(r"[\w.\-]+:-?[\d.]+\|\w+(\|[^\s|]+)*\s*"),
        "StatsD; put Telegraf or a StatsD exporter that writes JSON in between",
    ),
    (re.compile(r"\w+(\{[^}]*\})?\s[-+\d.eE]+(\s\d+)?\s*"), "Prometheus' text format; let the adapter write JSON"),
    (
        re.compile(r"[^,;\t{}\[\]]+(?:([,;\t])[^,;\t{}\[\]]*)(?:\1[^{}\[\]]*)"),
        "CSV; let the producer write JSON objects",
    ),
    (re.compile(r"\s*[{\[]\s*'"), "a Python literal; write JSON with double quotes (json.dumps)"),
)


def _other_format(text: str) -> str | None:
    """What other format a text is of, if it is one that is known."""
    head = text[:400].partition("\n")[0].rstrip("\r") if "\n" in text[:400].strip() else text[:400]
    for pattern, what in _FOREIGN:
        if len(head) <= 400 and pattern.match(head) and (pattern.fullmatch(head) or "XML" in what or "Python" in what):
            return f"looks like {what}"
    return None


def _word(text: str) -> str | None:
    """A bare word, or a number with its unit."""
    word = text.strip()
    if not 0 < len(word) <= LONGEST_WORD or word[0] in '{["':
        return None
    found = f"found {json.dumps(word, ensure_ascii=False)}, expected JSON or a number"
    if _WORD.fullmatch(word):
        return (
            f"{found}; events.booleans = true reads on, off, true and false, events.missing = [..] words that mean a"
            ' missing value, and events.where such as "{key} =~ .*temp.*" leaves other records out'
        )
    if _WITH_UNIT.fullmatch(word):
        return f"{found}; no setting takes units off: let the producer write the number alone"
    return None


_WORD = re.compile(r"[^\W\d][\w.-]*")
_WITH_UNIT = re.compile(r"[+-]?\d[\d.,]*\s*[^\W\d]?[\w%°/²³]*")
