"""Measure forecast quality on the files of a folder, and write it as Markdown and JSON.

    python -m tests.benchmarks.quality FOLDER [--only SETS...] [--parts NAME...] [--out FOLDER]

FOLDER holds one `<set>.csv.gz` a set and `baselines.json`, which names the sets and the best of twenty baselines on
each. The plain table is measured unless other parts are asked for:

table          errors and intervals on every set, beside the best baselines and what is published
without-lstm   the same sets, with a network that says nothing
without-state  the same sets, with a network that carries no state along
quantiles      coverage of 101 levels, the .5 quantile beside the mean, CRPS beside last value's
bands          intervals beside those around the last value and around the seasonal naive
mixed          all series of all sets in one bank, beside a bank for each set
cold           the first 150 values of series that are alone, beside a bank without the pretrained network
alike          a series that joins 200 of its kind
shift          all series of ETTh1 move up by 3 standard deviations
robust         1e12, constants, zeros and turned signs in the series of nyc_taxi and taylor
effort         the table's means with less learning
peers          river and deep-river on nyc_taxi
gift           windows of GIFT-Eval at the end of ETTm1, after 3,000 rows and after all
adapt-z        the protocol of ADAPT-Z on ETTh1, ETTh2, ETTm1
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from tests.benchmarks.quality.alike import Family, alike
from tests.benchmarks.quality.bands import bands
from tests.benchmarks.quality.cold import cold
from tests.benchmarks.quality.effort import effort
from tests.benchmarks.quality.mixed import mixed
from tests.benchmarks.quality.peers import Company, peers
from tests.benchmarks.quality.published import adapt_z, gift
from tests.benchmarks.quality.quantiles import quantiles
from tests.benchmarks.quality.reference import Baselines, read_baselines
from tests.benchmarks.quality.robust import Trial, robust
from tests.benchmarks.quality.shift import Step, shift
from tests.benchmarks.quality.table import table
from tests.benchmarks.quality.without import without
from tests.benchmarks.quality.workers import Start, Workers


class Part(Protocol):
    """What came of a part; a Struct, which is how it looks as JSON."""

    def markdown(self) -> str: ...


class Asked(NamedTuple):
    """What the command line tells, and who does the work."""

    folder: Path
    paths: tuple[str, ...]
    baselines: Mapping[str, Baselines]
    effort: float
    rows: int | None
    python: str
    start: Start

    def path(self, name: str) -> str:
        """Of a set's file."""
        return str(self.folder / f"{name}.csv.gz")


PARTS: Mapping[str, Callable[[Asked], Part]] = {
    "table": lambda asked: table(asked.paths, asked.baselines, asked.effort, asked.start),
    "without-lstm": lambda asked: without(asked.paths, "absent", asked.effort, asked.start),
    "without-state": lambda asked: without(asked.paths, "forgetful", asked.effort, asked.start),
    "quantiles": lambda asked: quantiles(asked.paths, asked.effort, asked.start),
    "bands": lambda asked: bands(asked.paths, asked.effort, asked.start),
    "mixed": lambda asked: mixed(asked.paths, asked.effort, asked.rows, asked.start),
    "cold": lambda asked: cold(asked.paths, asked.start),
    "alike": lambda asked: alike(Family(), asked.start),
    "shift": lambda asked: shift(Step(asked.path("ETTh1")), asked.start),
    "robust": lambda asked: robust([Trial(asked.path(name)) for name in ("nyc_taxi", "taylor")], asked.start),
    "effort": lambda asked: effort(asked.paths, asked.baselines, asked.start),
    "gift": lambda asked: gift(asked.path("ETTm1"), asked.start),
    "adapt-z": lambda asked: adapt_z(asked.folder, asked.start),
    "peers": lambda asked: peers(Company(asked.path("nyc_taxi"), asked.python), asked.start),
}


def main() -> None:
    """Measure what is asked for, part by part."""
    options = _parser().parse_args()
    workers = Workers(options.jobs)
    asked = _asked(options, workers.start)
    found: dict[str, Part] = {}
    try:
        for name in options.parts:
            found[name] = PARTS[name](asked)
            print(_chapter(name, found[name]), flush=True)
            if options.out:
                write(options.out, found)
    finally:
        workers.close()


def write(folder: Path, found: Mapping[str, Part]) -> None:
    """Write all parts so far as `quality.md` and `quality.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "quality.md").write_text("\n".join(_chapter(name, part) for name, part in found.items()))
    (folder / "quality.json").write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


def _chapter(name: str, part: Part) -> str:
    return f"## {name}\n\n{part.markdown()}\n"


def _asked(options: argparse.Namespace, start: Start) -> Asked:
    baselines = read_baselines(options.folder)
    paths = [options.folder / f"{name}.csv.gz" for name in options.only or baselines]
    largest_first = sorted(paths, key=lambda path: -path.stat().st_size)
    return Asked(
        folder=options.folder,
        paths=tuple(str(path) for path in largest_first),
        baselines=baselines,
        effort=options.effort,
        rows=options.rows,
        python=options.python,
        start=start,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", metavar="SET", default=[], help="sets to take; else all")
    parser.add_argument("--parts", nargs="+", metavar="NAME", choices=PARTS, default=["table"])
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--effort", type=float, default=1.0, help="of the table, ablations, bands and mixed")
    parser.add_argument("--rows", type=int, help="rows of each series that `mixed` shows at most")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has deep-river")
    parser.add_argument("--out", type=Path, help="folder for quality.md and quality.json")
    return parser


if __name__ == "__main__":
    main()
