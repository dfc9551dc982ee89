"""What is too large, or could not be sent by our client, is cut or waited for, and stops nothing."""

import uuid

import pytest
from msgspec import structs

from pipeline.checkpoints import Checkpoints
from pipeline.settings import Model
from pipeline.worker import Worker
from tests.computer import SETTINGS, Computer, never, undisturbed
from tests.fakes import FakeProcess


@pytest.mark.parametrize("tells_limits", [True, False])
def test_a_dead_letter_that_is_too_large_is_cut_and_stops_nothing(tells_limits: bool) -> None:
    """At once where the topic tells its limit, else after some attempts."""
    computer = Computer(records=0)
    computer.broker.largest, computer.broker.tells_limits = 40_000, tells_limits
    computer.broker.write(0, b"1", b"bad" + b"x" * 200_000, b"2")
    computer.run()
    assert len(computer.broker.forecasts()) == 2
    assert [len(value) <= 40_000 for value in computer.broker.dead_letters()] == [True]
    assert len(computer.broker.dead_letters()[0]) > (38_000 if tells_limits else 1000)
    assert (computer.counted("aborts_total", reason="too_large") == 0) == tells_limits


def test_a_forecast_that_is_too_large_is_said_once_and_waits_until_the_topic_takes_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    computer = Computer()
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    computer.broker.largest = 10
    flushes = 0

    def raise_the_limit(_: int, name: str, done: bool) -> None:
        nonlocal flushes
        flushes += name == "flush" and not done
        assert not worker.ready() or flushes > 8
        if flushes == 8:
            computer.broker.largest = 1000

    process.interrupt = raise_the_limit
    started = computer.broker.clock.now()
    assert worker.run(drain=True) == 0
    assert computer.broker.clock.now() - started > 3
    said = "of series `k` is too large: topic `forecasts` takes 10 bytes (max.message.bytes); raise max.message.bytes"
    assert caplog.text.count(said) == 1
    assert "lower model.horizon or the number of model.quantiles" in caplog.text
    assert computer.told() == undisturbed()


def event(value: float) -> bytes:
    return b'{"series": "pump", "timestamp": %d, "value": %f}' % (1_769_860_800 + value, value)


def test_what_no_producer_of_the_client_could_send_is_read_and_stops_nothing() -> None:
    computer = Computer(records=0)
    computer.broker.write(0, event(1), headers=(("trace", None),))
    computer.broker.write(0, None, key=None)
    computer.broker.write(0, b"bad", headers=(("trace", None), ("n", b"1")))
    computer.broker.write(0, event(2))
    checkpoints = Checkpoints(f"memory://{uuid.uuid4().hex}", keep=1)
    small = structs.replace(SETTINGS, model=Model(hidden_size=4, horizon=1))
    process = FakeProcess(computer.broker)
    worker = Worker(small, process, checkpoints, computer.metrics, clock=computer.broker.clock, expired=never)
    assert worker.run(drain=True) == 0
    assert len(computer.broker.forecasts()) == 2
    nothing, bad = computer.broker.readable(computer.broker.outputs[1])
    assert (nothing.key, nothing.value, dict(nothing.headers)["lstm_stream.null_key"]) == (b"", None, b"true")
    assert (bad.key, bad.value, bad.headers[:2]) == (b"k", b"bad", [("trace", b""), ("n", b"1")])
