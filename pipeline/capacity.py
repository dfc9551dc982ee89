"""How many events a second one process manages, what takes the time, and which settings would change that."""

from collections.abc import Iterator, Mapping

import msgspec
from rich.table import Table

from pipeline.settings import Settings

STAGES: Mapping[str, str] = {
    "poll": "wait for the broker's records",
    "decode": "find series, time and value",
    "observe": "the model: score, learn, forecast",
    "encode": "write the forecasts as JSON",
    "commit": "send them, commit the transaction",
    "checkpoint": "write the state",
    "other": "look around, metrics",
}
"""What a cycle consists of, in its order."""
LIMIT = 0.75  # of the rate without a model, from which on the broker and its client are the limit
BUSY = 0.75  # of a core that a process gets, beside its waiting for the broker, on a machine with time for it
LARGE = 0.25  # share of the time from which on a stage is worth changing
LITTLE_EFFORT = 0.1


class Pass(msgspec.Struct, frozen=True):
    """What was measured of a process at work.

    Attributes
    ----------
    observations
        How many, in the part that was measured.
    seconds, cpu
        That it took, by the wall and of the process's CPU.
    stages
        Seconds by stage (`STAGES`).
    """

    observations: int
    seconds: float
    cpu: float
    stages: dict[str, float]

    @property
    def rate(self) -> float:
        """Observations a second."""
        return self.observations / self.seconds

    def microseconds(self, stage: str) -> float:
        """Of an observation."""
        return 1e6 * self.stages.get(stage, 0.0) / self.observations

    def share(self, stage: str) -> float:
        """Of the time, 0 to 1."""
        return self.stages.get(stage, 0.0) / self.seconds


class Capacity(msgspec.Struct, frozen=True):
    """What a benchmark found.

    Attributes
    ----------
    servers
        The broker.
    series, partitions, horizon, quantiles
        What it was asked for.
    events_per_second
        Of one process, in the second half of the events: at the start a young model learns more.
    events_per_second_without_model
        The same cycle with records of the same size, that decodes and forecasts nothing.
    cpu_microseconds
        Of an event, all threads.
    microseconds, shares
        Of an event by stage, and of the time.
    forecast_bytes
        Of one forecast.
    cores
        Of this machine that this process may use.
    remarks
        What limits it, and what to change.
    """

    servers: str
    series: int
    partitions: int
    horizon: int
    quantiles: int
    events_per_second: float
    events_per_second_without_model: float
    cpu_microseconds: float
    microseconds: dict[str, float]
    shares: dict[str, float]
    forecast_bytes: float
    cores: int
    remarks: tuple[str, ...]


class Trials(msgspec.Struct, frozen=True):
    """Microseconds of CPU that the model alone takes for an event: with these settings, and with less effort."""

    as_set: float
    with_little_effort: float


def capacity(
    settings: Settings,
    series: int,
    whole: Pass,
    bare: Pass,
    trials: Trials,
    forecast_bytes: float,
    cores: int,
) -> Capacity:
    """Put together what was measured.

    Parameters
    ----------
    settings
        That it was measured with.
    series
        How many there were.
    whole, bare
        The daemon, and its cycle without a model.
    trials
        The model alone.
    forecast_bytes
        Of one forecast.
    cores
        That a process may use.
    """
    spent = sum(whole.stages.values())
    stages = {**whole.stages, "other": max(whole.seconds - spent, 0.0)}
    told = msgspec.structs.replace(whole, stages=stages)
    return Capacity(
        servers=settings.kafka.bootstrap_servers,
        series=series,
        partitions=settings.kafka.partitions,
        horizon=settings.model.horizon,
        quantiles=len(settings.model.quantiles),
        events_per_second=told.rate,
        events_per_second_without_model=bare.rate,
        cpu_microseconds=1e6 * told.cpu / told.observations,
        microseconds={stage: told.microseconds(stage) for stage in STAGES},
        shares={stage: told.share(stage) for stage in STAGES},
        forecast_bytes=forecast_bytes,
        cores=cores,
        remarks=tuple(_remarks(settings, told, bare, trials, forecast_bytes, cores)),
    )


def _remarks(
    settings: Settings, whole: Pass, bare: Pass, trials: Trials, forecast_bytes: float, cores: int
) -> Iterator[str]:
    yield _limit(whole, bare)
    yield from _processes(settings, cores)
    yield from _less_effort(settings, trials)
    yield from _larger_transactions(settings, whole)
    yield from _smaller_forecasts(settings, whole, forecast_bytes)
    yield (
        f"At low rates a forecast waits up to delivery.commit_interval = {settings.delivery.commit_interval:g} s for"
        " others of its transaction; less of it is less delay, and more transactions for the broker."
    )


def _limit(whole: Pass, bare: Pass) -> str:
    """What the rate is limited by: the broker, this process, or what else runs on the machine."""
    waits = whole.share("poll") + whole.share("commit")
    without = f"without a model the same cycle manages {bare.rate:,.0f} events/s"
    if whole.rate >= LIMIT * bare.rate:
        return f"The limit is the broker with its client: {without}; what the model costs hardly shows."
    if whole.cpu < BUSY * (1 - waits) * whole.seconds:
        return (
            f"Other programs take the CPU: this process got {whole.cpu / whole.seconds:.0%} of a core, though it waited"
            f" for the broker {waits:.0%} of the time at most; measure again on a quiet machine ({without})."
        )
    what = f"the model takes {whole.share('observe'):.0%} of the time, broker and client {waits:.0%}"
    return f"The limit is this process: {what}; {without}."


def _processes(settings: Settings, cores: int) -> Iterator[str]:
    partitions = settings.kafka.partitions
    if cores > 1 and partitions > 1:
        most = min(cores, partitions)
        yield (
            f"One process uses one core. This machine lends {cores} and the topic would have {partitions} partitions:"
            f" run up to {most} processes of the same kafka.group."
        )
    elif cores > 1:
        yield (
            "One process uses one core, and a partition belongs to one process: with kafka.partitions = 1 a second"
            f" process has nothing to do. Give the input topic {cores} partitions or more for the {cores} cores here."
        )


def _less_effort(settings: Settings, trials: Trials) -> Iterator[str]:
    saved = trials.as_set - trials.with_little_effort
    if settings.model.effort > LITTLE_EFFORT and saved > LARGE * trials.as_set:
        yield (
            f"model.effort = {LITTLE_EFFORT} (now {settings.model.effort:g}) learns less: the model then takes"
            f" {trials.with_little_effort:.0f} us of CPU an event in place of {trials.as_set:.0f}, measured here."
        )


def _larger_transactions(settings: Settings, whole: Pass) -> Iterator[str]:
    if whole.share("commit") > LARGE:
        most = settings.kafka.max_poll_records
        yield (
            f"Sending and committing takes {whole.share('commit'):.0%} of the time: kafka.max_poll_records = {4 * most}"
            f" (now {most}) makes fewer and larger transactions while there is a backlog."
        )


def _smaller_forecasts(settings: Settings, whole: Pass, forecast_bytes: float) -> Iterator[str]:
    if whole.share("encode") + whole.share("commit") <= LARGE:
        return
    model = settings.model
    yield (
        f"A forecast has {forecast_bytes:,.0f} bytes, for model.horizon = {model.horizon} and {len(model.quantiles)}"
        f" model.quantiles; half of the numbers are about half of the bytes and of their cost."
    )
    if settings.delivery.publish == "every":
        yield (
            'delivery.publish = "latest" sends only the newest forecast of each series and transaction: it catches up'
            " faster with a backlog, and changes nothing once it has caught up and events come slowly."
        )


def table(found: Capacity) -> Table:
    """For people."""
    title = (
        f"{found.series:,} series on {found.partitions} partitions at {found.servers}, horizon {found.horizon}:"
        f" {found.events_per_second:,.0f} events/s by one process"
    )
    grid = Table(title=title, title_justify="left")
    for name in ("stage", "us/event", "share"):
        grid.add_column(name, justify="left" if name == "stage" else "right")
    grid.add_column("what it does")
    for stage, meaning in STAGES.items():
        grid.add_row(stage, f"{found.microseconds[stage]:.1f}", f"{found.shares[stage]:.0%}", meaning)
    grid.add_section()
    grid.add_row(
        "in all", f"{1e6 / found.events_per_second:.1f}", "", f"CPU of all threads: {found.cpu_microseconds:.1f}"
    )
    bare = found.events_per_second_without_model
    grid.add_row("no model", f"{1e6 / bare:.1f}", "", f"the same cycle without a model: {bare:,.0f} events/s")
    return grid
