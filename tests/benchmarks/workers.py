"""What two workers do on two cores, beside one: events a second, the broker's share taken off.

    KAFKA_HOME=... python -m tests.benchmarks.workers [--workers 2] [--series 1000] [--events 40000] [--runs 3]

Both read a topic of four partitions under one parent, or as one process. The broker and this program compete for the
same cores, so the time that passes tells little. What is compared is processor time: a worker that has a core to
itself needs as many seconds as it computes, and all of them are done when the busiest is. So the rate is events /
processor seconds of the busiest worker, from when all are up and warm to the last forecast. Starting up, the parent
and the broker are left out; the parent's own time is told. The runs alternate; medians are shown, also of the events a
second that passed. The broker is the embedded one, or Apache Kafka where KAFKA_HOME names a distribution.
"""

import argparse
import json
import math
import os
import re
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from statistics import median
from typing import NamedTuple

from kafka.partitioner.default import murmur2
from msgspec import structs

from pipeline.cluster import Writer, create_topics, read_topic
from pipeline.messages import Outgoing
from pipeline.settings import Settings
from pipeline.workers.totals import Sample, read
from tests.benchmarks.cycle import START, broker
from tests.members import Member
from tests.servers import wait_until

PARTITIONS = 4
WARM = 0.25
"""Of the events, written before and not counted: a young shard learns more."""
PATIENCE = 600.0  # seconds: the first worker may compile
TICKS = os.sysconf("SC_CLK_TCK")


class Run(NamedTuple):
    """One run.

    Attributes
    ----------
    cpu
        Processor seconds of each worker.
    parent
        Those of the parent; 0 without one.
    events
        How many were forecast meanwhile.
    passed
        Seconds from the first forecast to the last.
    """

    cpu: tuple[float, ...]
    parent: float
    events: int
    passed: float

    @property
    def rate(self) -> float:
        """Events a second, if each worker had a core to itself."""
        return self.events / max(self.cpu)

    @property
    def cost(self) -> float:
        """Microseconds of the workers' processors an event."""
        return 1e6 * sum(self.cpu) / self.events


class Daemon(Member):
    """The daemon, with the process ids of its workers."""

    def pids(self) -> list[int]:
        """The parent first, where there is one."""
        workers = [one["pid"] for one in self.ask("/api/status").get("workers", ())]
        return [self._process.pid, *workers]

    def is_balanced(self, workers: int) -> bool:
        """Whether each worker is ready with as many partitions as any other."""
        try:
            status = self.ask("/api/status")
        except urllib.error.URLError:
            return False
        held = [one["partitions"] for one in status.get("workers", ())] or [len(status.get("partitions", ()))]
        return status.get("state") == "ready" and held == [PARTITIONS // workers] * workers

    def forecasts(self) -> float:
        """How many are committed."""
        found = re.search(r"http://127.0.0.1:\d+", self._log.read_text())
        assert found is not None
        with urllib.request.urlopen(f"{found[0]}/metrics", timeout=60) as page:
            return read(page.read().decode())[Sample("lstm_stream_forecasts_total")]

    def wait_for(self, forecasts: int) -> None:
        """Until so many are committed; it is asked once a second, as that costs time, too."""
        while self.forecasts() < forecasts:
            time.sleep(1.0)


def seconds(pid: int) -> float:
    """Processor time of a process until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def names(series: int) -> list[str]:
    """Names of series of which each partition gets as many as any other."""
    each, numbers = series // PARTITIONS, count()
    homes: list[list[str]] = [[] for _ in range(PARTITIONS)]
    while min(map(len, homes)) < each:
        name = f"series-{next(numbers):05d}"
        homes[(murmur2(name.encode()) & 0x7FFFFFFF) % PARTITIONS].append(name)
    return [name for together in zip(*(home[:each] for home in homes), strict=True) for name in together]


def fill(settings: Settings, named: Sequence[str], first: int, last: int) -> None:
    """Write hourly events, keyed by their series."""
    series = len(named)
    with Writer(settings, settings.kafka.inputs[0]) as writer:
        for index in range(first, last):
            name, stamp = named[index % series], 3600 * (index // series)
            value = math.sin(2 * math.pi * stamp / 86400 + index % series) + 0.1 * math.sin(12.9898 * index)
            event = {"series": name, "timestamp": START + stamp, "value": round(value, 4)}
            writer.write(Outgoing(name.encode(), json.dumps(event).encode()))


def named(settings: Settings, run: str, folder: Path) -> Settings:
    """Topics and a group of its own."""
    kafka = structs.replace(
        settings.kafka,
        input=f"events-{run}",
        forecasts=f"forecasts-{run}",
        dead_letters=f"dead-{run}",
        group=run,
        partitions=PARTITIONS,
    )
    return structs.replace(
        settings,
        kafka=kafka,
        checkpoints=structs.replace(settings.checkpoints, url=str(folder / run), interval=3600.0),
        web=structs.replace(settings.web, port=0),
    )


def measured(settings: Settings, workers: int, series: int, events: int, folder: Path) -> Run:
    """Run so many workers on so many events."""
    create_topics(settings)
    warm, keys = int(WARM * events), names(series)
    with Daemon(settings, folder, settings.kafka.group, "--workers", str(workers)) as daemon:
        wait_until(lambda: daemon.is_balanced(workers), "all workers to be up", PATIENCE)
        fill(settings, keys, 0, warm)
        daemon.wait_for(warm)
        pids = daemon.pids()
        before = [seconds(pid) for pid in pids]
        fill(settings, keys, warm, warm + events)
        daemon.wait_for(warm + events)
        spent = [seconds(pid) - then for pid, then in zip(pids, before, strict=True)]
        daemon.end()
    stamps = sorted(one.timestamp for one in read_topic(settings, settings.kafka.forecasts))[warm:]
    assert len(stamps) == events, f"{len(stamps)} forecasts of {events} events"
    parent, *of_workers = spent if workers > 1 else (0.0, *spent)
    return Run(tuple(of_workers), parent, events, (stamps[-1] - stamps[0]) / 1000)


def row(workers: int, runs: Sequence[Run]) -> str:
    """One row of the table, of medians."""
    cost, rate = median(run.cost for run in runs), median(run.rate for run in runs)
    passed = median(run.events / run.passed for run in runs)
    parent = median(100 * run.parent / run.passed for run in runs)
    return f"| {workers} | {cost:.0f} | {rate:,.0f} | {passed:,.0f} | {parent:.1f} |"


def main() -> None:
    """Print a Markdown table, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, choices=(2, 4), default=2)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    runs: dict[int, list[Run]] = {1: [], options.workers: []}
    with tempfile.TemporaryDirectory() as name, broker(Path(name)) as settings:
        for number in range(options.runs):
            for workers, done in runs.items():
                chosen = named(settings, f"run-{workers}-{number}", Path(name))
                done.append(measured(chosen, workers, options.series, options.events, Path(name)))
    print("| workers | CPU us an event | events/s, a core each | events/s that passed | parent's CPU % |")
    print("|---|---|---|---|---|")
    for workers, done in runs.items():
        print(row(workers, done))
    ratios = [several.rate / one.rate for one, several in zip(*runs.values(), strict=True)]
    print(f"{options.workers} workers / 1: {median(ratios):.2f} ({', '.join(f'{ratio:.2f}' for ratio in ratios)})")


if __name__ == "__main__":
    main()
