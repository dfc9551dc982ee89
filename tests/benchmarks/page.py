"""How long the live page's questions take while the daemon works: percentiles for each path.

    python -m tests.benchmarks.page --series 1000 --rate 3000 --seconds 60

The embedded broker, a producer and the daemon share the machine with the questions. The first of each path is told
apart: it has to wait for the worker to come by.
"""

import http.client
import json
import math
import tempfile
import threading
import time
from pathlib import Path

import click
import numpy as np
from msgspec import structs

from pipeline.cluster import Writer, create_topics
from pipeline.embedded import EmbeddedBroker
from pipeline.messages import Outgoing
from pipeline.settings import Events, Settings, Web
from tests.members import Member
from tests.servers import wait_until

PATHS = (
    "/api/list?limit=50",
    "/api/list?limit=50&search=sensor-00&sort=skill",
    "/api/list?limit=50&sort=name&descending=false&offset=500",
    "/api/series?limit=200",
    "/api/series/sensor-00007?horizon=6",
    "/api/status",
)
START, STEP = 1_700_000_000_000, 60_000  # milliseconds
PAUSE = 0.03  # seconds between two questions


@click.command()
@click.option("--series", default=1000, show_default=True)
@click.option("--rate", default=3000, show_default=True, help="Events a second.")
@click.option("--seconds", default=60.0, show_default=True)
@click.option("--workers", default=1, show_default=True)
def main(series: int, rate: int, seconds: float, workers: int) -> None:
    """Ask in turn, and tell how long the answers took."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker() as broker:
        settings = settings_of(broker, Path(folder), workers)
        create_topics(settings)
        stop = threading.Event()
        with Member(settings, Path(folder), "daemon") as member:
            wait_until(lambda: member.ask("/api/status").get("state") == "ready", "the daemon to be ready")
            feeding = threading.Thread(target=feed, args=(settings, series, rate, stop))
            feeding.start()
            try:
                wait_until(lambda: member.ask("/api/series")["total"] == series, "all series to be seen")
                tell(ask(f"{member.page()}", seconds), member.ask("/api/status"))
            finally:
                stop.set()
                feeding.join()


def settings_of(broker: EmbeddedBroker, folder: Path, workers: int) -> Settings:
    """The usual ones, on a grid of a minute."""
    settings = broker.settings_for(Settings())
    return structs.replace(
        settings,
        kafka=structs.replace(settings.kafka, partitions=2, workers=workers),
        events=Events(step=60.0),
        web=Web(port=0),
        checkpoints=structs.replace(settings.checkpoints, url=str(folder / "checkpoints")),
    )


def feed(settings: Settings, series: int, rate: int, stop: threading.Event) -> None:
    """Send events at that rate until told to stop."""
    started, sent, step = time.monotonic(), 0, 0
    with Writer(settings, settings.kafka.inputs[0]) as writer:
        while not stop.is_set():
            for number in range(series):
                value = math.sin(step / (3 + number % 7)) + number
                body = {"timestamp": START + step * STEP, "value": round(value, 5)}
                writer.write(Outgoing(b"sensor-%05d" % number, json.dumps(body).encode()))
                sent += 1
                if sent % 100 == 0 and stop.wait(max(0.0, sent / rate - (time.monotonic() - started))):
                    return
            step += 1


def ask(page: str, seconds: float) -> dict[str, list[float]]:
    """Seconds that each answer took, by path."""
    took: dict[str, list[float]] = {path: [] for path in PATHS}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for path, each in took.items():
            each.append(answer(page, path))
            time.sleep(PAUSE)
    return took


def answer(page: str, path: str) -> float:
    """Seconds from the connection to the last byte; a page that is not answered counts as one that never was."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection(page.removeprefix("http://"), timeout=30)
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    connection.close()
    return time.perf_counter() - started if response.status == http.client.OK else math.inf


def tell(took: dict[str, list[float]], status: dict[str, object]) -> None:
    """Print a table."""
    print(f"{status['events_per_second']:.0f} events/s")
    for path, each in took.items():
        first, *others = [1000 * seconds for seconds in each]
        middle, late, worst = np.percentile(others, [50, 99, 100])
        print(
            f"{path:55} first {first:4.0f} ms, p50 {middle:5.1f} ms, p99 {late:5.1f} ms, worst {worst:5.1f} ms"
            f" of {len(others)}"
        )


if __name__ == "__main__":
    main()
