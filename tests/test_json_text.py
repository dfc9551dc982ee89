"""JSON in texts: what a text holds is reached as if it lay there, and a text that holds none stays one."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events.decoder import Decoder
from pipeline.events.fields import key_text
from pipeline.events.json_text import LONGEST_KEPT, inner
from pipeline.events.paths import FieldError, Path
from pipeline.messages import Record
from pipeline.settings import Events
from tests.json_values import json_values

NAMES = st.sampled_from(["a", "b", "payload"])
NESTED = st.recursive(st.integers(-5, 5) | st.text("ab", max_size=3), lambda each: st.dictionaries(NAMES, each))


def decoded(value: object, **fields: object) -> tuple[tuple[str, float], ...]:
    record = Record("events", 0, 7, 1_769_860_800_000, b"key", json.dumps(value).encode())
    found = Decoder(msgspec.convert(fields, Events)).decode(record)
    return tuple((one.series, one.value) for one in found.observations)


@given(NESTED, st.lists(NAMES, min_size=1, max_size=4))
def test_a_path_finds_the_same_in_a_document_and_in_its_text(document: object, names: list[str]) -> None:
    outer, as_text = Path(".".join(["outer", *names])), {"outer": json.dumps(document)}
    if isinstance(document, dict):
        assert outer.look(as_text) == outer.look({"outer": document})


@given(json_values)
def test_only_objects_and_arrays_are_taken_out_of_texts(value: object) -> None:
    found = inner(json.dumps(value))
    if isinstance(value, dict | list):
        assert json.dumps(found) == json.dumps(value)
    else:
        assert found == json.dumps(value)


@pytest.mark.parametrize("text", ["", "{", "[1, 2", "{'a': 1}", "plain", "[" * 100_000, '{"a": 1} and more'])
def test_a_text_that_holds_no_json_stays_one(text: str) -> None:
    assert inner(text) == text


def test_a_long_text_is_read_as_a_short_one_is() -> None:
    assert inner(json.dumps({"a": "x" * LONGEST_KEPT})) == {"a": "x" * LONGEST_KEPT}


def test_what_strict_json_forbids_is_read_in_a_text_as_in_a_record() -> None:
    assert decoded({"payload": '{"temp": NaN, "ok": 1}'}, series="{key}", values=("payload.ok",)) == (("key", 1.0),)


def test_every_field_may_lie_in_a_text() -> None:
    body = {"payload": json.dumps({"id": "a", "at": 1_769_860_740, "temp": 21.5, "kind": "r"})}
    fields = {"series": "payload.id", "timestamp": "payload.at", "values": ("payload.temp",)}
    assert decoded(body, **fields, where=("payload.kind = r",)) == (("a", 21.5),)
    assert decoded(body, **fields, where=("payload.kind = s",)) == ()


def test_a_path_that_ends_in_a_text_is_told_which() -> None:
    record = Record("events", 0, 7, 1_769_860_800_000, b"key", b'{"payload": "{\\"temp\\": 21"}')
    (reject,) = Decoder(Events(values=("payload.temp",))).decode(record).rejects
    assert reject.reason == "missing_value"
    assert '`payload` holds "{\\"temp\\": 21", which is no JSON object or array' in reject.detail


def test_json_that_was_encoded_twice_is_read_as_if_it_were_once() -> None:
    body = {"series": "a", "value": 4.5}
    assert decoded(json.dumps(body)) == decoded(body) == (("a", 4.5),)
    assert decoded(json.dumps([body, body]), points=("[]",)) == (("a", 4.5), ("a", 4.5))


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (b'"pump-7"', "pump-7"),
        (b"17", "17"),
        (b'{"id": 7}', "7"),
        (b'{"region": "eu", "id": 7}', "eu/7"),
        (b'{"schema": {"type": "string"}, "payload": "pump-7"}', "pump-7"),
        (b'{"schema": {"type": "struct"}, "payload": {"id": 7, "line": "b"}}', "7/b"),
        (b'\0\0\0\0\x05{"id": 7}', "7"),
        (b"pump-7", "pump-7"),
    ],
)
def test_a_key_of_json_is_the_text_it_holds(key: bytes, name: str) -> None:
    assert key_text(key, "json") == name


@pytest.mark.parametrize(
    "key", [b'{"id": null}', b"{}", b"null", b'{"id": {"a": 1}}', b'{"schema": null, "payload": null}']
)
def test_a_key_that_holds_no_name_is_refused(key: bytes) -> None:
    with pytest.raises(FieldError, match="holds no text or number"):
        key_text(key, "json")
