"""The laws of the quantile tracker: order, the right share of errors beyond each level, a quiet median."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_stream.arithmetic import Floats
from lstm_stream.compiled import entry
from lstm_stream.quantiles import (
    GAPS,
    LEVELS,
    Between,
    Pulls,
    add_pull,
    centre_step,
    move_gaps,
    normal_quantiles,
    quantile_at,
    write_tracked,
)

PERCENTS = tuple(percent / 100 for percent in range(1, 100))
SERIES = 60
Errors = npt.NDArray[np.float32]  # (T, S)
levels_asked = st.lists(st.floats(1e-4, 1 - 1e-4), min_size=1, max_size=99, unique=True).map(sorted).map(tuple)


@entry
def follow(errors: Errors, ahead: int, pulls: Pulls, told: Floats) -> None:
    """Write the tracked quantiles (T, S, K) that held when each of these errors (T, S) came."""
    for i in range(errors.shape[1]):
        centre, gaps = np.float32(0.0), np.zeros((2, GAPS), np.float32)
        for t in range(len(errors)):
            write_tracked(centre, gaps, told[t, i])
            held = told[max(t - ahead + 1, 0), i]  # at the error's origin
            add_pull(pulls, 0, errors[t, i], held, np.float32(1.0))
            centre += centre_step(pulls, 0, ahead)
            move_gaps(gaps, pulls, 0, ahead, t)


def followed(errors: Errors, ahead: int = 1) -> Floats:
    """The tracked quantiles (T, S, K) that held when each of these errors (T, S) came."""
    told = np.zeros((*errors.shape, len(LEVELS)), np.float32)
    follow(np.ascontiguousarray(errors), ahead, Pulls.zeros(1), told)
    return told


@entry
def write_each(centre: Floats, gaps: Floats, quantiles: Floats) -> None:
    """Write the tracked quantiles (N, K) of centres (N,) and gaps (N, 2, J)."""
    for n in range(len(centre)):
        write_tracked(centre[n], gaps[n], quantiles[n])


def tracked(centre: Floats, gaps: Floats) -> Floats:
    """The tracked quantiles (N, K) of centres (N,) and gaps (N, 2, J)."""
    quantiles = np.zeros((len(centre), len(LEVELS)), np.float32)
    write_each(centre, gaps, quantiles)
    return quantiles


@entry
def ask(between: Between, quantiles: Floats, asked: Floats) -> None:
    """Write the quantiles (N, L) of the levels asked for, of the tracked ones (N, K)."""
    for n in range(len(quantiles)):
        for k in range(asked.shape[1]):
            asked[n, k] = quantile_at(between, k, quantiles[n])


def at(levels: tuple[float, ...], quantiles: Floats) -> Floats:
    """The quantiles (..., L) of any levels, of the tracked ones (..., K)."""
    flat = np.ascontiguousarray(quantiles).reshape(-1, len(LEVELS))
    asked = np.zeros((len(flat), len(levels)), np.float32)
    ask(Between.of(levels), flat, asked)
    return asked.reshape(*quantiles.shape[:-1], len(levels))


def of_size_one(errors: npt.NDArray[np.floating]) -> Errors:
    scaled: Errors = (errors / np.abs(errors).mean()).astype(np.float32)
    return scaled


def normal(generator: np.random.Generator, length: int) -> Errors:
    return of_size_one(generator.normal(size=(length, SERIES)))


def of_heavy_tails(generator: np.random.Generator, length: int) -> Errors:
    return of_size_one(generator.standard_t(2.5, size=(length, SERIES)))


def skewed(generator: np.random.Generator, length: int) -> Errors:
    return of_size_one(generator.gamma(0.5, size=(length, SERIES)) - 0.5)


def skewed_to_the_left(generator: np.random.Generator, length: int) -> Errors:
    return -skewed(generator, length)


def of_two_humps(generator: np.random.Generator, length: int) -> Errors:
    return of_size_one(generator.choice([-2.0, 1.0], (length, SERIES)) + 0.2 * generator.normal(size=(length, SERIES)))


def of_whole_numbers(generator: np.random.Generator, length: int) -> Errors:
    return of_size_one(generator.poisson(1.5, (length, SERIES)) - 1.5)


def mostly_zero(generator: np.random.Generator, length: int) -> Errors:
    return of_size_one(generator.normal(size=(length, SERIES)) * (generator.random((length, SERIES)) < 0.3))


def of_changing_size(generator: np.random.Generator, length: int) -> Errors:
    scale = 3.0 ** np.sin(np.arange(length) * 2 * np.pi / 700)
    return of_size_one(generator.normal(size=(length, SERIES)) * scale[:, None])


KINDS = [
    normal,
    of_heavy_tails,
    skewed,
    skewed_to_the_left,
    of_two_humps,
    of_whole_numbers,
    mostly_zero,
    of_changing_size,
]


@given(
    levels_asked,
    st.lists(st.sampled_from([0.0, 1e-3, -0.5, 1.0, -1.0, 7.0, 1e12, -1e12]), min_size=1, max_size=300),
    st.sampled_from([1, 48]),
)
@settings(max_examples=60, deadline=None)
def test_quantiles_are_finite_and_in_order_for_any_levels_and_any_errors(
    levels: tuple[float, ...], errors: list[float], ahead: int
) -> None:
    told = followed(np.asarray(errors, np.float32)[:, None], ahead)
    assert (np.diff(told) > 0).all()
    asked = at(levels, told)
    assert np.isfinite(asked).all()
    assert (np.diff(asked) >= 0).all()


@given(levels_asked, st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_the_quantile_of_a_level_is_the_same_whatever_other_levels_are_asked(
    levels: tuple[float, ...], seed: int
) -> None:
    generator = np.random.default_rng(seed)
    quantiles = tracked(
        generator.normal(size=5).astype(np.float32), generator.normal(size=(5, 2, GAPS)).astype(np.float32)
    )
    together = at(levels, quantiles)
    for place, level in enumerate(levels):
        assert (at((level,), quantiles)[:, 0] == together[:, place]).all()


@given(st.integers(0, 1000))
def test_levels_that_are_tracked_are_told_as_they_are(seed: int) -> None:
    generator = np.random.default_rng(seed)
    quantiles = tracked(np.zeros(1, np.float32), generator.normal(size=(1, 2, GAPS)).astype(np.float32))
    assert at(LEVELS, quantiles) == pytest.approx(quantiles, rel=1e-5, abs=1e-6)


def test_a_new_series_is_told_the_quantiles_of_normal_errors() -> None:
    new = tracked(np.zeros(1, np.float32), np.zeros((1, 2, GAPS), np.float32))[0]
    assert at(PERCENTS, new) == pytest.approx(normal_quantiles(PERCENTS), abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_each_of_99_levels_has_its_share_below_whatever_the_shape_of_the_errors(
    kind: Callable[[np.random.Generator, int], Errors],
) -> None:
    """Within 2 points; within 5, which is how far tracked levels lie apart, where errors have gaps or are the same."""
    most = 0.05 if kind in (of_two_humps, of_whole_numbers, mostly_zero) else 0.02
    errors = kind(np.random.default_rng(0), 4000)
    asked = at(PERCENTS, followed(errors)[2000:])
    came = errors[2000:, :, None]
    below, at_most = (came < asked - 0.02).mean((0, 1)), (came <= asked + 0.02).mean((0, 1))
    assert (below <= np.add(PERCENTS, most)).all()
    assert (at_most >= np.subtract(PERCENTS, most)).all()


@pytest.mark.parametrize("kind", [normal, of_heavy_tails, skewed, skewed_to_the_left, of_changing_size])
def test_each_tracked_level_has_its_share_below_in_the_long_run(
    kind: Callable[[np.random.Generator, int], Errors],
) -> None:
    errors = kind(np.random.default_rng(1), 4000)
    below = (errors[2000:, :, None] <= followed(errors)[2000:]).mean((0, 1))
    assert below == pytest.approx(LEVELS, abs=0.015)


def test_a_rare_level_takes_long_to_learn_and_comes_nearer() -> None:
    """Of .1 % of errors there are four in 4,000: where tails are heavy, .999 starts as a normal distribution's."""
    errors = of_heavy_tails(np.random.default_rng(2), 8000)
    beyond = errors > followed(errors)[:, :, -1]
    assert 0.001 < beyond[6000:].mean() < 0.5 * beyond[:500].mean()


def correlated(generator: np.random.Generator, length: int, over: int) -> Errors:
    """Errors so many steps ahead: each shares all but one of its causes with the one before."""
    causes = generator.normal(size=(length + over, SERIES)).cumsum(0)
    return of_size_one(causes[over:] - causes[:-over])


@pytest.mark.parametrize("over", [1, 8, 48])
def test_the_median_is_no_worse_than_the_mean_where_errors_are_symmetric(over: int) -> None:
    errors = correlated(np.random.default_rng(3), 4000, over)
    median = followed(errors, over)[:, :, GAPS]
    held = median[500 : -over or None]  # at the origin
    assert np.abs(errors[500 + over :] - held).mean() < 1.003 * np.abs(errors[500 + over :]).mean()


def test_the_median_is_better_than_the_mean_where_errors_are_skewed() -> None:
    errors = skewed(np.random.default_rng(4), 4000)
    median = followed(errors)[:, :, GAPS]
    assert np.abs(errors - median)[1000:].mean() < 0.95 * np.abs(errors)[1000:].mean()


def test_gaps_close_where_errors_are_always_the_same_and_open_again() -> None:
    errors = normal(np.random.default_rng(5), 5000)
    errors[1000:3000] = 0.0
    width = np.ptp(followed(errors)[:, :, [2, -3]], axis=2).mean(1)  # of the 90 % interval
    assert width[2999] < 0.2 * width[999]
    assert width[2999] > 0
    assert width[-1] == pytest.approx(width[999], rel=0.1)
