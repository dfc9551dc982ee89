"""Writes forecasts as JSON: a batch at once, each the bytes that `msgspec.json.encode(ForecastMessage(...))` gives.

Nearly all of a forecast are numbers, so those of a whole batch are rounded together and written by one call; then each
forecast is put together from its texts. That takes two thirds of the time of making a message of each and encoding it.

Letters: N forecasts, H horizons, L quantile levels.
"""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt

from lstm_stream import Forecasts
from pipeline.messages import forecast_id, iso8601

_encode = msgspec.json.Encoder().encode

DIGITS_BELOW_SCALE = 5
BLOCK = 64
"""Forecasts whose numbers are written by one call: with more their Python floats outgrow the processor's cache."""

origin_text = lru_cache(1024)(iso8601)
"""Series that are measured at the same times have the same origins."""


class ForecastWriter:
    """Writes the forecasts of one partition.

    Parameters
    ----------
    topic, partition
        Where the records come from that the forecasts are made by.
    levels
        Of the quantiles, as text.
    topic_of_ids
        The topic that is part of each id, where there are several input topics (`forecast_id`).
    """

    def __init__(self, topic: str, partition: int, levels: Sequence[str], topic_of_ids: str | None = None) -> None:
        self._topic_of_ids = topic_of_ids
        prefix = b"" if topic_of_ids is None else _text(topic_of_ids)[1:-1] + b"/"
        quantiles = b",".join(_text(level) + b":[%b]" for level in levels)
        self._form = (
            b'{"id":"'
            + prefix
            + b'%b@%b","series":"%b","origin":"%b","step_seconds":%b,"horizon":%d,"mean":[%b],"quantiles":{'
            + quantiles
            + b'},"surprise":%b,"status":"%b","model":{"updates":%d,"lstm_share":%b},"source":{"topic":'
            + _text(topic)
            + b',"partition":%d,"offset":%%d}}' % partition
        )

    def write(self, series: Sequence[str], offsets: Sequence[int], forecasts: Forecasts) -> Iterator[bytes]:
        """Write one record for each forecast.

        Parameters
        ----------
        series, offsets
            What each is of, and the offset of the record that it is made by, (N,).
        forecasts
            Their numbers.

        Raises
        ------
        ValueError
            If a number is NaN or infinite (JSON has neither): the model must never let one through.
        """
        values = rounded_values(forecasts)  # (N, 1 + L, H)
        self._check(series, forecasts, values)
        columns = (
            series,
            forecasts.origin.tolist(),
            _numbers([step or None for step in forecasts.step.tolist()]),
            _lists(values),
            _numbers(forecasts.surprise.round(6).tolist()),  # NaN is written as null
            forecasts.warming.tolist(),
            forecasts.updates.tolist(),
            _numbers(forecasts.lstm_share.round(3).tolist()),
            offsets,
        )
        horizon = values.shape[2]
        for name, time, step, numbers, surprise, warming, updates, share, offset in zip(*columns, strict=True):
            escaped, origin = _encode(name)[1:-1], origin_text(time).encode()
            status = b"warming" if warming else b"ok"
            head = (escaped, origin, escaped, origin, step, horizon)
            yield self._form % (*head, *numbers, surprise, status, updates, share, offset)

    def _check(self, series: Sequence[str], forecasts: Forecasts, values: npt.NDArray[np.float64]) -> None:
        finite = np.isfinite(values).all(axis=(1, 2)) & np.isfinite(forecasts.step) & np.isfinite(forecasts.lstm_share)
        finite &= ~np.isinf(forecasts.surprise)
        if not finite.all():
            first = int(np.argmin(finite))
            name = forecast_id(series[first], origin_text(int(forecasts.origin[first])), self._topic_of_ids)
            raise ValueError(f"the forecast {name} holds a number that is not finite")


def rounded_values(forecasts: Forecasts) -> npt.NDArray[np.float64]:
    """The mean and the quantiles, rounded to what the series' scale can tell: (N, 1 + L, H)."""
    together = np.concatenate([forecasts.mean[:, None], forecasts.quantiles.transpose(0, 2, 1)], axis=1)
    return rounded(together, forecasts.scale[:, None, None])


def _numbers(column: Sequence[float | None]) -> list[bytes]:
    return _encode(column)[1:-1].split(b",") if column else []


def _lists(values: npt.NDArray[np.float64]) -> Iterator[tuple[bytes, ...]]:
    """The lists of each forecast as text, without brackets."""
    _, lists, horizon = values.shape
    for begin in range(0, len(values), BLOCK):
        rows = values[begin : begin + BLOCK].reshape(-1, horizon).tolist()
        texts = iter(_encode(rows)[2:-2].split(b"],["))
        yield from zip(*[texts] * lists, strict=True)


def _text(text: str) -> bytes:
    return _encode(text).replace(b"%", b"%%")


_POWERS = np.array([float(f"1e{power}") for power in range(308)])


def rounded(values: npt.ArrayLike, scale: npt.ArrayLike) -> npt.NDArray[np.float64]:
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


def _decimals(scale: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    # By the binary exponent, which is exact: log10 may differ in its last bit between one row and many.
    usable = (scale > 1e-290) & (scale < 1e290)
    exponent = np.frexp(np.where(usable, scale, 1e-290))[1]
    digits: npt.NDArray[np.int64] = DIGITS_BELOW_SCALE - np.floor((exponent - 1) * math.log10(2)).astype(np.int64)
    return digits
