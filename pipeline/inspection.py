"""What a checkpoint holds, to be told: the shard as a whole, or one of its series."""

import msgspec

from lstm_stream import Bank, DumpError
from pipeline.checkpoints import Checkpoint, read
from pipeline.messages import iso8601

RECENT = 24  # values shown of a series


class InspectionError(Exception):
    """The checkpoint does not hold what was asked for, or not as this version keeps it; the message says which."""


class _Header(msgspec.Struct, frozen=True):
    """What is told of a shard's dump."""

    fingerprint: dict[str, object]
    bank: dict[str, object]


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


def inspected(url: str) -> Contents:
    """What lies in a checkpoint file.

    Raises
    ------
    CheckpointError
        When it cannot be read.
    InspectionError
        When it is of another version.
    """
    kept = read(url)
    header, bank = _understood(kept)
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
        settings=header.fingerprint,
    )


def inspected_series(url: str, series: str) -> SeriesContents:
    """What lies in a checkpoint file of one series.

    Raises
    ------
    CheckpointError
        When the file cannot be read.
    InspectionError
        When it does not hold the series, or is of another version.
    """
    _, bank = _understood(read(url))
    if series not in bank.names:
        raise InspectionError(f"{url} holds no series `{series}`; it holds {_some(tuple(bank.names))}")
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


def _understood(kept: Checkpoint) -> tuple[_Header, Bank]:
    try:
        header = msgspec.convert(kept.header, _Header)
        return header, Bank.load(header.bank, kept.arrays)
    except (DumpError, msgspec.ValidationError) as error:
        raise InspectionError(
            f"{kept.url} is of another version of lstm-stream: {error}; inspect it with that version"
        ) from error


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
