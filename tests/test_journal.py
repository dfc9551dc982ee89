"""Laws of the journal: it tells what was forecast, however the log was split, and no more than it has room for."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lstm_stream import Forecasts, Outcome
from pipeline.journal import BUDGET, LONGEST, ORIGINS, SIZE, Journal

HORIZON = 3


def forecasts(times: list[int], surprise: list[float], restart: list[bool], drifts: list[int]) -> Forecasts:
    """Forecasts whose mean is the time; with two quantiles."""
    made = Forecasts.zeros(len(times), HORIZON, 2)
    made.outcome[:], made.origin[:], made.surprise[:] = Outcome.FORECAST, times, surprise
    made.restart[:], made.drifts[:] = restart, drifts
    made.mean[:] = np.asarray(times)[:, None] + np.arange(HORIZON) / 8
    made.quantiles[:, :, 0], made.quantiles[:, :, 1] = made.mean - 1, made.mean + 2
    return made


def noted(
    rows: list[int], cuts: list[int], watched: tuple[int, ...] = (), restarts: frozenset[int] = frozenset()
) -> Journal:
    """A journal of observations of these series at times 1, 2, ..., in parts."""
    journal = Journal()
    journal.watch(watched)
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    restart = [rows.index(row) == n or n in restarts for n, row in enumerate(rows)]
    scores = [((row * 31 + n * 17) % 100) / 100 for n, row in enumerate(rows)]
    for a, b in pairwise(edges):
        part = forecasts(list(range(a + 1, b + 1)), scores[a:b], restart[a:b], [n // 50 for n in range(a, b)])
        journal.note(np.asarray(rows[a:b], np.int64), part, max(rows, default=0) + 1)
    return journal


@given(
    st.lists(st.integers(0, 5), max_size=400), st.lists(st.integers(0, 400), max_size=5), st.sets(st.integers(0, 400))
)
def test_it_tells_the_same_however_the_log_was_split(rows: list[int], cuts: list[int], restarts: set[int]) -> None:
    whole, parts = (noted(rows, some, (1, 2), frozenset(restarts)) for some in ([], cuts))
    for row in range(7):
        for one, other in zip(whole.entries(row), parts.entries(row), strict=True):
            np.testing.assert_array_equal(one, other)
        assert whole.restarts(row) == parts.restarts(row)
        assert [one.origin for one in whole.track(row)] == [one.origin for one in parts.track(row)]
    assert whole.drifts == parts.drifts
    for one, other in zip(whole.surprises(9), parts.surprises(9), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_last_entries_of_each_series_are_kept_in_the_order_of_the_log() -> None:
    journal = noted([0, 1] * 200, [])
    entries = journal.entries(1)
    assert entries.time.tolist() == list(range(2, 401, 2))[-LONGEST:]
    np.testing.assert_array_equal(entries.mean, entries.time)
    np.testing.assert_array_equal((entries.low, entries.high), (entries.mean - 1, entries.mean + 2))
    assert len(journal.entries(2).time) == 0


def test_a_series_that_starts_again_has_nothing_of_before() -> None:
    journal = noted([0] * 10, [5], (0,), frozenset({7}))
    assert journal.entries(0).time.tolist() == [8, 9, 10]
    assert journal.restarts(0) == [8]
    assert [one.origin for one in journal.track(0)] == [8, 9, 10]


def test_what_was_not_forecast_is_not_noted() -> None:
    journal, made = Journal(), forecasts([1, 2], [0.5, 0.5], [True, False], [0, 0])
    made.outcome[1] = Outcome.LATE
    journal.note(np.asarray([0, 0]), made, 1)
    assert journal.entries(0).time.tolist() == [1]


def test_many_series_share_the_room() -> None:
    journal, many = Journal(), 100_000
    for start in range(0, many, 10_000):
        rows = np.arange(start, start + 10_000)
        for time in (1, 2, 3, 4, 5):
            part = forecasts([time] * len(rows), [0.5] * len(rows), [time == 1] * len(rows), [0] * len(rows))
            journal.note(rows, part, start + 10_000)
    assert sum(ring.nbytes for ring in journal._rings) <= BUDGET + 8 * 2 * many
    kept = journal.entries(7).time.tolist()
    assert kept == [1, 2, 3, 4, 5][-len(kept) :]
    assert len(kept) >= 4
    assert BUDGET // SIZE // many >= 4


def test_whole_forecasts_are_kept_only_while_a_series_is_watched() -> None:
    journal = noted([0, 1] * (ORIGINS + 10), [], (1,))
    track = journal.track(1)
    assert (len(track), track[-1].origin, track[-1].mean.tolist()) == (ORIGINS, 532, [532, 532.125, 532.25])
    assert journal.track(0) == ()
    journal.watch(())
    assert journal.track(1) == ()


def test_drifts_are_told_at_the_time_of_the_observation_at_which_they_were_noticed() -> None:
    assert list(noted([0] * 160, [3, 90]).drifts) == [51, 101, 151]


def test_the_largest_of_the_last_scores_stays_for_a_while() -> None:
    journal = Journal()
    scores = [0.1, 0.999, *[0.2] * 10]
    count = len(scores)
    made = forecasts(list(range(count)), scores, [True] + [False] * (count - 1), [0] * count)
    journal.note(np.zeros(count, np.int64), made, 1)
    latest, largest = journal.surprises(2)
    np.testing.assert_allclose((latest[0], largest[0]), (0.2, 0.999), rtol=1e-6)
    assert np.isnan([latest[1], largest[1]]).all()
