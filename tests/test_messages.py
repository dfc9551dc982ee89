"""Laws of messages: a forecast is read as it was written, and its numbers are rounded to what can be told."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.messages import (
    ForecastMessage,
    Model,
    Source,
    decode_forecast,
    forecast_id,
    iso8601,
    rounded,
)

MICROS = 1769860800_000_000  # 2026-01-31T12:00:00Z


def message(
    mean: list[float], surprise: float | None = 0.25, step: float | None = 3600.0, share: float | None = 0.61
) -> ForecastMessage:
    origin = iso8601(MICROS)
    return ForecastMessage(
        id=forecast_id("pump 🚰", origin),
        series="pump 🚰",
        origin=origin,
        step_seconds=step,
        horizon=len(mean),
        mean=mean,
        quantiles={"0.05": [one - 1 for one in mean], "0.95": [one + 1 for one in mean]},
        surprise=surprise,
        status="ok",
        model=Model(123, share),
        source=Source("events", 3, 41),
    )


@given(st.lists(st.floats(-1e30, 1e30)), st.none() | st.floats(0, 1), st.none() | st.floats(1e-6, 1e9))
def test_a_forecast_read_is_the_forecast_written(mean: list[float], surprise: float | None, step: float | None) -> None:
    sent = message(mean, surprise, step)
    assert decode_forecast(msgspec.json.encode(sent)) == sent


def test_what_is_no_forecast_is_said_to_be_none() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_forecast(b"{}")


numbers = st.floats(-1e30, 1e30)
scales = st.floats(1e-12, 1e20)


@given(st.lists(numbers, min_size=1), scales)
def test_rounding_changes_less_than_the_scale_can_tell(values: list[float], scale: float) -> None:
    error = np.abs(rounded(values, scale) - values)
    assert (error <= scale * 1e-5 + np.abs(values) * 1e-15).all()


@given(st.lists(st.floats(), min_size=2), st.floats())
def test_what_was_ordered_stays_ordered_whatever_the_scale(values: list[float], scale: float) -> None:
    ordered = np.sort([value for value in values if not math.isnan(value)])
    assert (np.diff(rounded(ordered, scale)[np.isfinite(ordered)]) >= 0).all()


@given(st.floats(-1e12, 1e12), scales)
def test_neighbours_stay_ordered(value: float, scale: float) -> None:
    neighbours = [np.nextafter(value, -math.inf), value, np.nextafter(value, math.inf)]
    assert (np.diff(rounded(neighbours, scale)) >= 0).all()


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e3))
def test_a_rounded_number_is_short(value: float, relative: float) -> None:
    scale = abs(value) * relative + 1e-6
    digits = repr(rounded(value, scale).item())
    assert sum(letter.isdigit() for letter in digits.partition("e")[0].strip("0.-")) <= 12


@given(st.lists(st.tuples(numbers, st.floats(0, 1e20)), min_size=1, max_size=20))
def test_rounding_many_is_rounding_each(pairs: list[tuple[float, float]]) -> None:
    together = rounded([value for value, _ in pairs], [scale for _, scale in pairs])
    assert together.tolist() == [rounded(value, scale).item() for value, scale in pairs]


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf, 5e-324, 1e-300])
def test_without_a_usable_scale_values_stay(scale: float) -> None:
    assert rounded([0.1 + 0.2, -1e30, 5e-10], scale).tolist() == [0.1 + 0.2, -1e30, 5e-10]


def test_zero_has_no_sign() -> None:
    assert str(rounded(-1e-12, 1.0).item()) == "0.0"
