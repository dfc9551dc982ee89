"""What less learning costs, and saves."""

from collections.abc import Mapping, Sequence

import msgspec

from tests.benchmarks.quality.case import Case, Outcome, run
from tests.benchmarks.quality.markdown import grid
from tests.benchmarks.quality.reference import Baselines
from tests.benchmarks.quality.table import tabulated
from tests.benchmarks.quality.workers import Start

EFFORTS = (0.01, 0.1, 1.0)


class Level(msgspec.Struct, frozen=True):
    """Geometric means of ratios to the best baselines, and microseconds of CPU an observation of all sets."""

    effort: float
    mse: float
    mae: float
    microseconds: float


class Effort(msgspec.Struct, frozen=True):
    """From the least to the most."""

    levels: tuple[Level, ...]

    def markdown(self) -> str:
        """A row a level."""
        head = ["effort", "MSE over the best", "MAE over the best", "us CPU an observation"]
        rows = ([f"{lv.effort:g}", f"{lv.mse:.4f}", f"{lv.mae:.4f}", f"{lv.microseconds:.0f}"] for lv in self.levels)
        return grid(head, rows)


def effort(
    paths: Sequence[str], baselines: Mapping[str, Baselines], start: Start, efforts: Sequence[float] = EFFORTS
) -> Effort:
    """Run every set with each effort."""
    begun = [[start(run, Case(path, effort=each)) for path in paths] for each in efforts]
    levels = (
        _level(each, [future.result() for future in futures], baselines)
        for each, futures in zip(efforts, begun, strict=True)
    )
    return Effort(tuple(levels))


def _level(effort: float, outcomes: Sequence[Outcome], baselines: Mapping[str, Baselines]) -> Level:
    means = tabulated(outcomes, baselines).means
    total = sum(outcome.microseconds * outcome.observations for outcome in outcomes)
    return Level(effort, means.mse, means.mae, total / sum(outcome.observations for outcome in outcomes))
