"""Where a shard begins: at the committed offset, from a checkpoint, by bootstrap, or anew; what is lost is said."""

import uuid
from collections import Counter

import pytest
from msgspec import structs

from pipeline.checkpoints import Address, Checkpoints
from pipeline.cluster import TopicPartition
from pipeline.settings import Checkpoints as Keeping
from pipeline.settings import fingerprint
from pipeline.worker import Worker
from tests.computer import RECORDS, SETTINGS, Computer, at, kill, never, undisturbed
from tests.fakes import ChainShard, FakeBroker, FakeProcess


def test_a_new_group_asks_for_the_offsets_of_all_partitions_at_once() -> None:
    settings = structs.replace(SETTINGS, delivery=structs.replace(SETTINGS.delivery, start="latest"))
    computer = Computer(settings)
    computer.broker = FakeBroker(settings, partitions=30)
    computer.lose_checkpoints()
    asked: Counter[str] = Counter()

    def note(_: int, name: str, done: bool) -> None:
        asked[name] += not done

    computer.run("one", note)
    assert asked["committed"] < 3 * 30
    assert asked["end_offsets"] < 3


def test_without_a_checkpoint_the_past_is_folded_silently() -> None:
    computer = Computer()
    computer.run()
    computer.lose_checkpoints()
    computer.write(3, start=RECORDS)
    computer.run()
    assert computer.counted("restores_total", how="bootstrap") == 2
    assert computer.told() == undisturbed(RECORDS + 3)


def test_a_bootstrap_reads_no_more_than_it_is_told_to(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    computer.run()
    before = computer.told()
    computer.lose_checkpoints()
    computer.write(1, start=RECORDS)
    computer.run(settings=structs.replace(SETTINGS, delivery=structs.replace(SETTINGS.delivery, bootstrap=2)))
    assert "learning from the 2 records before it" in caplog.text
    told = computer.told()
    assert told[0][:-1] == before[0]
    assert told[0][-1].startswith(b"0/%d " % RECORDS)
    assert told != undisturbed(RECORDS + 1)


@pytest.mark.parametrize(
    ("forgotten", "bootstrap"),
    [(0, 0), (3, 1000), (RECORDS, 1000), (RECORDS + 1, 1000)],
    ids=["no bootstrap", "a part is left", "nothing is left", "not even what was next"],
)
def test_a_lost_state_is_no_fresh_start_and_is_said(
    forgotten: int, bootstrap: int, caplog: pytest.LogCaptureFixture
) -> None:
    computer = Computer()
    computer.run()
    fresh = computer.counted("restores_total", how="fresh")
    computer.lose_checkpoints()
    computer.write(2, start=RECORDS)
    for partition in range(2):
        computer.broker.forget(partition, before=forgotten)
    computer.run(settings=structs.replace(SETTINGS, delivery=structs.replace(SETTINGS.delivery, bootstrap=bootstrap)))
    assert caplog.text.count("no checkpoint at or before") == 2
    assert computer.counted("restores_total", how="bootstrap") == 2
    assert computer.counted("restores_total", how="fresh") == fresh == 2


def test_records_that_no_state_will_ever_know_are_said(caplog: pytest.LogCaptureFixture) -> None:
    """The newest checkpoint is behind the committed offset, where a crash left it, and the log begins there."""
    computer = Computer()
    computer.run(settings=structs.replace(SETTINGS, checkpoints=Keeping(interval=1e6)))
    computer.lose_checkpoints()
    old_state = ChainShard.fresh("events", 0, 4, SETTINGS).dump()
    Checkpoints.save(computer.checkpoints, Address("fake", "events", "events-first", 0), 4, *old_state)
    computer.broker.forget(0, before=RECORDS)
    computer.run()
    assert f"events/0: records 4 to {RECORDS - 1} are gone from the log" in caplog.text


def test_a_start_at_the_end_forecasts_only_what_comes_and_loses_nothing_to_a_crash() -> None:
    latest = structs.replace(SETTINGS, delivery=structs.replace(SETTINGS.delivery, start="latest"))
    for call in range(1, 40):
        computer = Computer(latest)
        computer.run("one", at(call, True, kill))
        was_started = len(computer.broker.committed) == 2
        computer.write(3, start=RECORDS)
        computer.run("two")
        told = computer.told()
        if was_started:
            assert told[0] + told[1] == [values for n in range(2) for values in undisturbed(RECORDS + 3)[n][-3:]]
        computer.run("three")
        assert computer.told() == told


def test_who_began_for_all_knows_that_others_have_gone_on_since(caplog: pytest.LogCaptureFixture) -> None:
    """Its partition comes much later, and without a checkpoint: that a state is lost is said."""
    latest = structs.replace(SETTINGS, delivery=structs.replace(SETTINGS.delivery, start="latest", bootstrap=2))
    computer = Computer(latest)
    broker = computer.broker
    broker.join("other")
    process = FakeProcess(broker, "one")
    worker = computer.worker(process)
    other: set[TopicPartition] = set()

    def go_on(_: int, name: str, done: bool) -> None:
        if name != "poll" or done:
            return
        if broker.members[0] == "other" and len(broker.members) == 2:  # the first partition is ours
            broker.members.reverse()
            broker.generation += 1
        elif not other and len(broker.committed) == 2:
            other.update(broker.dealt("other", latest.kafka.inputs))
            computer.write(3, start=RECORDS)
            broker.committed |= dict.fromkeys(other, RECORDS + 3)
            broker.leave("other")
        elif other and worker.ready() and len(worker.status().partitions) == 2:
            worker.stop()

    process.interrupt = go_on
    assert worker.run() == 0
    assert len(other) == 1
    assert caplog.text.count("no checkpoint at or before") == 1
    assert f"events/1: no checkpoint at or before {RECORDS + 3}" in caplog.text


def test_a_partition_that_is_added_to_a_known_group_starts_at_its_start() -> None:
    """With `start = "latest"`, too: what came before it was noticed came after the group began."""
    latest = structs.replace(SETTINGS, delivery=structs.replace(SETTINGS.delivery, start="latest"))
    computer = Computer(latest)
    computer.run("one")
    broker = computer.broker
    assert broker.committed == dict.fromkeys(broker.input, RECORDS)
    broker.input.append(TopicPartition(latest.kafka.input, 2))
    broker.logs[broker.input[2]], broker.first[broker.input[2]] = [], 0
    broker.write(2, b"a", b"b")
    broker.generation += 1
    computer.run("two")
    assert broker.committed[broker.input[2]] == 2
    assert [value.split()[0] for value in broker.forecasts()] == [b"2/0", b"2/1"]


def test_an_operator_who_resets_the_offsets_gets_those_forecasts_again() -> None:
    computer = Computer()

    def reset(_: int, name: str, done: bool) -> None:
        broker = computer.broker
        if name == "poll" and not done and broker.committed.get(broker.input[0]) == RECORDS and broker.generation == 1:
            broker.committed[broker.input[0]] = 2
            broker.generation += 1

    computer.run("one", reset)
    assert computer.broker.generation == 3
    told = computer.told()
    assert list(dict.fromkeys(told[0])) == undisturbed()[0]
    assert told[0][-(RECORDS - 3) :] == undisturbed()[0][-(RECORDS - 3) :]
    assert len(told[0]) == RECORDS - 1 + RECORDS - 3


def test_other_settings_are_refused_with_the_difference_unless_rebuilt(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    computer.run()
    computer.write(1, start=RECORDS)
    other = structs.replace(SETTINGS, model=structs.replace(SETTINGS.model, horizon=7))
    assert computer.worker(FakeProcess(computer.broker), other).run(drain=True) == 1
    assert "horizon=7" in caplog.text
    assert computer.told() == undisturbed()
    assert computer.worker(FakeProcess(computer.broker), other, rebuild=True).run(drain=True) == 0
    assert len(computer.told()[0]) == RECORDS


@pytest.mark.parametrize("header", [{}, {"next_offset": 9, "fingerprint": fingerprint(SETTINGS, ""), "bank": {}}])
def test_a_checkpoint_of_another_version_is_refused_with_the_way_out_unless_rebuilt(
    header: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    computer = Computer(records=0)
    computer.broker.committed = dict.fromkeys(computer.broker.input, 0)
    checkpoints = Checkpoints(f"memory://{uuid.uuid4().hex}", keep=1)
    checkpoints.save(Address("fake", "events", "events-first", 0), 0, header, {})

    def run(rebuild: bool) -> int:
        process, clock = FakeProcess(computer.broker), computer.broker.clock
        return Worker(
            SETTINGS, process, checkpoints, computer.metrics, clock=clock, expired=never, rebuild=rebuild
        ).run(drain=True)

    assert run(rebuild=False) == 1
    assert "of another version of lstm-stream" in caplog.text
    assert run(rebuild=True) == 0
