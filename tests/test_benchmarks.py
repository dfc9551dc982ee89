"""The benchmark of forecast quality tells what is so, on sets small enough to be run at every change."""

import gzip
import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_stream import Bank, Hyperparameters
from lstm_stream.arithmetic import Floats
from tests.benchmarks.ablations import Absent, Forgetful
from tests.benchmarks.quality.__main__ import write
from tests.benchmarks.quality.alike import Family
from tests.benchmarks.quality.alike import measured as joined
from tests.benchmarks.quality.bands import Around, band
from tests.benchmarks.quality.case import Case, Outcome, run
from tests.benchmarks.quality.dataset import read
from tests.benchmarks.quality.mixed import mixed
from tests.benchmarks.quality.quantiles import LEVELS, TENTHS, Quantiles, quantiles
from tests.benchmarks.quality.reference import read_baselines
from tests.benchmarks.quality.robust import Trial, robust
from tests.benchmarks.quality.shift import Step, shifted
from tests.benchmarks.quality.shift import measured as moved
from tests.benchmarks.quality.table import Table, table
from tests.benchmarks.quality.workers import at_once
from tests.cells import stepped

INPUTS, UNITS, HORIZON = 5, 6, 3
SEEDS = st.integers(0, 2**32 - 1)


def at(hour: int) -> int:
    """Seconds since the epoch of so many hours after the start of 2024."""
    return 1_704_067_200 + 3600 * hour


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two sets, one of them wide, and what baselines would reach on them."""
    generator = np.random.default_rng(0)
    hours = np.arange(240)
    waves = np.sin(hours[:, None] * 2 * np.pi / 24 + np.arange(2)) + 0.1 * generator.normal(size=(240, 2))
    _save(tmp_path / "wide.csv.gz", "timestamp,a,b", [f"{at(h)},{x:.4f},{y:.4f}" for h, (x, y) in enumerate(waves)])
    noise = generator.normal(size=240)
    _save(tmp_path / "long.csv.gz", "series,timestamp,value", [f"n,{at(h)},{x:.4f}" for h, x in enumerate(noise)])
    best = {
        str(h): {"mse": {"value": 0.5, "model": "x"}, "mae": {"value": 0.25, "model": "y"}, "mase": {}}
        for h in (1, 24, 48)
    }
    for each in best.values():
        each["mase"] = {"value": 1.0, "model": "z"}
    told = {name: {"models": {"x": {}}, "best": best} for name in ("wide", "long")}
    (tmp_path / "baselines.json").write_text(json.dumps(told))
    return tmp_path


def _save(path: Path, head: str, rows: list[str]) -> None:
    with gzip.open(path, "wt") as file:
        file.write("\n".join([head, *rows]) + "\n")


def test_the_table_tells_how_the_errors_of_each_set_compare_to_the_best_baselines(folder: Path) -> None:
    paths = [str(folder / f"{name}.csv.gz") for name in ("wide", "long")]
    found = table(paths, read_baselines(folder), 0.1, at_once)
    alone: Outcome = run(Case(paths[1], effort=0.1))
    assert [row.name for row in found.rows] == ["wide", "long"]
    for horizon, cell in found.rows[1].cells.items():
        assert cell.score == alone.scores[horizon]
        assert cell.score.mse is not None
        assert cell.mse_ratio == pytest.approx(cell.score.mse / 0.5)
    ratios = [cell.mae_ratio for row in found.rows for cell in row.cells.values()]
    assert found.means.mae == pytest.approx(float(np.exp(np.mean(np.log(ratios)))))
    assert found.means.worst_mae == max(ratios)


def test_what_is_written_can_be_read_again(folder: Path) -> None:
    found = table([str(folder / "long.csv.gz")], read_baselines(folder), 0.1, at_once)
    write(folder / "out", {"table": found})
    told = msgspec.json.decode((folder / "out" / "quality.json").read_bytes(), type=dict[str, Table])
    assert told == {"table": found}
    lines = (folder / "out" / "quality.md").read_text().splitlines()
    assert sum(line.startswith("| long |") for line in lines) == 1


def test_coverage_and_loss_of_quantiles_are_those_of_the_definition(folder: Path) -> None:
    path = str(folder / "long.csv.gz")
    found = quantiles([path], 0.1, at_once)
    data, bank = read(path), Bank(Hyperparameters(horizon=48, step="event", effort=0.1, quantiles=LEVELS))
    forecasts = bank.observe(["n"] * 240, data.log.times, data.log.values)
    first, last = data.came.score_from[0] - 1, data.came.score_to[0] - 24
    told = np.array([forecasts.quantiles[row, :24] for row in range(first, last)])  # (T, 24, L)
    came = np.array([data.log.values[row + 1 : row + 25] for row in range(first, last)])
    cell = found.rows[0].cells[24]
    assert cell.coverage == pytest.approx([(came <= told[:, :, place]).mean() for place in range(len(LEVELS))])
    off = [came - told[:, :, LEVELS.index(round(level, 1))] for level in TENTHS]
    loss = np.mean([np.where(d > 0, level * d, (level - 1) * d).mean() for level, d in zip(TENTHS, off, strict=True)])
    assert cell.crps == pytest.approx(2 * loss / data.came.unit[0])
    assert cell.ordered
    again = msgspec.json.decode(msgspec.json.encode(found), type=Quantiles)
    assert again.markdown() == found.markdown()
    assert "| long |" in found.markdown()


def test_one_set_alone_in_a_mixed_bank_is_as_in_a_bank_without_groups(folder: Path) -> None:
    found = mixed([str(folder / "long.csv.gz")], 0.1, 200, at_once)
    assert found.ratio == found.ratio_without_groups == pytest.approx(1.0)  # names decide what is replayed


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_an_absent_network_says_no_change_whatever_it_is_shown(seed: int) -> None:
    network, (x, hidden, cell) = Absent(INPUTS, UNITS, HORIZON, seed), _shown(seed)
    assert not stepped(network, x[0], hidden, cell)[2].any()
    assert not network.unroll(*map(torch.from_numpy, (x, hidden, cell))).detach().numpy().any()


def test_an_absent_network_learns_nothing_of_what_it_says() -> None:
    bank = Bank(Hyperparameters(horizon=HORIZON, window=8, memory=64), Absent)
    values = np.random.default_rng(0).normal(size=200)
    bank.observe(["a"] * len(values), 3_600_000_000 * np.arange(len(values)), values)
    assert bank.diagnostics.updates > 0
    assert bank.diagnostics.skipped == 0


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_a_forgetful_network_says_the_same_whatever_was_carried_to_it(seed: int) -> None:
    network, (x, hidden, cell) = _with_a_head(seed), _shown(seed)
    told = stepped(network, x[0], hidden, cell)[2]
    assert told.any()
    np.testing.assert_allclose(told, stepped(network, x[0], 0 * hidden, -cell)[2], atol=1e-5)


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_a_forgetful_network_learns_from_what_it_would_have_said(seed: int) -> None:
    network, (x, hidden, cell) = _with_a_head(seed), _shown(seed)
    unrolled = network.unroll(*map(torch.from_numpy, (x, hidden, cell))).detach().numpy()
    told = np.stack([stepped(network, one, hidden, cell)[2] for one in x])
    np.testing.assert_allclose(unrolled, told, rtol=1e-4, atol=1e-6)


def _shown(seed: int) -> tuple[Floats, Floats, Floats]:
    """Inputs (4, 8, F) and states (8, U)."""
    generator = np.random.default_rng(seed)
    shapes = ((4, 8, INPUTS), (8, UNITS), (8, UNITS))
    x, hidden, cell = (generator.normal(size=shape).astype(np.float32) for shape in shapes)
    return x, hidden, cell


def _with_a_head(seed: int) -> Forgetful:
    """A fresh head says nothing."""
    network = Forgetful(INPUTS, UNITS, HORIZON, seed)
    with torch.no_grad():
        network.head.weight.uniform_(-1, 1, generator=torch.Generator().manual_seed(seed))
    return network


def test_naive_bands_hold_what_they_are_meant_to(tmp_path: Path) -> None:
    walk = np.cumsum(np.random.default_rng(1).normal(size=(3000, 2)), 0)
    rows = [f"{at(hour)},{x:.4f},{y:.4f}" for hour, (x, y) in enumerate(walk)]
    _save(tmp_path / "walk.csv.gz", "timestamp,a,b", rows)
    for horizon, score in band(Around(str(tmp_path / "walk.csv.gz"), "last_value")).items():
        assert score.coverage == pytest.approx(0.9, abs=0.02 if horizon == 1 else 0.04)


def test_a_shift_moves_every_series_by_its_own_unit_and_no_row_before_it(folder: Path) -> None:
    still = read(str(folder / "wide.csv.gz"))
    stirred = shifted(still, Step("", at=180, until=240, by=3.0))
    off = (stirred.log.values - still.log.values) / still.came.unit[still.log.series]
    np.testing.assert_allclose(off, np.where(still.log.rows < 180, 0.0, 3.0), atol=1e-9)


def test_without_a_shift_all_is_well_as_soon_as_it_is_looked_at(folder: Path) -> None:
    found = moved(Step(str(folder / "wide.csv.gz"), at=180, until=240, by=0.0, window=20))
    assert {one.error for one in found.recoveries.values()} == {20}
    assert all(set(one.error_ratios) == {1.0} for one in found.recoveries.values())


def test_whatever_comes_forecasts_are_finite(folder: Path) -> None:
    found = robust([Trial(str(folder / "long.csv.gz"), rows=120, at=60, length=8, rest=8, window=20)], at_once)
    assert all(one.finite for one in found.stirred)


def test_a_series_that_joins_its_kind_is_scored_beside_what_it_could_be_alone() -> None:
    found = joined(Family(old=6, age=60, joining=2, first=30))
    for horizon, ratio in found.ratio.items():
        others = (found.own_bank, found.last_value, found.seasonal_naive)
        assert ratio == pytest.approx(found.ours[horizon] / min(other[horizon] for other in others))
