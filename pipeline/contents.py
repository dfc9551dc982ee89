"""What a checkpoint holds, to be told: the shard as a whole, or one of its series."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy.typing as npt

from lstm_stream import Bank
from pipeline.checkpoints import read
from pipeline.messages import iso8601

RECENT = 24  # values shown of a series


class ContentsError(Exception):
    """The checkpoint does not hold what was asked for; the message says what it does."""


class Contents(msgspec.Struct, frozen=True):
    """A shard at rest.

    Attributes
    ----------
    checkpoint, next_offset
        Where it lies, and the next record to fold.
    learning_steps, skipped_learning_steps
        Taken, and left out since they were not finite.
    error, error_of_last_value
        Mean absolute error one step ahead, each series in its own unit.
    forget_gate, input_gate, output_gate
        Mean activations, 0 (closed) to 1 (open).
    series
        Their names.
    settings
        That shape the state.
    """

    checkpoint: str
    next_offset: int
    learning_steps: int
    skipped_learning_steps: int
    error: float
    error_of_last_value: float
    forget_gate: float
    input_gate: float
    output_gate: float
    series: tuple[str, ...]
    settings: dict[str, object]


class SeriesContents(msgspec.Struct, frozen=True):
    """One series of a shard at rest, in its own unit.

    Attributes
    ----------
    error, error_of_last_value
        Mean absolute error one step ahead.
    recent
        Its last values, oldest first; gaps are filled.
    origin
        Of the forecast.
    mean, lower, upper
        For steps 1..H: the forecast and its outermost quantiles.
    """

    series: str
    error: float
    error_of_last_value: float
    recent: list[float]
    origin: str
    mean: list[float]
    lower: list[float]
    upper: list[float]


def contents(url: str) -> Contents:
    """What lies in a checkpoint file.

    Raises
    ------
    CheckpointError
        When it cannot be read.
    """
    kept = read(url)
    bank = _bank(kept.header, kept.arrays)
    error, of_last_value = bank.errors()
    gates = bank.gates()
    return Contents(
        checkpoint=kept.url,
        next_offset=kept.offset,
        learning_steps=bank.updates,
        skipped_learning_steps=bank.skipped,
        error=error,
        error_of_last_value=of_last_value,
        forget_gate=gates.forget,
        input_gate=gates.input,
        output_gate=gates.output,
        series=tuple(bank.names),
        settings=msgspec.convert(kept.header["fingerprint"], dict[str, object]),
    )


def series_contents(url: str, series: str) -> SeriesContents:
    """What lies in a checkpoint file of one series.

    Raises
    ------
    CheckpointError
        When the file cannot be read.
    ContentsError
        When it does not hold the series.
    """
    kept = read(url)
    bank = _bank(kept.header, kept.arrays)
    if series not in bank.names:
        raise ContentsError(f"{url} holds no series `{series}`; it holds {_some(tuple(bank.names))}")
    error, of_last_value = bank.errors(series)
    forecast = bank.forecast([series])
    return SeriesContents(
        series=series,
        error=error,
        error_of_last_value=of_last_value,
        recent=bank.recent(series, RECENT)[1].tolist(),
        origin=iso8601(int(forecast.origin[0])),
        mean=forecast.mean[0].tolist(),
        lower=forecast.quantiles[0, :, 0].tolist(),
        upper=forecast.quantiles[0, :, -1].tolist(),
    )


def _bank(header: Mapping[str, object], arrays: Mapping[str, npt.NDArray[Any]]) -> Bank:
    return Bank.load(msgspec.convert(header["bank"], dict[str, object]), arrays)


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
