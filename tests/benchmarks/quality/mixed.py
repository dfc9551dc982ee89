"""All series of all sets in one bank, beside a bank for each set.

Sets are interleaved by the time since each one's start; a series keeps its own time stamps. There are no groups in
the one bank. Beside it stands a bank for each set as everywhere else, with groups for wide files, and one without
them, which tells what sharing the bank alone does.

Letters: N observations of all sets.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from lstm_stream import ANY_GAP, Bank, Hyperparameters
from pipeline.evaluation.actuals import Integers
from pipeline.evaluation.scoring import HORIZONS, Scorer
from tests.benchmarks.quality.case import HORIZON, Case, Outcome, run
from tests.benchmarks.quality.dataset import BATCH, DataSet, read
from tests.benchmarks.quality.markdown import by_set, verdict
from tests.benchmarks.quality.reference import over_all, ratios
from tests.benchmarks.quality.workers import Start

BAR = 1.03


class Mix(msgspec.Struct, frozen=True):
    """Which sets, and how many rows of each series at most."""

    paths: tuple[str, ...]
    effort: float = 1.0
    rows: int | None = None


class Mixed(msgspec.Struct, frozen=True):
    """MSE in one bank over MSE in a bank for each set (geometric means), and both by set and horizon."""

    rows: int | None
    ratio: float
    ratio_without_groups: float
    ratios: dict[str, dict[int, float]]
    ratios_without_groups: dict[str, dict[int, float]]

    def markdown(self) -> str:
        """The means and each ratio."""
        shown = "all rows" if self.rows is None else f"the first {self.rows} rows of each series"
        head = f"MSE in one bank over a bank for each set, {shown} (geometric mean): {verdict(self.ratio, BAR)}."
        alone = f"Had no bank groups: {self.ratio_without_groups:.4f}."
        return f"{head}\n\n{by_set(self.ratios)}\n\n{alone}\n\n{by_set(self.ratios_without_groups)}"


class _Order(NamedTuple):
    """The order in which a bank is shown several sets."""

    data: Integers  # (N,) which set
    place: Integers  # (N,) of the observation in it


def mixed(paths: Sequence[str], effort: float, rows: int | None, start: Start) -> Mixed:
    """Run all sets together, and each by itself."""
    together = start(run_mix, Mix(tuple(paths), effort, rows))
    grouped = [start(run, Case(path, effort=effort, rows=rows)) for path in paths]
    apart = [start(run, Case(path, effort=effort, rows=rows, groups=False)) for path in paths]
    ours = together.result()
    default = ratios(ours, [future.result() for future in grouped], "mse")
    alone = ratios(ours, [future.result() for future in apart], "mse")
    return Mixed(rows, over_all(default), over_all(alone), default, alone)


def run_mix(mix: Mix) -> list[Outcome]:
    """Show all sets to one bank; each is scored as by itself."""
    sets = [read(path, mix.rows) for path in mix.paths]
    bank = Bank(Hyperparameters(horizon=HORIZON, step="event", max_gap=ANY_GAP, effort=mix.effort))
    scorers = [Scorer(data.came, HORIZONS) for data in sets]
    order = _order(sets)
    for begin in range(0, len(order.data), BATCH):
        part = _Order(order.data[begin : begin + BATCH], order.place[begin : begin + BATCH])
        _show(bank, sets, part, scorers)
    counts = [len(data.log.values) for data in sets]
    pairs = zip(sets, scorers, counts, strict=True)
    return [Outcome(data.name, scorer.scores(), count, np.nan) for data, scorer, count in pairs]


def _order(sets: Sequence[DataSet]) -> _Order:
    elapsed = np.concatenate([data.log.times - data.log.times.min() for data in sets])
    order = np.argsort(elapsed, kind="stable")
    counts = [len(data.log.times) for data in sets]
    place = np.concatenate([np.arange(count) for count in counts])
    return _Order(np.repeat(np.arange(len(sets)), counts)[order], place[order])


def _show(bank: Bank, sets: Sequence[DataSet], order: _Order, scorers: Sequence[Scorer]) -> None:
    names = [f"{sets[s].name}/{sets[s].log.names[sets[s].log.series[p]]}" for s, p in zip(*order, strict=True)]
    times, values = np.empty(len(names), np.int64), np.empty(len(names))
    for index, data in enumerate(sets):
        own = order.data == index
        times[own], values[own] = data.log.times[order.place[own]], data.log.values[order.place[own]]
    forecasts = bank.observe(names, times, values)
    for index, (data, scorer) in enumerate(zip(sets, scorers, strict=True)):
        own = order.data == index
        place, mean = order.place[own], forecasts.mean[own]
        scorer.add(data.log.series[place], data.log.rows[place], mean, np.empty((*mean.shape, 0)))
