"""Similar seasons: a day is foreseen by the days that went like it so far."""

import numpy as np
import numpy.typing as npt
import pytest

from lstm_stream import Bank, Expert, ExpertForecasts, Hyperparameters
from lstm_stream.experts import EXPERTS

HOUR = 3_600_000_000
HORIZON = 12
RULES = Hyperparameters(horizon=HORIZON, pretrained=False, effort=0.0)
Values = npt.NDArray[np.float64]


def said_of(values: Values) -> dict[Expert, Values]:
    """What each expert says (N, H) along hours; NaN: nothing."""
    count = len(values)
    said = ExpertForecasts.zeros(count, EXPERTS, HORIZON)
    Bank(RULES).observe(["a"] * count, np.arange(count) * HOUR, values, by_expert=said)
    return {expert: said.mean[:, expert].astype(np.float64) for expert in Expert}


def days_of_two_kinds(days: int, seed: int, noise: float = 0.1) -> Values:
    """Days that rise or fall, by chance; which it is shows in the first hours."""
    draw = np.random.default_rng(seed)
    hours = np.sin(np.pi * np.arange(24) / 24)
    return np.concatenate([draw.choice([-5.0, 5.0]) * hours for _ in range(days)]) + noise * draw.normal(size=24 * days)


def at_noon(said: Values, values: Values, first: int) -> float:
    """Mean squared error six hours ahead of each noon."""
    noons = np.arange(24 * first + 12, len(values) - 6, 24)
    return float(np.mean((said[noons, 5] - values[noons + 6]) ** 2))


@pytest.mark.parametrize("seed", range(3))
def test_a_day_is_foreseen_by_those_of_its_kind(seed: int) -> None:
    values = days_of_two_kinds(40, seed)
    said = said_of(values)
    assert at_noon(said[Expert.SIMILAR_SEASONS], values, 15) < 0.1
    assert at_noon(said[Expert.SIMILAR_SEASONS], values, 15) < 0.1 * at_noon(said[Expert.PROFILE_SHORT], values, 15)


def test_what_followed_is_moved_by_how_far_the_day_is_off() -> None:
    values = days_of_two_kinds(40, 4)
    values[24 * 30 :] += np.repeat(np.linspace(0, 3, 10), 24)  # each day a third higher than the one before
    said = said_of(values)[Expert.SIMILAR_SEASONS]
    assert at_noon(said, values, 31) < 0.3


def test_it_says_nothing_before_it_has_seen_a_season_twice() -> None:
    said = said_of(days_of_two_kinds(5, 5))[Expert.SIMILAR_SEASONS]
    assert np.isnan(said[:46, 0]).all()
    assert np.isfinite(said[72:]).all()


def test_seasons_that_are_all_alike_and_such_as_were_never_met_are_numbers() -> None:
    same = np.tile(np.arange(24.0), 30)
    assert np.abs(said_of(same)[Expert.SIMILAR_SEASONS][100:-12, 11] - same[112:]).max() < 1e-3
    same[400:] *= 1e9  # in units of then, they are too far to be told
    said = said_of(same)[Expert.SIMILAR_SEASONS]
    assert not np.isinf(said).any()
    assert np.isfinite(said[-24:]).all()


def test_hours_that_are_missing_are_filled_and_compared() -> None:
    values = days_of_two_kinds(40, 6)
    holes = values.copy()
    holes[np.random.default_rng(2).random(len(values)) < 0.1] = np.nan
    said = said_of(holes)[Expert.SIMILAR_SEASONS]
    assert at_noon(said, values, 15) < 2.0
