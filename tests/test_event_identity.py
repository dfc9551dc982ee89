"""The series and the time of an event, of its fields or of its record in their place."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_stream import Observation
from pipeline.events.decoder import Decoder
from pipeline.messages import iso8601
from pipeline.settings import Events
from tests.event_records import MICROS, NOON, decoded, reason, record


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
