"""The laws of the intervals: they cover what they say, whatever the errors do, and are narrow where that is known."""

from collections.abc import Callable
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_stream.anomaly import WARM, Errors, score_anomaly
from lstm_stream.arithmetic import Floats, bounded
from lstm_stream.columns import grown
from lstm_stream.compiled import entry
from lstm_stream.error_sizes import SMALL_SAMPLE, expected_size
from lstm_stream.interval_state import Intervals, Layout, Workspace
from lstm_stream.intervals import (
    LARGEST_ERROR,
    learn_errors,
    mean_error,
    measure_errors,
    open_intervals,
    write_quantiles,
)
from lstm_stream.move_scale import Moves, measure_moves, open_moves

HORIZON = 12
LEVELS = (0.05, 0.5, 0.95)
YOUNG = 500
Values = npt.NDArray[np.float64]


class Told(NamedTuple):
    """What was published of each step of some series."""

    quantiles: Values  # (T, S, H, L) of the values' own
    surprise: Floats  # (T, S)

    def covered(self, values: Values, ahead: int, since: int = YOUNG) -> Values:
        """Whether values (T, S) lay between the outer quantiles told so many steps ahead."""
        came, told = values[since + ahead :], self.quantiles[since:-ahead, :, ahead - 1]
        covered: Values = ((told[:, :, 0] <= came) & (came <= told[:, :, -1])).astype(np.float64)
        return covered

    def width(self, ahead: int) -> Values:
        """Between the outer quantiles told so many steps ahead, (T, S)."""
        return (self.quantiles[:, :, ahead - 1, -1] - self.quantiles[:, :, ahead - 1, 0]).astype(np.float64)


class Tracked(NamedTuple):
    """The state of some series, whose scale is 1."""

    moves: Moves
    intervals: Intervals
    errors: Errors


def fresh(series: int) -> Tracked:
    return Tracked(
        grown(Moves.empty(HORIZON), series), grown(Intervals.empty(HORIZON), series), grown(Errors.empty(), series)
    )


@entry
def follow(
    state: Tracked,
    layout: Layout,
    room: Workspace,
    first: int,
    values: Floats,
    disagreement: Floats,
    quantiles: Values,
    surprise: Floats,
) -> None:
    """Let series see values (T, S) from a step on, around which the forecast is no change, and write what is told."""
    moves, intervals, errors = state
    horizon = quantiles.shape[2]
    moved, unit, still = np.empty(horizon, np.float32), np.empty(horizon, np.float32), np.zeros(horizon, np.float32)
    for k in range(len(values)):
        t = first + k
        for i in range(values.shape[1]):
            value = values[k, i]
            measure_moves(moves, i, t, value, moved, unit)
            measure_errors(intervals, layout, i, t, moved, unit, room)
            surprise[k, i] = np.nan
            if room.there[0]:
                size, jump = expected_size(intervals, i, unit[0], room), bounded(moved[0], LARGEST_ERROR) * unit[0]
                surprise[k, i] = score_anomaly(errors, i, room.error[0], mean_error(room), jump, size, value)
            learn_errors(intervals, layout, i, t, unit, room)
            unsure = np.full(horizon, disagreement[k, i], np.float32)
            open_intervals(intervals, errors, layout, i, t, np.float32(1.0), still, unsure, room.quantiles)
            open_moves(moves, i, t, value, np.float32(1.0))
            write_quantiles(intervals, layout, i, np.float32(1.0), 1.0, room.quantiles, quantiles[k, i])
            for h in range(horizon):
                for level in range(quantiles.shape[3]):
                    quantiles[k, i, h, level] += value


def around_last_value(
    values: Values,
    unsure: Values | None = None,
    levels: tuple[float, ...] = LEVELS,
    into: Tracked | None = None,
    first: int = 0,
) -> Told:
    """Intervals around the last of values (T, S), with spread 1, from a step on."""
    length, series = values.shape
    quantiles = np.zeros((length, series, HORIZON, len(levels)))
    surprise = np.zeros((length, series), np.float32)
    nothing = np.zeros_like(values)
    follow(
        into or fresh(series),
        Layout.of(HORIZON, levels),
        Workspace.of(HORIZON),
        first,
        np.ascontiguousarray(values, np.float32),
        np.ascontiguousarray(nothing if unsure is None else unsure, np.float32),
        quantiles,
        surprise,
    )
    return Told(quantiles, surprise)


def calm(generator: np.random.Generator, length: int) -> Values:
    return generator.normal(size=(length, 4))


def walking(generator: np.random.Generator, length: int) -> Values:
    return np.cumsum(generator.normal(size=(length, 4)), 0) / 5


def of_heavy_tails(generator: np.random.Generator, length: int) -> Values:
    return generator.standard_t(2.5, size=(length, 4)) / 3


def drifting(generator: np.random.Generator, length: int) -> Values:
    """Noise that slowly becomes ten times as large and as small again, thrice."""
    scale = 10.0 ** -np.cos(np.arange(length) * 6 * np.pi / length)
    return generator.normal(size=(length, 4)) * scale[:, None] / 10


def bursting(generator: np.random.Generator, length: int) -> Values:
    """A walk with volatility that comes in clusters."""
    logarithm = np.zeros((length, 4))
    for t in range(1, length):
        logarithm[t] = 0.98 * logarithm[t - 1] + 0.2 * generator.normal(size=4)
    return np.cumsum(generator.normal(size=(length, 4)) * np.exp(logarithm), 0) / 10


def skewed(generator: np.random.Generator, length: int) -> Values:
    return generator.gamma(0.5, size=(length, 4))


def of_whole_numbers(generator: np.random.Generator, length: int) -> Values:
    """Every third repeats the one before."""
    return np.rint(generator.normal(size=(length, 4)))


@pytest.mark.parametrize("kind", [calm, walking, of_heavy_tails, drifting, bursting, skewed])
def test_the_interval_covers_what_it_says(kind: Callable[[np.random.Generator, int], Values]) -> None:
    values = kind(np.random.default_rng(0), 4000)
    told = around_last_value(values)
    for ahead in (1, 5, HORIZON):
        assert 0.885 < told.covered(values, ahead).mean() < 0.915


def test_each_quantile_has_its_share_below() -> None:
    levels = (0.1, 0.25, 0.5, 0.8)
    values = skewed(np.random.default_rng(1), 4000)
    told = around_last_value(values, levels=levels)
    for place, level in enumerate(levels):
        below = values[YOUNG + 5 :] < told.quantiles[YOUNG:-5, :, 4, place]
        assert below.mean() == pytest.approx(level, abs=0.02)


def test_the_interval_is_wide_where_the_forecast_is_uncertain() -> None:
    generator = np.random.default_rng(2)
    unsure = np.exp(generator.normal(size=(4000, 4)))
    errors = generator.normal(size=(4000, 4)) * unsure
    values = np.zeros((4000, 4))
    values[1:] = errors[:-1]  # what comes next lies as far off as the forecast is uncertain now
    told, blind = around_last_value(values, unsure), around_last_value(values)
    assert np.corrcoef(told.width(1)[2000:, 0], unsure[2000:, 0])[0, 1] > 0.5
    assert np.corrcoef(blind.width(1)[2000:, 0], unsure[2000:, 0])[0, 1] < 0.4
    assert 0.885 < told.covered(values, 1).mean() < 0.915


def test_the_first_interval_is_as_wide_as_the_series_spreads_and_wider_for_want_of_errors() -> None:
    told = around_last_value(np.zeros((1, 1)))
    assert told.width(1)[0, 0] == pytest.approx((1 + SMALL_SAMPLE) * 2 * 1.2533 * 1.645, rel=0.01)
    assert (np.diff(told.quantiles[0, 0], axis=1) > 0).all()


def test_the_intervals_of_young_series_cover_many_steps_ahead_as_they_do_one() -> None:
    told = around_last_value(values := np.cumsum(np.random.default_rng(8).normal(size=(100, 200)), 0))
    for ahead in (1, HORIZON):
        assert 0.87 < told.covered(values, ahead, since=20)[:60].mean() < 0.92


@given(st.integers(0, 1000), st.sampled_from([0.0, 1e12, -1e12, 1e30]))
@settings(max_examples=10, deadline=None)
def test_quantiles_are_finite_and_in_order_whatever_comes(seed: int, outlier: float) -> None:
    generator = np.random.default_rng(seed)
    values = walking(generator, 300)
    values[generator.random((300, 4)) < 0.02] = outlier
    values[:, 3] = outlier
    told = around_last_value(values, unsure=np.abs(values))
    around = told.quantiles - values.astype(np.float32)[:, :, None, None]
    assert np.isfinite(around).all()
    assert (np.diff(told.quantiles, axis=3) >= 0).all()


def test_one_outlier_is_soon_forgotten() -> None:
    values = calm(np.random.default_rng(3), 2000)
    disturbed = values.copy()
    disturbed[1000] = 1e12
    usual, after = around_last_value(values), around_last_value(disturbed)
    for ahead in (1, HORIZON):
        assert after.width(ahead)[1200:].mean() < 1.25 * usual.width(ahead)[1200:].mean()


def test_the_intervals_of_a_constant_series_close() -> None:
    told = around_last_value(np.full((2000, 1), 7.0))
    assert told.width(1)[-1, 0] < 0.01 * told.width(1)[0, 0]


@pytest.mark.parametrize("kind", [calm, walking, of_heavy_tails, drifting, bursting, skewed, of_whole_numbers])
def test_surprise_is_calibrated(kind: Callable[[np.random.Generator, int], Values]) -> None:
    surprise = around_last_value(kind(np.random.default_rng(4), 4000)).surprise
    assert np.isnan(surprise[: WARM + 1]).all()
    assert not np.isnan(surprise[WARM + 1 :]).any()
    assert 0.005 < (surprise[YOUNG:] > 0.99).mean() < 0.02


def test_half_of_all_surprises_are_above_a_half() -> None:
    surprise = around_last_value(of_heavy_tails(np.random.default_rng(4), 2000)).surprise
    assert (surprise[YOUNG:] > 0.5).mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("kind", [walking, bursting, drifting])
@pytest.mark.parametrize("levels", [tuple(tenth / 10 for tenth in range(1, 10)), (0.5, 0.501), (0.9,), (0.001, 0.999)])
def test_any_set_of_levels_keeps_order_and_shares(
    kind: Callable[[np.random.Generator, int], Values], levels: tuple[float, ...]
) -> None:
    """As errors so many steps ahead, and the same for many steps, once drove trackers of many levels apart."""
    values = kind(np.random.default_rng(11), 4000)
    told = around_last_value(values, levels=levels)
    assert (np.diff(told.quantiles, axis=3) > 0).all()
    for ahead in (1, HORIZON):
        below = values[YOUNG + ahead :, :, None] < told.quantiles[YOUNG:-ahead, :, ahead - 1]
        assert below.mean((0, 1)) == pytest.approx(levels, abs=0.02)


def test_a_quantile_is_the_same_bytes_whatever_other_levels_are_asked() -> None:
    values = bursting(np.random.default_rng(12), 500)
    many = around_last_value(values, levels=(0.01, 0.05, 0.3, 0.5, 0.501, 0.95))
    few = around_last_value(values, levels=LEVELS)
    assert np.ascontiguousarray(many.quantiles[..., [1, 3, 5]]).tobytes() == few.quantiles.tobytes()
    assert many.surprise.tobytes() == few.surprise.tobytes()


def surprise_of(state: Tracked, step: int, values: Floats) -> Floats:
    """Of each of these values (N,) as the next one of a single series, which stays as it is."""
    told = [around_last_value(np.asarray([[value]]), into=deepcopy(state), first=step).surprise for value in values]
    return np.concatenate(told)[:, 0]


@given(
    st.sampled_from([calm, walking, of_heavy_tails, drifting, of_whole_numbers]),
    st.integers(WARM + 1, 400),
    st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=8),
)
@settings(max_examples=10, deadline=None)
def test_a_larger_error_is_never_less_surprising(
    kind: Callable[[np.random.Generator, int], Values], length: int, errors: list[float]
) -> None:
    values = kind(np.random.default_rng(length), length)[:, :1]
    intervals = fresh(1)
    around_last_value(values, into=intervals)
    surprise = surprise_of(intervals, length, (values[-1] + np.sort(errors)).astype(np.float32))
    assert ((surprise >= 0) & (surprise <= 1)).all()
    assert (np.diff(surprise) >= 0).all()


def test_of_errors_larger_than_all_before_the_largest_is_the_most_surprising() -> None:
    values = calm(np.random.default_rng(6), 1000)[:, :1]
    intervals = fresh(1)
    around_last_value(values, into=intervals)
    largest = np.abs(np.diff(values, axis=0)).max()
    larger = values[-1] + largest * np.array([1.1, 2.0, 4.0, 10.0])
    surprise = surprise_of(intervals, 1000, larger.astype(np.float32))
    assert surprise[0] > 0.99
    assert (np.diff(surprise) > 0).all()


def test_what_drifts_away_by_usual_steps_is_surprising() -> None:
    values = calm(np.random.default_rng(13), 2000)
    values[100:104] += np.array([40.0, -40.0, 40.0, -40.0])[:, None]  # no extreme later on is new
    values[1500 : 1500 + HORIZON] += 2.0 * np.arange(HORIZON)[:, None]
    surprise = around_last_value(values).surprise
    assert np.median(surprise[1500 : 1500 + HORIZON].max(0)) > 0.995


def test_a_flat_line_is_surprising_where_values_move_and_is_told_once() -> None:
    values = calm(np.random.default_rng(7), 1500)
    for begin in range(500, 1500, 250):
        values[begin : begin + 40] = values[begin - 1]
    surprise = around_last_value(values).surprise
    for begin in range(500, 1500, 250):
        assert (surprise[begin] > 0.99).all()
        assert (surprise[begin + 1 : begin + 40] > 0.99).mean() < 0.1


def test_a_flat_line_is_found_where_values_often_repeat() -> None:
    values = of_whole_numbers(np.random.default_rng(10), 1500)
    values[1200:1240] = values[1199]
    surprise = around_last_value(values).surprise
    assert (surprise[1200:1210] > 0.99).any(0).all()


def test_values_that_repeat_as_often_as_ever_are_not_surprising() -> None:
    values = np.repeat(calm(np.random.default_rng(8), 200), 10, 0)  # as of a sensor that is asked too often
    assert (around_last_value(values).surprise[YOUNG:] > 0.99).mean() < 0.02


def test_a_series_that_stands_still_for_long_is_calibrated_soon_after() -> None:
    values = calm(np.random.default_rng(9), 2500)
    values[500:1500] = values[499]
    surprise = around_last_value(values).surprise
    assert (surprise[501:1500] > 0.99).mean() < 0.01
    assert (surprise[1500:1510] > 0.99).any(0).all()
    assert (surprise[1800:] > 0.99).mean() < 0.02


def test_a_series_has_the_same_intervals_in_any_company() -> None:
    values = bursting(np.random.default_rng(5), 300)
    together = around_last_value(values, np.abs(values))
    for series in range(4):
        alone = around_last_value(values[:, series : series + 1], np.abs(values[:, series : series + 1]))
        assert alone.quantiles.tobytes() == np.ascontiguousarray(together.quantiles[:, series : series + 1]).tobytes()
        assert alone.surprise.tobytes() == np.ascontiguousarray(together.surprise[:, series : series + 1]).tobytes()
