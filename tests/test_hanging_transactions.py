"""Transactions that a dead broker or a dead worker left hanging are ended, and change no forecast."""

import pytest

from tests.computer import RECORDS, SETTINGS, Computer, at, every_moment, fail, kill, undisturbed
from tests.fakes import FakeBroker, FakeProcess


@pytest.mark.parametrize("tells", [True, False], ids=["the call fails", "the call goes on"])
def test_a_broker_that_dies_at_any_call_and_forgets_the_markers_changes_no_forecast(tells: bool) -> None:
    """It aborts what was open in its coordinator's log alone; the next commit of the same id would show that, too."""
    for call, done in every_moment():
        computer = Computer()

        def die(computer: Computer = computer) -> None:
            computer.broker.die()
            if tells:
                fail()

        computer.run("one", at(call, done, die))
        assert computer.told() == undisturbed(), (call, done)
        assert not computer.broker.hanging


@pytest.mark.parametrize("tells", [True, False], ids=["the answer is lost", "the answer comes"])
@pytest.mark.parametrize("successor", ["one", "two"])
def test_a_commit_whose_markers_are_forgotten_is_a_commit(tells: bool, successor: str) -> None:
    """The broker died between its decision and the markers. Aborted, the forecasts of an offset would be missing."""
    commits = [0]
    for nth in range(1, 6):
        computer = Computer()
        commits[0] = 0

        def forget(_: int, name: str, done: bool, computer: Computer = computer, nth: int = nth) -> None:
            if name != "commit_transaction":
                return
            commits[0] += not done
            computer.broker.forgets = computer.broker.everywhere() if not done and commits[0] == nth else ()
            if done and commits[0] == nth:
                computer.broker.clock.seconds += 3.0
                (fail if tells else lambda: None)()
                if successor != "one":
                    kill()

        computer.run("one", forget)
        computer.broker.forgets = ()
        computer.run(successor)
        assert computer.told() == undisturbed(), nth
        assert not computer.broker.hanging


@pytest.mark.parametrize("kind", ["forecasts", "dead-letters", "__consumer_offsets"])
@pytest.mark.parametrize("call", ["begin_transaction", "flush", "send_offsets_to_transaction", "commit_transaction"])
def test_a_commit_that_lost_some_markers_is_whole_before_the_next_transaction_begins(kind: str, call: str) -> None:
    """The client saw it end well, and at once the next one fails: its abort would take the records of this one along.

    Or its commit would show them, and nobody would ever ask about a topic that the next one does not write to.
    """
    for nth in range(1, 6):
        computer = Computer()
        broker, commits, failures = computer.broker, 0, 0

        def lose(_: int, name: str, done: bool, broker: FakeBroker = broker, nth: int = nth) -> None:
            nonlocal commits, failures
            if name == "commit_transaction" and not done:
                commits += 1
            lost = {one for one in broker.everywhere() if one.topic == kind}
            broker.forgets = lost if name == "commit_transaction" and not done and commits == nth else ()
            if name == call and not done and commits == nth + (call == "commit_transaction") and not failures:
                failures += 1
                fail()

        computer.run("one", lose)
        assert computer.told() == undisturbed(), nth
        assert not broker.hanging


def test_without_the_right_to_end_it_the_command_is_said_once_and_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    broker, process = computer.broker, FakeProcess(computer.broker)
    broker.altering_is_permitted = False
    worker = computer.worker(process)
    polls = 0

    def die(_: int, name: str, done: bool) -> None:
        nonlocal polls
        if name == "send_offsets_to_transaction" and done and not polls and broker.forecasts():
            polls = 1
            broker.die()
        elif name == "describe_producers" and polls:
            polls += 1
            broker.altering_is_permitted = polls > 40

    process.interrupt = die
    assert worker.run(drain=True) == 0
    command = "kafka-transactions.sh --bootstrap-server localhost:9092 abort --topic forecasts --partition 0 --st"
    assert caplog.text.count(command) == 1
    assert computer.counted("broker_errors_total", error="hanging_transaction") > 0
    assert computer.told() == undisturbed()


def test_without_the_right_to_look_it_is_said_once_and_the_work_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    computer.broker.reading_is_permitted = False
    computer.run()
    assert caplog.text.count("topic `forecasts` may not be read by us") == 1
    assert computer.counted("broker_errors_total", error="no_right_to_read") == 3
    assert computer.told() == undisturbed()


def test_what_a_dead_producer_left_hanging_is_ended_once_it_cannot_be_alive(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    broker = computer.broker
    broker.epochs |= {"of another application": 1, "alive": 1}
    for name in ("of another application", "alive"):
        broker.begin(name)
        broker.append(broker.outputs[0], b"k", name.encode(), (), broker.open[name])
    broker.forgets = broker.everywhere()
    broker.finish("of another application", "aborted")
    broker.forgets = ()
    seen: list[float] = []
    process = FakeProcess(broker)
    worker = computer.worker(process)
    started = broker.clock.now()

    def note(_: int, name: str, done: bool) -> None:
        broker.open["alive"].started = broker.clock.now()  # it goes on
        if name == "end" and done:
            seen.append(broker.clock.now())
        if seen and broker.clock.now() - started > 700:
            worker.stop()

    process.interrupt = note
    assert worker.run() == 0
    assert len(seen) == 1
    assert seen[0] - started >= SETTINGS.kafka.transaction_timeout
    assert "(of another application) and left it open from offset 0 on; it has been aborted" in caplog.text
    assert broker.open.keys() == {"alive"}
    broker.finish("alive", "committed")
    assert b"alive" in broker.forecasts()
    assert b"of another application" not in broker.forecasts()


@pytest.mark.parametrize("state", ["committed", "aborted"])
@pytest.mark.parametrize("is_slow", [False, True], ids=["ended at once", "ended when it took too long"])
def test_offsets_that_a_dead_worker_left_hanging_hold_nobody_up_for_long(state: str, is_slow: bool) -> None:
    """Its broker died with it, long after this one had looked around; nobody can open its partitions."""
    computer = Computer(records=0)
    broker, process, timeout = computer.broker, FakeProcess(computer.broker), SETTINGS.kafka.transaction_timeout
    worker, died, done_at = computer.worker(process), 0.0, 0.0

    def note(_: int, name: str, __: bool) -> None:
        nonlocal died, done_at
        now = broker.clock.now()
        if name == "poll" and now > 1020 and not died:
            died = now
            broker.epochs["dead"] = 1
            broker.begin("dead")
            broker.open["dead"].offsets = {broker.input[0]: 0}
            broker.generation += 1
            broker.write(0, *(b"%d" % number for number in range(5)))
        if "dead" in broker.open:
            broker.open["dead"].started = now  # until it is ended here
        if "dead" in broker.open and now - died > is_slow * 1.5 * timeout:
            broker.forgets = broker.everywhere()
            broker.finish("dead", state)
            broker.forgets = ()
        if broker.forecasts() and not done_at:
            done_at = now
        if done_at or now > 1020 + 100 * timeout:
            worker.stop()

    process.interrupt = note
    assert worker.run() == 0
    assert 0 < done_at - died < (5 if is_slow else 3) * timeout


def test_what_a_coordinator_ends_without_a_marker_after_it_was_seen_open_is_ended_soon() -> None:
    computer = Computer()
    broker, process, timeout = computer.broker, FakeProcess(computer.broker), SETTINGS.kafka.transaction_timeout
    worker, started, ended_at = computer.worker(process), broker.clock.now(), 0.0
    broker.epochs["dead"] = 1
    broker.begin("dead")
    broker.append(broker.outputs[0], b"k", b"dead", (), broker.open["dead"])

    def note(_: int, name: str, done: bool) -> None:
        nonlocal ended_at
        now = broker.clock.now()
        if "dead" in broker.open:
            broker.open["dead"].started = now  # until it is ended here
        if "dead" in broker.open and now - started > 1.5 * timeout:
            broker.forgets = broker.everywhere()
            broker.finish("dead", "aborted")
            broker.forgets = ()
        ended_at = now if name == "end" and done else ended_at
        if ended_at or now - started > 20 * timeout:
            worker.stop()

    process.interrupt = note
    assert worker.run() == 0
    assert 0 < ended_at - started < 5 * timeout


def test_an_open_transaction_of_another_that_holds_reading_back_is_said_once_and_when_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    computer = Computer()
    broker, process = computer.broker, FakeProcess(computer.broker)
    broker.epochs["of another"] = 1
    broker.begin("of another")
    broker.append(broker.input[0], b"k", b"held", (), broker.open["of another"])
    broker.write(0, b"behind")
    worker = computer.worker(process)
    started = broker.clock.now()

    def end(_: int, __: str, ___: bool) -> None:
        waited = broker.clock.now() - started
        if "of another" in broker.open:
            broker.open["of another"].started = broker.clock.now()
            if waited > 60:
                assert caplog.text.count(f"events/0 has not been read beyond offset {RECORDS} for 1") == 1
                broker.finish("of another", "committed")
        elif broker.committed.get(broker.input[0], 0) > RECORDS + 1:
            worker.stop()

    process.interrupt = end
    assert worker.run() == 0
    assert caplog.text.count("holds a transaction open from offset 9 on") == 1
    assert caplog.text.count("events/0 is read again after") == 1
    assert computer.counted("broker_errors_total", error="held_back") == 1
