"""Whatever dies, stalls or fails at whatever moment: the committed forecasts are those of an undisturbed run."""

import uuid
from collections.abc import Callable

import msgspec
import pytest
from msgspec import structs

from pipeline.checkpoints import Address, Checkpoints
from pipeline.held import Shards
from pipeline.messages import decode_forecast
from pipeline.settings import Checkpoints as Keeping
from pipeline.settings import Events, Model
from pipeline.shard import Shard
from pipeline.worker import Worker
from tests.computer import RECORDS, SETTINGS, Computer, at, calls, every_moment, fail, kill, undisturbed
from tests.fakes import FakeProcess


def test_an_undisturbed_run_tells_of_each_record_once() -> None:
    told = undisturbed()
    assert [len(values) for values in told] == [RECORDS - 1, RECORDS - 1, 1, 1]
    offsets = [int(value.split(b"/")[1].split()[0]) for value in told[0] + told[2]]
    assert sorted(offsets) == list(range(RECORDS))
    assert calls() > 50


@pytest.mark.parametrize("successor", ["one", "two"])
def test_a_crash_at_any_call_changes_no_forecast(successor: str) -> None:
    for call, done in every_moment():
        computer = Computer()
        computer.run("one", at(call, done, kill))
        computer.run(successor)
        assert computer.told() == undisturbed(), (call, done)


def test_two_crashes_in_a_row_change_no_forecast() -> None:
    for call, done in every_moment():
        computer = Computer()
        computer.run("one", at(call, done, kill))
        computer.run("one", at(calls() // 2, done, kill))
        computer.run("one")
        assert computer.told() == undisturbed(), (call, done)


def test_a_failure_of_any_call_changes_no_forecast() -> None:
    for call, done in every_moment():
        computer = Computer()
        computer.run("one", at(call, done, fail))
        assert computer.told() == undisturbed(), (call, done)


def test_a_rebalance_at_any_call_changes_no_forecast() -> None:
    for call, done in every_moment():
        computer = Computer()

        def rebalance(computer: Computer = computer) -> None:
            computer.broker.generation += 1

        computer.run("one", at(call, done, rebalance))
        assert computer.told() == undisturbed(), (call, done)


@pytest.mark.parametrize("fate", ["shares", "is expelled", "is expelled and back"])
def test_a_worker_that_stalls_at_any_call_while_another_takes_over_changes_no_forecast(fate: str) -> None:
    """The other works in the middle of a call of the first; then that one wakes up and does not know of it.

    Or its client's own thread has already brought it back into the group.
    """
    for call, done in every_moment():
        computer = Computer()
        stalled: list[FakeProcess] = []

        def take_over(computer: Computer = computer, stalled: list[FakeProcess] = stalled) -> None:
            if fate != "shares":
                stalled[0].expel()
            computer.run("two")
            if fate == "is expelled and back" and stalled[0].member is not None and stalled[0].member.name:
                stalled[0].member.rejoin()

        process = FakeProcess(computer.broker, "one", at(call, done, take_over))
        stalled.append(process)
        assert computer.worker(process).run(drain=True) == 0
        assert computer.told() == undisturbed(), (call, done)


def test_the_offsets_of_a_refused_transaction_are_not_committed_with_the_next() -> None:
    """The client would send them again: then nobody forecasts those records, who opens their partition anew."""
    computer = Computer(records=0)
    broker = computer.broker
    process = FakeProcess(broker)
    worker = computer.worker(process)
    rebalances = 0

    def rebalance() -> None:
        nonlocal rebalances
        rebalances += 1
        broker.generation += 1

    def note(_: int, name: str, done: bool) -> None:
        if worker.ready() and not broker.logs[broker.input[1]]:
            broker.write(1, *(b"%d" % number for number in range(3)))
        if name == "send_offsets_to_transaction" and not done and broker.end(broker.outputs[0]) and not rebalances:
            rebalance()
            broker.write(0, *(b"%d" % number for number in range(SETTINGS.kafka.max_poll_records)))  # read first
        if name == "commit_transaction" and done and broker.forecasts() and rebalances == 1:
            rebalance()
        if len(broker.forecasts()) == SETTINGS.kafka.max_poll_records + 3 or process.calls > 2000:
            worker.stop()

    process.interrupt = note
    assert worker.run() == 0
    told = [value.split()[0].decode() for value in broker.forecasts()]
    assert told == [f"0/{number}" for number in range(SETTINGS.kafka.max_poll_records)] + ["1/0", "1/1", "1/2"]


def test_a_member_that_loses_its_partitions_while_it_folds_is_refused() -> None:
    computer = Computer()
    process = FakeProcess(computer.broker, "one")

    def take_over(_: int, name: str, done: bool) -> None:
        if name == "send" and not done and not computer.broker.forecasts():
            process.expel()
            computer.run("two")

    process.interrupt = take_over
    assert computer.worker(process).run(drain=True) == 0
    assert computer.counted("aborts_total", reason="fenced") == 1
    assert computer.told() == undisturbed()


def test_who_is_no_member_any_more_commits_nothing() -> None:
    """The broker cannot check metadata without a member id, so it must not come to that."""
    computer = Computer()
    process = FakeProcess(computer.broker, "one")
    others: list[FakeProcess] = []

    def expel(_: int, name: str, done: bool) -> None:
        member = process.member
        if name == "group_metadata" and not done and member is not None and member.polled and len(others) == 0:
            process.expel()
            others.append(computer.run("two"))
            member.hear_of_expulsion()

    process.interrupt = expel
    assert computer.worker(process).run(drain=True) == 0
    assert len(others) == 1
    assert computer.told() == undisturbed()


def test_no_transaction_is_open_across_a_poll() -> None:
    computer = Computer()

    def look(_: int, name: str, __: bool) -> None:
        assert name != "poll" or not computer.broker.open

    computer.run("one", look)


AT_LEAST_ONCE = structs.replace(SETTINGS, delivery=structs.replace(SETTINGS.delivery, mode="at_least_once"))


def test_at_least_once_misses_nothing_and_repeats_the_same_bytes() -> None:
    for call, done in every_moment():
        computer = Computer(AT_LEAST_ONCE)
        computer.run("one", at(call, done, kill))
        computer.run("two")
        told = computer.told()
        assert [list(dict.fromkeys(values)) for values in told] == undisturbed(), (call, done)


def test_a_worker_keeps_its_shards_through_a_rebalance_that_gives_them_back() -> None:
    computer = Computer()

    def rebalance(_: int, name: str, done: bool) -> None:
        if name == "poll" and not done and computer.broker.committed and computer.broker.generation == 1:
            computer.broker.generation += 1

    computer.run("one", rebalance)
    assert computer.counted("restores_total", how="kept") >= 1
    assert computer.counted("restores_total", how="checkpoint") == 0
    assert computer.told() == undisturbed()


def test_publish_latest_says_less_and_commits_as_much() -> None:
    computer = Computer(structs.replace(SETTINGS, delivery=structs.replace(SETTINGS.delivery, publish="latest")))
    computer.run()
    assert computer.broker.committed == dict.fromkeys(computer.broker.input, RECORDS)
    told = computer.told()
    assert 0 < len(told[0]) < RECORDS - 1
    assert set(told[0]) <= set(undisturbed()[0])


def test_stop_ends_after_the_cycle_with_checkpoints_and_out_of_the_group() -> None:
    computer = Computer(structs.replace(SETTINGS, checkpoints=Keeping(interval=1e6)))
    workers: list[Worker] = []

    def stop(_: int, name: str, done: bool) -> None:
        if name == "commit_transaction" and done and computer.broker.forecasts():
            workers[0].stop()

    process = FakeProcess(computer.broker, "one", stop)
    workers.append(computer.worker(process))
    assert workers[0].run() == 0
    assert computer.broker.members == []
    assert 0 < len(computer.broker.forecasts()) < 2 * RECORDS
    committed = computer.broker.committed[computer.broker.input[0]]
    checkpoint = computer.checkpoints.load(Address("fake", "events", "events-first", 0), at_most=1 << 40)
    assert checkpoint is not None
    assert checkpoint.offset == committed
    computer.run("two")
    assert computer.told() == undisturbed()


MANY = structs.replace(
    SETTINGS,
    checkpoints=Keeping(interval=1e-6),
    model=Model(horizon=2, hidden_size=4, window=4, windows=2, replay=8, memory=64),
    events=Events(
        series="{site}/{id}",
        timezone="Europe/Berlin",
        points=("p[]",),
        where=("kind != test",),
        values=("v", "w"),
        absent="skip",
        missing=("NaN",),
        booleans=True,
    ),
)


class RealShards(Computer):
    """With shards that decode and forecast; each record has points of local times over the night of 25 October."""

    shards: Shards = Shard

    def lose_checkpoints(self) -> None:
        self.checkpoints = Checkpoints(f"memory://{uuid.uuid4().hex}", keep=3)

    def write(self, records: int, start: int = 0) -> None:
        for partition in range(2):
            self.broker.write(partition, *(_points(n) for n in range(start, start + records)))

    def ticking(self, interrupt: Callable[[int, str, bool], None]) -> Callable[[int, str, bool], None]:
        """Let time pass at each call, so that checkpoints are due in each cycle."""

        def tick(number: int, name: str, is_done: bool) -> None:
            self.broker.clock.seconds += 0.01
            interrupt(number, name, is_done)

        return tick

    def told(self) -> list[list[bytes]]:
        super().told()
        return [sorted(self.broker.forecasts()), sorted(self.broker.dead_letters())]


def _points(n: int) -> bytes:
    """A record of every half hour from half past midnight on; 02:00 and 02:30 come twice."""
    half_hours = [1, 2, 3, 4, 5, 4, 5, 6, 7]
    local = f"2026-10-25 {half_hours[n] // 2:02d}:{30 * (half_hours[n] % 2):02d}"
    points: list[dict[str, object]] = [
        {"id": "a", "v": n, "w": n % 2 == 0},
        {"id": "b", "v": "x" if n == 3 else "NaN" if n == 5 else n},
        {"id": "c", "kind": "test"},
    ]
    return msgspec.json.encode({"site": "s", "timestamp": local, "p": points}) + (b"\nbroken" if n == 4 else b"")


def test_a_crash_changes_no_forecast_with_points_conditions_and_a_repeated_hour() -> None:
    undisturbed = RealShards(MANY)
    calls = undisturbed.run().calls
    expected = undisturbed.told()
    origins = sorted({decode_forecast(value).origin[11:16] for value in expected[0]})
    assert origins == ["00:00", "00:30", "01:00", "01:30", "02:00", "02:30", "22:30", "23:00", "23:30"]
    assert len(expected[0]) == 2 * (3 * RECORDS - 1)
    assert undisturbed.counted("skipped_total", reason="where") == 2 * RECORDS
    assert undisturbed.counted("skipped_total", reason="absent") == 2 * RECORDS
    restored = 0.0
    for call in range(1, calls + 1, 5):
        computer = RealShards(MANY)
        computer.run("one", computer.ticking(at(call, call % 10 == 1, kill)))
        computer.run("one")
        assert computer.told() == expected, call
        restored += computer.counted("restores_total", how="checkpoint")
    assert restored > calls // 10, "most crashes come when there is a checkpoint"
