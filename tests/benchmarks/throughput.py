"""Events per second of the daemon, beside a loop without a model on the same broker.

    python -m tests.benchmarks.throughput [--series 1000] [--events 40000] [--runs 3]

Both read the same topic with read_committed, decode each event, and write a record of a forecast's size for it, with
its offset in the same transaction. The loop has nothing else to do. The rate is told by the time stamps of what was
written, from the first record to the last, so that joining the group and starting up count for neither. The runs
alternate; medians are shown. The broker is the embedded one, or Apache Kafka where KAFKA_HOME names a distribution.
"""

import argparse
import json
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import OffsetAndMetadata
from msgspec import structs

from pipeline.admin import BATCH_BYTES
from pipeline.checkpoints import Checkpoints
from pipeline.cluster import LINGER_MS, KafkaClients, Writer, create_topics, read_topic, record
from pipeline.embedded import EmbeddedBroker
from pipeline.events import Decoder
from pipeline.messages import Outgoing
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.worker import Worker
from tests.servers import ApacheKafka

FORECAST = b"x" * 1400
"""About what a forecast with the default horizon and quantiles weighs."""
START = 1_704_067_200  # seconds since the epoch, 2024-01-01


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


def named(settings: Settings, run: str, folder: Path) -> Settings:
    """The same settings with topics and a group for one run."""
    kafka = structs.replace(
        settings.kafka, forecasts=f"forecasts-{run}", dead_letters=f"dead-{run}", group=run, partitions=1
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


def loop(settings: Settings, events: int) -> None:
    """Read, decode, write; no model."""
    kafka, decoder = settings.kafka, Decoder()
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
    )
    producer.init_transactions()
    done = 0
    while done < events:
        for partition, messages in consumer.poll(200, kafka.max_poll_records).items():
            producer.begin_transaction()
            for message in messages:
                (observation,) = decoder.decode(record(message)).observations
                producer.send(kafka.forecasts, FORECAST, observation.series.encode())
            offset = OffsetAndMetadata(messages[-1].offset + 1, "", -1)
            producer.send_offsets_to_transaction({partition: offset}, consumer.group_metadata())
            producer.commit_transaction()
            done += len(messages)
    consumer.close()
    producer.close()


def daemon(settings: Settings) -> None:
    """The real worker, until it has caught up."""
    checkpoints = Checkpoints(settings.checkpoints.url, settings.checkpoints.keep)
    Worker(settings, KafkaClients(settings), checkpoints, Metrics()).run(drain=True)


def rate(settings: Settings, events: int) -> float:
    """Events a second, by what was written."""
    stamps = [one.timestamp for one in read_topic(settings, settings.kafka.forecasts)]
    assert len(stamps) == events, f"{len(stamps)} records for {events} events"
    return 1000 * len(stamps) / (stamps[-1] - stamps[0])


def main() -> None:
    """Print both rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    rates: dict[str, list[float]] = {"loop": [], "daemon": []}
    with tempfile.TemporaryDirectory() as name, broker(Path(name)) as settings:
        create_topics(named(settings, "fill", Path(name)))
        fill(settings, options.series, options.events)
        for run in range(options.runs):
            for kind, measured in rates.items():
                chosen = named(settings, f"{kind}-{run}", Path(name))
                create_topics(chosen)
                loop(chosen, options.events) if kind == "loop" else daemon(chosen)
                measured.append(rate(chosen, options.events))
    alone, ours = median(rates["loop"]), median(rates["daemon"])
    ratio = median(b / a for a, b in zip(rates["loop"], rates["daemon"], strict=True))
    print(f"a loop without a model {alone:,.0f} events/s, lstm-stream {ours:,.0f} events/s, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
