"""Laws of messages: a forecast is read as it was written."""

import msgspec
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
