"""What the worker tells of itself: status and metrics say what was done, once, and only what was committed."""

from collections.abc import Sequence

import pytest
from kafka.errors import (
    KafkaError,
)

from pipeline.dead_letters import REASONS
from pipeline.fold import Fold, Publish
from pipeline.messages import Record
from pipeline.metrics import Metrics
from tests.computer import RECORDS, UNKEPT, Computer, Faulty, fail, undisturbed
from tests.fakes import ChainShard, FakeConsumer, FakeProcess


@pytest.mark.parametrize("done", [True, False], ids=["committed all the same", "not committed"])
def test_what_a_cycle_that_is_given_up_counts_is_counted_once(done: bool) -> None:
    """It is done again, and without a checkpoint all before it is folded in silence."""
    for nth in range(1, 6):
        computer, commits = Faulty(UNKEPT), 0

        def give_up(_: int, name: str, is_done: bool, nth: int = nth) -> None:
            nonlocal commits
            commits += name == "commit_transaction" and not is_done
            if name == "commit_transaction" and is_done == done and commits == nth:
                commits += 1
                fail()

        computer.run("one", give_up)
        once = computer.counted("observations_total")
        assert once == 2 * RECORDS if not done else once <= 2 * RECORDS
        for partition in "01":
            faults = computer.counted("faults_total", topic="events", partition=partition)
            assert faults == 1 or (done and once < 2 * RECORDS and faults == 0), nth


def test_the_status_and_the_metrics_say_what_was_done() -> None:
    computer = Computer()
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    states: list[str] = []

    def note(*_: object) -> None:
        states.append(worker.status().state)
        if worker.ready():
            assert computer.counted("up_to_date") == 1
            worker.stop()

    process.interrupt = note
    assert computer.counted("up_to_date") == 0
    assert worker.run() == 0
    changes = [state for n, state in enumerate(states) if n == 0 or states[n - 1] != state]
    assert changes == ["connecting", "assigning", "catching_up", "ready", "stopping"]
    status = worker.status()
    assert (status.observations, status.forecasts, status.dead_letters) == (2 * RECORDS, 2 * RECORDS - 2, 2)
    assert [(one.partition, one.next_offset, one.lag) for one in status.partitions] == [
        (0, RECORDS, 0),
        (1, RECORDS, 0),
    ]
    assert computer.counted("observations_total") == computer.counted("records_total") == 2 * RECORDS
    assert computer.counted("forecasts_total") == 2 * RECORDS - 2
    assert computer.counted("dead_letters_total", reason="not_json") == 2
    assert computer.counted("lag_records", topic="events", partition="0") == 0
    assert (status.skill, status.mae_model, status.mae_last_value) == (0.5, 0.5, 1.0)
    assert computer.counted("skill") == computer.counted("mean_absolute_error", model="forecast") == 0.5
    assert computer.counted("gate", gate="forget") == 0.7
    weights = {one.expert: computer.counted("expert_weight", expert=one.expert) for one in status.experts}
    assert weights == {"lstm": 0.5, "readout": 0.25, "last_value": 0.25}
    assert computer.counted("lstm_share") == status.lstm_share == 0.75
    assert computer.counted("series", topic="events", partition="1") == 1
    assert computer.counted("input_partitions") == 2
    assert computer.counted("next_offset", topic="events", partition="0") == RECORDS
    assert computer.counted("lag_seconds", topic="events", partition="0") == 0
    assert computer.counted("start_timestamp_seconds") == 990
    assert computer.counted("startup_seconds") == pytest.approx(computer.counted("last_commit_timestamp_seconds") - 990)
    assert computer.counted("nominal_coverage") == pytest.approx(0.9)
    assert computer.counted("resident_memory_bytes") > 1e6


def test_what_is_measured_is_counted_once_and_only_when_it_is_committed() -> None:
    computer = Computer(UNKEPT)
    commits = 0

    def give_up(_: int, name: str, done: bool) -> None:
        nonlocal commits
        if name == "commit_transaction" and not done:
            commits += 1
            if commits in (4, 7):  # the first ones choose where to start
                fail()  # all is folded anew: what is out already silently

    computer.run(interrupt=give_up)
    assert commits > 7
    assert computer.counted("aborts_total", reason="failed") == 2
    for name in ("event_to_commit_seconds", "record_to_commit_seconds", "surprise"):
        assert computer.counted(f"{name}_count") == 2 * RECORDS
    late = sum(1000 - offset for offset in range(RECORDS)) * 2  # they begin at 0, and the clock at 1000 s
    assert late <= computer.counted("event_to_commit_seconds_sum") <= late + 2 * RECORDS * 60


def test_counters_stand_at_0_before_anything_has_happened() -> None:
    computer = Computer()
    computer.worker(FakeProcess(computer.broker))
    told = computer.metrics.render()[0].decode()
    for sample in (
        *(f'dead_letters_total{{reason="{reason}"}}' for reason in REASONS),
        'scored_total{horizon="1"}',
        'covered_total{horizon="9-24"}',
        'absolute_error_total{horizon="2-8",model="last_value"}',
    ):
        assert f"lstm_stream_{sample} 0.0\n" in told


def test_what_a_restored_shard_learnt_and_noticed_before_is_no_work_of_this_process() -> None:
    computer = Computer()
    computer.run()
    computer.metrics = Metrics()
    computer.write(RECORDS, start=RECORDS)
    process = FakeProcess(computer.broker, "two")
    worker = computer.worker(process)

    def stop_once_seen(*_: object) -> None:
        computer.broker.clock.seconds += 0.1  # it looks into models by the clock
        if [one.drifts for one in worker.status().partitions] == [2 * RECORDS] * 2:
            worker.stop()

    process.interrupt = stop_once_seen
    assert worker.run() == 0
    for partition in "01":
        assert computer.counted("drifts_total", topic="events", partition=partition) == RECORDS
        assert computer.counted("breaks_total", topic="events", partition=partition) == RECORDS
        assert computer.counted("learning_steps_total", topic="events", partition=partition) == RECORDS


def test_what_a_shard_notices_again_after_a_cycle_was_given_up_is_counted_once() -> None:
    computer = Computer(UNKEPT)
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    commits = 0

    def give_up(_: int, name: str, done: bool) -> None:
        nonlocal commits
        computer.broker.clock.seconds += 0.1  # it looks into models by the clock
        if name == "commit_transaction" and not done:
            commits += 1
            computer.broker.clock.seconds += 3.0
            if commits == 4:
                fail()  # all is folded anew
        if [one.drifts for one in worker.status().partitions] == [RECORDS] * 2 and worker.ready():
            worker.stop()

    process.interrupt = give_up
    assert worker.run() == 0
    for partition in "01":
        assert computer.counted("drifts_total", topic="events", partition=partition) == RECORDS
        assert computer.counted("breaks_total", topic="events", partition=partition) == RECORDS


def test_who_is_not_connected_holds_nothing_and_says_so() -> None:
    computer = Computer()
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    seen: list[str] = []

    def go_away(_: int, name: str, done: bool) -> None:
        is_kept = computer.counted("checkpoint_bytes", topic="events", partition="1")
        if name == "poll" and not done and is_kept and worker.ready():
            assert computer.counted("partitions_assigned") == 2
            raise KafkaError("the broker went away")
        if name == "describe" and worker.status().message:
            seen.append(computer.metrics.render()[0].decode())
            worker.stop()

    process.interrupt = go_away
    assert worker.run() == 0
    assert seen
    assert worker.status().partitions == ()
    assert computer.counted("partitions_assigned") == 0
    assert 'partition="' not in "".join(line for line in seen[-1].splitlines() if "_total" not in line)


def test_a_rate_is_told_also_where_a_cycle_takes_longer_than_it_is_told_over(monkeypatch: pytest.MonkeyPatch) -> None:
    computer = Computer()
    fold, process = ChainShard.fold, FakeProcess(computer.broker)
    worker = computer.worker(process)
    rates: list[float] = []

    def slow(shard: ChainShard, records: Sequence[Record], publish: Publish) -> Fold:
        computer.broker.clock.seconds += 15.0
        return fold(shard, records, publish)

    def note(_: int, name: str, done: bool) -> None:
        if name == "poll" and not done:
            rates.append(worker.status().events_per_second)

    monkeypatch.setattr(ChainShard, "fold", slow)
    process.interrupt = note
    assert worker.run(drain=True) == 0
    assert [rate for rate in rates if rate > 0]
    assert 0 < rates[-1] < 1


def test_a_partition_of_whose_end_no_fetch_tells_is_caught_up_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that left and came back may be told of by none before its next record."""
    computer = Computer()
    monkeypatch.setattr(FakeConsumer, "highwater", lambda *_: None)
    process = FakeProcess(computer.broker)
    worker, started = computer.worker(process), computer.broker.clock.now()
    seen: list[bool] = []

    def look(*_: object) -> None:
        seen.append(worker.ready())
        if seen[-1] or computer.broker.clock.now() - started > 60:
            worker.stop()

    process.interrupt = look
    assert worker.run() == 0
    assert any(seen)
    assert computer.told() == undisturbed()


def test_a_lag_that_is_not_known_is_not_told_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    computer = Computer()
    monkeypatch.setattr(FakeConsumer, "highwater", lambda *_: None)
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)

    def stop(*_: object) -> None:
        if computer.broker.committed.get(computer.broker.input[0]) == RECORDS:
            worker.stop()

    process.interrupt = stop
    assert worker.run() == 0
    assert "lstm_stream_lag_records{" not in computer.metrics.render()[0].decode()
    assert computer.counted("partitions_assigned") == 2
