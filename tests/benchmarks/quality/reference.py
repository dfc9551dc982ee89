"""What others reach on the same sets, and how ours compares."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from pipeline.evaluation.scoring import Score
from tests.benchmarks.quality.case import Outcome

Metric = Literal["mse", "mae", "interval_score"]

PUBLISHED = {
    "ETTh2": {1: 0.362, 24: 1.694, 48: 2.988},
    "ETTm1": {1: 0.096, 24: 0.418, 48: 0.554},
    "exchange_rate": {1: 0.0090, 24: 0.0870, 48: 0.1665},
}
"""MSE in the same units: the best of DSOF (ICLR 2025, leak-free) and at H = 1 also of PatchTST on ETTh2; on exchange
rates, which nothing published beats, the last value and 1 %."""


class Best(msgspec.Struct, frozen=True):
    """The least of many baselines, and whose it is."""

    value: float
    model: str


class Baselines(msgspec.Struct, frozen=True):
    """The best baselines on one set, by horizon and metric."""

    best: dict[int, dict[str, Best]]


def read_baselines(folder: Path) -> dict[str, Baselines]:
    """Those of each set, as `baselines.json` of a folder tells."""
    return msgspec.json.decode((folder / "baselines.json").read_bytes(), type=dict[str, Baselines])


def number(score: Score, metric: Metric) -> float:
    """One of a score's numbers; NaN where nothing was scored."""
    found: float | None = getattr(score, metric)
    return np.nan if found is None else found


def ratios(ours: Sequence[Outcome], theirs: Sequence[Outcome], metric: Metric) -> dict[str, dict[int, float]]:
    """Ours over theirs, by set and horizon."""
    return {
        our.name: {h: number(score, metric) / number(their.scores[h], metric) for h, score in our.scores.items()}
        for our, their in zip(ours, theirs, strict=True)
    }


def geometric(ratios: Iterable[float]) -> float:
    """Geometric mean."""
    return float(np.exp(np.mean(np.log(list(ratios)))))


def over_all(by_set: Mapping[str, Mapping[int, float]]) -> float:
    """Geometric mean over sets and horizons."""
    return geometric(each for by_horizon in by_set.values() for each in by_horizon.values())
