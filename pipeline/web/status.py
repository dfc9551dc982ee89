"""What the daemon tells of itself: the JSON behind the live page."""

from typing import Literal

import msgspec

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
    weights, weights_digest
        Of the pretrained network: `packaged` or a file's name, and what tells them from others; "": there is none.
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
    weights: str = ""
    weights_digest: str = ""
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
