"""Other projects that learn from each event, on one series, beside ours.

Letters: N rows, H horizons.
"""

import subprocess
import time
from pathlib import Path

import msgspec
import numpy as np

from lstm_stream import ANY_GAP, Bank, Hyperparameters
from pipeline.evaluation.actuals import Rows
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.peers import STRIDE
from pipeline.evaluation.scoring import HORIZONS, Result, Score, Scorer
from tests.benchmarks.quality import dataset
from tests.benchmarks.quality.case import HORIZON
from tests.benchmarks.quality.markdown import grid
from tests.benchmarks.quality.workers import Start

SCRIPT = Path(__file__).with_name("deep_river.py")


class Company(msgspec.Struct, frozen=True):
    """A set of one series, and the interpreter of an environment that has deep-river."""

    path: str
    python: str
    rows: int | None = None


class Peers(msgspec.Struct, frozen=True):
    """Scores and events a second of CPU, by forecaster; and why one is missing."""

    name: str
    results: dict[str, Result]
    missing: str = ""

    def markdown(self) -> str:
        """A row a forecaster."""
        errors = [f"{metric}, H = {h}" for metric in ("MSE", "MAE") for h in HORIZONS]
        rows = [_cells(name, result) for name, result in self.results.items()]
        told = f"{self.name}; the peers' longer forecasts are made, and scored, at every {STRIDE}rd row."
        return "\n\n".join([told, grid(["", *errors, "events/s"], rows), self.missing]).strip()


class _Answer(msgspec.Struct, frozen=True):
    """Of the script."""

    forecasts: list[list[float]]
    seconds: float


def _cells(name: str, result: Result) -> list[str]:
    scores = [result.horizons[h] for h in HORIZONS]
    errors = [*(score.mse for score in scores), *(score.mae for score in scores)]
    return [name, *("-" if each is None else f"{each:.4f}" for each in errors), f"{result.events_per_second:,.0f}"]


def peers(company: Company, start: Start) -> Peers:
    """Run ours, river's and deep-river's."""
    rivers, deep = start(beside_river, company), start(deep_river, company)
    results, found = rivers.result(), deep.result()
    if isinstance(found, str):
        return Peers(dataset.name_of(company.path), results, f"deep-river is missing: {found}")
    return Peers(dataset.name_of(company.path), results | {"deep-river LSTM": found})


def beside_river(company: Company) -> dict[str, Result]:
    """Ours, and river's forecasters."""
    log = dataset.read(company.path, company.rows).log
    rules = Hyperparameters(horizon=HORIZON, step="event", max_gap=ANY_GAP)
    report = evaluate(
        log,
        Bank(rules),
        horizon=HORIZON,
        quantiles=rules.quantiles,
        rows=Rows(),
        peers=True,
        clock=time.process_time,
    ).report
    return {"lstm-stream": report.model} | {f"river {name}": result for name, result in report.peers.items()}


def deep_river(company: Company) -> Result | str:
    """Its scores, or why there are none."""
    data = dataset.read(company.path, company.rows)
    asked = {"values": data.log.values.tolist(), "horizon": HORIZON, "stride": STRIDE}
    command = [company.python, "-P", str(SCRIPT)]  # -P: its folder holds no packages for it
    done = subprocess.run(command, input=msgspec.json.encode(asked), capture_output=True, check=False)
    if done.returncode:
        return done.stderr.decode(errors="replace").strip().splitlines()[-1]
    answer = msgspec.json.decode(done.stdout, type=_Answer)
    return Result(_scored(data, answer.forecasts), len(data.log.values) / answer.seconds)


def _scored(data: dataset.DataSet, forecasts: list[list[float]]) -> dict[int, Score]:
    """First steps at all rows, longer forecasts where they were asked for."""
    first, longer = Scorer(data.came, [1]), Scorer(data.came, HORIZONS)
    mean = np.full((len(forecasts), HORIZON), np.nan)  # (N, H)
    for row, ahead in enumerate(forecasts):
        mean[row, : len(ahead)] = ahead
    whole = data.log.rows % STRIDE == 0
    for scorer, chosen in ((first, slice(None)), (longer, whole)):
        means = mean[chosen]
        scorer.add(data.log.series[chosen], data.log.rows[chosen], means, np.empty((*means.shape, 0)))
    return longer.scores() | first.scores()
