"""Laws of events: each value is an observation or a reject, whatever the bytes and the settings."""

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from lstm_stream import Observation
from pipeline.dead_letters import REASONS
from pipeline.events import Decoded, Decoder
from pipeline.messages import Record, iso8601
from pipeline.settings import Events
from tests.json_values import json_values

NOON = 1769860800  # 2026-01-31T12:00:00Z in seconds
MICROS = NOON * 1_000_000


def record(value: object, key: bytes | None = None, timestamp: int = NOON * 1000) -> Record:
    """Make a record; anything but bytes becomes JSON."""
    raw = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
    return Record("events", 3, 41, timestamp, key, raw)


def decoded(value: object, key: bytes | None = None, timestamp: int = NOON * 1000) -> Decoded:
    return Decoder().decode(record(value, key, timestamp))


def reason(value: object, key: bytes | None = None, timestamp: int = NOON * 1000) -> str:
    """Give the reason of the only reject."""
    found = decoded(value, key, timestamp)
    (reject,) = found.rejects
    assert found.observations == ()
    return reject.reason


def is_sound(found: Decoded) -> bool:
    good = all(
        len(one.series) >= 1 and one.series.encode() and (math.isnan(one.value) or abs(one.value) <= 1e30)
        for one in found.observations
    )
    told = all(one.reason in REASONS and len(one.detail) < 600 for one in found.rejects)
    return good and told


events = st.fixed_dictionaries(
    {}, optional={"series": json_values, "timestamp": json_values, "value": json_values, "b": json_values}
)
headers = st.lists(st.tuples(st.text(max_size=9), st.none() | st.binary(max_size=9)), max_size=3).map(tuple)
stamps = st.integers(-1, 2**63 - 1)
keys = st.none() | st.binary()


@given(st.none() | st.binary(), keys, stamps)
def test_any_bytes_are_an_observation_or_a_reject(value: bytes | None, key: bytes | None, stamp: int) -> None:
    found = Decoder().decode(Record("events", 0, 0, stamp, key, value))
    assert len(found.observations) + len(found.rejects) == len(found.events) >= 1
    assert is_sound(found)


@settings(max_examples=300)
@given(events | json_values, keys, stamps)
def test_any_json_is_an_observation_or_a_reject(event: object, key: bytes | None, stamp: int) -> None:
    found = Decoder().decode(Record("events", 0, 0, stamp, key, json.dumps(event).encode()))
    assert len(found.observations) + len(found.rejects) == len(found.events) >= 1
    assert is_sound(found)


@given(events, keys)
def test_of_several_values_each_is_an_observation_or_a_reject(event: dict[str, object], key: bytes | None) -> None:
    whole = {"series": "pump", "timestamp": NOON, **event} if event.keys() & {"value", "b"} else event
    found = Decoder(Events(values=("value", "b.c", "b"))).decode(record(whole, key))
    spoilt = len(found.observations) == 0 and len(found.rejects) == 1
    assert spoilt or len(found.observations) + len(found.rejects) == 3
    assert is_sound(found)


@given(events, st.integers(0, 60), st.binary(max_size=3))
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
    "two events": (b'{"series":"a","value":1}{"series":"a","value":2}', "not_json"),
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


@pytest.mark.parametrize(
    ("value", "expected"),
    [(4.5, 4.5), (4, 4.0), ("1.5", 1.5), (" -2e3 ", -2000.0), (".5", 0.5), ("7", 7.0), (-1e30, -1e30), (0, 0.0)],
)
def test_numbers_and_numeric_strings_are_values(value: object, expected: float) -> None:
    found = decoded({"series": "a", "timestamp": NOON, "value": value})
    assert (found.observations, found.rejects) == ((Observation("a", MICROS, expected),), ())


def test_null_is_a_missing_observation() -> None:
    found = decoded({"series": "a", "value": None})
    assert math.isnan(found.observations[0].value)
    assert found.rejects == ()


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2026-01-31T12:00:00Z", MICROS),
        ("2026-01-31T12:00:00", MICROS),
        ("2026-01-31 12:00:00", MICROS),
        ("2026-01-31T13:30:00+01:30", MICROS),
        ("2026-01-31T12:00:00.250Z", MICROS + 250_000),
        ("2026-01-31T12:00:00.123456789Z", MICROS + 123_456),
        ("20260131T120000Z", MICROS),
        ("2026-01-31", MICROS - 12 * 3600 * 1_000_000),
        ("1949-01-01", -662_688_000_000_000),
        (NOON, MICROS),
        (NOON + 0.25, MICROS + 250_000),
        (NOON * 10**3 + 7, MICROS + 7_000),
        (NOON * 10**6 + 7, MICROS + 7),
        (NOON * 10**9 + 7_999, MICROS + 7),
        (NOON * 1e3 + 0.5, MICROS + 500),
        (str(NOON), MICROS),
        (f"{NOON}.5", MICROS + 500_000),
        (str(NOON * 1000), MICROS),
        (None, MICROS),
    ],
)
def test_times_are_iso_8601_or_since_the_epoch_in_any_unit(stamp: object, expected: int) -> None:
    (observation,) = decoded({"series": "a", "timestamp": stamp, "value": 1}).observations
    assert observation.time == expected


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_written_is_the_time_read(moment: datetime) -> None:
    text = moment.isoformat()
    (observation,) = decoded({"series": "a", "timestamp": text, "value": 1}, timestamp=-1).observations
    written = iso8601(observation.time)
    assert datetime.fromisoformat(written) == moment
    assert written.endswith("Z")
    assert ("." in written) == (moment.microsecond != 0)


def test_without_a_time_the_records_own_stands_in() -> None:
    (observation,) = decoded({"series": "a", "value": 1}, timestamp=NOON * 1000 + 5).observations
    assert observation.time == MICROS + 5000
    assert reason({"series": "a", "value": 1}, timestamp=-1) == "missing_timestamp"
    assert reason({"series": "a", "value": 1}, timestamp=2**62) == "timestamp_out_of_range"


@pytest.mark.parametrize(("ahead", "good"), [(0, True), (59, True), (60, True), (61, False)])
def test_a_time_may_be_ahead_of_the_record_by_so_much(ahead: int, good: bool) -> None:
    decoder = Decoder(Events(max_ahead=60.0))
    found = decoder.decode(record({"series": "a", "timestamp": NOON + ahead, "value": 1}))
    assert (len(found.observations) == 1) is good
    unknown = decoder.decode(record({"series": "a", "timestamp": NOON + ahead, "value": 1}, timestamp=-1))
    assert len(unknown.observations) == 1  # a record without a time can't tell


@pytest.mark.parametrize(
    ("event", "key", "expected"),
    [
        ({"series": "pump"}, b"other", "pump"),
        ({"series": 17}, None, "17"),
        ({"series": 1.5}, None, "1.5"),
        ({}, b"pump", "pump"),
        ({"series": None}, "🚰".encode(), "🚰"),
        ({"series": "🚰" * 1024}, None, "🚰" * 1024),
    ],
)
def test_the_series_is_the_field_or_the_key(event: dict[str, object], key: bytes | None, expected: str) -> None:
    (observation,) = decoded({**event, "value": 1}, key).observations
    assert observation.series == expected


def test_a_key_that_is_no_name_is_refused_only_where_it_is_needed() -> None:
    assert reason({"value": 1}, b"\xff") == "bad_series"
    assert reason({"value": 1}, b"k" * 65536) == "series_too_long"
    assert len(decoded({"series": "a", "value": 1}, b"k" * 65536).observations) == 1


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


@pytest.mark.parametrize(
    ("covariate", "expected"),
    [
        *[(4.5, 4.5), (4, 4.0), ("1.5", 1.5), (" -2e3 ", -2000.0), (-1e30, -1e30), (True, 1.0), (False, 0.0)],
        *[(found, math.nan) for found in (None, "", "true", "NaN", "1_000", "9" * 5000, 10**400, 1e31, [1], {"a": 1})],
        *[(math.nan, math.nan), (math.inf, math.nan), (-math.inf, math.nan)],
    ],
)
def test_covariates_are_numbers_numeric_strings_and_booleans_and_all_else_is_masked(
    covariate: object, expected: float
) -> None:
    event = record({"series": "a", "value": 1, "weather": {"temp": covariate}})
    found = Decoder(Events(covariates=("weather.temp", "holiday"))).decode(event)
    assert found.observations == (Observation("a", MICROS, 1.0),)
    assert repr(found.events[0].covariates) == repr((expected, math.nan))  # as text, where a NaN equals a NaN


numbers = st.floats(-1e30, 1e30) | st.integers(-(10**30), 10**30) | st.booleans()


def known(drawn: object) -> float:
    """The number that a covariate is; NaN if it is none."""
    return float(drawn) if isinstance(drawn, int | float) and abs(drawn) <= 1e30 else math.nan


@given(st.tuples(*3 * [numbers | json_values.filter(lambda drawn: not isinstance(drawn, str))]))
def test_exactly_the_bad_covariates_are_masked(drawn: tuple[object, ...]) -> None:
    event = record({"series": "a", "value": 1} | dict(zip("xyz", drawn, strict=True)))
    found = Decoder(Events(covariates=tuple("xyz"))).decode(event)
    assert repr(found.events[0].covariates) == repr(tuple(map(known, drawn)))


@given(events, json_values, keys, stamps)
def test_no_covariate_changes_what_becomes_of_the_values(
    event: dict[str, object], covariate: object, key: bytes | None, stamp: int
) -> None:
    decoder = Decoder(Events(values=("value", "b"), covariates=("covariate", "timestamp", "missing")))
    without, with_it = (decoder.decode(record(one, key, stamp)) for one in (event, event | {"covariate": covariate}))
    assert repr((with_it.observations, with_it.rejects)) == repr((without.observations, without.rejects))
    assert len(with_it.events[0].covariates) == (3 if with_it.observations else len(with_it.events[0].covariates))
    assert all(math.isnan(one) or abs(one) <= 1e30 for one in with_it.events[0].covariates)


def test_a_bad_number_in_a_field_that_nobody_reads_does_no_harm() -> None:
    event = b'{"series": "a", "value": 1, "other": [NaN, 1e400, "\\ud800", ' + b"9" * 5000 + b"]}"
    assert decoded(event).observations == (Observation("a", MICROS, 1.0),)


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
points = st.lists(events | json_values, max_size=4)
documents = events | json_values | points | st.fixed_dictionaries({"p": st.lists(st.fixed_dictionaries({"q": points}))})


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


def rejected(value: object, events: Events, key: bytes | None = None) -> list[tuple[str, int | None]]:
    return [(one.reason, one.index) for one in Decoder(events).decode(record(value, key)).rejects]


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


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *[
            ("unavailable", math.nan),
            (" UNAVAILABLE ", math.nan),
            ("", math.nan),
            ("nan", math.nan),
            ("-999", math.nan),
        ],
        *[(-999, math.nan), (-999.0, math.nan), (None, math.nan), (-998, -998.0), ("1.5", 1.5)],
        *[(True, 1.0), (False, 0.0), ("on", 1.0), ("OFF", 0.0), ("true", 1.0), ("Yes", 1.0), ("no", 0.0)],
    ],
)
def test_words_for_missing_and_booleans_are_read_on_request(value: object, expected: float) -> None:
    events = Events(missing=("unavailable", "", "NaN", "-999"), booleans=True)
    (observation,) = Decoder(events).decode(record({"series": "a", "value": value})).observations
    assert repr(observation.value) == repr(expected)


def test_a_nan_in_json_is_missing_on_request() -> None:
    (observation,) = Decoder(Events(missing=("NaN",))).decode(record(b'{"series": "a", "value": NaN}')).observations
    assert math.isnan(observation.value)


@pytest.mark.parametrize(
    ("value", "fix"),
    [(True, "events.booleans"), ("on", "events.booleans"), ("n/a", 'missing = ["n/a"]'), ("4,5", 'decimal = "comma"')],
)
def test_a_value_that_a_setting_would_read_is_told_with_it(value: object, fix: str) -> None:
    (reject,) = decoded({"series": "a", "value": value}).rejects
    assert fix in reject.detail


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("4.5", 4.5, None),
        ("4,5", None, 4.5),
        ("-1,25e3", None, -1250.0),
        ("7", 7.0, 7.0),
        ("1.234,5", None, None),
        ("1,234,567", None, None),
        (",5", None, 0.5),
    ],
)
def test_a_number_in_a_text_has_the_decimal_mark_that_is_set_and_no_other(
    text: str, point: float | None, comma: float | None
) -> None:
    for events, number in ((Events(), point), (Events(decimal="comma"), comma)):
        events = structs.replace(events, covariates=("known",))
        found = Decoder(events).decode(record({"series": "a", "value": text, "known": text}))
        assert [one.value for one in found.observations] == ([] if number is None else [number])
        assert [reject.reason for reject in found.rejects] == (["bad_value"] if number is None else [])
        (event,) = found.events
        assert number is None or event.covariates == (number,)


def test_a_bare_text_with_a_decimal_comma_is_a_value() -> None:
    events = Events(series="{key}", decimal="comma")
    (observation,) = Decoder(events).decode(record(b'"21,5"', b"a")).observations
    assert observation.value == 21.5


def test_a_bare_number_is_the_value_of_the_one_path() -> None:
    assert decoded(b"21.5", b"a").observations == (Observation("a", MICROS, 21.5),)
    assert decoded(b"21.5", b"a").observations == decoded(b'"21.5"', b"a").observations
    assert rejected(b"21.5", Events(values=("a", "b")), b"k") == [("not_an_object", None)]
    assert rejected(b"true", Events(), b"k") == [("not_an_object", None)]


def test_a_name_put_together_tells_what_is_missing_of_it() -> None:
    events = Events(series="{name}/{tags.host}")
    assert (
        Decoder(events).decode(record({"name": "cpu", "tags": {"host": 7}, "value": 1})).observations[0].series
        == "cpu/7"
    )
    (reject,) = Decoder(events).decode(record({"name": "cpu", "value": 1}, b"key")).rejects
    assert reject.detail == 'no field `tags.host`, which is part of events.series = "{name}/{tags.host}"'
    (reject,) = Decoder(events).decode(record({"name": "cpu", "tags": {"host": [1]}, "value": 1})).rejects
    assert reject.detail.startswith("field `tags.host` is an array of 1, which is part of")


def test_a_stamp_without_a_zone_is_of_the_zone_that_is_set() -> None:
    found = Decoder(Events(timezone="Europe/Berlin")).decode(
        record({"series": "a", "timestamp": "2026-01-31 13:00", "value": 1})
    )
    assert found.observations == (Observation("a", MICROS, 1.0),)


@pytest.mark.parametrize("text", ["20,622", "21.5 °C", "$1,200.00", "(12.5)", "12%"])
def test_a_number_with_more_around_it_is_not_said_to_mean_a_missing_value(text: str) -> None:
    (reject,) = Decoder().decode(record({"series": "a", "value": text})).rejects
    assert reject.reason == "bad_value"
    assert "the number alone" in reject.detail
    assert "events.missing" not in reject.detail
