"""Laws of the copies: no question waits for a fold, and none is answered with a torn value."""

import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec import structs

from pipeline.cluster import TopicPartition
from pipeline.journal import Whole
from pipeline.snapshots import EVERY, INTEREST, MOST, SPARKLINE, WATCH, Snapshots
from pipeline.web.series_list import BusyError, Listing
from pipeline.web.series_status import SeriesStatus
from pipeline.web.table import Table
from tests.shown import silent, table_of

ONE, OTHER = TopicPartition("loads", 1), TopicPartition("prices", 0)
STATUS = silent("pump", "loads", 1)


class Shard:
    """Series by name, and how often each was copied."""

    def __init__(self, *names: str, topic: str = "loads") -> None:
        self.names, self.topic, self.copied, self.observations = names, topic, list[str](), 1
        self.tables, self.drawn, self.watched = 0, list[str](), set[str]()

    def series(self) -> tuple[str, ...]:
        return self.names

    def series_status(self, name: str) -> SeriesStatus | None:
        if name not in self.names:
            return None
        self.copied.append(name)
        return structs.replace(STATUS, series=name, topic=self.topic, observations=self.observations)

    def table(self) -> Table:
        self.tables += 1
        return table_of(*self.names)

    def sparkline(self, name: str, count: int) -> tuple[float | None, ...]:
        self.drawn.append(name)
        return tuple(map(float, range(count)))

    def watch(self, names: Collection[str]) -> None:
        self.watched = set(names)

    def track(self, name: str) -> tuple[Whole, ...]:
        assert name in self.series()
        return ()


class Time:
    """Passes by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def time() -> Time:
    return Time()


def soon(condition: Callable[[], bool]) -> None:
    """Wait for another thread."""
    for _ in range(10_000):
        if condition():
            return
        threading.Event().wait(0.001)
    raise AssertionError("in vain")


def asked(snapshots: Snapshots, name: str, shards: dict[TopicPartition, Shard]) -> SeriesStatus | None:
    """What is answered to who asks before the worker comes by."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(snapshots.series, name)
        soon(lambda: name in snapshots._asked)
        snapshots.look(shards)
        return answer.result(10)


def test_names_are_those_of_the_last_look_each_once_and_in_order(time: Time) -> None:
    snapshots = Snapshots(time)
    assert snapshots.find().age is None
    snapshots.look({ONE: Shard("b", "a"), OTHER: Shard("c", "a")})
    time.seconds += 2.5
    found = snapshots.find()
    assert (found.series, found.total, found.age) == (("a", "b", "c"), 3, 2.5)
    snapshots.look({ONE: Shard("b", "a", "d")})
    assert snapshots.find().series == ("a", "b", "d")
    snapshots.clear()
    assert (snapshots.find().series, snapshots.find().age) == ((), None)


def test_many_names_are_searched_and_told_part_by_part(time: Time) -> None:
    names = tuple(f"Pump-{number:06d}" for number in range(100_000))
    snapshots = Snapshots(time)
    snapshots.look({ONE: Shard(*reversed(names)), OTHER: Shard(*names[:10])})
    told: list[str] = []
    while not told or len(told) < 100_000:
        told += snapshots.find(after=told[-1] if told else "", limit=10_000).series
    assert told == list(names)
    found = snapshots.find("pUMP-0999", limit=3)
    assert (found.series, found.total) == (("Pump-099900", "Pump-099901", "Pump-099902"), 100)
    assert snapshots.find("pump-0999", after="Pump-099997").series == ("Pump-099998", "Pump-099999")


def test_nothing_is_copied_that_nobody_asks_for(time: Time) -> None:
    snapshots, shard = Snapshots(time), Shard("pump", "valve")
    for _ in range(5):
        snapshots.look({ONE: shard})
        time.seconds += 1
    assert shard.copied == []
    snapshots = Snapshots(time, patience=0.0)
    snapshots.look({ONE: shard})
    with pytest.raises(BusyError):
        snapshots.series("pump")
    snapshots.look({ONE: shard})
    assert shard.copied == ["pump"]


def test_a_first_question_is_answered_when_the_worker_comes_by(time: Time) -> None:
    snapshots, shards = Snapshots(time, patience=10.0), {ONE: Shard("pump")}
    snapshots.look(shards)
    status = asked(snapshots, "pump", shards)
    assert status is not None
    assert (status.series, status.age) == ("pump", 0.0)
    assert asked(snapshots, "nobody", shards) is None


def test_a_question_is_answered_from_the_copy_while_the_worker_is_away_and_told_its_age(time: Time) -> None:
    snapshots, shards = Snapshots(time, patience=0.0), {ONE: Shard("pump")}
    snapshots.look(shards)
    with pytest.raises(BusyError, match="ask again"):
        snapshots.series("pump")
    snapshots.look(shards)
    for age in (0.0, 7.0, 500.0):
        time.seconds = 100.0 + age
        status = snapshots.series("pump")
        assert status is not None
        assert status.age == age


def test_a_series_is_copied_once_a_second_as_long_as_somebody_asks(time: Time) -> None:
    snapshots, shard = Snapshots(time, patience=0.0), Shard("pump")
    snapshots.look({ONE: shard})
    with pytest.raises(BusyError):
        snapshots.series("pump")
    for _ in range(int(3 * INTEREST / 0.1)):
        snapshots.look({ONE: shard})
        time.seconds += 0.1
    assert INTEREST / EVERY - 1 <= len(shard.copied) <= INTEREST / EVERY + 1


def test_a_look_copies_no_more_than_so_many_and_the_others_next_time(time: Time) -> None:
    names = [f"series-{n}" for n in range(2 * MOST + 1)]
    snapshots, shard = Snapshots(time, patience=0.0), Shard(*names)
    snapshots.look({ONE: shard})
    for name in names:
        with pytest.raises(BusyError):
            snapshots.series(name)
    counts = []
    for _ in range(4):
        before = len(shard.copied)
        snapshots.look({ONE: shard})
        counts.append(len(shard.copied) - before)
    assert counts == [MOST, MOST, 1, 0]
    assert set(shard.copied) == set(names)


def test_series_of_one_name_in_two_topics_are_two_and_say_so_of_each_other(time: Time) -> None:
    snapshots = Snapshots(time, patience=10.0)
    shards = {OTHER: Shard("pump", topic="prices"), ONE: Shard("pump")}
    snapshots.look(shards)
    first = asked(snapshots, "pump", shards)
    assert first is not None
    assert (first.topic, first.elsewhere) == ("loads", ("prices/0",))
    second = snapshots.series("pump", at="prices/0")
    assert second is not None
    assert (second.topic, second.elsewhere) == ("prices", ("loads/1",))
    assert snapshots.series("pump", at="prices/7") is None


def test_who_holds_nothing_any_more_says_so_at_once_also_to_those_who_wait(time: Time) -> None:
    snapshots, shards = Snapshots(time, patience=60.0), {ONE: Shard("pump")}
    assert snapshots.series("pump") is None
    snapshots.look(shards)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(snapshots.series, "pump")
        soon(lambda: "pump" in snapshots._asked)
        snapshots.clear()
        assert answer.result(10) is None


def test_answers_are_whole_while_the_worker_goes_on() -> None:
    """Every answer is of one look: here all shards of one look have the same count."""
    time = Time()
    snapshots, shards = Snapshots(time, patience=10.0), {ONE: Shard("pump"), OTHER: Shard("pump", topic="prices")}
    snapshots.look(shards)
    over = threading.Event()

    def ask() -> int:
        answers = 0
        while not over.is_set() or answers < 20:
            names = snapshots.find()
            assert names.series in (("pump",), ("pump", "valve"))
            status = snapshots.series("pump")
            assert status is not None
            assert status.elsewhere == ("prices/0",)
            answers += 1
        return answers

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask) for _ in range(3)]
        for turn in range(300):
            over.wait(0.0005)
            time.seconds += 0.02
            for shard in shards.values():
                shard.observations = turn
                shard.names = ("pump", "valve") if turn % 2 else ("pump",)
            snapshots.look(shards)
        over.set()
        while not all(one.done() for one in asking):
            threading.Event().wait(0.0005)
            snapshots.look(shards)
        assert all(one.result() >= 20 for one in asking)


def test_a_table_is_copied_once_a_second_as_long_as_somebody_asks_for_the_list(time: Time) -> None:
    snapshots, shard = Snapshots(time), Shard("a", "b")
    for _ in range(5):
        snapshots.look({ONE: shard})
    assert shard.tables == 0
    assert snapshots.listed(Listing()).age is None  # nothing was copied yet
    for _ in range(10):
        snapshots.look({ONE: shard})
    assert shard.tables == 1
    time.seconds += 0.5
    listed = snapshots.listed(Listing())
    assert ([row.series for row in listed.rows], listed.total, listed.age) == (["b", "a"], 2, 0.5)
    time.seconds += EVERY
    snapshots.look({ONE: shard})
    assert shard.tables == 2
    time.seconds += INTEREST
    snapshots.look({ONE: shard})
    assert shard.tables == 2


def test_only_rows_that_are_shown_have_their_sparklines_copied(time: Time) -> None:
    names = tuple(f"series-{number:05d}" for number in range(10_000))
    snapshots, shard = Snapshots(time), Shard(*names)
    snapshots.listed(Listing())
    snapshots.look({ONE: shard})
    asked = Listing(sort="name", descending=False, offset=500, limit=3)
    assert [row.values for row in snapshots.listed(asked).rows] == [(), (), ()]
    snapshots.look({ONE: shard})
    assert shard.drawn == list(names[500:503])
    assert all(len(row.values) == SPARKLINE for row in snapshots.listed(asked).rows)
    assert all(row.values == () for row in snapshots.listed(Listing(limit=5000)).rows)
    snapshots.look({ONE: shard})
    assert len(shard.drawn) == 3


def test_a_list_of_another_order_is_told_while_the_worker_is_away(time: Time) -> None:
    snapshots, shard = Snapshots(time), Shard("a", "b")
    snapshots.listed(Listing())
    snapshots.look({ONE: shard})
    time.seconds += 500
    assert [row.series for row in snapshots.listed(Listing(sort="name", descending=False)).rows] == ["a", "b"]
    assert snapshots.listed(Listing(search="B")).total == 1


def test_the_list_is_empty_once_nothing_is_held(time: Time) -> None:
    snapshots, shard = Snapshots(time), Shard("a")
    snapshots.listed(Listing())
    snapshots.look({ONE: shard})
    assert snapshots.listed(Listing()).total == 1
    snapshots.clear()
    assert (snapshots.listed(Listing()).total, snapshots.listed(Listing()).age) == (0, None)


def test_the_forecasts_of_a_series_that_is_asked_for_are_watched_for_a_while(time: Time) -> None:
    snapshots, shard = Snapshots(time), Shard("a", "b")
    snapshots.look({ONE: shard})
    assert asked(snapshots, "a", {ONE: shard}) is not None
    assert shard.watched == {"a"}
    time.seconds += WATCH
    snapshots.look({ONE: shard})
    assert shard.watched == set()
