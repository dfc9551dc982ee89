"""Laws of time stamps: what is read is what was meant, or it is refused with the setting that reads it."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.messages import iso8601
from pipeline.stamps import FARTHEST, UNITS, Stamp, StampError, Stamps, zone
from pipeline.stamps.repeated_hour import RepeatedHour
from tests.json_values import json_values

NOON = 1769860800  # 2026-01-31T12:00:00Z in seconds
MICROS = NOON * 1_000_000
REASONS = {
    "bad_timestamp",
    "ambiguous_timestamp",
    "implausible_timestamp",
    "negative_timestamp",
    "timestamp_out_of_range",
}


def read(found: object, form: str = "auto", timezone: str = "UTC", near: int | None = None) -> str:
    return iso8601(Stamps(form, timezone).read(found, near).time)


def refusal(found: object, form: str = "auto", near: int | None = None) -> StampError:
    with pytest.raises(StampError) as refused:
        Stamps(form).read(found, near)
    return refused.value


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        *[(whole, "2026-01-31T12:00:00Z") for whole in (NOON, NOON * 10**3, NOON * 10**6, NOON * 10**9)],
        *[(text, "2026-01-31T12:00:00Z") for text in (str(NOON), str(NOON * 1000), f" {NOON} ", f"{NOON}.0")],
        (NOON + 0.25, "2026-01-31T12:00:00.250000Z"),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        (" 2026-01-31T12:00:00Z\n", "2026-01-31T12:00:00Z"),
        ("2026-01-31Z", "2026-01-31T00:00:00Z"),
        ("2026-01-31 12:00:00 UTC", "2026-01-31T12:00:00Z"),
        ("2026-01-31 12:00:00.5 UTC", "2026-01-31T12:00:00.500000Z"),
        ("2026-01-31 12:00:00 +0000 UTC", "2026-01-31T12:00:00Z"),
        ("2026-01-31 13:30:00 +01:30", "2026-01-31T12:00:00Z"),
        ("2026-01-31 08:30:00 -0330", "2026-01-31T12:00:00Z"),
        ("2026-01-31T12:00:00z", "2026-01-31T12:00:00Z"),
        ("2026-01-31T13:00:00+01:00[Europe/Berlin]", "2026-01-31T12:00:00Z"),
        ("2026-01-31T13:00:00[Europe/Berlin]", "2026-01-31T12:00:00Z"),
        ("2026-01-31 13:00 Europe/Berlin", "2026-01-31T12:00:00Z"),
        ("2026-01-31 13:00:00 CET", "2026-01-31T12:00:00Z"),
        ("Sat Jan 31 13:00:00 CET 2026", "2026-01-31T12:00:00Z"),
        ("Sat Jan 31 12:00:00 UTC 2026", "2026-01-31T12:00:00Z"),
        *[(f"2026-01-31{mark}24:00{rest}", "2026-02-01T00:00:00Z") for mark in "T " for rest in ("", ":00", ":00.0Z")],
        ("2026-12-31T24:00:00+01:00", "2026-12-31T23:00:00Z"),
        ("31 January 2026 24:00", "2026-02-01T00:00:00Z"),
        *[(midnight, "2026-02-01T00:00:00Z") for midnight in (202601312400, "20260131240000")],
        ("Sat, 31 Jan 2026 12:00:00 GMT", "2026-01-31T12:00:00Z"),
        ("Sat, 31 Jan 2026 13:00:00 +0100", "2026-01-31T12:00:00Z"),
        ("31 January 2026 12:00", "2026-01-31T12:00:00Z"),
        ("Sat Jan 31 12:00:00 2026", "2026-01-31T12:00:00Z"),
        ("Sat Jan 31 2026 13:00:00 GMT+0100 (Central European Standard Time)", "2026-01-31T12:00:00Z"),
        ("31/Jan/2026:12:00:00 +0000", "2026-01-31T12:00:00Z"),
        ("Jan 31, 2026 12:00:00 PM", "2026-01-31T12:00:00Z"),
        ("Jan 31, 2026, 12:30 am", "2026-01-31T00:30:00Z"),
        ("2026/01/31", "2026-01-31T00:00:00Z"),
        ("2026/1/31 12:00:00", "2026-01-31T12:00:00Z"),
        ("2026.01.31", "2026-01-31T00:00:00Z"),
        ("2026-1-5", "2026-01-05T00:00:00Z"),
        ("2026-01", "2026-01-01T00:00:00Z"),
        ("2026-W05", "2026-01-26T00:00:00Z"),
        ("1960Q1", "1960-01-01T00:00:00Z"),
        ("1960-Q4", "1960-10-01T00:00:00Z"),
        ("Jan 1990", "1990-01-01T00:00:00Z"),
        ("1990 Sept", "1990-09-01T00:00:00Z"),
        *[(year, "2014-01-01T00:00:00Z") for year in (2014, "2014", 2014.0, "2014.0")],
        *[(month, "2025-01-01T00:00:00Z") for month in (202501, "202501")],
        *[(day, "2026-01-25T00:00:00Z") for day in (20260125, "20260125", 20260125.0)],
        *[(minute, "2026-01-25T13:45:00Z") for minute in (202601251345, "202601251345")],
        *[(second, "2026-01-25T13:45:59Z") for second in (20260125134559, "20260125134559")],
        ("20260125134559123", "2026-01-25T13:45:59.123000Z"),
        (1871, "1871-01-01T00:00:00Z"),
        (946684800000, "2000-01-01T00:00:00Z"),  # twelve digits, but no date
        ({"$date": "2026-01-31T12:00:00Z"}, "2026-01-31T12:00:00Z"),
        ({"$date": NOON * 1000}, "2026-01-31T12:00:00Z"),
        ({"$date": {"$numberLong": str(NOON * 1000)}}, "2026-01-31T12:00:00Z"),
        ({"$date": {"$numberLong": "-86400000"}}, "1969-12-31T00:00:00Z"),
        ([2026, 1, 31, 12, 0, 0, 250_000_000], "2026-01-31T12:00:00.250000Z"),
        ([2026, 1, 31], "2026-01-31T00:00:00Z"),
        ("1949-01-01", "1949-01-01T00:00:00Z"),
        ("0001-01-02", "0001-01-02T00:00:00Z"),
        ("1600", "1600-01-01T00:00:00Z"),
        *[(f"/Date({NOON}000{offset})/", "2026-01-31T12:00:00Z") for offset in ("", "+0100", "-0800")],
        ("/Date(-86400000)/", "1969-12-31T00:00:00Z"),
        ("2026-01-31 13:00:00.5 +0100 CET m=+12.000123", "2026-01-31T12:00:00.500000Z"),
        *[
            ({whole: seconds, rest: 250_000_000}, "2026-01-31T12:00:00.250000Z")
            for whole, rest in (("seconds", "nanos"), ("epochSecond", "nano"), ("timeInSeconds", "offsetInNanos"))
            for seconds in (NOON, str(NOON))
        ],
        ({"sec": NOON, "nanosec": 0}, "2026-01-31T12:00:00Z"),
        ({"seconds": NOON}, "2026-01-31T12:00:00Z"),
        ([NOON, 250_000_000], "2026-01-31T12:00:00.250000Z"),
    ],
)
def test_left_to_itself_it_reads_what_can_mean_one_time_only(found: object, expected: str) -> None:
    assert read(found) == expected


@pytest.mark.parametrize(
    ("found", "reason", "fix"),
    [
        ("03/04/2026", "ambiguous_timestamp", 'events.timestamp_format = "%d/%m/%Y" or "%m/%d/%Y"'),
        ("31/01/2026", "ambiguous_timestamp", 'events.timestamp_format = "%d/%m/%Y"'),
        ("01/31/2026 12:00:00", "ambiguous_timestamp", 'events.timestamp_format = "%m/%d/%Y %H:%M:%S"'),
        ("1.2.2026 07:30", "ambiguous_timestamp", '"%d.%m.%Y %H:%M" or "%m.%d.%Y %H:%M"'),
        ("03/04/26", "ambiguous_timestamp", '"%d/%m/%y" or "%m/%d/%y"'),
        ("1/31/2026 1:00 PM", "ambiguous_timestamp", '"%m/%d/%Y %I:%M %p"'),
        (20484, "implausible_timestamp", 'events.timestamp_format = "days"'),
        ("20484", "implausible_timestamp", 'events.timestamp_format = "days"'),
        (0, "implausible_timestamp", "events.timestamp_format"),
        (17.25, "implausible_timestamp", "events.timestamp_format"),
        (202613, "implausible_timestamp", "events.timestamp_format"),
        (20260231, "implausible_timestamp", "events.timestamp_format"),
        (176986080, "implausible_timestamp", "1975"),
        (-5, "negative_timestamp", "-5"),
        ("-5", "negative_timestamp", "-5"),
        (10**30, "timestamp_out_of_range", "10000"),
        (float("nan"), "timestamp_out_of_range", "NaN"),
        ("0001-01-01T00:00:00+14:00", "timestamp_out_of_range", "0001"),
        ("yesterday", "bad_timestamp", "events.timestamp_format"),
        ("2026-01-31T12:00:00+01:00Z", "bad_timestamp", "+01:00Z"),
        ("2026-02-30", "bad_timestamp", "2026-02-30"),
        ("2026-01-31 12:00:00 XYZ", "bad_timestamp", "XYZ"),
        ("2026-01-31T12:00:00[Europe/Atlantis]", "bad_timestamp", "Atlantis"),
        ("", "bad_timestamp", '""'),
        ("9" * 1_000_000, "bad_timestamp", "1000000 characters"),
        (True, "bad_timestamp", "true"),
        ([2026], "bad_timestamp", "array"),
        ([2026, 13, 1], "bad_timestamp", "no date"),
        ([2026, 1, 10**30], "bad_timestamp", "no date"),
        ({"$date": [1]}, "bad_timestamp", "number"),
        ({"time": 5}, "bad_timestamp", "$date"),
        ({"time": 5}, "bad_timestamp", "let events.timestamp name the field in it"),
        ({"seconds": 5, "nanos": 0}, "bad_timestamp", "seconds since the epoch"),
        ({"seconds": NOON, "nanos": 10**9}, "bad_timestamp", "seconds since the epoch"),
        ({"seconds": NOON, "zone": "CET"}, "bad_timestamp", "let events.timestamp name"),
        ([NOON, -1], "bad_timestamp", "seconds since the epoch"),
        *[(zero, "implausible_timestamp", "not set") for zero in ("0001-01-01T00:00:00Z", "0001-01-01")],
        ("08:15:00", "bad_timestamp", 'events.timestamp = "{date} {time}"'),
        ("8:15 PM", "bad_timestamp", 'events.timestamp = "{date} {time}"'),
        *[(text, "bad_timestamp", "tells no year") for text in ("Jan 31 12:00:00", "31.01. 12:00", "01/31 12:00:00")],
        *[(f"2026-01-31T12:00Z/{end}", "bad_timestamp", "an interval") for end in ("2026-01-31T13:00Z", "PT1H")],
        *[(clock, "implausible_timestamp", "1970") for clock in (1230, "0830", 1599)],
    ],
)
def test_what_is_refused_is_told_with_the_setting_that_reads_it(found: object, reason: str, fix: str) -> None:
    refused = refusal(found)
    assert refused.reason == reason
    assert fix in refused.detail


def test_a_number_far_from_the_records_own_time_is_of_another_unit() -> None:
    assert read(NOON, near=MICROS) == "2026-01-31T12:00:00Z"
    assert read(NOON, near=MICROS + FARTHEST) == "2026-01-31T12:00:00Z"
    refused = refusal(NOON, near=MICROS + FARTHEST + 1)
    assert (refused.reason, "2046" in refused.detail) == ("implausible_timestamp", True)
    assert 'set events.timestamp_format = "us"' in refusal(NOON * 10**6 // 10**5 * 10**4, near=NOON * 10**5).detail
    assert read("1970-01-01", near=MICROS) == "1970-01-01T00:00:00Z", "a date written out is believed"
    assert read(1871, near=MICROS) == "1871-01-01T00:00:00Z", "and so is one without marks"


@pytest.mark.parametrize(
    ("form", "found", "expected"),
    [
        ("s", 17, "1970-01-01T00:00:17Z"),
        ("s", -1.5, "1969-12-31T23:59:58.500000Z"),
        ("s", str(NOON), "2026-01-31T12:00:00Z"),
        ("ms", 1500, "1970-01-01T00:00:01.500000Z"),
        ("us", NOON * 10**6, "2026-01-31T12:00:00Z"),
        ("ns", NOON * 10**9 + 1999, "2026-01-31T12:00:00.000001Z"),
        ("days", 20484, "2026-01-31T00:00:00Z"),
        ("days", 20484.5, "2026-01-31T12:00:00Z"),
        ("%d/%m/%Y", "03/04/2026", "2026-04-03T00:00:00Z"),
        ("%m/%d/%Y %I:%M %p", "1/31/2026 12:00 PM", "2026-01-31T12:00:00Z"),
        ("%Y%m%d%H", 2026013112, "2026-01-31T12:00:00Z"),
        ("%Y%m%d%H", 2026013112.0, "2026-01-31T12:00:00Z"),
        ("%d.%m.%Y %H:%M:%S %z", "31.01.2026 13:00:00 +0100", "2026-01-31T12:00:00Z"),
    ],
)
def test_a_format_is_believed(form: str, found: object, expected: str) -> None:
    assert read(found, form) == expected


@pytest.mark.parametrize(
    ("form", "found"),
    [("ms", "2026-01-31T12:00:00Z"), ("s", None), ("s", True), ("%d/%m/%Y", "2026-01-31"), ("%Y", [2026]), ("%Y", {})],
)
def test_what_a_format_does_not_fit_is_refused(form: str, found: object) -> None:
    assert refusal(found, form).reason == "bad_timestamp"


@pytest.mark.parametrize("form", ["s", "days"])
def test_a_number_that_no_time_can_hold_is_out_of_range(form: str) -> None:
    assert refusal(2.08e305, form).reason == "timestamp_out_of_range"


@pytest.mark.parametrize(
    ("form", "fix"),
    [
        (
            "seconds",
            'expected "auto", "s", "ms", "us", "ns", "days", "minutes", "hours", "excel", "ticks", "filetime", or',
        ),
        ("%d.%m", "tells no year"),
        ("%H:%M:%S", "tells no year"),
        ("%Y-%m-%d %H:%M %Z", "write it out in letters"),
        ("%Q", "no pattern that can be read"),
        ("%", "no pattern that can be read"),
    ],
)
def test_a_wrong_format_is_told_with_its_fix(form: str, fix: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fix)):
        Stamps(form)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "", "../UTC", "/etc/passwd", "a\0b", "Europe"])
def test_an_unknown_zone_is_told_with_its_fix(name: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        Stamps(timezone=name)


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-01-31 12:00", "2026-01-31T11:00:00Z"),
        ("2026-07-31 12:00", "2026-07-31T10:00:00Z"),
        ("2026-03-29 02:30", "2026-03-29T01:30:00Z"),  # spring leaves it out
        (20260731, "2026-07-30T22:00:00Z"),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ("2026-01-31 12:00 UTC", "2026-01-31T12:00:00Z"),
    ],
)
def test_a_zone_is_of_dates_without_one(local: object, expected: str) -> None:
    assert read(local, timezone="Europe/Berlin") == expected


@given(st.sampled_from([5, 10, 15, 20, 30, 60]), st.integers(0, 59), st.integers(0, 200))
def test_the_hour_that_autumn_repeats_is_told_apart_by_order(minutes: int, shift: int, crash: int) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 24, 22, shift % minutes, tzinfo=UTC)
    truth = [first + timedelta(minutes=minutes * index) for index in range(8 * 60 // minutes)]
    stamps, hour = Stamps(timezone="Europe/Berlin"), RepeatedHour()
    told = []
    for index, moment in enumerate(truth):
        if index == crash:
            hour = RepeatedHour.of_arrays(hour.arrays())
        stamp = stamps.read(moment.astimezone(berlin).strftime("%Y-%m-%d %H:%M:%S"))
        told += [hour.time(series, stamp) for series in ("a", "b")][:1]
    assert [iso8601(time) for time in told] == [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in truth]


@given(
    st.datetimes(datetime(1980, 1, 2), datetime(2099, 1, 1)),
    st.sampled_from(["auto", *UNITS, "%Y-%m-%d %H:%M:%S.%f", "%d/%m/%Y %H:%M:%S.%f %z"]),
)
def test_what_is_written_is_read_again(moment: datetime, form: str) -> None:
    time = (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    stamps = Stamps(form)
    inexact = ("s", "days", "ms", "minutes", "hours", "excel")
    assert abs(stamps.read(stamps.write(time)).time - time) <= (1 if form in inexact else 0)


@pytest.mark.parametrize(
    ("number", "unit", "expected"),
    [
        (46053.5, "excel", "2026-01-31T12:00:00Z"),
        (NOON * 10**7 + 621355968000000000, "ticks", "2026-01-31T12:00:00Z"),
        (NOON * 10**7 + 116444736000000000, "filetime", "2026-01-31T12:00:00Z"),
        (NOON // 60, "minutes", "2026-01-31T12:00:00Z"),
        (NOON // 3600, "hours", "2026-01-31T12:00:00Z"),
    ],
)
def test_numbers_in_units_that_few_have_are_told_with_the_unit_that_fits(
    number: float, unit: str, expected: str
) -> None:
    for found in (number, str(number)):
        assert f'events.timestamp_format = "{unit}"' in refusal(found, near=MICROS).detail
        assert read(found, unit) == expected
    local = {"excel", "ticks"}
    assert read(number, unit, "Europe/Berlin") == ("2026-01-31T11:00:00Z" if unit in local else expected)
    assert Stamps(unit, "Europe/Berlin").read(number).is_date is False


def test_no_other_unit_is_told_of_a_number_that_fits_none() -> None:
    detail = refusal(2461072.0, near=MICROS).detail
    assert '"ns"' in detail
    assert "the records' own times count" in detail


@given(
    json_values
    | st.text("0123456789-/.:TZ +JanQW[]", max_size=30)
    | st.builds(lambda seconds, rest: {"seconds": seconds, "nanos": rest}, json_values, json_values),
    st.sampled_from(["auto", *UNITS, "%d/%m/%Y", "%Y%m%d"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns"]),
    st.none() | st.integers(0, 4 * 10**15),
)
def test_anything_is_a_time_or_refused_with_a_reason(found: object, form: str, timezone: str, near: int | None) -> None:
    told = outcome(Stamps(form, timezone), found, near)
    if isinstance(told, Stamp):
        assert iso8601(told.time)
        assert told.later is None or told.later > told.time
    else:
        assert told.reason in REASONS
        assert 0 < len(told.detail) < 600


def outcome(stamps: Stamps, found: object, near: int | None) -> Stamp | StampError:
    try:
        return stamps.read(found, near)
    except StampError as refused:
        return refused


def test_the_zone_of_utc_is_that_of_python() -> None:
    assert zone("UTC") is UTC


@pytest.mark.parametrize(
    ("found", "pattern"),
    [
        ("31/01/2026 24:00", "%d/%m/%Y %H:%M"),
        ("31.01.2026 24:00:00", "%d.%m.%Y %H:%M:%S"),
        ("2026013124", "%Y%m%d%H"),
        ("20260131 2400", "%Y%m%d %H%M"),
    ],
)
def test_a_pattern_reads_the_end_of_a_day_as_the_next_ones_start(found: str, pattern: str) -> None:
    assert read(found, pattern) == "2026-02-01T00:00:00Z"
    assert read(found, pattern, "Europe/Berlin") == "2026-01-31T23:00:00Z"


def test_the_end_of_a_day_in_which_clocks_change_is_the_next_ones_start_too() -> None:
    for day, after in (("2026-03-29", "2026-03-30"), ("2026-10-25", "2026-10-26")):
        assert read(f"{day} 24:00", timezone="Europe/Berlin") == read(f"{after} 00:00", timezone="Europe/Berlin")


@pytest.mark.parametrize("found", ["2026-01-31 24:01", "2026-01-31 24:00:01", "2026-01-31 25:00", "202601312401"])
def test_no_other_time_is_later_than_a_day(found: str) -> None:
    assert refusal(found).reason in ("bad_timestamp", "implausible_timestamp", "timestamp_out_of_range")


@pytest.mark.parametrize(
    ("found", "zone_", "expected"),
    [
        ("2026-07-01 14:00 CEST", "Europe/Berlin", "2026-07-01T12:00:00Z"),
        ("2026-07-01 14:00 MESZ", "Europe/Berlin", "2026-07-01T12:00:00Z"),
        ("2026-07-01 13:00 CET", "Europe/Berlin", "2026-07-01T12:00:00Z"),
        ("2026-10-25 02:30 CEST", "Europe/Berlin", "2026-10-25T00:30:00Z"),
        ("2026-10-25 02:30 CET", "Europe/Berlin", "2026-10-25T01:30:00Z"),
        ("2026-07-01 08:00 EDT", "America/New_York", "2026-07-01T12:00:00Z"),
        ("Wed Jul  1 20:00:00 CST 2026", "Asia/Shanghai", "2026-07-01T12:00:00Z"),
        ("Wed, 01 Jul 2026 17:30:00 IST", "Asia/Kolkata", "2026-07-01T12:00:00Z"),
    ],
)
def test_an_abbreviation_is_read_as_that_of_the_zone_that_is_set(found: str, zone_: str, expected: str) -> None:
    assert read(found, timezone=zone_) == expected


@pytest.mark.parametrize("name", ["CEST", "CET", "EDT", "CST", "IST", "BST", "AEST", "MESZ"])
def test_an_abbreviation_that_several_zones_may_have_is_refused_with_the_setting(name: str) -> None:
    refused = refusal(f"2026-07-01 14:00:00 {name}")
    assert refused.reason == "ambiguous_timestamp"
    assert "events.timezone" in refused.detail
