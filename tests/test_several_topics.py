"""The worker's laws hold over several topics, whichever way they are named, and over topics that come later."""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import pytest
from kafka.errors import KafkaError
from msgspec import structs

from pipeline.checkpoints import Address
from pipeline.cluster import NoTopicError, TopicPartition
from pipeline.fold import Fold, Publish
from pipeline.messages import Record
from pipeline.settings import Settings
from pipeline.web.series_list import BusyError
from pipeline.worker import Worker
from tests.computer import RECORDS, SETTINGS, Computer, at, fail, kill
from tests.fakes import ChainShard, FakeBroker, FakeProcess
from tests.servers import wait_until

TOPICS = ("loads", "prices", "sensors.a")
WAYS = [TOPICS, r"/loads|prices|sensors\..*/", "^.*"]


def reading(given_as: str | tuple[str, ...], settings: Settings = SETTINGS) -> Settings:
    return structs.replace(settings, kafka=structs.replace(settings.kafka, input=given_as))


class Topics(Computer):
    """A computer whose broker has several input topics; the key of each record names its partition."""

    def __init__(
        self,
        given_as: str | tuple[str, ...] = TOPICS,
        settings: Settings = SETTINGS,
        topics: tuple[str, ...] = TOPICS,
        partitions: int = 2,
    ) -> None:
        self._topics, self._partitions = topics, partitions
        super().__init__(reading(given_as, settings))

    def made(self, settings: Settings) -> FakeBroker:
        return FakeBroker(settings, self._partitions, self._topics)

    def write(self, records: int, start: int = 0) -> None:
        for number, (topic, partition) in enumerate(self.broker.input):
            values = (b"bad" if n == start + 4 else b"%d" % n for n in range(start, start + records))
            self.broker.write(number, *values, key=f"{topic}/{partition}".encode())

    def by_partition(self) -> dict[str, list[bytes]]:
        """Committed forecasts and dead letters of each partition of each topic, each kind in its order."""
        self.told()
        found: dict[str, list[bytes]] = {}
        for output in self.broker.outputs:
            for entry in self.broker.readable(output):
                found.setdefault((entry.key or b"").decode(), []).append(entry.value or b"")
        return found


@cache
def undisturbed(records: int = RECORDS) -> dict[str, list[bytes]]:
    computer = Topics()
    if records > RECORDS:
        computer.write(records - RECORDS, start=RECORDS)
    computer.run()
    return computer.by_partition()


class Two(Topics):
    """Two topics of a partition each, for laws that are tried at every call."""

    def __init__(self) -> None:
        super().__init__(("loads", "prices"), topics=("loads", "prices"), partitions=1)

    def is_exact(self) -> bool:
        return self.by_partition() == {place: undisturbed()[place] for place in ("loads/0", "prices/0")}


@cache
def calls() -> int:
    return Two().run().calls


def every_moment() -> Iterator[tuple[int, bool]]:
    return ((call, done) for call in range(1, calls() + 1) for done in (False, True))


@pytest.mark.parametrize("given_as", WAYS, ids=["named", "pattern", "all but outputs"])
def test_each_partition_of_each_topic_is_told_once_however_the_topics_are_named(
    given_as: str | tuple[str, ...],
) -> None:
    computer = Topics(given_as)
    computer.run()
    told = computer.by_partition()
    assert sorted(told) == [f"{topic}/{n}" for topic in TOPICS for n in range(2)]
    assert all(len(values) == RECORDS for values in told.values())
    assert told == undisturbed()
    assert computer.counted("restores_total", how="fresh") == 6
    assert computer.counted("series", topic="prices", partition="1") == 1


def test_a_crash_at_any_call_changes_no_forecast() -> None:
    for call, done in every_moment():
        computer = Two()
        computer.run("one", at(call, done, kill))
        computer.run("two")
        assert computer.is_exact(), (call, done)


def test_a_failure_of_any_call_changes_no_forecast() -> None:
    for call, done in every_moment():
        computer = Two()
        computer.run("one", at(call, done, fail))
        assert computer.is_exact(), (call, done)


def test_a_rebalance_at_any_call_changes_no_forecast() -> None:
    for call, done in every_moment():
        computer = Two()

        def rebalance(computer: Two = computer) -> None:
            computer.broker.generation += 1

        computer.run("one", at(call, done, rebalance))
        assert computer.is_exact(), (call, done)


def test_a_worker_that_stalls_at_any_call_while_another_takes_over_changes_no_forecast() -> None:
    for call, done in every_moment():
        computer = Two()
        process = FakeProcess(computer.broker, "one")

        def take_over(computer: Two = computer, process: FakeProcess = process) -> None:
            process.expel()
            computer.run("two")

        process.interrupt = at(call, done, take_over)
        assert computer.worker(process).run(drain=True) == 0
        assert computer.is_exact(), (call, done)


def test_forecasts_of_several_topics_are_committed_together() -> None:
    computer = Topics(settings=structs.replace(SETTINGS, kafka=structs.replace(SETTINGS.kafka, max_poll_records=100)))
    commits: list[dict[TopicPartition, int]] = []

    def look(_: int, name: str, done: bool) -> None:
        if name == "commit_transaction" and not done:
            (transaction,) = computer.broker.open.values()
            commits.append(dict(transaction.offsets))

    computer.run(interrupt=look)
    assert max(len({one.topic for one in offsets}) for offsets in commits) == len(TOPICS)


def test_the_states_of_the_topics_that_stay_are_kept_when_the_list_changes() -> None:
    computer = Topics()
    computer.run(settings=reading(("loads", "prices")))
    assert sorted(computer.by_partition()) == ["loads/0", "loads/1", "prices/0", "prices/1"]
    computer.write(RECORDS, start=RECORDS)
    computer.run(settings=reading(("prices", "sensors.a")))
    assert computer.counted("restores_total", how="checkpoint") == 2
    computer.run(settings=reading(r"/.*/"))
    assert computer.counted("restores_total", how="checkpoint") == 2 + 6
    assert computer.counted("restores_total", how="bootstrap") == 0
    assert computer.by_partition() == undisturbed(2 * RECORDS)


@pytest.mark.parametrize("start", ["earliest", "latest"])
def test_a_topic_that_comes_later_is_read_from_its_first_record_also_where_a_group_starts_at_the_end(
    start: str,
) -> None:
    delivery = structs.replace(SETTINGS.delivery, start=start)
    computer = Topics("/.*/", structs.replace(SETTINGS, delivery=delivery), topics=("loads",))
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)

    def create(_: int, name: str, done: bool) -> None:
        broker = computer.broker
        if name == "poll" and not done and worker.ready() and len(broker.input) == 2:
            broker.add_topic("later")
            broker.write(2, *(b"%d" % n for n in range(RECORDS)), key=b"later/0")
        if broker.committed.get(TopicPartition("later", 0)) == RECORDS and worker.ready():
            worker.stop()

    process.interrupt = create
    assert worker.run() == 0
    told = computer.by_partition()
    assert [value.split()[0] for value in told["later/0"]] == [b"0/%d" % n for n in range(RECORDS)]
    assert ("loads/0" in told) == (start == "earliest")


def test_a_topic_that_came_while_nobody_worked_is_read_from_its_first_record() -> None:
    delivery = structs.replace(SETTINGS.delivery, start="latest")
    computer = Topics("/.*/", structs.replace(SETTINGS, delivery=delivery), topics=("loads",))
    computer.run()
    assert computer.by_partition() == {}
    computer.broker.add_topic("later", 1)
    computer.broker.write(2, b"1", b"2", key=b"later/0")
    computer.run()
    assert len(computer.by_partition()["later/0"]) == 2


def test_where_a_new_group_starts_at_the_end_it_is_settled_for_all_its_partitions_in_one_commit() -> None:
    """A worker that joined in between would take the group for a known one, and read the others from their start."""
    delivery = structs.replace(SETTINGS.delivery, start="latest")
    computer = Topics(settings=structs.replace(SETTINGS, delivery=delivery))
    known: list[int] = []

    def look(_: int, name: str, done: bool) -> None:
        if name == "commit_transaction" and done:
            known.append(len(computer.broker.committed))

    computer.run(interrupt=look)
    assert set(known) == {6}


def test_a_pattern_that_matches_nothing_yet_is_waited_for_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    computer = Topics("/later.*/", topics=("loads",))
    process = FakeProcess(computer.broker)
    tries = 0

    def come_later(_: int, name: str, done: bool) -> None:
        nonlocal tries
        tries += name == "describe" and not done
        if name == "describe" and not done and tries < 5:
            raise NoTopicError("no topic matches")
        if tries == 5 and len(computer.broker.input) == 2:
            computer.broker.add_topic("later-1", 1)
            computer.broker.write(2, b"1", key=b"later-1/0")

    process.interrupt = come_later
    assert computer.worker(process).run(drain=True) == 0
    assert caplog.text.count("no topic matches") == 1
    assert sorted(computer.by_partition()) == ["later-1/0"]


def test_a_drain_ends_with_an_error_where_a_pattern_matches_nothing(caplog: pytest.LogCaptureFixture) -> None:
    computer = Topics("/later.*/", topics=("loads",))

    def match_nothing(_: int, name: str, __: bool) -> None:
        if name == "describe":
            raise NoTopicError("no topic matches")

    process = FakeProcess(computer.broker, "one", match_nothing)
    started = computer.broker.clock.now()
    assert computer.worker(process).run(drain=True) == 1
    assert computer.broker.clock.now() - started >= computer.settings.kafka.session_timeout
    assert caplog.text.count("no topic matches") == 1
    assert caplog.text.count("ending with nothing drained") == 1


def test_what_a_pattern_matches_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    computer = Topics("/.*/")
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    outages: list[str] = []

    def go_away(_: int, name: str, done: bool) -> None:
        if name == "poll" and not done and worker.ready():
            outages.append(name)
            if len(outages) == 2:
                worker.stop()
            raise KafkaError("the broker went away")

    process.interrupt = go_away
    assert worker.run() == 0
    matched = "kafka.input = '/.*/' matches loads, prices, sensors.a"
    said = f"{matched}; left out, as the daemon writes there: dead-letters, forecasts"
    assert caplog.text.count(said) == 1


def test_the_status_tells_the_topic_of_each_partition() -> None:
    computer = Topics()
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    process.interrupt = lambda *_: worker.stop() if worker.ready() else None
    assert worker.run() == 0
    places = [(one.topic, one.partition) for one in worker.status().partitions]
    assert places == [(topic, partition) for topic in TOPICS for partition in range(2)]


def test_a_checkpoint_is_kept_under_its_topic() -> None:
    computer = Topics()
    computer.run()
    for topic in TOPICS:
        found = computer.checkpoints.load(Address("fake", topic, f"{topic}-first", 1), at_most=1 << 40)
        assert found is not None
        assert found.offset == RECORDS


class Gate:
    """Holds up a fold, once it is closed, until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.closed, self.reached, self.opened = threading.Event(), threading.Event(), threading.Event()
        fold = ChainShard.fold

        def held_up(shard: ChainShard, records: Sequence[Record], publish: Publish) -> Fold:
            folded = fold(shard, records, publish)
            if self.closed.is_set():
                self.reached.set()
                assert self.opened.wait(60)
            return folded

        monkeypatch.setattr(ChainShard, "fold", held_up)

    def close_and_write(self, computer: Topics) -> Callable[[int, str, bool], None]:
        """In the worker's own thread: the fake broker knows of no other."""

        def interrupt(_: int, name: str, done: bool) -> None:
            if name == "poll" and not done and not self.closed.is_set():
                computer.write(RECORDS, start=RECORDS)
                self.closed.set()

        return interrupt


def test_questions_are_answered_while_a_fold_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, computer = Gate(monkeypatch), Topics()
    process = FakeProcess(computer.broker)
    worker = Worker(computer.settings, process, computer.checkpoints, computer.metrics, shards=ChainShard)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    wait_until(worker.ready, "the worker to be ready")
    before = worker.snapshots.series("chain-1")
    process.interrupt = gate.close_and_write(computer)
    assert gate.reached.wait(60)
    found, status = worker.snapshots.find(), worker.snapshots.series("chain-1")
    with pytest.raises(BusyError):
        worker.snapshots.series("chain-0")
    doing, page = worker.status().doing, computer.metrics.render()[0]
    assert not gate.opened.is_set()
    gate.opened.set()
    wait_until(lambda: worker.status().observations == 6 * 2 * RECORDS, "all to be committed")
    worker.stop()
    thread.join(60)
    assert before is not None
    assert status is not None
    assert (status.topic, status.elsewhere) == ("loads", ("prices/1", "sensors.a/1"))
    assert found.series == ("chain-0", "chain-1")
    assert doing == "fold"
    assert b'lstm_stream_series{partition="1",topic="prices"} 1.0' in page
    assert computer.by_partition() == undisturbed(2 * RECORDS)
