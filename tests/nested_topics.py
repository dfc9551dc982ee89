"""Topics whose numbers lie deep: JSON in texts, arrays of pairs, arrays side by side, things under names, JSON keys."""

import json
from collections.abc import Callable, Iterator

from tests.sample_topics import STEPS, SampleTopic, Sent, at, milliseconds, sent, value


def seconds(step: int) -> int:
    return int(at(step).timestamp())


def thingsboard_gateway() -> Iterator[Sent]:
    for step in range(STEPS):
        devices = {
            f"dev-{n}": [{"ts": milliseconds(at(step)), "values": {"temp": value(step, n), "hum": value(step, n + 3)}}]
            for n in range(2)
        }
        yield sent(at(step), devices)


def thingsboard_timeseries() -> Iterator[Sent]:
    for step in range(STEPS):
        names = {"temperature": value(step), "humidity": value(step, 4)}
        body = {name: [{"ts": milliseconds(at(step)), "value": str(each)}] for name, each in names.items()}
        yield sent(at(step), body, key="dev-1")


def one_device_a_record() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(3):
            yield sent(at(step), {f"dev-{n}": [{"ts": milliseconds(at(step)), "values": {"temp": value(step, n)}}]})


def objects_by_name() -> Iterator[Sent]:
    for step in range(STEPS):
        meters = {f"m{(step + n) % 40:03d}": {"kwh": value(step, n), "online": True} for n in range(20)}
        yield sent(at(step), {"time": at(step).isoformat(), "meters": meters})


def many_rates() -> Iterator[Sent]:
    for step in range(STEPS):
        rates = {f"C{n:02d}": value(step, n) for n in range(30)}
        yield sent(at(step), {"base": "EUR", "timestamp": seconds(step), "rates": rates})


def json_in_a_field() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(2):
            payload = json.dumps({"temp": value(step, n), "ts": milliseconds(at(step))})
            yield sent(at(step), {"topic": f"plant/{n}", "qos": 1, "payload": payload})


def change_stream_of_mongodb() -> Iterator[Sent]:
    for step in range(STEPS):
        row = {"_id": {"$oid": f"{step:024x}"}, "sensor": "s", "v": value(step), "at": {"$date": seconds(step) * 1000}}
        yield sent(at(step), {"before": None, "after": json.dumps(row), "op": "c", "ts_ms": milliseconds(at(step)) + 90,
                              "source": {"ts_ms": milliseconds(at(step)), "ord": step}})  # fmt: skip


def array_in_a_field() -> Iterator[Sent]:
    for step in range(STEPS):
        rows = [{"id": f"p{n}", "time": at(step).isoformat(), "reading": value(step, n)} for n in range(2)]
        yield sent(at(step), {"Message": json.dumps(rows), "Type": "Notification"})


def datadog() -> Iterator[Sent]:
    for step in range(STEPS):
        series = [
            {"metric": name, "points": [[seconds(step), value(step, n)]], "type": "gauge", "host": "a", "tags": ["e:p"]}
            for n, name in enumerate(("cpu", "mem"))
        ]
        yield sent(at(step), {"series": series})


def grafana() -> Iterator[Sent]:
    for step in range(0, STEPS, 5):
        yield sent(
            at(step),
            [
                {"target": f"t{n}", "datapoints": [[value(step + k, n), milliseconds(at(step + k))] for k in range(5)]}
                for n in range(2)
            ],
        )


def prometheus_matrix() -> Iterator[Sent]:
    for step in range(0, STEPS, 5):
        result = [
            {"metric": {"__name__": "up", "instance": f"i{n}"},
             "values": [[seconds(step + k), str(value(step + k, n))] for k in range(5)]}
            for n in range(2)
        ]  # fmt: skip
        yield sent(at(step), {"status": "success", "data": {"resultType": "matrix", "result": result}})


def prometheus_vector() -> Iterator[Sent]:
    for step in range(STEPS):
        result = [
            {"metric": {"__name__": "up", "instance": f"i{n}"}, "value": [seconds(step), str(value(step, n))]}
            for n in range(2)
        ]
        yield sent(at(step), {"status": "success", "data": {"resultType": "vector", "result": result}})


def fluent_forward() -> Iterator[Sent]:
    for step in range(STEPS):
        yield sent(at(step), [seconds(step) + 0.5, {"cpu_p": value(step), "user_p": value(step, 1)}])


def open_meteo() -> Iterator[Sent]:
    for step in range(0, STEPS, 5):
        hourly = {
            "time": [at(step + k).isoformat()[:16] for k in range(5)],
            "temperature_2m": [value(step + k) for k in range(5)],
        }
        yield sent(at(step), {"latitude": 52.52, "longitude": 13.41, "hourly": hourly})


def victoria_metrics() -> Iterator[Sent]:
    for step in range(0, STEPS, 5):
        for n in range(2):
            yield sent(at(step), {"metric": {"__name__": "up", "instance": f"i{n}"},
                                  "values": [value(step + k, n) for k in range(5)],
                                  "timestamps": [milliseconds(at(step + k)) for k in range(5)]})  # fmt: skip


def registers() -> Iterator[Sent]:
    for step in range(STEPS):
        yield sent(
            at(step), {"plc": "p", "ts": milliseconds(at(step)), "registers": [value(step, n) for n in range(3)]}
        )


def _keyed(key: Callable[[int], object]) -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(2):
            body = {"value": value(step, n), "timestamp": milliseconds(at(step))}
            yield sent(at(step), body, key=json.dumps(key(n)))


def connect_keys() -> Iterator[Sent]:
    fields = [{"field": "id", "type": "int32", "optional": False}]
    return _keyed(lambda n: {"schema": {"type": "struct", "fields": fields}, "payload": {"id": n}})


def connect_keys_of_text() -> Iterator[Sent]:
    return _keyed(lambda n: {"schema": {"type": "string", "optional": False}, "payload": f"m{n}"})


def keys_of_several_columns() -> Iterator[Sent]:
    return _keyed(lambda n: {"region": "eu", "id": n})


def keys_in_quotes() -> Iterator[Sent]:
    return _keyed(lambda n: f"m{n}")


def sentinels() -> Iterator[Sent]:
    for step in range(STEPS):
        for n in range(2):
            reading = -9999 if step % 13 == 5 else 999.9 if step == 30 else value(step, n)
            yield sent(at(step), {"series": f"s{n}", "timestamp": at(step).isoformat(), "value": reading})


def what_was_before() -> Iterator[Sent]:
    for step in range(STEPS):
        states = {
            f"{when}_state": {"state": str(value(step - back)), "last_updated": at(step - back).isoformat()}
            for when, back in (("old", 1), ("new", 0))
        }
        yield sent(at(step), {"event_type": "state_changed", "data": {"entity_id": "sensor.t"} | states})


NESTED: dict[str, SampleTopic] = {
    "thingsboard-gateway": SampleTopic(
        thingsboard_gateway,
        {"points": ("*[]",), "series": "*", "timestamp": "ts", "values": ("values.temp", "values.hum")},
        4,
    ),
    "thingsboard-timeseries": SampleTopic(
        thingsboard_timeseries, {"points": ("*[]",), "series": "{key}/{*}", "timestamp": "ts"}, 2
    ),
    "one-device-a-record": SampleTopic(
        one_device_a_record, {"points": ("*[]",), "series": "*", "timestamp": "ts", "values": ("values.temp",)}, 3
    ),
    "objects-by-name": SampleTopic(
        objects_by_name, {"points": ("meters.*[]",), "series": "*", "timestamp": "time", "values": ("kwh",)}, 40
    ),
    "many-rates": SampleTopic(many_rates, {"points": ("rates.*[]",), "series": "*"}, 30),
    "json-in-a-field": SampleTopic(
        json_in_a_field, {"series": "topic", "timestamp": "payload.ts", "values": ("payload.temp",)}, 2
    ),
    "change-stream-of-mongodb": SampleTopic(
        change_stream_of_mongodb, {"series": "after.sensor", "timestamp": "after.at", "values": ("after.v",)}, 1
    ),
    "array-in-a-field": SampleTopic(
        array_in_a_field, {"points": ("Message[]",), "series": "id", "timestamp": "time", "values": ("reading",)}, 2
    ),
    "datadog": SampleTopic(
        datadog, {"points": ("series[].points[]",), "series": "metric", "timestamp": "[0]", "values": ("[1]",)}, 2
    ),
    "grafana": SampleTopic(
        grafana, {"points": ("[].datapoints[]",), "series": "target", "timestamp": "[1]", "values": ("[0]",)}, 2
    ),
    "prometheus-matrix": SampleTopic(
        prometheus_matrix,
        {
            "points": ("data.result[].values[]",),
            "series": "metric.instance",
            "timestamp": "[0]",
            "values": ("[1]",),
        },
        2,
    ),
    "prometheus-vector": SampleTopic(
        prometheus_vector,
        {
            "points": ("data.result[]",),
            "series": "metric.instance",
            "timestamp": "value[0]",
            "values": ("value[1]",),
        },
        2,
    ),
    "fluent-forward": SampleTopic(
        fluent_forward, {"series": "{topic}", "timestamp": "[0]", "values": ("[1].cpu_p", "[1].user_p")}, 2
    ),
    "open-meteo": SampleTopic(
        open_meteo,
        {"points": ("hourly[zip]",), "series": "{topic}", "timestamp": "time", "values": ("temperature_2m",)},
        1,
    ),
    "victoria-metrics": SampleTopic(
        victoria_metrics,
        {"points": ("[zip]",), "series": "metric.instance", "timestamp": "timestamps", "values": ("values",)},
        2,
    ),
    "registers": SampleTopic(
        registers,
        {"series": "plc", "timestamp": "ts", "values": ("registers[0]", "registers[1]", "registers[2]")},
        3,
    ),
    "connect-keys": SampleTopic(connect_keys, {"key": "json"}, 2),
    "connect-keys-of-text": SampleTopic(connect_keys_of_text, {"key": "json"}, 2),
    "keys-of-several-columns": SampleTopic(keys_of_several_columns, {"key": "json"}, 2),
    "keys-in-quotes": SampleTopic(keys_in_quotes, {"key": "json"}, 2),
    "sentinels": SampleTopic(sentinels, {"missing": ("-9999", "999.9")}, 2),
    "what-was-before": SampleTopic(
        what_was_before,
        {
            "series": "data.entity_id",
            "timestamp": "data.new_state.last_updated",
            "values": ("data.new_state.state",),
        },
        1,
    ),
}
"""Each can be read without a dead letter."""
