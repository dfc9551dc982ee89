"""Whatever dies, stalls or fails at whatever moment: the committed forecasts are those of an undisturbed run."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache

import msgspec
import pytest
from kafka.errors import (
    CoordinatorNotAvailableError,
    FencedInstanceIdError,
    GroupAuthorizationFailedError,
    InconsistentGroupProtocolError,
    InvalidSessionTimeoutError,
    KafkaError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    NotEnoughReplicasError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from msgspec import structs

from pipeline.checkpoints import Address, Block, Checkpoints
from pipeline.cluster import ClusterError, TopicPartition
from pipeline.dead_letters import REASONS
from pipeline.fold import Failure, Fold, Publish
from pipeline.held import Shards
from pipeline.member import Member
from pipeline.messages import Record, decode_forecast
from pipeline.metrics import Metrics
from pipeline.settings import Checkpoints as Keeping
from pipeline.settings import Delivery, Events, Kafka, Model, Settings, fingerprint
from pipeline.shard import Shard
from pipeline.stores import CheckpointError
from pipeline.tensor_file import Shape
from pipeline.watchdog import Watchdog
from pipeline.worker import Worker
from tests.fakes import ChainShard, FakeBroker, FakeConsumer, FakeProcess, Killed

SETTINGS = Settings(
    kafka=Kafka(max_poll_records=5),
    delivery=Delivery(commit_interval=0.05, bootstrap=1000),
    checkpoints=Keeping(interval=0.1),
)
UNKEPT = structs.replace(SETTINGS, checkpoints=Keeping(interval=1000.0))
RECORDS = 9  # in each of two partitions


class ExactCheckpoints(Checkpoints):
    """Refuses to keep what is not a state at exactly an offset that was committed."""

    def __init__(self, broker: FakeBroker) -> None:
        super().__init__(f"memory://{uuid.uuid4().hex}", keep=3)
        self._broker = broker

    def save_in_parts(
        self,
        address: Address,
        offset: int,
        header: Mapping[str, object],
        shapes: Mapping[str, Shape],
        blocks: Iterable[Block],
    ) -> str:
        return super().save_in_parts(address, offset, header, shapes, self._checked(address, offset, blocks))

    def _checked(self, address: Address, offset: int, blocks: Iterable[Block]) -> Iterator[Block]:
        partition = TopicPartition(address.topic, address.partition)
        for block in blocks:
            assert int(block.arrays["next_offset"]) == offset <= self._broker.committed[partition]
            yield block


class Computer:
    """Where processes come and go; checkpoints stay."""

    shards: Shards = ChainShard

    def __init__(self, settings: Settings = SETTINGS, records: int = RECORDS) -> None:
        self.settings = settings
        self.broker = self.made(settings)
        self.lose_checkpoints()
        self.metrics = Metrics()
        self.write(records)

    def made(self, settings: Settings) -> FakeBroker:
        return FakeBroker(settings)

    def lose_checkpoints(self) -> None:
        self.checkpoints: Checkpoints = ExactCheckpoints(self.broker)

    def write(self, records: int, start: int = 0) -> None:
        for partition in range(2):
            bad = {start + 4}
            values = (b"bad" if n in bad else b"%d" % n for n in range(start, start + records))
            self.broker.write(partition, *values)

    def worker(
        self,
        process: FakeProcess,
        settings: Settings | None = None,
        checkpoints: Checkpoints | None = None,
        rebuild: bool = False,
    ) -> Worker:
        return Worker(
            settings or self.settings,
            process,
            checkpoints or self.checkpoints,
            self.metrics,
            shards=self.shards,
            clock=self.broker.clock,
            expired=_never,
            rebuild=rebuild,
        )

    def run(
        self,
        instance: str = "one",
        interrupt: Callable[[int, str, bool], None] | None = None,
        settings: Settings | None = None,
    ) -> FakeProcess:
        """A process that works until all is done, or it is killed."""
        process = FakeProcess(self.broker, instance, interrupt)
        try:
            assert self.worker(process, settings).run(drain=True) == 0
        except Killed:
            process.expel()
        return process

    def told(self) -> list[list[bytes]]:
        """Committed forecasts and dead letters, by partition of their source and in order.

        What a dead process left open holds them back until it times out.
        """
        self.broker.clock.seconds += self.settings.kafka.transaction_timeout + 1
        self.broker.time_out()
        both = (self.broker.forecasts(), self.broker.dead_letters())
        return [[value for value in values if value.startswith(b"%d/" % n)] for values in both for n in range(2)]

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics._registry.get_sample_value(f"lstm_stream_{name}", labels) or 0.0


def _never(call: str) -> None:
    raise AssertionError(call)


@cache
def undisturbed(records: int = RECORDS) -> list[list[bytes]]:
    computer = Computer(records=records)
    computer.run()
    return computer.told()


@cache
def calls() -> int:
    return Computer().run().calls


def at(call: int, done: bool, act: Callable[[], None]) -> Callable[[int, str, bool], None]:
    """Act at one call, before it or when it is done but not yet told."""

    def interrupt(number: int, _: str, is_done: bool) -> None:
        if number == call and is_done == done:
            act()

    return interrupt


def kill() -> None:
    raise Killed


def fail() -> None:
    raise KafkaError("disturbed")


def every_moment() -> Iterator[tuple[int, bool]]:
    return ((call, done) for call in range(1, calls() + 1) for done in (False, True))


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


class FaultyShard(ChainShard):
    """Each bad record is a failure of its model, too."""

    def fold(self, records: Sequence[Record], publish: Publish) -> Fold:
        fold = super().fold(records, publish)
        bad = [record.offset for record in records if record.value is not None and record.value.startswith(b"bad")]
        return fold._replace(failures=tuple(Failure("chain", offset, "step", "planted") for offset in bad))


class Faulty(Computer):
    shards = FaultyShard


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


def test_checkpoints_stand_at_committed_offsets_and_shorten_a_restart() -> None:
    computer = Computer()
    computer.run()
    assert computer.counted("restores_total", how="fresh") == 2
    checkpoint = computer.checkpoints.load(Address("fake", "events", "events-first", 0), at_most=1 << 40)
    assert checkpoint is not None
    assert checkpoint.offset == computer.broker.committed[computer.broker.input[0]] == RECORDS
    computer.write(3, start=RECORDS)
    computer.run()
    assert computer.counted("restores_total", how="checkpoint") == 2
    assert computer.told() == undisturbed(RECORDS + 3)


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


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InconsistentGroupProtocolError(), "group `lstm-stream` is used by members of another protocol"),
        (GroupAuthorizationFailedError("lstm-stream"), "--operation Read --group lstm-stream"),
        (TopicAuthorizationFailedError({"events"}), "--operation Read --topic events"),
        (InvalidSessionTimeoutError(), "group.max.session.timeout.ms"),
        (CoordinatorNotAvailableError(), "a coordinator is not there"),
    ],
)
def test_what_the_brokers_refuse_a_member_is_one_line_with_the_fix(
    error: KafkaError, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    computer = Computer()
    refusals = 0

    def refuse(_: int, name: str, done: bool) -> None:
        nonlocal refusals
        if name == "poll" and not done and refusals < 4:
            refusals += 1
            raise error

    computer.run("one", refuse)
    assert caplog.text.count(said) == 1
    assert computer.counted("broker_errors_total", error=type(error).__name__) == 4
    assert computer.told() == undisturbed()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotEnoughReplicasError(), "min.insync.replicas"),
        (TransactionalIdAuthorizationFailedError(), "--operation Write --transactional-id lstm-stream-"),
        (UnknownTopicOrPartitionError(), "run `lstm-stream topics`"),
        (LeaderNotAvailableError(), "a partition has no leader"),
    ],
)
def test_what_the_brokers_refuse_to_take_is_one_line_with_the_fix(
    error: KafkaError, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    computer = Computer()
    computer.broker.committed = dict.fromkeys(computer.broker.input, 0)
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    refusals = 0

    def refuse(_: int, name: str, done: bool) -> None:
        nonlocal refusals
        assert refusals == 0 or refusals == 5 or not worker.ready()
        if name == "flush" and not done and refusals < 5:
            refusals += 1
            raise error

    process.interrupt = refuse
    assert worker.run(drain=True) == 0
    assert caplog.text.count(said) == 1
    assert computer.counted("broker_errors_total", error=type(error).__name__) == 5
    assert computer.told() == undisturbed()


def test_a_partition_that_cannot_be_opened_for_long_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    refusals = 0

    def refuse(_: int, name: str, done: bool) -> None:
        nonlocal refusals
        if name == "committed" and not done and refusals < 100:
            refusals += 1
            raise KafkaTimeoutError

    computer.run("one", refuse)
    assert caplog.text.count("events/0 cannot be opened, and is tried again: a broker at localhost:9092 did not") == 1
    assert computer.counted("broker_errors_total", error="KafkaTimeoutError") == 2
    assert computer.told() == undisturbed()


def test_a_topic_that_is_deleted_while_all_is_quiet_is_said_once_and_waited_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    computer = Computer()
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    missing = 0

    def be_gone(_: int, name: str, done: bool) -> None:
        nonlocal missing
        if name == "describe" and not done and computer.counted("partitions_assigned") and not missing:
            missing = 1
        if name == "describe" and not done and 0 < missing < 5:
            missing += 1
            raise ClusterError("topic `events` is missing; run `lstm-stream topics`")
        if missing == 5 and worker.ready():
            worker.stop()

    process.interrupt = be_gone
    assert worker.run() == 0
    assert caplog.text.count("topic `events` is missing; run `lstm-stream topics` (trying again)") == 1


def test_a_worker_keeps_its_shards_through_a_rebalance_that_gives_them_back() -> None:
    computer = Computer()

    def rebalance(_: int, name: str, done: bool) -> None:
        if name == "poll" and not done and computer.broker.committed and computer.broker.generation == 1:
            computer.broker.generation += 1

    computer.run("one", rebalance)
    assert computer.counted("restores_total", how="kept") >= 1
    assert computer.counted("restores_total", how="checkpoint") == 0
    assert computer.told() == undisturbed()


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
            SETTINGS, process, checkpoints, computer.metrics, clock=clock, expired=_never, rebuild=rebuild
        ).run(drain=True)

    assert run(rebuild=False) == 1
    assert "of another version of lstm-stream" in caplog.text
    assert run(rebuild=True) == 0


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
    worker = Worker(small, process, checkpoints, computer.metrics, clock=computer.broker.clock, expired=_never)
    assert worker.run(drain=True) == 0
    assert len(computer.broker.forecasts()) == 2
    nothing, bad = computer.broker.readable(computer.broker.outputs[1])
    assert (nothing.key, nothing.value, dict(nothing.headers)["lstm_stream.null_key"]) == (b"", None, b"true")
    assert (bad.key, bad.value, bad.headers[:2]) == (b"k", b"bad", [("trace", b""), ("n", b"1")])


def test_what_may_heal_is_said_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    seen: list[bool] = []

    def unreachable(number: int, name: str, done: bool) -> None:
        if name == "describe" and not done and number <= 6:
            seen.append(worker.ready())
            raise ClusterError("no broker; start it")

    process.interrupt = unreachable
    before = computer.broker.clock.now()
    assert worker.run(drain=True) == 0
    assert seen == [False] * 6
    assert caplog.text.count("no broker; start it") == 1
    assert computer.broker.clock.now() - before >= 1 + 2 + 4 + 8 + 16 + 30
    assert computer.told() == undisturbed()


def test_an_outage_is_said_again_when_all_was_well_in_between(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    outages = 0

    def go_away(_: int, name: str, done: bool) -> None:
        nonlocal outages
        if name == "poll" and not done and worker.ready():
            outages += 1
            if outages == 3:
                worker.stop()
            raise KafkaError("the broker went away")

    process.interrupt = go_away
    assert worker.run() == 0
    assert caplog.text.count("the broker went away (trying again)") == 3


def test_checkpoints_that_cannot_be_written_are_said_once_and_counted_and_stop_no_forecast(
    caplog: pytest.LogCaptureFixture,
) -> None:
    computer = Computer()

    class Full(Checkpoints):
        def save_in_parts(self, *_: object) -> str:
            raise CheckpointError("no space; make some")

    worker = computer.worker(FakeProcess(computer.broker), checkpoints=Full(f"memory://{uuid.uuid4().hex}", 3))
    assert worker.run(drain=True) == 0
    assert caplog.text.count("no space; make some") == 1
    assert computer.counted("checkpoint_failures_total") > 1
    assert computer.told() == undisturbed()


def test_a_second_worker_of_the_same_instance_ends_the_first_with_a_reason(caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()

    def fenced(number: int, name: str, _: bool) -> None:
        if name == "poll" and number > 20:
            raise FencedInstanceIdError

    assert computer.worker(FakeProcess(computer.broker, "one", fenced)).run() == 1
    assert "give each one its own" in caplog.text


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
    watchdog = Watchdog(SETTINGS.delivery.deadline, broker.clock.now, _never)
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


def test_a_call_that_never_comes_back_is_noticed() -> None:
    computer = Computer()
    noticed = threading.Event()
    names: list[str] = []

    def expired(call: str) -> None:
        names.append(call)
        noticed.set()

    process = FakeProcess(computer.broker)
    worker = Worker(
        SETTINGS,
        process,
        computer.checkpoints,
        computer.metrics,
        shards=ChainShard,
        clock=computer.broker.clock,
        expired=expired,
    )

    def hang(_: int, name: str, done: bool) -> None:
        if name == "commit_transaction" and not done and not names:
            assert not worker.trouble()
            computer.broker.clock.seconds += 61
            assert worker.trouble()
            assert noticed.wait(10)

    process.interrupt = hang
    assert worker.run(drain=True) == 0
    assert names == ["commit_transaction"]
    assert not worker.trouble()


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("probe", "a trial of checkpoints.url"),
        ("load", "the opening of a shard"),
    ],
)
def test_a_store_that_never_comes_back_is_noticed(method: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging_is_noticed(Checkpoints, method, told, monkeypatch)


def test_a_checkpoint_that_is_never_written_is_noticed() -> None:
    """The loop goes on meanwhile, for longer than a call to Kafka may take, but not for ever."""
    computer, names = Computer(), list[str]()
    noticed = threading.Event()

    class Hanging(Checkpoints):
        def save_in_parts(self, *_: object) -> str:
            while not noticed.wait(0.01):
                computer.broker.clock.seconds += SETTINGS.delivery.deadline / 4
            raise CheckpointError("nobody answers")

    def expired(call: str) -> None:
        names.append(call)
        noticed.set()

    checkpoints = Hanging(f"memory://{uuid.uuid4().hex}", 3)
    process, clock = FakeProcess(computer.broker), computer.broker.clock
    worker = Worker(SETTINGS, process, checkpoints, computer.metrics, shards=ChainShard, clock=clock, expired=expired)
    assert worker.run(drain=True) == 0
    assert names == ["the writing of a checkpoint"]
    assert computer.told() == undisturbed()


def test_a_fold_that_never_comes_back_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging_is_noticed(ChainShard, "fold", "fold", monkeypatch)


def hanging_is_noticed(kind: type, method: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may take longer than a call to Kafka, but not for ever."""
    computer = Computer()
    names: list[str] = []
    noticed = threading.Event()

    def expired(call: str) -> None:
        names.append(call)
        noticed.set()

    worker = Worker(
        SETTINGS,
        FakeProcess(computer.broker),
        computer.checkpoints,
        computer.metrics,
        shards=ChainShard,
        clock=computer.broker.clock,
        expired=expired,
    )
    does = getattr(kind, method)

    def hang(*arguments: object) -> object:
        if not names:
            computer.broker.clock.seconds += 4 * SETTINGS.delivery.deadline
            assert not worker.trouble()
            computer.broker.clock.seconds += 2 * SETTINGS.delivery.deadline
            assert worker.trouble()
            assert noticed.wait(10)
        return does(*arguments)

    monkeypatch.setattr(kind, method, hang)
    assert worker.run(drain=True) == 0
    assert names == [told]
    assert not worker.trouble()


def test_a_checkpoint_that_nothing_has_moved_on_from_does_not_age() -> None:
    computer = Computer()
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    ages: list[float] = []

    def note(*_: object) -> None:
        ages.append(computer.counted("checkpoint_age_seconds"))
        if len(ages) > 600:
            worker.stop()

    process.interrupt = note
    before = computer.broker.clock.now()
    assert worker.run() == 0
    assert computer.broker.clock.now() - before > 10
    assert max(ages[len(ages) // 2 :]) < 2  # before, the first one may still be under way, as time is made to fly


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


def test_a_stop_begins_no_checkpoint_after_its_time_and_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Each checkpoint takes 10 s here: of two, one is begun within four fifths of 5 s."""
    settings = structs.replace(UNKEPT, delivery=structs.replace(UNKEPT.delivery, stop_within=5.0))
    computer = Computer(settings)
    clock = computer.broker.clock

    class Slow(ExactCheckpoints):
        def save_in_parts(
            self,
            address: Address,
            offset: int,
            header: Mapping[str, object],
            shapes: Mapping[str, Shape],
            blocks: Iterable[Block],
        ) -> str:
            clock.pause(10.0)
            return super().save_in_parts(address, offset, header, shapes, blocks)

    workers: list[Worker] = []

    def stop(_: int, name: str, done: bool) -> None:
        if name == "commit_transaction" and done and len(computer.broker.forecasts()) >= RECORDS:
            workers[0].stop()

    workers.append(computer.worker(FakeProcess(computer.broker, "one", stop), checkpoints=Slow(computer.broker)))
    assert workers[0].run() == 0
    assert "1 of 2 checkpoints are not written, as delivery.stop_within (5 s) is nearly over" in caplog.text
    computer.run("two")
    undisturbed = Computer(settings)
    undisturbed.run()
    assert sorted(computer.broker.forecasts()) == sorted(undisturbed.broker.forecasts())
