"""`tail` shows each forecast beside what came, and what the forecast before it said of that."""

import json
import math
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path

import pytest
from msgspec import structs

from pipeline.cluster import ClusterError, TopicPartition
from pipeline.commands.tail import HEAD, row
from pipeline.embedded import EmbeddedBroker
from pipeline.forecast_line import Line
from pipeline.messages import Record, decode_forecast
from pipeline.settings import Events, Model, Settings
from pipeline.shard import Shard
from pipeline.tail import Tail
from tests.members import Member, settings_for, write
from tests.servers import wait_until

SETTINGS = Settings(model=Model(horizon=3, hidden_size=4, window=4, windows=2, replay=16, memory=64))
HOUR = 3600


class Memory:
    """A reader of what lies in a list; what lies before `live` is of before."""

    def __init__(self, records: Sequence[Record], live: int = 0) -> None:
        self._records, self._live, self._told = records, live, False

    def partitions(self, topic: str) -> Sequence[TopicPartition]:
        return sorted({TopicPartition(one.topic, one.partition) for one in self._records if one.topic == topic})

    def follow(self, partitions: Collection[TopicPartition], before: int) -> Mapping[TopicPartition, int]:
        assert before > 0
        return dict.fromkeys(partitions, self._live)

    def poll(self) -> list[Record]:
        first, self._told = not self._told, True
        return list(self._records) if first else []

    def fetch(self, wanted: Mapping[TopicPartition, Collection[int]], patience: float) -> list[Record]:
        assert patience > 0
        return [one for one in self._records if one.offset in wanted[TopicPartition(one.topic, one.partition)]]


def event(row: int, value: object) -> bytes:
    return json.dumps({"series": "pump", "timestamp": 1_700_000_000 + HOUR * row, "value": value}).encode()


def shown(values: Sequence[object], live: int, settings: Settings = SETTINGS, lost: int = 0) -> list[Line]:
    """What is told where these come, from the `live`-th on; the first `lost` records are gone."""
    inputs = [Record("events", 0, row, -1, None, event(row, value)) for row, value in enumerate(values)]
    forecasts = Shard.fresh("events", 0, 0, settings).fold(inputs, "every").forecasts
    published = [Record("forecasts", 0, n, -1, one.key, one.value) for n, one in enumerate(forecasts)]
    tail = Tail(settings, (), Memory(published, live), Memory(inputs[lost:]))
    return [line for line in islice(tail.lines(), len(values) - live + 1) if line is not None]


def test_a_line_tells_the_value_and_what_the_forecast_before_said_of_it() -> None:
    values = [math.sin(row / 3) for row in range(40)]
    lines = shown(values, 20)
    assert [line.value for line in lines] == pytest.approx(values[20:])
    assert [line.forecast for line in lines[1:]] == [line.next for line in lines[:-1]]
    assert lines[0].forecast is not None  # by one from before
    known = [(line.lower or 0.0, line.value or 0.0, line.upper or 0.0) for line in lines]
    assert [line.inside for line in lines] == [lower <= value <= upper for lower, value, upper in known]


def test_a_value_that_is_missing_or_gone_is_told_as_none() -> None:
    values: list[object] = [float(row % 5) for row in range(20)]
    values[15] = None
    lines = shown(values, 12, lost=14)
    assert [line.value for line in lines] == [None, None, 4.0, None, 1.0, 2.0, 3.0, 4.0]
    assert [line.inside for line in lines[:2]] == [None, None]
    assert [line.forecast is None for line in lines] == [False] * 8


def test_after_a_gap_the_step_that_was_told_of_that_time_is_taken() -> None:
    shard = Shard.fresh("events", 0, 0, SETTINGS)
    rows = [*range(20), 22]
    inputs = [Record("events", 0, n, -1, None, event(row, row % 5)) for n, row in enumerate(rows)]
    published = [
        Record("forecasts", 0, n, -1, one.key, one.value) for n, one in enumerate(shard.fold(inputs, "every").forecasts)
    ]
    line = next(iter(Tail(SETTINGS, ["pump"], Memory(published, 20), Memory(inputs)).lines()))
    before = decode_forecast(published[19].value or b"")
    assert line is not None
    assert line.forecast == before.mean[2]


def test_a_line_for_people_stands_below_its_head_and_marks_what_lies_outside() -> None:
    line = Line("pump", "2026-01-31T12:00:00Z", 12.5, 10.0, 9.0, 11.0, False, 0.998, "ok", 10.25, 9.5, 11.5, "id")
    shown = row(line)
    assert len(shown) == len(HEAD)
    assert shown.split() == ["2026-01-31T12:00:00Z", "pump", "12.5", "10", "[9,", "11]", "!", "0.998", "10.25"]
    unknown = structs.replace(line, value=None, forecast=None, lower=None, upper=None, inside=None, surprise=None)
    assert row(unknown).split() == ["2026-01-31T12:00:00Z", "pump", "-", "-", "ok", "10.25"]


def test_other_series_and_strange_records_are_left_out() -> None:
    strange = Record("forecasts", 0, 0, -1, b"k", b"not a forecast")
    assert next(iter(Tail(SETTINGS, ["valve"], Memory([strange]), Memory([])).lines())) is None


def test_a_topic_that_is_missing_is_named() -> None:
    with pytest.raises(ClusterError, match="topic `forecasts` is missing"):
        next(iter(Tail(Settings(events=Events()), (), Memory([]), Memory([])).lines()))


def test_a_running_daemon_is_followed_live(tansu: EmbeddedBroker, tmp_path: Path) -> None:
    settings = settings_for(tansu, "tailed", tmp_path)
    write(settings, range(8))
    with Member(settings, tmp_path, "daemon") as daemon:
        wait_until(lambda: len(daemon.partitions()) == 4, "it to be ready", 180)
        command = [sys.executable, "-m", "pipeline", "tail", "-c", str(tmp_path / "daemon.toml"), "--json"]
        tail = subprocess.Popen([*command, "--series", "series-3", "--count", "3"], stdout=subprocess.PIPE, text=True)
        rows = iter(range(8, 1000))
        while tail.poll() is None:
            write(settings, range(row := next(rows), row + 1))
        assert tail.stdout is not None
        lines = [json.loads(line) for line in tail.stdout]
        assert daemon.end() == 0
    assert [line["series"] for line in lines] == ["series-3"] * 3
    assert all(line["value"] is not None and line["forecast"] is not None for line in lines)
