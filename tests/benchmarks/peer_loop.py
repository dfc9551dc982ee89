"""What somebody would write who has no lstm-stream: a loop with one of river's or deep-river's models for each series.

It is run by `tests.benchmarks.peers` in a virtual environment of its own, as `peer_loop.py KIND BROKER IN OUT EVENTS`,
and uses nothing of lstm-stream. `deep-river` is Quix Streams with deep-river's LSTM, `snarimax` kafka-python with
river's SNARIMAX. Both write a forecast of 24 steps for each event, one after the other, and values are standardised as
they come, without which neither model converges.
"""

import json
import math
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

HORIZON = 24
SEASON = 24


class Forecaster:
    """A model of one series over standardised values.

    Parameters
    ----------
    model
        With `learn_one` and `forecast`, as river means them.
    """

    def __init__(self, model: Any) -> None:
        self._model, self._seen, self._mean, self._squares = model, 0, 0.0, 0.0

    def take(self, value: float) -> list[float]:
        """Learn a value, and forecast from it."""
        self._seen += 1
        off = value - self._mean
        self._mean += off / self._seen
        self._squares += off * (value - self._mean)
        spread = math.sqrt(self._squares / self._seen) or 1.0
        self._model.learn_one((value - self._mean) / spread)
        try:
            ahead = self._model.forecast(HORIZON)
        except IndexError:  # SNARIMAX has too few values yet
            return [value] * HORIZON
        told = [self._mean + spread * float(one) for one in ahead]
        return told if all(map(math.isfinite, told)) else [value] * HORIZON


class Forecasters:
    """One for each series; after so many events they print how many of the second half came a second."""

    def __init__(self, make: Callable[[], Any], events: int) -> None:
        self._make, self._left, self._half = make, events, events // 2
        self._by_series: dict[str, Forecaster] = {}
        self._begun = time.perf_counter()

    def answer(self, event: dict[str, Any]) -> dict[str, object]:
        """The forecast after an event."""
        name = event["series"]
        if name not in self._by_series:
            self._by_series[name] = Forecaster(self._make())
        ahead = self._by_series[name].take(event["value"])
        self._left -= 1
        if self._left == self._half:
            self._begun = time.perf_counter()
        if self._left == 0:
            print(self._half / (time.perf_counter() - self._begun), flush=True)
        return {"series": name, "origin": event["timestamp"], "mean": [round(one, 5) for one in ahead]}


def deep_river(broker: str, source: str, target: str, events: int) -> None:
    """Quix Streams with an LSTM of each series, which sees its last day."""
    import_module("torch").set_num_threads(1)
    forecasting, quix = import_module("deep_river.forecasting"), import_module("quixstreams")
    forecasters = Forecasters(lambda: forecasting.LSTMForecaster(window_size=SEASON, hidden_size=48, lr=0.005), events)
    application = quix.Application(
        broker, consumer_group="quix", auto_offset_reset="earliest", processing_guarantee="exactly-once"
    )
    stream = application.dataframe(application.topic(source, value_deserializer="json"))
    answers = stream.apply(forecasters.answer)
    answers.to_topic(application.topic(target, value_serializer="json"), key=lambda one: one["series"])
    application.run(count=events)


def snarimax(broker: str, source: str, target: str, events: int) -> None:
    """kafka-python with a SNARIMAX of each series."""
    kafka = import_module("kafka")
    forecasters = Forecasters(_snarimax, events)
    consumer = kafka.KafkaConsumer(
        source, bootstrap_servers=broker, group_id="river", auto_offset_reset="earliest", enable_auto_commit=False
    )
    producer = kafka.KafkaProducer(bootstrap_servers=broker, linger_ms=20, batch_size=1 << 18)
    done = 0
    while done < events:
        for messages in consumer.poll(500).values():
            for message in messages:
                told = forecasters.answer(json.loads(message.value))
                producer.send(target, json.dumps(told).encode(), str(told["series"]).encode())
            done += len(messages)
        producer.flush()
        consumer.commit()


def _snarimax() -> Any:
    river = {name: import_module(f"river.{name}") for name in ("linear_model", "optim", "preprocessing", "time_series")}
    regression = river["linear_model"].LinearRegression(optimizer=river["optim"].SGD(0.01), clip_gradient=1.0)
    scaled = river["preprocessing"].StandardScaler() | river["preprocessing"].TargetStandardScaler(regression)
    return river["time_series"].SNARIMAX(p=12, d=1, q=0, m=SEASON, sp=1, regressor=scaled)


KINDS: dict[str, Callable[[str, str, str, int], None]] = {"deep-river": deep_river, "snarimax": snarimax}

if __name__ == "__main__":
    kind, server, source, target, number = sys.argv[1:]
    KINDS[kind](server, source, target, int(number))
