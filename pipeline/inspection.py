"""What a checkpoint holds, to be told: the shard as a whole, or one of its series."""

import math
from collections.abc import Iterator

import msgspec

from lstm_stream import Bank, DumpError
from pipeline.checkpoints import Checkpoint, read
from pipeline.evaluation.scoreboard import number
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
    observations
        How many it has had.
    step_seconds
        Seconds from one step to the next, None where one event is one step.
    status
        "warming" or "ok".
    lstm_share
        What of the forecast rests on the LSTM, 0 to 1; None while warming.
    error, error_of_last_value
        Mean absolute error one step ahead.
    recent
        Its last values, oldest first; None where one is missing.
    origin
        Of the forecast.
    mean, lower, upper
        For steps 1..H: the forecast and its outermost quantiles.
    promised
        What share of the values these are to hold between them.
    """

    series: str
    observations: int
    step_seconds: float | None
    status: str
    lstm_share: float | None
    error: float
    error_of_last_value: float
    recent: list[float | None]
    origin: str
    mean: list[float]
    lower: list[float]
    upper: list[float]
    promised: float


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
    error, of_last_value = bank.diagnostics.errors()
    gates = bank.diagnostics.gates()
    return Contents(
        checkpoint=kept.url,
        next_offset=kept.offset,
        learning_steps=bank.diagnostics.updates,
        skipped_learning_steps=bank.diagnostics.skipped,
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
    error, of_last_value = bank.diagnostics.errors(series)
    forecast = bank.forecast([series])
    return SeriesContents(
        series=series,
        observations=bank.observations(series),
        step_seconds=float(forecast.step[0]) or None,
        status="warming" if forecast.warming[0] else "ok",
        lstm_share=_known(float(forecast.lstm_share[0])),
        error=error,
        error_of_last_value=of_last_value,
        recent=[_known(value) for value in bank.diagnostics.recent(series, RECENT)[1].tolist()],
        origin=iso8601(int(forecast.origin[0])),
        mean=forecast.mean[0].tolist(),
        lower=forecast.quantiles[0, :, 0].tolist(),
        upper=forecast.quantiles[0, :, -1].tolist(),
        promised=bank.rules.quantiles[-1] - bank.rules.quantiles[0],
    )


def words(told: SeriesContents) -> Iterator[str]:
    """How a series stands, in sentences."""
    step = "one event a step" if told.step_seconds is None else f"one each {span(told.step_seconds)}"
    yield f"{told.series}: {told.observations:,} values, {step}; the last is of {told.origin}."
    missing = sum(value is None for value in told.recent)
    if missing:
        yield f"Of the last {len(told.recent)} steps {missing} {'is' if missing == 1 else 'are'} missing."
    yield from _ahead(told)
    yield _skill(told)
    if told.status == "warming":
        yield "It is warming up: its interval is still borrowed from other series."
    elif told.lstm_share is not None:
        yield f"{told.lstm_share:.0%} of its forecast rests on the LSTM."


def _ahead(told: SeriesContents) -> Iterator[str]:
    horizon = len(told.mean)
    yield f"Next {_told(told, 0)}." if horizon == 1 else f"Next {_told(told, 0)}; in {horizon} steps {_told(told, -1)}."
    last = next((value for value in reversed(told.recent) if value is not None), None)
    width = told.upper[-1] - told.lower[-1]
    if last is not None and horizon > 1:
        change = told.mean[-1] - last
        way = "stay about where it is" if abs(change) < 0.1 * width else "rise" if change > 0 else "fall"
        yield f"It is expected to {way}: {number(last)} now."


def _told(told: SeriesContents, step: int) -> str:
    lower, upper = number(told.lower[step]), number(told.upper[step])
    return f"{number(told.mean[step])}, by {told.promised:.0%} between {lower} and {upper}"


def _skill(told: SeriesContents) -> str:
    if not told.error_of_last_value:
        return "No forecast of it has been scored yet, or it never changes."
    less = 1 - told.error / told.error_of_last_value
    beside = (
        f"{abs(less):.0%} {'less' if less >= 0 else 'more'} than the last value ({number(told.error_of_last_value)})"
    )
    return f"One step ahead it errs by {number(told.error)} on average, {beside}."


def span(seconds: float) -> str:
    """A time span in its largest whole unit.

    >>> span(3600), span(900), span(86400), span(1.5)
    ('hour', '15 minutes', 'day', '1.5 seconds')
    """
    for name, length in (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds % length == 0:
            count = round(seconds / length)
            return name if count == 1 else f"{count} {name}s"
    return f"{seconds:g} seconds"


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


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
