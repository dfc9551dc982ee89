"""The scores, against a slow and clear version of their definitions."""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.evaluation.actuals import Floats, Rows, ScoringError, actuals, season_of
from pipeline.evaluation.scoring import Score, Scorer

SEASON = 3
LEVEL = 0.8


class Case(NamedTuple):
    """Series, and for each of their rows a forecast: mean (R, H) and quantiles (R, H, 2) a series."""

    values: list[Floats]
    means: list[Floats]
    quantiles: list[Floats]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Series of which some begin late, end early, do not vary at first or have no value at all."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    lengths = draw(st.lists(st.integers(8, 40), min_size=1, max_size=3))
    values = [np.where(random.random(rows) < 0.1, np.nan, random.normal(size=rows)) for rows in lengths]
    for own in values:
        odd = draw(st.sampled_from(["", "", "", "late", "early", "constant", "none"]))
        half = len(own) // 2
        own[: half if odd == "late" else 0] = np.nan
        own[half if odd == "early" else len(own) :] = np.nan
        own[: half if odd == "constant" else 0] = 0.3
        own[0 if odd == "none" else len(own) :] = np.nan
    means = [random.normal(size=(rows, 5)) for rows in lengths]
    halves = [random.random(size=(rows, 5)) for rows in lengths]
    fans = [np.stack([mean - half, mean + half], -1) for mean, half in zip(means, halves, strict=True)]
    return Case(values, means, fans)


def slow_scores(case: Case, rows: Rows, horizon: int) -> Score:
    """One series after the other, one origin after the other, one step after the other."""
    units = [slow_unit(values, rows) for values in case.values]
    own_numbers = not any(units)
    units = [1.0 if unit is not None and own_numbers else unit for unit in units]
    each = [
        slow_scores_of(*one, rows, horizon, unit)
        for unit, one in zip(units, zip(*case, strict=True), strict=True)
        if unit
    ]
    columns = ([one for one in column if not math.isnan(one)] for column in zip(*each, strict=True))
    means = [sum(column) / len(column) if column else None for column in columns]
    return Score(*means) if means else Score(None, None, None)


def slow_split(y: Floats, rows: Rows) -> tuple[int, int, int] | None:
    """What is scored, if anything can be."""
    known = [row for row, value in enumerate(y) if not math.isnan(value)]
    try:
        scale, first, end = rows.of("it", len(y), known[0])
    except (ScoringError, IndexError):
        return None
    return (scale, first, end) if any(first <= row < end for row in known) else None


def slow_unit(y: Floats, rows: Rows) -> float | None:
    """0: it does not vary; None: it cannot be scored."""
    split = slow_split(y, rows)
    return None if split is None else float(np.std([one for one in y[: split[0]] if not math.isnan(one)]))


def slow_scores_of(y: Floats, means: Floats, quantiles: Floats, rows: Rows, horizon: int, unit: float) -> list[float]:
    _, first, end = slow_split(y, rows) or (0, 0, 0)
    losses: list[list[float]] = []
    for origin in range(first - 1, end - horizon):
        for step in range(1, horizon + 1):
            target, mean = y[origin + step], means[origin, step - 1]
            lower, upper = quantiles[origin, step - 1]
            if math.isnan(target):
                continue
            miss = max(lower - target, 0) + max(target - upper, 0)
            error, width = abs(mean - target) / unit, (upper - lower) / unit
            interval_score = width + 2 / (1 - LEVEL) * miss / unit
            losses.append([error**2, error, float(lower <= target <= upper), width, interval_score])
    if not losses:
        return [math.nan] * 6
    mse, mae, coverage, width, interval_score = np.mean(losses, axis=0).tolist()
    seasonal = [abs(y[t] - y[t - SEASON]) / unit for t in range(SEASON, first)]
    seasonal = [one for one in seasonal if not math.isnan(one)]
    mase = mae / (sum(seasonal) / len(seasonal)) if sum(seasonal) > 1e-12 else math.nan
    return [mse, mae, mase, coverage, width, interval_score]


def fast_scores(case: Case, rows: Rows, chunk: int) -> dict[int, Score]:
    names = [str(index) for index in range(len(case.values))]
    try:
        scorer = Scorer(actuals(names, case.values, rows, SEASON), [1, 2, 5], LEVEL)
    except ScoringError:
        assert not any(slow_split(values, rows) for values in case.values)
        return {}
    series = np.concatenate([np.full(len(own), index) for index, own in enumerate(case.values)])
    row = np.concatenate([np.arange(len(own)) for own in case.values])
    means, quantiles = np.concatenate(case.means), np.concatenate(case.quantiles)
    order = np.argsort(row, kind="stable")  # interleaved, as in a log
    for begin in range(0, len(order), chunk):
        part = order[begin : begin + chunk]
        scorer.add(series[part], row[part], means[part], quantiles[part])
    return scorer.scores()


splits = st.sampled_from([Rows(), Rows(2, 4, 7), Rows(scale=3, score_from=5), Rows(score_to=30)])


@given(cases(), splits, st.integers(1, 50))
def test_the_scores_are_those_of_the_slow_clear_version(case: Case, rows: Rows, chunk: int) -> None:
    scores = fast_scores(case, rows, chunk)
    for horizon, score in scores.items():
        slow = slow_scores(case, rows, horizon)
        for name in Score.__struct_fields__:
            assert getattr(score, name) == pytest.approx(getattr(slow, name)), (horizon, name)


@given(cases())
def test_a_forecast_of_what_comes_has_no_error(case: Case) -> None:
    perfect = [sees(own) for own in case.values]
    fans = [np.stack([mean, mean], -1) for mean in perfect]
    for score in fast_scores(case._replace(means=perfect, quantiles=fans), Rows(), 7).values():
        if score.mse is not None:
            assert (score.mse, score.mae, score.coverage, score.interval_score) == (0, 0, 1, 0)


def sees(values: Floats) -> Floats:
    """For each row what its next five rows hold, (R, 5)."""
    future = np.concatenate([values, np.zeros(5)])
    return np.stack([future[row + 1 : row + 6] for row in range(len(values))])


@given(cases(), st.floats(0.01, 100), st.floats(-100, 100))
def test_the_scores_do_not_depend_on_the_unit_of_a_series(case: Case, factor: float, offset: float) -> None:
    def moved(arrays: list[Floats]) -> list[Floats]:
        return [array * factor + offset for array in arrays]

    rows = Rows(scale=5, score_from=6)
    case = case._replace(values=[np.nan_to_num(own, nan=0.5) for own in case.values])
    assume(any(np.ptp(own[:5]) for own in case.values))
    other = Case(moved(case.values), moved(case.means), moved(case.quantiles))
    for one, two in zip(fast_scores(case, rows, 9).values(), fast_scores(other, rows, 9).values(), strict=True):
        assert (one.mse or 0) == pytest.approx(two.mse or 0, rel=1e-6)
        assert (one.interval_score or 0) == pytest.approx(two.interval_score or 0, rel=1e-6)


def test_what_lies_behind_the_scored_rows_changes_no_score() -> None:
    random = np.random.default_rng(0)
    values, mean = random.normal(size=40), random.normal(size=(40, 5))
    case = Case([values], [mean], [np.stack([mean, mean + 1], -1)])
    after = Case([np.append(values[:30], values[30:] + 99)], case.means, case.quantiles)
    assert fast_scores(case, Rows(score_to=30), 8) == fast_scores(after, Rows(score_to=30), 8)


def test_by_default_a_fifth_gives_the_unit_and_three_quarters_are_scored() -> None:
    assert Rows().of("it", 1268) == (253, 317, 1268)
    assert Rows(2880, 3600, 14400).of("it", 17420) == (2880, 3600, 14400)


@pytest.mark.parametrize("rows", [Rows(), Rows(scale=9), Rows(score_from=9), Rows(0, 1, 3), Rows(2, 3, 3)])
def test_a_series_too_short_to_be_scored_is_named(rows: Rows) -> None:
    with pytest.raises(ScoringError, match="`it` has 4 rows"):
        rows.of("it", 4)


def test_the_error_by_step_is_over_all_series_and_origins() -> None:
    values, mean = np.arange(12.0), np.zeros((12, 2))
    scorer = Scorer(actuals(["it"], [values], Rows(2, 8), 1), [1, 2])
    scorer.add(np.zeros(12, np.int64), np.arange(12), mean, np.zeros((12, 2, 0)))
    unit = np.std([0.0, 1.0])
    assert scorer.mae_by_step().tolist() == [np.mean([8, 9, 10, 11]) / unit, np.mean([9, 10, 11]) / unit]


def test_a_constant_series_is_measured_in_its_own_numbers() -> None:
    scorer = Scorer(actuals(["it"], [np.full(12, 5.0)], Rows(), 1), [1])
    scorer.add(np.zeros(12, np.int64), np.arange(12), np.full((12, 1), 7.0), np.zeros((12, 1, 0)))
    assert scorer.scores()[1] == Score(mse=4.0, mae=2.0, mase=None)


@pytest.mark.parametrize(
    ("step", "season"),
    [
        *[(1, 3600), (60, 60), (300, 288), (900, 96), (1800, 48), (3600, 24)],
        *[(86400, 7), (7 * 86400, 52), (30.4 * 86400, 12), (91.3 * 86400, 4), (365 * 86400, 1), (0, 1)],
    ],
)
def test_the_season_follows_from_the_step(step: float, season: int) -> None:
    assert season_of(step) == season


def test_a_longer_step_never_has_more_steps_to_its_season_within_one_kind_of_season() -> None:
    seasons = [season_of(minutes * 60.0) for minutes in range(2, 721)]
    assert all(after <= before for before, after in pairwise(seasons))


def scored(columns: list[Floats], rows: Rows | None = None) -> Scorer:
    """Forecasts of zeros for these series."""
    names = "abcdefgh"[: len(columns)]
    scorer = Scorer(actuals(names, columns, rows or Rows(), 1), [1])
    for index, own in enumerate(columns):
        count = len(own)
        scorer.add(np.full(count, index), np.arange(count), np.zeros((count, 1)), np.zeros((count, 1, 0)))
    return scorer


def waves(rows: int, size: float, level: float = 0.0) -> Floats:
    return np.asarray(level + size * np.sin(np.arange(rows)))


def test_a_column_that_begins_late_has_its_unit_from_its_first_known_values() -> None:
    late = waves(400, 500.0)
    late[:200] = np.nan
    came = actuals("ab", [waves(400, 1.0), late], Rows(), 1)
    assert came.unit[1] == pytest.approx(np.std(late[200:240]))
    assert (came.score_from[1], came.left_out) == (250, {})
    assert (scored([waves(400, 1.0), late]).scores()[1].mse or 99) < 2


@pytest.mark.parametrize(
    ("column", "why"),
    [
        (np.full(400, 7.0), "does not vary in the rows that give its unit"),
        (np.concatenate([np.full(100, 0.1), waves(300, 1e6)]), "does not vary in the rows that give its unit"),
        (np.full(400, np.nan), "series `b` has no value"),
        (
            np.concatenate([np.full(398, np.nan), [1.0, 2.0]]),
            "series `b` has 400 rows, the first known value in row 398",
        ),
        (np.concatenate([waves(60, 1e6), np.full(340, np.nan)]), "series `b` has no value in rows 100:400"),
        (np.array([5.0, 6.0]), "series `b` has 2 rows"),
    ],
)
def test_a_series_without_a_unit_or_scored_rows_is_in_no_mean_and_is_named(column: Floats, why: str) -> None:
    one = waves(400, 1.0)
    came = actuals("ab", [one, column], Rows(), 1)
    assert list(came.left_out) == [1]
    assert why in came.left_out[1]
    assert scored([one, column]).scores() == scored([one]).scores()


def test_series_of_which_none_varies_are_measured_in_their_own_numbers() -> None:
    assert actuals("ab", [np.full(40, 5.0), np.full(40, 7.0)], Rows(), 1).own_numbers
    assert scored([np.full(40, 5.0)]).scores()[1].mse == 25


def test_rows_that_no_series_has_are_refused() -> None:
    with pytest.raises(ScoringError, match="`a` has 40 rows"):
        actuals("ab", [waves(40, 1), waves(40, 2)], Rows(score_from=50), 1)


def test_a_series_that_makes_most_of_a_mean_is_known() -> None:
    wild = np.concatenate([waves(100, 1.0), waves(300, 1e6)])
    assert scored([waves(400, 1.0), waves(400, 3.0), wild, waves(400, 0.1)]).dominant() == 2
    assert scored([waves(400, 1.0), waves(400, 3.0), waves(400, 0.1)]).dominant() is None


def test_a_series_without_a_seasonal_difference_is_left_out_of_mase_alone_and_is_known() -> None:
    steps = np.repeat([0.0, 1.0], 200)
    steps[:80:2] = 1.0
    alternating = actuals("ab", [waves(400, 1.0), steps], Rows(scale=80, score_from=80, score_to=400), 2)
    scorer = Scorer(alternating, [1])
    for index in range(2):
        scorer.add(np.full(400, index), np.arange(400), np.zeros((400, 1)), np.zeros((400, 1, 0)))
    assert scorer.without_mase() == [1]
    assert scorer.scores()[1].mase is not None
