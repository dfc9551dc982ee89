"""Forecast quality on real series: a row a data set, beside the best of twenty baselines on it.

    python -m tests.benchmarks.quality FOLDER [--only nyc_taxi taylor] [--variant default absent forgetful] [--jobs 2]

FOLDER holds CSV files and `baselines.json`. The protocol is prequential and leak-free: rows [0, scale) give each
series' unit, rows [score_from, score_to) are scored, each row is the next step, and the forecast of row i is taken
before row i + 1 is shown. All settings are the defaults, for every set.
"""

import argparse
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec
import numpy as np

from lstm_stream import Bank, Expert, Hyperparameters, Opinions
from lstm_stream.network import Network
from pipeline.log import Log, read_log
from pipeline.scoring import HORIZONS, Result, Rows, Score, Scorer, Truth, season_of, truth
from pipeline.tables import survey
from tests.benchmarks.ablations import Absent, Forgetful

HORIZON = 48
BATCH = 512
LEVEL = 0.9
VARIANTS: dict[str, type[Network]] = {"default": Network, "absent": Absent, "forgetful": Forgetful}
ROWS = {
    "ETTh1": Rows(2880, 3600, 14400),
    "ETTh2": Rows(2880, 3600, 14400),
    "ETTm1": Rows(4 * 2880, 4 * 3600, 4 * 14400),
}
"""Rows that are not by the share of a series' own."""


class Case(msgspec.Struct, frozen=True):
    """One data set, shown to one kind of bank."""

    path: str
    variant: str = "default"
    effort: float = 1.0

    @property
    def name(self) -> str:
        """Of the set."""
        return Path(self.path).name.removesuffix(".csv.gz")


class Outcome(msgspec.Struct, frozen=True):
    """What came of a case."""

    case: Case
    scores: dict[int, Score]
    parts: dict[str, dict[int, Score]]
    seconds: float
    observations: int


def truth_of(log: Log, rows: Rows) -> Truth:
    """What came, by series."""
    times = log.times[log.series == 0]
    season = season_of(float(np.median(np.diff(times))) / 1e6)
    return truth(log.names, [log.values[log.series == index] for index in range(len(log.names))], rows, season)


def is_wide(path: Path) -> bool:
    """Whether a file's row is one event of several series."""
    return survey(path).length > 0 and path.name.startswith(("ETT", "exchange"))


def batches(log: Log) -> Iterator[Log]:
    """Parts of a log that don't split what came at one time."""
    begin = 0
    while begin < len(log.times):
        end = int(np.searchsorted(log.times, log.times[min(begin + BATCH, len(log.times)) - 1], "right"))
        yield log.cut(slice(begin, end))
        begin = end


def run(case: Case) -> Outcome:
    """Show a set to a bank of its own."""
    path = Path(case.path)
    log, grouped = read_log(survey(path)), is_wide(path)
    came = truth_of(log, ROWS.get(case.name, Rows()))
    log = log.cut(log.rows < came.score_to[log.series])
    rules = Hyperparameters(horizon=HORIZON, step="event", effort=case.effort, groups=grouped)
    bank = Bank(rules, VARIANTS[case.variant])
    own = Scorer(came, HORIZONS, LEVEL)
    parts = {expert: Scorer(came, HORIZONS) for expert in Expert}
    nothing = np.empty((0, HORIZON, 0))
    spent = 0.0
    for batch in batches(log):
        opinions = Opinions.zeros(len(batch.times), len(Expert), HORIZON)
        begin = time.process_time()
        forecasts = bank.observe(
            [log.names[index] for index in batch.series],
            batch.times,
            batch.values,
            events=batch.times if grouped else None,
            opinions=opinions,
        )
        spent += time.process_time() - begin
        own.add(batch.series, batch.rows, forecasts.mean, forecasts.quantiles)
        for expert, scorer in parts.items():
            said = opinions.said[:, expert]
            scorer.add(batch.series, batch.rows, said, np.empty((*said.shape, 0)))
    return Outcome(
        case, own.scores(), {expert.name: scorer.scores() for expert, scorer in parts.items()}, spent, len(log.times)
    )


def geometric(ratios: Iterable[float]) -> float:
    """Geometric mean."""
    return float(np.exp(np.mean(np.log(list(ratios)))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--variant", nargs="+", default=["default"])
    parser.add_argument("--effort", type=float, default=1.0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--parts", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    best = json.loads((options.folder / "baselines.json").read_text())
    names = options.only or list(best)
    names.sort(key=lambda name: -(options.folder / f"{name}.csv.gz").stat().st_size)
    for variant in options.variant:
        cases = [Case(str(options.folder / f"{name}.csv.gz"), variant, options.effort) for name in names]
        with ProcessPoolExecutor(options.jobs) as pool:
            outcomes = {}
            for case, outcome in zip(cases, pool.map(run, cases), strict=True):
                outcomes[case.name] = outcome
                reference = {h: {m: v["value"] for m, v in by.items()} for h, by in best[case.name]["best"].items()}
                cells = []
                for h, s in outcome.scores.items():
                    b = reference[str(h)]
                    cells.append(
                        f"{h}: {s.mse / b['mse']:.3f} ({s.mse:.4f}) mae {s.mae / b['mae']:.3f} cov {100 * s.coverage:.1f} is {s.interval_score:.3f}"
                    )
                print(
                    f"{variant:9s} {case.name:22s} "
                    + " | ".join(cells)
                    + f" | {1e6 * outcome.seconds / outcome.observations:.0f} us",
                    flush=True,
                )
                if options.parts:
                    for part, scores in outcome.parts.items():
                        print(
                            "    ",
                            f"{part:26s}",
                            " ".join(
                                f"{s.mse / reference[str(h)]['mse']:.3f}" if s.mse is not None else "-"
                                for h, s in scores.items()
                            ),
                        )
        for metric in ("mse", "mae"):
            for left_out in ((), ("water_flow",)):
                ratios = [
                    getattr(o.scores[h], metric) / best[n]["best"][str(h)][metric]["value"]
                    for n, o in outcomes.items()
                    if n not in left_out
                    for h in HORIZONS
                ]
                per_h = [
                    geometric(
                        [
                            getattr(o.scores[h], metric) / best[n]["best"][str(h)][metric]["value"]
                            for n, o in outcomes.items()
                            if n not in left_out
                        ]
                    )
                    for h in HORIZONS
                ]
                print(
                    variant,
                    metric,
                    "without water" if left_out else "all",
                    f"{geometric(ratios):.4f} worst {max(ratios):.3f}",
                    [round(x, 3) for x in per_h],
                )
        if options.out:
            options.out.with_suffix(f".{variant}.json").write_bytes(msgspec.json.encode(list(outcomes.values())))


if __name__ == "__main__":
    main()
