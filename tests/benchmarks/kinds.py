"""Measure errors and intervals on generated series of every kind, and print them as Markdown.

    python -m tests.benchmarks.kinds [--only WORDS] [--seeds 2]

Each kind is shown to a bank of its own. A row tells the mean squared error of the mean and the mean absolute error of
the .5 quantile, in the mean of steps 1 to H, over the least of four: last value, seasonal naive at the true season,
running mean, and the one of the model's own experts that was best in hindsight. It tells the coverage of the 90 %
interval, too: targets in it, and those that are in it and not at its ends, as of counts many are the same. The bars
are 1.10 for errors; of targets at least 85 % are to lie in the interval, and at most 95 % off its ends.

Letters: N rows, S series, H horizons, E experts.
"""

import argparse
import time
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream import Bank, Hyperparameters
from lstm_stream.experts import EXPERTS, Expert
from lstm_stream.forecasts import ExpertForecasts
from tests.benchmarks.quality.markdown import grid
from tests.kinds_of_series import KINDS, Kind, kinds, short

BAR = 1.10
"""Of errors over the best."""
LEAST, MOST = 0.85, 0.95
"""Of targets in the interval, and off its ends."""
ALIKE = 0.01
"""In standard deviations of the scored values: errors smaller than this are as good as none."""

Values = npt.NDArray[np.float64]


class Sums(NamedTuple):
    """Mean errors over origins and steps up to a horizon, of the model and of those that it is held against."""

    model: Values  # (2,) squared of the mean, absolute of the .5 quantile
    others: Values  # (2, 3 + E)
    inside: float  # share of targets
    off_ends: float


class Row(NamedTuple):
    """What came of a kind at a horizon."""

    kind: str
    horizon: int
    mse: float
    mae: float
    best: str
    inside: float
    off_ends: float

    @property
    def missed(self) -> bool:
        """Whether a bar is missed."""
        return max(self.mse, self.mae) > BAR or self.inside < LEAST or self.off_ends > MOST

    def cells(self) -> list[str]:
        """Of the table."""
        shares = [f"{100 * self.inside:.0f}", f"{100 * self.off_ends:.0f}"]
        return [
            self.kind,
            str(self.horizon),
            f"{self.mse:.2f}",
            f"{self.mae:.2f}",
            self.best,
            *shares,
            "missed" if self.missed else "",
        ]


REFERENCES = ("last value", "seasonal naive", "running mean", *(expert.name.lower() for expert in Expert))
SCORED = ("mean", "median")


class Shown(NamedTuple):
    """What was said of all rows of a kind, (N, S, ...)."""

    mean: Values  # (N, S, H)
    quantiles: Values  # (N, S, H, 3)
    experts: Values  # (N, S, E, H)


def show(kind: Kind) -> Shown:
    """Show a kind's series to a bank of their own."""
    count, series = kind.values.shape
    horizon = kind.horizon
    bank = Bank(Hyperparameters(horizon=horizon, groups=series > 1))
    by_expert = ExpertForecasts.zeros(count * series, EXPERTS, horizon)
    forecasts = bank.observe(
        [f"series {s}" for s in range(series)] * count,
        np.repeat(kind.times(), series),
        kind.values.reshape(-1),
        events=np.repeat(np.arange(count), series),
        by_expert=by_expert,
    )
    return Shown(
        forecasts.mean.reshape(count, series, horizon),
        forecasts.quantiles.reshape(count, series, horizon, 3),
        by_expert.mean.reshape(count, series, EXPERTS, horizon),
    )


def sums(kind: Kind, shown: Shown, horizon: int) -> Sums:
    """Mean errors up to a horizon."""
    count = len(kind.values)
    first = kind.scored if kind.scored >= 0 else count // 4
    errors: list[Values] = []
    inside = off_ends = total = 0
    spread = kind.values[first:].std(0)  # (S,)
    for h in range(1, horizon + 1):
        origins = np.arange(first - 1, count - h)
        if len(origins) == 0:
            continue
        target = kind.values[origins + h]
        unit = np.abs(kind.values[origins]) + 1e-9 if kind.relative else np.broadcast_to(spread + 1e-9, target.shape)
        said = [*(_naive(kind, origins, h)), *np.moveaxis(shown.experts[origins, :, :, h - 1], 2, 0)]
        low, middle, high = np.moveaxis(shown.quantiles[origins, :, h - 1], 2, 0)
        every = np.stack([shown.mean[origins, :, h - 1], middle, *said])
        errors.append(((every - target) / unit).reshape(len(every), -1))
        slack = ALIKE * unit
        inside += int(np.count_nonzero((low <= target) & (target <= high)))
        off_ends += int(np.count_nonzero((low + slack < target) & (target < high - slack)))
        total += target.size
    together = np.concatenate(errors, 1)
    squared, absolute = (together**2).mean(1), np.abs(together).mean(1)
    return Sums(
        np.asarray([squared[0], absolute[1]]), np.stack([squared[2:], absolute[2:]]), inside / total, off_ends / total
    )


def _naive(kind: Kind, origins: npt.NDArray[np.int64], h: int) -> list[Values]:
    """Last value, seasonal naive, running mean."""
    values = kind.values
    mean = np.cumsum(values, 0)[origins] / (origins + 1)[:, None]
    if not kind.season:
        return [values[origins], np.full_like(mean, np.nan), mean]
    before = origins + h - kind.season * -(-h // kind.season)
    seasonal = np.where(before[:, None] >= 0, values[np.maximum(before, 0)], np.nan)
    return [values[origins], seasonal, mean]


def row(name: str, horizon: int, found: list[Sums]) -> Row:
    """Of several series of a kind."""
    model = np.mean([one.model for one in found], 0)
    others = np.mean([one.others for one in found], 0)
    floor = np.asarray([ALIKE**2, ALIKE])
    best = np.nanmin(others, 1)
    mse, mae = (model + floor) / (best + floor)
    return Row(
        kind=name,
        horizon=horizon,
        mse=float(mse),
        mae=float(mae),
        best=REFERENCES[int(np.nanargmin(others[0]))].replace("_", " "),
        inside=float(np.mean([one.inside for one in found])),
        off_ends=float(np.mean([one.off_ends for one in found])),
    )


def rows(every: Iterable[Kind]) -> list[Row]:
    """Show all kinds; those of the same name make one row a horizon."""
    by_name = sorted(every, key=lambda kind: kind.name)
    order = [*KINDS]
    result = []
    for name, same in groupby(by_name, key=lambda kind: kind.name):
        found: dict[int, list[Sums]] = {}
        for kind in same:
            shown = show(kind)
            for horizon in (1, kind.horizon):
                found.setdefault(horizon, []).append(sums(kind, shown, horizon))
        result += [row(name, horizon, one) for horizon, one in found.items()]
    return sorted(result, key=lambda one: order.index(one.kind) if one.kind in KINDS else len(order))


def markdown(found: list[Row]) -> str:
    """The table, and which rows miss."""
    head = ["kind", "H", "MSE", "MAE", "best in MSE", "inside, %", "off the ends, %", ""]
    missed = [one for one in found if one.missed]
    names = "; ".join(f"{one.kind} ({one.horizon})" for one in missed)
    return f"{grid(head, (one.cells() for one in found))}\n\n{len(missed)} of {len(found)} rows miss: {names or 'none'}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    begin = time.process_time()
    every = [
        kind for seed in range(options.seeds) for kind in (*kinds(seed), *short(seed)) if options.only in kind.name
    ]
    print(markdown(rows(every)))
    print(f"\n{sum(kind.values.size for kind in every):,} values, {time.process_time() - begin:.0f} s of CPU")


if __name__ == "__main__":
    main()
