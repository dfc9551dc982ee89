"""The laws of NAB's scoring, against cases worked by hand from its documentation."""

import math

import numpy as np
import pytest

from lstm_stream.arithmetic import Doubles
from tests.benchmarks.nab import PROFILES, Profile, Told, Window, probation, rewards_of, score

STANDARD, LOW_FP, LOW_FN = PROFILES
ROWS = 1000
WINDOW = Window(500, 599)


def sigmoid(place: float) -> float:
    """2 / (1 + e^(5 place)) - 1, as the documentation writes it."""
    return 2 / (1 + math.exp(5 * place)) - 1


def alarms(*rows: int) -> Doubles:
    scores = np.zeros(ROWS)
    scores[list(rows)] = 1.0
    return scores


def points(scores: Doubles, profile: Profile, *windows: Window) -> float:
    return score([Told(scores, windows)], profile).points


@pytest.mark.parametrize("profile", PROFILES)
def test_an_alarm_at_each_windows_first_row_is_perfect_and_none_at_all_is_nothing(profile: Profile) -> None:
    other = Window(800, 849)
    assert points(alarms(500, 800), profile, WINDOW, other) == pytest.approx(100)
    assert points(np.zeros(ROWS), profile, WINDOW, other) == 0


def test_an_alarm_is_worth_the_less_the_later_it_comes_in_its_window() -> None:
    rewards, windows = rewards_of(ROWS, [WINDOW])
    assert rewards[500] == pytest.approx(1)
    assert rewards[550] == pytest.approx(sigmoid(-0.5) / sigmoid(-1))
    assert rewards[599] == pytest.approx(sigmoid(-0.01) / sigmoid(-1))
    assert (windows[500:600] == 0).all()
    assert (np.delete(windows, np.s_[500:600]) == -1).all()


def test_a_false_alarm_costs_all_before_a_window_and_less_right_behind_it() -> None:
    rewards, _ = rewards_of(ROWS, [WINDOW])
    assert (rewards[:500] == -1).all()
    assert rewards[600] == pytest.approx(sigmoid(1 / 99))
    assert rewards[698] == pytest.approx(sigmoid(1))
    assert rewards[897:] == pytest.approx(-1)  # more than three widths behind


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (STANDARD, 100 * (1 - 0.11 + 1) / 2),
        (LOW_FP, 100 * (1 - 0.22 + 1) / 2),
        (LOW_FN, 100 * (1 - 0.11 + 2) / 3),
    ],
)
def test_one_false_alarm_beside_a_perfect_one_costs_the_profiles_weight(profile: Profile, expected: float) -> None:
    assert points(alarms(300, 500), profile, WINDOW) == pytest.approx(expected)


def test_of_a_window_the_first_alarm_counts_and_more_of_them_for_nothing() -> None:
    late = 100 * (sigmoid(-0.5) / sigmoid(-1) + 1) / 2
    assert points(alarms(550), STANDARD, WINDOW) == pytest.approx(late)
    assert points(alarms(*range(550, 600)), STANDARD, WINDOW) == pytest.approx(late)


def test_what_is_said_in_probation_does_not_count() -> None:
    assert (probation(1000), probation(4032), probation(20_000)) == (150, 604, 750)
    assert points(alarms(*range(150), 500), STANDARD, WINDOW) == pytest.approx(100)
    assert points(alarms(150, 500), STANDARD, WINDOW) < 100


def test_one_threshold_is_best_for_all_files_together() -> None:
    quiet, loud = alarms(500) * 0.5, alarms(300, 301) * 0.7
    told = [Told(quiet, (WINDOW,)), Told(loud, ())]
    both = score(told, STANDARD)
    assert (both.threshold, both.found, both.false) == (0.5, 1, 2)
    assert both.points == pytest.approx(100 * (2 - 0.22) / 2)
    rather_silent = score([told[0], Told(alarms(*range(200, 300)), ())], STANDARD)
    assert (rather_silent.points, rather_silent.found) == (0, 0)
