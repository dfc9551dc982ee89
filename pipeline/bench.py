"""A benchmark on the user's broker: the real worker in this process, in topics of its own that are removed again.

The worker runs twice over the same events: as it is, and with shards that answer each record with one of a forecast's
size at once. What the second manages is what the broker and its client allow.
"""

import math
import os
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec import structs

from lstm_stream import Bank, Forecasts
from pipeline.capacity import LITTLE_EFFORT, Capacity, Pass, Trials, capacity
from pipeline.checkpoints import Checkpoints
from pipeline.cluster import KafkaClients, Writer, create_topics, remove
from pipeline.counts import Counts
from pipeline.files.events import Event
from pipeline.fold import Fold, Publish
from pipeline.forecast_writer import ForecastWriter
from pipeline.held import Shards
from pipeline.hyperparameters import hyperparameters
from pipeline.messages import Outgoing, Record
from pipeline.metrics import Metrics
from pipeline.replay import Form, FormError
from pipeline.settings import Events, Settings
from pipeline.shard import Shard
from pipeline.weights import read_weights
from pipeline.worker import Worker, spare_the_collector

START = 1_704_067_200_000_000  # microseconds, 2024-01-01
HOUR = 3_600_000_000  # microseconds
DAY = 24  # hours
LOOK = 0.05  # seconds between two looks at the worker
PATIENCE = 90.0  # seconds without an event
SAMPLES = 64  # of forecasts, for the cycle without a model
TRIED = 4000  # events that the model alone is shown

Progress = Callable[[str, int, int], None]
"""Told what is done, how many events of it, and of how many."""


class BenchError(RuntimeError):
    """The benchmark cannot go on. The message says why."""


class Load(NamedTuple):
    """What to measure with: so many series, events in all, and seconds at most for each of the two runs."""

    series: int
    events: int
    seconds: float


def bench(settings: Settings, load: Load, progress: Progress) -> Capacity:
    """Measure; settings name the broker and the model, and neither their topics nor their group are touched.

    Raises
    ------
    BenchError
        The worker does not get on.
    ClusterError
        The broker does not answer, or lets us make no topics.
    WeightsError
        The settings name weights that cannot be used.
    """
    spare_the_collector()
    with tempfile.TemporaryDirectory(prefix="lstm-stream-bench-") as folder, _topics(settings, folder) as ours:
        _fill(ours, load, progress)
        samples = _samples(ours)
        bare = _run(_with_group(ours, "bare"), _Echo, load, "without a model", progress)
        whole = _run(_with_group(ours, "whole"), None, load, "with the model", progress)
    size = sum(len(value) for value in samples) / len(samples)
    return capacity(ours, load.series, whole, bare, _trials(ours, load), size, cores())


def cores() -> int:
    """Of this machine that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def form_of(settings: Settings) -> tuple[Settings, str]:
    """The settings to measure with: an event is written as they read it, if that can be told; what is to be said."""
    try:
        Form(settings.events).check()
    except FormError as error:
        return structs.replace(settings, events=Events()), f"simple events in place of yours: {error}"
    return settings, ""


@contextmanager
def _topics(settings: Settings, folder: str) -> Iterator[Settings]:
    """Topics of our own, for the length of a block."""
    name = f"lstm-stream-bench-{uuid.uuid4().hex[:8]}"
    kafka = structs.replace(
        settings.kafka,
        input=f"{name}-events",
        forecasts=f"{name}-forecasts",
        dead_letters=f"{name}-dead-letters",
        group=name,
        instance="",
    )
    ours = structs.replace(
        settings,
        kafka=kafka,
        delivery=structs.replace(settings.delivery, start="earliest"),
        checkpoints=structs.replace(settings.checkpoints, url=str(Path(folder) / "checkpoints"), interval=3600.0),
    )
    try:
        create_topics(ours)
        yield ours
    finally:
        topics = (kafka.input, kafka.forecasts, kafka.dead_letters)
        remove(ours, [str(topic) for topic in topics], [f"{name}-bare", f"{name}-whole"])


def _with_group(settings: Settings, name: str) -> Settings:
    return structs.replace(settings, kafka=structs.replace(settings.kafka, group=f"{settings.kafka.group}-{name}"))


def _events(settings: Settings, load: Load) -> Iterator[Event]:
    """Hourly events of so many series: a day's rhythm and noise."""
    noise = np.random.default_rng(0)
    width, covariates = len(settings.events.values), (0.0,) * len(settings.events.covariates)
    for index in range(load.events):
        series, hour = index % load.series, index // load.series
        level = 20 + 5 * math.sin(2 * math.pi * hour / DAY + series)
        values = tuple(np.round(level + noise.normal(size=width), 4).tolist())
        yield Event(f"series-{series:06d}", START + hour * HOUR, values, covariates)


def _fill(settings: Settings, load: Load, progress: Progress) -> None:
    form = Form(settings.events)
    with Writer(settings, settings.kafka.inputs[0]) as writer:
        for index, event in enumerate(_events(settings, load)):
            writer.write(form.record(event))
            if index % 1000 == 0:
                progress("writing events", index, load.events)
    progress("writing events", load.events, load.events)


def _run(settings: Settings, shards: Shards | None, load: Load, name: str, progress: Progress) -> Pass:
    """The worker, in a thread, until it is through or its time is up; what its second half took."""
    metrics = Metrics()
    checkpoints = Checkpoints(settings.checkpoints.url, settings.checkpoints.keep)
    worker = Worker(settings, KafkaClients(settings), checkpoints, metrics, shards=shards)
    thread = threading.Thread(target=worker.run, name="worker", daemon=True)
    thread.start()
    try:
        return _measured(worker, metrics, thread, settings, load, name, progress)
    finally:
        worker.stop()
        thread.join()


class _Mark(NamedTuple):
    """What had been used up when so many observations were done."""

    observations: int
    seconds: float
    cpu: float
    stages: dict[str, float]


def _measured(
    worker: Worker,
    metrics: Metrics,
    thread: threading.Thread,
    settings: Settings,
    load: Load,
    name: str,
    progress: Progress,
) -> Pass:
    whole = load.events * len(settings.events.values)
    marks = [_mark(0, metrics)]
    moved = time.monotonic()
    while marks[-1].observations < whole:
        time.sleep(LOOK)
        status = worker.status()
        now = time.monotonic()
        if status.observations > marks[-1].observations:
            marks.append(_mark(status.observations, metrics))
            moved = now
        progress(name, status.observations, whole)
        if len(marks) > 2 and now - marks[1].seconds > load.seconds:
            break
        if not thread.is_alive() or now - moved > PATIENCE:
            raise BenchError(f"the worker does not get on: {status.message or status.doing or 'no event is done'}")
    return _second_half(marks)


def _mark(observations: int, metrics: Metrics) -> _Mark:
    return _Mark(observations, time.monotonic(), time.process_time(), metrics.seconds_by_stage())


def _second_half(marks: Sequence[_Mark]) -> Pass:
    """What lies between the mark nearest to the middle and the last one."""
    last = marks[-1]
    if len(marks) < 3:
        raise BenchError("that were too few events to measure anything: give a larger --events")
    first = min(marks[1:-1], key=lambda mark: abs(2 * mark.observations - last.observations))
    stages = {stage: seconds - first.stages.get(stage, 0.0) for stage, seconds in last.stages.items()}
    return Pass(last.observations - first.observations, last.seconds - first.seconds, last.cpu - first.cpu, stages)


def _trials(settings: Settings, load: Load) -> Trials:
    """The model alone on some events, as set and with little effort."""
    form, count = Form(settings.events), max(TRIED, min(4 * load.series, 10 * TRIED))
    events = _events(settings, Load(load.series, count, 0.0))
    topic = settings.kafka.inputs[0]
    log = [Record(topic, 0, index, -1, one.key, one.value) for index, one in enumerate(map(form.record, events))]
    little = structs.replace(settings, model=structs.replace(settings.model, effort=LITTLE_EFFORT))
    return Trials(_model_alone(settings, log), _model_alone(little, log))


def _model_alone(settings: Settings, log: Sequence[Record]) -> float:
    """Microseconds of an event, in the second half of some."""
    bank = Bank(hyperparameters(settings), weights=read_weights(settings.model))
    shard = Shard(log[0].topic, 0, 0, settings, bank, time.thread_time)
    half = len(log) // 2
    shard.fold(log[:half], "none")
    return 1e6 * shard.fold(log[half:], "none").seconds["observe"] / (len(log) - half)


def _samples(settings: Settings) -> list[bytes]:
    """Forecasts as long as the model's."""
    draw, model = np.random.default_rng(0), settings.model
    told = Forecasts.zeros(SAMPLES, model.horizon, len(model.quantiles))._replace(
        origin=np.full(SAMPLES, START),
        mean=draw.normal(20, 5, (SAMPLES, model.horizon)),
        quantiles=np.sort(draw.normal(20, 5, (SAMPLES, model.horizon, len(model.quantiles))), axis=-1),
        scale=np.full(SAMPLES, 5.0),
        surprise=draw.random(SAMPLES),
        updates=np.full(SAMPLES, 1000),
        lstm_share=draw.random(SAMPLES),
        step=np.full(SAMPLES, 3600.0),
    )
    names = [f"series-{index:06d}" for index in range(SAMPLES)]
    writer = ForecastWriter(settings.kafka.inputs[0], 0, [str(level) for level in model.quantiles])
    return list(writer.write(names, list(range(SAMPLES)), told))


class _Echo(Shard):
    """A shard without a model: it answers each record with one of a forecast's size."""

    def __init__(self, topic: str, partition: int, next_offset: int, settings: Settings, bank: Bank) -> None:
        super().__init__(topic, partition, next_offset, settings, bank)
        self._answers = _samples(settings)

    def fold(self, records: Sequence[Record], publish: Publish) -> Fold:
        """Answer; nothing is read of them."""
        self.next_offset = records[-1].offset + 1
        told = [Outgoing(one.key, self._answers[one.offset % SAMPLES]) for one in records]
        return Fold([] if publish == "none" else told, [], Counts(len(records), len(records)), {})
