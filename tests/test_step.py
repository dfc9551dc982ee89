"""The compiled step does what the same code does as plain Python."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lstm_stream import Bank, Expert, ExpertForecasts, Hyperparameters, Outcome
from lstm_stream.fold import go_through

TOP = Path(__file__).parent.parent
HOUR = 3_600_000_000
SERIES, ROWS = 4, 60


def told(groups: bool) -> dict[str, npt.NDArray[Any]]:
    """What a bank says of four series with gaps, missing values and outliers."""
    rules = Hyperparameters(
        horizon=5, hidden_size=6, window=8, windows=4, replay=8, memory=64, groups=groups, covariates=1
    )
    generator = np.random.default_rng(0)
    row, member = np.divmod(np.arange(SERIES * ROWS), SERIES)
    values = 10 + np.sin(row / 4 + member) * (1 + member) + generator.normal(size=len(row)) / 5
    values[generator.random(len(row)) < 0.05] = np.nan
    values[generator.random(len(row)) < 0.02] = 1e12
    values[:SERIES] = 1.0
    kept = generator.random(len(row)) > 0.05
    by_expert = ExpertForecasts.zeros(int(kept.sum()), len(Expert), rules.horizon)
    forecasts = Bank(rules).observe(
        [f"s{i}" for i in member[kept].tolist()],
        row[kept] * HOUR,
        values[kept],
        events=row[kept],
        covariates=generator.normal(size=(len(row), 1))[kept],
        by_expert=by_expert,
    )
    return {
        "outcome": forecasts.outcome,
        "mean": forecasts.mean,
        "quantiles": forecasts.quantiles,
        "surprise": forecasts.surprise,
        "scale": forecasts.scale,
        "weights": by_expert.weights,
    }


def told_elsewhere(groups: bool, folder: Path, environment: dict[str, str]) -> Mapping[str, npt.NDArray[Any]]:
    """What a bank says in a process with these environment variables."""
    file = folder / "told.npz"
    code = f"import numpy as np; from tests.test_step import told; np.savez({str(file)!r}, **told({groups}))"
    command = [sys.executable, "-W", "ignore", "-c", code]
    subprocess.run(command, check=True, cwd=TOP, env=os.environ | environment)
    found: Mapping[str, npt.NDArray[Any]] = np.load(file)
    return found


def test_no_index_of_compiled_code_is_out_of_bounds(tmp_path: Path) -> None:
    checking = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}  # code that checks is compiled apart
    checked, unchecked = told_elsewhere(True, tmp_path, checking), told(True)
    assert (checked["mean"] == unchecked["mean"]).all()


@pytest.mark.parametrize("groups", [False, True])
def test_the_compiled_step_does_what_plain_python_does(groups: bool, tmp_path: Path) -> None:
    plain, compiled = told_elsewhere(groups, tmp_path, {"NUMBA_DISABLE_JIT": "1"}), told(groups)
    assert (plain["outcome"] == compiled["outcome"]).all()
    assert (compiled["outcome"] == Outcome.FORECAST).sum() > 200
    for name in ("mean", "quantiles"):
        off = np.abs(plain[name] - compiled[name]) / compiled["scale"].reshape(-1, *(1,) * (plain[name].ndim - 1))
        assert off.max() < 0.02
    np.testing.assert_allclose(plain["surprise"], compiled["surprise"], atol=1e-3)
    np.testing.assert_allclose(plain["weights"], compiled["weights"], atol=1e-2)


def test_one_compilation_serves_every_horizon_width_and_set_of_levels() -> None:
    for horizon, units, levels in ((1, 4, (0.5,)), (7, 16, (0.1, 0.9)), (24, 48, (0.05, 0.25, 0.5, 0.75, 0.95))):
        bank = Bank(Hyperparameters(horizon=horizon, hidden_size=units, quantiles=levels, effort=0.0))
        assert np.isfinite(bank.observe(["a"], np.zeros(1, np.int64), np.ones(1)).mean).all()
    assert len(getattr(go_through, "signatures", [None])) == 1
