"""The evaluation shows each row once, in order, and scores what was foreseen."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluate import BATCH, Evaluation, Fan, Log, SeasonalNaive, evaluate, read_log
from pipeline.plot import PlotError, plot
from pipeline.scoring import Floats, Integers, Rows
from pipeline.settings import load
from pipeline.shard import Shard
from pipeline.tables import survey

HOUR = 3_600_000_000
QUANTILES = (0.05, 0.5, 0.95)


class Foreseen(NamedTuple):
    mean: Floats
    quantiles: Floats


class Witness:
    """Foresees zeros, and remembers what it was shown."""

    def __init__(self, horizon: int) -> None:
        self.horizon = horizon
        self.shown: list[tuple[str, int, float]] = []

    def observe(self, series: Sequence[str], times: Integers, values: Floats) -> Fan:
        self.shown += zip(series, times.tolist(), values.tolist(), strict=True)
        shape = (len(series), self.horizon)
        return Foreseen(np.zeros(shape), np.zeros((*shape, len(QUANTILES))))


def table(folder: Path, rows: dict[str, list[float]]) -> Log:
    """Hourly series as a long file, one after the other, read."""
    lines = (
        f"{name},{1_700_000_000 + 3600 * row},{value}" for name, own in rows.items() for row, value in enumerate(own)
    )
    file = folder / "table.csv"
    file.write_text("series,timestamp,value\n" + "\n".join(lines) + "\n")
    return read_log(survey(file))


def wave(rows: int, phase: float = 0.0) -> list[float]:
    return [math.sin(2 * math.pi * (row + phase) / 24) for row in range(rows)]


def test_each_row_up_to_the_last_scored_one_is_shown_once_in_the_order_of_time(tmp_path: Path) -> None:
    log = table(tmp_path, {"a": wave(BATCH), "b": wave(BATCH - 100)})
    witness = Witness(3)
    evaluate(log, witness, horizon=3, quantiles=QUANTILES, rows=Rows(score_to=BATCH - 50))
    times = [time for _, time, _ in witness.shown]
    assert times == sorted(times)
    for name, rows in (("a", BATCH - 50), ("b", BATCH - 100)):
        assert [value for series, _, value in witness.shown if series == name] == wave(rows)


def test_rows_of_one_series_and_time_stamp_are_still_one_step_after_another(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("timestamp,x\n" + "2024-05-01,1\n" * 3 + "2024-05-02,2\n")
    times = read_log(survey(file)).times
    assert np.all(np.diff(times) > 0)
    assert np.diff(times)[:2].tolist() == [1, 1]


def test_a_model_that_foresees_zeros_has_the_error_of_zeros(tmp_path: Path) -> None:
    values = [float(row % 5) for row in range(100)]
    report = evaluate(
        table(tmp_path, {"a": values}), Witness(1), horizon=1, quantiles=QUANTILES, rows=Rows(20, 30, 90)
    ).report
    assert report.model.horizons[1].mae == pytest.approx(np.mean(values[30:90]) / np.std(values[:20]))
    assert report.model.horizons[1].coverage == pytest.approx(values[30:90].count(0.0) / 60)
    assert report.last_value.horizons[1].coverage is None


def test_seasonal_naive_is_perfect_on_what_repeats_each_day(tmp_path: Path) -> None:
    report = evaluate(
        table(tmp_path, {"a": wave(200), "b": wave(200, 7)}), Witness(48), horizon=48, quantiles=QUANTILES, rows=Rows()
    ).report
    assert report.season == 24
    for horizon in (1, 24, 48):
        assert report.seasonal_naive.horizons[horizon].mae == pytest.approx(0, abs=1e-12)
        assert (report.last_value.horizons[horizon].mae or 0) > 0.1


@pytest.mark.parametrize(("horizon", "scored"), [(1, [1]), (12, [1, 12]), (24, [1, 24]), (48, [1, 24, 48])])
def test_each_usual_horizon_that_fits_is_scored(tmp_path: Path, horizon: int, scored: list[int]) -> None:
    log = table(tmp_path, {"a": wave(200)})
    report = evaluate(log, Witness(horizon), horizon=horizon, quantiles=QUANTILES, rows=Rows()).report
    assert list(report.model.horizons) == scored


@given(
    st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=40),
    st.integers(1, 5),
    st.integers(1, 7),
    st.integers(1, 40),
    st.integers(0, 2**32),
)
def test_seasonal_naive_foresees_what_came_a_season_before(
    series: list[str], season: int, horizon: int, chunk: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    values = np.where(random.random(len(series)) < 0.2, np.nan, random.normal(size=len(series)))
    naive = SeasonalNaive(horizon, season)
    chunks = [slice(begin, begin + chunk) for begin in range(0, len(series), chunk)]
    foreseen = np.concatenate(
        [naive.observe(series[c], np.zeros(len(series[c]), np.int64), values[c]).mean for c in chunks]
    )
    for index, name in enumerate(series):
        own = [values[place] for place in range(index + 1) if series[place] == name]
        assert foreseen[index].tolist() == [slow_naive(own, season, step) for step in range(1, horizon + 1)]


def slow_naive(own: list[float], season: int, step: int) -> float:
    """Go back whole seasons from the step ahead until that is known to have come."""
    place = len(own) - 1 + step
    while place >= len(own):
        place -= season
    if place >= 0 and not math.isnan(own[place]):
        return own[place]
    return next((value for value in reversed(own) if not math.isnan(value)), 0.0)


def shard_evaluation(log: Log) -> Evaluation:
    settings = load(None, {}, ["events.step=event", "model.horizon=4", "model.hidden_size=8"])
    model = Shard.fresh("evaluate", 0, 0, settings).bank
    return evaluate(log, model, horizon=4, quantiles=settings.model.quantiles, rows=Rows())


def test_the_shard_s_own_model_learns_a_wave_and_beats_last_value(tmp_path: Path) -> None:
    report = shard_evaluation(table(tmp_path, {"a": wave(400), "b": wave(400, 9)})).report
    assert (report.model.horizons[4].mae or 9) < (report.last_value.horizons[4].mae or 0)
    assert report.model.events_per_second > 0
    assert (report.series, report.rows) == (2, 400)


def test_the_scores_do_not_depend_on_what_comes_after_the_scored_rows(tmp_path: Path) -> None:
    one = table(tmp_path, {"a": wave(100)})
    other = table(tmp_path, {"a": wave(60) + [99.0] * 40})
    reports = [
        evaluate(log, SeasonalNaive(3, 2), horizon=3, quantiles=(0.5,), rows=Rows(20, 25, 60)).report
        for log in (one, other)
    ]
    assert reports[0].model.horizons == reports[1].model.horizons


def test_the_picture_is_a_png(tmp_path: Path) -> None:
    evaluation = shard_evaluation(table(tmp_path, {"a": wave(100), "b": wave(100, 5)}))
    plot(evaluation, QUANTILES, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert [drawing.name for drawing in evaluation.drawings] == ["a", "b"]
    assert [forecast.origin for forecast in evaluation.drawings[0].forecasts] == [79, 87, 95]


def test_a_picture_that_cannot_be_written_is_refused_with_the_reason(tmp_path: Path) -> None:
    evaluation = shard_evaluation(table(tmp_path, {"a": wave(60)}))
    with pytest.raises(PlotError, match="cannot write the picture"):
        plot(evaluation, QUANTILES, tmp_path / "nowhere" / "picture.png")
    with pytest.raises(PlotError, match="cannot write the picture"):
        plot(evaluation, QUANTILES, tmp_path / "picture.abc")


@pytest.mark.skipif("LSTM_STREAM_DATA" not in os.environ, reason="LSTM_STREAM_DATA names no folder of data sets")
@pytest.mark.parametrize(
    ("name", "rows", "mse"),
    [("ETTh1", Rows(2880, 3600, 14400), {1: 0.36323, 24: 2.796, 48: 2.9315}), ("nyc_taxi", Rows(), {1: 0.06567})],
)
def test_last_value_has_the_error_on_public_data_that_others_found(
    name: str, rows: Rows, mse: dict[int, float]
) -> None:
    log = read_log(survey(Path(os.environ["LSTM_STREAM_DATA"]) / f"{name}.csv.gz"))
    report = evaluate(log, Witness(48), horizon=48, quantiles=QUANTILES, rows=rows).report
    for horizon, expected in mse.items():
        assert report.last_value.horizons[horizon].mse == pytest.approx(expected, rel=1e-4)
