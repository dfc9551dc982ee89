"""Odd series for hours: does a step ever raise, warn, or come to what is not finite?

    nice python -m tests.benchmarks.odd --observations 5000000 --seed 0
    python -m tests.benchmarks.odd --only 1234

Each seed is a bank of its own with rules and series drawn from it: one long series, a group whose members come and go,
or hundreds of short series. Numpy's warnings count as errors. What the net under a step caught is told with its seed,
which can be run again by itself. Of small seeds the log is also split otherwise, with a dump and a load in between, and
must come to the same bytes.
"""

import argparse
import time
from collections import Counter
from typing import NamedTuple

import numpy as np

from lstm_stream.faults import RAISED, told
from tests.odd_series import Odd, odd
from tests.totality import run

BATCH = 20_000
"""Observations of a call."""
SPLIT = 1500
"""Observations up to which a log is also split otherwise."""
EVERY = 30.0
"""Seconds from one line of progress to the next."""


class Verdict(NamedTuple):
    """What a seed came to."""

    observations: int
    outcomes: Counter[str]
    problems: list[str]


def verdict(case: Odd, seed: int) -> Verdict:
    """Go through a seed's log, and if it is short once more in other parts."""
    count = len(case.log.series)
    try:
        whole = run(case, range(0, count, BATCH), bytes_kept=count <= SPLIT)
        problems = whole.problems
        if count <= SPLIT:
            cuts = np.random.default_rng(seed).integers(0, max(count, 1), 9).tolist()
            parts = run(case, cuts, restored_at=4)
            problems += [] if parts.rows == whole.rows else ["not so: the same bytes for any split, dump and load"]
        return Verdict(count, whole.outcomes, problems)
    except RAISED as error:
        return Verdict(count, Counter(), [f"stopped: {told(error)}"])


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--observations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--only", type=int, help="this seed alone, with tracebacks")
    options = parser.parse_args()
    if options.only is not None:
        case = odd(options.only)
        found = verdict(case, options.only)
        print(case.rules, dict(found.outcomes), *found.problems, sep="\n")
        return
    total, outcomes, faulty, seeds = 0, Counter[str](), dict[int, int](), 0
    began = said = time.monotonic()
    while total < options.observations:
        seed = options.seed + seeds
        found = verdict(odd(seed), seed)
        total, seeds = total + found.observations, seeds + 1
        outcomes += found.outcomes
        if found.problems:
            faulty[seed] = len(found.problems)
            print(f"seed {seed}: {len(found.problems)} problems, the first: {found.problems[0][-600:]}", flush=True)
        if time.monotonic() - said > EVERY:
            said = time.monotonic()
            print(
                f"{said - began:.0f} s: {seeds} seeds, {total:,} observations, {sum(faulty.values())} problems",
                flush=True,
            )
    worst = max(faulty, key=lambda seed: faulty[seed], default=None)
    came = ", ".join(f"{number:,} {name.lower()}" for name, number in outcomes.most_common())
    print(f"{seeds} seeds from {options.seed}, {total:,} observations ({came}) in {time.monotonic() - began:.0f} s")
    print(
        f"{sum(faulty.values())} problems in {len(faulty)} seeds"
        + ("" if worst is None else f", most in --only {worst}")
    )


if __name__ == "__main__":
    main()
