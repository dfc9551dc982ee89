"""The evaluation shows each row once, in order, and scores what was foreseen."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from lstm_stream import Expert, ExpertForecasts, Forecasts
from pipeline.evaluation.actuals import Floats, Integers, Rows, ScoringError, actuals
from pipeline.evaluation.evaluate import BATCH, PARTS, Evaluation, Model, evaluate, model_for
from pipeline.evaluation.log import Log, read_log
from pipeline.evaluation.plot import PlotError, plot
from pipeline.evaluation.scoreboard import number, remarks
from pipeline.evaluation.scoring import Scorer
from pipeline.files.file_options import Fields
from pipeline.files.tables import survey
from pipeline.messages import iso8601
from pipeline.settings import Settings, load

QUANTILES = (0.05, 0.5, 0.95)


class Witness:
    """Foresees zeros, and remembers what it was shown, a call after the other."""

    def __init__(self, horizon: int) -> None:
        self.horizon = horizon
        self.shown: list[tuple[str, int, float]] = []
        self.events: list[list[int]] = []
        self.covariates: list[list[float]] = []

    def observe(
        self,
        series: Sequence[str],
        times: Integers,
        values: Floats,
        *,
        events: Integers,
        covariates: Floats,
        by_expert: ExpertForecasts,  # noqa: ARG002
    ) -> Forecasts:
        self.shown += zip(series, times.tolist(), values.tolist(), strict=True)
        self.events.append(events.tolist())
        self.covariates += covariates.tolist()
        return Forecasts.zeros(len(series), self.horizon, len(QUANTILES))


class Panel(Witness):
    """Its experts say what comes to their minds, and some say nothing."""

    said: Floats = np.empty((0, len(Expert), 0))

    def observe(
        self,
        series: Sequence[str],
        times: Integers,
        values: Floats,
        *,
        events: Integers,
        covariates: Floats,
        by_expert: ExpertForecasts,
    ) -> Forecasts:
        random = np.random.default_rng(len(self.shown))
        by_expert.mean[:] = random.normal(size=by_expert.mean.shape)
        by_expert.mean[random.random(by_expert.mean.shape) < 0.1] = np.nan
        by_expert.mean[:, Expert.LAST_VALUE] = values[:, np.newaxis]
        self.said = np.concatenate([self.said.reshape(-1, len(Expert), self.horizon), by_expert.mean])
        return super().observe(series, times, values, events=events, covariates=covariates, by_expert=by_expert)


def table(folder: Path, rows: dict[str, list[float]]) -> Log:
    """Hourly series as a long file, one after the other, read."""
    lines = (
        f"{name},{1_700_000_000 + 3600 * row},{value}" for name, own in rows.items() for row, value in enumerate(own)
    )
    file = folder / "table.csv"
    file.write_text("series,timestamp,value\n" + "\n".join(lines) + "\n")
    return read_log(survey(file))


def wide(folder: Path, columns: dict[str, list[float]], fields: Fields | None = None) -> Log:
    """Hourly series as a wide file, read."""
    rows = zip(*columns.values(), strict=True)
    lines = (",".join(map(str, (1_700_000_000 + 3600 * row, *values))) for row, values in enumerate(rows))
    file = folder / "wide.csv"
    file.write_text(",".join(["timestamp", *columns]) + "\n" + "\n".join(lines) + "\n")
    return read_log(survey(file, fields or Fields()))


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


def test_the_rows_of_a_wide_file_are_events_that_no_call_splits(tmp_path: Path) -> None:
    columns = {name: wave(BATCH) for name in "abc"}
    witness = Witness(2)
    evaluate(wide(tmp_path, columns), witness, horizon=2, quantiles=QUANTILES, rows=Rows())
    assert len(witness.events) > 2
    assert sum(witness.events, []) == [row for row in range(BATCH) for _ in columns]  # noqa: RUF017
    assert all(events.count(events[0]) == events.count(events[-1]) == 3 for events in witness.events)


def test_the_series_of_a_long_file_come_alone_also_at_one_time(tmp_path: Path) -> None:
    witness = Witness(2)
    log = table(tmp_path, {"a": wave(60), "b": wave(60)})
    evaluate(log, witness, horizon=2, quantiles=QUANTILES, rows=Rows())
    assert witness.events == [list(range(120))]


def test_covariates_of_a_row_are_shown_with_each_of_its_values(tmp_path: Path) -> None:
    columns = {"a": wave(40), "warm": [float(row) for row in range(40)], "b": wave(40)}
    witness = Witness(2)
    log = wide(tmp_path, columns, Fields(covariates=("warm",)))
    evaluate(log, witness, horizon=2, quantiles=QUANTILES, rows=Rows())
    assert {series for series, _, _ in witness.shown} == {"a", "b"}
    assert witness.covariates == [[row] for row in range(40) for _ in "ab"]


@pytest.mark.parametrize("horizon", [1, 3, 1000])
def test_what_is_held_at_once_is_bounded_for_any_horizon(tmp_path: Path, horizon: int) -> None:
    witness = Witness(horizon)
    log = table(tmp_path, {"a": wave(3000)})
    evaluate(log, witness, horizon=horizon, quantiles=QUANTILES, rows=Rows())
    assert max(len(events) for events in witness.events) * horizon <= 48 * BATCH


def test_series_inform_each_other_in_a_wide_file_and_not_in_a_long_one(tmp_path: Path) -> None:
    columns = {"a": wave(30), "b": wave(30)}
    settings = load(None, {}, ["model.horizon=2"])
    assert model_for(wide(tmp_path, columns), settings).rules.groups
    assert not model_for(table(tmp_path, columns), settings).rules.groups
    assert not model_for(wide(tmp_path, {"a": wave(30)}), settings).rules.groups


def test_a_model_foresees_better_what_another_series_of_its_rows_shows_first(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(size=600)
    columns = {"leader": noise[1:].round(4).tolist(), "follower": noise[:-1].round(4).tolist()}
    logs = wide(tmp_path, columns), table(tmp_path, columns)
    together, alone = (shard_evaluation(log).report.model.horizons[1].mse or 9 for log in logs)
    assert together < 0.8 * alone


def test_the_parts_have_the_scores_of_what_they_said(tmp_path: Path) -> None:
    """Against one origin after the other, one step after the other."""
    values = {"a": wave(60), "b": wave(60, 9)}
    panel, rows = Panel(3), Rows(12, 15, 55)
    report = evaluate(wide(tmp_path, values), panel, horizon=3, quantiles=QUANTILES, rows=rows).report
    for result, expert in ((report.lstm, Expert.LSTM), (report.readout, Expert.READOUT_ON_HIDDEN)):
        for horizon in (1, 3):
            errors = []
            for index, own in enumerate(values.values()):
                for origin in range(14, 55 - horizon):
                    said = panel.said[2 * origin + index, expert]
                    foreseen = [own[origin] if math.isnan(said[step]) else said[step] for step in range(horizon)]
                    errors += [
                        abs(foreseen[step] - own[origin + 1 + step]) / np.std(own[:12]) for step in range(horizon)
                    ]
            assert result.horizons[horizon].mae == pytest.approx(np.mean(errors))
            assert result.horizons[horizon].mse == pytest.approx(np.mean(np.square(errors)))
            assert result.horizons[horizon].coverage is None


def test_the_model_s_parts_are_those_that_its_mean_is_mixed_of(tmp_path: Path) -> None:
    log = wide(tmp_path, {"a": wave(300), "b": wave(300, 5)})
    report, scorers = shard_evaluation(log).report, {}
    settings = small_settings()
    bank, by_expert = model_for(log, settings), ExpertForecasts.zeros(600, len(Expert), 4)
    names = [log.names[index] for index in log.series]
    told = bank.observe(names, log.times, log.values, events=log.events, by_expert=by_expert)
    mixed = (by_expert.weights * np.nan_to_num(by_expert.mean)).sum(axis=1)
    assert mixed == pytest.approx(told.mean, abs=1e-4)
    came = actuals(log.names, [log.values[log.series == index] for index in range(2)], Rows(), 24)
    for name, expert in PARTS.items():
        scorers[name] = Scorer(came, [1, 4])
        scorers[name].add(log.series, log.rows, by_expert.mean[:, expert], np.empty((600, 4, 0)))
    assert report.lstm.horizons == scorers["lstm"].scores()
    assert report.readout.horizons == scorers["readout"].scores()


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


@pytest.mark.parametrize("horizon", [1, 30])
def test_peers_are_scored_where_they_are_asked_for_all_steps_and_for_one_everywhere(
    tmp_path: Path, horizon: int
) -> None:
    log = table(tmp_path, {"a": [9 + value for value in wave(400)], "b": [9 - value for value in wave(400)]})
    report = evaluate(log, Witness(horizon), horizon=horizon, quantiles=QUANTILES, rows=Rows(), peers=True).report
    assert set(report.peers) == {"snarimax", "holt_winters"}
    for peer in report.peers.values():
        assert list(peer.horizons) == list(report.model.horizons)
        assert all(math.isfinite(score.mse or math.nan) for score in peer.horizons.values())
        assert (peer.horizons[1].mae or 9) < (report.last_value.horizons[1].mae or 0)
        assert peer.fallbacks == 0
        assert (peer.events_per_second or 0) > 0


def test_no_peers_run_unless_asked_for(tmp_path: Path) -> None:
    log = table(tmp_path, {"a": wave(60)})
    assert evaluate(log, Witness(1), horizon=1, quantiles=QUANTILES, rows=Rows()).report.peers == {}


def small_settings() -> Settings:
    return load(None, {}, ["model.horizon=4", "model.hidden_size=8"])


def shard_evaluation(log: Log) -> Evaluation:
    settings = small_settings()
    model: Model = model_for(log, settings)
    return evaluate(log, model, horizon=4, quantiles=settings.model.quantiles, rows=Rows())


def test_the_model_learns_a_wave_and_beats_last_value(tmp_path: Path) -> None:
    report = shard_evaluation(table(tmp_path, {"a": wave(400), "b": wave(400, 9)})).report
    assert (report.model.horizons[4].mae or 9) < (report.last_value.horizons[4].mae or 0)
    assert (report.model.events_per_second or 0) > 0
    assert (report.series, report.rows) == (2, 400)


def test_the_scores_do_not_depend_on_what_comes_after_the_scored_rows(tmp_path: Path) -> None:
    one = table(tmp_path, {"a": wave(100)})
    other = table(tmp_path, {"a": wave(60) + [99.0] * 40})
    settings = small_settings()
    reports = [
        evaluate(log, model_for(log, settings), horizon=4, quantiles=QUANTILES, rows=Rows(20, 25, 60)).report
        for log in (one, other)
    ]
    assert reports[0].model.horizons == reports[1].model.horizons


@pytest.mark.parametrize("rows", [30, 100, 700])
def test_the_picture_is_a_png(tmp_path: Path, rows: int) -> None:
    evaluation = shard_evaluation(table(tmp_path, {"a": wave(rows), "b": wave(rows, 5)}))
    plot(evaluation, QUANTILES, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("quantiles", [(0.5,), (0.1, 0.9), (0.05, 0.25, 0.5, 0.75, 0.95)])
def test_whatever_quantiles_there_are_can_be_drawn(tmp_path: Path, quantiles: tuple[float, ...]) -> None:
    settings = load(None, {}, ["model.horizon=2", f"model.quantiles={list(quantiles)}"])
    log = table(tmp_path, {"a": [math.nan, *wave(60)]})
    evaluation = evaluate(log, model_for(log, settings), horizon=2, quantiles=quantiles, rows=Rows())
    plot(evaluation, quantiles, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").exists()


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


def test_a_season_that_was_named_must_fit_before_the_scored_rows(tmp_path: Path) -> None:
    log = wide(tmp_path, {"a": wave(100)})._replace(said_season=30)
    with pytest.raises(ScoringError, match="a season of 30 steps is longer than the 25 rows before the scored ones"):
        evaluate(log, Witness(1), horizon=1, quantiles=QUANTILES, rows=Rows())
    report = evaluate(log, Witness(1), horizon=1, quantiles=QUANTILES, rows=Rows(score_from=50)).report
    assert (report.season, report.season_beyond) == (30, False)


def test_a_season_that_the_step_suggests_and_the_rows_do_not_hold_is_told(tmp_path: Path) -> None:
    report = evaluate(
        wide(tmp_path, {"a": wave(60)}), Witness(1), horizon=1, quantiles=QUANTILES, rows=Rows(10, 20, 60)
    ).report
    assert report.season_beyond
    assert report.model.horizons[1].mase is None
    assert any("a season of 24 steps is longer" in line for line in remarks(report))


def test_a_column_that_begins_late_or_stands_still_does_not_spoil_the_means_and_is_named(tmp_path: Path) -> None:
    late = [math.nan] * 200 + [1000 * value for value in wave(200)]
    columns = {"a": wave(400), "late": late, "still": [5.0] * 200 + wave(200), "none": [math.nan] * 400}
    report = evaluate(wide(tmp_path, columns), Witness(1), horizon=1, quantiles=QUANTILES, rows=Rows()).report
    assert (report.model.horizons[1].mse or 99) < 2
    assert set(report.left_out) == {"still", "none"}
    told = list(remarks(report))
    assert "left out of the means: series `still` does not vary in the rows that give its unit" in told
    assert "left out of the means: series `none` has no value" in told
    assert report.dominant is None


def test_a_series_that_makes_most_of_the_mean_is_named(tmp_path: Path) -> None:
    columns = {name: wave(400, 5 * place) for place, name in enumerate("abc")}
    columns["wild"] = wave(100) + [1e4 * value for value in wave(300)]
    report = evaluate(wide(tmp_path, columns), Witness(1), horizon=1, quantiles=QUANTILES, rows=Rows()).report
    assert report.dominant == "wild"
    assert any("`wild`" in line for line in remarks(report))


def test_business_days_are_compared_with_a_week_of_five(tmp_path: Path) -> None:
    days = [1_700_000_000 // 86400 * 86400 + 86400 * day for day in range(140)]
    days = [day for day in days if (day // 86400 + 3) % 7 < 5]
    file = tmp_path / "shares.csv"
    file.write_text("date,a\n" + "".join(f"{iso8601(day * 1_000_000)},{row % 5}\n" for row, day in enumerate(days)))
    report = evaluate(read_log(survey(file)), Witness(5), horizon=5, quantiles=QUANTILES, rows=Rows()).report
    assert report.season == 5
    assert report.seasonal_naive.horizons[5].mae == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("value", [0.0, 9.9949e-05, 0.0099949, 0.012344, 0.999949, 9999.4, 12345.6, 1.2345e12])
def test_no_score_takes_more_than_eight_characters(value: float) -> None:
    """So that a line of them fits 80."""
    assert len(number(value)) <= 8
    assert float(number(value)) == pytest.approx(value, rel=5e-3)
