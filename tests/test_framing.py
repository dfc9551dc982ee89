"""Laws of framing: JSON is read behind what frames it, and what is no JSON is told for what it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events.formats import is_protobuf
from pipeline.events.framing import FramingError, documents
from pipeline.messages import Record
from pipeline.stamps import numeric
from tests.json_values import json_values

EVENT = {"series": "a", "value": 1}
RAW = json.dumps(EVENT).encode()


def read(value: bytes | None) -> list[object]:
    return list(documents(Record("t", 0, 0, -1, None, value), lambda text: text == "on" or numeric(text) is not None))


def refusal(value: bytes | None) -> FramingError:
    with pytest.raises(FramingError) as refused:
        read(value)
    return refused.value


@pytest.mark.parametrize(
    "frame",
    [b"", b"\xef\xbb\xbf", b"\x00\x00\x00\x00\x07", b"\x00" * 9, b"\x00\x7b\x22\x5b\x07", b"\x03\x00" + b"\xff" * 16],
)
@pytest.mark.parametrize("value", [RAW, b" \n" + RAW, b"[1, 2]", b'{"value": NaN}'])
def test_json_is_read_behind_its_frame(frame: bytes, value: bytes) -> None:
    assert repr(read(frame + value)) == repr([json.loads(value)])


@pytest.mark.parametrize(
    ("value", "expected"),
    [(b"21.5", [21.5]), (b" 7\n", [7]), (b"+5", ["+5"]), (b"007", ["007"]), (b"on\r\n", ["on"]), (b'"on"', ["on"])],
)
def test_a_bare_number_or_word_is_a_document(value: bytes, expected: list[object]) -> None:
    assert read(value) == expected


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"\n\n  \n"])
def test_each_line_is_a_document(end: bytes) -> None:
    assert read(end.join([RAW, b"[2]", b"3.5"]) + end) == [EVENT, [2], 3.5]


@pytest.mark.parametrize("between", [b"", b" ", b"\t\n "])
def test_objects_with_nothing_between_them_are_documents(between: bytes) -> None:
    assert read(between.join([RAW, b'{"value": NaN}', RAW]))[::2] == [EVENT, EVENT]


@pytest.mark.parametrize("value", [RAW + b"x", RAW + b"[2]", RAW + b"{", RAW + b"5"])
def test_what_follows_an_object_and_is_none_spoils_the_record(value: bytes) -> None:
    assert refusal(value).reason == "not_json"


def test_a_record_separator_begins_a_document() -> None:
    assert read(b"\x1e" + RAW + b"\n\x1e" + RAW + b"\n") == [EVENT, EVENT]
    assert read(b"\x1e" + RAW + b"\n") == [EVENT]


def test_the_end_of_a_string_in_c_is_no_part_of_the_text() -> None:
    assert read(RAW + b"\x00") == [EVENT]
    assert read(b"21.5\x00") == ["21.5"]


@pytest.mark.parametrize("text", ['a="b" ' * 60 + '"', "a:1|" + "b|" * 190 + " ", "{a=" * 130, "1," * 40 + "x" * 20])
def test_looking_for_other_formats_takes_no_time(text: str) -> None:
    """Patterns that try again and again would take for ever here, and stop the daemon."""
    assert refusal(text.encode()).reason == "not_json"


def test_a_broken_line_spoils_no_other() -> None:
    first, broken, last = read(RAW + b'\n{"series":\n' + RAW)
    assert (first, last) == (EVENT, EVENT)
    assert isinstance(broken, FramingError)
    assert broken.reason == "not_json"


def test_json_over_several_lines_is_one_document() -> None:
    assert read(json.dumps(EVENT, indent=2).encode()) == [EVENT]
    assert refusal(json.dumps(EVENT, indent=2).encode()[:-3]).reason == "not_json"


def test_line_separators_within_text_separate_nothing() -> None:
    value = json.dumps({"a": "x\u2028y\x85z"}, ensure_ascii=False).encode()
    assert read(value + b"\n" + value) == [{"a": "x\u2028y\x85z"}] * 2


@pytest.mark.parametrize(
    ("value", "reason", "told"),
    [
        (None, "empty", "no value"),
        (b"", "empty", "no value"),
        (
            b"\x00\x00\x00\x00\x07\x08pump",
            "binary_format",
            "Avro or Protobuf behind the id of a schema registry (schema 7)",
        ),
        (
            b"\x00\x00\x00\x00\x07\x00\n\x04pump",
            "binary_format",
            "Protobuf behind the id of a schema registry (schema 7)",
        ),
        (b"\x03\x00" + b"\x01" * 16 + b"\x08pump", "binary_format", "AWS Glue's registry"),
        (b"\n\x04pump\x11" + b"\x00" * 8, "binary_format", "Protobuf, by its looks"),
        (b"Obj\x01\x04", "binary_format", "an Avro file"),
        (b"\x1f\x8b\x08\x00", "binary_format", "gzip"),
        (b"\xff\xfe{\x00}\x00", "binary_format", "UTF-16"),
        (b"\x82\xa1a\x01\xff", "binary_format", "MessagePack"),
        (b'{"a": "\xff"}', "not_utf8", "invalid start byte"),
        (b"\x00\x00\x00\x00\x07" + b'{"a": "\xff"}', "not_utf8", "at byte 12"),
        (b"cpu,host=a usage=1.5 1769860800000000000", "not_json", "line protocol"),
        (b"cpu usage=1.5", "not_json", "line protocol"),
        (b"a;b;c", "not_json", "CSV"),
        (b"<a/>", "not_json", "XML"),
        (b"{'a': 1}", "not_json", "Python"),
        (b"noon", "not_json", 'found "noon", expected JSON or a number; events.booleans'),
        ("21.5 °C".encode(), "not_json", "no setting takes units off"),
        (b"Struct{sensor=a,temp=21.5}", "not_json", "JsonConverter"),
        (b"{sensor=a, temp=21.5}", "not_json", "JsonConverter"),
        (b'time=2026-01-31 level=info msg="a b" temp=21.5', "not_json", "logfmt"),
        (b"api.time:320|ms|@0.1|#env:prod", "not_json", "StatsD"),
        (b"<34>1 2026-01-31T12:00:00Z host app - - - temp=21", "not_json", "syslog"),
        (b"MSH|^~\\&|MON|ICU|||2026\rOBX|1|NM|8867-4||72", "not_json", "HL7"),
        (b"CEF:0|V|P|1.0|100|x|10|src=10.0.0.1", "not_json", "CEF"),
        (b'127.0.0.1 - - [02/Mar/2026:08:00:00 +0000] "GET / HTTP/1.1" 200 17', "not_json", "an access log"),
        (b"$GPRMC,123519,A,4807.038,N*6A", "not_json", "NMEA"),
        (b"21.5 and more than a number", "not_json", "Extra data"),
        (b"\x40\x35\x80\x00\x00\x00\x00\x00", "binary_format", "a long or a double"),
        (b"\x00\x00\x00\x00\x00\x00\x00\x2a", "binary_format", "a long or a double"),
        (b"\xc1\xac\x00\x00", "binary_format", "an int or a float"),
        (b"\x78\x9c\xab\x56\x2a\x4e", "binary_format", "zlib"),
        (b"\x82\xa6series\xa1a\xa5value\xcb@5\x80\x00\x00\x00\x00\x00", "binary_format", "MessagePack, by"),
        (b"\xa2fseriesaaevalue\xfb@5\x80\x00\x00\x00\x00\x00", "binary_format", "CBOR, by"),
        (b"\x10\x00\x00\x00\x10value\x00\x01\x00\x00\x00\x00", "binary_format", "BSON"),
        (b"\xac\xed\x00\x05sr\x00\x11java.util.HashMap", "binary_format", "Java"),
        (b"\x80\x04\x95\x0f\x00\x00\x00", "binary_format", "pickle"),
        (b"off\noff", "not_json", "Expecting value"),
        (b"[" * 100_000, "too_deep", "100000 bytes"),
        (b"x" * 2_000_000, "not_json", "Expecting value"),
    ],
)
def test_what_is_no_json_is_told_for_what_it_is(value: bytes | None, reason: str, told: str) -> None:
    refused = refusal(value)
    assert refused.reason == reason
    assert told in refused.detail


@given(st.binary())
def test_any_bytes_are_documents_or_refused(value: bytes) -> None:
    assert 0 < len(outcome(value)) < 400


def outcome(value: bytes) -> str:
    try:
        return repr(read(value))[:300]
    except FramingError as refused:
        return refused.detail


@given(st.binary(max_size=40))
def test_any_bytes_are_protobuf_or_not(value: bytes) -> None:
    assert is_protobuf(value) in (True, False)


@given(json_values)
def test_any_json_is_read_as_it_was_written(value: object) -> None:
    text = json.dumps(value)
    assert repr(read(text.encode())) == repr([json.loads(text)])
