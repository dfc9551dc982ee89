"""Topics as others have them: some records of each, and what `lstm-stream check` has to say of them."""

import base64
import json
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pipeline.messages import Outgoing

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
STEPS = 60


class Sent(NamedTuple):
    """A record, and its own time in ms."""

    outgoing: Outgoing
    timestamp: int


class SampleTopic(NamedTuple):
    """A topic.

    Attributes
    ----------
    records
        What is in it.
    settings
        The keys of [events] that mend it; None for a value that may be any.
    series
        How many there are then.
    """

    records: Callable[[], Iterator[Sent]]
    settings: dict[str, object]
    series: int


def at(step: int, minutes: int = 1) -> datetime:
    return START + timedelta(minutes=minutes * step)


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def value(step: int, place: int = 0) -> float:
    return round(20 + place + 3 * math.sin(step / 7 + place), 3)


def sent(
    moment: datetime, body: object, key: str | None = None, headers: dict[str, str] | None = None, late: float = 0.4
) -> Sent:
    """A record of JSON that was written a little after its time."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    pairs = tuple((name, text.encode()) for name, text in (headers or {}).items())
    return Sent(
        Outgoing(None if key is None else key.encode(), content, pairs), milliseconds(moment + timedelta(seconds=late))
    )


def telegraf() -> Iterator[Sent]:
    for step in range(STEPS):
        for host in ("web-1", "web-2"):
            for cpu in ("cpu0", "cpu1", "cpu-total"):
                yield sent(
                    at(step),
                    {
                        "fields": {"usage_idle": value(step), "usage_user": value(step, 2)},
                        "name": "cpu",
                        "tags": {"cpu": cpu, "host": host, "datacenter": "fra"},
                        "timestamp": int(at(step).timestamp()),
                    },
                )


def telegraf_batches() -> Iterator[Sent]:
    for step in range(STEPS):
        metrics = [
            {"fields": {"used_percent": value(step, n)}, "name": "mem", "tags": {"host": f"web-{n}"},
             "timestamp": int(at(step).timestamp())}
            for n in range(3)
        ]  # fmt: skip
        yield sent(at(step), {"metrics": metrics})


def home_assistant() -> Iterator[Sent]:
    for step in range(STEPS):
        for n, room in enumerate(("kitchen", "bath")):
            state = "unavailable" if step % 20 == 7 else str(value(step, n))
            attributes = {"unit_of_measurement": "°C", "friendly_name": room.title(), "device_class": "temperature"}
            yield sent(at(step), {"entity_id": f"sensor.{room}", "state": state, "attributes": attributes,
                                  "last_changed": at(step).isoformat(), "last_updated": at(step).isoformat(),
                                  "context": {"id": f"01HQ{step:04}{n}", "parent_id": None}})  # fmt: skip


def switches() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(3):
            yield sent(at(step), {"series": f"lamp-{n}", "timestamp": at(step).isoformat(),
                                  "value": "on" if (step + n) % 3 else "off"})  # fmt: skip


def debezium() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(3):
            row = {"id": 3 * step + n, "meter": f"m{n}", "kwh": value(step, n), "measured_at": milliseconds(at(step))}
            source = {"version": "2.5", "connector": "postgresql", "name": "pg", "ts_ms": milliseconds(at(step)),
                      "db": "energy", "table": "readings", "txId": 700 + step, "lsn": 33000 + step}  # fmt: skip
            yield sent(at(step), {"before": None, "after": row, "source": source, "op": "c",
                                  "ts_ms": milliseconds(at(step)) + 300})  # fmt: skip
    yield sent(at(STEPS), {"before": row, "after": None, "source": source, "op": "d", "ts_ms": milliseconds(at(STEPS))})


def kafka_connect() -> Iterator[Sent]:
    schema = {"type": "struct", "optional": False, "fields": [{"field": "sensor", "type": "string"}], "version": 1}
    for step in range(STEPS):
        for n in range(2):
            payload = {"sensor": f"s{n}", "temperature": value(step, n), "ts": milliseconds(at(step))}
            yield sent(at(step), {"schema": schema, "payload": payload})


def cloud_events() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(3):
            yield sent(at(step), {"specversion": "1.0", "id": f"ev-{step}-{n}", "type": "com.acme.reading",
                                  "source": f"/plants/{n}", "time": at(step).isoformat(),
                                  "data": {"pressure": value(step, n)}})  # fmt: skip


def cloud_events_in_headers() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(3):
            headers = {"ce_specversion": "1.0", "ce_id": f"ev-{step}-{n}", "ce_type": "com.acme.reading",
                       "ce_source": f"/plants/{n}", "ce_time": at(step).isoformat()}  # fmt: skip
            yield sent(at(step), {"pressure": value(step, n)}, headers=headers)


def open_telemetry() -> Iterator[Sent]:
    for step in range(STEPS):
        points = [
            {"attributes": [{"key": "host", "value": {"stringValue": host}}], "asDouble": value(step, n),
             "timeUnixNano": str(milliseconds(at(step)) * 1_000_000)}
            for n, host in enumerate(("a", "b"))
        ]  # fmt: skip
        metric = {"name": "system.load", "unit": "1", "gauge": {"dataPoints": points}}
        scope = {"scope": {"name": "hostmetrics"}, "metrics": [metric]}
        yield sent(at(step), {"resourceMetrics": [{"resource": {"attributes": []}, "scopeMetrics": [scope]}]})


def senml() -> Iterator[Sent]:
    for step in range(STEPS):
        base = {"bn": "urn:dev:ow:10e2:", "bt": int(at(step).timestamp())}
        yield sent(at(step), [base | {"n": "temperature", "v": value(step)}, {"n": "humidity", "v": value(step, 5)}])


def top_level_array() -> Iterator[Sent]:
    for step in range(STEPS):
        yield sent(at(step), [{"id": f"p{n}", "t": at(step).isoformat(), "reading": value(step, n)} for n in range(4)])


def bare_numbers() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(3):
            yield sent(at(step), str(value(step, n)).encode(), key=f"plant/boiler/{n}")


def days() -> Iterator[Sent]:
    first = (datetime(2026, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    for step in range(STEPS):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=step)
        for n in range(2):
            yield sent(moment, {"store": f"store-{n}", "day": first + step, "sales": value(step, n)}, late=3600)


def local_times() -> Iterator[Sent]:
    for step in range(STEPS):
        local = at(step).astimezone(ZoneInfo("America/Chicago")).strftime("%Y-%m-%d %H:%M:%S")
        for n in range(2):
            yield sent(at(step), {"series": f"pump-{n}", "timestamp": local, "value": value(step, n)})


def local_times_when_clocks_change() -> Iterator[Sent]:
    for step in range(STEPS):
        moment = datetime(2026, 10, 24, 20, tzinfo=UTC) + timedelta(minutes=15 * step)
        local = moment.astimezone(ZoneInfo("Europe/Vienna")).strftime("%Y-%m-%d %H:%M:%S")
        for n in range(2):
            yield sent(moment, {"series": f"tag-{n}", "timestamp": local, "value": value(step, n)})


def fields_called_like_times() -> Iterator[Sent]:
    for step in range(STEPS):
        body = {"dev": "a", "ts": int(at(step).timestamp()), "t": value(step), "response_time": value(step, 2) / 100}
        yield sent(at(step), body)


def day_first() -> Iterator[Sent]:
    for step in range(STEPS):
        written = at(step, 240).strftime("%d/%m/%Y %H:%M")
        yield sent(at(step, 240), {"series": "boiler", "timestamp": written, "value": value(step)})


def collisions() -> Iterator[Sent]:
    for step in range(STEPS):
        for line in (1, 2):
            for sensor in ("temp", "flow"):
                yield sent(at(step), {"series": sensor, "line": line, "timestamp": at(step).isoformat(),
                                      "value": value(step, line)})  # fmt: skip


def names_are_ids() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(3):
            yield sent(at(step), {"series": f"{step:08x}-{n:04x}", "device": f"d{n}", "timestamp": at(step).isoformat(),
                                  "value": value(step, n)}, key=f"d{n}")  # fmt: skip


def kinds_mixed() -> Iterator[Sent]:
    for step in range(STEPS):
        yield sent(
            at(step), {"type": "reading", "series": "r", "timestamp": at(step).isoformat(), "value": value(step)}
        )
        if step % 3 == 0:
            yield sent(at(step), {"type": "status", "series": "r", "timestamp": at(step).isoformat(), "battery": "low"})


def one_sensor() -> Iterator[Sent]:
    for step in range(STEPS):
        yield sent(at(step), {"time": at(step).isoformat(), "watts": value(step)})


def zigbee() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(2):
            body = {"temperature": value(step, n), "humidity": value(step, n + 3), "battery": 97, "voltage": 3015}
            yield sent(at(step), body, key=f"zigbee2mqtt/0x00158d{n}")


def things_network() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(2):
            message = {"f_port": 1, "f_cnt": step, "decoded_payload": {"temp": value(step, n), "hum": value(step, 3)},
                       "rx_metadata": [{"gateway_ids": {"gateway_id": "g1"}, "rssi": -90 - step % 3}]}  # fmt: skip
            names = {"device_id": f"dev-{n}", "application_ids": {"application_id": "app"}}
            yield sent(
                at(step), {"end_device_ids": names, "received_at": at(step).isoformat(), "uplink_message": message}
            )


def trades() -> Iterator[Sent]:
    for step in range(STEPS):
        for symbol in ("BTCUSDT", "ETHUSDT"):
            yield sent(at(step), {"e": "trade", "s": symbol, "t": 1000 + step, "p": str(value(step)), "m": True,
                                  "T": milliseconds(at(step))})  # fmt: skip


def mongodb() -> Iterator[Sent]:
    for step in range(STEPS):
        yield sent(at(step), {"_id": {"$oid": f"{step:024x}"}, "sensor": "s1", "at": {"$date": milliseconds(at(step))},
                              "reading": {"$numberDouble": str(value(step))}})  # fmt: skip


def opc_ua() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(3):
            body = {"WrappedValue": {"Type": 11, "Body": value(step, n)}, "SourceTimestamp": at(step).isoformat()}
            yield sent(at(step), {"NodeId": f"ns=2;s=Line1.Temp{n}", "ApplicationUri": "urn:x", "Value": body})


def batches_of_points() -> Iterator[Sent]:
    for step in range(0, STEPS, 5):
        points = [{"ts": milliseconds(at(step + n)), "v": value(step + n)} for n in range(5)]
        yield sent(at(step), {"device": "d1", "firmware": 7, "points": points})


def keys_of_numbers() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(3):
            content = json.dumps({"value": value(step, n), "timestamp": at(step).isoformat()}).encode()
            yield Sent(Outgoing((1000 + n * 77_777_777_777).to_bytes(8, "big"), content), milliseconds(at(step)))


def prices_of_days_to_come() -> Iterator[Sent]:
    for step in range(3 * 24):
        body = {"series": "price", "timestamp": at(step, 60).isoformat(), "value": value(step)}
        yield Sent(Outgoing(None, json.dumps(body).encode()), milliseconds(START - timedelta(days=2)))


def day_first_and_local() -> Iterator[Sent]:
    for step in range(STEPS):
        written = (at(step) + timedelta(hours=1)).strftime("%d.%m.%Y %H:%M:%S")
        yield sent(at(step), {"series": "a", "timestamp": written, "value": value(step)})


def keys_are_ids() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(2):
            key = f"{step:08d}-{n:04d}-4000-8000-000000000000"
            yield sent(at(step), {"sensorId": f"s{n}", "ts": at(step).isoformat(), "val": value(step, n)}, key=key)


def sensors_and_words() -> Iterator[Sent]:
    for step in range(STEPS):
        yield sent(at(step), {"entity_id": "sensor.t", "state": str(value(step)), "last_updated": at(step).isoformat()})
        yield sent(at(step), {"entity_id": "sun.sun", "state": "above_horizon", "last_updated": at(step).isoformat()})


def lines_of_json() -> Iterator[Sent]:
    for step in range(STEPS):
        bodies = ({"series": f"s{n}", "timestamp": at(step).isoformat(), "value": value(step, n)} for n in range(3))
        yield sent(at(step), b"\n".join(json.dumps(body).encode() for body in bodies))


def decimal_commas() -> Iterator[Sent]:
    for step in range(STEPS):
        written = str(value(step) + 0.5).replace(".", ",")
        yield sent(at(step), {"series": "a", "timestamp": at(step).isoformat(), "value": written})


def decimal_commas_and_points() -> Iterator[Sent]:
    for step in range(STEPS):
        written = str(value(step) + 0.5).replace(".", "," if step % 2 else ".")
        yield sent(at(step), {"series": "a", "timestamp": at(step).isoformat(), "value": written})


def thousands() -> Iterator[Sent]:
    for step in range(STEPS):
        yield sent(at(step), {"series": "a", "timestamp": at(step).isoformat(), "value": f"{1000 * value(step):,.0f}"})


def plant() -> Iterator[Sent]:
    """Keys name the machines; the time is written as in Germany, in a field whose name tells little."""
    for step in range(STEPS):
        for n, machine in enumerate(("press-4", "lathe/1", "oven 2")):
            temperature = f"{value(step, n):.1f}".replace(".", ",")
            asset = {"id": machine, "site": "Köln"}
            body = {"asset": asset, "stempel": f"{at(step):%d.%m.%Y %H:%M:%S}",
                    "sensors": {"temp_c": temperature, "vib": value(step, n) / 100, "door": step % 7 == 0}}  # fmt: skip
            yield sent(at(step), body, key=machine)


def json_in_json() -> Iterator[Sent]:
    for step in range(STEPS):
        yield sent(at(step), json.dumps({"series": "a", "timestamp": at(step).isoformat(), "value": value(step)}))


def clean() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(3):
            yield sent(at(step), {"series": f"s{n}", "timestamp": at(step).isoformat(), "value": value(step, n)})


def line_protocol() -> Iterator[Sent]:
    for step in range(STEPS):
        yield sent(at(step), b"cpu,host=a usage=%f %d" % (value(step), milliseconds(at(step)) * 1_000_000))


def avro() -> Iterator[Sent]:
    for step in range(STEPS):
        yield sent(at(step), b"\x00\x00\x00\x00\x07\x0apump-\x00" + bytes(8))


def base64_of_json() -> Iterator[Sent]:
    for step in range(STEPS):
        yield sent(at(step), base64.b64encode(json.dumps({"series": "a", "value": value(step)}).encode()))


TOPICS: dict[str, SampleTopic] = {
    "clean": SampleTopic(clean, {}, 3),
    "telegraf": SampleTopic(
        telegraf,
        {"series": "{tags.host}/{tags.cpu}", "values": ("fields.usage_idle", "fields.usage_user")},
        12,
    ),
    "telegraf-batches": SampleTopic(
        telegraf_batches, {"points": ("metrics[]",), "series": None, "values": ("fields.used_percent",)}, 3
    ),
    "home-assistant": SampleTopic(
        home_assistant,
        {"series": "entity_id", "timestamp": "last_updated", "values": ("state",), "missing": ("unavailable",)},
        2,
    ),
    "switches": SampleTopic(switches, {"booleans": True}, 3),
    "debezium": SampleTopic(
        debezium,
        {
            "series": "after.meter",
            "timestamp": "after.measured_at",
            "values": ("after.kwh",),
            "absent": "skip",
        },
        3,
    ),
    "kafka-connect": SampleTopic(
        kafka_connect,
        {"series": "payload.sensor", "timestamp": "payload.ts", "values": ("payload.temperature",)},
        2,
    ),
    "cloud-events": SampleTopic(
        cloud_events, {"series": "source", "timestamp": "time", "values": ("data.pressure",)}, 3
    ),
    "cloud-events-in-headers": SampleTopic(
        cloud_events_in_headers,
        {"series": "{header:ce_source}", "timestamp": "{header:ce_time}", "values": ("pressure",)},
        3,
    ),
    "open-telemetry": SampleTopic(
        open_telemetry,
        {
            "points": ("resourceMetrics[].scopeMetrics[].metrics[].gauge.dataPoints[]",),
            "timestamp": "timeUnixNano",
            "values": ("asDouble",),
            "series": None,
        },
        2,
    ),
    "senml": SampleTopic(senml, {"points": ("senml",), "series": "n", "timestamp": "t", "values": ("v",)}, 2),
    "top-level-array": SampleTopic(
        top_level_array, {"points": ("[]",), "series": "id", "timestamp": "t", "values": ("reading",)}, 4
    ),
    "bare-numbers": SampleTopic(bare_numbers, {}, 3),
    "days": SampleTopic(
        days, {"series": "store", "timestamp": "day", "timestamp_format": "days", "values": ("sales",)}, 2
    ),
    "local-times": SampleTopic(local_times, {"timezone": "America/Chicago"}, 2),
    "local-times-when-clocks-change": SampleTopic(local_times_when_clocks_change, {"timezone": "Europe/Berlin"}, 2),
    "fields-called-like-times": SampleTopic(
        fields_called_like_times, {"series": "dev", "timestamp": "ts", "values": ("t", "response_time")}, 2
    ),
    "day-first": SampleTopic(day_first, {"timestamp_format": "%d/%m/%Y %H:%M"}, 1),
    "collisions": SampleTopic(collisions, {"series": "{series}/{line}"}, 4),
    "names-are-ids": SampleTopic(names_are_ids, {"series": "device"}, 3),
    "kinds-mixed": SampleTopic(kinds_mixed, {"where": ("type = reading",)}, 1),
    "one-sensor": SampleTopic(one_sensor, {"series": "{topic}", "timestamp": "time", "values": ("watts",)}, 1),
    "zigbee": SampleTopic(zigbee, {"values": ("temperature", "humidity")}, 4),
    "things-network": SampleTopic(
        things_network,
        {
            "series": "end_device_ids.device_id",
            "timestamp": "received_at",
            "values": ("uplink_message.decoded_payload.temp", "uplink_message.decoded_payload.hum"),
        },
        4,
    ),
    "trades": SampleTopic(trades, {"series": "s", "timestamp": "T", "values": ("p",)}, 2),
    "mongodb": SampleTopic(mongodb, {"series": "sensor", "timestamp": "at", "values": ("reading.$numberDouble",)}, 1),
    "opc-ua": SampleTopic(
        opc_ua, {"series": "NodeId", "timestamp": "Value.SourceTimestamp", "values": ("Value.WrappedValue.Body",)}, 3
    ),
    "batches-of-points": SampleTopic(
        batches_of_points, {"points": ("points[]",), "series": "device", "timestamp": "ts", "values": ("v",)}, 1
    ),
    "keys-of-numbers": SampleTopic(keys_of_numbers, {"key": "int"}, 3),
    "prices-of-days-to-come": SampleTopic(prices_of_days_to_come, {"max_ahead": 5 * 86400}, 1),
    "day-first-and-local": SampleTopic(
        day_first_and_local, {"timestamp_format": "%d.%m.%Y %H:%M:%S", "timezone": "Europe/Berlin"}, 1
    ),
    "keys-are-ids": SampleTopic(keys_are_ids, {"series": "sensorId", "timestamp": "ts", "values": ("val",)}, 2),
    "sensors-and-words": SampleTopic(
        sensors_and_words,
        {"series": "entity_id", "timestamp": "last_updated", "values": ("state",), "where": ("entity_id = sensor.t",)},
        1,
    ),
    "lines-of-json": SampleTopic(lines_of_json, {}, 3),
    "json-in-json": SampleTopic(json_in_json, {}, 1),
    "plant": SampleTopic(
        plant,
        {
            "timestamp": "stempel",
            "timestamp_format": "%d.%m.%Y %H:%M:%S",
            "values": ("sensors.temp_c", "sensors.vib"),
            "decimal": "comma",
        },
        6,
    ),
    "decimal-commas": SampleTopic(decimal_commas, {"decimal": "comma"}, 1),
}
"""Each can be read without a dead letter."""

FOREIGN: dict[str, tuple[Callable[[], Iterator[Sent]], str]] = {
    "line-protocol": (line_protocol, 'data_format = "json"'),
    "avro": (avro, "JsonConverter"),
    "base64": (base64_of_json, "base64"),
    "decimal-commas-and-points": (decimal_commas_and_points, "decimal comma"),
    "thousands": (thousands, "let the producer write JSON numbers"),
}
"""What no setting reads, and what is said of it."""
