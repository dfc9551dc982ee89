"""The baselines foresee what their names say."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.baselines import SeasonalNaive


@given(
    st.lists(st.integers(0, 1), min_size=1, max_size=40),
    st.integers(1, 5),
    st.integers(1, 7),
    st.integers(1, 40),
    st.integers(0, 2**32),
)
def test_seasonal_naive_foresees_what_came_a_season_before(
    series: list[int], season: int, horizon: int, chunk: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    index = np.asarray(series)
    values = np.where(random.random(len(series)) < 0.2, np.nan, random.normal(size=len(series)))
    naive = SeasonalNaive(horizon, season)
    chunks = [slice(begin, begin + chunk) for begin in range(0, len(series), chunk)]
    foreseen = np.concatenate([naive.observe(index[c], values[c]) for c in chunks])
    for place, one in enumerate(series):
        own = [values[earlier] for earlier in range(place + 1) if series[earlier] == one]
        assert foreseen[place].tolist() == [slow_naive(own, season, step) for step in range(1, horizon + 1)]


def slow_naive(own: list[float], season: int, step: int) -> float:
    """Go back whole seasons from the step ahead until that is known to have come."""
    place = len(own) - 1 + step
    while place >= len(own):
        place -= season
    if place >= 0 and not math.isnan(own[place]):
        return own[place]
    return next((value for value in reversed(own) if not math.isnan(value)), 0.0)
