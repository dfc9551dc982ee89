"""What the cycle around the model costs, and events per second beside a loop without a model on the same broker.

    python -m tests.benchmarks.cycle [--series 50 1000 10000] [--events 40000] [--runs 3] [--no-model]

The loop is what somebody would write who wants the same records and has no model: it reads with read_committed,
decodes each event by msgspec, writes a forecast of 96 numbers as JSON for it, and commits it with its offset in one
transaction, by the client's own calls. The daemon is the real worker; `--no-model` leaves the model out.

The first table tells where an event's CPU time goes, with a model that takes no time. The second tells events per
second, by the time stamps of the second half of what was written, so that joining the group, starting up and a young
model's learning count for none. The runs alternate; medians are shown. The broker is the embedded one, or Apache Kafka
where KAFKA_HOME names a distribution.
"""

import argparse
import json
import logging
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import OffsetAndMetadata
from msgspec import structs

from lstm_stream import Bank, ExpertForecasts, Forecasts
from pipeline.checkpoints import Checkpoints
from pipeline.cluster import LINGER_MS, Consumer, KafkaClients, Producer, Writer, create_topics, read_topic
from pipeline.cluster.admin import BATCH_BYTES, Limits
from pipeline.embedded import EmbeddedBroker
from pipeline.held import Shards
from pipeline.hyperparameters import hyperparameters
from pipeline.messages import ForecastMessage, Model, Outgoing, Source, forecast_id, iso8601
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.shard import Shard
from pipeline.worker import Worker, spare_the_collector
from tests.servers import ApacheKafka

START = 1_704_067_200  # seconds since the epoch, 2024-01-01
Client = TypeVar("Client")
ROWS = 512  # of made up forecasts
STAGES = ("poll", "decode", "observe", "encode", "send", "commit", "the client's threads", "the rest")


@contextmanager
def broker(folder: Path) -> Iterator[Settings]:
    """A broker of its own, and settings that point to it."""
    home = os.environ.get("KAFKA_HOME")
    if home:
        with ApacheKafka(Path(home), folder) as kafka:
            settings = Settings()
            yield structs.replace(
                settings, kafka=structs.replace(settings.kafka, bootstrap_servers=kafka.bootstrap_servers)
            )
        return
    with EmbeddedBroker() as embedded:
        yield embedded.settings_for(Settings())


def named(settings: Settings, events: str, run: str, folder: Path) -> Settings:
    """The same settings with an input of this name, and with outputs and a group for one run."""
    kafka = structs.replace(
        settings.kafka, input=events, forecasts=f"forecasts-{run}", dead_letters=f"dead-{run}", group=run, partitions=1
    )
    checkpoints = structs.replace(settings.checkpoints, url=str(folder / run), interval=3600.0)
    return structs.replace(settings, kafka=kafka, checkpoints=checkpoints)


def fill(settings: Settings, series: int, events: int) -> None:
    """Write hourly events of so many series."""
    with Writer(settings, settings.kafka.inputs[0]) as writer:
        for index in range(events):
            stamp = 3600 * (index // series)
            value = math.sin(2 * math.pi * stamp / 86400 + index % series)
            event = {"series": f"series-{index % series:05d}", "timestamp": START + stamp, "value": round(value, 4)}
            writer.write(Outgoing(None, json.dumps(event).encode()))


# The loop without a model


class Event(msgspec.Struct):
    """What the loop reads."""

    series: str
    timestamp: int
    value: float


def loop(settings: Settings, events: int, patience: int = 200) -> None:
    """Read, decode, encode, send, commit; no model. A poll waits so many milliseconds for a record."""
    kafka = settings.kafka
    consumer = KafkaConsumer(
        kafka.inputs[0],
        bootstrap_servers=kafka.bootstrap_servers,
        group_id=kafka.group,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=int(kafka.session_timeout * 1000),
    )
    producer = KafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers,
        transactional_id=kafka.group,
        batch_size=BATCH_BYTES,
        linger_ms=LINGER_MS,
        compression_type="lz4",
    )
    producer.init_transactions()
    decode, encode = msgspec.json.Decoder(Event).decode, msgspec.json.Encoder().encode
    numbers = np.random.default_rng(0).normal(20, 5, (ROWS, 4, 24)).round(5).tolist()
    done = 0
    while done < events:
        for partition, messages in consumer.poll(patience, kafka.max_poll_records).items():
            producer.begin_transaction()
            for message in messages:
                event = decode(message.value)
                forecast = _forecast(event, numbers[message.offset % ROWS], message.offset)
                producer.send(kafka.forecasts, encode(forecast), event.series.encode())
            offset = OffsetAndMetadata(messages[-1].offset + 1, "", -1)
            producer.send_offsets_to_transaction({partition: offset}, consumer.group_metadata())
            producer.commit_transaction()
            done += len(messages)
    consumer.close()
    producer.close()


def _forecast(event: Event, numbers: list[list[float]], offset: int) -> ForecastMessage:
    mean, *quantiles = numbers
    origin = iso8601(1_000_000 * event.timestamp)
    return ForecastMessage(
        id=forecast_id(event.series, origin),
        series=event.series,
        origin=origin,
        step_seconds=3600.0,
        horizon=24,
        mean=mean,
        quantiles=dict(zip(("0.05", "0.5", "0.95"), quantiles, strict=True)),
        surprise=0.1234,
        status="ok",
        model=Model(123, 0.61),
        source=Source("events", 0, offset),
    )


# The daemon


class Still(Bank):
    """A model that takes no time: of a series that it knows, it foresees the same again and again."""

    def observe(
        self,
        series: Sequence[str],
        times: npt.NDArray[np.int64],
        values: npt.NDArray[np.float64],
        *,
        events: npt.NDArray[np.int64] | None = None,
        covariates: npt.NDArray[np.float64] | None = None,
        by_expert: ExpertForecasts | None = None,
    ) -> Forecasts:
        """Forecast; only what is new is really observed."""
        if any(name not in self.names for name in series):
            return super().observe(series, times, values, events=events, covariates=covariates, by_expert=by_expert)
        count, rows = len(series), np.arange(len(series)) % ROWS
        return Forecasts.zeros(count, 24, 3)._replace(
            origin=times.copy(),
            mean=_STILL[rows, 0],
            quantiles=np.sort(_STILL[rows, 1:].transpose(0, 2, 1)).copy(),
            scale=np.full(count, 5.0),
            surprise=np.full(count, 0.1234),
            step=np.full(count, 3600.0),
            updates=np.full(count, 123),
            lstm_share=np.full(count, 0.61),
        )


_STILL = np.random.default_rng(0).normal(20, 5, (ROWS, 4, 24))


class StillShards:
    """Shards with a model that takes no time, whose stages are told by CPU time."""

    def fresh(self, topic: str, partition: int, next_offset: int, settings: Settings) -> Shard:
        """One that has seen nothing."""
        return Shard(topic, partition, next_offset, settings, Still(hyperparameters(settings)), time.thread_time)

    def load(
        self,
        topic: str,
        partition: int,
        header: Mapping[str, object],
        arrays: Mapping[str, npt.NDArray[Any]],
        settings: Settings,
    ) -> Shard:
        """The shard of a dump, with the real model."""
        return Shard.load(topic, partition, header, arrays, settings)


def daemon(settings: Settings, shards: Shards, clients: KafkaClients | None = None) -> Metrics:
    """The real worker, until it has caught up."""
    checkpoints, metrics = Checkpoints(settings.checkpoints.url, settings.checkpoints.keep), Metrics()
    spare_the_collector()
    Worker(settings, clients or KafkaClients(settings), checkpoints, metrics, shards=shards).run(drain=True)
    return metrics


class TimedClients(KafkaClients):
    """Clients whose calls are timed, by the CPU time of the thread that makes them."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.seconds = dict.fromkeys(STAGES, 0.0)

    def consumer(self) -> Consumer:
        """With a timed poll."""
        return self._timed(super().consumer(), {"poll": "poll"})

    def producer(self, limits: Limits) -> Producer:
        """With timed calls."""
        calls = {"send_all": "send", "flush": "send", "begin_transaction": "commit", "commit_transaction": "commit"}
        return self._timed(super().producer(limits), {**calls, "send_offsets_to_transaction": "commit"})

    def _timed(self, client: Client, stages: Mapping[str, str]) -> Client:
        for name, stage in stages.items():
            setattr(client, name, self._call(getattr(client, name), stage))
        return client

    def _call(self, call: Callable[..., object], stage: str) -> Callable[..., object]:
        @wraps(call)
        def timed(*arguments: object, **options: object) -> object:
            started = time.thread_time()
            try:
                return call(*arguments, **options)
            finally:
                self.seconds[stage] += time.thread_time() - started

        return timed


def stages(settings: Settings, events: int) -> dict[str, float]:
    """Microseconds of CPU of an event, by stage, without a model."""
    clients = TimedClients(settings)
    process, thread = time.process_time(), time.thread_time()
    metrics = daemon(settings, StillShards(), clients)
    process, thread = time.process_time() - process, time.thread_time() - thread
    told = metrics.seconds_by_stage()
    found = {**clients.seconds, **{stage: told[stage] for stage in ("decode", "observe", "encode")}}
    found["the client's threads"] = process - thread
    found["the rest"] = thread - sum(found[stage] for stage in STAGES[:6])
    return {stage: 1e6 * seconds / events for stage, seconds in found.items()}


# Together


def rate(settings: Settings, events: int) -> float:
    """Events a second, by the second half of what was written."""
    stamps = [one.timestamp for one in read_topic(settings, settings.kafka.forecasts)]
    assert len(stamps) == events, f"{len(stamps)} records for {events} events"
    half = stamps[events // 2 :]
    return 1000 * (len(half) - 1) / (half[-1] - half[0])


def measured(settings: Settings, series: int, options: argparse.Namespace, folder: Path) -> str:
    """One row of both tables."""
    events = f"events-{series}"
    create_topics(named(settings, events, f"fill-{series}", folder))
    fill(named(settings, events, "", folder), series, options.events)
    kinds: dict[str, Callable[[Settings], object]] = {
        "loop": partial(loop, events=options.events),
        "cycle": partial(stages, events=options.events),
    }
    if not options.no_model:
        kinds["daemon"] = partial(daemon, shards=Shard)
    rates: dict[str, list[float]] = {kind: [] for kind in kinds}
    costs: list[dict[str, float]] = []
    for run in range(options.runs):
        for kind, work in kinds.items():
            chosen = named(settings, events, f"{kind}-{series}-{run}", folder)
            create_topics(chosen)
            told = work(chosen)
            if isinstance(told, dict):
                costs.append(told)
            rates[kind].append(rate(chosen, options.events))
    cost = " | ".join(f"{median(each[stage] for each in costs):.1f}" for stage in STAGES)
    row = " | ".join(f"{median(rates[kind]):,.0f} | {_ratio(rates, kind):.2f}" for kind in kinds if kind != "loop")
    return f"| {series:,} | {cost} |\n| {series:,} | {median(rates['loop']):,.0f} | {row} |"


def _ratio(rates: Mapping[str, Sequence[float]], kind: str) -> float:
    return median(ours / alone for alone, ours in zip(rates["loop"], rates[kind], strict=True))


def main() -> None:
    """Print two Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[50, 1000, 10_000])
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-model", action="store_true")
    options = parser.parse_args()
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as name, broker(Path(name)) as settings:
        rows = [measured(settings, series, options, Path(name)).splitlines() for series in options.series]
    print(f"us of CPU of an event, with a model that takes no time:\n\n| series | {' | '.join(STAGES)} |")
    print("|---" * (len(STAGES) + 1) + "|", *(row[0] for row in rows), sep="\n")
    head = "| series | loop, events/s | without a model | of the loop |" + (
        "" if options.no_model else " daemon | of the loop |"
    )
    print(f"\n{head}\n" + "|---" * (head.count("|") - 1) + "|", *(row[1] for row in rows), sep="\n")


if __name__ == "__main__":
    main()
