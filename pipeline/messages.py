"""The bytes on the wire: records as they come, records to be sent, and forecasts."""

from datetime import datetime, timedelta

import msgspec

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
    """A forecast as it is published; `pipeline.forecast_writer` writes it.

    Attributes
    ----------
    id
        The same for the same series and origin (`forecast_id`), so that a repeat is recognised.
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


_forecasts = msgspec.json.Decoder(ForecastMessage)


def decode_forecast(value: bytes) -> ForecastMessage:
    """Read a forecast; raises `msgspec.DecodeError` if it is none."""
    return _forecasts.decode(value)
