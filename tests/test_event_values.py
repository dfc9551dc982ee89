"""Values and covariates: numbers, and texts that mean one or a missing one."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from lstm_stream import Observation
from pipeline.events.decoder import Decoder
from pipeline.settings import Events
from tests.event_records import MICROS, NOON, decoded, record, rejected
from tests.json_values import json_events, json_values, keys, stamps


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


@given(json_events, json_values, keys, stamps)
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


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("NaN", ("nan", "NaN")),
        ("Infinity", ("inf", "+Inf", "Infinity")),
        ("-Infinity", ("-inf", "-Infinity")),
        ("1e400", ("inf",)),
    ],
)
def test_what_is_no_number_in_json_is_missing_on_request_and_else_told_with_that(
    token: str, words: tuple[str, ...]
) -> None:
    event = b'{"series": "a", "value": %s}' % token.encode()
    (reject,) = Decoder().decode(record(event)).rejects
    assert reject.reason == "value_out_of_range"
    (told,) = re.findall(r'events.missing = \["(.*)"\]', reject.detail)
    for word in (told, *words):
        (observation,) = Decoder(Events(missing=(word,))).decode(record(event)).observations
        assert math.isnan(observation.value)
    others = Events(missing=tuple({"nan", "inf", "-inf"} - {word.lower() for word in words}))
    assert Decoder(others).decode(record(event)).rejects


@pytest.mark.parametrize(
    ("value", "fix"),
    [
        ("B9A=", "decimal.handling.mode"),
        ("AQ==", "JsonConverter"),
        ("OPEN", "no other word is read as a number"),
        ({"double": 1.5}, "name the field in it"),
        ([1.5], "name the field in it"),
        (10**40, "a larger unit"),
    ],
)
def test_a_value_that_no_setting_reads_is_told_with_what_mends_it(value: object, fix: str) -> None:
    (reject,) = decoded({"series": "a", "value": value}).rejects
    assert fix in reject.detail
    assert ("events.missing" in reject.detail) == (value == "OPEN")


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


@pytest.mark.parametrize("text", ["20,622", "21.5 °C", "$1,200.00", "(12.5)", "12%"])
def test_a_number_with_more_around_it_is_not_said_to_mean_a_missing_value(text: str) -> None:
    (reject,) = Decoder().decode(record({"series": "a", "value": text})).rejects
    assert reject.reason == "bad_value"
    assert "the number alone" in reject.detail
    assert "events.missing" not in reject.detail
