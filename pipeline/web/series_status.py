"""What the daemon tells of one series: the JSON behind its page."""

from typing import Literal

import msgspec

from pipeline.web.status import ExpertWeight


class Anomaly(msgspec.Struct, frozen=True, kw_only=True):
    """An observation that lay far out.

    Attributes
    ----------
    time
        Microseconds since the epoch.
    surprise
        Its anomaly score, 0 to 1.
    """

    time: int
    surprise: float


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A moment at which something changed for good.

    Attributes
    ----------
    time
        Event time, microseconds since the epoch.
    kind
        A drift in the errors of all series of the shard; the series turned round or changed its unit; it started again.
    """

    time: int
    kind: Literal["drift", "break", "restart"]


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """Forecasts that were made so many steps before, to be held against what came.

    Attributes
    ----------
    horizon
        How many steps before.
    times
        What they are of, microseconds since the epoch; (N,), and so are the others.
    mean, low, high
        The mean, the lowest and the highest quantile.
    """

    horizon: int
    times: tuple[int, ...]
    mean: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]


class GatesOverTime(msgspec.Struct, frozen=True, kw_only=True):
    """Mean activation of the LSTM's gates at some of the last steps of a series, 0 (closed) to 1 (open).

    Attributes
    ----------
    times
        Microseconds since the epoch, oldest first; (N,), and so are the others.
    """

    times: tuple[int, ...]
    forget: tuple[float, ...]
    input: tuple[float, ...]
    output: tuple[float, ...]


class SeriesStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One series at one moment.

    Attributes
    ----------
    series, topic, partition
        Which, and where.
    elsewhere
        Other shards here with a series of this name, as `events/3`: another topic or partition, another series.
    age
        Seconds since this was so.
    observations
        How many it has had.
    step_seconds
        Seconds from one step to the next, None where one event is one step.
    last_time, last_value
        Of its last observation: microseconds since the epoch; the value is None if it is missing.
    recent_times, recent_values
        Its last steps, the oldest first, told a step apart; a missing value is None.
    origin
        Of the forecast, microseconds since the epoch.
    mean
        For steps 1..H; empty if there is no forecast yet.
    quantiles
        By level as text, each for steps 1..H.
    status
        "warming" or "ok".
    skill
        1 - error / error of last value, None before anything was scored.
    mae_model, mae_last_value
        Mean absolute error one step ahead, in the series' own unit; None before anything was scored.
    surprise
        Anomaly score of the last observation, None while warming.
    anomalies
        Of the last observations those with a score of .99 and above, oldest first.
    changes
        What changed of late, oldest first.
    earlier
        The forecasts made before, at the horizon that was asked for. Those of one step ahead are kept of every series,
        the others from when the series was first asked for.
    gates
        Over the last steps.
    experts
        Their weights in its mean forecast.
    lstm_share
        What of it rests on the LSTM, 0 to 1.
    """

    series: str
    topic: str
    partition: int
    observations: int
    step_seconds: float | None
    last_time: int
    last_value: float | None
    recent_times: tuple[int, ...]
    recent_values: tuple[float | None, ...]
    origin: int
    mean: tuple[float, ...]  # (H,)
    quantiles: dict[str, tuple[float, ...]]  # (H,) each
    status: str
    skill: float | None
    mae_model: float | None = None
    mae_last_value: float | None = None
    surprise: float | None = None
    anomalies: tuple[Anomaly, ...] = ()
    changes: tuple[Change, ...] = ()
    earlier: Earlier | None = None
    gates: GatesOverTime | None = None
    experts: tuple[ExpertWeight, ...] = ()
    lstm_share: float | None = None
    elsewhere: tuple[str, ...] = ()
    age: float = 0.0
