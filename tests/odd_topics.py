"""Topics whose times, names and rows are odd: dates apart from clocks, ids in numbers, words, rows without names."""

import base64
from collections.abc import Iterator
from datetime import timedelta

from tests.sample_topics import STEPS, SampleTopic, Sent, at, milliseconds, sent, value


def seconds(step: int) -> int:
    return int(at(step).timestamp())


def clocks_apart() -> Iterator[Sent]:
    for step in range(STEPS):
        body = {"series": "a", "date": f"{at(step):%Y-%m-%d}", "time": f"{at(step):%H:%M:%S}", "value": value(step)}
        yield sent(at(step), body)


def clocks_apart_in_germany() -> Iterator[Sent]:
    for step in range(STEPS):
        written = f"{value(step)}".replace(".", ",")
        yield sent(at(step), {"Messstelle": "M1", "Datum": f"{at(step):%d.%m.%Y}", "Uhrzeit": f"{at(step):%H:%M}",
                              "Wert": written})  # fmt: skip


def labels_apart() -> Iterator[Sent]:
    """OpenTelemetry: each metric has labels of its own."""
    for step in range(STEPS):
        nanoseconds = str(seconds(step) * 10**9)
        of_cpus = [
            {"attributes": [{"key": "cpu", "value": {"stringValue": f"cpu{n}"}}], "timeUnixNano": nanoseconds,
             "asDouble": value(step, n)}
            for n in range(2)
        ]  # fmt: skip
        of_memory = [{"timeUnixNano": nanoseconds, "asDouble": 1000 * value(step)}]
        metrics = [
            {"name": "cpu.time", "gauge": {"dataPoints": of_cpus}},
            {"name": "memory", "gauge": {"dataPoints": of_memory}},
        ]
        yield sent(at(step), {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]})


def seconds_and_nanoseconds() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(2):
            point = {"timestamp": {"timeInSeconds": seconds(step), "offsetInNanos": 112_000_000}, "quality": "GOOD",
                     "value": {"doubleValue": value(step, n)}}  # fmt: skip
            yield sent(at(step), {"type": "PropertyValueUpdate", "payload": {"assetId": f"a-{n}", "values": [point]}})


def times_of_their_own() -> Iterator[Sent]:
    """Kepware: the record has a time, and each tag its own."""
    for step in range(STEPS):
        tags = [{"id": f"Tag{n}", "v": value(step, n), "q": True, "t": milliseconds(at(step))} for n in range(3)]
        yield sent(at(step), {"timestamp": milliseconds(at(step)) + 500, "values": tags})


def rows_of_canal() -> Iterator[Sent]:
    for step in range(STEPS):
        rows = [{"meter": f"m{n}", "kwh": str(value(step, n)), "measured_at": f"{at(step):%Y-%m-%d %H:%M:%S}"}
                for n in range(2)]  # fmt: skip
        before = [{"kwh": str(value(step - 1, n))} for n in range(2)]
        yield sent(at(step), {"data": rows, "old": before, "database": "e", "table": "t", "es": milliseconds(at(step)),
                              "ts": milliseconds(at(step)) + 200, "type": "UPDATE", "isDdl": False})  # fmt: skip


def rows_of_maxwell() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(2):
            row = {"meter": f"m{n}", "kwh": value(step, n), "measured_at": f"{at(step):%Y-%m-%d %H:%M:%S}"}
            around = {"database": "e", "table": "t", "type": "update", "ts": seconds(step), "xid": 940 + step}
            yield sent(at(step), around | {"data": row, "old": {"kwh": value(step - 1, n)}})


def rows_of_dms() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(2):
            metadata = {"timestamp": at(step).isoformat(), "record-type": "data", "operation": "insert",
                        "transaction-id": 86 + step}  # fmt: skip
            row = {"meter": f"m{n}", "kwh": value(step, n), "measured_at": at(step).isoformat()}
            yield sent(at(step), {"data": row, "metadata": metadata})


def ids_in_rows() -> Iterator[Sent]:
    """PurpleAir: rows without names, and the sensors are numbers."""
    for step in range(STEPS):
        rows = [[131_075 + n, value(step, n), int(value(step, 3))] for n in range(3)]
        around = {"api_version": "V1", "time_stamp": seconds(step), "fields": ["sensor_index", "pm2.5", "rh"]}
        yield sent(at(step), around | {"data": rows})


def places() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(3):
            yield sent(at(step), {"lat": 52.5 + n, "lon": 13.4, "time": at(step).isoformat(), "temp": value(step, n)})


def columns_of_pandas() -> Iterator[Sent]:
    for step in range(0, STEPS, 5):
        times = {str(row): milliseconds(at(step + row)) for row in range(5)}
        yield sent(at(step), {"ts": times, "temp": {str(row): value(step + row) for row in range(5)}})


def columns_in_an_array() -> Iterator[Sent]:
    for step in range(0, STEPS, 5):
        rows = range(step, step + 5)
        yield sent(at(step), [[seconds(row) for row in rows], [value(row) for row in rows]])


def bare_words() -> Iterator[Sent]:
    """Home Assistant's statestream: keyed by topic, and a word is a state."""
    for step in range(STEPS):
        yield sent(at(step), str(value(step)).encode(), key="sensor/kitchen/state")
        yield sent(at(step), b"on" if step % 3 else b"off", key="light/hall/state")
        yield sent(at(step), b"above_horizon", key="sun/sun/state")


def bad_while_false() -> Iterator[Sent]:
    """PI Web API: an object in place of a value while the source is bad."""
    for step in range(STEPS):
        bad = step % 11 == 5
        reading = {"Name": "I/O Timeout", "Value": 246, "IsSystem": True} if bad else value(step)
        yield sent(at(step), {"WebId": "F1", "Timestamp": at(step).isoformat(), "Value": reading, "Good": not bad})


def infinities() -> Iterator[Sent]:
    for step in range(STEPS):
        reading = "NaN" if step % 7 == 3 else "Infinity" if step == 20 else "-Infinity" if step == 21 else value(step)
        body = f'{{"series": "a", "timestamp": "{at(step).isoformat()}", "value": {reading}}}'
        yield sent(at(step), body.encode())


def _counted(count: float, zero: float) -> Iterator[Sent]:
    """Times as so many of something since another moment than 1970."""
    for step in range(STEPS):
        number = seconds(step) * count + zero
        yield sent(at(step), {"series": "a", "timestamp": int(number) if count >= 1 else number, "value": value(step)})


def days_of_excel() -> Iterator[Sent]:
    return _counted(1 / 86_400, 25_569)


def ticks_of_dotnet() -> Iterator[Sent]:
    return _counted(10**7, 621_355_968_000_000_000)


def times_of_oracle() -> Iterator[Sent]:
    for step in range(STEPS):
        written = f"{at(step):%d-%b-%y %I.%M.%S.000000 %p}".upper()
        yield sent(at(step), {"series": "a", "timestamp": written, "value": value(step)})


def names_of_all_kinds() -> Iterator[Sent]:
    for step in range(STEPS):
        yield sent(at(step), {"Device Name": "Pumpe 1", "Zeit (UTC)": at(step).isoformat(), "Temp [°C]": value(step),
                              "Druck {bar}": value(step, 2), 'a"b': value(step, 3)})  # fmt: skip


def qualities() -> Iterator[Sent]:
    for step in range(STEPS):
        quality = "Bad" if step % 9 == 3 else "Good"
        yield sent(at(step), {"tag": "T1", "ts": at(step).isoformat(), "val": value(step), "quality": quality})


def numbered_trades() -> Iterator[Sent]:
    """Polygon: ids of trades and sequence numbers beside prices."""
    for step in range(STEPS):
        ids = {"i": str(1000 + step), "x": 4, "q": 3681 + step, "t": milliseconds(at(step))}
        trades = [{"ev": "T", "sym": symbol, "p": value(step, n)} | ids for n, symbol in enumerate(("MSFT", "AAPL"))]
        yield sent(at(step), trades)


def hours_in_digits() -> Iterator[Sent]:
    for step in range(STEPS):
        yield sent(at(step, 60), {"series": "a", "timestamp": int(f"{at(step, 60):%Y%m%d%H}"), "value": value(step)})


def clocks_in_digits() -> Iterator[Sent]:
    for step in range(STEPS):
        body = {"series": "a", "date": int(f"{at(step):%Y%m%d}"), "time": f"{at(step):%H%M}", "value": value(step)}
        yield sent(at(step), body)


def parts_of_times() -> Iterator[Sent]:
    for step in range(STEPS):
        hour = at(step, 60)
        yield sent(hour, {"series": "a", "year": hour.year, "month": hour.month, "day": hour.day, "hour": hour.hour,
                          "value": value(step)})  # fmt: skip


def days_of_the_year() -> Iterator[Sent]:
    for step in range(STEPS):
        day = at(step, 24 * 60)
        yield sent(day, {"series": "a", "year": day.year, "doy": day.timetuple().tm_yday, "value": value(step)})


def units_apart() -> Iterator[Sent]:
    for step in range(STEPS):
        for unit, reading in (("C", value(step)), ("F", 1.8 * value(step) + 32)):
            yield sent(at(step), {"sensor": "a", "unit": unit, "time": at(step).isoformat(), "value": reading})


def readings_after_a_time() -> Iterator[Sent]:
    for step in range(0, STEPS, 5):
        readings = [{"dt": 60_000 * row, "v": value(step + row)} for row in range(5)]
        yield sent(at(step), {"device": "a", "base_time": milliseconds(at(step)), "readings": readings})


def readings_at_a_rate() -> Iterator[Sent]:
    for step in range(0, STEPS, 5):
        readings = [value(step + row) for row in range(5)]
        yield sent(at(step), {"series": "a", "timestamp": at(step).isoformat(), "interval": 60, "values": readings})


def times_beside_numbers() -> Iterator[Sent]:
    """Yahoo: the times in one array, the prices in another object's."""
    for step in range(0, STEPS, 5):
        rows = range(step, step + 5)
        quotes = {"close": [value(row) for row in rows]}
        yield sent(at(step), {"meta": {"symbol": "A"}, "timestamp": [seconds(row) for row in rows], "quote": quotes})


def decimals_in_bytes() -> Iterator[Sent]:
    for step in range(STEPS):
        content = base64.b64encode(int(100 * value(step)).to_bytes(2, "big")).decode()
        yield sent(at(step), {"before": None, "after": {"meter": "m", "kwh": content}, "op": "c",
                              "ts_ms": milliseconds(at(step)), "source": {"lsn": step}})  # fmt: skip


def names_twice() -> Iterator[Sent]:
    for step in range(STEPS):
        body = f'{{"series": "a", "timestamp": "{at(step).isoformat()}", "value": {value(step)}, "value": 1.5}}'
        yield sent(at(step), body.encode())


def local_times_marked_as_utc() -> Iterator[Sent]:
    for step in range(STEPS):
        local = at(step) + timedelta(hours=8)
        yield sent(at(step), {"series": "a", "timestamp": f"{local:%Y-%m-%dT%H:%M:%SZ}", "value": value(step)})


def records_twice() -> Iterator[Sent]:
    for step in range(STEPS):
        for _ in range(2):
            yield sent(at(step), {"series": "a", "timestamp": at(step).isoformat(), "value": value(step)})


def names_that_are_times() -> Iterator[Sent]:
    for step in range(STEPS):
        yield sent(at(step), {"device": "a", at(step).isoformat(): value(step)})


UNREADABLE = {
    "readings-after-a-time": (readings_after_a_time, "`dt` may count from another time, and no setting adds the two"),
    "readings-at-a-rate": (readings_at_a_rate, "in arrays of numbers alone: let the producer write a time with each"),
    "times-beside-numbers": (times_beside_numbers, "`timestamp` holds arrays of times, and no setting joins them"),
    "decimals-in-bytes": (decimals_in_bytes, "decimal.handling.mode = double"),
    "names-twice": (names_twice, "`value` is there several times in one object"),
    "local-times-marked-as-utc": (local_times_marked_as_utc, "Times lie 8 h ahead of their records' own, all of them"),
    "records-twice": (records_twice, "60 records are there twice, byte by byte"),
    "names-that-are-times": (names_that_are_times, "Names of fields are times"),
}
"""What no setting mends, and what is said of it."""

ROW: dict[str, object] = {"series": "meter", "timestamp": "measured_at", "values": ("kwh",)}
IN_DATA: dict[str, object] = {"series": "data.meter", "timestamp": "data.measured_at", "values": ("data.kwh",)}

ODD: dict[str, SampleTopic] = {
    "clocks-apart": SampleTopic(clocks_apart, {"timestamp": "{date} {time}"}, 1),
    "clocks-apart-in-germany": SampleTopic(
        clocks_apart_in_germany,
        {
            "timestamp": "{Datum} {Uhrzeit}",
            "timestamp_format": "%d.%m.%Y %H:%M",
            "values": ("Wert",),
            "decimal": "comma",
            "series": "Messstelle",
        },
        1,
    ),
    "labels-apart": SampleTopic(
        labels_apart,
        {
            "points": ("resourceMetrics[].scopeMetrics[].metrics[].gauge.dataPoints[]",),
            "timestamp": "timeUnixNano",
            "values": ("asDouble",),
            "series": "{name}/{attributes[key=cpu].value.stringValue?}",
        },
        3,
    ),
    "seconds-and-nanoseconds": SampleTopic(
        seconds_and_nanoseconds,
        {"points": ("payload.values[]",), "values": ("value.doubleValue",), "series": "payload.assetId"},
        2,
    ),
    "times-of-their-own": SampleTopic(
        times_of_their_own, {"points": ("values[]",), "timestamp": "t", "values": ("v",), "series": "id"}, 3
    ),
    "rows-of-canal": SampleTopic(rows_of_canal, {"points": ("data[]",)} | ROW, 2),
    "rows-of-maxwell": SampleTopic(rows_of_maxwell, IN_DATA, 2),
    "rows-of-dms": SampleTopic(rows_of_dms, IN_DATA, 2),
    "ids-in-rows": SampleTopic(
        ids_in_rows, {"points": ("data[]",), "timestamp": "time_stamp", "series": "[0]", "values": ("[1]", "[2]")}, 6
    ),
    "places": SampleTopic(places, {"timestamp": "time", "values": ("temp",), "series": "lat"}, 3),
    "columns-of-pandas": SampleTopic(
        columns_of_pandas, {"points": ("[zip]",), "timestamp": "ts", "values": ("temp",), "series": "{topic}"}, 1
    ),
    "columns-in-an-array": SampleTopic(
        columns_in_an_array, {"points": ("[zip]",), "timestamp": "[0]", "values": ("[1]",), "series": "{topic}"}, 1
    ),
    "bare-words": SampleTopic(bare_words, {"booleans": True, "where": ("{key} != sun/sun/state",)}, 2),
    "bad-while-false": SampleTopic(
        bad_while_false,
        {
            "timestamp": "Timestamp",
            "values": ("Value",),
            "absent": "skip",
            "series": "WebId",
            "where": ("Good = true",),
        },
        1,
    ),
    "infinities": SampleTopic(infinities, {"missing": ("nan", "inf", "-inf")}, 1),
    "days-of-excel": SampleTopic(days_of_excel, {"timestamp_format": "excel"}, 1),
    "ticks-of-dotnet": SampleTopic(ticks_of_dotnet, {"timestamp_format": "ticks"}, 1),
    "times-of-oracle": SampleTopic(times_of_oracle, {"timestamp_format": "%d-%b-%y %I.%M.%S.%f %p"}, 1),
    "names-of-all-kinds": SampleTopic(
        names_of_all_kinds,
        {
            "timestamp": '"Zeit (UTC)"',
            "values": ('"Temp [°C]"', '"Druck {bar}"', '"a""b"'),
            "series": '"Device Name"',
        },
        3,
    ),
    "qualities": SampleTopic(qualities, {"timestamp": "ts", "values": ("val",), "series": "tag"}, 1),
    "hours-in-digits": SampleTopic(hours_in_digits, {"timestamp_format": "%Y%m%d%H"}, 1),
    "clocks-in-digits": SampleTopic(clocks_in_digits, {"timestamp": "{date} {time}"}, 1),
    "parts-of-times": SampleTopic(
        parts_of_times, {"timestamp": "{year} {month} {day} {hour}", "timestamp_format": "%Y %m %d %H"}, 1
    ),
    "days-of-the-year": SampleTopic(days_of_the_year, {"timestamp": "{year} {doy}", "timestamp_format": "%Y %j"}, 1),
    "units-apart": SampleTopic(units_apart, {"timestamp": "time", "series": "{sensor}/{unit}"}, 2),
    "numbered-trades": SampleTopic(
        numbered_trades, {"points": ("[]",), "timestamp": "t", "values": ("p",), "series": "sym"}, 2
    ),
}
"""Each can be read without a dead letter."""
