"""Logs that were cut, made anew, damaged or forgotten: reading goes on where it can, and what is lost is said."""

import threading

import pytest

from pipeline.checkpoints import Address
from pipeline.member import Member
from pipeline.watchdog import Watchdog
from tests.computer import RECORDS, SETTINGS, Computer, never, undisturbed
from tests.fakes import FakeProcess


def test_a_topic_that_is_made_anew_and_outgrows_the_position_is_begun_anew() -> None:
    """No position is refused: only the id tells; checkpoints go on under the new one, and the next start finds them."""
    computer = Computer()
    broker, process = computer.broker, FakeProcess(computer.broker)
    worker = computer.worker(process)
    made: list[str] = []

    def make_anew(_: int, name: str, done: bool) -> None:
        if name == "poll" and not done and worker.ready() and not made:
            broker.logs[broker.input[0]], broker.logs[broker.input[1]] = [], []
            broker.topic_id = "second"
            for partition in range(2):
                broker.write(partition, *(b"new %d" % n for n in range(2 * RECORDS)))
            made.append(name)
        elif name == "poll" and not done and broker.committed.get(broker.input[0]) == 2 * RECORDS and worker.ready():
            worker.stop()

    process.interrupt = make_anew
    assert worker.run() == 0
    offsets = [int(value[2:].split()[0]) for value in computer.told()[0]]
    assert offsets[RECORDS - 1 :] == list(range(2 * RECORDS))
    checkpoint = computer.checkpoints.load(Address("fake", "events", "events-second", 0), at_most=1 << 40)
    assert checkpoint is not None
    assert checkpoint.offset == 2 * RECORDS


def test_retention_beyond_the_position_is_said_and_reading_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    computer.run()
    computer.write(5, start=RECORDS)
    computer.broker.forget(0, before=RECORDS + 3)
    computer.run()
    assert f"removed records {RECORDS} to {RECORDS + 2} before they were read" in caplog.text
    assert computer.counted("broker_errors_total", error="records_lost") == 1
    forecasts, _, letters, _ = computer.told()
    numbers = [[int(value.split()[0][2:]) for value in values] for values in (forecasts, letters)]
    assert numbers[0][-2:] == [RECORDS - 1, RECORDS + 3]
    assert numbers[1][-1] == RECORDS + 4


@pytest.mark.parametrize("lasts", [True, False])
def test_a_damaged_record_is_never_skipped_and_is_said_with_the_way_past_it(
    lasts: bool, caplog: pytest.LogCaptureFixture
) -> None:
    computer = Computer()
    computer.broker.damaged = {(computer.broker.input[0], 6)}
    polls = 0

    def heal(_: int, name: str, is_done: bool) -> None:
        nonlocal polls
        polls += name == "poll" and not is_done
        if polls == 30 and lasts:
            computer.broker.forget(0, before=7)
        if polls == 30:
            computer.broker.damaged = set()

    computer.run(interrupt=heal)
    (said,) = [one.message for one in caplog.records if "failed crc check" in one.message]
    assert "'events/0': 5" in said
    assert "kafka-delete-records.sh" in said
    missing = {b"0/5", b"0/6"} if lasts else set()
    told = {value.split()[0] for values in computer.told() for value in values}
    assert {value.split()[0] for values in undisturbed() for value in values} - told == missing


def test_a_partition_without_an_offset_hides_that_of_another_and_fails_nothing() -> None:
    computer = Computer()
    broker = computer.broker
    watchdog = Watchdog(SETTINGS.delivery.deadline, broker.clock.now, never)
    member = Member(FakeProcess(broker), SETTINGS, watchdog, broker.clock)
    broker.committed[broker.input[0]] = 3
    member.gather(threading.Event(), lambda: None)
    assert member.reached(broker.input[0]) is None
    broker.committed[broker.input[1]] = 0
    assert member.reached(broker.input[0]) == 3


def test_a_log_that_was_cut_is_read_from_its_start(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    computer.run()
    computer.broker.logs[computer.broker.input[0]] = []
    computer.broker.topic_id = "second"
    computer.broker.write(0, b"new")
    computer.run()
    assert "going on from its start, 0" in caplog.text
    assert computer.told()[0][-1].startswith(b"0/0 ")
    assert computer.broker.committed[computer.broker.input[0]] == 1


def test_a_log_that_was_made_anew_and_has_grown_since_is_read_from_its_start() -> None:
    """When the worker asks where it ends, that is beyond the committed offset again."""
    computer = Computer()
    broker, process = computer.broker, FakeProcess(computer.broker)
    worker = computer.worker(process)
    steps: list[str] = []

    def make_anew(_: int, name: str, done: bool) -> None:
        if name == "poll" and not done and worker.ready() and not steps:
            broker.logs[broker.input[0]] = []
            broker.topic_id = "second"
            steps.append("made anew")
        elif name == "beginning_offsets" and not done and steps == ["made anew"]:
            broker.write(0, *(b"new %d" % n for n in range(2 * RECORDS)))
            steps.append("grown")
        elif name == "poll" and not done and broker.committed.get(broker.input[0]) == 2 * RECORDS:
            worker.stop()

    process.interrupt = make_anew
    assert worker.run() == 0
    offsets = [int(value[2:].split()[0]) for value in computer.told()[0]]
    assert offsets[RECORDS - 1 :] == list(range(2 * RECORDS))


def test_a_log_that_ends_before_the_position_and_not_before_the_committed_offset_goes_on_from_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was read and not yet committed is gone: a leader died that alone had it."""
    computer = Computer()
    process = FakeProcess(computer.broker)
    partition = computer.broker.input[0]

    def lose_the_end(_: int, name: str, done: bool) -> None:
        if name == "poll" and not done and computer.broker.committed.get(partition) == 5 and process.member is not None:
            process.member._positions[partition] = RECORDS + 3

    def recover(number: int, name: str, done: bool) -> None:
        lose_the_end(number, name, done)
        if name == "beginning_offsets" and computer.broker.committed.get(partition) == 5:
            process.interrupt = lambda *_: None

    process.interrupt = recover
    assert computer.worker(process).run(drain=True) == 0
    assert f"the log does not hold what is next to be read: {{'events/0': {RECORDS + 3}}}" in caplog.text
    assert "going on from its start" not in caplog.text
    assert computer.counted("broker_errors_total", error="log_cut") == 0
    assert computer.told() == undisturbed()
