"""What the daemon tells of itself: the JSON behind the live page."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

State = Literal["connecting", "assigning", "catching_up", "ready", "stopping"]
Ranking = Literal["surprise", "error"]
"""What series are ranked by, the largest first: how surprising they were of late, or error / error of last value."""


class PartitionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One shard that is held.

    Attributes
    ----------
    topic, partition
        Whose log.
    next_offset, end_offset
        The next record to fold, and the end of the log; the end is None while it is not known.
    lag
        Records between the two, None while not known.
    lag_seconds
        Kafka's time of the end of the log less that of the last record read; 0 where all is read, None while not known.
    series
        How many it has.
    learning_steps
        Of its network, since it began.
    drifts
        That it noticed, since it began.
    losses
        What much of it is lost by, or misread: a message with the setting that mends it, by what.
    """

    topic: str
    partition: int
    next_offset: int
    end_offset: int | None
    lag: int | None
    lag_seconds: float | None = None
    series: int
    learning_steps: int
    drifts: int
    losses: dict[str, str] = {}


class WorkerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One of several workers that run under one parent.

    Attributes
    ----------
    number, pid
        Which, from 0, and its process; 0 while it has none.
    state
        What it is at; "starting" until it has told, "restarting" while it waits to be started again.
    partitions, events_per_second
        How many it holds, and its rate.
    restarts
        How often it was started again.
    """

    number: int
    pid: int
    state: State | Literal["starting", "restarting"]
    partitions: int
    events_per_second: float
    restarts: int


class Gates(msgspec.Struct, frozen=True, kw_only=True):
    """Mean activation of the LSTM's gates, 0 (closed) to 1 (open)."""

    forget: float
    input: float
    output: float


class ExpertWeight(msgspec.Struct, frozen=True, kw_only=True):
    """How much one of the forecast's experts has to say.

    Attributes
    ----------
    expert
        Its name, in lower snake case.
    needs_lstm
        Whether it rests on the network.
    weight
        In the mean forecast, 0 to 1.
    """

    expert: str
    needs_lstm: bool
    weight: float


class ShardStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One shard's model at one moment.

    Attributes
    ----------
    series
        How many it has.
    learning_steps, skipped_learning_steps
        Of its network, since it began; the skipped ones' loss or gradient was not finite.
    loss, gradient_norm
        Of the last learning step.
    mae_model, mae_last_value
        Mean absolute error one step ahead, in each series' own scale; 0 before anything was scored.
    drifts, breaks
        Noticed since it began.
    gates
        Of its LSTM.
    experts
        Their mean weights.
    state_bytes
        Memory of its series' state.
    """

    series: int
    learning_steps: int
    skipped_learning_steps: int
    loss: float
    gradient_norm: float
    mae_model: float
    mae_last_value: float
    drifts: int
    breaks: int
    gates: Gates
    experts: tuple[ExpertWeight, ...]
    state_bytes: int = 0


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The worker at one moment.

    Attributes
    ----------
    state, message
        What it is at, and a sentence on it ("" if there is nothing to add).
    group, instance, version
        Who it is.
    started
        When, seconds since the epoch.
    partitions
        The shards it holds.
    observations, forecasts, superseded, dead_letters, late, repeated
        Counts since the start of the process; observations = the sum of the others. Superseded are the forecasts that
        `delivery.publish = "latest"` left out for newer ones.
    skipped
        Records, elements and values that are not for us: no part of the observations.
    events_per_second
        Over the last seconds.
    skill
        1 - mae_model / mae_last_value, None before anything was scored.
    mae_model, mae_last_value
        Mean absolute error one step ahead, in each series' own scale.
    gates
        None before the network ran.
    experts
        Their mean weights; empty before anything was scored.
    lstm_share
        What of the forecasts rests on the LSTM, 0 to 1: the weights of the experts that need it. None before anything
        was scored.
    age
        Seconds since this was so.
    doing
        What the worker is at meanwhile, such as "fold"; "" between two steps.
    drained
        Whether all is done that was in the log when the partitions were assigned.
    workers
        Those that this is the sum of; empty where there is only one.
    """

    state: State
    message: str = ""
    group: str
    instance: str
    version: str
    started: float
    partitions: tuple[PartitionStatus, ...] = ()
    observations: int = 0
    forecasts: int = 0
    superseded: int = 0
    dead_letters: int = 0
    late: int = 0
    repeated: int = 0
    skipped: int = 0
    events_per_second: float = 0.0
    skill: float | None = None
    mae_model: float | None = None
    mae_last_value: float | None = None
    gates: Gates | None = None
    experts: tuple[ExpertWeight, ...] = ()
    lstm_share: float | None = None
    age: float = 0.0
    doing: str = ""
    drained: bool = False
    workers: tuple[WorkerStatus, ...] = ()


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


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Names of series.

    Attributes
    ----------
    series
        Those that were asked for, in order; a name that several shards have stands here once.
    total
        How many there are of these, told or not.
    age
        Seconds since this was so; None where nothing is held.
    """

    series: tuple[str, ...]
    total: int
    age: float | None


MOST_ROWS = 1_000_000
"""No list, and no forecast, is as long."""
Sort = Literal["surprise", "name", "skill", "last_time", "observations"]
"""What a list of series is in the order of."""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What part of a list of series is asked for.

    Attributes
    ----------
    search
        Text that the names hold, upper or lower case.
    sort, descending
        The order. Where nothing is known of a series, it stands last.
    offset, limit
        Which rows.
    """

    search: str = ""
    sort: Sort = "surprise"
    descending: bool = True
    offset: Annotated[int, Meta(ge=0, le=MOST_ROWS)] = 0
    limit: Annotated[int, Meta(ge=0, le=MOST_ROWS)] = 50


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which series a question is for.

    Attributes
    ----------
    series
        Its name; None: none is asked for.
    at
        The shard, as `events/3`; None: the first that has it.
    horizon
        How many steps before those of the earlier forecasts were made that are told.
    """

    series: str | None = None
    at: str | None = None
    horizon: Annotated[int, Meta(ge=1, le=MOST_ROWS)] = 1


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A series in a list.

    Attributes
    ----------
    series, topic, partition
        Which, and where.
    observations
        Its steps so far.
    last_time, last_value
        Of its last step: microseconds since the epoch; filled where the value is missing.
    skill
        1 - error / error of last value, None before anything was scored.
    surprise
        Anomaly score of the last observation, None while warming.
    recent_surprise
        The largest of its last few; a list by surprise is in its order.
    values
        The last ones, for a sparkline, the oldest first; empty until they have been copied: ask again.
    """

    series: str
    topic: str
    partition: int
    observations: int
    last_time: int
    last_value: float | None
    skill: float | None
    surprise: float | None
    recent_surprise: float | None
    values: tuple[float | None, ...] = ()


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a list of series.

    Attributes
    ----------
    rows
        Those that were asked for; a series that several shards have stands here for each.
    total
        How many there are of these, told or not.
    age
        Seconds since this was so; None where nothing is held, or nothing was copied yet: ask again.
    """

    rows: tuple[Row, ...]
    total: int
    age: float | None


class BusyError(RuntimeError):
    """The worker has not come by since the question was asked."""
