"""CPU that the model takes for an observation, by the number of series: ``python -m tests.benchmarks.model``.

Series are hourly, with a season of a day and noise. Each number is the median over rounds, which are interleaved, so
that a busy machine falls on all of them alike. `without` is the model with ``effort = 0``: it takes its steps and does
not learn. A round of one series hands over one observation a call.
"""

import argparse
import time
from statistics import median

import numpy as np

from lstm_stream import Bank, Hyperparameters
from lstm_stream.arithmetic import Doubles, Wholes

HOUR = 3_600_000_000
CALL = 500
"""Observations of a call, at most."""


class Load:
    """A bank of so many series that takes observations in turn."""

    def __init__(self, series: int, effort: float, settle: int) -> None:
        self.bank = Bank(Hyperparameters(effort=effort))
        self.names = [f"series {i}" for i in range(series)]
        self.call = 1 if series == 1 else min(CALL, series * 10)
        self.next = 0
        self.take(max(series, settle))

    def take(self, observations: int) -> float:
        """CPU in microseconds for each of the next observations."""
        calls = [self._made(begin, observations) for begin in range(self.next, self.next + observations, self.call)]
        begun = time.process_time()
        for names, times, values in calls:
            self.bank.observe(names, times, values)
        spent = time.process_time() - begun
        self.next += observations
        return spent / observations * 1e6

    def _made(self, begin: int, observations: int) -> tuple[list[str], Wholes, Doubles]:
        which = np.arange(begin, min(begin + self.call, self.next + observations))
        row, hour = which % len(self.names), which // len(self.names)
        return [self.names[i] for i in row], hour * HOUR, _values(row, hour)


def _values(row: Wholes, hour: Wholes) -> Doubles:
    noise = np.sin(12.9898 * row + 78.233 * hour) * 43758.5453
    values: Doubles = 10.0 + row % 7 + np.sin(hour * (2 * np.pi / 24) + row) + 0.3 * (noise - np.floor(noise))
    return values


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[1, 50, 1_000, 10_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--observations", type=int, default=5_000, help="of a round, at least one of each series")
    parser.add_argument("--settle", type=int, default=60_000, help="observations before; a young shard learns more")
    parser.add_argument("--efforts", type=float, nargs="+", default=[0.0, 1.0])
    options = parser.parse_args()
    loads = {(n, e): Load(n, e, options.settle) for n in options.series for e in options.efforts}
    spent: dict[tuple[int, float], list[float]] = {key: [] for key in loads}
    for _ in range(options.rounds):
        for key, load in loads.items():
            spent[key].append(load.take(max(options.observations, key[0])))
    print(f"{'series':>8}" + "".join(f"{f'effort {e:g}, us':>18}" for e in options.efforts))
    for n in options.series:
        print(f"{n:>8}" + "".join(f"{median(spent[n, e]):>18.1f}" for e in options.efforts))


if __name__ == "__main__":
    main()
