"""A forecast written in a batch is the JSON of its message, and holds no number that JSON lacks."""

import json
import math
from collections.abc import Callable

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_stream import Forecasts
from pipeline.forecast_writer import BLOCK, ForecastWriter, rounded
from pipeline.messages import ForecastMessage, Model, Source, decode_forecast, forecast_id, iso8601

MICROS = 1769860800_000_000  # 2026-01-31T12:00:00Z
LEVELS = ("0.05", "0.5", "0.95")
SEEDS = st.integers(0, 2**32 - 1)


def forecasts(count: int, horizon: int, seed: int) -> Forecasts:
    """Numbers of any size, some of them zero."""
    some = np.random.default_rng(seed)

    def numbers(*shape: int) -> npt.NDArray[np.float64]:
        return some.normal(size=shape) * 10.0 ** some.integers(-12, 20, shape) * (some.random(shape) > 0.1)

    return Forecasts.zeros(count, horizon, len(LEVELS))._replace(
        origin=MICROS + some.integers(0, 10, count) * 250_000,
        mean=numbers(count, horizon),
        quantiles=numbers(count, horizon, len(LEVELS)),
        scale=np.abs(numbers(count)),
        warming=some.random(count) < 0.5,
        surprise=np.where(some.random(count) < 0.5, np.nan, some.random(count)),
        updates=some.integers(0, 1000, count),
        lstm_share=some.random(count),
        step=some.choice([0.0, 1.0, 3600.0, 0.25], count),
    )


def message(series: str, offset: int, told: Forecasts, row: int) -> ForecastMessage:
    """The slow and clear version."""
    origin, scale = iso8601(int(told.origin[row])), told.scale[row]
    surprise, step = float(told.surprise[row]), float(told.step[row])
    return ForecastMessage(
        id=forecast_id(series, origin),
        series=series,
        origin=origin,
        step_seconds=step or None,
        horizon=told.mean.shape[1],
        mean=rounded(told.mean[row], scale).tolist(),
        quantiles={level: rounded(told.quantiles[row, :, index], scale).tolist() for index, level in enumerate(LEVELS)},
        surprise=None if math.isnan(surprise) else float(np.round(surprise, 6)),
        status="warming" if told.warming[row] else "ok",
        model=Model(int(told.updates[row]), float(np.round(told.lstm_share[row], 3))),
        source=Source("events", 3, offset),
    )


def written(series: list[str], offsets: list[int], told: Forecasts) -> list[bytes]:
    return list(ForecastWriter("events", 3, LEVELS).write(series, offsets, told))


@given(st.lists(st.text(), max_size=5), st.integers(1, 30), SEEDS)
def test_what_is_written_is_the_json_of_the_message(series: list[str], horizon: int, seed: int) -> None:
    told, offsets = forecasts(len(series), horizon, seed), [7 * number for number in range(len(series))]
    expected = [
        message(name, offset, told, row) for row, (name, offset) in enumerate(zip(series, offsets, strict=True))
    ]
    found = written(series, offsets, told)
    assert found == [msgspec.json.encode(one) for one in expected]
    assert [decode_forecast(one) for one in found] == expected


@given(st.integers(0, 3 * BLOCK), SEEDS)
def test_a_batch_is_written_as_its_parts_are(cut: int, seed: int) -> None:
    count = 3 * BLOCK
    told = forecasts(count, 3, seed)
    series, offsets = [f"s{number}" for number in range(count)], list(range(count))
    parts = [np.arange(cut), np.arange(cut, count)]
    apart = [one for part in parts for one in written([series[i] for i in part], part.tolist(), told.take(part))]
    assert written(series, offsets, told) == apart


def test_a_forecast_is_the_record_that_is_promised() -> None:
    told = Forecasts.zeros(1, 2, 3)._replace(
        origin=np.array([MICROS]),
        mean=np.array([[1.5, 2.0]]),
        quantiles=np.array([[[0.5, 1.5, 2.5], [1.0, 2.0, 3.0]]]),
        scale=np.ones(1),
        surprise=np.array([0.25]),
        updates=np.array([123]),
        lstm_share=np.array([0.61]),
        step=np.array([3600.0]),
    )
    assert json.loads(written(['pump "🚰" 100%'], [41], told)[0]) == {
        "id": 'pump "🚰" 100%@2026-01-31T12:00:00Z',
        "series": 'pump "🚰" 100%',
        "origin": "2026-01-31T12:00:00Z",
        "step_seconds": 3600.0,
        "horizon": 2,
        "mean": [1.5, 2.0],
        "quantiles": {"0.05": [0.5, 1.0], "0.5": [1.5, 2.0], "0.95": [2.5, 3.0]},
        "surprise": 0.25,
        "status": "ok",
        "model": {"updates": 123, "lstm_share": 0.61},
        "source": {"topic": "events", "partition": 3, "offset": 41},
    }


def test_the_topic_is_part_of_an_id_where_there_are_several() -> None:
    told = forecasts(1, 2, seed=0)
    (found,) = ForecastWriter("events", 3, LEVELS, topic_of_ids="events").write(["a"], [0], told)
    origin = iso8601(int(told.origin[0]))
    assert decode_forecast(found).id == forecast_id("a", origin, "events") == f"events/a@{origin}"
    bad = told._replace(step=np.array([math.nan]))
    with pytest.raises(ValueError, match="forecast events/a@"):
        list(ForecastWriter("events", 3, LEVELS, topic_of_ids="events").write(["a"], [0], bad))


SPOILT: dict[str, Callable[[Forecasts, float], Forecasts]] = {
    "mean": lambda told, bad: told._replace(mean=told.mean + np.array([[0.0], [bad]])),
    "quantiles": lambda told, bad: told._replace(quantiles=told.quantiles + np.array([0.0, bad])[:, None, None]),
    "share": lambda told, bad: told._replace(lstm_share=np.array([0.5, bad])),
    "step": lambda told, bad: told._replace(step=np.array([1.0, bad])),
}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", SPOILT)
def test_a_number_that_json_lacks_never_leaves(where: str, bad: float) -> None:
    told = SPOILT[where](forecasts(2, 3, seed=0), bad)
    with pytest.raises(ValueError, match=r"forecast b@.* not finite"):
        written(["a", "b"], [0, 1], told)


def test_an_infinite_surprise_never_leaves() -> None:
    told = forecasts(2, 3, seed=0)._replace(surprise=np.array([0.5, math.inf]))
    with pytest.raises(ValueError, match=r"forecast b@.* not finite"):
        written(["a", "b"], [0, 1], told)


# Rounding

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
