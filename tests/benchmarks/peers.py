"""Events a second and errors beside other ways to do it, on the same topic of the same broker.

    KAFKA_HOME=... python -m tests.benchmarks.peers --venv FOLDER [--series 20] [--events 6000]

`deep-river` is Quix Streams with deep-river's LSTM of each series, `snarimax` a loop of kafka-python with river's
SNARIMAX of each series; see `peer_loop.py`. Both run in a virtual environment of their own, which is made if it is not
there. The events are those of the demo's fleet.

The rate is that of the second half of the events: of lstm-stream by the time stamps of what was written, commits
included; the others tell it themselves, commits left out. The error is the mean absolute error of steps 1 and 1 to 24
of the forecasts of the second half, in standard deviations of each series. Broker and programs share the cores; the
programs run one after the other.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec import structs

from lstm_stream import Observation
from pipeline.cluster import Writer, create_topics, read_topic
from pipeline.fleet import HOUR, Fleet
from pipeline.messages import Outgoing
from pipeline.settings import Settings
from pipeline.shard import Shard
from tests.benchmarks.cycle import broker, daemon, named, rate

LOOP = Path(__file__).absolute().parent / "peer_loop.py"
PINS = ("torch>=2.13,<2.14", "river>=0.25,<0.26", "pandas<3", "scikit-learn", "kafka-python>=3.0.9,<3.1", "quixstreams")
OF_DEEP_RIVER = ("lz4", "tqdm", "sortedcontainers", "torchviz", "pytest")
"""What it imports, and the codec of our events; it pins torch 2.5, so it is installed without its dependencies."""


class Errors(NamedTuple):
    """Mean absolute ones, in standard deviations."""

    one_step: float
    all_steps: float


def environment(folder: Path) -> str:
    """The Python of a virtual environment that has the peers."""
    python = folder.absolute() / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--only-binary", "numpy,scipy,pandas,river,scikit-learn"]
        subprocess.run([*pip, *PINS, *OF_DEEP_RIVER], check=True)
        subprocess.run([*pip, "--no-deps", "deep-river==0.3.4"], check=True)
    return str(python)


def fill(settings: Settings, observations: list[Observation]) -> None:
    """Write them as events."""
    with Writer(settings, settings.kafka.inputs[0]) as writer:
        for one in observations:
            event = {"series": one.series, "timestamp": one.time // 1_000_000, "value": one.value}
            writer.write(Outgoing(one.series.encode(), json.dumps(event).encode()))


def peer(settings: Settings, kind: str, python: str, events: int) -> float:
    """One of the others, until it has answered all events, and its rate; Quix Streams leaves files where it runs."""
    kafka = settings.kafka
    command = [python, str(LOOP), kind, kafka.bootstrap_servers, kafka.inputs[0], kafka.forecasts, str(events)]
    with tempfile.TemporaryDirectory() as folder:
        told = subprocess.run(command, check=True, cwd=folder, stdout=subprocess.PIPE, text=True).stdout
    return float(told.split()[-1])


def ours(settings: Settings, events: int) -> float:
    """The daemon, until it has caught up, and its rate."""
    daemon(settings, Shard)
    return rate(settings, events)


def errors_of(settings: Settings, observations: list[Observation]) -> Errors:
    """Of what was written, one record for each observation."""
    known: dict[str, list[float]] = {}
    for one in observations:
        known.setdefault(one.series, []).append(one.value)
    spread = {name: float(np.std(values)) for name, values in known.items()}
    start = observations[0].time
    errors = []
    told = [json.loads(record.value or b"") for record in read_topic(settings, settings.kafka.forecasts)]
    assert len(told) == len(observations), f"{len(told)} records for {len(observations)} events"
    for forecast in told[len(told) // 2 :]:
        row, values = (_time(forecast["origin"]) - start) // HOUR, known[forecast["series"]]
        to_come = values[row + 1 : row + 25]
        if len(to_come) == 24:
            errors.append(np.abs(np.asarray(forecast["mean"]) - to_come) / spread[forecast["series"]])
    each = np.asarray(errors)
    return Errors(float(each[:, 0].mean()), float(each.mean()))


def _time(origin: str | int) -> int:
    """In microseconds."""
    seconds = origin if isinstance(origin, int) else int(datetime.fromisoformat(origin).timestamp())
    return 1_000_000 * seconds


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, required=True, help="folder of the peers' virtual environment")
    parser.add_argument("--series", type=int, default=20)
    parser.add_argument("--events", type=int, default=6000)
    options = parser.parse_args()
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    python, fleet = environment(options.venv), Fleet(options.series).observations()
    observations = [next(fleet) for _ in range(options.events)]
    kinds: Mapping[str, Callable[[Settings], float]] = {
        "lstm-stream": partial(ours, events=options.events),
        "deep-river": partial(peer, kind="deep-river", python=python, events=options.events),
        "snarimax": partial(peer, kind="snarimax", python=python, events=options.events),
    }
    print("| | events/s | MAE, 1 step | MAE, 24 steps |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name, broker(Path(name)) as found:
        settings = structs.replace(found, events=structs.replace(found.events, timestamp_format="s"))
        create_topics(named(settings, "fleet", "fill", Path(name)))
        fill(named(settings, "fleet", "", Path(name)), observations)
        for kind, work in kinds.items():
            chosen = named(settings, "fleet", kind, Path(name))
            create_topics(chosen)
            per_second = work(chosen)
            each = errors_of(chosen, observations)
            print(f"| {kind} | {per_second:,.0f} | {each.one_step:.4f} | {each.all_steps:.4f} |", flush=True)


if __name__ == "__main__":
    main()
