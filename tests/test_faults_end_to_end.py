"""A defect of the model on a real broker: one series starts anew, it is counted and told, and nothing stops."""

import logging
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec import structs

from lstm_stream import Bank, Forecasts
from pipeline.checkpoints import Checkpoints
from pipeline.cluster import KafkaClients, Writer, create_topics, read_topic
from pipeline.embedded import EmbeddedBroker
from pipeline.messages import Outgoing, decode_forecast
from pipeline.metrics import Metrics
from pipeline.settings import Delivery, Events, Kafka, Model, Settings
from pipeline.worker import Worker

POISON = 666.0
HOURS, NAMES = 60, ("a", "b", "c")
MODEL = Model(horizon=2, hidden_size=4, window=4, windows=2, replay=8, memory=64)


def settings(broker: EmbeddedBroker, url: str) -> Settings:
    chosen = Settings(
        kafka=Kafka(partitions=1), model=MODEL, events=Events(max_ahead=1e9), delivery=Delivery(commit_interval=0.05)
    )
    placed = broker.settings_for(chosen)
    return structs.replace(placed, checkpoints=structs.replace(placed.checkpoints, url=url))


def write(chosen: Settings) -> None:
    """Three series an hour apart; one value makes what is planted raise, and one stamp is a year ahead."""
    with Writer(chosen, chosen.kafka.inputs[0]) as writer:
        for hour in range(HOURS):
            for name in NAMES:
                value = POISON if (name, hour) in {("b", 20), ("b", 25)} else 600 + hour % 24
                stamp = 1.7e9 + 3600 * hour + (365 * 86400 if (name, hour) == ("c", 40) else 0)
                event = {"series": name, "timestamp": stamp, "value": value}
                writer.write(Outgoing(name.encode(), msgspec.json.encode(event)))


def test_a_defect_and_a_jump_of_the_clock_on_a_real_broker(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    original = Bank.observe

    def spoilt(bank: Bank, series: Sequence[str], times: Any, values: Any, **_rest: Any) -> Forecasts:
        """Go on one by one, and let the state of a series be spoilt before the value that is the poison."""
        parts, faults = [], []
        for n, value in enumerate(values.tolist()):
            if value == POISON:
                bank._rows.state.trace.cell[bank.names[series[n]]] = np.nan
            parts.append(original(bank, series[n : n + 1], times[n : n + 1], values[n : n + 1]))
            faults += [fault._replace(source=n) for fault in bank.faults]
        bank.faults = faults
        return Forecasts(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    monkeypatch.setattr(Bank, "observe", spoilt)
    with EmbeddedBroker() as broker, caplog.at_level(logging.ERROR):
        chosen = settings(broker, str(tmp_path))
        create_topics(chosen)
        write(chosen)
        metrics = Metrics()
        worker = Worker(chosen, KafkaClients(chosen), Checkpoints(chosen.checkpoints.url, 3), metrics)
        assert worker.run(drain=True) == 0
        told = [decode_forecast(one.value or b"") for one in read_topic(chosen, chosen.kafka.forecasts)]
        (letter,) = read_topic(chosen, chosen.kafka.dead_letters)
    status = worker.status()
    assert (status.observations, status.forecasts, status.dead_letters) == (HOURS * 3, HOURS * 3 - 1, 1)
    assert [one.series for one in told].count("b") == HOURS
    at_fault = [one for one in told if one.source.offset == 3 * 20 + 1]
    assert [(one.mean, one.status) for one in at_fault] == [([POISON] * 2, "warming")]
    assert b"timestamp_jump" in [value for _, value in letter.headers]
    assert metrics.faults.labels(chosen.kafka.inputs[0], "0")._value.get() == 2
    (line,) = [record.message for record in caplog.records if "the model failed" in record.message]
    assert "/0, offset 61" in line
    assert "series 'b' starts anew" in line
    assert "not finite" in line
