"""A topic's past is evaluated as the daemon takes it: what it leaves out, fills and begins anew is so here, too."""

import json
from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pipeline.evaluation.actuals import Rows
from pipeline.evaluation.evaluate import evaluate, model_for
from pipeline.evaluation.log import Past
from pipeline.evaluation.topic_log import TopicError, past_of
from pipeline.messages import Record, decode_forecast, iso8601
from pipeline.settings import Events, Model, Settings
from pipeline.shard import Shard

MINUTE = 60
START = 1_700_000_040
MODEL = Model(horizon=2, hidden_size=2, window=2, windows=1, replay=4, memory=16, effort=0.0)
Point = tuple[str, int, float | None]


def records(points: Sequence[Point], partition: int = 0) -> list[Record]:
    """Series, minute and value of each."""
    bodies = ({"series": name, "timestamp": START + MINUTE * at, "value": value} for name, at, value in points)
    return [
        Record("t", partition, offset, (START + 10**8) * 1000, None, json.dumps(body).encode())
        for offset, body in enumerate(bodies)
    ]


def chosen(**events: object) -> Settings:
    given_ones: dict[str, object] = {"max_gap": 10, "restart_after": 5} | events
    return Settings(events=msgspec.convert(given_ones, Events), model=MODEL)


def rows(past: Past) -> list[tuple[str, str, float]]:
    log = past.log
    return [
        (log.names[series], iso8601(time), value)
        for series, time, value in zip(log.series.tolist(), log.times.tolist(), log.values.tolist(), strict=True)
    ]


def regular(name: str, count: int, start: int = 0) -> list[Point]:
    return [(name, start + n, float(n % 7)) for n in range(count)]


def told(past: Past, begin: str) -> str:
    return next(line for line in past.told if line.startswith(begin))


def test_a_gap_that_the_daemon_fills_has_a_row_for_each_missing_step() -> None:
    past = past_of(records([*regular("a", 20), *regular("a", 20, start=25)]), chosen(), "t")
    assert len(past.log.values) == 45
    assert np.flatnonzero(np.isnan(past.log.values)).tolist() == [20, 21, 22, 23, 24]
    assert np.unique(np.diff(past.log.times)).tolist() == [MINUTE * 1_000_000]
    assert told(past, "filled") == "filled, as the daemon does: 5 missing steps in 1 gap"


def test_past_max_gap_a_series_goes_on_as_one_of_its_own() -> None:
    past = past_of(records([*regular("a", 20), *regular("a", 20, start=500)]), chosen(), "t")
    assert Counter(name for name, _, _ in rows(past)) == {"a": 20, "a (2)": 19}
    assert "1 timestamp_jump" in told(past, "not used")
    assert "events.max_gap (10)" in told(past, "begun anew")


def test_what_is_late_repeated_or_a_jump_is_left_out_and_counted() -> None:
    points = [*regular("a", 20), ("a", 5, 1.0), ("a", 19, 1.0), ("a", 9999, 1.0), *regular("a", 20, start=20)]
    past = past_of(records(points), chosen(), "t")
    assert len(past.log.values) == 40
    assert "1 late and 1 repeated" in told(past, "not used: 1 late")
    assert "1 timestamp_jump" in told(past, "not used: 1 dead")


def test_a_number_that_may_mean_a_missing_value_is_told_and_can_be_said_to() -> None:
    points = [("a", minute, -9999.0 if minute % 9 == 4 else float(minute % 7)) for minute in range(40)]
    past = past_of(records(points), chosen(), "t")
    assert told(past, "taken as values").endswith('set events.missing = ["-9999"] if it means that there is none')
    past = past_of(records(points), chosen(missing=("-9999",)), "t")
    assert not any(line.startswith("taken as values") for line in past.told)
    assert int(np.isnan(past.log.values).sum()) == 4


def test_a_series_on_two_partitions_is_two() -> None:
    both = [*records(regular("a", 20)), *records(regular("a", 20, start=3), partition=1)]
    assert Counter(name for name, _, _ in rows(past_of(both, chosen(), "t"))) == {"a": 20, "a (partition 1)": 20}


def test_irregular_times_have_no_gaps_to_fill() -> None:
    at = np.cumsum(np.random.default_rng(0).integers(1, 9, 40)).tolist()
    past = past_of(records([("a", minute, 1.0 * n) for n, minute in enumerate(at)]), chosen(), "t")
    assert len(past.log.values) == 40


def test_nothing_that_could_be_evaluated_is_said_with_an_example() -> None:
    bad = [Record("t", 0, 0, START * 1000, b"k", b"no JSON")]
    with pytest.raises(TopicError, match="all 1 records are refused, such as partition 0, offset 0"):
        past_of(bad, chosen(), "t")
    with pytest.raises(TopicError, match="holds no observation"):
        past_of([], chosen(), "t")


def test_it_is_scored_over_gaps_and_restarts() -> None:
    points = [*regular("a", 90), *regular("a", 90, start=95), *regular("a", 90, start=900)]
    past = past_of(records(points), chosen(), "t")
    made = chosen()
    report = evaluate(
        past.log, model_for(past.log, made), horizon=2, quantiles=made.model.quantiles, rows=Rows()
    ).report
    assert report.series == 2
    assert all(score.mse is not None for score in report.model.horizons.values())


points_of_any_kind = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 60), st.sampled_from([1.0, 2.5, None])), max_size=80
)


@examples(deadline=None, max_examples=60)
@given(points_of_any_kind, st.integers(0, 40), st.sampled_from(["infer", "event", 60.0]))
def test_its_rows_are_those_that_the_daemon_forecasts_from(points: list[Point], before: int, step: str | float) -> None:
    these = records([*regular("a", before), *points])
    made = chosen(step=step)
    fold = Shard.fresh("t", 0, 0, made).fold(these, "every")
    forecasts = Counter(
        (one.series, one.origin) for one in (decode_forecast(each.value or b"") for each in fold.forecasts)
    )
    if not forecasts:
        with pytest.raises(TopicError):
            past_of(these, made, "t")
        return
    past = past_of(these, made, "t")
    known = Counter((name.split(" (")[0], time) for name, time, _ in rows(past))
    assert forecasts - known == Counter(), "every forecast has its row"
    filled = [value for (name, time, value) in rows(past) if (name.split(" (")[0], time) not in forecasts]
    assert all(np.isnan(value) for value in filled)
    if step == "event":
        assert known == forecasts
