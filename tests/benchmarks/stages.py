"""CPU time an observation takes, by stage: decode, observe, learn, encode.

    python -m tests.benchmarks.stages [--series 1 50 1000] [--observations 20000]

Learning is what `observe` takes more with the default effort than with none. No broker takes part.
"""

import argparse
import json
import math
import time
from statistics import median

from msgspec import structs

from lstm_stream import Bank
from pipeline.hyperparameters import hyperparameters
from pipeline.messages import Record
from pipeline.settings import Settings
from pipeline.shard import Shard

BATCH = 500
START = 1_704_067_200  # seconds since the epoch, 2024-01-01
RUNS = 3


def records(series: int, count: int) -> list[Record]:
    """Hourly events of so many series, one after the other."""
    return [_record(index, index % series, 3600 * (index // series)) for index in range(count)]


def _record(offset: int, series: int, stamp: int) -> Record:
    value = math.sin(2 * math.pi * stamp / 86400 + series) + 0.1 * math.sin(offset * 12.9898)
    event = {"series": f"series-{series:05d}", "timestamp": START + stamp, "value": round(value, 4)}
    return Record("events", 0, offset, -1, None, json.dumps(event).encode())


def measured(log: list[Record], effort: float) -> dict[str, float]:
    """Microseconds of CPU an observation, by stage."""
    settings = Settings()
    settings = structs.replace(settings, model=structs.replace(settings.model, effort=effort))
    shard = Shard("events", 0, 0, settings, Bank(hyperparameters(settings)), time.process_time)
    half = len(log) // 2
    folds = [shard.fold(log[begin : begin + BATCH], "every") for begin in range(0, len(log), BATCH)]
    warm = folds[half // BATCH :]
    observations = sum(fold.counts.observations for fold in warm)
    return {stage: 1e6 * sum(fold.seconds[stage] for fold in warm) / observations for stage in warm[0].seconds}


def table(series: int, observations: int) -> dict[str, float]:
    """Medians of several runs, with and without learning in turn."""
    log = records(series, max(observations, 100 * series))
    pairs = [(measured(log, 1.0), measured(log, 0.0)) for _ in range(RUNS)]
    idle = {stage: median(without[stage] for _, without in pairs) for stage in pairs[0][1]}
    learn = median(with_["observe"] - without["observe"] for with_, without in pairs)
    return {"decode": idle["decode"], "observe": idle["observe"], "learn": learn, "encode": idle["encode"]}


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[1, 50, 1000])
    parser.add_argument("--observations", type=int, default=4000)
    options = parser.parse_args()
    print("| series in the shard | decode | observe | learn | encode | us in all |\n|---|---|---|---|---|---|")
    for series in options.series:
        stages = table(series, options.observations)
        print(f"| {series} | " + " | ".join(f"{each:.1f}" for each in (*stages.values(), sum(stages.values()))) + " |")


if __name__ == "__main__":
    main()
