"""The bytes on the wire: records as they come, records to be sent, and forecasts."""

import math
from datetime import datetime, timedelta

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

DIGITS_BELOW_SCALE = 5

EPOCH = datetime(1970, 1, 1)


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record as Kafka hands it over.

    Attributes
    ----------
    topic, partition, offset
        Where it lies.
    timestamp
        Kafka's own time of it, milliseconds since the epoch, UTC; -1 if it has none.
    key, value
        Bytes, or None.
    headers
        Pairs of name and bytes, or None, in their order.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A record to be sent; whoever sends it knows the topic. Key or value must be there: the client sends no less."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Model(msgspec.Struct, frozen=True, gc=False):
    """The model behind a forecast: its learning steps, and the LSTM's share in the mean (0 to 1, or None)."""

    updates: int
    lstm_share: float | None


class Source(msgspec.Struct, frozen=True, gc=False):
    """The record that made the forecast."""

    topic: str
    partition: int
    offset: int


class ForecastMessage(msgspec.Struct, frozen=True):
    """A forecast as it is published.

    Attributes
    ----------
    id
        The same for the same topic, series and origin (`forecast_id`), so that a repeat is recognised.
    series
        What is forecast.
    origin
        Time of the last observation that the forecast knows, ISO 8601, UTC (`iso8601`).
    step_seconds
        Seconds from one step to the next; None where one event is one step.
    horizon
        How many steps ahead, H.
    mean
        For steps 1..H.
    quantiles
        By level as text ("0.05"), each for steps 1..H.
    surprise
        0 to 1: how far out in the forecast before it the new observation lies; None while warming.
    status
        "warming" or "ok".
    model, source
        Of which model, by which record.
    """

    id: str
    series: str
    origin: str
    step_seconds: float | None
    horizon: int
    mean: list[float]  # (H,)
    quantiles: dict[str, list[float]]  # (H,) each
    surprise: float | None
    status: str
    model: Model
    source: Source


def iso8601(time: int) -> str:
    """Write microseconds since the epoch as ISO 8601 in UTC; microseconds only where there are some.

    Examples
    --------
    >>> iso8601(1769860800000000), iso8601(1769860800250000)
    ('2026-01-31T12:00:00Z', '2026-01-31T12:00:00.250000Z')
    """
    return (EPOCH + timedelta(microseconds=time)).isoformat() + "Z"


def forecast_id(series: str, origin: str, topic: str | None = None) -> str:
    """Name the forecast of a series from an origin (`iso8601`): the same again whenever it is made again.

    Where there are several input topics, `topic` tells apart their series of the same name.
    """
    return f"{series}@{origin}" if topic is None else f"{topic}/{series}@{origin}"


_encoder = msgspec.json.Encoder()
_forecasts = msgspec.json.Decoder(ForecastMessage)


def encode_forecast(message: ForecastMessage) -> bytes:
    """Write a forecast as JSON.

    Raises
    ------
    ValueError
        If a number in it is NaN or infinite (JSON has neither): the model must never let one through.
    """
    total = sum(message.mean) + sum(map(sum, message.quantiles.values()))
    others = (message.surprise or 0.0) + (message.step_seconds or 0.0) + (message.model.lstm_share or 0.0)
    if not math.isfinite(total + others):
        raise ValueError(f"the forecast {message.id} holds a number that is not finite")
    return _encoder.encode(message)


def decode_forecast(value: bytes) -> ForecastMessage:
    """Read a forecast; raises `msgspec.DecodeError` if it is none."""
    return _forecasts.decode(value)


_POWERS = np.array([float(f"1e{power}") for power in range(308)])


def rounded(values: ArrayLike, scale: ArrayLike) -> NDArray[np.float64]:
    """Round to what a series' scale can tell, at least five digits below it; what was ordered stays ordered.

    Parameters
    ----------
    values
        Any shape.
    scale
        Spread of the series in the values' unit; broadcast against the values. Where it is not a positive
        number, values stay as they are.

    Examples
    --------
    >>> rounded([101.23456789, 1234567.5], 1.0).tolist(), rounded(123456.789, 1e7).item()
    ([101.23457, 1234567.5], 123460.0)
    """
    values = np.asarray(values, np.float64)
    decimals = _decimals(np.asarray(scale, np.float64))
    up, down = _POWERS[np.maximum(decimals, 0)], _POWERS[np.maximum(-decimals, 0)]
    with np.errstate(over="ignore", invalid="ignore"):
        nearest = np.rint(values * up / down) * down / up
    finest = 2.0**52 / up * down  # from here on floats have no digit left to round
    return np.where(np.abs(values) < finest, np.clip(nearest, -finest, finest), values) + 0.0  # -0.0 becomes 0.0


def _decimals(scale: NDArray[np.float64]) -> NDArray[np.int64]:
    # By the binary exponent, which is exact: log10 may differ in its last bit between one row and many.
    usable = (scale > 1e-290) & (scale < 1e290)
    exponent = np.frexp(np.where(usable, scale, 1e-290))[1]
    digits: NDArray[np.int64] = DIGITS_BELOW_SCALE - np.floor((exponent - 1) * math.log10(2)).astype(np.int64)
    return digits
