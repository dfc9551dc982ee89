"""Laws of what a fold measures: it is told once, of what goes out, and the forecasts know nothing of it."""

import json

import numpy as np
import pytest

from pipeline.measures import Measures, begin, count, joined
from pipeline.messages import Record
from pipeline.metrics import Metrics
from pipeline.settings import Events, Model, Settings
from pipeline.shard import Shard

SETTINGS = Settings(
    events=Events(timestamp_format="s"),
    model=Model(horizon=2, hidden_size=4, window=4, windows=2, replay=16, memory=64),
)
BEGIN = 1_700_000_000


def log(steps: int) -> list[Record]:
    """A calm series and one that doubles at its end, a bad record after each pair."""
    records: list[Record] = []
    for step in range(steps):
        jump = 50.0 if step == steps - 1 else 0.0
        calm = (step * 7919) % 13 / 13
        for name, value in (("calm", calm), ("restless", calm + jump)):
            event = {"series": name, "timestamp": BEGIN + 60 * step, "value": value}
            records.append(
                Record("events", 0, len(records), 1000 * (BEGIN + 60 * step + 5), b"k", json.dumps(event).encode())
            )
        records.append(Record("events", 0, len(records), -1, b"k", b"bad"))
    return records


def fresh() -> Shard:
    return Shard.fresh("events", 0, 0, SETTINGS)


def test_it_is_measured_what_goes_out() -> None:
    every, latest = fresh().fold(log(100), "every").measures, fresh().fold(log(100), "latest").measures
    assert len(every.origins) == 200
    assert len(every.records) == 200  # the bad ones have no time
    assert len(latest.origins) == 2
    assert every.scores.scored[0] == 2 * (100 - 65)
    assert every.surprises.max() <= 1


def test_a_silent_fold_measures_nothing_but_its_forecasts_are_held_against_what_comes() -> None:
    shard, records = fresh(), log(100)
    half = 3 * 80
    silent = shard.fold(records[:half], "none").measures
    assert (len(silent.origins), len(silent.records), len(silent.surprises)) == (0, 0, 0)
    assert not silent.scores.scored.any()
    assert shard.fold(records[half:], "every").measures.scores.scored[0] == 2 * 20


def test_measures_of_parts_are_those_of_the_whole() -> None:
    whole, parted, records = fresh(), fresh(), log(100)
    parts = joined(parted.fold(records[begin : begin + 7], "every").measures for begin in range(0, len(records), 7))
    for mine, theirs in zip(parts, whole.fold(records, "every").measures, strict=True):
        assert np.asarray(mine) == pytest.approx(np.asarray(theirs))


def test_they_get_into_the_metrics() -> None:
    metrics, measures = Metrics(), fresh().fold(log(100), "every").measures
    begin(metrics, 2)
    now = BEGIN + 60 * 99 + 5.5
    count(metrics, measures, 2, now)
    told = metrics.render()[0].decode()
    scored = measures.scores.scored.astype(int)
    assert f'lstm_stream_scored_total{{horizon="1"}} {scored[0]}.0' in told
    assert f'lstm_stream_scored_total{{horizon="2-8"}} {scored[1]}.0' in told
    assert 'horizon="9-24"' not in told  # nothing is forecast so far ahead
    assert 'lstm_stream_record_to_commit_seconds_bucket{le="1.0"} 2.0' in told
    assert 'lstm_stream_event_to_commit_seconds_bucket{le="5.0"} 0.0' in told
    assert 'lstm_stream_event_to_commit_seconds_bucket{le="10.0"} 2.0' in told
    assert f"lstm_stream_surprise_count {len(measures.surprises)}.0" in told


def test_a_time_ahead_of_the_clock_counts_as_now() -> None:
    metrics, nothing = Metrics(), Measures.nothing()
    count(metrics, nothing._replace(origins=np.array([5_000_000]), records=np.array([5_000])), 2, 1.0)
    told = metrics.render()[0].decode()
    for name in ("event", "record"):
        assert f'lstm_stream_{name}_to_commit_seconds_bucket{{le="0.05"}} 1.0' in told


def test_series_are_ranked_by_surprise_and_by_error() -> None:
    shard = fresh()
    assert shard.ranking("surprise", 5) == []
    shard.fold(log(30), "every")
    assert shard.ranking("error", 5) == []  # warming
    shard = fresh()
    shard.fold(log(100), "every")
    (most, first), (least, second) = shard.ranking("surprise", 5)
    assert (first, second) == ("restless", "calm")
    assert most > 0.99 > least
    assert {name for _, name in shard.ranking("error", 5)} == {"calm", "restless"}
    assert len(shard.ranking("error", 1)) == 1
    status = shard.series_status("restless")
    assert status is not None
    assert status.surprise == pytest.approx(most)
    assert shard.status().state_bytes > 10_000
