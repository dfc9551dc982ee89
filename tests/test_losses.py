"""Losses are told: once, with an example and the setting that mends them, and again only after all was well."""

import json
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, count, islice, pairwise, repeat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from pipeline.cluster import TopicPartition
from pipeline.dead_letters import REASONS, REMEDIES
from pipeline.fates import FORECAST, LATE, SKIPPED, Fate, Fates
from pipeline.losses import Losses, Watch
from pipeline.losses.ledger import CHECK, RUN, WINDOW
from pipeline.losses.names import BLOCK
from pipeline.messages import Record
from pipeline.settings import Delivery, Events, Model, Settings
from pipeline.shard import Shard
from tests.computer import Computer
from tests.fakes import FakeProcess

MODEL = Model(horizon=3, hidden_size=4, window=4, windows=2, replay=16, memory=64, effort=0.0)
PARTITION = TopicPartition("events", 0)
START = 1_700_000_000  # seconds
Body = dict[str, object]


def records(bodies: Sequence[object], start: int = 0, key: bytes | None = b"k") -> list[Record]:
    """Records of these JSON values; their own times are a minute apart."""
    return [
        Record("events", 0, start + n, (START + (start + n) * 60) * 1000, key, json.dumps(body).encode())
        for n, body in enumerate(bodies)
    ]


def good(index: int) -> Body:
    return {"series": "s", "timestamp": START + index * 60, "value": math.sin(index)}


class Watched:
    """A shard whose fates a watch looks at; what is told of them by what it is."""

    def __init__(self, events: Events | None = None) -> None:
        chosen = Settings(events=events or Events(), model=MODEL)
        self._shard = Shard.fresh("events", 0, 0, chosen)
        self._watch = Watch(chosen.events)

    def take(self, these: Sequence[Record]) -> list[str]:
        """The warnings about these records."""
        return [line for level, line in self.lines(these) if level == logging.WARNING]

    def lines(self, these: Sequence[Record]) -> list[tuple[int, str]]:
        return self._watch.note(self._shard.fold(these, "every").fates)

    @property
    def told(self) -> dict[str, str]:
        return {loss.what: loss.message for loss in self._watch.told()}


def late(index: int) -> Body:
    return good(index) | {"timestamp": START + 0.5}


def repeated(index: int) -> Body:
    return good(index - index % 2)


def bad_time(index: int) -> Body:
    return good(index) | {"timestamp": "yesterday"}


def without_series(index: int) -> Body:
    return {key: value for key, value in good(index).items() if key != "series"}


def without_time(index: int) -> Body:
    return {key: value for key, value in good(index).items() if key != "timestamp"}


@pytest.mark.parametrize(
    ("what", "spoilt", "setting"),
    [
        ("late_or_repeated", late, "events.series"),
        ("late_or_repeated", repeated, "events.series"),
        ("bad_timestamp", bad_time, "events.timestamp"),
        ("series_path", without_series, "events.series"),
        ("timestamp_path", without_time, "events.timestamp"),
    ],
)
def test_a_loss_is_told_once_with_its_setting_and_again_only_after_it_was_well(
    what: str, spoilt: Callable[[int], Body], setting: str
) -> None:
    watched, place = Watched(), count()

    def take(kind: Callable[[int], Body], number: int) -> list[str]:
        start = next(place) * 1000
        told = watched.take(records([kind(start + n) for n in range(number)], start, key=b"s"))
        return [line for line in told if "the first dead letter" not in line]

    assert take(good, 10) == []
    (told,) = take(spoilt, 300)
    assert setting in told
    assert "offset" in told
    assert CHECK in told
    assert watched.told == {what: told}
    assert take(spoilt, 300) == []
    assert take(good, 50) == []
    assert take(good, 250) == []
    assert watched.told == {}
    assert len(take(spoilt, 300)) == 1


@pytest.mark.parametrize(("role", "body"), [("series", without_series), ("timestamp", without_time)])
def test_a_record_that_stands_in_for_a_field_that_nobody_named_is_told_once_and_is_no_loss(
    role: str, body: Callable[[int], Body]
) -> None:
    watched = Watched()
    (told,) = watched.take(records([body(n) for n in range(300)], key=b"s"))
    assert f"events.{role} = '{role}'" in told
    assert watched.told == {}
    assert watched.take(records([body(n) for n in range(300, 600)], 300, key=b"s")) == []


@pytest.mark.parametrize(
    ("events", "found"),
    [
        (Events(values=("value", "hum"), absent="skip"), "hum of events.values"),
        (Events(series="{series}/{tags.cpu?}/{zone?}"), "tags.cpu?, zone? of events.series"),
        (Events(series="{series}/{zone?}", values=("value", "hum"), absent="skip"), "hum of events.values and zone?"),
    ],
)
def test_a_path_that_events_may_lack_and_none_has_is_told_once_and_when_it_is_there(events: Events, found: str) -> None:
    watched = Watched(events)
    (told,) = watched.take(records([good(n) for n in range(300)]))
    assert found in told
    assert CHECK in told
    assert list(watched.told) == ["paths"]
    there = {"hum": 1.0, "tags": {"cpu": "a"}, "zone": "b"}
    ((_, well),) = watched.lines(records([good(300) | there], 300))
    assert "leads to something" in well
    assert watched.told == {}


def test_a_path_that_some_events_have_is_no_loss() -> None:
    bodies = [good(n) | ({"hum": 1.0, "zone": "b"} if n == 90 else {}) for n in range(300)]
    events = Events(series="{series}/{zone?}", values=("value", "hum"), absent="skip")
    assert Watched(events).take(records(bodies)) == []
    spoilt = Watched(Events(values=("value", "hum"), absent="skip"))
    spoilt.take(records([good(n) | ({"hum": "x"} if n == 90 else {}) for n in range(300)]))
    assert "paths" not in spoilt.told


@pytest.mark.parametrize(("role", "body"), [("series", without_series), ("timestamp", without_time)])
def test_a_field_that_was_named_and_is_nowhere_is_a_loss(role: str, body: Callable[[int], Body]) -> None:
    watched = Watched(structs.replace(Events(), **{role: "mistyped"}))
    (told,) = watched.take(records([body(n) for n in range(300)], key=b"s"))
    assert watched.told == {f"{role}_path": told}


def with_a_wrong_clock(wrong: int, total: int = 300) -> list[Record]:
    """Three series in turn; the clock of one is 30 days ahead for a few observations."""
    bodies = [
        good(index) | {"series": name, "timestamp": START + index * 60 + (30 * 86400) * (name == "a" and is_wrong)}
        for index in range(total)
        for is_wrong in [100 <= index < 100 + wrong]
        for name in "abc"
    ]
    return [structs.replace(one, timestamp=(START + 10**7) * 1000) for one in records(bodies)]


@pytest.mark.parametrize("wrong", [2, 3, 60])
def test_a_clock_that_was_ahead_for_a_while_is_told_once_with_the_setting(wrong: int) -> None:
    watched = Watched()
    told = [line for line in watched.take(with_a_wrong_clock(wrong)) if "first dead letter" not in line]
    assert len(told) == 1
    assert "`a` at" in told[0]
    assert "events.restart_after" in told[0]
    assert "events.series" not in told[0]
    assert watched.told == {}, "the series started again with its hundredth late one"
    assert "clock_ahead" in told_of(with_a_wrong_clock(wrong, 100 + wrong + 50))


def test_one_wrong_stamp_and_a_straggler_after_an_outage_are_no_wrong_clock() -> None:
    assert "clock_ahead" not in told_of(with_a_wrong_clock(1))
    outage = [good(index) for index in (*range(100), *range(1000, 1100), 50, *range(1100, 1200))]
    assert "clock_ahead" not in told_of(records(outage))


def told_of(these: Sequence[Record]) -> set[str]:
    """What is told in the end."""
    watched = Watched()
    watched.take(these)
    return set(watched.told)


def test_repeated_ones_may_be_updates_and_late_ones_not() -> None:
    for kind, is_said in ((repeated, True), (late, False)):
        watched = Watched()
        watched.take(records([good(n) for n in range(10)]))
        (told,) = [
            line for line in watched.take(records([kind(n) for n in range(300)], 1000)) if "events.series" in line
        ]
        assert ("final results" in told) == is_said


@pytest.mark.parametrize(("share", "expected"), [(0.15, set()), (0.3, {"late_or_repeated"})])
def test_a_few_late_ones_are_told_once_as_they_come_and_not_as_a_loss(share: float, expected: set[str]) -> None:
    watched = Watched()
    is_late = np.arange(400) % 100 >= 100 * (1 - share)
    lines = watched.lines(records([late(n) if is_late[n] else good(n) for n in range(400)]))
    assert set(watched.told) == expected
    assert [level for level, line in lines if "the first late" in line] == [logging.INFO]


def test_bare_numbers_lack_no_field() -> None:
    watched = Watched()
    assert watched.take(records([math.sin(n) for n in range(2 * RUN)])) == []


def test_the_first_dead_letter_of_each_reason_is_told_with_its_detail() -> None:
    watched = Watched()
    spoilt = [bad_time(0), good(0) | {"value": "x"}, bad_time(1), good(1) | {"value": [1]}, good(2)]
    told = watched.take(records(spoilt))
    assert [line.split(";")[0] for line in told] == [
        'the first dead letter `bad_timestamp`: offset 0: found "yesterday", expected ISO 8601 text',
        'the first dead letter `bad_value`: offset 1: found "x", expected a number',
    ]


def test_the_fates_of_a_shard_say_which_series_begin_and_which_start_again() -> None:
    chosen = Settings(events=Events(max_gap=2, step=1.0), model=MODEL)
    names, times = ("a", "b", "a", "a", "a", "b"), (0, 0, 1, 9, 10, 1)
    bodies = [{"series": name, "timestamp": START + time, "value": 1} for name, time in zip(names, times, strict=True)]
    shard, log = Shard.fresh("events", 0, 0, chosen), records(bodies)
    folds = [shard.fold(part, "every").fates for part in (log[:2], log[2:])]
    fates = [fate for fold in folds for fate in fold.each]
    assert [fate.began for fate in fates] == [True, True, False, False, False, False]
    assert [fate.restarted for fate in fates] == [False, False, False, False, True, False]
    assert [fate.came_to for fate in fates if fate.came_to != FORECAST] == ["timestamp_jump"]
    assert [fold.series for fold in folds] == [0, 2]


def told(fates: Iterator[Fate], number: int, series: int = 0) -> list[str]:
    watch = Watch(Events(series="id"))
    watch.note(Fates(tuple(islice(fates, number)), (), series))
    return [loss.message for loss in watch.told()]


def test_a_name_that_is_an_id_is_told() -> None:
    each_begins = (Fate(n, FORECAST, began=True) for n in count())
    (message,) = told(each_begins, 10 * BLOCK)
    assert "10,000 series, and hardly one has a second event" in message
    assert "events.series = 'id' probably names an id" in message


def test_a_fleet_that_comes_back_is_no_loss() -> None:
    fleet = (Fate(n, FORECAST, began=n < 9000) for n in count())
    assert told(fleet, 20 * BLOCK) == []


def test_series_that_start_again_and_again_are_told() -> None:
    (message,) = told((Fate(n, FORECAST, restarted=n % 4 == 0, scored=True) for n in count()), BLOCK, 1)
    assert "250 of 1000 observations up to offset 999 made their series start again" in message
    assert "events.max_gap (168)" in message


def test_a_topic_in_which_nothing_that_is_forecast_ever_comes_is_told() -> None:
    unscored = Fate(1, FORECAST)
    assert told(repeat(unscored), 50 * 100, 50) == []
    (message,) = told(repeat(unscored), 50 * 100 + 1, 50)
    assert "5,001 observations of 50 series, and not one forecast could be scored" in message
    assert told(chain(repeat(unscored, 6000), [Fate(2, FORECAST, scored=True)]), 6001, 50) == []


def test_a_topic_of_which_nothing_passes_the_filter_is_told() -> None:
    skipped = Fate(7, SKIPPED, "where")
    (message,) = told(repeat(skipped), RUN)
    assert "all of the first 100 records were skipped; offset 7: where: correct events.where = []" in message
    assert told(chain([Fate(1, FORECAST)], repeat(skipped)), 5 * RUN) == []
    assert told(chain(repeat(skipped, RUN), [Fate(1, FORECAST)]), RUN + 1) == []


def test_a_covariate_that_no_event_has_is_told() -> None:
    watched = Watched(Events(covariates=("wind", "price")))
    (told,) = watched.take(records([good(n) | {"wind": 1.0} for n in range(RUN)]))
    assert "price" in told
    assert "wind" not in told
    watched.take(records([good(n) | {"wind": 1.0, "price": 2} for n in range(RUN, 2 * RUN)], RUN))
    assert watched.told == {}


def test_a_covariate_that_is_there_now_and_then_is_told_once() -> None:
    watched = Watched(Events(covariates=("wind",)))
    bodies = [good(n) | ({"wind": 1.0} if n % 150 == 0 else {}) for n in range(10 * RUN)]
    assert len(watched.take(records(bodies))) == 1
    assert list(watched.told) == ["covariates"]


def test_a_loss_that_comes_and_goes_does_not_fill_the_log() -> None:
    """At ten thousand events a second a warning in each thousand would be ten a second."""
    fates = (Fate(n, LATE if n % 1000 < 60 else FORECAST, scored=True) for n in count())
    watch = Watch(Events())
    lines = [line for level, line in watch.note(Fates(tuple(islice(fates, 100_000)))) if level == logging.WARNING]
    assert 3 <= len(lines) <= 10


def spoilt_log(seed: int) -> list[Record]:
    """Phases of good and spoilt events, in an order of chance."""
    generator = np.random.default_rng(seed)
    kinds = (good, late, repeated, bad_time, without_series, without_time)
    phases = islice(iter(lambda: kinds[generator.integers(len(kinds))], None), 4)
    bodies: Iterator[Body] = (kind(n * 130 + i) for n, kind in enumerate(phases) for i in range(130))
    return records(list(bodies))


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**16), cuts=st.lists(st.integers(0, 520), max_size=6))
def test_what_is_told_is_the_same_however_the_log_is_split(seed: int, cuts: list[int]) -> None:
    log = spoilt_log(seed)
    whole, parts = Watched(), Watched()
    edges = [0, *sorted(cuts), len(log)]
    told = [line for a, b in pairwise(edges) for line in parts.lines(log[a:b])]
    assert told == whole.lines(log)
    assert parts.told == whole.told


def test_each_partition_is_told_by_its_name(caplog: pytest.LogCaptureFixture) -> None:
    losses, shard = Losses(Events()), Shard.fresh("events", 0, 0, Settings(model=MODEL))
    losses.note(PARTITION, shard.fold(records([bad_time(n) for n in range(WINDOW)]), "every").fates)
    assert [record.message.split(":")[0] for record in caplog.records] == ["events/0"] * 2
    assert [loss.what for loss in losses.told(PARTITION)] == ["bad_timestamp"]
    assert losses.told(TopicPartition("events", 1)) == ()


def test_what_is_lost_shows_in_the_status_and_as_a_metric() -> None:
    computer = Computer(Settings(delivery=Delivery(commit_interval=0.0)), records=0)
    computer.broker.write(0, *[b"bad"] * WINDOW)
    process = FakeProcess(computer.broker)
    worker = computer.worker(process)
    assert worker.run(drain=True) == 0
    assert computer.counted("losing", topic="events", partition="0", what="not_json") == 1
    (partition,) = (one for one in worker.status().partitions if one.partition == 0)
    assert list(partition.losses) == ["not_json"]


def test_every_reason_of_a_dead_letter_may_be_told() -> None:
    for reason in REASONS:
        assert reason not in {"late_or_repeated", "skipped", "covariates", "restarts", "forecast", "late", "repeated"}


def test_every_reason_of_a_dead_letter_has_a_remedy() -> None:
    assert set(REMEDIES) == set(REASONS)
