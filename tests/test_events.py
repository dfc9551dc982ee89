"""Laws of events: each value is an observation or a reject, whatever the bytes and the settings."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_stream import Observation
from pipeline.dead_letters import REASONS
from pipeline.events.decoder import Decoded, Decoder
from pipeline.messages import Record
from pipeline.settings import Events
from tests.event_records import MICROS, NOON, decoded, reason, record, rejected
from tests.json_values import json_events, json_values, keys, stamps


def is_sound(found: Decoded) -> bool:
    good = all(
        len(one.series) >= 1 and one.series.encode() and (math.isnan(one.value) or abs(one.value) <= 1e30)
        for one in found.observations
    )
    told = all(one.reason in REASONS and len(one.detail) < 600 for one in found.rejects)
    return good and told


@given(st.none() | st.binary(), keys, stamps)
def test_any_bytes_are_an_observation_or_a_reject(value: bytes | None, key: bytes | None, stamp: int) -> None:
    found = Decoder().decode(Record("events", 0, 0, stamp, key, value))
    assert len(found.observations) + len(found.rejects) == len(found.events) >= 1
    assert is_sound(found)


@settings(max_examples=300)
@given(json_events | json_values, keys, stamps)
def test_any_json_is_an_observation_or_a_reject(event: object, key: bytes | None, stamp: int) -> None:
    found = Decoder().decode(Record("events", 0, 0, stamp, key, json.dumps(event).encode()))
    assert len(found.observations) + len(found.rejects) == len(found.events) >= 1
    assert is_sound(found)


@given(json_events, keys)
def test_of_several_values_each_is_an_observation_or_a_reject(event: dict[str, object], key: bytes | None) -> None:
    whole = {"series": "pump", "timestamp": NOON, **event} if event.keys() & {"value", "b"} else event
    found = Decoder(Events(values=("value", "b.c", "b"))).decode(record(whole, key))
    spoilt = len(found.observations) == 0 and len(found.rejects) == 1
    assert spoilt or len(found.observations) + len(found.rejects) == 3
    assert is_sound(found)


@given(json_events, st.integers(0, 60), st.binary(max_size=3))
def test_an_event_cut_or_littered_raises_nothing(event: dict[str, object], at: int, litter: bytes) -> None:
    raw = json.dumps(event).encode()
    assert is_sound(decoded(raw[:at] + litter + raw[at:]))
    assert is_sound(decoded(raw[:at] + litter))


BAD = {
    "no value": (None, "empty"),
    "no bytes": (b"", "empty"),
    "not UTF-8": (b'{"series": "\xff\xfe", "value": 1}', "not_utf8"),
    "not JSON": (b"temperature=4.5", "not_json"),
    "blanks": (b"  \n", "not_json"),
    "cut off": (b'{"series": "a", "val', "not_json"),
    "two events": (b'{"series":"a","value":1}{"series":"a","value"', "not_json"),
    "Avro behind a schema's id": (b"\x00\x00\x00\x00\x07\x08pump\x00\x00\x00\x00\x00\x00\x12@", "binary_format"),
    "gzip": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "binary_format"),
    "two megabytes of noise": (b"\x07" * 2_000_000, "not_json"),
    "an array": (b"[]", "not_an_object"),
    "null": (b"null", "not_an_object"),
    "a number without a key": (b"1e400", "missing_series"),
    "deeply nested": (b'{"a":' * 100_000, "too_deep"),
    "deeply nested, beside NaN": (b'{"value": NaN, "a":' + b"[" * 100_000, "too_deep"),
    "no series": ({"value": 1}, "missing_series"),
    "a null series": ({"series": None, "value": 1}, "missing_series"),
    "an empty series": ({"series": "", "value": 1}, "bad_series"),
    "a bool for a series": ({"series": True, "value": 1}, "bad_series"),
    "an object for a series": ({"series": {"a": 1}, "value": 1}, "bad_series"),
    "NaN for a series": (b'{"series": NaN, "value": 1}', "bad_series"),
    "a lone surrogate for a series": (b'{"series": "\\ud800", "value": 1}', "bad_series"),
    "a long series": ({"series": "x" * 1025, "value": 1}, "series_too_long"),
    "a text for a time": ({"series": "a", "timestamp": "yesterday", "value": 1}, "bad_timestamp"),
    "a small number for a time": ({"series": "a", "timestamp": 20484, "value": 1}, "implausible_timestamp"),
    "zero for a time": ({"series": "a", "timestamp": 0, "value": 1}, "implausible_timestamp"),
    "a number of 1995": (
        {"series": "a", "timestamp": 8 * 10**8, "value": 1},
        "implausible_timestamp",
    ),
    "a day that may be a month": ({"series": "a", "timestamp": "03/04/2026", "value": 1}, "ambiguous_timestamp"),
    "an impossible day": ({"series": "a", "timestamp": "2026-02-30", "value": 1}, "bad_timestamp"),
    "a bool for a time": ({"series": "a", "timestamp": True, "value": 1}, "bad_timestamp"),
    "a list for a time": ({"series": "a", "timestamp": [2026], "value": 1}, "bad_timestamp"),
    "a negative time": ({"series": "a", "timestamp": -5, "value": 1}, "negative_timestamp"),
    "a negative time as text": ({"series": "a", "timestamp": "-5", "value": 1}, "negative_timestamp"),
    "minus infinity for a time": (
        b'{"series": "a", "timestamp": -Infinity, "value": 1}',
        "negative_timestamp",
    ),
    "a time beyond all": ({"series": "a", "timestamp": 10**30, "value": 1}, "timestamp_out_of_range"),
    "a time in nanoseconds of the year 30000": (
        {"series": "a", "timestamp": 9 * 10**20, "value": 1},
        "timestamp_out_of_range",
    ),
    "NaN for a time": (b'{"series": "a", "timestamp": NaN, "value": 1}', "timestamp_out_of_range"),
    "the year 2300": ({"series": "a", "timestamp": "2300-01-01T00:00:00Z", "value": 1}, "timestamp_ahead"),
    "no value field": ({"series": "a"}, "missing_value"),
    "a bool": ({"series": "a", "value": True}, "bad_value"),
    "a word": ({"series": "a", "value": "hot"}, "bad_value"),
    "an empty text": ({"series": "a", "value": ""}, "bad_value"),
    "the text NaN": ({"series": "a", "value": "NaN"}, "bad_value"),
    "a text with underscores": ({"series": "a", "value": "1_000"}, "bad_value"),
    "a text of a million digits": ({"series": "a", "value": "1" * 1_000_000}, "bad_value"),
    "an array for a value": ({"series": "a", "value": [1]}, "bad_value"),
    "NaN": (b'{"series": "a", "value": NaN}', "value_out_of_range"),
    "Infinity": (b'{"series": "a", "value": Infinity}', "value_out_of_range"),
    "1e400": (b'{"series": "a", "value": 1e400}', "value_out_of_range"),
    "1e31": (b'{"series": "a", "value": -1e31}', "value_out_of_range"),
    "1e400 as text": ({"series": "a", "value": "1e400"}, "value_out_of_range"),
    "400 digits": (b'{"series": "a", "value": ' + b"9" * 400 + b"}", "value_out_of_range"),
    "5000 digits": (b'{"series": "a", "value": ' + b"9" * 5000 + b"}", "value_out_of_range"),
}


@pytest.mark.parametrize("kind", BAD)
def test_each_badness_is_one_reject_with_its_reason(kind: str) -> None:
    value, expected = BAD[kind]
    assert reason(value) == expected


def test_every_reason_is_given_by_some_badness() -> None:
    by_settings = {"missing_points"}
    by_the_shard = {"null_before_first_value", "timestamp_jump"}
    elsewhere = {reason({"series": "a", "value": 1}, timestamp=-1)} | by_settings | by_the_shard
    assert {expected for _, expected in BAD.values()} | elsewhere == set(REASONS)


def test_fields_are_found_by_dotted_paths_and_a_key_spelt_so_wins() -> None:
    cloud = Decoder(Events(series="source", timestamp="time", values=("data.value",)))
    event = {"source": "pump", "time": "2026-01-31T12:00:00Z", "data": {"value": 4.5}}
    assert cloud.decode(record(event)).observations == (Observation("pump", MICROS, 4.5),)
    assert cloud.decode(record({**event, "data.value": 7})).observations[0].value == 7.0
    assert cloud.decode(record({**event, "data": 4.5})).rejects[0].reason == "missing_value"


def test_of_several_values_the_bad_ones_alone_are_rejects() -> None:
    decoder = Decoder(Events(values=("temp", "rpm", "load", "flow")))
    found = decoder.decode(record(b'{"series": "pump", "temp": 4.5, "rpm": NaN, "load": true}'))
    assert found.observations == (Observation("pump/temp", MICROS, 4.5),)
    assert [(one.series, one.field, one.reason) for one in found.rejects] == [
        ("pump/rpm", "rpm", "value_out_of_range"),
        ("pump/load", "load", "bad_value"),
        ("pump/flow", "flow", "missing_value"),
    ]


WHOLE = Events(
    series="{name}/{tags.host}/{key}",
    key="hex",
    timestamp="{header:time}",
    timezone="Europe/Berlin",
    values=("value", "b[0]"),
    absent="skip",
    missing=("unavailable", "-999", "NaN", ""),
    booleans=True,
    covariates=("c", "{header:shift}"),
    points=("[]", "p[].q[]"),
    where=("kind != test", "{header:skip} absent"),
)
compiled = [
    Decoder(events)
    for events in (
        WHOLE,
        Events(),
        Events(series="'boiler'", points=("senml",), timestamp="t", values=("v",)),
        Events(series="{topic}", timestamp_format="days", missing=("NaN",), booleans=True, key="int"),
        Events(series="{series}", timestamp_format="%d/%m/%Y", points=("value[]",), where=("b exists",)),
        Events(timestamp="{timestamp} {b}", absent="skip", values=("value", "b"), covariates=("value",)),
    )
]
decoders = st.sampled_from(compiled)
header_lists = st.lists(
    st.tuples(st.sampled_from(["time", "shift", "skip", "x"]), st.none() | st.binary(max_size=9)), max_size=3
).map(tuple)
points = st.lists(json_events | json_values, max_size=4)
documents = (
    json_events | json_values | points | st.fixed_dictionaries({"p": st.lists(st.fixed_dictionaries({"q": points}))})
)


def is_accounted_for(found: Decoded) -> bool:
    """Each event has an end, and each value a finite number or a reason."""
    return bool(found.events or found.skipped) and all(one.observations or one.rejects for one in found.events)


@settings(max_examples=300)
@given(decoders, st.binary(), keys, stamps, header_lists)
def test_whatever_the_bytes_and_the_settings_something_is_told(
    decoder: Decoder,
    value: bytes,
    key: bytes | None,
    stamp: int,
    headers: tuple[tuple[str, bytes | None], ...],
) -> None:
    found = decoder.decode(Record("events", 0, 0, stamp, key, value, headers))
    assert is_sound(found)
    assert is_accounted_for(found)


@settings(max_examples=500)
@given(decoders, documents, keys, stamps, header_lists, st.sampled_from([None, 2]), st.binary(max_size=3))
def test_whatever_the_json_and_the_settings_something_is_told(
    decoder: Decoder,
    document: object,
    key: bytes | None,
    stamp: int,
    headers: tuple[tuple[str, bytes | None], ...],
    indent: int | None,
    litter: bytes,
) -> None:
    raw = json.dumps(document, indent=indent).encode()
    for value in (raw, raw + b"\n" + raw, litter + raw, b"\xef\xbb\xbf" + raw, b"\x00\x00\x00\x00\x01" + raw):
        found = decoder.decode(Record("events", 0, 0, stamp, key, value, headers))
        assert is_sound(found)
        assert is_accounted_for(found)


@given(documents, keys)
def test_the_observations_of_lines_are_those_of_each_line(document: object, key: bytes | None) -> None:
    raw = json.dumps(document).encode()
    one, two = (Decoder().decode(record(value, key)) for value in (raw, raw + b"\n" + raw))
    assert repr(two.observations) == repr(one.observations * 2)
    assert [reject.reason for reject in two.rejects] == [reject.reason for reject in one.rejects] * 2


def test_a_bad_element_is_a_reject_of_its_own_and_the_good_ones_are_read() -> None:
    value = [{"series": "a", "value": 1}, {"series": "b"}, 5, None, {"series": "c", "value": 2}]
    found = Decoder(Events(points=("[]",))).decode(record(value))
    assert [(one.series, one.value) for one in found.observations] == [("a", 1.0), ("c", 2.0)]
    assert [(one.reason, one.index) for one in found.rejects] == [
        ("missing_value", 1),
        ("missing_series", 2),
        ("not_an_object", 3),
    ]
    assert [event.index for event in found.events] == [0, 1, 2, 3, 4]


def test_of_an_element_all_but_the_values_may_lie_in_what_it_lies_in() -> None:
    events = Events(points=("p[]",), covariates=("holiday",))
    value = {"series": "a", "timestamp": NOON, "holiday": 1, "value": 99, "p": [{"value": 1}, {"series": "b"}]}
    found = Decoder(events).decode(record(value))
    assert found.observations == (Observation("a", MICROS, 1.0),)
    assert found.events[0].covariates == (1.0,)
    assert [(one.series, one.reason) for one in found.rejects] == [("b", "missing_value")]


def test_what_the_conditions_exclude_is_skipped_and_no_dead_letter() -> None:
    events = Events(where=("type = reading",))
    assert Decoder(events).decode(record({"type": "test", "timestamp": "never"})) == Decoded((), ("where",))
    assert Decoder(events).decode(record(b"")) == Decoded((), ("where",)), "a tombstone has no field"
    assert rejected(b"not json", events) == [("not_json", None)]
    assert rejected({"type": "reading", "series": "a"}, events) == [("missing_value", None)]


def test_conditions_on_headers_need_no_json() -> None:
    decoder = Decoder(Events(where=("{header:type} = reading",)))
    assert decoder.decode(Record("t", 0, 0, -1, None, b"not json", (("type", b"log"),))) == Decoded((), ("where",))


def test_an_absent_value_may_be_skipped_with_what_is_told_of_its_event() -> None:
    one, several = Events(absent="skip"), Events(absent="skip", values=("a", "b"))
    assert Decoder(one).decode(record({"no": "series"})) == Decoded((), ("absent",))
    found = Decoder(several).decode(record({"series": "s", "timestamp": NOON, "b": 2}))
    assert (found.observations, found.skipped) == ((Observation("s/b", MICROS, 2.0),), ("absent",))
    assert math.isnan(Decoder(several).decode(record({"series": "s", "a": None})).observations[0].value)
