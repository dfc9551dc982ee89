"""How often `surprise` exceeds what it says: .99, .999 and .9999 should be exceeded by 1, .1 and .01 % of values.

    python -m tests.benchmarks.far_tail FOLDER [--only nyc_taxi taylor] [--rows 5000] [--jobs 2]

FOLDER holds CSV files, taken to be undisturbed; generated series of `KINDS` come beside them. Each is shown to a bank
with the default settings, a row a step, the columns of a wide file as a group. Each number is the share above a level
over the share that there should be: 1 is exact, and the bar is a factor of 1.5 for all values together. One set has
too few values for its far tail.
"""

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from lstm_stream import ANY_GAP, Bank, Hyperparameters
from lstm_stream.arithmetic import Doubles
from pipeline.evaluation.log import Log, read_log
from pipeline.files.tables import survey

LEVELS = (0.9, 0.99, 0.999, 0.9999)
BATCH = 512
HOUR = 3_600_000_000
SEASON = 24
Generator = np.random.Generator


def noise(generator: Generator, rows: int) -> Doubles:
    """White noise."""
    return generator.normal(size=rows)


def walk(generator: Generator, rows: int) -> Doubles:
    """A random walk."""
    return np.cumsum(generator.normal(size=rows))


def heavy(generator: Generator, rows: int) -> Doubles:
    """A season with errors of heavy tails."""
    return 3.0 * np.sin(np.arange(rows) * 2 * np.pi / SEASON) + generator.standard_t(3, size=rows)


def skewed(generator: Generator, rows: int) -> Doubles:
    """Bursts: errors of a gamma distribution, on a slow autoregression."""
    values, last = np.zeros(rows), 0.0
    for row, shock in enumerate(generator.gamma(0.5, size=rows)):
        values[row] = last = 0.8 * last + shock
    return values


def clustered(generator: Generator, rows: int) -> Doubles:
    """A walk with volatility that comes in clusters."""
    volatility = np.zeros(rows)
    for row in range(1, rows):
        volatility[row] = 0.98 * volatility[row - 1] + 0.2 * generator.normal()
    return np.cumsum(generator.normal(size=rows) * np.exp(volatility))


def spiky(generator: Generator, rows: int) -> Doubles:
    """Spikes that come again: one value in 50 lies far out."""
    return generator.normal(size=rows) + 20.0 * (generator.random(rows) < 1 / 50)


KINDS: dict[str, Callable[[Generator, int], Doubles]] = {
    each.__name__: each for each in (noise, walk, heavy, skewed, clustered, spiky)
}


def surprises(log: Log) -> Doubles:
    """The surprise of each observation that has one."""
    bank = Bank(Hyperparameters(step="event", max_gap=ANY_GAP, groups=log.together > 1))
    told = []
    for part in log.batches(BATCH):
        names = [log.names[index] for index in part.series]
        told.append(bank.observe(names, part.times, part.values, events=part.events).surprise)
    scores = np.concatenate(told)
    return scores[~np.isnan(scores)]


def of_kind(kind: str, rows: int) -> Doubles:
    """The surprises of a generated series."""
    bank = Bank(Hyperparameters())
    values = KINDS[kind](np.random.default_rng(0), rows)
    scores = bank.observe([kind] * rows, HOUR * np.arange(rows), values).surprise
    return scores[~np.isnan(scores)]


def of_file(path: Path, rows: int) -> Doubles:
    """The surprises of the first rows of a file."""
    log = read_log(survey(path))
    return surprises(log.cut(log.rows < rows))


def exceeded(scores: Doubles) -> list[float]:
    """The share above each level, over the share that there should be."""
    return [float((scores > level).mean()) / (1.0 - level) for level in LEVELS]


def line(name: str, scores: Doubles) -> str:
    """A row of the table."""
    return " | ".join([f"| {name}", f"{len(scores):,}", *(f"{x:.2f}" for x in exceeded(scores))]) + " |"


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    files = [options.folder / f"{name}.csv.gz" for name in options.only] or sorted(options.folder.glob("*.csv.gz"))
    print("| set | values | " + " | ".join(map(str, LEVELS)) + " |\n|" + "---|" * (2 + len(LEVELS)))
    with ProcessPoolExecutor(options.jobs) as pool:
        sets = dict(
            zip([path.name for path in files], pool.map(partial(of_file, rows=options.rows), files), strict=True)
        )
        kinds = dict(zip(KINDS, pool.map(partial(of_kind, rows=options.rows), KINDS), strict=True))
    for name, scores in (sets | kinds).items():
        print(line(name.removesuffix(".csv.gz"), scores))
    print(line("all sets", np.concatenate(list(sets.values()))))
    print(line("all kinds", np.concatenate(list(kinds.values()))))


if __name__ == "__main__":
    main()
