"""One series as its page shows it: last values, forecast, what was forecast before, and what that rests on."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lstm_stream import OF_THE_LSTM, Bank, Expert
from pipeline.forecast_writer import rounded_values
from pipeline.journal import Entries, Journal, Whole
from pipeline.web.series_status import Anomaly, Change, Earlier, GatesOverTime, SeriesStatus
from pipeline.web.status import ExpertWeight, Gates, ShardStatus

SHOWN = 200
"""Values of a series that its status tells."""
ANOMALOUS = 0.99
"""Scores from here on are told as anomalies: one in a hundred in the long run."""
MICROSECONDS = 1_000_000


def shard_status(bank: Bank) -> ShardStatus:
    """How the model of a partition is doing."""
    model, last_value = bank.diagnostics.errors()
    return ShardStatus(
        series=len(bank.names),
        learning_steps=bank.diagnostics.updates,
        skipped_learning_steps=bank.diagnostics.skipped,
        loss=bank.diagnostics.lesson.loss,
        gradient_norm=bank.diagnostics.lesson.gradient_norm,
        mae_model=model,
        mae_last_value=last_value,
        drifts=bank.diagnostics.drifts,
        breaks=bank.diagnostics.breaks,
        state_bytes=bank.nbytes,
        gates=Gates(**bank.diagnostics.gates()._asdict()),
        experts=expert_weights(bank.diagnostics.expert_weights()),
    )


def series_status(
    name: str, bank: Bank, journal: Journal, topic: str, partition: int, levels: Sequence[str]
) -> SeriesStatus | None:
    """One series and its newest forecast; None if there is no such series, or nothing is known of it.

    Parameters
    ----------
    topic, partition
        Where it is.
    levels
        Of the quantiles.
    """
    observations = bank.observations(name)
    if not observations:
        return None
    row, forecast = bank.names[name], bank.forecast([name])
    mean, *by_level = rounded_values(forecast)[0].tolist()
    origin, step = int(forecast.origin[0]), float(forecast.step[0])
    entries = journal.entries(row)
    times, values = _recent(bank, name, entries)
    ours, last_value = bank.diagnostics.errors(name)
    experts = expert_weights(bank.diagnostics.expert_weights(name))
    return SeriesStatus(
        series=name,
        topic=topic,
        partition=partition,
        observations=observations,
        step_seconds=step or None,
        last_time=origin,
        last_value=known(values)[-1],
        recent_times=tuple(times.tolist()),
        recent_values=known(values),
        origin=origin,
        mean=tuple(mean),
        quantiles={level: tuple(told) for level, told in zip(levels, by_level, strict=True)},
        status="warming" if forecast.warming[0] else "ok",
        skill=1 - ours / last_value if last_value else None,
        mae_model=ours if last_value else None,
        mae_last_value=last_value or None,
        surprise=_finite(entries.surprise[-1:])[0] if len(entries.surprise) else None,
        anomalies=tuple(_anomalies(entries, int(times[0]))),
        changes=_changes(bank, journal, name, times),
        earlier=_one_step_before(entries, step if _is_on_grid(times, step) else 0.0, int(times[0])),
        gates=_gates(bank, name, times),
        experts=experts,
        lstm_share=sum(one.weight for one in experts if one.needs_lstm),
    )


def _recent(bank: Bank, name: str, entries: Entries) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Times and values of the last steps; where they lie on no grid, the times at which they came, as far as known.

    The bank tells steps at even distances, which on a grid is when they were.
    """
    times, values = bank.diagnostics.recent(name, SHOWN)
    count = min(len(entries.time), len(values))
    came = entries.time[-count:] if count else entries.time
    if count < 2 or np.isin(came[came >= times[0]], times).all():
        return times, values
    return came, values[-count:]


def _is_on_grid(times: Sequence[int] | npt.NDArray[np.int64], step: float) -> bool:
    return step > 0 and bool((np.diff(times) == round(step * MICROSECONDS)).all())


def _anomalies(entries: Entries, since: int) -> list[Anomaly]:
    far_out = (entries.surprise >= ANOMALOUS) & (entries.time >= since)
    told = zip(entries.time[far_out].tolist(), entries.surprise[far_out].tolist(), strict=True)
    return [Anomaly(time=time, surprise=surprise) for time, surprise in told]


def _changes(bank: Bank, journal: Journal, name: str, times: npt.NDArray[np.int64]) -> tuple[Change, ...]:
    """Those within the time that is told; the break as far as its step is."""
    changes = [Change(time=time, kind="drift") for time in sorted(set(journal.drifts))]
    changes += [Change(time=time, kind="restart") for time in journal.restarts(bank.names[name])]
    lag = bank.diagnostics.last_break(name)
    if lag is not None and lag < len(times):
        changes.append(Change(time=int(times[-1 - lag]), kind="break"))
    return tuple(sorted((one for one in changes if one.time >= times[0]), key=lambda one: one.time))


def _one_step_before(entries: Entries, step: float, since: int) -> Earlier:
    """What was forecast of each step with the observation before; off a grid, of the next observation."""
    if step:
        times = entries.time + round(step * MICROSECONDS)
        entries = entries.take(times > since)
        times = times[times > since]
    else:
        entries = entries.take(entries.time >= since)
        times = entries.time[1:]
        entries = entries.take(slice(-1))
    return Earlier(
        horizon=1,
        times=tuple(times.tolist()),
        mean=_finite(entries.mean),
        low=_finite(entries.low),
        high=_finite(entries.high),
    )


def steps_before(track: Sequence[Whole], horizon: int, told: SeriesStatus) -> Earlier:
    """What whole forecasts of a series say of the steps so many ahead of their origins.

    Off a grid that is the observation so many after the origin, where the whole forecasts are of all observations.
    """
    h = horizon - 1
    if _is_on_grid(told.recent_times, told.step_seconds or 0.0):
        step = round((told.step_seconds or 0.0) * MICROSECONDS)
        dated = [(one.origin + horizon * step, one) for one in track]
    else:
        dated = [(later.origin, one) for one, later in zip(track, track[horizon:], strict=False)]
    shown = [(time, one) for time, one in dated if time > told.recent_times[0] and h < len(one.mean)]
    return Earlier(
        horizon=horizon,
        times=tuple(time for time, _ in shown),
        mean=_finite(np.asarray([one.mean[h] for _, one in shown])),
        low=_finite(np.asarray([one.low[h] for _, one in shown])),
        high=_finite(np.asarray([one.high[h] for _, one in shown])),
    )


def _gates(bank: Bank, name: str, times: npt.NDArray[np.int64]) -> GatesOverTime:
    history = bank.diagnostics.gate_history(name)
    shown = history.lags < len(times)
    forget, written, output = (gate[shown].astype(np.float64).round(4).tolist() for gate in history[1:])
    return GatesOverTime(
        times=tuple(times[-1 - history.lags[shown]].tolist()),
        forget=tuple(forget),
        input=tuple(written),
        output=tuple(output),
    )


def expert_weights(weights: npt.NDArray[np.float32]) -> tuple[ExpertWeight, ...]:
    """Weights (E,) with the names of the experts."""
    needing = tuple(Expert)[OF_THE_LSTM]
    return tuple(
        ExpertWeight(expert=expert.name.lower(), needs_lstm=expert in needing, weight=weight)
        for expert, weight in zip(Expert, weights.tolist(), strict=True)
    )


def known(values: npt.NDArray[np.float64]) -> tuple[float | None, ...]:
    """Values, None where one is missing."""
    return tuple(None if math.isnan(value) else value for value in values.tolist())


def _finite(values: npt.NDArray[np.floating]) -> tuple[float | None, ...]:
    return tuple(value if math.isfinite(value) else None for value in values.tolist())
