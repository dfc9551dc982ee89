"""Two protocols that others published numbers by, on the electricity transformer sets.

GIFT-Eval (Aksu et al. 2024), short term, ``ett1/15T`` and ``ett1/H`` (ETTm1 and its rows summed by four): 20 windows of
48 steps at the end of each column, MASE of the median and CRPS of nine quantiles. ADAPT-Z (ICLR 2026): the squared
error at every origin of the last 30 % of rows, in units of the first 60 %.

Letters: T rows, C columns, H steps, W windows, L levels.
"""

from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from lstm_stream import ANY_GAP, Bank, Hyperparameters
from pipeline.evaluation.log import Log, read_log
from pipeline.files.tables import survey
from tests.benchmarks.quality.dataset import BATCH, show
from tests.benchmarks.quality.markdown import grid
from tests.benchmarks.quality.workers import Start

Values = npt.NDArray[np.float64]
AHEAD, WINDOWS = 48, 20
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
PAST = 3000
"""Rows before the first window that are shown, beside all of them: a model that learns gains by its past."""
SUMMED = {"ett1/15T": (1, 96), "ett1/H": (4, 24)}
"""Of how many rows of ETTm1 a row is the sum, and the season."""
ADAPT_Z = {
    "ETTh1": (0.1107, 0.2942, 0.3431),
    "ETTh2": (0.0628, 0.1607, 0.2103),
    "ETTm1": (0.0509, 0.2148, 0.2865),
}
"""Its best backbone, at H = 1, 24, 48."""
SCORED = (1, 24, 48)


class Window(msgspec.Struct, frozen=True):
    """Errors in the windows of GIFT-Eval: MASE of the median and of the mean, CRPS."""

    median: float
    mean: float
    crps: float


class Gift(msgspec.Struct, frozen=True):
    """Errors by set, after 3,000 rows and after all, and of two naive forecasts, which check the protocol."""

    found: dict[str, Window]

    def markdown(self) -> str:
        """A table."""
        rows = ((name, f"{one.median:.3f}", f"{one.mean:.3f}", f"{one.crps:.3f}") for name, one in self.found.items())
        return grid(["", "MASE of the median", "of the mean", "CRPS"], rows)


class Adapt(msgspec.Struct, frozen=True):
    """Squared errors by set and horizon, over the published ones."""

    found: dict[str, dict[int, float]]

    def markdown(self) -> str:
        """A table."""
        rows = (
            [name, *(f"{own[h]:.4f} ({best:.4f})" for h, best in zip(SCORED, ADAPT_Z[name], strict=True))]
            for name, own in self.found.items()
        )
        return grid(["set (best published)", *(f"H = {h}" for h in SCORED)], rows)


def gift(path: str, start: Start) -> Gift:
    """GIFT-Eval's windows of ETTm1."""
    cases = [(path, name, past) for name in SUMMED for past in (PAST, None)]
    running = [start(_gift, case) for case in cases]
    found = {
        f"{name}, {past or 'all'} rows before": future.result()
        for (_, name, past), future in zip(cases, running, strict=True)
    }
    return Gift(found | {f"{name}, {kind}": _naive(path, name, kind) for name in SUMMED for kind in ("last", "season")})


def adapt_z(folder: Path, start: Start) -> Adapt:
    """ADAPT-Z's protocol on three sets."""
    running = {name: start(_adapt, str(folder / f"{name}.csv.gz")) for name in ADAPT_Z}
    return Adapt({name: future.result() for name, future in running.items()})


def _gift(case: tuple[str, str, int | None]) -> Window:
    path, name, past = case
    log = _summed(read_log(survey(Path(path))), SUMMED[name][0])
    values, columns = _table(log), len(log.names)
    origins = len(values) - WINDOWS * AHEAD + AHEAD * np.arange(WINDOWS) - 1
    first = 0 if past is None else origins[0] + 1 - past
    means, quantiles = _forecasts(log.cut(slice(first * columns, None)), origins - first)
    return _window(values, SUMMED[name][1], origins, means, quantiles)


def _forecasts(log: Log, origins: npt.NDArray[np.int64]) -> tuple[Values, Values]:
    """Means (W, C, H) and quantiles (W, C, H, L) of some origins."""
    bank = Bank(Hyperparameters(horizon=AHEAD, quantiles=LEVELS, step="event", max_gap=ANY_GAP, groups=True))
    wanted = np.isin(log.rows - log.rows[0], origins)
    means, quantiles, place = list[Values](), list[Values](), 0
    for batch in log.batches(BATCH):
        told, use = show(bank, batch), wanted[place : place + len(batch.values)]
        place += len(batch.values)
        means.append(told.mean[use])
        quantiles.append(told.quantiles[use])
    shape = len(origins), len(log.names), AHEAD
    return np.concatenate(means).reshape(shape), np.concatenate(quantiles).reshape(*shape, len(LEVELS))


def _naive(path: str, name: str, kind: str) -> Window:
    rows, season = SUMMED[name]
    values = _table(_summed(read_log(survey(Path(path))), rows))
    origins = len(values) - WINDOWS * AHEAD + AHEAD * np.arange(WINDOWS) - 1
    back = np.zeros(AHEAD, np.int64) if kind == "last" else np.arange(1, AHEAD + 1) - season
    back = np.where(back > 0, back - season, back)
    means = values[origins[:, None] + back].transpose(0, 2, 1)
    return _window(values, season, origins, means, np.repeat(means[..., None], len(LEVELS), -1))


def _window(values: Values, season: int, origins: npt.NDArray[np.int64], means: Values, quantiles: Values) -> Window:
    came = values[origins[:, None] + np.arange(1, AHEAD + 1)].transpose(0, 2, 1)  # (W, C, H)
    moves = np.abs(values[season:] - values[:-season])
    unit = np.stack([moves[: origin + 1 - season].mean(0) for origin in origins])  # (W, C)
    off, levels = came[..., None] - quantiles, np.asarray(LEVELS)
    losses = 2 * np.maximum(levels * off, (levels - 1) * off)
    middle = quantiles[..., LEVELS.index(0.5)]
    return Window(
        median=float((np.abs(came - middle).mean(2) / unit).mean()),
        mean=float((np.abs(came - means).mean(2) / unit).mean()),
        crps=float((losses.sum((0, 1, 2)) / np.abs(came).sum()).mean()),
    )


def _adapt(path: str) -> dict[int, float]:
    """Mean squared errors of steps 1 to H, over all origins whose first target lies late enough."""
    log = read_log(survey(Path(path)))
    values, columns = _table(log), len(log.names)
    known = values[: int(0.6 * len(values))]
    scaled = (values - known.mean(0)) / known.std(0)
    bank = Bank(Hyperparameters(horizon=AHEAD, step="event", max_gap=ANY_GAP, groups=True))
    first, row = int(0.7 * len(values)) + 95, 0
    sums, counts = np.zeros(AHEAD), np.zeros(AHEAD)
    for batch in log.batches(BATCH * columns):
        means = show(bank, batch).mean.reshape(-1, columns, AHEAD)
        for told in means:
            if first <= row < len(values) - AHEAD:
                off = (told - known.mean(0)[:, None]) / known.std(0)[:, None] - scaled[row + 1 : row + 1 + AHEAD].T
                sums, counts = sums + (off**2).sum(0), counts + columns
            row += 1
    return {h: float((sums / counts)[:h].mean()) for h in SCORED}


def _summed(log: Log, rows: int) -> Log:
    """Each so many rows of every column added up, at the time of the first."""
    if rows == 1:
        return log
    columns = len(log.names)
    values = _table(log)
    count = len(values) // rows
    kept = log.cut((log.rows % rows == 0) & (log.rows < count * rows))
    added = values[: count * rows].reshape(count, rows, columns).sum(1)
    numbers = np.repeat(np.arange(count), columns)
    return kept._replace(values=added.reshape(-1), rows=numbers, events=numbers)


def _table(log: Log) -> Values:
    """The values of a wide file, (T, C)."""
    return log.values.reshape(-1, len(log.names))
