"""Laws of messages: each value is an observation or a reject whatever the bytes; what goes out is finite JSON."""

import json
import math
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_stream import Observation
from pipeline.messages import (
    REASONS,
    Decoded,
    Decoder,
    ForecastMessage,
    Model,
    Record,
    Reject,
    Source,
    cut,
    dead_letter,
    decode_forecast,
    encode_forecast,
    forecast_id,
    iso8601,
    rounded,
)

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
    observations, (reject,), *_ = decoded(value, key, timestamp)
    assert observations == ()
    return reject.reason


def is_sound(found: Decoded) -> bool:
    good = all(
        len(one.series) >= 1 and one.series.encode() and (math.isnan(one.value) or abs(one.value) <= 1e30)
        for one in found.observations
    )
    told = all(one.reason in REASONS and len(one.detail) < 600 for one in found.rejects)
    return good and told


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
events = st.fixed_dictionaries(
    {}, optional={"series": json_values, "timestamp": json_values, "value": json_values, "b": json_values}
)
headers = st.lists(st.tuples(st.text(max_size=9), st.none() | st.binary(max_size=9)), max_size=3).map(tuple)
stamps = st.integers(-1, 2**63 - 1)
keys = st.none() | st.binary()


@given(st.none() | st.binary(), keys, stamps)
def test_any_bytes_are_an_observation_or_a_reject(value: bytes | None, key: bytes | None, stamp: int) -> None:
    found = Decoder().decode(Record("events", 0, 0, stamp, key, value))
    assert len(found.observations) + len(found.rejects) == 1
    assert is_sound(found)


@settings(max_examples=300)
@given(events | json_values, keys, stamps)
def test_any_json_is_an_observation_or_a_reject(event: object, key: bytes | None, stamp: int) -> None:
    found = Decoder().decode(Record("events", 0, 0, stamp, key, json.dumps(event).encode()))
    assert len(found.observations) + len(found.rejects) == 1
    assert is_sound(found)


@given(events, keys)
def test_of_several_values_each_is_an_observation_or_a_reject(event: dict[str, object], key: bytes | None) -> None:
    whole = {"series": "pump", "timestamp": NOON, **event} if event.keys() & {"value", "b"} else event
    found = Decoder(values=("value", "b.c", "b")).decode(record(whole, key))
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
    "a byte order mark": (b'\xef\xbb\xbf{"series": "a", "value": 1}', "not_json"),
    "cut off": (b'{"series": "a", "val', "not_json"),
    "two events": (b'{"series":"a","value":1}{"series":"a","value":2}', "not_json"),
    "two megabytes of noise": (b"\x07" * 2_000_000, "not_json"),
    "an array": (b"[]", "not_an_object"),
    "null": (b"null", "not_an_object"),
    "a number": (b"1e400", "not_an_object"),
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
    by_the_shard = {"null_before_first_value"}
    elsewhere = {reason({"series": "a", "value": 1}, timestamp=-1)} | by_the_shard
    assert {expected for _, expected in BAD.values()} | elsewhere == set(REASONS)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(4.5, 4.5), (4, 4.0), ("1.5", 1.5), (" -2e3 ", -2000.0), (".5", 0.5), ("7", 7.0), (-1e30, -1e30), (0, 0.0)],
)
def test_numbers_and_numeric_strings_are_values(value: object, expected: float) -> None:
    assert decoded({"series": "a", "timestamp": NOON, "value": value}) == Decoded(
        (Observation("a", MICROS, expected),), ()
    )


def test_null_is_a_missing_observation() -> None:
    (observation,), rejects, *_ = decoded({"series": "a", "value": None})
    assert math.isnan(observation.value)
    assert rejects == ()


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
        (0, 0),
        (None, MICROS),
    ],
)
def test_times_are_iso_8601_or_since_the_epoch_in_any_unit(stamp: object, expected: int) -> None:
    (observation,), *_ = decoded({"series": "a", "timestamp": stamp, "value": 1})
    assert observation.time == expected


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_written_is_the_time_read(moment: datetime) -> None:
    text = moment.isoformat()
    (observation,), *_ = decoded({"series": "a", "timestamp": text, "value": 1}, timestamp=-1)
    written = iso8601(observation.time)
    assert datetime.fromisoformat(written) == moment
    assert written.endswith("Z")
    assert ("." in written) == (moment.microsecond != 0)


def test_without_a_time_the_records_own_stands_in() -> None:
    (observation,), *_ = decoded({"series": "a", "value": 1}, timestamp=NOON * 1000 + 5)
    assert observation.time == MICROS + 5000
    assert reason({"series": "a", "value": 1}, timestamp=-1) == "missing_timestamp"
    assert reason({"series": "a", "value": 1}, timestamp=2**62) == "timestamp_out_of_range"


@pytest.mark.parametrize(("ahead", "good"), [(0, True), (59, True), (60, True), (61, False)])
def test_a_time_may_be_ahead_of_the_record_by_so_much(ahead: int, good: bool) -> None:
    decoder = Decoder(max_ahead=60.0)
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
    (observation,), *_ = decoded({**event, "value": 1}, key)
    assert observation.series == expected


def test_a_key_that_is_no_name_is_refused_only_where_it_is_needed() -> None:
    assert reason({"value": 1}, b"\xff") == "bad_series"
    assert reason({"value": 1}, b"k" * 65536) == "series_too_long"
    assert len(decoded({"series": "a", "value": 1}, b"k" * 65536).observations) == 1


def test_fields_are_found_by_dotted_paths_and_a_key_spelt_so_wins() -> None:
    cloud = Decoder(series="source", timestamp="time", values=("data.value",))
    event = {"source": "pump", "time": "2026-01-31T12:00:00Z", "data": {"value": 4.5}}
    assert cloud.decode(record(event)).observations == (Observation("pump", MICROS, 4.5),)
    assert cloud.decode(record({**event, "data.value": 7})).observations[0].value == 7.0
    assert cloud.decode(record({**event, "data": 4.5})).rejects[0].reason == "missing_value"


def test_of_several_values_the_bad_ones_alone_are_rejects() -> None:
    decoder = Decoder(values=("temp", "rpm", "load", "flow"))
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
    found = Decoder(covariates=("weather.temp", "holiday")).decode(event)
    assert found.observations == (Observation("a", MICROS, 1.0),)
    assert repr(found.covariates) == repr((expected, math.nan))  # as text, where a NaN equals a NaN


numbers = st.floats(-1e30, 1e30) | st.integers(-(10**30), 10**30) | st.booleans()


def known(drawn: object) -> float:
    """The number that a covariate is; NaN if it is none."""
    return float(drawn) if isinstance(drawn, int | float) and abs(drawn) <= 1e30 else math.nan


@given(st.tuples(*3 * [numbers | json_values.filter(lambda drawn: not isinstance(drawn, str))]))
def test_exactly_the_bad_covariates_are_masked(drawn: tuple[object, ...]) -> None:
    event = record({"series": "a", "value": 1} | dict(zip("xyz", drawn, strict=True)))
    found = Decoder(covariates=tuple("xyz")).decode(event)
    assert repr(found.covariates) == repr(tuple(map(known, drawn)))


@given(events, json_values, keys, stamps)
def test_no_covariate_changes_what_becomes_of_the_values(
    event: dict[str, object], covariate: object, key: bytes | None, stamp: int
) -> None:
    decoder = Decoder(values=("value", "b"), covariates=("covariate", "timestamp", "missing"))
    without, with_it = (decoder.decode(record(one, key, stamp)) for one in (event, event | {"covariate": covariate}))
    assert repr(with_it[:2]) == repr(without[:2])
    assert len(with_it.covariates) == (3 if with_it.observations else len(with_it.covariates))
    assert all(math.isnan(one) or abs(one) <= 1e30 for one in with_it.covariates)


def test_a_bad_number_in_a_field_that_nobody_reads_does_no_harm() -> None:
    event = b'{"series": "a", "value": 1, "other": [NaN, 1e400, "\\ud800", ' + b"9" * 5000 + b"]}"
    assert decoded(event).observations == (Observation("a", MICROS, 1.0),)


@given(st.builds(Record, st.text(), st.integers(0), st.integers(0), stamps, keys, keys, headers), st.text())
def test_a_dead_letter_carries_the_record_unchanged_and_why(bad: Record, detail: str) -> None:
    letter = dead_letter(bad, Reject("not_json", detail, None, "value"))
    assert letter.value == bad.value
    assert letter.key == (b"" if bad.key is None and bad.value is None else bad.key)
    assert letter.headers[: len(bad.headers)] == tuple((name, content or b"") for name, content in bad.headers)
    why = dict(letter.headers[len(bad.headers) :])
    assert why["lstm_stream.reason"] == b"not_json"
    assert why["lstm_stream.field"] == b"value"
    assert why["lstm_stream.topic"] == bad.topic.encode()
    assert why["lstm_stream.partition"] == str(bad.partition).encode()
    assert why["lstm_stream.offset"] == str(bad.offset).encode()
    assert why.keys().isdisjoint({"lstm_stream.series", "lstm_stream.truncated"})
    assert ("lstm_stream.null_key" in why) is (bad.key is None and bad.value is None)


def size(key: bytes | None, value: bytes | None, headers: tuple[tuple[str, bytes], ...]) -> int:
    return len(key or b"") + len(value or b"") + sum(len(name) + len(content) for name, content in headers)


@pytest.mark.parametrize(
    ("key", "value", "header", "kept"),
    [
        (10, 2_000_000, 10, "key headers value"),
        (10, 899_999, 10, "key headers value"),
        (10, 10, 2_000_000, "key value"),
        (2_000_000, 10, 10, ""),
        (2_000_000, 2_000_000, 2_000_000, ""),
    ],
)
def test_a_dead_letter_too_large_for_a_record_is_cut(key: int, value: int, header: int, kept: str) -> None:
    bad = Record("events", 0, 7, -1, b"k" * key, b"v" * value, (("h", b"x" * header),))
    letter = cut(dead_letter(bad, Reject("not_json", "found noise")), 900_000)
    assert 800_000 * bool(kept == "key headers value") < size(letter.key, letter.value, letter.headers) <= 900_000
    assert (letter.key == bad.key) is ("key" in kept)
    assert (letter.headers[:1] == bad.headers) is ("headers" in kept)
    assert letter.value is not None
    assert bad.value is not None
    assert bad.value.startswith(letter.value)
    assert bool(letter.value) is ("value" in kept)
    told = dict(letter.headers)["lstm_stream.truncated"].decode()
    assert told == f"it had key {key}, value {value}, headers {header + 1} bytes"


def test_a_dead_letter_cut_again_tells_once_what_it_had() -> None:
    bad = Record("events", 0, 7, -1, b"k", b"v" * 2_000_000, (("lstm_stream.reason", b"of an earlier life"),))
    whole = dead_letter(bad, Reject("not_json", "found noise"))
    assert cut(cut(whole, 900_000), 5_000) == cut(whole, 5_000)
    assert [name for name, _ in cut(whole, 5_000).headers].count("lstm_stream.truncated") == 1
    assert cut(whole, 3_000_000) == whole


@given(st.integers(0, 3000), st.none() | st.binary(max_size=2000), st.none() | st.binary(max_size=2000), headers)
def test_a_dead_letter_takes_no_more_than_the_limit_and_its_whys(
    limit: int, key: bytes | None, value: bytes | None, own: tuple[tuple[str, bytes | None], ...]
) -> None:
    letter = cut(dead_letter(Record("events", 0, 7, -1, key, value, own), Reject("not_json", "noise")), limit)
    assert size(letter.key, letter.value, letter.headers) <= max(limit, 300)
    assert letter.key is not None or letter.value is not None


def message(
    mean: list[float], surprise: float | None = 0.25, step: float | None = 3600.0, share: float | None = 0.61
) -> ForecastMessage:
    origin = iso8601(MICROS)
    return ForecastMessage(
        id=forecast_id("pump 🚰", origin),
        series="pump 🚰",
        origin=origin,
        step_seconds=step,
        horizon=len(mean),
        mean=mean,
        quantiles={"0.05": [one - 1 for one in mean], "0.95": [one + 1 for one in mean]},
        surprise=surprise,
        status="ok",
        model=Model(123, share),
        source=Source("events", 3, 41),
    )


def test_a_forecast_is_the_record_that_is_promised() -> None:
    written = encode_forecast(message([1.5, 2.0]))
    assert json.loads(written) == {
        "id": "pump 🚰@2026-01-31T12:00:00Z",
        "series": "pump 🚰",
        "origin": "2026-01-31T12:00:00Z",
        "step_seconds": 3600.0,
        "horizon": 2,
        "mean": [1.5, 2.0],
        "quantiles": {"0.05": [0.5, 1.0], "0.95": [2.5, 3.0]},
        "surprise": 0.25,
        "status": "ok",
        "model": {"updates": 123, "lstm_share": 0.61},
        "source": {"topic": "events", "partition": 3, "offset": 41},
    }


@given(st.lists(st.floats(-1e30, 1e30)), st.none() | st.floats(0, 1), st.none() | st.floats(1e-6, 1e9))
def test_a_forecast_read_is_the_forecast_written(mean: list[float], surprise: float | None, step: float | None) -> None:
    sent = message(mean, surprise, step)
    assert decode_forecast(encode_forecast(sent)) == sent


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_lacks_never_leaves(bad: float) -> None:
    for spoilt in (
        message([1.0, bad]),
        msgspec.structs.replace(message([1.0]), quantiles={"0.5": [bad]}),
        message([1.0], surprise=bad),
        message([1.0], step=bad),
        message([1.0], share=bad),
    ):
        with pytest.raises(ValueError, match="not finite"):
            encode_forecast(spoilt)


def test_what_is_no_forecast_is_said_to_be_none() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_forecast(b"{}")


numbers = st.floats(-1e30, 1e30)
scales = st.floats(1e-12, 1e20)


@given(st.lists(numbers, min_size=1), scales)
def test_rounding_changes_less_than_the_scale_can_tell(values: list[float], scale: float) -> None:
    error = np.abs(rounded(values, scale) - values)
    assert (error <= scale * 1e-5 + np.abs(values) * 1e-15).all()


@given(st.lists(st.floats(), min_size=2), st.floats())
def test_what_was_ordered_stays_ordered_whatever_the_scale(values: list[float], scale: float) -> None:
    ordered = np.sort([value for value in values if not math.isnan(value)])
    assert (np.diff(rounded(ordered, scale)[np.isfinite(ordered)]) >= 0).all()


@given(st.floats(-1e12, 1e12), scales)
def test_neighbours_stay_ordered(value: float, scale: float) -> None:
    neighbours = [np.nextafter(value, -math.inf), value, np.nextafter(value, math.inf)]
    assert (np.diff(rounded(neighbours, scale)) >= 0).all()


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e3))
def test_a_rounded_number_is_short(value: float, relative: float) -> None:
    scale = abs(value) * relative + 1e-6
    digits = repr(rounded(value, scale).item())
    assert sum(letter.isdigit() for letter in digits.partition("e")[0].strip("0.-")) <= 12


@given(st.lists(st.tuples(numbers, st.floats(0, 1e20)), min_size=1, max_size=20))
def test_rounding_many_is_rounding_each(pairs: list[tuple[float, float]]) -> None:
    together = rounded([value for value, _ in pairs], [scale for _, scale in pairs])
    assert together.tolist() == [rounded(value, scale).item() for value, scale in pairs]


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf, 5e-324, 1e-300])
def test_without_a_usable_scale_values_stay(scale: float) -> None:
    assert rounded([0.1 + 0.2, -1e30, 5e-10], scale).tolist() == [0.1 + 0.2, -1e30, 5e-10]


def test_zero_has_no_sign() -> None:
    assert str(rounded(-1e-12, 1.0).item()) == "0.0"
