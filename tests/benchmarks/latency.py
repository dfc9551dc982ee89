"""Time from an event sent to its forecast readable, beside a loop without a model: median, p95, p99.

    KAFKA_HOME=... python -m tests.benchmarks.latency [--series 50] [--rate 1000] [--seconds 30]

Events are sent one by one at that rate; the daemon runs in a process of its own, with `delivery.commit_interval` .05,
and so does the loop (see `tests.benchmarks.cycle`), which commits what a poll of 50 ms brought. A consumer with
read_committed notes when each forecast arrives. Latencies are those of the second half. Broker, sender, reader and
program share the cores of this machine: the comparison tells, not the numbers.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec
import numpy as np
from kafka import KafkaConsumer, KafkaProducer
from msgspec import structs

from pipeline.checkpoints import Checkpoints
from pipeline.cluster import KafkaClients, create_topics
from pipeline.metrics import Metrics
from pipeline.settings import Settings, load, to_toml
from pipeline.shard import Shard
from pipeline.worker import Worker, spare_the_collector
from tests.benchmarks.cycle import START, broker, loop, named

WARMING = 5000
"""Events sent before, as fast as it goes: compiled, joined, and the model grown."""


class _Source(msgspec.Struct):
    offset: int


class _Forecast(msgspec.Struct):
    source: _Source


class Reader:
    """Notes when each forecast can be read, by the offset of its event; from `with` to the end of its block."""

    def __init__(self, settings: Settings) -> None:
        self.seen: dict[int, float] = {}
        self._consumer = KafkaConsumer(
            settings.kafka.forecasts,
            bootstrap_servers=settings.kafka.bootstrap_servers,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            group_id=None,
            fetch_max_wait_ms=20,
        )
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        decode = msgspec.json.Decoder(_Forecast).decode
        while not self._over.is_set():
            for messages in self._consumer.poll(50).values():
                now = time.perf_counter()
                for message in messages:
                    self.seen[decode(message.value).source.offset] = now

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._consumer.close()

    def wait_for(self, events: int) -> None:
        """Until so many have been seen."""
        until = time.perf_counter() + 120
        while len(self.seen) < events:
            assert time.perf_counter() < until, f"{len(self.seen)} forecasts of {events}"
            time.sleep(0.05)


class Sender:
    """Sends hourly events of so many series in turn."""

    def __init__(self, settings: Settings, series: int) -> None:
        self._series, self._topic, self.sent = series, settings.kafka.inputs[0], list[float]()
        self._producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers, linger_ms=0)

    def send(self, events: int, rate: float) -> None:
        """So many more, at a rate of so many a second."""
        begun, first = time.perf_counter(), len(self.sent)
        for index in range(first, first + events):
            wait = begun + (index - first) / rate - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            self.sent.append(time.perf_counter())
            stamp = 3600 * (index // self._series)
            value = round(float(np.sin(stamp / 13751 + index % self._series)), 4)
            event = {"series": f"series-{index % self._series}", "timestamp": START + stamp, "value": value}
            self._producer.send(self._topic, json.dumps(event).encode())
        self._producer.flush()


def measured(settings: Settings, kind: str, options: argparse.Namespace, folder: Path) -> list[float]:
    """Latencies in milliseconds."""
    create_topics(settings)
    file = folder / f"{kind}.toml"
    file.write_text(to_toml(settings, mask=False))
    events = WARMING + int(options.rate * options.seconds)
    command = [sys.executable, "-m", "tests.benchmarks.latency", "--run", kind, "--file", str(file)]
    process = subprocess.Popen([*command, "--events", str(events)])
    try:
        with Reader(settings) as reader:
            sender = Sender(settings, options.series)
            sender.send(WARMING, 1e9)
            reader.wait_for(WARMING)
            sender.send(events - WARMING, options.rate)
            reader.wait_for(events)
        return [1000 * (reader.seen[n] - sender.sent[n]) for n in range((WARMING + events) // 2, events)]
    finally:
        process.terminate()
        process.wait()


def run(kind: str, file: Path, events: int) -> None:
    """The daemon's worker, or the loop, until the process is ended."""
    settings = load(str(file), {}, ())
    if kind == "loop":
        loop(settings, events, 50)
        return
    checkpoints = Checkpoints(settings.checkpoints.url, settings.checkpoints.keep)
    spare_the_collector()
    Worker(settings, KafkaClients(settings), checkpoints, Metrics(), shards=Shard).run()


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=50)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--run", choices=["daemon", "loop"], help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--events", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    if options.run:
        run(options.run, options.file, options.events)
        return
    print("| | p50, ms | p95 | p99 |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name, broker(Path(name)) as found:
        settings = structs.replace(found, delivery=structs.replace(found.delivery, commit_interval=0.05))
        for kind in ("loop", "daemon"):
            latencies = measured(named(settings, f"events-{kind}", kind, Path(name)), kind, options, Path(name))
            p50, p95, p99 = np.percentile(latencies, [50, 95, 99])
            print(f"| {kind} | {p50:.0f} | {p95:.0f} | {p99:.0f} |", flush=True)


if __name__ == "__main__":
    main()
