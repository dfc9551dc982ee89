"""The laws of the benchmark of surprise: what is put in, and what finding it is worth."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.actuals import Floats, Rows, Split
from pipeline.evaluation.log import Log
from tests.benchmarks.surprise import (
    EVERY,
    KINDS,
    Anomaly,
    Seen,
    anomalies_for,
    disturbed,
    found,
    lines,
    mean,
    outcome,
    z_scores,
)

SPLIT = Split(400, 500, 500 + 6 * EVERY)


def waves(count: int) -> Floats:
    noise: Floats = np.random.default_rng(0).normal(size=count)
    return np.sin(np.arange(count) * 2 * np.pi / 24) + noise / 10


def log_of(values: Floats) -> Log:
    count = np.arange(len(values))
    return Log(("a",), 1, 0 * count, count, 3_600_000_000 * count, values, count, np.empty((len(values), 0)))


@given(st.integers(0, 1000))
def test_anomalies_of_each_kind_lie_apart_in_the_scored_rows(seed: int) -> None:
    put = anomalies_for(waves(SPLIT.score_to), SPLIT, (seed, 0))
    assert put == anomalies_for(waves(SPLIT.score_to), SPLIT, (seed, 0))
    assert sorted(one.kind for one in put) == sorted(2 * KINDS)
    assert SPLIT.score_from <= put[0].begin
    assert all(before.end < after.begin for before, after in pairwise(put))
    assert put[-1].end < SPLIT.score_to


def test_only_what_is_labelled_changes_and_a_shift_stays() -> None:
    values = waves(100)
    put = (Anomaly("spike", 10, 11, 5.0), Anomaly("flat", 20, 40), Anomaly("shift", 60, 63, -2.0))
    change = disturbed(values, put) - values
    assert change[10] == 5
    assert np.flatnonzero(change[:60]).tolist() == [10, *range(20, 40)]
    assert (disturbed(values, put)[20:40] == values[19]).all()
    assert change[60:] == pytest.approx(-2)


def test_who_alarms_in_every_window_and_nowhere_else_is_perfect_and_who_never_does_finds_nothing() -> None:
    put = anomalies_for(waves(SPLIT.score_to), SPLIT, (0, 0))
    scores = np.zeros(SPLIT.score_to)
    silent = Seen(scores, put, SPLIT)
    marked = scores.copy()
    marked[[one.end - 1 for one in put]] = 1.0
    perfect = found([Seen(marked, put, SPLIT)], [silent], KINDS, 0.5)
    assert (perfect.precision, perfect.recall, perfect.by_luck, perfect.best_f1) == (1, 1, 0, 1)
    nothing = found([silent], [silent], KINDS, 0.5)
    assert (nothing.precision, nothing.recall) == (0, 0)


def test_the_z_score_is_in_sizes_of_the_residuals_before() -> None:
    scores = z_scores(np.array([0.0, 1.0, 0.0, 1.0, 11.0]))
    assert np.isnan(scores[:2]).all()
    assert scores[2:].tolist() == [1, 1, 10]


@pytest.mark.parametrize(("end", "put"), [(1300, 5), (2650, 12)])
def test_surprise_finds_what_is_put_into_a_season(end: int, put: int) -> None:
    one = outcome("waves", log_of(waves(end)), Rows(200, 250, end), seed=0)
    assert (one.rows, one.anomalies) == (end - 250, put)
    assert one.surprise["all"].recall == 1
    assert one.surprise["all"].recall > one.z_score["all"].recall
    assert one.surprise["all"].best_f1 > one.z_score["all"].best_f1
    assert mean([one, one]).surprise == one.surprise
    assert len(list(lines(one))) == len(KINDS) + 1
